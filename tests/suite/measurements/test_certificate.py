"""The certificate, on denoisers whose answers are known."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from normeq.denoisers.dtypes import DTYPES
from normeq.denoisers.open import open_denoiser
from normeq.denoisers.precision import computing_in, get_dtype
from normeq.equivariance.changes import Change, changes
from normeq.errors import NormeqError
from normeq.imaging.noise import labelled_noise
from normeq.suite.analysis import certificate as analysis
from normeq.suite.data.listing import ImageFile
from normeq.suite.formats.table import latex, markdown
from normeq.suite.measurements.certificate import COLUMNS
from normeq.suite.measuring.batches import Image
from normeq.suite.measuring.changes import published_changes
from normeq.suite.measuring.defects import certify, find_image
from normeq.suite.measuring.row_cache import RowCache
from normeq.suite.measuring.rows import write_rows
from normeq.suite.tables import certificate as table
from tests.synthetic_denoisers import write_own
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")
GRID = changes([0.1, 40.0], [-0.25, 10.0]) + published_changes("d", "one", 25)
CLEAN = np.random.default_rng(0).random((24, 20)).astype(np.float32)
IMAGE = Image("d", "one", CLEAN)
NOISY = CLEAN + labelled_noise(CLEAN.shape, 25, "d", "one", 0)


@pytest.fixture
def own(tmp_path):
    path = write_own(tmp_path)
    return lambda name: open_denoiser(f"{name}={path}:{name}", CPU)


@pytest.fixture
def run(tmp_path):
    """Untrained networks saved like finished runs: variant -> folder."""

    def make(variant):
        return str(save_small(tmp_path / variant / "model.safetensors", variant).parent)

    return make


def rows(denoiser, dtype="float64", grid=GRID):
    return list(certify(denoiser, IMAGE, 25.0, grid, DTYPES[dtype], CPU))


def verdicts(denoiser, dtype="float64", folder=None):
    """(scale, shift, joint) of the table's only row."""
    write_rows(folder / "certificate.csv", COLUMNS, rows(denoiser, dtype))
    numbers = table.make(folder / "certificate.csv").numbers
    assert len(numbers) == 1
    return tuple(numbers.loc[0, ["scale", "shift", "joint"]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_denoiser_that_works_in_place_is_measured_as_any_other(tmp_path, dtype):
    (tmp_path / "d.py").write_text(
        "from torch.nn import Module\n"
        "class Copies(Module):\n    def forward(self, y):\n        return y.clamp(min=0)\n"
        "class InPlace(Module):\n    def forward(self, y):\n        return y.clamp_(min=0)\n"
        "copies, in_place = Copies(), InPlace()\n"
    )
    numbers = [
        [row["relative"] for row in rows(open_denoiser(f"d={tmp_path / 'd.py'}:{name}", CPU), dtype)]
        for name in ("copies", "in_place")
    ]
    assert numbers[0] == numbers[1]


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
        for dtype in (
            "float64",
            "float32",
            "emulated-tf32",
            "float16",
            "bfloat16",
            "all-float16",
            "all-bfloat16",
        )  # fmt: skip
    }
    assert defects["float32"] < defects["emulated-tf32"] < defects["bfloat16"]
    assert 0 < defects["float64"] < 1e-13 < defects["float32"] < 1e-5 < defects["float16"]
    assert defects["float16"] < defects["bfloat16"] < defects["all-bfloat16"] < 0.3
    assert defects["float16"] < defects["all-float16"] < defects["all-bfloat16"]
    assert next(denoiser.function.parameters()).dtype == torch.float32  # the denoiser itself is as it was


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
        ("net", "all-float16", True),
        ("net", "emulated-tf32", True),
        ("blur", "emulated-tf32", False),
        ("blur", "all-float16", False),
    ],
)
def test_who_can_compute_in_what(own, name, dtype, can):
    y = torch.from_numpy(NOISY)[None, None]
    assert (computing_in(DTYPES[dtype], own(name), y) is not None) == can
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
        computing_in(DTYPES[name], type(denoiser)(**vars(denoiser) | {"function": Spy()}), y)(y, 0.1)
    assert seen == [(True, True), (False, False)]
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    with pytest.raises(NormeqError, match="dtype tf32 exists on NVIDIA GPUs only"):
        get_dtype("tf32", CPU)


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
    for name, why in (
        ("broken", "OSError: no licence found"),
        ("empty", "ValueError: its output is not fin"),
    ):
        with pytest.raises(NormeqError, match=f"denoiser {name}: fails on d/one as it is .{why}"):
            rows(own(name))


def test_a_denoiser_that_writes_into_its_input_is_judged_by_its_output(own, tmp_path):
    assert verdicts(own("inplace"), "float64", tmp_path) == ("yes", "no", "no")


def test_what_fails_in_scale_or_shift_alone_fails_in_joint_and_draws_elsewhere_do_not_count(own, tmp_path):
    passed = [row for row in rows(own("blur")) if row["kind"] != "published"]
    for kind, joint in (("scale", "no"), ("shift", "no"), ("joint", "no"), ("published", "yes")):
        failed = passed[0] | {"kind": kind, "scale": "7", "shift": "3", "relative": "0.5"}
        write_rows(tmp_path / "c.csv", COLUMNS, [*passed, failed])
        assert table.make(tmp_path / "c.csv").numbers.loc[0, "joint"] == joint


