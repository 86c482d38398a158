"""Training runs for the report: what was trained, on what, how long, and the curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.suite.report.curve import training_curve
from normeq.suite.results.names import counted
from normeq.system.files import read_json
from normeq.system.seals import warn_of_broken


def run_record(folder: Path) -> dict[str, Any]:
    """The record of one run as text for a row of the table.

    Raises:
        NormeqError: ``run.json`` is missing or not the record of a run.
    """
    warn_of_broken(folder / "run.json")
    record = read_json(folder / "run.json")
    try:
        spec, hardware = record["spec"], record["hardware"]
        processor = hardware.get("gpu") or hardware["cpu"]
        return {
            "name": folder.name,
            "network": spec["network"]["name"],
            "variant": spec["variant"],
            "sigma": "–".join(f"{s:g}" for s in spec["sigma"])
            if isinstance(spec["sigma"], list)
            else f"{spec['sigma']:g}",
            "seed": spec["seed"],
            "dataset": f"{spec['dataset']} ({record['data']['images']} images)",
            "pixels": f"{record['pixels'] / 1e6:,.0f} million",
            "seconds": record["seconds"],
            "minutes": f"{record['seconds'] / 60:,.1f} min",
            "processor": processor,
            "hardware": f"{processor}, {counted([hardware['threads']], 'thread')}",
            "weights": record["weights_sha256"][:12],
            "revision": (record.get("revision") or "unknown")[:12],
            "dirty": str(record.get("revision")).endswith("-dirty"),
            "versions": ", ".join(f"{name} {value}" for name, value in record["versions"].items()),
            "validation": record.get("validation_psnr"),
            "curve": training_curve(folder / "train.jsonl"),
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NormeqError(f"report: {folder / 'run.json'} is not the record of a run ({error!r})") from None


def distinct(runs: Sequence[dict[str, Any]], key: str) -> list[str]:
    """The different values of one entry, in order."""
    return list(dict.fromkeys(run[key] for run in runs))
