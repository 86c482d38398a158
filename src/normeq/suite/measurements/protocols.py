"""The same weights under other conventions: how many dB each one moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from normeq.imaging.conventions import CONVENTIONS
from normeq.imaging.protocol import PAPER, Protocol
from normeq.suite.config.settings import Settings
from normeq.suite.measurements.noise_levels import COLUMNS, judge
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Images, Sigmas

if TYPE_CHECKING:
    import torch

    from normeq.denoisers.open import Denoiser
    from normeq.suite.data.listing import ImageFile
    from normeq.suite.measuring.batches import Image
    from normeq.suite.measuring.row_cache import RowCache

# Draw 1 of the paper's protocol is the baseline draw: what another noise of the same kind moves.
MEASURED = ((PAPER, 0), (PAPER, 1), *((convention.protocol, 0) for convention in CONVENTIONS))


class Protocols(Settings):
    """The same weights under the conventions of others, and the dB that each one moves (docs/protocol.md)."""

    datasets: Datasets
    sigmas: Sigmas
    images: Images = None


MEASUREMENT = Measurement("protocols", Protocols, tuple(COLUMNS), of="first", reuses_rows=True)


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Sequence[float],
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
    row_cache: RowCache | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per image, σ and protocol, with the columns of ``noise_levels.csv``.

    Protocols that give the denoiser the same image share its output. BT.709 is left out where every file is
    gray.

    Args:
        denoiser, datasets, sigmas: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.
        data_dir, device, limit, row_cache: as in :class:`normeq.suite.measuring.stream.Setup`.

    Raises:
        NormeqError: as :func:`normeq.suite.measurements.noise_levels.evaluate`.
    """
    from normeq.suite.data import listing
    from normeq.suite.measuring.batches import batch_pixels, batches, image_files
    from normeq.suite.measuring.row_cache import RowCache, labels

    row_cache = row_cache or RowCache()
    for listed in image_files(datasets, data_dir):
        paths = {image.name: image for image in listed[:limit]}
        colour = any(image.colour for image in paths.values())
        passes = _passes([(p, draw) for p, draw in MEASURED if colour or not p.bt709])
        images = ((image.dataset, image.name, clean) for image, clean in listing.read(paths.values()))
        for batch in batches(images, batch_pixels(denoiser, device)):
            for sigma, (protocols, draw) in product(sigmas, passes):
                wanted = [
                    [labels(denoiser, image, p, device) | {"sigma": sigma, "draw": draw} for image in batch]
                    for p in protocols
                ]
                rows = [[row_cache.find(label, COLUMNS) for label in row] for row in wanted]
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
    paths: dict[str, ImageFile],
    device: torch.device,
) -> list[Iterator[dict[str, float]]]:
    """Numbers of each image under each of some protocols that give the denoiser the same."""
    from normeq.suite.measuring.batches import denoise, stack

    given = protocols[0]
    clean = [given.clean(paths[i.name].gray_bt709() if given.bt709 else i.clean) for i in batch]
    noisy = [given.noisy(x, sigma, i.dataset, i.name, draw) for x, i in zip(clean, batch, strict=True)]
    given, target = stack(noisy, device), stack(clean, device)
    output = denoise(denoiser, given, sigma, nominal=True)
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
