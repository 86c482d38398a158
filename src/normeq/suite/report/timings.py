"""How long the measurements took, from the benchmark files that Snakemake writes beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from normeq.errors import NormeqError


def timings(files: Iterable[Path]) -> list[dict[str, str]]:
    """One row per kind of measurement.

    Args:
        files: ``KIND-KEY.tsv`` beside each part; those of parts that were not made by Snakemake are missing.

    Returns:
        ``kind``, ``jobs``, ``wall`` and ``cpu`` (sums) and ``memory`` (of the largest job), as text.

    Raises:
        NormeqError: a file is not one of Snakemake's benchmark files.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for file in files:
        try:
            with open(file, newline="", encoding="utf-8") as handle:
                [record] = csv.DictReader(handle, delimiter="\t")
            values = tuple(_number(record[key]) for key in ("s", "cpu_time", "max_rss"))
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError, UnicodeDecodeError):
            raise NormeqError(f"report: {file} is not a benchmark file of Snakemake; remove it") from None
        rows.setdefault(file.stem.rpartition("-")[0], []).append(values)
    return [
        {
            "kind": kind.replace("_", " "),
            "jobs": str(len(jobs)),
            "wall": f"{sum(wall for wall, _, _ in jobs):,.0f} s",
            "cpu": f"{sum(cpu for _, cpu, _ in jobs):,.0f} s",
            "memory": f"{max(memory for _, _, memory in jobs):,.0f} MB",
        }
        for kind, jobs in rows.items()
    ]


def _number(text: str) -> float:
    """A job that ends at once has no memory or CPU time: ``NA`` or ``-``."""
    return 0.0 if text in ("NA", "-", "") else float(text)
