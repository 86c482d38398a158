"""``normeq.certify``: is this callable equivariant? A verdict in two arithmetics, from measured defects."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normeq.equivariance.changes import KINDS, SCALES, SHIFTS, Change, changes, verdict
from normeq.equivariance.defect import Defect, defect
from normeq.equivariance.numbers import in_float64
from normeq.errors import NormeqError
from normeq.nn.inputs import real_array
from normeq.nn.wrapper import NormalizationWrapper

SIDE = 48  # of the image that is used where none is given
LEVEL = 0.1  # its noise level, for denoisers that have to be told one
SIGNS = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True)
class Measured:
    """One change of range in one arithmetic.

    Attributes:
        change: what was done to the image.
        dtype: number format, ``float64`` or ``float32``.
        defect: how far f(λy + μ) was from λf(y) + μ; None where there is no number.
        error: why there is none: the denoiser refused that range, or answered with NaN or infinity, or the
            image does not fit that number format.
    """

    change: Change
    dtype: str
    defect: Defect | None
    error: str = ""

    @property
    def relative(self) -> float:
        """The relative defect; infinite where there is none."""
        return math.inf if self.defect is None else self.defect.relative


@dataclass(frozen=True)
class Certificate:
    """What :func:`certify` found; as text, a table.

    Attributes:
        rows: every change in every arithmetic.
    """

    rows: tuple[Measured, ...]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The arithmetics, finest first."""
        return tuple(dict.fromkeys(row.dtype for row in self.rows))

    def worst(self, kind: str, dtype: str) -> float:
        """Largest relative defect; infinite where a change was refused.

        Args:
            kind: ``scale``, ``shift``, ``joint`` (those two and both together) or ``repeat``.
            dtype: one of :attr:`dtypes`.
        """
        kinds = KINDS.get(kind, (kind,))
        return max(row.relative for row in self.rows if row.dtype == dtype and row.change.kind in kinds)

    def verdict(self, kind: str, dtype: str | None = None) -> bool | None:
        """Whether it is equivariant to ``scale``, ``shift`` or both (``joint``): the largest relative defect
        is at most √ε. None where two calls on one image differ by more than that.

        Args:
            kind: ``scale``, ``shift`` or ``joint``.
            dtype: one of :attr:`dtypes`; the finest if left out.
        """
        dtype = dtype or self.dtypes[0]
        eps = torch.finfo(getattr(torch, dtype)).eps
        return verdict(self.worst(kind, dtype), self.worst("repeat", dtype), eps)

    @property
    def scale_equivariant(self) -> bool | None:
        """f(λy) = λf(y), in the finest arithmetic."""
        return self.verdict("scale")

    @property
    def shift_equivariant(self) -> bool | None:
        """f(y + μ) = f(y) + μ, in the finest arithmetic."""
        return self.verdict("shift")

    @property
    def normalization_equivariant(self) -> bool | None:
        """f(λy + μ) = λf(y) + μ, in the finest arithmetic."""
        return self.verdict("joint")

    @property
    def errors(self) -> tuple[str, ...]:
        """Why there are changes without a number; each reason once."""
        return tuple(dict.fromkeys(row.error for row in self.rows if row.error))

    def __str__(self) -> str:
        lines = ["".join([f"{'':9}", *(f"{kind:>12}" for kind in KINDS)])]
        for dtype in self.dtypes:
            cells = (f"{SIGNS[self.verdict(k, dtype)]} {self.worst(k, dtype):.1e}" for k in KINDS)
            lines.append("".join([f"{dtype:9}", *(f"{cell:>12}" for cell in cells)]))
        return "\n".join([*lines, *self.errors])


def certify(
    denoise: Callable[..., Any],
    y: Tensor | np.ndarray | None = None,
    *,
    sigma: float | None = None,
    scales: Iterable[float] = SCALES,
    shifts: Iterable[float] | None = None,
) -> Certificate:
    """Measure whether something is equivariant to changes of range, λy + μ.

    >>> print(normeq.certify(network))  # doctest: +SKIP
    >>> normeq.certify(network).normalization_equivariant  # doctest: +SKIP
    True

    A certificate is a measurement: ✓ holds for these changes and this image, ✗ holds for good. Of data sets,
    more arithmetics and many denoisers, the command ``normeq certify`` makes tables.

    Args:
        denoise: a :class:`torch.nn.Module` in evaluation mode (a copy of it computes in float64 too), or a
            function of tensors, or of one 2-D array.
        y: an image of the shape that it takes, any range; a function gets it as it is, array or tensor, as
            a copy. If left out, 48×48 random pixels in [0, 1], with the channels that the module names as
            ``image_channels``, and σ = 0.1 where it has to be told a noise level.
        sigma: noise level in the units of ``y``, which goes in as λσ; None for denoisers that are not told.
        scales: λ, positive, other than 1; 40 is always in.
        shifts: μ, in the units of ``y``, other than 0. Those that are left out, and 10, which is always in,
            are in units of the size of ``y``: the power of two from its largest magnitude on, which is 1
            for an image in [0, 1] and 256 for one of 8 bits.

    Returns:
        Verdicts and the numbers behind them.

    Raises:
        NormeqError: not callable; a module in training mode; it cannot denoise the image as it is; an image
            that is none, masked, or holds NaN or infinity; λ or μ cannot be had.

    Source: metric of Saied & Fleuret 2026, appendix E; the threshold is explained in docs/equivariance.md.
    """
    if not callable(denoise) or inspect.isclass(denoise):
        raise NormeqError("certify takes a torch.nn.Module or a function from images to images")
    if isinstance(denoise, nn.Module) and denoise.training:
        raise NormeqError(f"{type(denoise).__name__} is in training mode: call its eval() first")
    if sigma is None and y is None and _wants_level(denoise):
        sigma = LEVEL
    image = _image(denoise, y)
    grid = _grid(scales, shifts, _size(image))
    function = _on_tensors(denoise, image, sigma, y)
    rows = []
    for dtype in ("float64", "float32"):
        kind = getattr(torch, dtype)
        f = copy.deepcopy(denoise).to(kind) if isinstance(denoise, nn.Module) else function
        rows += [_measure(f, image, change, sigma, dtype) for change in grid]
    return Certificate(tuple(rows))


