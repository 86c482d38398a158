"""A user's denoiser is known by all that decides what it does; what is not fully known is measured again."""

import csv

import numpy as np
import pytest
import torch
import yaml
from skimage.io import imsave

from normeq import cli
from normeq.denoisers import sources
from normeq.errors import NormeqError
from normeq.suite.measuring import batches
from normeq.suite.measuring.rows import collect
from tests.denoisers.users_files import write

CPU = torch.device("cpu")
IMAGE = torch.arange(36.0).reshape(1, 1, 6, 6) / 36


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a data set of its own: two images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(sources.RUN, raising=False)
    work = tmp_path / "work"
    (work / "data" / "mine").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        image = rng.integers(40, 220, (24, 30), dtype=np.uint8)
        imsave(work / "data" / "mine" / f"{name}.png", image, check_contrast=False)
    words = {key: key for key in ("title", "origin", "terms", "redistribution", "place")}
    entry = {"kind": "manual", "files": None, **words}
    (work / "data" / "datasets.yaml").write_text(yaml.safe_dump({"mine": entry}))
    (work / "data" / "files.csv").write_text("dataset,file,sha256,origin_url\n")
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def normeq(folder, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["normeq", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


def rows(path="o.csv"):
    with open(path, newline="") as handle:
        return list(csv.DictReader(handle))


def levels(*sigmas):
    return [word for sigma in sigmas for word in ("--sigmas", sigma)]


MODULE = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('w', {value}, persistent={persistent})
    def forward(self, y): return y * self.w
f = Net()
"""
HERE = "import numpy as np, torch, os\nfrom pathlib import Path\nhere = Path(__file__).parent\n"
GLOBAL = "import os\nW = float(os.environ['W'])\ndef f(n, s): return n * W\n"
# Files of a project, what of it changes, and its target. In each the factor is 0.5 before and 0.25 after.
CHANGES = {
    "another function": ({"d.py": "def f(n, s): return n * 0.5\ndef g(n, s): return n * 0.25\n"}, "d.py:g"),
    "the file": ({"d.py": "def f(n, s): return n * 0.50\n"}, {"d.py": "def f(n, s): return n * 0.25\n"}),
    "a helper": (
        {"d.py": "from h import k\ndef f(n, s): return n * k\n", "h.py": "k = 0.50\n"},
        {"h.py": "k = 0.25\n"},
    ),
    "a helper of a helper, in a package": (
        {
            "d.py": "from p import m\ndef f(n, s): return n * m.K\n",
            "p/__init__.py": "",
            "p/m.py": "from .x import K\n",
            "p/x.py": "K = 0.50\n",
        },
        {"p/x.py": "K = 0.25\n"},
    ),
    "a helper that is imported late": (
        {"d.py": "def f(n, s):\n    import h\n    return n * h.k\n", "h.py": "k = 0.50\n"},
        {"h.py": "k = 0.25\n"},
    ),
    "weights that are read by the import": (
        {"d.py": f"{HERE}w = torch.load(here / 'model.pth')\ndef f(n, s): return n * float(w)\n",
         "model.pth": torch.tensor(0.5)},
        {"model.pth": torch.tensor(0.25)},
    ),
    "weights that are read by the call": (
        {"d.py": f"{HERE}def f(n, s): return n * float(np.load(here / 'model.npy'))\n",
         "model.npy": np.array(0.5)},
        {"model.npy": np.array(0.25)},
    ),
    "weights in a folder of weights": (
        {"d.py": f"{HERE}def f(n, s): return n * float(np.load(here / 'weights' / 'gray' / 'm.npy'))\n",
         "weights/gray/m.npy": np.array(0.5)},
        {"weights/gray/m.npy": np.array(0.25)},
    ),
    "a file whose name is put together": (
        {"d.py": f"{HERE}w = float((here / ('a' + '.dat')).read_text())\ndef f(n, s): return n * w\n",
         "a.dat": "0.50"},
        {"a.dat": "0.25"},
    ),
    "a file whose name is put together, late": (
        {"d.py": f"{HERE}def f(n, s): return n * float((here / ('a' + '.dat')).read_text())\n",
         "a.dat": "0.50"},
        {"a.dat": "0.25"},
    ),
    "a buffer": (
        {"d.py": MODULE.format(value="torch.tensor(0.5)", persistent=True)},
        {"d.py": MODULE.format(value="torch.tensor(0.25)", persistent=True)},
    ),
    "the environment": ({"d.py": GLOBAL}, {"W": "0.25"}),
    "a partial": (
        {"d.py": "from functools import partial\nfrom h import k\ndef g(k, n, s): return n * k\n"
                 "f = partial(g, k)\n", "h.py": "k = 0.50\n"},
        {"h.py": "k = 0.25\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_the_numbers_is_noticed(normeq, folder, monkeypatch, change):
    """The truth is that of a fresh table; today's rows of an older one were taken over."""
    before, after = CHANGES[change]
    write(folder, before)
    monkeypatch.setenv("W", "0.5")
    evaluate = ("evaluate", "noise-levels", "--datasets", "mine", *levels(25), "--device", "cpu")
    planned = sources.planned("d.py:f")
    assert normeq(*evaluate, "x=d.py:f", "--out", "o.csv")[0] == 0
    first = rows()
    assert normeq(*evaluate, "x=d.py:f", "--out", "o.csv")[0] == 0
    assert rows() == first  # and nothing else is
    target = after if isinstance(after, str) else "d.py:f"
    if "W" in after:
        monkeypatch.setenv("W", after["W"])
    elif target != after:
        write(folder, after)
    status, said, _ = normeq(*evaluate, f"x={target}", "--out", "o.csv")
    assert status == 0 and "0 of them made before" in said
    normeq(*evaluate, f"x={target}", "--out", "fresh.csv")
    assert [r["psnr"] for r in rows()] == [r["psnr"] for r in rows("fresh.csv")]
    assert all(a["psnr"] != b["psnr"] for a, b in zip(first, rows(), strict=True))
    if "put together" not in change:  # what planning cannot see is recorded by the job, see below
        assert sources.planned(target) != planned


@pytest.mark.parametrize("late", [True, False])
def test_the_workflow_learns_what_a_denoiser_reads(normeq, folder, monkeypatch, late):
    write(folder, CHANGES["a file whose name is put together" + (", late" if late else "")][0])
    monkeypatch.setenv(sources.RUN, "first run")
    arguments = ("--datasets", "mine", *levels(25), "--device", "cpu", "--out", "part.csv")
    normeq("evaluate", "noise-levels", "x=d.py:f", *arguments)
    assert sources.outdated("part.csv") is None
    monkeypatch.setenv(sources.RUN, "second run")
    assert sources.outdated("part.csv") is None
    (folder / "a.dat").write_text("0.25")
    now = sources.outdated("part.csv")
    assert now and list(now) == ["a.dat"]
    (folder / "a.dat").unlink()
    assert sources.outdated("part.csv") not in (None, now)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import subprocess\ndef f(n, s): return n * len(subprocess.check_output(['echo']))\n", "programs"),
        ("import h5py\ndef f(n, s): return n\n", "h5py"),
        ("import threading\nlock = threading.Lock()\ndef f(n, s):\n    with lock: return n\n", "lock"),
    ],
)
def test_what_cannot_be_known_is_measured_again_and_said(normeq, folder, monkeypatch, body, why):
    (folder / "h5py.py").write_text("")  # installed or not
    (folder / "d.py").write_text(body)
    monkeypatch.setenv(sources.RUN, "1")
    arguments = ("x=d.py:f", "--datasets", "mine", *levels(25), "--device", "cpu", "--out", "o.csv")
    for _ in range(2):
        status, said, _ = normeq("evaluate", "noise-levels", *arguments)
        assert status == 0 and "0 of them made before" in said and "x: measured again each time, as" in said
        assert why in said.splitlines()[-1]
        assert {row["weights"] for row in rows()} == {""}
    monkeypatch.setenv(sources.RUN, "2")
    assert sources.outdated("o.csv") == "2"  # and planned again in each run of the workflow


