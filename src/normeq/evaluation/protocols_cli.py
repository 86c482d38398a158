"""``normeq evaluate protocols``: the same weights under the conventions of others."""

from __future__ import annotations

from pathlib import Path

from normeq.evaluation.cli import (
    DataDir,
    Datasets,
    DenoiserArgument,
    Device,
    Limit,
    Out,
    Reuse,
    Threads,
    check_sigmas,
    echo_rows,
    open_on,
)
from normeq.evaluation.range_cli import Sigma, app


@app.command("protocols")
def protocols_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    out: Out,
    sigma: Sigma = 25.0,
    images: Limit = None,
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR and SSIM under the conventions of others, one row per image and protocol."""
    from normeq.evaluation import noise_levels, protocols
    from normeq.evaluation.earlier import Earlier

    check_sigmas([sigma])
    opened, where = open_on(denoiser, device, threads)
    earlier = Earlier([*(reuse or []), out])
    rows = protocols.evaluate(
        opened, datasets, sigma, data_dir=data_dir, device=where, limit=images, earlier=earlier
    )
    echo_rows(out, noise_levels.COLUMNS, rows, earlier)
