"""The programs of benchmarks/ run and write what their README says; no times are judged."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from normeq.nn.variants import VARIANTS

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
WANTED = "network,variant,device,dtype,workload,mode,seconds_median,seconds_iqr,mpx_per_s,peak_mb,mfu".split(
    ","
)


def run(program, *arguments):
    command = [sys.executable, str(BENCHMARKS / program), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


def rows(path):
    with open(path, newline="") as handle:
        return list(csv.DictReader(handle))


def test_speed_writes_a_row_per_variant_and_mode(tmp_path):
    out = tmp_path / "here.csv"
    settings = ["--networks", "fdncnn10x32", "--rounds", 3, "--threads", 1, "--device", "cpu", "--out", out]
    run("speed.py", "--dtypes", "float32", "--workloads", "1x1x16x16", *settings)
    run(
        "speed.py",
        "--dtypes",
        "float32",
        "--workloads",
        "2x1x12x12",
        "--modes",
        "infer",
        "--append",
        *settings,
    )
    table = rows(out)
    assert list(table[0])[: len(WANTED)] == WANTED
    assert [row["workload"] for row in table] == ["1x1x16x16"] * 2 * len(VARIANTS) + ["2x1x12x12"] * len(
        VARIANTS
    )
    assert {row["variant"] for row in table} == set(VARIANTS)
    assert all(float(row["seconds_median"]) > 0 for row in table)
    for row in table:
        if row["variant"] == "ordinary":
            assert float(row["ratio"]) == 1
    run("picture.py", out)
    assert out.with_suffix(".svg").stat().st_size > 0 and out.with_suffix(".png").stat().st_size > 0


def test_throughput_runs_both_loops(tmp_path):
    out = tmp_path / "loops.csv"
    settings = [
        "--device",
        "cpu",
        "--networks",
        "fdncnn10x32",
        "--variants",
        "norm",
        "--rounds",
        1,
        "--steps",
        1,
    ]
    run("throughput.py", *settings, "--batch", 1, "--patch", 16, "--out", out)
    usual, own = rows(out)
    assert [usual["loop"], own["loop"]] == ["straightforward", "normeq"]
    assert usual["dtype"] == "float32" and usual["speedup"] == "1" and own["dtype"] in ("float32", "bfloat16")


def test_one_round_has_no_quartiles_and_none_is_refused(tmp_path):
    out = tmp_path / "one.csv"
    settings = ["--networks", "fdncnn10x32", "--dtypes", "float32", "--workloads", "1x1x12x12", "--out", out]
    run("speed.py", *settings, "--device", "cpu", "--modes", "infer", "--rounds", 1)
    assert all(row["ratio_low"] == row["ratio"] == row["ratio_high"] for row in rows(out))
    command = [sys.executable, str(BENCHMARKS / "speed.py"), "--rounds", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert refused.returncode == 2 and "--rounds must be at least 1" in refused.stderr


def test_the_picture_of_speed_cuts_nothing_off():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import picture
    finally:
        sys.path.pop(0)
    row = {"network": "net", "dtype": "float32", "workload": "1x1x8x8", "device": "cpu"}
    ratios = {"ordinary": (1, 1, 1), "norm": (2.4, 2.6, 3.1), "scale": (0.4, 0.5, 0.6)}
    table = [
        row | {"variant": name, "mode": mode, "ratio_low": low, "ratio": ratio, "ratio_high": high}
        for mode in ("train", "infer")
        for name, (low, ratio, high) in ratios.items()
    ]
    for axes in picture.draw(picture.pd.DataFrame(table), "title").axes:
        low, high = axes.get_xlim()
        assert low < 0.4 and high > 3.1


def test_denoise_says_how_large_it_became(tmp_path):
    out = tmp_path / "denoise.csv"
    run(
        "denoise.py",
        "--megapixels",
        0.04,
        "--network",
        "chain4x8",
        "--device",
        "cpu",
        "--tile",
        150,
        "--out",
        out,
    )
    (row,) = rows(out)
    assert row["tile"] == "150x150" and float(row["peak_mb"]) > 10


def test_allocator_measures_both_kinds_of_process(tmp_path):
    out = tmp_path / "allocator.csv"
    settings = ["--networks", "fdncnn10x32", "--variants", "norm", "--modes", "train"]
    run("allocator.py", *settings, "--rounds", 1, "--repeats", 1, "--out", out)
    [row] = rows(out)
    assert row["mode"] == "train" and float(row["cpu_seconds"]) > 0 and float(row["cpu_seconds_kept"]) > 0


def test_evaluation_tells_the_network_from_the_rest(tmp_path):
    out = tmp_path / "evaluation.csv"
    settings = [
        "--networks",
        "fdncnn10x32",
        "--variants",
        "norm",
        "--shape",
        "16x20",
        "--images",
        2,
        "--rounds",
        1,
    ]
    run("evaluation.py", *settings, "--levels", 1, "--out", out)
    run("evaluation.py", *settings, "--levels", 2, "--append", "--out", out)
    table = rows(out)
    assert [(row["device"], row["images"], row["levels"]) for row in table] == [
        ("cpu", "2", "1"),
        ("cpu", "2", "2"),
    ]
    # Set12 and BSD68 have 12 268 740 pixels; the network 74 304 weights, each multiplied and added once.
    pixels = 12_268_740 * 21 * 5 * 4
    for row in table:
        assert float(row["grid_pflop"]) == pytest.approx(2 * 74_304 * pixels / 1e15, rel=1e-4)
        own, rest = float(row["network_s_per_mpx"]), float(row["rest_s_per_mpx"])
        assert float(row["grid_minutes_extrapolated"]) == pytest.approx((own + rest) * pixels / 6e7, rel=1e-3)
        assert own > 0 and rest >= float(row["noise_s_per_mpx"]) + float(row["metrics_s_per_mpx"]) > 0


def test_every_recorded_trial_is_in_the_plan():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import recipes
    finally:
        sys.path.pop(0)
    plan = {(t["trial"], t["variant"], str(t["seed"])) for t in recipes.read_trials()}
    recorded = [(row["trial"], row["variant"], row["seed"]) for row in rows(recipes.TABLE)]
    assert set(recorded) <= plan and len(set(recorded)) == len(recorded)


def test_recorded_hardware_has_the_columns_of_the_program():
    for path in (BENCHMARKS / "results").glob("*.csv"):
        header = list(rows(path)[0])
        if path.stem not in ("recipes", "growth", "faults-counts"):
            assert header[:3] == ["network", "variant", "device"] and header[-1] == "revision", path.name


def test_nothing_is_lost_when_things_break(tmp_path):
    """A little of everything that docs/reliability.md counts."""
    out = tmp_path / "faults.csv"
    said = run("faults.py", "--quick", "--out", out)
    assert " 0 faults" in said, said
    table = rows(out)
    groups = {row["group"] for row in table}
    assert {"kill -9", "a byte flipped", "no space for a file", "two at once", "random config"} <= groups
    assert sum(int(row["trials"]) for row in table) > 60
    assert any(int(row["refused"]) for row in table if row["group"] == "a byte flipped")


def test_growth_measures_each_step(tmp_path):
    out = tmp_path / "growth.csv"
    run("growth.py", "--runs", 2, "--out", out)
    table = rows(out)
    assert {row["runs"] for row in table} == {"2"}
    for what in ("dry run, from nothing", "collect", "table generalisation", "report"):
        assert all(float(row["seconds"]) > 0 for row in table if row["what"] == what)
    assert "| collect |" in run("growth.py", "--table", "--out", out)


def test_the_table_of_the_documentation_is_the_one_that_was_recorded():
    assert run("faults.py", "--table") in (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
