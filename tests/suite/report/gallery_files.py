"""A small gallery whose pictures can be told apart by their gray level, and the long tables beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from normeq.suite.report.page import write_report

SIGMAS = (5.0, 25.0, 50.0)
PAIRS = ((0.0, 1.0), (10.0, 11.0), (0.0, 255.0))  # the page shows them as (0, 1), (0, 255), (10, 11)
IMAGES = ("set12/01", "set12/02", "bsd68/test001")
SIDE = 16
OURS = (("net", "ordinary", "25", "0"), ("net", "norm", "25", "0"))
OWN = ("mine", "other", "", "")
LABELS = ("network", "variant", "train_sigma", "seed")
TABLE = """**Means**

| denoiser | PSNR |
| --- | ---: |
| b | 9.50 |
| a | −10.25 |
| c | – |
| d | 30.00 [1, 2] |
"""


def gray(image: int, stop: int, denoiser: int, moved: bool = False) -> int:
    """The level of one denoised picture: each another."""
    return 20 + 64 * image + 20 * stop + 8 * denoiser + 4 * moved


def write(folder: Path, denoisers=OURS, moved: bool = True, images=IMAGES, names=None) -> list[Path]:
    """Write gallery parts (files called by ``names``) and both long tables; returns the parts."""
    random = np.random.default_rng(0)
    levels, ranges, parts = [], [], []
    for d, labels in enumerate(denoisers):
        meta = dict(zip(LABELS, labels, strict=True)) | {"weights": "", "images": list(images), "context": 3}
        arrays = {
            "sigmas": np.array(SIGMAS),
            "clean": np.full((len(images), SIDE, SIDE), 128, np.uint8),
            "shapes": np.array([(40, 50)] * len(images)),
            "crops": np.array([(8, 16)] * len(images)),
            "denoised": np.empty((len(images), len(SIGMAS), SIDE, SIDE), np.uint8),
            "psnr": random.uniform(20, 40, (len(images), len(SIGMAS))),
        }
        for i, image in enumerate(images):
            dataset, name = image.split("/", 1)
            for s, sigma in enumerate(SIGMAS):
                arrays["denoised"][i, s] = gray(i, s, d)
                for draw in ("0", "1"):
                    values = [26 - s - i, random.uniform(20, 40), 0.8]
                    levels.append([*labels, dataset, name, sigma, draw, *values])
            ranges += [[*labels, dataset, name, 25.0, a, b, "0", random.uniform(20, 40)] for a, b in PAIRS]
        if moved:
            meta["moved"] = {
                "datasets": ["set12"],
                "sigma": 25.0,
                "intervals": [list(pair) for pair in PAIRS],
            }
            arrays["denoised_moved"] = np.empty((2, len(PAIRS), SIDE, SIDE), np.uint8)
            arrays["psnr_moved"] = random.uniform(20, 40, (2, len(PAIRS)))
            for i in range(2):
                for p in range(len(PAIRS)):
                    arrays["denoised_moved"][i, p] = gray(i, p, d, moved=True)
        parts.append(folder / f"{names[d] if names else '-'.join(labels[:2])}.npz")
        np.savez(parts[-1], meta=json.dumps(meta), **arrays)
    columns = [*LABELS, "dataset", "image", "sigma", "draw", "psnr_in", "psnr", "ssim"]
    pd.DataFrame(levels, columns=columns).to_csv(folder / "noise_levels.csv", index=False)
    columns = [*LABELS, "dataset", "image", "sigma", "a", "b", "draw", "psnr"]
    pd.DataFrame(ranges, columns=columns).to_csv(folder / "intervals.csv", index=False)
    return parts


def write_page(folder: Path, denoisers=OURS, moved: bool = True) -> Path:
    """A report with gallery, one table and one figure."""
    parts = write(folder, denoisers, moved)
    evaluate = {"noise_levels": {"draws": 2, "images": None, "datasets": ["set12"], "sigmas": [25]}}
    config = {"experiment": "x", "title": "A title", "evaluate": evaluate | {"gallery": {"context": 3}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "means.md").write_text(TABLE, encoding="utf-8")
    wide = "".join(f"| column {i} " for i in range(30)) + "|"
    (folder / "wide.md").write_text(f"**Wide**\n\n{wide}\n{'| --- ' * 30}|\n{wide}\n", encoding="utf-8")
    (folder / "picture.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    write_report(
        folder / "report.html",
        folder / "config.yaml",
        [folder / "means.md", folder / "wide.md"],
        [folder / "picture.svg"],
        [],
        gallery=parts,
        noise_levels=folder / "noise_levels.csv",
        intervals=folder / "intervals.csv" if moved else None,
    )
    return folder / "report.html"


def cell(table: pd.DataFrame, column: str = "psnr", **where) -> float:
    """The mean of the rows where these columns have these values."""
    for key, value in where.items():
        table = table[table[key] == value]
    assert len(table)
    return table[column].mean()
