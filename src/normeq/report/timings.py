"""How long the measurements took, from the benchmark files that Snakemake writes."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from normeq.errors import NormeqError


def timings(folder: Path, keys: Collection[str] = ()) -> list[dict[str, str]]:
    """One row per kind of measurement below ``results/<experiment>/timings``.

    Args:
        folder: may be missing: a clone has results, but measured nothing itself.
        keys: how file names end that belong to the present config; empty for all.

    Returns:
        ``kind``, ``jobs``, ``wall`` and ``cpu`` (sums) and ``memory`` (of the largest job), as text.

    Raises:
        NormeqError: a file is not one of Snakemake's benchmark files.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for file in sorted(folder.rglob("*.tsv")):
        if keys and file.parent != folder and file.stem.rpartition("-")[2] not in keys:
            continue  # of an earlier config
        kind = file.relative_to(folder).parts[0].removesuffix(".tsv")
        try:
            with open(file, newline="", encoding="utf-8") as handle:
                [record] = csv.DictReader(handle, delimiter="\t")
            values = tuple(_number(record[key]) for key in ("s", "cpu_time", "max_rss"))
        except (ValueError, KeyError, TypeError, UnicodeDecodeError):
            raise NormeqError(f"report: {file} is not a benchmark file of Snakemake; remove it") from None
        rows.setdefault(kind, []).append(values)
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
