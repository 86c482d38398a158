"""``python -m normeq.suite.measurements``: ``normeq evaluate`` for a machine with a bare PyTorch.

    python -m normeq.suite.measurements noise-levels RUN --datasets set12 bsd68 --sigmas 5 25 50 --out part.csv
    python -m normeq.suite.measurements intervals RUN --datasets set12 --interval=0,1 --interval=-1,1 --out part.csv

Needs torch, numpy, scikit-image, safetensors and PyYAML. It writes the same rows as ``normeq evaluate``; what
OUT holds already is taken over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.suite.measurements import intervals, noise_levels
from normeq.suite.measurements.arguments import check_sigmas, open_on, parse_numbers
from normeq.suite.measurements.row_cache import open_earlier, write_measurements


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m normeq.suite.measurements", description="Measure one denoiser."
    )
    parser.add_argument("kind", choices=["noise-levels", "intervals"])
    parser.add_argument("denoiser", help="run folder, trained network, or NAME=module:callable")
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--sigmas", nargs="+", type=float, help="noise levels (noise-levels), in 8-bit units")
    parser.add_argument("--interval", action="append", metavar="A,B", help="write --interval=-1,1; repeat")
    parser.add_argument("--sigma", type=float, default=25.0, help="noise level (intervals), in 8-bit units")
    parser.add_argument("--draws", type=int, default=1, help="noise realisations per image")
    parser.add_argument("--images", type=int, help="only the first N images of each data set")
    parser.add_argument("--protocol", default="paper", help="paper or kair")
    parser.add_argument("--out", type=Path, required=True, help="table to write")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves PyTorch's choice")
    options = parser.parse_args()
    wanted = "sigmas" if options.kind == "noise-levels" else "interval"
    if not getattr(options, wanted):
        parser.error(f"{options.kind} needs --{wanted}")
    try:
        protocol = get_protocol(options.protocol)
        levels = check_sigmas(options.sigmas or [options.sigma])
        ranges = [parse_numbers(text, 2, "--interval", float) for text in options.interval or []]
        denoiser, device = open_on(options.denoiser, options.device, options.threads)
        earlier = open_earlier([], options.out)
        settings = {
            "data_dir": options.data_dir,
            "device": device,
            "limit": options.images,
            "protocol": protocol,
            "earlier": earlier,
        }
        if options.kind == "noise-levels":
            columns = noise_levels.COLUMNS
            rows = noise_levels.evaluate(denoiser, options.datasets, levels, options.draws, **settings)
        else:
            columns = intervals.COLUMNS
            rows = intervals.evaluate(
                denoiser, options.datasets, levels[0], ranges, options.draws, **settings
            )
        lines = write_measurements(options.out, columns, rows, earlier, [denoiser], options.data_dir)
    except NormeqError as error:
        print(f"normeq: error: {error}", file=sys.stderr)
        return 2
    print(*lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