def test_this_package_is_no_file_of_the_users(normeq, folder):
    """PyTorch reads the source of its callers, and a user's file may import what it likes of ours."""
    assert sources.is_installed(batches.__file__) and not sources.is_installed(folder / "d.py")
    (folder / "d.py").write_text("from normeq.nn import SortPool\ndef f(n, s): return n\n")
    arguments = ("x=d.py:f", "--datasets", "mine", *levels(25), "--device", "cpu", "--out", "o.csv")
    for _ in range(2):
        status, said, _ = normeq("evaluate", "noise-levels", *arguments)
        assert status == 0 and "measured again each time" not in said
    assert f"{len(rows())} measurements, {len(rows())} of them made before" in said


def test_certify_does_not_take_one_for_another(normeq, folder):
    write(folder, {"two.py": "def good(n, s): return n * 0 + n.mean()\ndef bad(n, s): return n * 0\n"})
    common = ("--image", "mine/a", "--dtype", "float32", "--device", "cpu", "--out", "c.csv", "--size", 16)
    assert "38 measurements, 0" in normeq("certify", "x=two.py:good", *common)[1]
    assert "38 measurements, 38" in normeq("certify", "x=two.py:good", *common)[1]
    assert "38 measurements, 0" in normeq("certify", "x=two.py:bad", *common)[1]
    assert any(float(row["relative"] or "inf") > 0.1 for row in rows("c.csv") if row["kind"] == "shift")
    status, _, errors = normeq("certify", "x=two.py:good", "x=two.py:bad", *common)
    assert status == 2 and "two denoisers are called x" in errors


