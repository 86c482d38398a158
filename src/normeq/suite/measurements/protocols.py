"""The same weights under other conventions: how many dB each one moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

from normeq.denoisers.open import Denoiser
from normeq.imaging.conventions import CONVENTIONS
from normeq.imaging.images import is_colour, read_gray, read_gray_bt709
from normeq.imaging.protocol import PAPER, Protocol
from normeq.suite.data.listing import files
from normeq.suite.measurements.batches import Image, batch_pixels, batches, denoise, stack
from normeq.suite.measurements.noise_levels import COLUMNS, judge
from normeq.suite.measurements.row_cache import Earlier, labels

# Draw 1 of the paper's protocol is the yardstick: what another noise of the same kind moves.
MEASURED = ((PAPER, 0), (PAPER, 1), *((convention.protocol, 0) for convention in CONVENTIONS))


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Sequence[float],
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
    earlier: Earlier | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per image, σ and protocol, with the columns of ``noise_levels.csv``.

    Protocols that give the denoiser the same image share its output. BT.709 is left out where every file is
    gray.

    Args and errors: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.
    """
    earlier = earlier or Earlier()
    for dataset in datasets:
        paths = {path.stem: path for path in files(dataset, Path(data_dir))[:limit]}
        colour = any(is_colour(path) for path in paths.values())
        passes = _passes([(p, draw) for p, draw in MEASURED if colour or not p.bt709])
        images = ((dataset, name, read_gray(path)) for name, path in paths.items())
        for batch in batches(images, batch_pixels(denoiser, device)):
            for sigma, (protocols, draw) in product(sigmas, passes):
                wanted = [
                    [labels(denoiser, image, p, device) | {"sigma": sigma, "draw": draw} for image in batch]
                    for p in protocols
                ]
                rows = [[earlier.find(label, COLUMNS) for label in row] for row in wanted]
                if any(None in row for row in rows):
                    new = _measure(denoiser, batch, protocols, sigma, draw, paths, device)
                    now = {"weights": denoiser.identity}  # known less well, if it read a file only now
                    rows = [
                        [old or label | now | numbers for old, label, numbers in zip(*columns, strict=True)]
                        for columns in zip(rows, wanted, new, strict=True)
                    ]
                for row in (row for same in rows for row in same):
                    yield {column: row[column] for column in COLUMNS}


def _measure(
    denoiser: Denoiser,
    batch: list[Image],
    protocols: list[Protocol],
    sigma: float,
    draw: int,
    paths: dict[str, Path],
    device: torch.device,
) -> list[Iterator[dict[str, float]]]:
    """Numbers of each image under each of some protocols that give the denoiser the same."""
    given = protocols[0]
    clean = [given.clean(read_gray_bt709(paths[i.name]) if given.bt709 else i.clean) for i in batch]
    noisy = [given.noisy(x, sigma, i.dataset, i.name, draw) for x, i in zip(clean, batch, strict=True)]
    given, target = stack(noisy, device), stack(clean, device)
    output = denoise(denoiser, given, sigma)
    return [judge(protocol, protocol.reference(target), given, output) for protocol in protocols]


def _passes(asked: Sequence[tuple[Protocol, int]]) -> list[tuple[list[Protocol], int]]:
    """Group protocols by what the denoiser is given; each group with its draw."""
    groups: dict[tuple[Protocol, int], list[Protocol]] = {}
    for protocol, draw in asked:
        given = replace(
            protocol, name="", clip_output=True, round_output=False, border=0, ssim_window="gaussian"
        )
        groups.setdefault((given, draw), []).append(protocol)
    return [(protocols, draw) for (_, draw), protocols in groups.items()]
