"""What is committed is what the code measures: weights, noise, protocol and metrics, from end to end."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from normeq.denoisers.open import open_denoiser
from normeq.imaging.protocol import PAPER
from normeq.suite.measurements import noise_levels, protocols
from tests.synthetic_images import stand_for_data_sets

ROOT = Path(__file__).resolve().parents[3]
MIRROR = ROOT.parent / "shared" / "mirror"
IMAGE = "set12", "01"
CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="no ../shared/mirror beside this clone")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with one image of Set12, from the mirror."""
    dataset, name = IMAGE
    listed = pd.read_csv(ROOT / "data/files.csv", dtype=str).set_index(["dataset", "file"])
    md5 = listed.loc[(dataset, f"{name}.png"), "md5"]
    (tmp_path / dataset).mkdir()
    image = tmp_path / dataset / f"{name}.png"
    shutil.copy(MIRROR / "files/md5" / md5[:2] / md5[2:], image)
    stand_for_data_sets(monkeypatch, lambda name: [image])
    return tmp_path


def committed(table: str, weights: str, experiment: str = "compact") -> pd.DataFrame:
    rows = pd.read_csv(ROOT / "results" / experiment / table, dtype={"image": str, "weights": str})
    return rows[(rows["weights"] == weights) & (rows["dataset"] == IMAGE[0]) & (rows["image"] == IMAGE[1])]


@pytest.mark.parametrize("variant", ["ordinary", "norm"])
def test_the_committed_numbers_come_out_again(data, variant):
    """Noise to the last digit, for it hangs on the seed rule alone; PSNR as far as processors agree."""
    (run,) = ROOT.glob(f"results/runs/fdncnn10x32-{variant}-sigma25-seed0-*")
    denoiser = open_denoiser(str(run), CPU)
    levels = pd.DataFrame(
        noise_levels.evaluate(
            denoiser, ["set12"], [5.0, 25.0, 100.0], 1, data_dir=data, device=CPU, protocol=PAPER
        )
    ).set_index(["sigma", "draw"])
    before = committed("noise_levels.csv", denoiser.weights).set_index(["sigma", "draw"]).loc[levels.index]
    pd.testing.assert_series_equal(levels["psnr_in"], before["psnr_in"], atol=1e-6, rtol=0)
    for column, tolerance in (("psnr", 1e-3), ("psnr_8bit", 2e-3), ("ssim", 1e-4), ("psnr_in_clipped", 1e-5)):
        pd.testing.assert_series_equal(levels[column], before[column], atol=tolerance, rtol=0)
    others = pd.DataFrame(protocols.evaluate(denoiser, ["set12"], [25.0], data_dir=data, device=CPU))
    others = others.set_index(["sigma", "protocol", "draw"])
    before = committed("protocols.csv", denoiser.weights).set_index(others.index.names).loc[others.index]
    assert "kair" in others.index.get_level_values("protocol")
    pd.testing.assert_series_equal(others["psnr"], before["psnr"], atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("experiment", "run"),
    [
        ("poster", "drunet32-norm"),
        ("poster", "dncnn17x64-ordinary"),
        ("paper", "fdncnn20x64-invariant"),
        ("law", "fdncnn20x64.164M-scale"),
    ],
)
def test_those_of_networks_trained_on_a_gpu_come_out_on_a_cpu(data, experiment, run):
    measured = set(pd.read_csv(ROOT / "results" / experiment / "noise_levels.csv", dtype=str)["weights"])
    (folder,) = [
        file.parent
        for file in ROOT.glob(f"results/runs/{run}-sigma25-seed0-*/run.json")
        if json.loads(file.read_text())["weights_sha256"][:8] in measured  # two may have one name
    ]
    denoiser = open_denoiser(str(folder), CPU)
    rows = noise_levels.evaluate(denoiser, ["set12"], [25.0], 1, data_dir=data, device=CPU, protocol=PAPER)
    (row,) = pd.DataFrame(rows).to_dict("records")
    before = committed("noise_levels.csv", denoiser.weights, experiment).set_index(["sigma", "draw"])
    for column, tolerance in (("psnr_in", 1e-6), ("psnr", 1e-3), ("ssim", 1e-4)):
        assert row[column] == pytest.approx(before.loc[(25.0, 0), column], abs=tolerance), column
