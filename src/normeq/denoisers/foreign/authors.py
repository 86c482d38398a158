"""Layouts of the paper's authors: FDnCNN and DRUNet, ordinary, scale- and normalization-equivariant.

Their sort pooling pairs channels (2k, 2k + 1), ours (k, k + C/2), and their kernels telescope in that order:
``constraint: neighbours`` (:class:`normeq.nn.AffineConv2d`), so that the weights stay as they are.
"""

from __future__ import annotations

import re

from normeq.denoisers.foreign.layouts import Layout, Plan, Shapes, Undecided, agreed, kernel, numbers
from normeq.errors import NormeqError

FDNCNN = re.compile(r"fdncnn\.\d+\.(weight|bias)")
DRUNET = re.compile(
    r"m_head\.(weight|bias)|m_tail\.(weight|bias)|m_(down|up)\.\d+\.\d+\.((m_res\.\d+|conv1x1)\.)?(weight|bias)"
    r"|m_body\.\d+\.m_res\.\d+\.(weight|bias)|(m_(down|up)\.\d+\.\d+|m_body\.\d+)\.sum\.alpha|res\.\d+\.alpha"
)


def _options(variant: str) -> dict[str, str]:
    return {"constraint": "neighbours"} if variant == "norm" else {}


def fdncnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """net(y) or net(y, σ map). The two equivariant variants have the same keys and shapes."""
    last = numbers(shapes, "fdncnn.", ".weight")[-1]
    first, final = kernel(shapes, "fdncnn.0.weight"), kernel(shapes, f"fdncnn.{last}.weight")
    noise_map = first[1] - final[0]
    if noise_map not in (0, 1):
        return None
    if "fdncnn.0.bias" in shapes:
        variant = agreed("ordinary", variant, "has biases")
    elif variant is None:
        raise Undecided(("scale", "norm"))
    elif variant not in ("scale", "norm"):
        raise NormeqError(f"--variant {variant}: the network in the file has no biases: it is scale or norm")
    options = {
        "depth": 1 + last // 2, "channels": first[0], "image_channels": final[0],
        "noise_map": bool(noise_map),
    }  # fmt: skip
    return Plan(
        "fdncnn", variant, options | _options(variant), lambda key: key.replace("layers.", "fdncnn.", 1)
    )


def drunet(shapes: Shapes, variant: str | None) -> Plan | None:
    """U-Net of y or of y and the σ map, extended by the mean of the image."""
    head, tail = kernel(shapes, "m_head.weight"), kernel(shapes, "m_tail.weight")
    scales = numbers(shapes, "m_down.")[-1] + 1
    blocks = numbers(shapes, "m_body.")[-1] + 1
    noise_map = head[1] - tail[0]
    if noise_map not in (0, 1):
        return None
    if any(key.endswith("alpha") for key in shapes):
        variant = agreed("norm", variant, "has weighted skips")
    elif "m_head.bias" in shapes:
        variant = agreed("ordinary", variant, "has biases")
    else:
        variant = agreed("scale", variant, "has neither biases nor weighted skips")
    widths = [head[0]] + [kernel(shapes, f"m_down.{scale}.{blocks}.weight")[0] for scale in range(scales)]

    def theirs(key: str) -> str:
        key = re.sub(r"^up\.(\d+)\.0\.0\.", r"up.\1.0.conv1x1.", key)
        key = re.sub(r"^skips\.(\d+)\.a$", r"res.\1.alpha", key)
        key = re.sub(r"\.residual\.a$", ".sum.alpha", key)
        key = re.sub(r"\.body\.(\d)", r".m_res.\1", key)
        return re.sub(r"^(head|tail|body|down|up)\.", r"m_\1.", key)

    options = {
        "widths": widths, "blocks": blocks, "image_channels": tail[0], "noise_map": bool(noise_map),
        "margin": "mean",
    }  # fmt: skip
    return Plan("drunet", variant, options | _options(variant), theirs)


LAYOUTS = (
    Layout("authors-fdncnn", "FDnCNN of the paper's authors", FDNCNN, fdncnn),
    Layout("authors-drunet", "DRUNet of the paper's authors", DRUNET, drunet),
)
