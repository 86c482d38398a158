"""Measurements made before, so that one more noise level measures one noise level."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from normeq.denoisers.open import Denoiser
from normeq.imaging.protocol import Protocol
from normeq.suite.measuring.batches import Image
from normeq.suite.measuring.rows import KEYS
from normeq.system.provenance import measured_by

NUMBERS = {"sigma", "a", "b", "draw"}
# What a measurement depends on: what its label says, the denoiser, the image and the protocol.
CONTENT = (*KEYS, "weights", "pixels")


def labels(denoiser: Denoiser, image: Image, protocol: Protocol, device: torch.device) -> dict[str, object]:
    """The columns that say what was measured by what, and on what; σ, draw and [a,b] are not among them."""
    return denoiser.labels | {
        "dataset": image.dataset,
        "image": image.name,
        "weights": denoiser.weights,
        "pixels": image.pixels,
        "protocol": protocol.name,
        "measured_by": measured_by(device),
    }


MEAN_OUT = "; mean taken out"  # at the end of ``measured_by``


def mark(label: dict[str, object], far: bool) -> dict[str, object]:
    """The label of a measurement; ``far`` where the mean of the image was taken out first."""
    return label | {"measured_by": f"{label['measured_by']}{MEAN_OUT}"} if far else label


class Earlier:
    """Rows of long tables, found again by all that decides them.

    A row counts only if the denoiser's weights (or file), the pixels of the image and the protocol are the
    same; code that changed is not noticed. The column ``measured_by`` keeps saying which machine and versions
    it was (empty in tables that are older than it). Denoisers without weights or file (functions of installed
    packages) are always measured.

    Args:
        paths: tables, or folders of tables (``*.csv``); what is missing or no such table is passed over.
    """

    def __init__(self, paths: Iterable[str | Path] = ()) -> None:
        self.used = 0
        self._rows: dict[tuple, dict[str, str]] = {}
        for path in map(Path, paths):
            for file in sorted(path.glob("[!.]*.csv")) if path.is_dir() else [path]:
                if file.is_file():  # a pipe would wait for a writer
                    self._read(file)

    def _read(self, file: Path) -> None:
        try:
            with open(file, newline="", encoding="utf-8") as handle:
                for row in csv.DictReader(handle):
                    complete = None not in row and None not in row.values()
                    if complete and all(row.get(key) for key in ("weights", "pixels", "protocol")):
                        row = {"measured_by": ""} | row
                        before = self._rows.get(self._key(row), {})
                        if row.keys() >= before.keys():  # a poorer table does not hide a fuller one
                            self._rows[self._key(row)] = row
        except (OSError, ValueError, csv.Error):  # not text, or not numbers
            return

    @staticmethod
    def _key(row: Mapping[str, object]) -> tuple:
        return tuple(
            (key, float(row[key]) if key in NUMBERS else str(row[key])) for key in CONTENT if key in row
        )

    def find(self, row: Mapping[str, object], columns: Iterable[str]) -> dict[str, str] | None:
        """The whole row of an earlier measurement with these labels, as text; None if there is none that has
        all these columns, or where the mean of the image was to be taken out and was not."""
        found = self._rows.get(self._key(row))
        if found is not None and not found.keys() >= set(columns):
            found = None
        if found is not None and str(row.get("measured_by")).endswith(MEAN_OUT):
            found = found if found["measured_by"].endswith(MEAN_OUT) else None
        self.used += found is not None
        return found
