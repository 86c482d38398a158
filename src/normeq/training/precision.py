"""What a network trains in, and whether bfloat16 can be had: there are such convolutions, and right ones."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from normeq.system.arithmetic import subnormals_as_zero, tf32

log = logging.getLogger(__name__)

# oneDNN has no bfloat16 convolutions below AVX-512; PyTorch's own take ten times as long as float32
# (pytorch#183815).
WITHOUT = ("DEFAULT", "AVX2")
WRONG = 0.05  # of the values' length; rounding to 8 bits gives 0.004


@contextmanager
def training_arithmetic() -> Iterator[None]:
    """What every run computes with, whoever starts it; the caller's settings come back afterwards.

    float32 is float32, not TF32. Momenta of channels that ReLU has switched off fade into subnormal numbers,
    on which a CPU is many times slower: they are 0. cuDNN may choose its algorithms by trial.
    """
    trial = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        with tf32(False), subnormals_as_zero():
            yield
    finally:
        torch.backends.cudnn.benchmark = trial


def usable_precision(network: nn.Module, asked: str, device: torch.device, side: int) -> str:
    """The precision to train in: ``bfloat16`` where it is asked for and works, else ``float32``.

    Where it does not work, a warning says why.

    Every convolution of the network is tried on one patch in both, because single shapes have been wrong on
    single processors (pytorch#163347, pytorch#169688).

    Args:
        network: on ``device``.
        asked: ``float32`` or ``bfloat16``.
        device: where it is to train.
        side: of a training patch, in pixels.
    """
    if asked != "bfloat16":
        return asked
    reason = _lacking(device) or _wrong_layer(network, device, side)
    if not reason:
        return asked
    log.warning("%s: training in float32 instead of bfloat16", reason)
    return "float32"


def _lacking(device: torch.device) -> str:
    if device.type != "cpu" or platform.machine().lower() not in ("x86_64", "amd64"):
        return ""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"this processor has no bfloat16 convolutions ({capability})" if capability in WITHOUT else ""


@torch.no_grad()
def _wrong_layer(network: nn.Module, device: torch.device, side: int) -> str:
    """Says which convolution's bfloat16 output is not its float32 output, rounded; empty where none."""
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen.append(
                (name, module, inputs[0].float(), output.float())
            )  # copies: activations work in place

        return hook

    layers = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [module.register_forward_hook(watch(name)) for name, module in layers]
    training = network.training
    generator = torch.Generator().manual_seed(0)
    patch = torch.rand((1, 1, side, side), generator=generator).to(device)
    sigma = torch.full((1,), 0.1, device=device)
    try:
        network.eval()  # batch statistics stay as they are
        with torch.autocast(device.type, torch.bfloat16):
            network(patch.contiguous(memory_format=torch.channels_last), sigma)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    for name, module, given, got in seen:
        right = module(given)
        off = float((got - right).norm() / right.norm().clamp_min(torch.finfo(right.dtype).tiny))
        if not off < WRONG:  # nor NaN
            return f"bfloat16 misses layer {name} by {off:.0%}"
    return ""
