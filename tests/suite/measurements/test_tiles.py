"""Tiles equal the whole where their halo covers what the denoiser sees, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.io import imsave
from torch.nn.functional import avg_pool2d

from normeq.denoisers.open import Denoiser, open_denoiser
from normeq.nn.build import build_network
from normeq.nn.weights import save_network
from normeq.suite.analysis.tiles import read_tiles, tile_differences
from normeq.suite.figures import tiles as figure
from normeq.suite.measurements import tiles
from normeq.suite.measuring.row_cache import RowCache, write_measurements
from normeq.suite.measuring.rows import collect, write_rows
from normeq.suite.tables import tiles as table
from tests.suite.claims.kinds.test_tiles import made_up
from tests.synthetic_images import stand_for_data_sets
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")


@pytest.fixture
def data(tmp_path, monkeypatch):
    path = tmp_path / "one.png"
    imsave(path, np.random.default_rng(0).integers(0, 256, (70, 90), dtype=np.uint8), check_contrast=False)
    stand_for_data_sets(monkeypatch, lambda name: [path])


def own(function):
    return Denoiser("mine", "other", "", "", "", lambda y, sigma: function(y), False)


def measured(denoiser, halo=16):
    rows = tiles.evaluate(denoiser, ["d"], 25, 32, halo, data_dir="", device=CPU)
    return {row["halo"]: row for row in rows}


def test_pixel_by_pixel_nothing_differs(data):
    for row in measured(own(lambda y: 0.5 * y)).values():
        assert row["difference"] == row["seam"] == 0 and row["psnr"] == row["psnr_whole"]


def test_a_blur_needs_its_halo(data):
    """Means over 5×5 pixels: without a halo the border of a tile is another one."""
    found = measured(own(lambda y: avg_pool2d(y, 5, 1, 2, count_include_pad=False)))
    assert found["receptive field"]["difference"] < 1e-3 < found["none"]["difference"]
    assert found["none"]["seam"] > 1 and (found["none"]["margin"], found["receptive field"]["margin"]) == (
        0,
        16,
    )


def test_what_sees_everything_differs_with_any_halo(data):
    found = measured(own(lambda y: y - y.mean(dim=(1, 2, 3), keepdim=True)))
    assert found["receptive field"]["difference"] > 1


@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm", "wrapped", "invariant"])
def test_networks_are_exact_with_the_halo_they_see_and_the_wrapper_is_not(data, tmp_path, variant):
    folder = save_small(tmp_path / variant / "model.safetensors", variant).parent
    found = measured(open_denoiser(str(folder), CPU))
    assert found["none"]["difference"] > 0.01
    assert (found["receptive field"]["difference"] < 0.01) == (variant != "wrapped")


@pytest.mark.parametrize(
    ("architecture", "options", "expected"),
    [
        ("fdncnn", {"depth": 36, "channels": 2}, 48),
        ("fdncnn", {"depth": 4, "channels": 2}, 16),
        ("drunet", {"widths": [2, 4, 8, 16], "blocks": 2}, None),
    ],
)
@pytest.mark.parametrize("variant", ["ordinary", "norm", "wrapped"])
def test_the_halo_is_what_the_network_sees(data, tmp_path, architecture, options, expected, variant):
    """Whatever the setting for denoisers of which it is not known; DRUNet by derivatives."""
    network = build_network(architecture, variant, **options).eval()
    about = {"network": {"name": "deep", "architecture": architecture, **options}, "variant": variant}
    about |= {"dataset": "d", "sigma": 25.0, "seed": 0, "recipe": {"steps": 1}}
    file = tmp_path / "model.safetensors"
    save_network(file, network, about)
    found = tiles.receptive_field(open_denoiser(str(file), CPU), 7)
    if expected is None:
        y = torch.rand(1, 1, 8, 512, requires_grad=True)
        inside = network.network if variant == "wrapped" else network
        inside(y)[0, 0, :, 256:264].sum().backward()
        seen = y.grad[0, 0].abs().sum(0).nonzero()
        assert found % 16 == 0 and found >= max(256 - int(seen.min()), int(seen.max()) - 263) > 48
    else:
        assert found == expected


def test_the_step_at_a_seam_by_hand():
    error = torch.zeros(6, 6)
    error[:, 3:] = 5.0  # an edge between tiles of 3, and a step of 7 that is none
    error[4, 0] = 7.0
    assert tiles.largest_step(error, 3) == 5 and tiles.largest_step(error, 6) == 0
    assert tiles.largest_step(error, 16) == 0  # a tile that is larger than the image


def test_the_table(data, tmp_path):
    rows = tiles.evaluate(own(lambda y: y), ["d"], 25, 32, 16, data_dir="", device=CPU)
    write_rows(tmp_path / "part.csv", tiles.COLUMNS, rows)
    collect([tmp_path / "part.csv"], tmp_path / "tiles.csv")
    made = table.make(tmp_path / "tiles.csv")
    assert list(made.numbers["halo"]) == ["none", "receptive field"]
    assert list(made.shown["halo"]) == ["0 pixels", "16 pixels (receptive field)"]


def test_another_halo_is_measured_and_the_same_taken_over(data, tmp_path):
    """A blur over 81×81 pixels, of which nobody knows how far it sees: only a wide halo holds it all."""
    (tmp_path / "own.py").write_text(
        "from scipy.ndimage import uniform_filter\n"
        "def blur(noisy, sigma):\n    return uniform_filter(noisy, 81, mode='constant')\n"
    )
    blur = open_denoiser(f"blur={tmp_path / 'own.py'}:blur", CPU)
    out = tmp_path / "t.csv"

    def again(halo):
        cache = RowCache(out=out)
        rows = tiles.evaluate(blur, ["d"], 25, 32, halo, data_dir="", device=CPU, row_cache=cache)
        write_measurements(out, tiles.COLUMNS, rows, cache, [blur], "", ["d"])
        return cache.used

    assert again(16) == 0 and again(16) == 2
    assert again(64) == 1  # without a halo it is as it was
    found = tile_differences(read_tiles(out)).set_index("margin")["difference"]
    assert list(found.index) == [0, 64, 16]
    assert found[64] < 0.01 < 1 < found[16]
    assert [cell.split()[0] for cell in table.make(out).shown["halo"]] == ["0", "64", "16"]
    pd.read_csv(out, dtype=str).query("margin != '16'").to_csv(tmp_path / "recorded.csv", index=False)
    cache = RowCache([tmp_path / "recorded.csv"])
    list(tiles.evaluate(blur, ["d"], 25, 32, 64, data_dir="", device=CPU, row_cache=cache))
    assert cache.used == 2


def test_table_and_figure_tell_data_sets_noise_levels_and_tiles_apart(tmp_path):
    few = pd.read_csv(made_up(tmp_path / "t.csv", images={"set12": 2}), dtype=str)
    many = pd.read_csv(made_up(tmp_path / "t.csv", images={"bsd68": 5}), dtype=str)
    pd.concat([few, many.assign(sigma="50", tile="128")]).to_csv(tmp_path / "t.csv", index=False)
    made = table.make(tmp_path / "t.csv")
    assert made.notes[0].startswith("Set12 2 images, BSD68 5 images; one noise draw; σ = 25 and 50. ")
    assert "64×64 and 128×128 pixels" in made.title
    told = set(made.shown[["data set", "test σ", "tile"]].itertuples(index=False, name=None))
    assert told == {("Set12", "25", "64×64"), ("BSD68", "50", "128×128")}
    drawn = figure.draw(made.numbers)
    assert [axes.get_title() for axes in drawn.axes] == ["Set12, 2 images", "BSD68, 5 images"]
    words = " ".join(text.get_text() for text in drawn.texts).replace("\n", " ").replace("\u00a0", " ")
    assert "σ = 25 and 50; tiles of 64×64 and 128×128 pixels" in words
    few.to_csv(tmp_path / "t.csv", index=False)
    made = table.make(tmp_path / "t.csv")
    assert not {"test σ", "tile"} & set(made.shown) and "σ = 25. " in made.notes[0]