def test_two_denoisers_of_one_name_are_not_collected(normeq, folder):
    write(folder, {"two.py": "def good(n, s): return n * 0 + n.mean()\ndef bad(n, s): return n * 0\n"})
    for name, sigma in (("good", 25), ("bad", 50), ("good", 75)):
        arguments = ("--datasets", "mine", *levels(sigma), "--device", "cpu", "--out", f"{sigma}.csv")
        assert normeq("evaluate", "noise-levels", f"x=two.py:{name}", *arguments)[0] == 0
    assert collect(["25.csv", "75.csv"], "good.csv") == 4
    with pytest.raises(NormeqError, match="two denoisers are called x"):
        collect(["25.csv", "50.csv"], "all.csv")


def test_out_keeps_what_still_holds_and_says_what_it_holds(normeq, folder):
    write(folder, {"d.py": "def f(n, s): return n * 0.5\ndef g(n, s): return n\n"})
    common = ("evaluate", "noise-levels", "--datasets", "mine", "--device", "cpu", "--out", "o.csv")
    normeq(*common, "x=d.py:f", *levels(5, 25, 50))
    before = {str(row) for row in rows()}
    _, said, _ = normeq(*common, "x=d.py:f", *levels(25))
    assert "o.csv: 2 measurements, 2 of them made before" in said and "keeps 4 more" in said
    assert {str(row) for row in rows()} == before
    _, said, _ = normeq(*common, "x=d.py:f", *levels(25), "--images", 1)
    assert "keeps 5 more" in said and {str(row) for row in rows()} == before
    imsave(folder / "data" / "mine" / "b.png", np.full((24, 30), 99, np.uint8), check_contrast=False)
    _, said, _ = normeq(*common, "x=d.py:f", *levels(25))  # b at 5 and 50 is of an image that is no more
    assert "keeps 2 more" in said and "1 rows that it held are replaced" in said and "2 rows" in said
    _, said, _ = normeq(*common, "x=d.py:g", *levels(25))
    assert "2 rows that it held are replaced" in said and "2 rows that it held are gone" in said
    assert len(rows()) == 2


