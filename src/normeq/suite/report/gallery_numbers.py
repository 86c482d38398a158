"""PSNR of the gallery's images and data sets, looked up in the long tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

LABELS = ["network", "variant", "train_sigma", "seed"]
Condition = tuple[float, ...]  # (σ,) or (σ, a, b), σ in 8-bit units


class Numbers:
    """PSNR in dB of some denoisers; the noisy image comes first.

    Args:
        noise_levels: long table; gives the noisy image, and the denoisers where there is no ``intervals``.
        denoisers: the labels of each (:attr:`normeq.denoisers.open.Denoiser.labels`).
        intervals: long table over intervals; conditions are then (σ, a, b), else (σ,).
    """

    def __init__(
        self,
        noise_levels: pd.DataFrame,
        denoisers: Sequence[dict[str, str]],
        intervals: pd.DataFrame | None = None,
    ) -> None:
        table = noise_levels if intervals is None else intervals
        keys = ["sigma"] if intervals is None else ["sigma", "a", "b"]
        self.noisy = _look_up(_rows(noise_levels, denoisers[0]), ["sigma"], "psnr_in")
        self.denoised = [_look_up(_rows(table, labels), keys, "psnr") for labels in denoisers]

    def of_image(self, image: str, condition: Condition) -> list[float | None]:
        """Of one image (``dataset/name``), draw 0; None where it was not measured."""
        return self._of(0, image, condition)

    def of_dataset(self, dataset: str, condition: Condition) -> list[float | None]:
        """Mean over the images and draws of a data set."""
        return self._of(1, dataset, condition)

    def _of(self, table: int, name: str, condition: Condition) -> list[float | None]:
        noisy = self.noisy[table].get((name, condition[0]))
        return [noisy, *(found[table].get((name, *condition)) for found in self.denoised)]


def _rows(table: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    wanted = pd.Series(True, index=table.index)
    for label in LABELS:
        wanted &= table[label] == labels[label]
    return table[wanted]


def _look_up(rows: pd.DataFrame, keys: list[str], column: str) -> tuple[dict, dict]:
    """(image, *keys) -> value of draw 0; (data set, *keys) -> mean."""
    image = rows["dataset"] + "/" + rows["image"]
    drawn = rows.assign(image=image)[rows["draw"] == "0"].set_index(["image", *keys])[column]
    means = rows.groupby(["dataset", *keys])[column].mean()
    return drawn.round(6).to_dict(), means.round(6).to_dict()
