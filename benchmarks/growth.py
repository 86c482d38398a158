"""What grows with the number of runs: time, memory and size of everything after training.

    python benchmarks/growth.py                  # 1, 10, 100, 1,000 runs, into benchmarks/results/growth.csv
    python benchmarks/growth.py --runs 1 10      # fewer
    python benchmarks/growth.py --table          # the recorded numbers as docs/scale.md has them

Results are made up: runs of up to ten seeds of each network, all measured at the same noise levels on the
same images. Seconds are CPU seconds, which other programs hardly disturb, of the command's work: it runs in a
process forked from this one, which has imported everything (300 MB of the memory; that start takes three
seconds by itself). Snakemake's are those of the whole dry run; Chromium's are wall time.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from machine import RESULTS, write_csv

import normeq.cli as cli
import normeq.suite.report.page  # noqa: F401  (imported now, for all that are forked)
from normeq.suite.config.resolve import resolve
from normeq.suite.config.schema import schema_of
from normeq.suite.experiment.read import read_experiment
from normeq.suite.experiment.settings import Config
from normeq.suite.figures.registry import figures
from normeq.suite.tables.registry import tables
from normeq.system import console

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = "runs,networks,rows,what,seconds,peak_mb,mb".split(",")
SEEDS = 10  # runs of one network
LEVELS = [5, 15, 25, 50, 75, 100]
IMAGES = {"set12": 12, "bsd68": 68}
SHOWN = 100  # networks with pictures, at most
SIDE = 64  # of a picture


def config(runs: int) -> dict:
    """A config of so many runs."""
    networks = max(1, runs // SEEDS)
    return {
        "experiment": "x",
        "title": f"{runs} runs",
        "networks": [
            {"name": f"net{n:03d}", "architecture": "fdncnn", "depth": 3, "channels": 4}
            for n in range(networks)
        ],
        "variants": ["norm"],
        "train": {
            "dataset": "bsd431",
            "sigmas": [25],
            "seeds": list(range(min(runs, SEEDS))),
            "recipe": {"steps": 4, "batch": 2, "patch": 16},
        },
        "evaluate": {"noise_levels": {"datasets": list(IMAGES), "sigmas": LEVELS}},
        "device": "cpu",
    }


def make(folder: Path, runs: int) -> list[Path]:
    """Write the results of so many runs as if they had been trained and measured; the parts."""
    shutil.copytree(ROOT / "data", folder / "data", ignore=lambda _, names: [n for n in names if n in IMAGES])
    for name in ("workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "x.yaml").write_text(yaml.safe_dump(config(runs)))
    before = Path.cwd()
    os.chdir(folder)
    try:
        experiment = read_experiment(resolve(config(runs), schema_of(Config)))
    finally:
        os.chdir(before)
    random = np.random.default_rng(0)
    names = [(dataset, f"{n:03d}") for dataset, count in IMAGES.items() for n in range(count)]
    parts = []
    for run, spec in experiment.runs.items():
        place = folder / "results/runs" / run
        (place / "parts").mkdir(parents=True)
        record = {
            "spec": spec.to_dict(), "data": {"images": 431, "pin": "x"}, "pixels": 10**6, "seconds": 60.0,
            "steps": 4, "validation_psnr": 28.0, "weights_sha256": f"{abs(hash(run)):064x}"[:64],
            "revision": None, "versions": {"torch": "2"}, "hardware": {"cpu": "a CPU", "threads": 1},
        }  # fmt: skip
        (place / "run.json").write_text(json.dumps(record))
        loss = np.exp(-np.linspace(3, 6, 200)) * random.lognormal(0, 0.1, 200)
        lines = [{"step": n + 1, "pixels": n, "loss": float(value)} for n, value in enumerate(loss)]
        (place / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        part = folder / experiment.part("noise_levels", f"runs/{run}")
        psnr = random.normal(0, 1, (len(LEVELS), len(names))) + np.linspace(35, 22, len(LEVELS))[:, None]
        head = f"{spec.network['name']},norm,25,{spec.seed}"
        with open(part, "w") as handle:
            handle.write(
                "network,variant,train_sigma,seed,dataset,image,sigma,draw,psnr_in,psnr,ssim,weights,pixels,"
                "measured_by,protocol\n"
            )
            for i, sigma in enumerate(LEVELS):
                for j, (dataset, image) in enumerate(names):
                    handle.write(
                        f"{head},{dataset},{image},{sigma},0,20.000000,{psnr[i, j]:.6f},0.800000,"
                        f"{record['weights_sha256'][:8]},0123456789abcdef,a CPU; torch 2; normeq 0,paper\n"
                    )
        parts.append(part)
    return parts


def gallery(folder: Path, networks: int) -> list[Path]:
    """Pictures of so many networks, as noisy as such pictures are."""
    random = np.random.default_rng(1)
    images = [f"set12/{n:03d}" for n in range(12)] + [f"bsd68/{n:03d}" for n in range(68)]
    sigmas = np.array([5.0, 25.0, 50.0, 100.0])
    x, y = np.meshgrid(np.linspace(0, 6, SIDE), np.linspace(0, 6, SIDE))
    clean = np.stack([128 + 90 * np.sin(x * (1 + n % 5) + n) * np.cos(y) for n in range(len(images))])
    parts = []
    for n in range(networks):
        shown = clean[:, None] + random.normal(0, 4, (len(images), len(sigmas), SIDE, SIDE))
        meta = {
            "network": f"net{n:03d}", "variant": "norm", "train_sigma": "25", "seed": "0", "weights": "",
            "images": images, "context": 0,
        }  # fmt: skip
        parts.append(folder / f"gallery-{n:03d}.npz")
        np.savez_compressed(
            parts[-1], meta=np.array(json.dumps(meta)), sigmas=sigmas,
            clean=clean.clip(0, 255).astype(np.uint8),
            shapes=np.array([(SIDE, SIDE)] * len(images)), crops=np.array([(0, 0)] * len(images)),
            denoised=shown.clip(0, 255).astype(np.uint8), psnr=np.full((len(images), len(sigmas)), 30.0),
        )  # fmt: skip
    return parts


def timed(words: Sequence[object], folder: Path) -> tuple[float, float]:
    """CPU seconds and peak memory (MB) of a command, in a process forked from this one: what it needs to
    start, the same for every number of runs, is not in it. Snakemake starts as it does for a user.
    """
    program, *rest = map(str, words)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.chdir(folder)
            out = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if program == "snakemake":
                os.execv(sys.executable, [sys.executable, "-m", program, *rest])  # noqa: S606
            sys.argv = [program, *rest]
            status = console.run(cli.command)
            sys.stdout.flush()
        finally:
            os._exit(status)
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"growth: {' '.join(map(str, words))[:200]}: {(folder / 'said.txt').read_text()[-2000:]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def size(*paths: Path) -> float:
    """Megabytes of files and folders."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def opened(page: Path) -> float | None:
    """Seconds until Chromium has loaded a page; None without it."""
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not (binary and shutil.which("chromedriver")):
        return None
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.get("about:blank")
        browser.get(page.resolve().as_uri())
        ended = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
        return browser.execute_script(ended) / 1e3
    finally:
        browser.quit()


