"""A training curve as a small SVG picture."""

from __future__ import annotations

import math
from pathlib import Path

from normeq.training.log import read_log

WIDTH, HEIGHT = 160, 36


def training_curve(log: Path) -> str:
    """The loss over steps on a logarithmic scale, smoothed, from ``train.jsonl``; empty without a log.

    Returns:
        An ``<svg>`` element of 160 × 36 units.
    """
    losses = [math.log(max(line["loss"], 1e-12)) for line in read_log(log) if "loss" in line]
    if len(losses) < 2:
        return ""
    width = max(1, len(losses) // 20)
    smooth = [
        sum(losses[max(0, i - width) : i + 1]) / (i + 1 - max(0, i - width)) for i in range(len(losses))
    ]
    low, span = min(smooth), max(smooth) - min(smooth) or 1.0
    points = " ".join(
        f"{WIDTH * i / (len(smooth) - 1):.1f},{HEIGHT - 2 - (HEIGHT - 4) * (value - low) / span:.1f}"
        for i, value in enumerate(smooth)
    )
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        ' aria-label="training loss">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
