"""Layout of deepinv: DnCNN without batch normalisation. Its DRUNet has the layout ``kair-drunet``."""

from __future__ import annotations

import re

from normeq.denoisers.foreign.layouts import Layout, Plan, Shapes, kernel, numbers, plain_variant

DNCNN = re.compile(r"(in_conv|out_conv|conv_list\.\d+)\.(weight|bias)")


def dncnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """y + net(y): the last convolution of ours has the other sign."""
    first, last = kernel(shapes, "in_conv.weight"), kernel(shapes, "out_conv.weight")
    hidden = numbers(shapes, "conv_list.", ".weight")[-1] + 1
    if first[1] != last[0]:
        return None
    names = {0: "in_conv", 2 + 2 * hidden: "out_conv"} | {2 + 2 * i: f"conv_list.{i}" for i in range(hidden)}

    def theirs(key: str) -> str:
        _, number, name = key.split(".")
        return f"{names[int(number)]}.{name}"

    return Plan(
        "plain",
        plain_variant(shapes, variant, "in_conv"),
        {"depth": hidden + 2, "channels": first[0], "image_channels": last[0], "residual": True},
        theirs,
        negated=frozenset(f"layers.{2 + 2 * hidden}.{name}" for name in ("weight", "bias")),
    )


LAYOUTS = (Layout("deepinv-dncnn", "DnCNN of deepinv", DNCNN, dncnn),)
