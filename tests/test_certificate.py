"""The certificate, on denoisers whose answers are known."""

import csv
import math

import numpy as np
import pandas as pd
import pytest
import torch

from normeq import cli
from normeq.arithmetic import ARITHMETICS, computing_in, get_arithmetic
from normeq.certificate import COLUMNS, Change, certify, changes, noisy_image
from normeq.errors import NormeqError
from normeq.evaluation.denoisers import open_denoiser
from normeq.evaluation.tables import write_rows
from normeq.noise import gaussian_noise
from normeq.tables import certificate as table
from normeq.tables.formats import latex, markdown
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")
GRID = changes([0.1, 40.0], [-0.25, 10.0])
NOISY = np.random.default_rng(0).normal(0.5, 0.2, (24, 20)).astype(np.float32)
OWN = """
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

random = np.random.default_rng(0)

def blur(noisy, sigma): return gaussian_filter(noisy, 1.0)
def square(noisy, sigma): return noisy ** 2
def shrink(noisy, sigma): return np.sign(noisy) * np.maximum(np.abs(noisy) - sigma, 0)
def forgetful(noisy, sigma): return np.sign(noisy) * np.maximum(np.abs(noisy) - 0.1, 0)
def centred(noisy, sigma): return noisy - noisy.mean()
def single(noisy, sigma): return gaussian_filter(noisy.astype(np.float32), 1.0)
def dice(noisy, sigma): return noisy + random.normal(0, 0.5 * sigma, noisy.shape)
def clipped(noisy, sigma): return np.clip(noisy, 0, 1)
def holes(noisy, sigma): return noisy / (noisy.min() < 1)
def broken(noisy, sigma): raise OSError("no licence\\nfound")
def inplace(noisy, sigma):
    noisy *= 0.5
    return noisy

def proud(noisy, sigma):
    if noisy.min() < -50:
        raise ValueError("negative\\nvalues")
    return noisy

net = torch.nn.Conv2d(1, 1, 3, padding=1)
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return lambda name: open_denoiser(f"{name}={path}:{name}", CPU)


@pytest.fixture
def run(tmp_path):
    """Untrained networks saved like finished runs: variant -> folder."""

    def make(variant):
        return str(save_small(tmp_path / variant / "model.safetensors", variant).parent)

    return make


def rows(denoiser, dtype="float64", grid=GRID):
    return list(certify(denoiser, NOISY, "d/one", 25.0, ARITHMETICS[dtype], grid, CPU))


def verdicts(denoiser, dtype="float64", folder=None):
    """(scale, shift, joint) of the table's only row."""
    write_rows(folder / "certificate.csv", COLUMNS, rows(denoiser, dtype))
    numbers = table.make(folder / "certificate.csv").numbers
    assert len(numbers) == 1
    return tuple(numbers.loc[0, ["scale", "shift", "joint"]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("blur", ("yes", "yes", "yes")),
        ("square", ("no", "no", "no")),
        ("shrink", ("yes", "no", "no")),
        ("forgetful", ("no", "no", "no")),
        ("centred", ("yes", "no", "no")),
        ("clipped", ("no", "no", "no")),
        ("dice", ("", "", "")),  # random: no verdict
    ],
)
def test_functions_with_known_answers(own, tmp_path, name, expected, dtype):
    assert verdicts(own(name), dtype, tmp_path) == expected


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("norm", ("yes", "yes", "yes")),
        ("wrapped", ("yes", "yes", "yes")),
        ("scale", ("yes", "no", "no")),
        ("ordinary", ("no", "no", "no")),
    ],
)
def test_our_networks(run, tmp_path, variant, expected, dtype):
    assert verdicts(open_denoiser(run(variant), CPU), dtype, tmp_path) == expected


def test_the_defect_is_the_number_in_the_table(own, tmp_path):
    """y²: f(λy) - λf(y) = (λ² - λ) y², so the relative defect of scaling is λ - 1."""
    found = rows(own("square"), grid=[Change("scale", 40.0, 0.0), Change("scale", 0.5, 0.0)])
    assert [float(row["relative"]) for row in found] == pytest.approx([39, 0.5], rel=1e-5)
    peak = float(NOISY.astype(np.float64).max() ** 2)
    assert float(found[0]["absolute"]) == pytest.approx(40 * 39 * peak, rel=1e-5)
    assert float(found[0]["normalised"]) == pytest.approx(39 * peak, rel=1e-5)


def test_float64_is_exact_to_its_digits_and_narrower_formats_are_worse(run):
    denoiser = open_denoiser(run("norm"), CPU)
    grid = [Change("joint", 40.0, 10.0)]
    defects = {
        dtype: float(rows(denoiser, dtype, grid)[0]["relative"])
        for dtype in ("float64", "float32", "float16", "bfloat16")
    }
    assert (
        0
        < defects["float64"]
        < 1e-13
        < defects["float32"]
        < 1e-5
        < defects["float16"]
        < defects["bfloat16"]
        < 0.1
    )
    assert (
        denoiser.function.network.layers[0].weight.dtype == torch.float32
    )  # the denoiser itself is as it was


