"""``normeq evaluate protocols``: the same weights under the conventions of others."""

from __future__ import annotations

from pathlib import Path

from normeq.suite.measurements.cli import (
    DataDir,
    Datasets,
    DenoiserArgument,
    Device,
    Limit,
    Out,
    Reuse,
    Sigmas,
    Threads,
    app,
    check_sigmas,
    echo_rows,
    open_on,
)


@app.command("protocols")
def protocols_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    sigmas: Sigmas,
    out: Out,
    images: Limit = None,
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR and SSIM under the conventions of others, one row per image, σ and protocol."""
    from normeq.suite.measurements import noise_levels, protocols
    from normeq.suite.measurements.row_cache import open_earlier

    levels = check_sigmas(sigmas)
    earlier = open_earlier(reuse or [], out)
    opened, where = open_on(denoiser, device, threads)
    rows = protocols.evaluate(
        opened, datasets, levels, data_dir=data_dir, device=where, limit=images, earlier=earlier
    )
    echo_rows(out, noise_levels.COLUMNS, rows, earlier, [opened], data_dir)
