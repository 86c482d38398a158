"""``python -m normeq.training SPEC --out FOLDER``: ``normeq train`` for a machine with a bare PyTorch.

Needs torch, numpy, scikit-image, safetensors and PyYAML. Under ``torchrun`` its processes share the batches:
``torchrun --nproc-per-node 4 -m normeq.training SPEC --out FOLDER``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from normeq.system.console import run
from normeq.training.run_file import read_spec
from normeq.training.start import COMPILE_MODES, start

LINE_SECONDS = 10.0  # between progress lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m normeq.training", description="Train one network.")
    parser.add_argument("spec", help="a run: YAML or JSON file, or inline JSON")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="folder of the data sets")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves PyTorch's choice")
    parser.add_argument("--max-minutes", type=float, help="fit the whole schedule into this wall time")
    parser.add_argument("--compile", default="auto", choices=["auto", "off", *COMPILE_MODES])
    options = parser.parse_args()
    printed = time.monotonic()

    def progress(step: int, done: float, record: dict[str, Any]) -> None:
        nonlocal printed
        if time.monotonic() - printed > LINE_SECONDS or done >= 1:
            printed = time.monotonic()
            print(json.dumps({"step": step, "done": round(done, 4)} | record), file=sys.stderr, flush=True)

    return start(
        read_spec(options.spec),
        options.out,
        options.data_dir,
        options.device,
        options.threads,
        options.max_minutes,
        options.compile,
        progress,
    )


if __name__ == "__main__":
    sys.exit(run(main))
