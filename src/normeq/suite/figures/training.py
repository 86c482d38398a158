"""How the networks learnt: loss and held-out PSNR over the pixels seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.analysis.training import RUN, SMOOTH, training_curves
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import heading, legend, line_styles, titled, write
from normeq.suite.results.names import trained_names

FIGURE = FigureKind(
    help="Training loss and held-out PSNR over the pixels seen.",
    order=120,
    reads="runs",
    when="has_training_logs",
    otherwise="the config has no run with a log of training",
)

CRITERIA = {"mse": "mean squared error", "l1": "mean absolute error"}
FAR = 10  # times as long as the shortest training: on a linear axis that would be a stroke


def draw(numbers: pd.DataFrame) -> Figure:
    """Losses above, held-out PSNR below; one line per run. Squared and absolute errors do not compare, and
    have panels of their own."""
    style = line_styles(numbers)
    held_out = numbers["validation_psnr"].notna().any()
    criteria = [one for one in CRITERIA if (numbers["criterion"] == one).any()]
    rows = len(criteria) + held_out
    figure = Figure(figsize=(6.6, 1.2 + 2.0 * rows), layout="constrained")
    panels = figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0]
    for (network, variant, _, _), run in numbers.groupby(RUN, sort=False):
        look = style[network, variant]
        losses = panels[criteria.index(run["criterion"].iloc[0])]
        losses.plot(run["mpx"], run["smooth"], color=look.colour, linestyle=look.line, linewidth=1.4)
        if held_out:
            seen = run[run["validation_psnr"].notna()]
            panels[-1].plot(
                seen["mpx"], seen["validation_psnr"], look.marker, color=look.colour, linestyle=look.line
            )
    for criterion, losses in zip(criteria, panels, strict=False):
        losses.set_yscale("log")
        which = f":\n{CRITERIA[criterion]}" if len(criteria) > 1 else ""
        losses.set_ylabel(f"training loss{which} (log scale)")
    if held_out:
        panels[-1].set_ylabel("held-out PSNR (dB)")
    lengths = numbers.groupby(RUN)["mpx"].max()
    far = lengths.max() >= FAR * lengths.min()
    if far:
        panels[-1].set_xscale("log")
    panels[-1].set_xlabel(f"pixels seen (million{', log scale' if far else ''})")
    repeats = numbers[["train_sigma", "seed"]].drop_duplicates().shape[0]
    heading(
        figure,
        titled("Training", numbers),
        f"{trained_names(numbers['train_sigma'])}; loss: running mean over {SMOOTH} lines of the log"
        + ("; PSNR on images of the training set that were not trained on" if held_out else "")
        + ("; a line for each seed and noise level of training" if repeats > 1 else ""),
    )
    legend(figure, style)
    return figure


def make(runs: Sequence[Path], out: Path) -> list[Path]:
    """Read the runs and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = training_curves(runs)
    several = numbers["criterion"].nunique() > 1
    shown = numbers if several else numbers.drop(columns="criterion")
    return write(lambda: draw(numbers), shown, out)