def test_narrow_formats_get_no_verdict(run, tmp_path):
    assert verdicts(open_denoiser(run("norm"), CPU), "bfloat16", tmp_path) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "dtype", "can"),
    [
        ("blur", "float64", True),
        ("single", "float64", False),  # would be blamed for its own float32
        ("single", "float32", True),
        ("blur", "bfloat16", False),
        ("net", "float64", True),
        ("net", "bfloat16", True),
    ],
)
def test_who_can_compute_in_what(own, name, dtype, can):
    y = torch.from_numpy(NOISY)[None, None]
    assert (computing_in(ARITHMETICS[dtype], own(name), y) is not None) == can
    assert bool(rows(own(name), dtype)) == can


def test_tf32_is_switched_and_put_back():
    """Needs no GPU: the switches exist everywhere."""
    seen = []

    def spy(y, sigma):
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        return y

    class Spy(torch.nn.Module):
        forward = staticmethod(spy)

    denoiser = open_denoiser("x=torch.nn:Identity", CPU)
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    for name in ("tf32", "float32"):
        y = torch.zeros(1, 1, 4, 4)
        computing_in(ARITHMETICS[name], type(denoiser)(**vars(denoiser) | {"function": Spy()}), y)(y, 0.1)
    assert seen == [(True, True), (False, False)]
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    with pytest.raises(NormeqError, match="dtype tf32 exists on NVIDIA GPUs only"):
        get_arithmetic("tf32", CPU)


def test_a_refusal_is_recorded_and_is_no_pass(own, tmp_path):
    found = rows(own("proud"), grid=changes([40.0], [-100.0]))
    refused = [row for row in found if row["error"]]
    assert {(row["kind"], row["shift"]) for row in refused} == {("shift", "-100"), ("joint", "-100")}
    assert all(row["relative"] == "" and row["error"] == "ValueError: negative values" for row in refused)
    write_rows(tmp_path / "c.csv", COLUMNS, found)
    made = table.make(tmp_path / "c.csv")
    assert tuple(made.numbers.loc[0, ["scale", "shift", "joint"]]) == ("yes", "no", "no")
    assert "✗ refused" in markdown(made)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_output_that_is_not_finite_is_no_pass(own, tmp_path):
    found = rows(own("holes"), grid=changes([40.0], [10.0]))
    assert {row["error"] for row in found if row["kind"] == "shift"} == {"output is not finite"}
    assert verdicts(own("holes"), "float64", tmp_path)[1] == "no"


def test_a_denoiser_that_never_works(own):
    with pytest.raises(
        NormeqError, match="denoiser broken: fails on d/one as it is .OSError: no licence found."
    ):
        rows(own("broken"))


def test_a_denoiser_that_writes_into_its_input_is_judged_by_its_output(own, tmp_path):
    assert verdicts(own("inplace"), "float64", tmp_path) == ("yes", "no", "no")


def test_grid():
    grid = changes([2.0], [-1.0])
    count = {
        kind: sum(c.kind == kind for c in grid) for kind in ("repeat", "scale", "shift", "joint", "published")
    }
    assert count == {"repeat": 1, "scale": 2, "shift": 2, "joint": 4, "published": 8}
    assert Change("joint", 40.0, 10.0) in grid and Change("shift", 1.0, -1.0) in grid
    drawn = [c for c in grid if c.kind == "published"]
    assert all(0.5 < c.scale < 1.5 and -0.25 < c.shift < 0.25 for c in drawn) and len(set(drawn)) == 8
    assert drawn == [c for c in changes() if c.kind == "published"]  # the same for everyone


@pytest.mark.parametrize(
    ("scales", "shifts", "message"),
    [([0.0], [1.0], "a scale must"), ([1.0], [1.0], "a scale must"), ([math.nan], [1.0], "a scale must"),
     ([2.0], [0.0], "a shift must"), ([2.0], [math.inf], "a shift must")],
)  # fmt: skip
def test_grids_that_make_no_sense(scales, shifts, message):
    with pytest.raises(NormeqError, match=message):
        changes(scales, shifts)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tolerance_lies_halfway_between_rounding_and_failure(dtype):
    eps = torch.finfo(getattr(torch, dtype)).eps
    assert table.EPS[dtype] == eps == ARITHMETICS[dtype].eps
    assert table.tolerance(dtype) / eps == pytest.approx(1 / table.tolerance(dtype))


def test_the_table_knows_every_arithmetic():
    assert {name: a.eps for name, a in ARITHMETICS.items()} == table.EPS