def test_grid():
    grid = changes([2.0], [-1.0])
    count = {kind: sum(c.kind == kind for c in grid) for kind in ("repeat", "scale", "shift", "joint")}
    assert count == {"repeat": 1, "scale": 2, "shift": 2, "joint": 4} and len(grid) == 9
    assert Change("joint", 40.0, 10.0) in grid and Change("shift", 1.0, -1.0) in grid


def test_draws_of_the_published_metric_belong_to_the_noisy_image():
    drawn = published_changes("d", "one", 25)
    assert all(c.kind == "published" for c in drawn) and len(set(drawn)) == 8
    assert drawn == published_changes("d", "one", 25.0)  # for every denoiser
    others = [published_changes(*label) for label in (("d", "two", 25), ("e", "one", 25), ("d", "one", 5))]
    assert not any(set(drawn) & set(other) for other in others)
    many = [c for i in range(500) for c in published_changes("d", str(i), 25)]
    scales, shifts = np.array([(c.scale, c.shift) for c in many]).T
    assert 0.5 < scales.min() < 0.51 and 1.49 < scales.max() < 1.5 and abs(scales.mean() - 1) < 0.02
    assert -0.25 < shifts.min() < -0.245 and 0.245 < shifts.max() < 0.25 and abs(shifts.mean()) < 0.01


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
    assert analysis.EPS[dtype] == eps == DTYPES[dtype].eps
    assert analysis.tolerance(dtype) / eps == pytest.approx(1 / analysis.tolerance(dtype))


def test_the_table_knows_every_arithmetic():
    assert {name: a.eps for name, a in DTYPES.items()} == analysis.EPS


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


def test_the_middle_of_the_noisy_image(monkeypatch, own):
    file = ImageFile("d", "one", Path("one.png"), Path("one.png"))
    monkeypatch.setattr("normeq.suite.data.listing.find_image", lambda image, data_dir: file)
    monkeypatch.setattr("normeq.suite.data.listing.read", lambda images: [(one, CLEAN) for one in images])
    seen = []

    def spy(y, sigma):
        seen.append((y.numpy(), sigma))
        return y

    denoiser = open_denoiser("x=torch.nn:Identity", CPU)
    denoiser = type(denoiser)(**vars(denoiser) | {"function": spy})
    change = [Change("joint", 2.0, 1.0)]
    for size, part in ((0, NOISY), (16, NOISY[4:20, 2:18]), (22, NOISY[1:23])):
        list(certify(denoiser, find_image("d/one", size), 25.0, change, DTYPES["float32"], CPU))
        (here, sigma), (there, sigma_there) = seen[-2:]
        assert np.array_equal(here[0, 0], part) and sigma == 25 / 255
        assert np.allclose(there[0, 0], 2 * part + 1) and sigma_there == pytest.approx(2 * sigma)


def test_what_was_measured_is_not_measured_again(own, tmp_path):
    write_rows(tmp_path / "old.csv", COLUMNS, rows(own("blur"), "float32"))
    grid = [*GRID, Change("shift", 1.0, 3.0)]
    row_cache = RowCache([tmp_path / "old.csv"])
    found = list(certify(own("blur"), IMAGE, 25.0, grid, DTYPES["float32"], CPU, row_cache))
    assert row_cache.used == len(GRID) and len(found) == len(GRID) + 1
    for sigma, image, dtype in (
        (5.0, IMAGE, "float32"),
        (25.0, Image("d", "one", CLEAN, 16), "float32"),
        (25.0, IMAGE, "float64"),
    ):
        row_cache = RowCache([tmp_path / "old.csv"])
        assert list(certify(own("blur"), image, sigma, GRID, DTYPES[dtype], CPU, row_cache))
        assert row_cache.used == 0


def test_training_seeds_are_one_row_and_the_worst_counts(own, tmp_path):
    found = rows(own("blur")) + [
        row | {"seed": "1", "weights": "f", "relative": f"{float(row['relative']) + 0.5:.6e}"}
        for row in rows(own("blur"))
        if row["kind"] == "joint"
    ]
    write_rows(tmp_path / "c.csv", COLUMNS, found)
    made = table.make(tmp_path / "c.csv")
    assert list(made.numbers["seeds"]) == [2] and made.numbers.loc[0, "joint_defect"] >= 0.5
    assert made.numbers.loc[0, "joint"] == "no" and "worst of 2 training seeds" in markdown(made)
    same_seed = [row | {"seed": ""} for row in found]
    write_rows(tmp_path / "c.csv", COLUMNS, same_seed)
    assert list(table.make(tmp_path / "c.csv").numbers["seeds"]) == [1, 1]  # other weights: two networks


def test_latex_has_the_signs(own, tmp_path):
    write_rows(tmp_path / "c.csv", COLUMNS, rows(own("shrink")))
    text = latex(table.make(tmp_path / "c.csv"))
    assert r"$\checkmark$" in text and r"$\times$" in text
    assert not set("✓✗") & set("".join(line for line in text.splitlines() if line[:1] != "%"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such table"),
        ("a,b\n1,2\n", "missing column"),
        (",".join(COLUMNS) + "\n", "has a header but no rows"),
        (
            ",".join(COLUMNS) + "\nx,other,,,d,a,25,0,scale,2,0,float12,cpu,1,1,1,,,,,\n",
            "unknown dtype 'float12'",
        ),
        (
            ",".join(COLUMNS) + "\nx,other,,,d,a,25,0,scale,2,0,float32,cpu,much,1,1,,,,,\n",
            "line 2: column relative",
        ),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, text, message):
    if text:
        (tmp_path / "c.csv").write_text(text)
    with pytest.raises(NormeqError, match=message):
        table.make(tmp_path / "c.csv")