def test_a_table_to_reuse_that_is_not_there_is_one_line(normeq, folder):
    arguments = ("--datasets", "mine", *levels(25), "--out", "o.csv", "--reuse", "typo.csv")
    status, _, errors = normeq("evaluate", "noise-levels", "x=d.py:f", *arguments)
    assert status == 2 and errors == "normeq: error: --reuse typo.csv: no such file or folder\n"


def test_filters_ask_the_denoiser(normeq, folder, monkeypatch):
    write(folder, {"d.py": (
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, y, sigma): return y * (1 - sigma)\n"
        "net = Net()\nclass Cut(Net):\n    def forward(self, y): return y.detach() * 1\ncut = Cut()\n"
        "def plain(n, s): return n\nother = plain\n"
    )})  # fmt: skip
    found = {name: sources.may_be_module(f"d.py:{name}") for name in ("net", "cut", "plain", "other")}
    assert found == {"net": True, "cut": True, "plain": False, "other": True}
    arguments = ("--image", "mine/a", "--crop", "0,0,16", *levels(25), "--pixel", "8,8", "--device", "cpu")
    assert normeq("evaluate", "filters", "x=d.py:net", *arguments, "--out", "net.npz")[0] == 0
    np.testing.assert_allclose(np.load("net.npz")["sums"], 1 - 25 / 255, rtol=1e-5)
    for name in ("cut", "other"):
        command = ("evaluate", "filters", f"{name}=d.py:{name}", *arguments, "--out", f"{name}.npz")
        status, _, errors = normeq(*command)
        assert status == 2 and f"denoiser {name}" in errors and errors.count("\n") == 1
        with monkeypatch.context() as patch:  # a job of the workflow breaks nothing
            patch.setenv(sources.RUN, "1")
            status, said, _ = normeq(*command)
            assert status == 0 and f"{name}: left out of the filters" in said
    for parts in (["net.npz", "cut.npz", "other.npz"], ["cut.npz"]):
        assert normeq("figure", "filters", *parts, "--out", "f")[0] == 0
        assert normeq("table", "filters", *parts, "--out-dir", ".")[0] == 0


def test_rows_of_a_folder_stay_where_it_is_named_again(normeq, folder):
    """Tables call it by its own name, which no registry knows."""
    (folder / "data" / "mine").rename(folder / "photos")
    write(folder, {"d.py": "def f(n, s): return n * 0.5\n"})
    evaluate = ("evaluate", "noise-levels", "x=d.py:f", "--device", "cpu", "--out", "o.csv", "--datasets")
    assert normeq(*evaluate, "./photos", *levels(25))[0] == 0
    before = rows()
    status, said, _ = normeq(*evaluate, folder / "photos", *levels(15))
    assert status == 0 and "keeps 2 more of the same denoiser" in said and "gone" not in said
    assert [row for row in rows() if float(row["sigma"]) == 25] == before and len(rows()) == 4
    (folder / "photos" / "a.png").write_bytes((folder / "photos" / "b.png").read_bytes())
    status, said, _ = normeq(*evaluate, "./photos", *levels(35))
    assert "keeps 2 more" in said and "o.csv: 2 rows that it held are gone" in said  # those of a.png
    (folder / "more").mkdir()
    (folder / "photos" / "a.png").rename(folder / "more" / "c.png")
    said = normeq(*evaluate, "./more", *levels(35))[1]
    assert "rows that it held are gone" in said and "lie in a folder that was not named now" in said


def test_certify_keeps_rows_of_a_folder_too(normeq, folder):
    (folder / "data" / "mine").rename(folder / "photos")
    write(folder, {"d.py": "def f(n, s): return n * 0.5\n"})
    certify = ("certify", "x=d.py:f", "--device", "cpu", "--size", 16, "--dtype", "float64", "--out", "o.csv")
    assert normeq(*certify, "--image", "./photos/a.png")[0] == 0
    count = len(rows())
    status, said, _ = normeq(*certify, "--image", "./photos/b.png")
    assert status == 0 and f"keeps {count} more" in said and len(rows()) == 2 * count
