"""Every layout in every form, small: what is in the file, what its program computes, what it is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from tests.denoisers.foreign import reference as r


@dataclass(frozen=True)
class Case:
    """A state dict and its forward.

    Attributes:
        name: of the test, and of the file.
        layout, variant: what it must be taken for.
        make: the state dict.
        forward: from state dict, image and σ.
        image: channels of the image.
        sigma: σ in the units of the image, None for a blind network.
        asked: options of the import.
    """

    name: str
    layout: str
    variant: str
    make: Callable[[], r.State]
    forward: r.Forward
    image: int = 1
    sigma: float | None = None
    asked: tuple[tuple[str, Any], ...] = ()

    def state(self) -> r.State:
        torch.manual_seed(3)
        return self.make()


def _all() -> list[Case]:
    cases = []
    for image, shade in ((1, "gray"), (3, "color")):
        for depth in (5, 2):
            cases.append(
                Case(f"dncnn{depth}_{shade}", "kair-dncnn", "ordinary",
                     partial(r.stack, "model", image, image, depth, 6), r.kair_dncnn, image)
            )  # fmt: skip
        cases += [
            Case(f"dncnn_bias_free_{shade}", "kair-dncnn", "scale",
                 partial(r.stack, "model", image, image, 5, 6, bias=False), r.kair_dncnn, image),
            Case(f"dncnn_norm_{shade}", "kair-dncnn", "ordinary",
                 partial(r.stack, "model", image, image, 5, 7, norm=True), r.kair_dncnn, image),
            Case(f"ircnn_{shade}", "kair-ircnn", "ordinary",
                 partial(r.stack, "model", image, image, 7, 6), r.kair_ircnn, image),
            Case(f"dncnn7_{shade}", "kair-dncnn", "ordinary",
                 partial(r.stack, "model", image, image, 7, 6), r.kair_dncnn, image,
                 asked=(("layout", "kair-dncnn"),)),
            Case(f"fdncnn_{shade}", "kair-fdncnn", "ordinary",
                 partial(r.stack, "model", image + 1, image, 5, 6), r.kair_fdncnn, image, 0.1),
            Case(f"ffdnet_{shade}", "kair-ffdnet", "ordinary",
                 partial(r.stack, "model", 4 * image + 1, 4 * image, 5, 6), r.kair_ffdnet, image, 0.1),
        ]  # fmt: skip
        for sigma, told in ((None, "blind"), (0.1, "map")):
            into = image + (sigma is not None)
            for bias in (False, True):
                variant = "ordinary" if bias else "scale"
                cases.append(
                    Case(f"drunet_{shade}_{told}_{variant}", "kair-drunet", variant,
                         partial(r.kair_drunet_state, into, image, bias=bias), r.kair_drunet, image, sigma)
                )  # fmt: skip
            for variant in ("ordinary", "scale", "norm"):
                cases.append(
                    Case(f"authors_fdncnn_{shade}_{told}_{variant}", "authors-fdncnn", variant,
                         partial(r.authors_fdncnn_state, variant, into, image),
                         partial(r.authors_fdncnn, variant=variant), image, sigma,
                         (("variant", variant),))
                )  # fmt: skip
                cases.append(
                    Case(f"authors_drunet_{shade}_{told}_{variant}", "authors-drunet", variant,
                         partial(r.authors_drunet_state, variant, into, image),
                         partial(r.authors_drunet, variant=variant), image, sigma)
                )  # fmt: skip
        for bias in (True, False):
            variant = "ordinary" if bias else "scale"
            cases += [
                Case(f"mohan_{shade}_{variant}", "mohan-dncnn", variant,
                     partial(r.mohan_state, bias, image), r.mohan, image),
                Case(f"deepinv_{shade}_{variant}", "deepinv-dncnn", variant,
                     partial(r.deepinv_state, bias, image), r.deepinv, image),
            ]  # fmt: skip
    return cases


CASES = _all()
BY_NAME = {case.name: case for case in CASES}
