"""Is this denoiser equivariant to changes of range? Defects over a grid of (λ, μ), at several precisions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.denoisers.dtypes import DTYPES
from normeq.equivariance.changes import SCALES, SHIFTS, Change, changes
from normeq.suite.config.settings import Option, Planned, Settings, unique
from normeq.suite.measuring.changes import COLUMNS, published_changes
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, ImageName, Sigma, Sigmas

if TYPE_CHECKING:
    import torch

    from normeq.denoisers.open import Denoiser
    from normeq.suite.measuring.row_cache import RowCache

CLASSICAL = ("tv", "nlm", "wavelet", "bilateral", "median", "gaussian")


class Published(Settings):
    """Images and noise levels over which the published metric (Saied & Fleuret 2026, appendix E) is a mean,
    in float32; left out, it is that of the image above at every precision, and there is no figure over noise
    levels."""

    datasets: Annotated[Datasets, Option("--published-datasets")]
    sigmas: Annotated[Sigmas, Option("--published-sigmas")]


class Certificate(Settings):
    """Which denoisers are equivariant to λy + μ, measured on the middle of one noisy image
    (docs/equivariance.md)."""

    image: Annotated[ImageName, Option("--image", "skimage-test/camera")]
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    size: Annotated[
        int, Field(ge=0, description="Side of the square used, in pixels; 0 for the whole image.")
    ] = 128
    scales: Annotated[
        list[Annotated[float, Field(gt=0, json_schema_extra={"not": {"const": 1}})]],
        unique("Scales λ; the authors' 40 is always in.", least=0),
        Option("--scale"),
    ] = list(SCALES)
    shifts: Annotated[
        list[Annotated[float, Field(json_schema_extra={"not": {"const": 0}})]],
        unique("Shifts μ, in units of the nominal range [0,1]; the authors' 10 is always in.", least=0),
        Option("--shift"),
    ] = list(SHIFTS)
    dtypes: Annotated[
        list[Literal[tuple(DTYPES)]],
        unique("Precisions, tf32 on a GPU only; empty for all that the device has.", least=0),
        Option("--dtype"),
    ] = []
    also_cpu: Annotated[
        bool, Field(description="Whether the CPU is measured as well where networks run on a GPU.")
    ] = True
    published: Published | None = None
    classical: Annotated[
        list[Literal[(*CLASSICAL, "bm3d")]],
        unique(
            "Classical denoisers to certify beside those of the experiment (bm3d must be installed by hand).",
            least=0,
        ),
        Planned(),
    ] = list(CLASSICAL)

    def check(self, fail: Callable[[str, str], None]) -> None:
        if 0 < self.size < 8:
            fail("size", "must be 0 or at least 8 pixels")
        if self.published and self.dtypes and "float32" not in self.dtypes:
            fail("dtypes", "the published metric is measured in float32, which is not among them")

    def check_compared(self, fail: Callable[[str, str], None]) -> None:
        if self.dtypes and "float32" not in self.dtypes:
            fail("dtypes", "float32 is missing; tables and claims are about it")

    def datasets_read(self) -> list[str]:
        more = self.published.datasets if self.published else []
        return list(dict.fromkeys([*super().datasets_read(), *more]))


MEASUREMENT = Measurement(
    "certificate",
    Certificate,
    tuple(COLUMNS),
    reuses_rows=True,
    far=True,
    unkeyed=(("classical", None), ("also_cpu", True)),
)


def evaluate(
    denoiser: Denoiser,
    image: str | Sequence[str],
    sigma: float,
    size: int,
    scales: Sequence[float],
    shifts: Sequence[float],
    dtypes: Sequence[str],
    also_cpu: bool,
    published: Published | None,
    *,
    data_dir: str | Path,
    device: torch.device,
    row_cache: RowCache | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield one row per change of range and precision, with the keys of :data:`COLUMNS`; see
    :func:`normeq.suite.measuring.defects.certify`.

    Functions of arrays compute on the CPU, whatever the device.

    Args:
        denoiser: what is certified.
        image: ``dataset/name``, or several.
        sigma: noise level in 8-bit units.
        size: side of the square in the middle of the images that is used, in pixels; 0 for all.
        scales, shifts: λ and μ of the grid.
        dtypes: names of precisions; empty for all that the device has.
        also_cpu: whether the CPU is measured as well where the device is a GPU.
        published: images and noise levels of the published metric, in float32; None for ``image`` and
            ``sigma``, at every precision.
        data_dir, device, row_cache: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.

    Raises:
        NormeqError: a precision that the device does not have; an image that is not there; a denoiser that
            fails on the image as it is.
    """
    import torch

    from normeq.denoisers.precision import get_dtype
    from normeq.suite.measuring.batches import Image, image_files, test_images
    from normeq.suite.measuring.defects import certify, find_image

    image_files(published.datasets if published else [], data_dir)  # refused before anything is measured
    for name in dtypes:
        get_dtype(name, device)
    grid = changes(scales, shifts)
    cpu = torch.device("cpu")
    targets = [(device if isinstance(denoiser.function, torch.nn.Module) else cpu, denoiser)]
    if also_cpu and targets[0][0].type != "cpu":
        targets.append((cpu, replace(denoiser, function=copy.deepcopy(denoiser.function).to(cpu))))
    shown = [find_image(name, size, data_dir) for name in ([image] if isinstance(image, str) else image)]

    def cases(dtype: str) -> Iterator[tuple[Image, float, list[Change]]]:
        """Clean image, noise level and changes of range: the grid, and the draws of the published metric."""
        yield from ((one, sigma, grid) for one in shown)
        if published is None:
            yield from ((one, sigma, published_changes(one.dataset, one.name, sigma)) for one in shown)
        elif dtype == "float32":
            for entry in test_images(published.datasets, data_dir):
                one = Image(*entry, size)
                yield from ((one, s, published_changes(one.dataset, one.name, s)) for s in published.sigmas)

    for where, opened in targets:
        able = [name for name, one in DTYPES.items() if where.type == "cuda" or not one.tf32]
        for name in (name for name in dtypes or able if name in able):
            count = 0
            for case in cases(name):
                for row in certify(opened, *case, DTYPES[name], where, row_cache):
                    count += 1
                    yield row
            if not count:
                print(f"{denoiser.network}: does not compute in {name}, left out")
