"""The library by itself: all of it imports and works with PyTorch, numpy and safetensors alone."""

import pkgutil
from pathlib import Path

import normeq
from tests import bare

SOURCE = Path(normeq.__file__).parent
# Modules for which more is needed: commands (Typer), and image files (Pillow).
MORE = {"normeq.imaging.images", "normeq.imaging.pillow"}


def library() -> list[str]:
    """Every module of the library but those of commands."""
    found = [module.name for module in pkgutil.walk_packages([str(SOURCE)], "normeq.")]
    return [
        name
        for name in found
        if not name.startswith("normeq.suite") and not name.endswith(("cli", "__main__")) and name not in MORE
    ]


def test_every_module_imports(tmp_path):
    program = f"""
    from importlib import import_module
    for name in {library()}:
        import_module(name)
    """
    done = bare.run(tmp_path, bare.LIBRARY, program=program)
    assert done.returncode == 0, done.stderr


USE = """
import numpy as np
import torch
import normeq
from normeq.denoisers.pretrained import names
from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.imaging.metrics import psnr
from normeq.imaging.noise import labelled_noise
from normeq.nn import VARIANTS, build_network
from normeq.nn.build import ARCHITECTURES
from normeq.nn.folding import fold
from normeq.nn.weights import load_network, save_network
from normeq.training.images import from_arrays, from_folder
from normeq.training.loop import train
from normeq.training.spec import RunSpec

torch.set_num_threads(1)
rows, columns = np.mgrid[:40, :48]
clean = (0.5 + 0.4 * np.sin(rows / 5) * np.cos(columns / 7)).astype(np.float32)
noisy = clean + labelled_noise(clean.shape, 25, "mine", "a", 0)

# A trained network denoises an array, and is equivariant.
assert names()
network = normeq.load("fdncnn-norm-sigma25")
y = torch.from_numpy(noisy)[None, None]
with torch.no_grad():
    denoised = network(y)[0, 0].numpy()
assert psnr(denoised, clean) > psnr(noisy, clean) + 5
assert defect(network, y, 40.0, 10.0).relative < 1e-5
assert defect(lambda y: y.clamp(0, 1), y, 2.0, 0.0).relative > 0.1

# Every architecture in every variant; folding; weights.
for architecture in ARCHITECTURES:
    for variant in VARIANTS:
        try:
            made = build_network(architecture, variant)
        except NormeqError:  # not every architecture has every variant
            continue
        assert sum(parameter.numel() for parameter in made.parameters()) > 1000
small = {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4}
options = {"depth": 3, "channels": 4}
made = build_network("fdncnn", "norm", **options).eval()
torch.testing.assert_close(fold(made)(y), made(y))
save_network("made.safetensors", made, {"network": small, "variant": "norm"})
again, description = load_network("made.safetensors")
assert torch.equal(again(y), made(y)) and description["network"] == small

# Training on arrays.
spec = RunSpec.from_dict({
    "network": small, "variant": "norm", "dataset": "mine", "sigma": 25, "seed": 0,
    "recipe": {"steps": 2, "batch": 2, "patch": 16, "holdout": 1},
})
images = [np.rint(255 * clean).astype(np.uint8), np.rint(255 * clean[::-1]).astype(np.uint8)]
run = train(spec, "run", from_arrays(images), device=torch.device("cpu"))
assert run["steps"] == 2 and run["validation_psnr"] is not None
normeq.load("./run")
try:
    from_folder(".")
except NormeqError as error:
    assert "pip install '.[files]' in a clone" in str(error)
else:
    raise AssertionError("images were read without Pillow")
print("used")
"""


def test_it_is_of_use(tmp_path):
    done = bare.run(tmp_path, bare.LIBRARY, program=USE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "used\n"
