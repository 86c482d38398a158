"""The same weights under other conventions, from images and a denoiser whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.color import rgb2gray
from skimage.io import imsave

from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.imaging.conventions import CONVENTIONS
from normeq.imaging.images import is_colour, read_gray, read_gray_bt709
from normeq.imaging.metrics import psnr
from normeq.imaging.noise import labelled_noise
from normeq.imaging.protocol import KAIR
from normeq.suite.analysis.protocols import protocol_changes
from normeq.suite.measurements import noise_levels, protocols
from normeq.suite.measuring import rows as tables
from normeq.suite.measuring.row_cache import RowCache
from normeq.suite.results.long_tables import read_protocols
from normeq.suite.tables import protocols as table_of_protocols
from tests.synthetic_images import stand_for_data_sets

CPU = torch.device("cpu")
BT709 = "bt709"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """``gray`` has a gray file, ``mixed`` that and a colour one."""
    rng = np.random.default_rng(0)
    imsave(tmp_path / "one.png", rng.integers(0, 256, (24, 30), dtype=np.uint8), check_contrast=False)
    imsave(tmp_path / "two.png", rng.integers(0, 256, (24, 30, 3), dtype=np.uint8), check_contrast=False)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    stand_for_data_sets(monkeypatch, lambda name: paths[: 1 + (name == "mixed")])
    (tmp_path / "mine.py").write_text(
        "def denoise(noisy, sigma):\n"
        f"    open({str(tmp_path / 'calls')!r}, 'a').write('x')\n"
        "    return 0.7 * noisy + 0.15\n"
    )
    return tmp_path


def measure(folder, dataset, **settings):
    denoiser = open_denoiser(f"mine={folder / 'mine.py'}:denoise", CPU)
    rows = list(protocols.evaluate(denoiser, [dataset], [25], device=CPU, **settings))
    return {(row["image"], row["protocol"], int(row["draw"])): row for row in rows}


def test_every_convention_is_measured_with_as_few_calls_as_inputs_differ(folder):
    rows = measure(folder, "gray")
    names = {c.protocol.name for c in CONVENTIONS} - {BT709}
    assert rows.keys() == {("one", name, 0) for name in (*names, "paper")} | {("one", "paper", 1)}
    # Draws 0 and 1, reset seed, clipped, 8 bits, video range.
    assert len((folder / "calls").read_text()) == 6


def test_one_more_noise_level_measures_that_one(folder):
    denoiser = open_denoiser(f"mine={folder / 'mine.py'}:denoise", CPU)
    tables.write_rows(
        folder / "old.csv",
        noise_levels.COLUMNS,
        protocols.evaluate(denoiser, ["gray"], [25], device=CPU),
    )
    calls = len((folder / "calls").read_text())
    row_cache = RowCache([folder / "old.csv"])
    rows = list(protocols.evaluate(denoiser, ["gray"], [25, 50], device=CPU, row_cache=row_cache))
    assert len((folder / "calls").read_text()) == 2 * calls and row_cache.used == len(rows) / 2
    tables.write_rows(folder / "new.csv", noise_levels.COLUMNS, rows)
    changes = protocol_changes(read_protocols(folder / "new.csv"))
    raised = changes[changes["convention"] == "clipped axis"].set_index("sigma")["change"]
    assert raised[50] > raised[25] > 0  # the more noise, the more is clipped


def test_the_numbers_by_hand(folder):
    rows = {name: row["psnr"] for (_, name, draw), row in measure(folder, "gray").items() if draw == 0}
    clean = read_gray(folder / "one.png")
    noise = labelled_noise(clean.shape, 25, "gray", "one", 0)
    out = 0.7 * (clean + noise) + 0.15
    clipped = 0.7 * (clean + noise).clip(0, 1) + 0.15
    assert rows["paper"] == pytest.approx(psnr(out, clean), abs=1e-5)
    assert rows["raw output"] == pytest.approx(psnr(out, clean, clip=False), abs=1e-5)
    assert rows["8-bit output"] == pytest.approx(psnr(out, clean, round_8bit=True), abs=1e-3)
    assert rows["clipped input"] == pytest.approx(psnr(clipped, clean), abs=1e-5)
    assert rows["border 4"] == pytest.approx(psnr(out[4:-4, 4:-4], clean[4:-4, 4:-4]), abs=1e-5)
    np.random.seed(0)
    kair = 0.7 * (clean + np.random.normal(0, 25 / 255, clean.shape)) + 0.15
    assert rows["kair"] == pytest.approx(psnr(kair, clean, round_8bit=True), abs=1e-3)
    video = (16 + 219 * clean) / 255
    assert rows["studio range"] == pytest.approx(psnr(0.7 * (video + noise) + 0.15, video), abs=1e-5)


def test_kair_is_the_preset(folder):
    denoiser = open_denoiser(f"mine={folder / 'mine.py'}:denoise", CPU)
    (row,) = noise_levels.evaluate(denoiser, ["gray"], [25], 1, device=CPU, protocol=KAIR)
    assert measure(folder, "gray")["one", "kair", 0] == row


def test_colour_files_are_grayed_as_scikit_image_does(folder):
    assert not is_colour(folder / "one.png") and is_colour(folder / "two.png")
    from skimage.io import imread

    np.testing.assert_allclose(
        read_gray_bt709(folder / "two.png"), rgb2gray(imread(folder / "two.png")), atol=1e-6
    )
    rows = measure(folder, "mixed")
    assert rows["one", BT709, 0]["psnr"] == rows["one", "paper", 0]["psnr"]
    assert rows["two", BT709, 0]["psnr"] != rows["two", "paper", 0]["psnr"]


def test_what_was_measured_is_taken_over(folder):
    out = folder / "t.csv"
    before = measure(folder, "mixed")
    tables.write_rows(out, noise_levels.COLUMNS, before.values())
    (folder / "calls").unlink()
    after = measure(folder, "mixed", row_cache=RowCache([out]))
    assert after.keys() == before.keys() and not (folder / "calls").exists()


def test_the_table(folder):
    out = folder / "protocols.csv"
    rows = measure(folder, "mixed")
    tables.write_rows(out, noise_levels.COLUMNS, rows.values())
    made = table_of_protocols.make(out)
    found = made.numbers.set_index("convention")["change"]

    def change(name, column="psnr", draw=0):
        return np.mean([rows[i, name, draw][column] - rows[i, "paper", 0][column] for i in ("one", "two")])

    for convention in CONVENTIONS:
        expected = change(convention.protocol.name, convention.quantity)
        assert found[convention.protocol.name] == pytest.approx(expected, abs=2e-6)
    assert found["another draw"] == pytest.approx(change("paper", draw=1), abs=2e-6)
    levels = np.array([rows[i, "paper", 0]["psnr"] for i in ("one", "two")])
    mean_mse = -10 * np.log10(np.mean(10 ** (-levels / 10)))
    assert found["mean mse"] == pytest.approx(mean_mse - levels.mean(), abs=2e-6)
    assert len(made.shown) == len(CONVENTIONS) + 3 and "–" not in made.shown.iloc[:, -1].tolist()


def test_a_change_is_that_of_the_same_seed(folder):
    out = folder / "protocols.csv"
    tables.write_rows(out, noise_levels.COLUMNS, measure(folder, "mixed").values())
    table = read_protocols(out)
    lone = table[table["protocol"] == "paper"].assign(seed="1", psnr=table["psnr"] + 9)
    found, more = (
        protocol_changes(each).set_index("convention")["change"] for each in (table, pd.concat([table, lone]))
    )
    others = found.index != "mean mse"
    pd.testing.assert_series_equal(found[others], more[others])


def test_without_the_papers_rows_there_is_nothing_to_compare_with(folder):
    out = folder / "protocols.csv"
    rows = [row for (_, name, _), row in measure(folder, "gray").items() if name != "paper"]
    tables.write_rows(out, noise_levels.COLUMNS, rows)
    with pytest.raises(NormeqError, match="no rows of the protocol paper"):
        table_of_protocols.make(out)
    text = out.read_text().replace("protocol", "method", 1)
    out.write_text(text)
    with pytest.raises(NormeqError, match="missing column protocol"):
        table_of_protocols.make(out)
