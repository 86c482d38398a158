"""Layouts of KAIR and DPIR: DnCNN, FDnCNN, IRCNN and FFDNet under ``model.N``, and DRUNet.

DRUNet of deepinv has the same keys and computes the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from normeq.denoisers.foreign.layouts import Layout, Plan, Shapes, kernel, numbers, plain_variant

STACK = re.compile(r"model\.\d+\.(weight|bias|running_mean|running_var|num_batches_tracked)")
DRUNET = re.compile(
    r"m_head\.(weight|bias)|m_tail\.(weight|bias)|m_(down|up)\d+\.\d+\.(res\.\d+\.)?(weight|bias)"
    r"|m_body\.\d+\.res\.\d+\.(weight|bias)"
)
IRCNN = (1, 2, 3, 4, 3, 2, 1)
EPS = 1e-4  # of batch normalisation in its training form


@dataclass(frozen=True)
class Stack:
    """What the tensors say: channels of the image and of the first input, width, number of convolutions."""

    out: int
    into: int
    channels: int
    depth: int
    batch_norm: bool

    @classmethod
    def of(cls, shapes: Shapes) -> Stack:
        last = numbers(shapes, "model.", ".weight")[-1]
        batch_norm = any("running_" in key for key in shapes) or any(
            len(shape) == 1 for key, shape in shapes.items() if key.endswith("weight")
        )
        first, final = kernel(shapes, "model.0.weight"), kernel(shapes, f"model.{last}.weight")
        depth = 2 + (last - 2) // 3 if batch_norm else 1 + last // 2
        return cls(final[0], first[1], first[0], depth, batch_norm)

    def plan(self, shapes: Shapes, variant: str | None, architecture: str = "plain", **options: Any) -> Plan:
        found = plain_variant(shapes, variant, "model.0")
        size = {"depth": self.depth, "channels": self.channels}
        return Plan(architecture, found, size | options, lambda key: key.replace("layers.", "model.", 1))


def dncnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """y - net(y); 17 layers for one noise level, 20 for many."""
    stack = Stack.of(shapes)
    if stack.into != stack.out:
        return None
    norm = {"batch_norm": True, "eps": EPS} if stack.batch_norm else {}
    return stack.plan(shapes, variant, image_channels=stack.out, residual=True, **norm)


def ircnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """y - net(y) with dilated kernels. Its keys and shapes are those of a DnCNN of seven layers, which
    nobody has published."""
    stack = Stack.of(shapes)
    if stack.into != stack.out or stack.depth != len(IRCNN) or stack.batch_norm:
        return None
    return stack.plan(shapes, variant, image_channels=stack.out, residual=True, dilations=list(IRCNN))


def fdncnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """net(y, σ map)."""
    stack = Stack.of(shapes)
    if stack.into != stack.out + 1 or stack.batch_norm:
        return None
    return stack.plan(shapes, variant, image_channels=stack.out, residual=False, noise_map=True)


def ffdnet(shapes: Shapes, variant: str | None) -> Plan | None:
    """Four half-size images of every channel in and out, and a σ map."""
    stack = Stack.of(shapes)
    if stack.into != stack.out + 1 or stack.out % 4 or stack.batch_norm:
        return None
    return stack.plan(shapes, variant, "ffdnet", image_channels=stack.out // 4)


def drunet(shapes: Shapes, variant: str | None) -> Plan | None:
    """U-Net of y and, where the first kernel has one channel more than the last, of the σ map. The caller
    pads there; here the image is mirrored."""
    head, tail = kernel(shapes, "m_head.weight"), kernel(shapes, "m_tail.weight")
    scales = numbers(shapes, "m_down")[-1]
    blocks = numbers(shapes, "m_body.")[-1] + 1
    image, noise_map = tail[0], head[1] - tail[0]
    if noise_map not in (0, 1):
        return None
    widths = [head[0]] + [
        kernel(shapes, f"m_down{scale}.{blocks}.weight")[0] for scale in range(1, scales + 1)
    ]

    def theirs(key: str) -> str:
        key = re.sub(r"^down\.(\d+)", lambda m: f"m_down{int(m[1]) + 1}", key)
        key = re.sub(r"^up\.(\d+)", lambda m: f"m_up{scales - int(m[1])}", key)
        key = re.sub(r"^(head|tail|body)\.", r"m_\1.", key)
        return re.sub(r"\.body\.(\d)", r".res.\1", key)

    options = {"widths": widths, "blocks": blocks, "image_channels": image, "noise_map": bool(noise_map)}
    return Plan("drunet", plain_variant(shapes, variant, "m_head"), options, theirs)


LAYOUTS = (
    Layout("kair-ffdnet", "FFDNet of KAIR", STACK, ffdnet),
    Layout("kair-fdncnn", "FDnCNN of KAIR", STACK, fdncnn),
    Layout("kair-ircnn", "IRCNN of KAIR", STACK, ircnn),
    Layout("kair-dncnn", "DnCNN of KAIR", STACK, dncnn),
    Layout("kair-drunet", "DRUNet of DPIR, KAIR and deepinv", DRUNET, drunet),
)
