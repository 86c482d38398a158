"""normeq denoise: files and folders in their own type and range; one line for what is wrong."""

import os

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from normeq import denoise
from normeq.cli import app
from normeq.errors import NormeqError
from normeq.nn.weights import save_network
from tests.denoisers.networks import SMALL, small
from tests.synthetic_networks import save_small

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (12, 17)).astype(np.uint8)
HTML = b"<!DOCTYPE html><html></html>"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in a folder with a small network of each variant, ``norm`` by default; its lines."""
    monkeypatch.chdir(tmp_path)
    for variant in ("norm", "ordinary"):
        save_small(tmp_path / f"{variant}.safetensors", variant)

    def call(*words, network="norm.safetensors"):
        result = CliRunner().invoke(app, ["denoise", *map(str, words), "--network", network])
        if isinstance(result.exception, NormeqError):
            return [*result.stderr.splitlines(), f"error: {result.exception}"]
        assert result.exit_code == 0, result.exception
        return result.stderr.splitlines()

    return call


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, array, **options)
    else:
        Image.fromarray(array).save(path)


def load(path):
    if path.suffix == ".npy":
        return np.load(path)
    return tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path))


FILES = {
    "8 bits": ("a.png", GRAY, {}, {}),
    "16 bits": ("a.png", GRAY.astype(np.uint16) * 250, {}, {}),
    "12 in 16": ("a.tif", GRAY.astype(np.uint16) * 16, {"photometric": "minisblack"}, {}),
    "signed": ("a.tif", GRAY.astype(np.int16) * 100 - 9000, {"photometric": "minisblack"}, {}),
    "half": ("a.tif", (GRAY / 255).astype(np.float16), {"photometric": "minisblack"}, {}),
    "float": ("a.tif", (GRAY / 7 - 3e5).astype(np.float32), {"photometric": "minisblack"}, {}),
    "double": ("a.npy", GRAY * 1e-30 + 5e-27, {}, {}),
    "stack": ("a.tif", RNG.random((3, 12, 17)).astype("f4"), {"photometric": "minisblack"}, {}),
    "colour": ("a.png", RNG.integers(0, 256, (12, 17, 3)).astype(np.uint8), {}, {"channel_axis": -1}),
    "colour pages": (
        "a.tif", RNG.integers(0, 256, (2, 12, 17, 3), "u2"), {"photometric": "rgb"}, {"channel_axis": 3},
    ),
    "channels first": ("a.npy", RNG.random((3, 12, 17)), {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_its_array(tmp_path, run, case):
    name, array, options, how = FILES[case]
    save(tmp_path / name, array, **options)
    lines = run(name, "--out", f"out/b{name[1:]}")
    found = load(tmp_path / f"out/b{name[1:]}")
    expected = denoise(array, "norm.safetensors", **how)
    assert found.dtype == array.dtype and np.array_equal(found, expected)
    assert not np.array_equal(found, array)
    assert (len(lines) > 0) == (case in ("stack", "colour", "colour pages", "channels first")), lines
    assert ("channels, each by itself" in str(lines)) == ("colour" in case)


def test_min_is_white_is_denoised_as_it_looks(tmp_path, run):
    """The ordinary and the equivariant network see the picture that the twin with max-is-white holds."""
    for dtype, top in (("u1", 255), ("u2", 65535)):
        values = (GRAY.astype(float) / 255 * top).astype(dtype)
        save(tmp_path / "black.tif", values, photometric="minisblack")
        save(tmp_path / "white.tif", top - values, photometric="miniswhite")
        for network in ("norm.safetensors", "ordinary.safetensors"):
            run("black.tif", "white.tif", "--out", "out", "--range", 0, top, "--force", network=network)
            black, white = load(tmp_path / "out/black.tif"), load(tmp_path / "out/white.tif")
            assert np.array_equal(black, top - white)
    # A range is one of the values in the file.
    save(tmp_path / "dark.tif", top - values // 2, photometric="miniswhite")
    save(tmp_path / "light.tif", values // 2, photometric="minisblack")
    run("dark.tif", "--out", "out/", "--range", top - 40000, top, network="ordinary.safetensors")
    run("light.tif", "--out", "out/", "--range", 0, 40000, network="ordinary.safetensors")
    assert np.array_equal(load(tmp_path / "out/light.tif"), top - load(tmp_path / "out/dark.tif"))


def test_the_alpha_channel_stays(tmp_path, run):
    array = RNG.integers(0, 256, (12, 17, 4)).astype(np.uint8)
    save(tmp_path / "a.png", array)
    run("a.png", "--out", "b.png")
    found = load(tmp_path / "b.png")
    assert np.array_equal(found[..., 3], array[..., 3])
    assert np.array_equal(found[..., :3], denoise(array[..., :3].copy(), "norm.safetensors", channel_axis=-1))


def test_a_folder_keeps_its_tree(tmp_path, run):
    for place in ("a.png", "deep/er/a.png", "deep/b.tif", ".hidden/c.png"):
        save(tmp_path / "in" / place, GRAY)
    (tmp_path / "in/notes.txt").write_text("x")
    (tmp_path / "in/Thumbs.db").write_text("x")
    lines = run("in", "--out", "out")
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert made == ["a.png", "deep/b.tif", "deep/er/a.png"]
    assert lines == ["left out: 1 .txt, 1 hidden"]
    run("in", "in/deep/b.tif", "--out", "several")
    assert (tmp_path / "several/in/deep/er/a.png").is_file() and (tmp_path / "several/b.tif").is_file()


def test_outputs_in_the_folder_are_no_inputs(tmp_path, run):
    save(tmp_path / "a.png", GRAY)
    run(".", "--out", "clean")
    (tmp_path / "loop.png").symlink_to("loop.png")
    lines = run(".", "--out", "clean", "--force")
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["a.png"]
    assert "1 in clean" in lines[0]


def test_what_fails_is_named_and_the_others_are_done(tmp_path, run):
    save(tmp_path / "in/a.png", GRAY)
    (tmp_path / "in/b.tif").write_bytes(HTML)
    save(tmp_path / "in/c.npy", np.array([[1.0, np.nan]]))
    save(tmp_path / "in/d.png", GRAY)
    lines = run("in", "gone.png", "--out", "out")
    assert "in/b.tif: a web page" in lines[0] and "in/c.npy: 1 pixels are NaN" in lines[1]
    assert "gone.png: no such file" in lines[2]
    assert lines[3] == "error: 3 of 5 files failed (above); the others are in out"
    assert sorted(path.name for path in (tmp_path / "out/in").iterdir()) == ["a.png", "d.png"]


def test_existing_outputs_need_force(tmp_path, run):
    save(tmp_path / "a.png", GRAY)
    save(tmp_path / "b.png", GRAY)
    run("a.png", "--out", "out/")
    (line,) = run("a.png", "b.png", "--out", "out")
    assert line.endswith("out/a.png is there already: --force replaces them")
    assert not (tmp_path / "out/b.png").exists()
    assert run("a.png", "b.png", "--out", "out", "--force") == []


def test_other_networks(tmp_path, run):
    colour = RNG.integers(0, 256, (12, 17, 3)).astype(np.uint8)
    save(tmp_path / "colour.png", colour)
    save(tmp_path / "gray.png", GRAY)
    description = {"network": {"name": "c", "architecture": "drunet", "image_channels": 3, "noise_map": True}}
    description["network"] |= SMALL["drunet"]
    network = small("drunet", "norm", image_channels=3, noise_map=True)
    save_network(tmp_path / "run/model.safetensors", network, description | {"variant": "norm"})
    (tmp_path / "own.py").write_text("def half(noisy, sigma=None):\n    return noisy / 2\n")
    assert run("colour.png", "--out", "b.png", "--sigma", 10, network="run") == []
    assert np.array_equal(load(tmp_path / "b.png"), denoise(colour, "run", sigma=10, channel_axis=-1))
    (line,) = run("gray.png", "--out", "c.png", "--sigma", 10, network="run")
    assert "gray.png: is gray, and run takes 3 channels" in line
    run("gray.png", "--out", "half.png", network="own.py:half")
    assert np.abs(load(tmp_path / "half.png") - GRAY / 2).max() < 0.51  # halves may go up or down
    (line,) = run("gray.png", "--out", "d.png", "--tile", 64, network="own.py:half")
    assert "attribute halo" in line


def test_tiles_give_the_same_file(tmp_path, run):
    save(tmp_path / "a.npy", RNG.random((170, 190)).astype("f4"))
    for number, tile in enumerate(("auto", "whole", 64)):
        assert run("a.npy", "--out", f"{number}.npy", "--tile", tile, "--threads", 1) == []
    assert np.array_equal(load(tmp_path / "0.npy"), load(tmp_path / "2.npy"))
    assert np.array_equal(load(tmp_path / "0.npy"), load(tmp_path / "1.npy"))


def test_nothing_but_the_file_is_left(tmp_path, run):
    save(tmp_path / "a.tif", GRAY)
    run("a.tif", "--out", "out/b.tif")
    assert os.listdir(tmp_path / "out") == ["b.tif"]
    if os.name == "posix":
        umask = os.umask(0)
        os.umask(umask)
        assert (tmp_path / "out/b.tif").stat().st_mode & 0o777 == 0o666 & ~umask


OWN = """
import numpy as np
import torch