def measure(runs: int, folder: Path) -> list[dict[str, object]]:
    """The rows of so many runs."""
    parts = make(folder, runs)
    networks = max(1, runs // SEEDS)
    rows = len(parts) * len(LEVELS) * sum(IMAGES.values())
    found: list[dict[str, object]] = []

    def note(what: str, seconds: float | None, memory: float | None, mb: float | None) -> None:
        numbers = {"seconds": seconds, "peak_mb": memory, "mb": mb}
        shown = {key: "" if value is None else f"{value:.3g}" for key, value in numbers.items()}
        found.append({"runs": runs, "networks": networks, "rows": rows, "what": what} | shown)
        units = {"seconds": "s", "peak_mb": "MB of memory", "mb": "MB"}
        said = (
            ", ".join(f"{shown[key]} {unit}" for key, unit in units.items() if shown[key]) or "not measured"
        )
        print(f"{runs:,} run{'s' * (runs != 1)}, {what}: {said}", flush=True)

    dry = ["snakemake", "-n", "--quiet", "all", "--cores", "1", "--configfile", "x.yaml"]
    note("dry run, from nothing", *timed(dry, folder), None)
    long = folder / "results/x/noise_levels.csv"
    names = [part.relative_to(folder) for part in parts]
    note("measurements (parts)", None, None, size(*parts))
    note("collect", *timed(["normeq", "collect", long, *names], folder), size(long))
    for table in ("generalisation", "matched-noise", "variance"):
        out = folder / "results/x/tables"
        seconds = timed(["normeq", "table", table, long, "--out-dir", out], folder)
        note(f"table {table}", *seconds, size(*out.glob(f"{table.replace('-', '_')}.*")))
    figure = folder / "figures/x/noise_levels"
    seconds = timed(["normeq", "figure", "noise-levels", long, "--out", figure], folder)
    note("figure noise-levels", *seconds, size(*figure.parent.iterdir()))
    (folder / "results/x/config.yaml").write_text(yaml.safe_dump(
        config(runs) | {"evaluate": {
            "noise_levels": {"datasets": list(IMAGES), "sigmas": LEVELS, "draws": 1, "images": None},
            "gallery": {"context": 0},
        }}))  # fmt: skip
    pictures = gallery(folder, min(networks, SHOWN))
    page = folder / "results/x/report.html"
    words = ["normeq", "report", page, "--config", folder / "results/x/config.yaml", "--noise-levels", long]
    for option, given in (
        ("--table", sorted((folder / "results/x/tables").glob("*.md"))),
        ("--figure", [figure.with_suffix(".svg")]),
        ("--run", [part.parents[1] for part in parts]),
        ("--gallery", pictures),
    ):
        words += [word for one in given for word in (option, one)]
    note("report", *timed(words, folder), size(page))
    note("report, opened in Chromium", opened(page), None, None)
    note("all results", None, None, size(folder / "results", folder / "figures") - size(*parts))
    return found


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """The recorded numbers as docs/scale.md has them."""
    counts = list(dict.fromkeys(row["runs"] for row in rows))
    heads = [f"{int(count):,} run{'s' * (count != '1')}" for count in counts]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(counts)]
    of = {(row["runs"], row["what"]): row for row in rows}
    total = [f"{int(of[count, 'collect']['rows']):,}" for count in counts]
    lines.append(f"| rows of measurements | {' | '.join(total)} |")
    for what in dict.fromkeys(row["what"] for row in rows):
        cells = []
        for count in counts:
            row = of[count, what]
            units = (("seconds", "s"), ("peak_mb", "MB memory"), ("mb", "MB"))
            shown = [f"{float(row[key]):,.3g} {unit}" for key, unit in units if row[key] and key != "peak_mb"]
            if row["peak_mb"]:
                shown.append(f"{float(row['peak_mb']):,.0f} MB of memory")
            cells.append(", ".join(shown) or "–")
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Time, memory and size over the number of runs.")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--out", type=Path, default=RESULTS / "growth.csv", help="CSV to write")
    parser.add_argument("--table", action="store_true", help="print the recorded numbers as Markdown")
    options = parser.parse_args()
    if options.table:
        with open(options.out, newline="", encoding="utf-8") as handle:
            print(markdown(list(csv.DictReader(handle))), end="")
        return 0
    list(tables()), list(figures())
    import matplotlib.pyplot  # noqa: F401

    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GIT_DIR": os.devnull}
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    rows = []
    for runs in options.runs:
        with tempfile.TemporaryDirectory(prefix="normeq-growth-") as folder:
            os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
            rows += measure(runs, Path(folder) / "project")
        write_csv(options.out, COLUMNS, rows)  # after each, as the last takes longest
    print(f"{options.out}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
