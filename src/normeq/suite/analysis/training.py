"""How the networks learnt: loss and held-out PSNR over the pixels seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import VARIANT_ORDER
from normeq.system.files import read_json
from normeq.system.seals import warn_of_broken
from normeq.training.log import read_log
from normeq.training.spec import RunSpec

RUN = ["network", "variant", "train_sigma", "seed"]
SMOOTH = 10  # lines of the log behind a point of the loss; a whole run has 200


def training_curves(runs: Sequence[Path]) -> pd.DataFrame:
    """The logs of some runs.

    Returns:
        run, network, variant, train_sigma, seed, criterion (``mse`` or ``l1``: what the loss is), step, mpx
        (million pixels seen), loss, smooth (running mean of the loss), validation_psnr (dB on held-out
        images, NaN between).

    Raises:
        NormeqError: a folder without ``run.json``, or no run with a log.
    """
    parts = []
    for run in runs:
        record = read_json(Path(run) / "run.json")
        warn_of_broken(Path(run) / "run.json")
        if not isinstance(record, dict) or "spec" not in record:
            raise NormeqError(f"{Path(run) / 'run.json'}: not the record of a run")
        spec = RunSpec.from_dict(record["spec"])
        log = pd.DataFrame(read_log(Path(run) / "train.jsonl"))
        if log.empty:
            continue
        if not {"step", "loss", "pixels"} <= set(log):
            raise NormeqError(f"{Path(run) / 'train.jsonl'}: not the log of a training")
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
            "criterion": spec.recipe.loss,
        }
        for position, (name, value) in enumerate(labels.items()):
            part.insert(position, name, value)
        parts.append(part)
    if not parts:
        raise NormeqError("figure training: no run has a log (train.jsonl)")
    table = pd.concat(parts, ignore_index=True)
    order = table["variant"].map(VARIANT_ORDER.index)
    return table.iloc[order.sort_values(kind="stable").index].reset_index(drop=True)