lazy = torch.nn.LazyConv2d(1, 3)

def fails(noisy):
    raise RuntimeError("no such\\nthing")

def masks(noisy):
    return np.ma.masked_array(noisy, np.arange(noisy.size).reshape(noisy.shape) == 3)
"""


def prepared(tmp_path):
    save(tmp_path / "a.png", GRAY)
    save(tmp_path / "deep.png", GRAY.astype(np.uint16))
    save(tmp_path / "rgb.npy", np.zeros((9, 9, 3)))
    save(tmp_path / "in/a.png", GRAY)
    save(tmp_path / "in2/in/a.png", GRAY)
    save(tmp_path / "nan.npy", np.array([[1, np.inf], [2, 3]]))
    save(tmp_path / "far.npy", np.where(np.arange(25).reshape(5, 5), -1.7e308, 1.7e308))
    save(tmp_path / "empty.npy", np.zeros((0, 7)))
    (tmp_path / "page.tif").write_bytes(HTML)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("x")
    (tmp_path / "own.py").write_text(OWN)
    os.link(tmp_path / "a.png", tmp_path / "same.png")


WRONG = {
    "missing": (["no.png"], "o.png", [], "no.png: no such file"),
    "same": (["a.png"], "a.png", ["--force"], "is an input too"),
    "same by link": (["a.png"], "same.png", ["--force"], "is an input too"),
    "same folder": (["in"], "in", ["--force"], "is an input too"),
    "same name": (["in/a.png", "a.png"], "o", [], "would both become"),
    "same folder name": (["in", "in2/in"], "o", [], "would both become"),
    "folder without images": (["texts"], "o", [], "no images in texts"),
    "other kind": (["a.png"], "o.tif", [], "a PNG file is written here"),
    "no suffix": (["a.png"], "o", [], "name a file that ends in .png"),
    "below a file": (["a.png"], "deep.png/o.png", [], "cannot write"),
    "not writable": (["a.png"], "/proc/o/o.png", [], "cannot write"),
    "a folder in the way": (["in/a.png", "deep.png"], "in2/..", [], "is an input too"),
    "the folder above": (["in"], ".", [], "a.png is there already"),
    "web page": (["page.tif"], "o.tif", [], "a web page"),
    "not finite": (["nan.npy"], "o.npy", [], "nan.npy: 1 pixels are NaN or infinite"),
    "no pixels": (["empty.npy"], "o.npy", [], "empty.npy: shape (0, 7) is no image"),
    "far apart": (["far.npy"], "o.npy", [], "far.npy: values lie further apart than float64 can tell"),
    "threads": (["a.png"], "o.png", ["--threads", "100000"], "--threads 100000: at most 1024"),
    "channels": (["rgb.npy"], "o.npy", [], "--channel-axis -1"),
    "channels of a png": (["a.png"], "o.png", ["--channel-axis", "-1"], "leave --channel-axis out"),
    "blind": (["a.png"], "o.png", ["--sigma", "25"], "takes no sigma"),
    "tile": (["a.png"], "o.png", ["--tile", "0"], "--tile must be"),
    "tile in words": (["a.png"], "o.png", ["--tile", "small"], "--tile must be"),
    "range": (["a.png"], "o.png", ["--range", "5", "5"], "lo < hi"),
    "device": (["a.png"], "o.png", ["--device", "abacus"], "unknown device"),
    "network": (["a.png"], "o.png", ["--network", "nothing"], "no trained network is called"),
    "network file": (["a.png"], "o.png", ["--network", "own.py"], "a Python file"),
    "network function": (["a.png"], "o.png", ["--network", "own.py:nothing"], "cannot load own.py:nothing"),
    "network that fails": (["a.png"], "o.png", ["--network", "own.py:fails"], "RuntimeError: no such thing"),
    "masked": (["a.png"], "o.png", ["--network", "own.py:masks", "--range", "0", "9"], "returned 1 masked"),
    "lazy": (["a.png"], "o.png", ["--network", "own.py:lazy", "--range", "0", "9"], "a lazy module"),
    "endless range": (["a.png"], "o.png", ["--range", "-1.7e308", "1.7e308"], "lo < hi"),
    "range needed": (["deep.png"], "o.png", ["--network", "ordinary.safetensors"], "give --range LO HI"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_one_line_for_what_is_wrong(tmp_path, run, case):
    prepared(tmp_path)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    sources, out, options, words = WRONG[case]
    if "--network" in options:
        network = options.pop(options.index("--network") + 1)
        options = [option for option in options if option != "--network"]
    else:
        network = "norm.safetensors"
    lines = run(*sources, "--out", out, *options, network=network)
    assert words in lines[-1] and len(lines) == 1, lines
    after = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.name != "__pycache__")
    assert [path for path in after if "__pycache__" not in path.parts] == before
