"""The picture of a measured CSV: how each variant's time compares with the ordinary network's.

python benchmarks/picture.py benchmarks/results/HARDWARE.csv     # writes .svg and .png beside it
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.figures.style import COLOURS, INK, paper_style
from normeq.suite.results.names import VARIANTS, counted, variant_name
from normeq.system.files import atomic_path

# What an NE network costs in the authors' wrapper paper (Saied & Fleuret 2026; literature notes 2.7).
PUBLISHED = {("cuda", "train"): 1.60, ("cuda", "infer"): 1.69, ("cpu", "train"): 1.50, ("cpu", "infer"): 1.90}
MODES = {"train": "Training step", "infer": "Inference (folded)"}


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Ratios with their quartiles, one row per network, arithmetic and workload."""
    keys = ["network", "dtype", "workload"]
    groups = list(dict.fromkeys(table[keys].itertuples(index=False, name=None)))
    variants = [v for v in VARIANTS if v != "ordinary" and v in set(table["variant"])]
    figure = Figure(figsize=(10, 1.6 + 0.62 * len(groups)), layout="constrained")
    figure.suptitle(f"Time relative to the ordinary network\n{title}", x=0.01, ha="left", fontsize=11)
    device = table["device"].iloc[0]
    for axes, (mode, name) in zip(figure.subplots(1, 2, sharey=True), MODES.items(), strict=True):
        part = table[table["mode"] == mode].set_index([*keys, "variant"])
        for i, group in enumerate(groups):
            for k, variant in enumerate(variants):
                if (*group, variant) not in part.index:
                    continue
                row = part.loc[(*group, variant)]
                y = i + (k - (len(variants) - 1) / 2) * 0.25
                axes.plot([row["ratio_low"], row["ratio_high"]], [y, y], color=COLOURS[variant], linewidth=2)
                axes.plot(row["ratio"], y, "o", color=COLOURS[variant], markersize=6)
                axes.annotate(
                    f"{row['ratio']:.2f}",
                    (max(row["ratio_high"], row["ratio"]), y),
                    xytext=(6, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color=INK,
                )
        axes.axvline(1, color=INK, linewidth=0.8)
        peer = PUBLISHED[device, mode]
        axes.axvline(peer, color=COLOURS["norm"], linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(f"NE of peers, ×{peer:.2f}", (peer, -0.62), fontsize=7, color=INK, ha="right", va="top")
        axes.set(title=name, xlabel="seconds / those of ordinary in the same round, median")
        axes.set_ylim(len(groups) - 0.4, -0.75)
        axes.set_yticks(range(len(groups)), [f"{n}, {d}\n{w}" for n, d, w in groups])
    shown = table.loc[table["variant"] != "ordinary", ["ratio_low", "ratio_high"]].to_numpy()
    lowest, highest = min(0.7, shown.min() - 0.1), max(2.0, shown.max() * 1.1)  # with room for the numbers
    for axes in figure.axes:
        axes.set_xlim(lowest, highest)
    handles = [
        figure.axes[0].plot([], [], "o-", color=COLOURS[v], label=variant_name(v, ""))[0] for v in variants
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a CSV of speed.py.")
    parser.add_argument("table", type=Path)
    options = parser.parse_args()
    table = pd.read_csv(options.table)
    first = table.iloc[0]
    with paper_style():
        title = f"{options.table.stem}, {counted([first['threads']], 'thread')}, torch {first['torch']}"
        figure = draw(table, title)
        for suffix in (".svg", ".png"):
            with atomic_path(options.table.with_suffix(suffix)) as temporary:
                figure.savefig(temporary, dpi=200, metadata={"Date": None} if suffix == ".svg" else None)
    print(options.table.with_suffix(".svg"))


if __name__ == "__main__":
    main()