def _grid(scales: Iterable[float], shifts: Iterable[float] | None, size: float) -> list[Change]:
    """:func:`changes` of an image of that size, a power of two. Shifts that the image, or that drowns in
    them, does not feel would prove nothing of it."""
    wanted = SHIFTS if shifts is None else [shift / size for shift in shifts]
    return [replace(change, shift=change.shift * size) for change in changes(scales, wanted)]


def _size(y: Tensor) -> float:
    """The power of two from the largest |value| on; 1 of an image of zeros."""
    mantissa, exponent = math.frexp(float(y.abs().max()))
    return math.ldexp(1.0, min(exponent - (mantissa == 0.5), 1023)) if mantissa else 1.0


def _measure(
    f: Callable[..., Tensor], image: Tensor, change: Change, sigma: float | None, dtype: str
) -> Measured:
    y = image.to(getattr(torch, dtype))
    there = change.scale * y + change.shift
    limits = torch.finfo(y.dtype)
    if not there.isfinite().all():
        why = f"λ = {change.scale:g}, μ = {change.shift:g}: the changed image is not finite in {dtype}"
        return Measured(change, dtype, None, why)
    if image.any() and y.abs().max() < limits.tiny / limits.eps:
        return Measured(change, dtype, None, f"the image is too small for {dtype}")

    try:
        found = defect(f, y, change.scale, change.shift, sigma, unit=_size(there))
    except Exception as error:  # whatever the denoiser raises is why there is no number
        if change.kind == "repeat":
            raise NormeqError(f"it fails on the image as it is, in {dtype}: {_line(error)}") from error
        return Measured(change, dtype, None, f"λ = {change.scale:g}, μ = {change.shift:g}: {_line(error)}")
    if not math.isfinite(found.relative):
        why = f"λ = {change.scale:g}, μ = {change.shift:g}: NaN or infinity"
        return Measured(change, dtype, None, why)
    return Measured(change, dtype, found)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"


def _image(denoise: Callable[..., Any], y: Tensor | np.ndarray | None) -> Tensor:
    """What is denoised, as a tensor."""
    if y is None:
        channels = int(getattr(denoise, "image_channels", None) or 1)
        weight = next(denoise.parameters(), None) if isinstance(denoise, nn.Module) else None
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, channels, SIDE, SIDE, dtype=torch.float64, generator=generator)
        return image if weight is None else image.to(weight.device)
    image = in_float64(y, "certify").detach().clone()
    if image.numel() == 0:
        raise NormeqError("certify takes an image with at least one pixel")
    if not image.isfinite().all():
        raise NormeqError("the image holds NaN or infinity: fill in or cut away these pixels first")
    return image


def _on_tensors(
    function: Callable[..., Any], image: Tensor, sigma: float | None, y: Tensor | np.ndarray | None
) -> Callable[..., Tensor]:
    """A function of tensors as it is, one of arrays made one of tensors."""

    def of_arrays(x: Tensor, *level: float) -> Tensor:
        array = x.cpu().numpy()
        answer = real_array(function(array if y is not None else array[0, 0], *level), "the denoiser")
        kept = answer.dtype.kind == "f" and answer.dtype.itemsize <= 8
        dtype = answer.dtype.newbyteorder("=") if kept else np.float64
        return torch.from_numpy(np.array(answer, dtype, order="C"))

    if isinstance(function, nn.Module) or isinstance(y, Tensor):
        return function
    if isinstance(y, np.ndarray):
        return of_arrays
    try:  # nothing says which it is but its answer
        with torch.no_grad():
            answer = function(image.clone(), *(() if sigma is None else (sigma,)))
    except Exception:
        return of_arrays
    return function if isinstance(answer, Tensor) else of_arrays


def _wants_level(denoise: Callable[..., Any]) -> bool:
    """Whether a denoiser has to be told a noise level."""
    if isinstance(denoise, NormalizationWrapper) and not denoise.noise_map:
        return denoise.tells and _wants_level(denoise.network)
    if isinstance(denoise, nn.Module) and hasattr(denoise, "noise_map"):
        return bool(denoise.noise_map)
    try:
        found = inspect.signature(denoise.forward if isinstance(denoise, nn.Module) else denoise).parameters
    except (TypeError, ValueError):  # compiled functions do not say
        return False
    positional = [p for p in found.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 and positional[1].default is inspect.Parameter.empty
