"""A user's denoiser: its file is run as Python would run it, and a network is called with what it takes."""

import os
import pickle
import subprocess
import sys

import pytest
import torch

from normeq.denoisers import own, sources
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from tests.denoisers.users_files import write

CPU = torch.device("cpu")
IMAGE = torch.arange(36.0).reshape(1, 1, 6, 6) / 36


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory."""
    monkeypatch.delenv(sources.RUN, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def denoise(text):
    return open_denoiser(text, CPU)(IMAGE, 0.1)


def test_neighbours_of_the_same_name_are_not_mixed_up(folder):
    for name, factor in (("one", 2), ("two", 3)):
        write(folder, {
            f"{name}/den.py": "from helper import k\ndef f(n, s): return n * k\n"
                              "def late(n, s):\n    import helper as h, other\n"
                              "    return n * h.k * other.k\n",
            f"{name}/helper.py": f"k = {factor}\n",
            f"{name}/other.py": f"k = {factor}\n",
        })  # fmt: skip
    opened = [open_denoiser(f"x={name}/den.py:{f}", CPU) for f in ("f", "late") for name in ("one", "two")]
    for _ in range(2):
        factors = [(one(IMAGE, 0.1) / IMAGE)[0, 0, 1, 1].item() for one in opened]
        assert factors == pytest.approx([2, 3, 4, 9])
    assert not {"helper", "other", "den"} & sys.modules.keys()


@pytest.mark.parametrize("target", ["mymod:f", "sub/den.py:f", "sub.den:f", "sub/den.py:g", "pkg.inner:f"])
def test_the_current_folder_and_that_of_the_file_are_on_the_path(folder, target):
    write(folder, {
        "mymod.py": "from beside import k\ndef f(n, s): return n * k\n",
        "beside.py": "k = 2\n",
        "sub/den.py": "from beside import k\nfrom deep.er import one\ndef f(n, s): return n * k * one\n"
                      "def g(n, s):\n    from near import two\n    return n * two\n",
        "sub/near.py": "two = 2\n",
        "sub/deep/er.py": "one = 1\n",
        "deep/er.py": "one = 1\n",
        "pkg/__init__.py": "",
        "pkg/inner.py": "from .k import k\ndef f(n, s): return n * k\n",
        "pkg/k.py": "k = 2\n",
    })  # fmt: skip
    assert torch.equal(denoise(f"x={target}"), 2 * IMAGE)
    assert open_denoiser(f"x={target}", CPU).weights


def test_dataclasses_and_pickle_work(folder):
    write(folder, {"den.py": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport pickle\n"
        "from near import double\n"
        "@dataclass\nclass Options:\n    factor: float = 2.0\n"
        "def f(n, s): return n * Options().factor\n"
        "def g(n, s): return pickle.loads(pickle.dumps(f))(n, s)\n"
        "def h(n, s): return double(n)\n"
    ), "near.py": "def double(n): return 2 * n\n"})  # fmt: skip
    assert torch.equal(denoise("x=den.py:f"), 2 * IMAGE) and torch.equal(denoise("x=den.py:g"), 2 * IMAGE)
    module = sys.modules[own.module_name(folder / "den.py")]
    (folder / "h.pickle").write_bytes(pickle.dumps(module.h))
    code = "import pickle; print(pickle.load(open('h.pickle', 'rb'))(21, 0))"  # as another process of a pool
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=os.environ
    )
    assert done.stdout == "42\n", done.stderr


def test_an_edit_within_a_second_is_not_hidden_by_a_compiled_file(folder):
    write(folder, {"d.py": "from h import k\ndef f(n, s): return n * k\n", "h.py": "k = 2\n"})
    assert torch.equal(denoise("x=d.py:f"), 2 * IMAGE)
    write(folder, {"h.py": "k = 3\n"})
    assert torch.equal(denoise("x=d.py:f"), 3 * IMAGE)


FORWARDS = {
    "def forward(self, y): return y": 1.0,
    "def forward(self, y, sigma): return y * (1 + sigma)": 1.25,
    "def forward(self, y, sigma=None): return y * (1 + sigma)": 1.25,
    "def forward(self, x, noise_level): return x * (1 + noise_level.view(-1, 1, 1, 1))": 1.25,
    "def forward(self, x, t): return x * (1 + t)": 1.25,
    "def forward(self, x, scale=2.0): return x * scale": 2.0,
    "def forward(self, x, *, sigma): return x * (1 + sigma)": 1.25,
    "def forward(self, x, mask=None, sigma=0.5): return x * (1 + sigma)": 1.25,
    "def forward(self, y, sigma): return y * torch.full_like(y, 1 + sigma)": 1.25,
    "def forward(self, y, sigma: float): return y * (1 + {0.25: sigma}[sigma])": 1.25,
    "def forward(self, y, noise_map): return y * (1 + noise_map[0, 0, -1, -1])": 1.25,
    "def forward(self, y, sigma): return y * (1 + sigma.repeat(1, 1, *y.shape[2:]))": 1.25,
    "def forward(self, y, *more, **options): return y": 1.0,
}


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_network_is_told_sigma_where_it_takes_it(folder, forward):
    text = f"import torch\nclass Net(torch.nn.Module):\n    {forward}\nnet = Net()\n"
    write(folder, {"d.py": text})
    opened = open_denoiser("x=d.py:net", CPU)
    factor = FORWARDS[forward]
    for y in (IMAGE, IMAGE.double()):
        output = opened(y, 0.25)
        torch.testing.assert_close(output, factor * y, rtol=1e-6, atol=0)
        assert output.dtype == y.dtype


def test_a_network_with_two_input_channels_gets_a_noise_map(folder):
    write(folder, {"d.py": (
        "import torch\nnet = torch.nn.Sequential(torch.nn.Conv2d(2, 1, 1, bias=False))\n"
        "torch.nn.init.ones_(net[0].weight)\n"
    )})  # fmt: skip
    torch.testing.assert_close(denoise("x=d.py:net"), IMAGE + 0.1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return y, y", "returned tuple, not one tensor"),
        ("return y[..., 1:]", r"returned shape \(1, 1, 6, 5\)"),
    ],
)
def test_a_network_that_does_not_return_one_image_is_named(folder, body, words):
    write(
        folder,
        {"d.py": f"import torch\nclass N(torch.nn.Module):\n    def forward(self, y): {body}\nnet = N()\n"},
    )
    with pytest.raises(NormeqError, match=f"denoiser x: {words}"):
        denoise("x=d.py:net")
