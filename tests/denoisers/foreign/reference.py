"""Networks as other programs lay them out and compute them, in plain torch.nn.functional.

Every function gives a state dict with random values; ``FORWARD`` computes what its program computes, straight
from the state dict, (N, C, H, W) and σ in the units of the image, in the arithmetic of its tensors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def _conv(state: State, key: str, out: int, into: int, size: int, bias: bool) -> None:
    state[f"{key}.weight"] = torch.randn(out, into, size, size) * (2 / (into * size * size)) ** 0.5
    if bias:
        state[f"{key}.bias"] = 0.1 * torch.randn(out)


def _norm(state: State, key: str, channels: int) -> None:
    state[f"{key}.weight"] = torch.rand(channels) + 0.5
    state[f"{key}.bias"] = 0.1 * torch.randn(channels)
    state[f"{key}.running_mean"] = 0.1 * torch.randn(channels)
    state[f"{key}.running_var"] = torch.rand(channels) + 0.2
    state[f"{key}.num_batches_tracked"] = torch.tensor(7)


def stack(
    head: str, into: int, out: int, depth: int, channels: int, bias=True, last_bias=None, norm=False
) -> State:
    """Convolutions (with batch normalisation between if ``norm``) numbered as in a Sequential with ReLU."""
    state: State = {}
    number = 0
    for layer in range(depth):
        last = layer == depth - 1
        _conv(
            state,
            f"{head}.{number}",
            out if last else channels,
            channels if layer else into,
            3,
            bias if last_bias is None or not last else last_bias,
        )
        if norm and 0 < layer < depth - 1:
            number += 1
            _norm(state, f"{head}.{number}", channels)
        number += 2
    return state


def _run(state: State, x: Tensor, key: str, padding: int = 1, dilation: int = 1, stride: int = 1) -> Tensor:
    return F.conv2d(
        x, state[f"{key}.weight"], state.get(f"{key}.bias"), stride, padding=padding, dilation=dilation
    )


def run_stack(state: State, x: Tensor, head: str, eps: float = 1e-4, dilations=None) -> Tensor:
    order = sorted({int(key.split(".")[1]) for key in state})
    convs = [n for n in order if state[f"{head}.{n}.weight"].dim() == 4]
    for place, number in enumerate(order):
        key = f"{head}.{number}"
        if number in convs:
            dilation = dilations[convs.index(number)] if dilations else 1
            x = _run(state, x, key, dilation, dilation)
        else:
            x = F.batch_norm(
                x, state[f"{key}.running_mean"], state[f"{key}.running_var"], state[f"{key}.weight"],
                state[f"{key}.bias"], eps=eps,
            )  # fmt: skip
        if place + 1 < len(order) and order[place + 1] == number + 2:
            x = F.relu(x)
    return x


def with_map(y: Tensor, sigma: float | None) -> Tensor:
    return y if sigma is None else torch.cat([y, torch.full_like(y[:, :1], sigma)], dim=1)


def kair_dncnn(state: State, y: Tensor, sigma: float | None) -> Tensor:
    return y - run_stack(state, y, "model")


def kair_ircnn(state: State, y: Tensor, sigma: float | None) -> Tensor:
    return y - run_stack(state, y, "model", dilations=(1, 2, 3, 4, 3, 2, 1))


def kair_fdncnn(state: State, y: Tensor, sigma: float | None) -> Tensor:
    return run_stack(state, with_map(y, sigma), "model")


def kair_ffdnet(state: State, y: Tensor, sigma: float | None) -> Tensor:
    n, c, h, w = y.shape
    x = F.pad(y, (0, w % 2, 0, h % 2), mode="replicate")
    # every 2×2 block becomes 4 channels, row by row
    half = torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=2).flatten(1, 2)
    half = run_stack(state, with_map(half, sigma), "model").unflatten(1, (c, 4))
    out = torch.empty_like(x)
    for number, (i, j) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        out[:, :, i::2, j::2] = half[:, :, number]
    return out[..., :h, :w]


def _extended(y: Tensor, factor: int, mean: bool) -> Tensor:
    h, w = y.shape[-2:]
    pad = (0, -w % factor, 0, -h % factor)
    if mean:
        return F.pad(y, pad, value=float(y.mean()))  # one image at a time
    return F.pad(y, pad, mode="reflect")


def kair_drunet_state(into: int, out: int, widths=(6, 8, 10), blocks: int = 2, bias: bool = False) -> State:
    state: State = {}
    scales = len(widths) - 1
    _conv(state, "m_head", widths[0], into, 3, bias)
    for level in range(scales):
        for block in range(blocks):
            for layer in (0, 2):
                _conv(state, f"m_down{level + 1}.{block}.res.{layer}", widths[level], widths[level], 3, bias)
        _conv(state, f"m_down{level + 1}.{blocks}", widths[level + 1], widths[level], 2, bias)
    for block in range(blocks):
        for layer in (0, 2):
            _conv(state, f"m_body.{block}.res.{layer}", widths[-1], widths[-1], 3, bias)
    for level in range(scales, 0, -1):
        coarse, fine = widths[level], widths[level - 1]
        state[f"m_up{level}.0.weight"] = torch.randn(coarse, fine, 2, 2) * coarse**-0.5
        if bias:
            state[f"m_up{level}.0.bias"] = 0.1 * torch.randn(fine)
        for block in range(1, blocks + 1):
            for layer in (0, 2):
                _conv(state, f"m_up{level}.{block}.res.{layer}", fine, fine, 3, bias)
    _conv(state, "m_tail", out, widths[0], 3, bias)
    return state


def _blocks(state: State, x: Tensor, name: str) -> Tensor:
    block = 0
    while f"{name}.{block}.weight" in state or f"{name}.{block}.res.0.weight" in state:
        key = f"{name}.{block}"
        if f"{key}.res.0.weight" in state:
            x = x + _run(state, F.relu(_run(state, x, f"{key}.res.0")), f"{key}.res.2")
        elif "m_up" in name:
            x = F.conv_transpose2d(x, state[f"{key}.weight"], state.get(f"{key}.bias"), stride=2)
        else:
            x = _run(state, x, key, padding=0, stride=2)
        block += 1
    return x


def kair_drunet(state: State, y: Tensor, sigma: float | None) -> Tensor:
    h, w = y.shape[-2:]
    scales = len({key.split(".")[0] for key in state if key.startswith("m_down")})
    features = [_run(state, with_map(_extended(y, 2**scales, mean=False), sigma), "m_head")]
    for level in range(1, scales + 1):
        features.append(_blocks(state, features[-1], f"m_down{level}"))
    x = _blocks(state, features[-1], "m_body")
    for level in range(scales, 0, -1):
        x = _blocks(state, x + features[level], f"m_up{level}")
    return _run(state, x + features[0], "m_tail")[..., :h, :w]


# --- the paper's authors


def authors_kernel(weight: Tensor, free: int = 0) -> Tensor:
    """roll(w, 1) - w + 1/K over the flattened taps; the last ``free`` input channels are left out."""
    bound = weight[:, : weight.shape[1] - free]
    flat = bound.reshape(bound.shape[0], -1)
    flat = torch.roll(flat, 1, dims=1) - flat + 1 / flat.shape[1]
    return torch.cat([flat.reshape(bound.shape), weight[:, weight.shape[1] - free :]], dim=1)


def _affine(weight: Tensor, x: Tensor, stride: int = 1, free: int = 0) -> Tensor:
    side = 1 if weight.shape[-1] == 3 else 0
    x = F.pad(x, (side,) * 4, mode="reflect") if side else x
    return F.conv2d(x, authors_kernel(weight, free), stride=stride)


def _sorted(x: Tensor) -> Tensor:
    even, odd = x[:, 0::2], x[:, 1::2]
    return torch.stack([torch.minimum(even, odd), torch.maximum(even, odd)], dim=2).flatten(1, 2)


def authors_fdncnn_state(variant: str, into: int, out: int = 1, depth: int = 5, channels: int = 8) -> State:
    return stack("fdncnn", into, out, depth, channels, bias=variant == "ordinary", last_bias=False)


def authors_fdncnn(state: State, y: Tensor, sigma: float | None, variant: str) -> Tensor:
    x = with_map(y, sigma)
    if variant != "norm":
        return run_stack(state, x, "fdncnn")
    keys = sorted(state, key=lambda key: int(key.split(".")[1]))
    for number, key in enumerate(keys):
        x = _affine(state[key], x, free=int(number == 0 and sigma is not None))
        x = _sorted(x) if key != keys[-1] else x
    return x


def authors_drunet_state(variant: str, into: int, out: int = 1, widths=(4, 6, 8), blocks: int = 2) -> State:
    state: State = {}
    bias, affine, scales = variant == "ordinary", variant == "norm", len(widths) - 1

    def block(key: str, width: int) -> None:
        for layer in (0, 2):
            _conv(state, f"{key}.m_res.{layer}", width, width, 3, bias)
        if affine:
            state[f"{key}.sum.alpha"] = torch.rand(1)

    _conv(state, "m_head", widths[0], into, 3, bias)
    for level in range(scales):
        for number in range(blocks):
            block(f"m_down.{level}.{number}", widths[level])
        _conv(state, f"m_down.{level}.{blocks}", widths[level + 1], widths[level], 2, bias)
    for number in range(blocks):
        block(f"m_body.{number}", widths[-1])
    for step in range(scales):
        coarse, fine = widths[scales - step], widths[scales - step - 1]
        if affine:
            _conv(state, f"m_up.{step}.0.conv1x1", 4 * fine, coarse, 1, False)
        else:
            state[f"m_up.{step}.0.weight"] = torch.randn(coarse, fine, 2, 2) * coarse**-0.5
            if bias:
                state[f"m_up.{step}.0.bias"] = 0.1 * torch.randn(fine)
        for number in range(1, blocks + 1):
            block(f"m_up.{step}.{number}", fine)
    _conv(state, "m_tail", out, widths[0], 3, bias)
    if affine:
        state |= {f"res.{level}.alpha": torch.rand(1) for level in range(scales + 1)}
    return state


def authors_drunet(state: State, y: Tensor, sigma: float | None, variant: str) -> Tensor:
    h, w = y.shape[-2:]
    affine = variant == "norm"
    scales = len({key.split(".")[1] for key in state if key.startswith("m_down")})

    def conv(key: str, x: Tensor, stride: int = 1, free: int = 0) -> Tensor:
        if affine:
            return _affine(state[f"{key}.weight"], x, stride, free)
        return _run(state, x, key, padding=int(stride == 1), stride=stride)

    def add(key: str, x: Tensor, z: Tensor) -> Tensor:
        return state[f"{key}.alpha"] * x + (1 - state[f"{key}.alpha"]) * z if affine else x + z

    def block(key: str, x: Tensor) -> Tensor:
        inner = conv(f"{key}.m_res.0", x)
        inner = _sorted(inner) if affine else F.relu(inner)
        return add(f"{key}.sum", x, conv(f"{key}.m_res.2", inner))

    def blocks(name: str, x: Tensor, first: int = 0) -> tuple[Tensor, int]:
        while f"{name}.{first}.m_res.0.weight" in state:
            x, first = block(f"{name}.{first}", x), first + 1
        return x, first

    x = with_map(_extended(y, 2**scales, mean=True), sigma)
    features = [conv("m_head", x, free=int(sigma is not None))]
    for level in range(scales):
        x, end = blocks(f"m_down.{level}", features[-1])
        features.append(conv(f"m_down.{level}.{end}", x, stride=2))
    x, _ = blocks("m_body", features[-1])
    for step in range(scales):
        x = add(f"res.{step}", x, features[scales - step])
        if affine:
            x = F.pixel_shuffle(_affine(state[f"m_up.{step}.0.conv1x1.weight"], x), 2)
        else:
            key = f"m_up.{step}.0"
            x = F.conv_transpose2d(x, state[f"{key}.weight"], state.get(f"{key}.bias"), stride=2)
        x, _ = blocks(f"m_up.{step}", x, first=1)
    return conv("m_tail", add(f"res.{scales}", x, features[0]))[..., :h, :w]


# --- Mohan et al., deepinv


def mohan_state(bias: bool, image: int = 1, depth: int = 5, channels: int = 6) -> State:
    state: State = {}
    _conv(state, "first_layer", channels, image, 3, bias)
    for layer in range(depth - 2):
        _conv(state, f"hidden_layer_list.{layer}", channels, channels, 3, bias)
    for layer in range(depth - 2):
        _norm(state, f"bn_layer_list.{layer}", channels)
    _conv(state, "last_layer", image, channels, 3, bias)
    return state


def mohan(state: State, y: Tensor, sigma: float | None) -> Tensor:
    bias = "first_layer.bias" in state
    x, layer = F.relu(_run(state, y, "first_layer")), 0
    while f"hidden_layer_list.{layer}.weight" in state:
        x = _run(state, x, f"hidden_layer_list.{layer}")
        weight, shift, mean, variance = (
            state[f"bn_layer_list.{layer}.{name}"][:, None, None]
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        if bias:
            x = (x - mean) / torch.sqrt(variance + 1e-5) * weight + shift
        else:
            x = x / (variance**0.5 + 1e-5) * weight
        x, layer = F.relu(x), layer + 1
    return y - _run(state, x, "last_layer")


def deepinv_state(bias: bool, image: int = 1, depth: int = 5, channels: int = 6) -> State:
    state: State = {}
    _conv(state, "in_conv", channels, image, 3, bias)
    for layer in range(depth - 2):
        _conv(state, f"conv_list.{layer}", channels, channels, 3, bias)
    _conv(state, "out_conv", image, channels, 3, bias)
    return state


def deepinv(state: State, y: Tensor, sigma: float | None) -> Tensor:
    x, layer = F.relu(_run(state, y, "in_conv")), 0
    while f"conv_list.{layer}.weight" in state:
        x, layer = F.relu(_run(state, x, f"conv_list.{layer}")), layer + 1
    return y + _run(state, x, "out_conv")


Forward = Callable[[State, Tensor, float | None], Tensor]
