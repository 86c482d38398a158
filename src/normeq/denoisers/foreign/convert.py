"""From a file of another program to a network of ours, in memory and on disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normeq.denoisers import pretrained as trained
from normeq.denoisers.foreign.layouts import Layout, Plan, Undecided, recognise
from normeq.denoisers.foreign.levels import check_level, level_of, variant_of
from normeq.denoisers.foreign.read import State, read_state
from normeq.errors import NormeqError
from normeq.nn import build_network
from normeq.nn.weights import save_network
from normeq.system.provenance import file_sha256

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"  # of a network: in tables, and as a folder of results


def import_network(
    file: str | Path,
    out: str | Path | None,
    layout: str | None,
    variant: str | None,
    member: str | None,
    sigma: str | None,
    force: bool,
) -> tuple[nn.Module, dict[str, Any], str]:
    """As :func:`normeq.denoisers.foreign.import_weights`; also the description that is saved, and a line
    that says what was found."""
    file = Path(file)
    level = None if sigma is None else check_level(sigma)
    target, name = (None, file.stem) if out is None else _target(Path(out), file, force)
    if variant not in (None, "ordinary", "scale", "norm"):
        raise NormeqError(f"--variant {variant}: choose ordinary, scale or norm")
    state, member = read_state(file, member)
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    told = ""
    try:
        found, plan, prefix = recognise(shapes, variant, str(file), layout)
    except Undecided as undecided:
        guess = variant_of(file)
        if guess not in undecided.variants:
            choice = " or ".join(undecided.variants)
            raise NormeqError(
                f"{file}: its tensors fit the variants {choice} alike, and its name says neither; say which "
                f"with --variant {choice}"
            ) from None
        found, plan, prefix = recognise(shapes, guess, str(file), layout)
        told = f" (by the file's name: {guess})"
    network = convert(plan, {k.removeprefix(prefix): v for k, v in state.items()}, file, found, prefix)
    by_name = level_of(found.name, file, member) if level is None else level
    description = {
        "network": {"name": name, "architecture": plan.architecture, **plan.options},
        "variant": plan.variant,
        "imported": {
            "file": file.name,
            "sha256": file_sha256(file),
            "layout": found.name,
            "member": member,
            "train_sigma": by_name,
        },
    }
    if target is not None:
        save_network(target, network, description)
    return network, description, _line(found, plan, by_name, level is None, told)


def convert(plan: Plan, state: State, file: Path, layout: Layout, prefix: str = "") -> nn.Module:
    """Fill a network of ours with the tensors of a file.

    Args:
        plan, layout: what :func:`normeq.denoisers.foreign.layouts.recognise` found.
        state: tensors by key.
        file, prefix: for messages.

    Raises:
        NormeqError: a tensor is missing, too many, or of another shape.
    """
    try:
        with torch.device("meta"):
            network = build_network(plan.architecture, plan.variant, **plan.options)
    except NormeqError as error:
        raise NormeqError(f"{file}: looks like {layout.title}, but {error}") from None
    filled, left = {}, dict(state)
    for key, empty in network.state_dict().items():
        theirs = plan.theirs(key)
        wanted, tensor = tuple(empty.shape), left.pop(theirs, None)
        if tensor is None and key.endswith("num_batches_tracked"):  # older versions of PyTorch have none
            tensor = torch.zeros((), dtype=torch.int64)
        if tensor is None:
            raise NormeqError(
                f"{file}: looks like {layout.title}, but {prefix}{theirs} {wanted or '(1,)'} is missing"
            )
        if tensor.shape != wanted and not (wanted == () and tensor.numel() == 1):
            raise NormeqError(
                f"{file}: looks like {layout.title}, but {prefix}{theirs} has shape {tuple(tensor.shape)}, "
                f"expected {wanted or '(1,)'}"
            )
        tensor = tensor.reshape(wanted).to(empty.dtype)
        filled[key] = -tensor if key in plan.negated else tensor.clone()
    for key, tensor in left.items():
        if not plan.unused.fullmatch(key):
            raise NormeqError(
                f"{file}: looks like {layout.title}, but {prefix}{key} {tuple(tensor.shape)} has no place "
                "in it"
            )
    network.load_state_dict(filled, assign=True)
    return network.eval().requires_grad_(True)


def _target(out: Path, file: Path, force: bool) -> tuple[Path, str]:
    """File to write and name of the network.

    Raises:
        NormeqError: the name cannot be that of a network, or what is there must not be overwritten.
    """
    single = out.suffix == ".safetensors"
    name = out.stem if single else out.name
    if not re.fullmatch(NAME, name):
        raise NormeqError(f"--out {out}: its name is that of the network; use letters, digits, _, - and .")
    if name in trained.names():
        raise NormeqError(
            f"--out {out}: {name} is the name of a trained network (normeq networks); choose another"
        )
    if out.suffix in trained.FOREIGN:
        raise NormeqError(
            f"--out {out}: the network is saved as NAME/model.safetensors; give a name without suffix"
        )
    if not single and out.exists() and not out.is_dir():
        raise NormeqError(f"--out {out}: it is a file; name a folder")
    target = out if single else out / "model.safetensors"
    if any((target.parent / record).exists() for record in ("run.json", "checkpoint.pt")):
        raise NormeqError(f"--out {out}: {target.parent} is the folder of a training run; choose another")
    if target.exists() and file.exists() and target.samefile(file):
        raise NormeqError(f"--out {out}: it is the file to import; choose another name")
    if target.is_file() and not force:
        raise NormeqError(f"{target}: is there already; replace it with --force, or choose another name")
    return target, name


def _line(layout: Layout, plan: Plan, level: str, by_name: bool, told: str) -> str:
    options = plan.options
    size = (
        f"{options['depth']} layers of {options['channels']} channels"
        if "depth" in options
        else f"widths {'/'.join(map(str, options['widths']))}"
    )
    image = {1: "gray", 3: "colour"}.get(options["image_channels"], f"{options['image_channels']} channels")
    takes = "noise map" if options.get("noise_map", plan.architecture == "ffdnet") else "blind"
    trained_at = f"trained at σ = {level.replace('-', '–')}" if level else "trained at an unknown σ (--sigma)"
    if level and by_name:
        trained_at += " (by the file's name)"
    return f"{layout.title} ({layout.name}): {plan.variant}{told}, {size}, {image}, {takes}, {trained_at}"
