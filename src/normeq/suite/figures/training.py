"""How the networks learnt: loss and held-out PSNR over the pixels seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.errors import NormeqError
from normeq.suite.figures.style import heading, legend, looks, networks_named, paper_style, save
from normeq.suite.results.long_tables import VARIANT_ORDER
from normeq.suite.results.names import trained_names
from normeq.system.files import read_json
from normeq.training.log import read_log
from normeq.training.spec import RunSpec

RUN = ["network", "variant", "train_sigma", "seed"]
SMOOTH = 10  # lines of the log behind a point of the loss; a whole run has 200


def curves(runs: Sequence[Path]) -> pd.DataFrame:
    """The logs of some runs.

    Returns:
        run, network, variant, train_sigma, seed, step, mpx (million pixels seen), loss (mean squared error or
        mean absolute error, as the recipe says), smooth (running mean of the loss), validation_psnr (dB on
        held-out images, NaN between).

    Raises:
        NormeqError: a folder without ``run.json``, or no run with a log.
    """
    parts = []
    for run in runs:
        spec = RunSpec.from_dict(read_json(Path(run) / "run.json")["spec"])
        log = pd.DataFrame(read_log(Path(run) / "train.jsonl"))
        if log.empty:
            continue
        if "validation_psnr" not in log:
            log["validation_psnr"] = float("nan")
        part = log[["step", "loss", "validation_psnr"]].assign(
            mpx=log["pixels"] / 1e6, smooth=log["loss"].rolling(SMOOTH, min_periods=1).mean()
        )
        labels = {
            "run": Path(run).name,
            "network": spec.network["name"],
            "variant": spec.variant,
            "train_sigma": spec.sigma_label,
            "seed": spec.seed,
        }
        for place, (name, value) in enumerate(labels.items()):
            part.insert(place, name, value)
        parts.append(part)
    if not parts:
        raise NormeqError("figure training: no run has a log (train.jsonl)")
    table = pd.concat(parts, ignore_index=True)
    order = table["variant"].map(VARIANT_ORDER.index)
    return table.iloc[order.sort_values(kind="stable").index].reset_index(drop=True)


def draw(numbers: pd.DataFrame) -> Figure:
    """Loss above, held-out PSNR below; one line per run."""
    style = looks(numbers)
    held_out = numbers["validation_psnr"].notna().any()
    figure = Figure(figsize=(6.6, 5.2 if held_out else 3.2), layout="constrained")
    panels = figure.subplots(2 if held_out else 1, 1, squeeze=False, sharex=True)[:, 0]
    for (network, variant, _, _), run in numbers.groupby(RUN, sort=False):
        look = style[network, variant]
        panels[0].plot(run["mpx"], run["smooth"], color=look.colour, linestyle=look.line, linewidth=1.4)
        if held_out:
            seen = run[run["validation_psnr"].notna()]
            panels[1].plot(
                seen["mpx"], seen["validation_psnr"], look.marker, color=look.colour, linestyle=look.line
            )
    panels[0].set_yscale("log")
    panels[0].set_ylabel("training loss (log scale)")
    if held_out:
        panels[1].set_ylabel("held-out PSNR (dB)")
    panels[-1].set_xlabel("pixels seen (million)")
    names = networks_named(numbers)
    repeats = numbers[["train_sigma", "seed"]].drop_duplicates().shape[0]
    heading(
        figure,
        f"Training{': ' if names else ''}{names}",
        f"{trained_names(numbers['train_sigma'])}; loss: running mean over {SMOOTH} lines of the log"
        + ("; PSNR on images of the training set that were not trained on" if held_out else "")
        + ("; a line for each seed and noise level of training" if repeats > 1 else ""),
    )
    legend(figure, style)
    return figure


def make(runs: Sequence[Path], out: Path) -> list[Path]:
    """Read the runs and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = curves(runs)
    with paper_style():
        return save(draw(numbers), numbers, out)
