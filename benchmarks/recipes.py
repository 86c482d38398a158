"""Which recipe learns most from the same pixels? Trials on held-out training images, minutes on a CPU each.

    python benchmarks/recipes.py                 # runs the trials of recipes.yaml that are not in the CSV
    python benchmarks/recipes.py --only base     # those whose name begins so

A trial is the compact network (or the one it names), trained at sigma 25 on bsd431 without the 8 images that
it is then measured on (mean PSNR in dB, one noise draw). Set12 and BSD68 are never looked at. `recipes.yaml`
lists the trials and what each changes: keys of the recipe, or an `idea` of recipe_ideas.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml
from machine import RESULTS, write_csv
from recipe_ideas import IDEAS

from normeq.suite.data.training import training_images
from normeq.system.provenance import cpu_model, git_revision
from normeq.training.loop import train
from normeq.training.spec import RunSpec

HERE = Path(__file__).parent
TABLE = RESULTS / "recipes.csv"
COLUMNS = "trial,variant,seed,network,mpx,psnr,curve,seconds,changes,hardware,torch,revision".split(",")


def read_trials() -> list[dict[str, Any]]:
    """One mapping per trial: trial, variant, seed, changes (of the recipe), network."""
    plan = yaml.safe_load((HERE / "recipes.yaml").read_text(encoding="utf-8"))
    return [
        {
            "trial": trial,
            "variant": variant,
            "seed": seed,
            "changes": entry.get("recipe", {}) | ({"idea": entry["idea"]} if "idea" in entry else {}),
            "idea": entry.get("idea", "none"),
            "network": plan["network"] | entry.get("network", {}),
            "recipe": plan["recipe"] | entry.get("recipe", {}),
        }
        for trial, entry in plan["trials"].items()
        for variant in entry.get("variants", ["norm"])
        for seed in entry.get("seeds", [0])
    ]


def run(trial: dict[str, Any], data_dir: Path, device: torch.device) -> dict[str, Any]:
    """Train and measure; a row of the table."""
    recipe = trial["recipe"]
    if recipe.get("preset") is None:
        recipe = {key: value for key, value in recipe.items() if key != "preset"}
    spec = RunSpec.from_dict(
        {
            "network": trial["network"],
            "variant": trial["variant"],
            "dataset": "bsd431",
            "sigma": 25,
            "seed": trial["seed"],
            "recipe": recipe,
        }
    )
    with tempfile.TemporaryDirectory() as folder, IDEAS[trial["idea"]]():
        images = training_images(spec.dataset, data_dir)
        compile_mode = "default" if device.type == "cuda" else None
        record = train(spec, folder, images, device=device, compile_mode=compile_mode)
        log = [json.loads(line) for line in (Path(folder) / "train.jsonl").read_text().splitlines()]
    curve = [f"{r['step']}:{r['validation_psnr']:.3f}" for r in log if "validation_psnr" in r]
    return {
        "trial": trial["trial"],
        "variant": trial["variant"],
        "seed": trial["seed"],
        "network": trial["network"]["name"],
        "mpx": f"{record['pixels'] / 1e6:.1f}",
        "psnr": f"{record['validation_psnr']:.3f}",
        "curve": " ".join(curve),
        "seconds": f"{record['seconds']:.0f}",
        "changes": json.dumps(trial["changes"]),
        "hardware": _hardware(device),
        "torch": torch.__version__,
        "revision": (git_revision() or "")[:12],
    }


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{cpu_model()}, {threads} {'thread' if threads == 1 else 'threads'}"


def read_table() -> list[dict[str, str]]:
    if not TABLE.is_file():
        return []
    with open(TABLE, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def main() -> int:
    parser = argparse.ArgumentParser(description="Trials of recipes on held-out training images.")
    parser.add_argument("--only", default="", help="trials whose name begins so")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for trial in read_trials():
        key = (trial["trial"], trial["variant"], str(trial["seed"]))
        known = {(row["trial"], row["variant"], row["seed"]) for row in read_table()}
        if key in known or not trial["trial"].startswith(options.only):
            continue
        row = run(trial, options.data_dir, torch.device(options.device))
        print(*(f"{name} {row[name]}" for name in COLUMNS[:8]), flush=True)
        rows = [*read_table(), row]  # read again: another process may have added its own
        write_csv(TABLE, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