def test_published_metric_and_authors_check(own, tmp_path):
    write_rows(tmp_path / "c.csv", COLUMNS, found := rows(own("square")))
    row = table.make(tmp_path / "c.csv").numbers.loc[0]
    drawn = [float(r["relative"]) for r in found if r["kind"] == "published"]
    assert row["published_metric"] == pytest.approx(np.mean(drawn))
    there = next(r for r in found if (r["kind"], r["scale"], r["shift"]) == ("joint", "40", "10"))
    assert (
        row["authors_joint_defect"] == pytest.approx(float(there["absolute"]))
        and row["authors_joint"] == "no"
    )


def test_the_middle_of_the_noisy_image(monkeypatch):
    clean = np.random.default_rng(1).random((9, 6)).astype(np.float32)
    monkeypatch.setattr("normeq.certificate.image_file", lambda image, data_dir: image)
    monkeypatch.setattr("normeq.certificate.read_gray", lambda path: clean)
    whole = noisy_image("d/a", 25, 0)
    assert np.array_equal(whole, clean + gaussian_noise((9, 6), 25, "d", "a", 0))
    assert np.array_equal(noisy_image("d/a", 25, 4), whole[2:6, 1:5])
    assert noisy_image("d/a", 25, 8).shape == (8, 6)


def test_latex_has_the_signs(own, tmp_path):
    write_rows(tmp_path / "c.csv", COLUMNS, rows(own("shrink")))
    text = latex(table.make(tmp_path / "c.csv"))
    assert r"$\checkmark$" in text and r"$\times$" in text
    assert not set("✓✗") & set("".join(line for line in text.splitlines() if line[:1] != "%"))


@pytest.fixture
def normeq(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["normeq", "certify", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


def test_command(normeq, run, own, tmp_path, monkeypatch):
    monkeypatch.setattr("normeq.certificate.image_file", lambda image, data_dir: image)
    monkeypatch.setattr("normeq.certificate.read_gray", lambda path: np.full((40, 30), 0.5, dtype=np.float32))
    out = tmp_path / "e" / "certificate.csv"
    arguments = [
        run("norm"),
        f"blur={tmp_path / 'mine.py'}:blur",
        "--image",
        "d/a",
        "--image",
        "d/b",
        "--size",
        20,
    ]
    status, said, _ = normeq(
        *arguments, "--out", out, "--table-dir", tmp_path / "t", "--dtype", "float32", "--dtype", "bfloat16",
        "--scale", 2, "--shift", 1, "--device", "cpu",
    )  # fmt: skip
    assert status == 0 and "blur: does not compute in bfloat16, left out" in said
    with open(out, newline="") as handle:
        found = list(csv.DictReader(handle))
    assert list(found[0]) == COLUMNS and len(found) == 3 * 2 * len(changes([2], [1]))
    assert {row["image"] for row in found} == {"d/a", "d/b"} and {row["device"] for row in found} == {"cpu"}
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == [
        f"certificate.{s}" for s in ("csv", "md", "tex")
    ]
    assert list(pd.read_csv(tmp_path / "t" / "certificate.csv")["joint"].fillna("")) == ["yes", "", "yes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--sigma", "-1"], "sigma must be above 0"),
        (["x", "--table-dir", "."], "the table would overwrite"),
        (["x", "--scale", "0"], "a scale must be a positive number"),
        (["x", "--dtype", "float8"], "unknown dtype 'float8': choose from float64"),
        (["x", "--dtype", "tf32", "--device", "cpu"], "dtype tf32 exists on NVIDIA GPUs only"),
        (["i=torch.nn:Identity", "i=torch.nn:Identity"], "denoiser i=torch.nn:Identity is named twice"),
        (["i=normeq.classical:tv", "--image", "camera"], "camera"),
        (["i=normeq.classical:nothing"], "denoiser i: cannot load"),
    ],
)
def test_mistakes_are_one_line(normeq, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, _, errors = normeq(*arguments, "--out", "certificate.csv")
    assert status == 2 and errors.startswith("normeq: error: ") and errors.count("\n") == 1
    assert message in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such table"),
        ("a,b\n1,2\n", "missing column"),
        (",".join(COLUMNS) + "\n", "has a header but no rows"),
        (",".join(COLUMNS) + "\nx,other,,scale,2,0,float12,cpu,d/a,1,1,1,25,,,\n", "unknown dtype 'float12'"),
        (
            ",".join(COLUMNS) + "\nx,other,,scale,2,0,float32,cpu,d/a,much,1,1,25,,,\n",
            "line 2: column relative",
        ),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, text, message):
    if text:
        (tmp_path / "c.csv").write_text(text)
    with pytest.raises(NormeqError, match=message):
        table.make(tmp_path / "c.csv")
