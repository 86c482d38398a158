"""What was measured before is not measured again, unless something that decides it has changed."""

import csv
import os

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.io import imsave
from typer.testing import CliRunner

from normeq import cli
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.imaging.noise import labelled_noise
from normeq.imaging.protocol import KAIR
from normeq.suite.analysis.intervals import interval_summary
from normeq.suite.measurements import intervals, noise_levels
from normeq.suite.measuring import batches
from normeq.suite.measuring import rows as tables
from normeq.suite.measuring import stream as streaming
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.measuring.row_cache import RowCache, open_row_cache
from normeq.suite.results.long_tables import read_intervals
from normeq.system.seals import unseal
from tests.suite.measurements.counted import CPU, SIZES, measure
from tests.synthetic_networks import save_small


def test_one_more_noise_level_measures_one_noise_level(own, tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    before, calls = measure(own, parts / "a.csv", [5, 25])
    assert sorted(calls) == ["25"] * 3 + ["5"] * 3
    after, calls = measure(own, parts / "b.csv", [5, 10, 25], [parts])
    assert calls == ["10"] * 3
    assert [row for row in after if float(row["sigma"]) != 10] == before
    fresh, _ = measure(own, tmp_path / "c.csv", [5, 10, 25])
    assert fresh == after


def test_a_repeated_run_measures_nothing(own, tmp_path):
    out = tmp_path / "a.csv"
    before, _ = measure(own, out, [5, 25], draws=2)
    after, calls = measure(own, out, [25.0, 5.0], [out], draws=2)
    assert not calls and sorted(map(str, after)) == sorted(map(str, before))
    _, calls = measure(own, out, [5, 25], [out], draws=3)
    assert len(calls) == 2 * 3


def test_the_middle_of_an_image_has_the_noise_of_the_whole(own, tmp_path):
    out = tmp_path / "a.csv"
    whole, _ = measure(own, out, [25])
    part, calls = measure(own, out, [25], [out], size=12)
    assert len(calls) == 3 and all(a["pixels"] != b["pixels"] for a, b in zip(whole, part, strict=True))
    path = next(iter(sorted(own.parent.glob("*.png"))))
    noisy = labelled_noise(SIZES[path.stem], 25, "d", path.stem, 0)
    (h, w) = ((n - 12) // 2 for n in SIZES[path.stem])
    expected = -10 * np.log10(np.mean(noisy[h : h + 12, w : w + 12].astype(float) ** 2))
    assert float(part[0]["psnr_in"]) == pytest.approx(expected, abs=1e-5)
    same, calls = measure(own, out, [25], [out], size=100)  # more than the image has
    assert [row["pixels"] for row in same] == [row["pixels"] for row in whole]


def test_another_protocol_image_or_denoiser_is_measured(own, folder, tmp_path):
    out = tmp_path / "a.csv"
    measure(own, out, [25])
    _, calls = measure(own, tmp_path / "kair.csv", [25], [out], protocol=KAIR)
    assert len(calls) == 3
    imsave(folder / "two.png", np.full((24, 30), 99, np.uint8), check_contrast=False)
    _, calls = measure(own, tmp_path / "image.csv", [25], [out])
    assert len(calls) == 1
    own.write_text(own.read_text().replace("0.9", "0.8"))
    _, calls = measure(own, tmp_path / "own.csv", [25], [out])
    assert len(calls) == 3


def test_what_is_no_table_of_measurements_is_passed_over(own, tmp_path):
    part, _ = measure(own, tmp_path / "a.csv", [25])
    text = (tmp_path / "a.csv").read_text()
    files = {
        "old.csv": "\n".join(line.rsplit(",", 2)[0] for line in text.splitlines()),
        "torn.csv": text[:-40],
        "column.csv": text.replace("psnr_8bit", "rounded"),
        "numbers.csv": text.replace("25", "many"),
        "x.csv": "x,y\n1,2\n",
        "empty.csv": "",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    _, calls = measure(
        own, tmp_path / "b.csv", [25], [tmp_path / name for name in (*files, "bytes.csv", "no.csv")]
    )
    assert len(calls) == 1  # the torn table has two whole rows


def test_who_measured_stays_with_the_row(own, tmp_path, monkeypatch):
    parts = tmp_path / "parts"
    parts.mkdir()
    old, _ = measure(own, parts / "old.csv", [5])
    assert all(row["measured_by"].split("; ")[1] == f"torch {torch.__version__}" for row in old)
    monkeypatch.setattr("normeq.suite.measuring.row_cache.measured_by", lambda device: "another machine")
    both, calls = measure(own, tmp_path / "both.csv", [5, 25], [parts])
    assert calls == ["25"] * 3
    found = {(float(row["sigma"]), row["measured_by"]) for row in both}
    assert found == {(5, old[0]["measured_by"]), (25, "another machine")}
    # A table from before the column was there: taken over, and collected beside newer ones.
    table = pd.read_csv(parts / "old.csv", dtype=str).drop(columns="measured_by")
    table.to_csv(parts / "old.csv", index=False)
    unseal(parts / "old.csv")
    both, calls = measure(own, tmp_path / "both.csv", [5, 25], [parts])
    assert calls == ["25"] * 3 and {row["measured_by"] for row in both} == {"", "another machine"}
    measure(own, parts / "new.csv", [25])
    assert tables.collect([parts / "new.csv", parts / "old.csv"], tmp_path / "all.csv") == 6
    with open(tmp_path / "all.csv", newline="") as handle:
        assert sorted(csv.DictReader(handle), key=str) == sorted(both, key=str)


def test_functions_of_installed_packages_are_always_measured(folder, tmp_path):
    denoiser = open_denoiser("blur=normeq.classical:gaussian", CPU)
    out = tmp_path / "a.csv"
    tables.write_rows(out, noise_levels.COLUMNS, noise_levels.evaluate(denoiser, ["d"], [25], 1, device=CPU))
    row_cache = RowCache([out])
    list(noise_levels.evaluate(denoiser, ["d"], [25], 1, device=CPU, row_cache=row_cache))
    assert row_cache.used == 0


def test_one_more_interval_measures_one_interval(own, tmp_path):
    denoiser = open_denoiser(f"mine={own}:denoise", CPU)
    out, calls = tmp_path / "a.csv", own.parent / "calls"
    rows = intervals.evaluate(denoiser, ["d"], 25, [(0, 1), (10, 11)], 1, device=CPU)
    tables.write_rows(out, intervals.COLUMNS, rows)
    calls.unlink()
    row_cache = RowCache([out])
    rows = list(
        intervals.evaluate(
            denoiser, ["d"], 25, [(0, 1), (-1, 1), (10, 11)], 1, device=CPU, row_cache=row_cache
        )
    )
    assert len(rows) == 9 and row_cache.used == 6 and calls.read_text().split() == ["50"] * 3


def test_what_went_to_a_and_b_tells_rows_apart(own, tmp_path):
    """And a table from before that could be chosen holds the nominal range."""
    denoiser = open_denoiser(f"mine={own}:denoise", CPU)
    out, pairs = tmp_path / "a.csv", [(0, 1), (10, 11)]
    rows = list(intervals.evaluate(denoiser, ["d"], 25, pairs, 1, device=CPU))
    older = pd.DataFrame(rows).drop(columns=["normalise", "measured_by"])
    older.to_csv(out, index=False)
    for normalise, used in (("nominal", 6), ("minmax", 0)):
        cache = RowCache([out])
        found = list(
            intervals.evaluate(denoiser, ["d"], 25, pairs, 1, normalise, device=CPU, row_cache=cache)
        )
        assert cache.used == used and {row["normalise"] for row in found} == {normalise}
    tables.collect([out], tmp_path / "all.csv")
    with open(tmp_path / "all.csv", newline="") as handle:
        table = csv.DictReader(handle)
        assert {row["normalise"] for row in table} == {"nominal"} and table.fieldnames == intervals.COLUMNS
    assert set(read_intervals(out)["normalise"]) == {"nominal"}
    assert interval_summary(read_intervals(out))["normalise"].tolist() == ["nominal"] * 2


@pytest.mark.parametrize("name", [name for name, kind in all_measurements().items() if kind.reuses_rows])
def test_all_that_tells_settings_apart_tells_rows_apart(own, name):
    """Else the row of one setting would be taken for that of another."""
    asked = []

    class Asked(RowCache):
        def __len__(self):
            return 1  # an empty one would not be asked

        def find(self, row, columns):
            asked.append(dict(row))
            return super().find(row, columns)

    kind = all_measurements()[name]
    values = {
        **{"datasets": ["d"], "image": "d/one", "images": 1, "size": 16, "sigma": 25, "sigmas": [25]},
        **{"scales": [2], "shifts": [0.5], "intervals": [(0, 1), (10, 11)], "draws": 1},
    }
    settings = kind.settings(**{key: values[key] for key in kind.settings.model_fields if key in values})
    where = {"data_dir": "", "device": CPU, "row_cache": Asked()}
    rows = list(kind.evaluate(open_denoiser(f"mine={own}:denoise", CPU), settings, **where))
    known = {"weights", "pixels", "measured_by", "size"}  # the denoiser, and the pixels that are used
    assert asked and set().union(*asked) & set(rows[0]) - known <= set(tables.KEYS)


def test_batches_are_of_one_size_and_data_set():
    def images():
        for number, (dataset, shape) in enumerate(
            [("a", (4, 6)), ("a", (6, 4)), ("a", (4, 6)), ("a", (4, 6)), ("b", (4, 6)), ("b", (9, 9))]
        ):
            yield dataset, str(number), np.zeros(shape, np.float32)

    def names(pixels):
        return [[image.name for image in batch] for batch in batches.batches(images(), pixels)]

    assert sorted(names(48)) == [["0", "2"], ["1"], ["3"], ["4"], ["5"]]
    assert names(1) == [[str(i)] for i in range(6)]
    assert sorted(names(10**6)) == [["0", "2", "3"], ["1"], ["4"], ["5"]]


def test_images_are_read_as_they_are_needed():
    read = []

    def images():
        for number in range(4):
            read.append(number)
            yield "a", str(number), np.zeros((4, 4), np.float32)

    next(batches.batches(images(), 32))
    assert read == [0, 1]


@pytest.mark.parametrize("variant", ["ordinary", "wrapped", "norm"])
def test_batches_give_the_numbers_of_single_images(folder, tmp_path, monkeypatch, variant):
    save_small(tmp_path / "model.safetensors", variant)
    denoiser = open_denoiser(str(tmp_path), CPU)

    def rows():
        found = noise_levels.evaluate(denoiser, ["d"], [5, 50], 2, device=CPU)
        return {(row["image"], row["sigma"], row["draw"]): row for row in found}

    alone = rows()
    monkeypatch.setattr(streaming, "batch_pixels", lambda denoiser, device: 10**6)
    together = rows()
    assert alone.keys() == together.keys() and len(alone) == 12
    for key, row in alone.items():
        for column in ("psnr", "ssim", "psnr_in"):
            assert together[key][column] == pytest.approx(row[column], rel=1e-5)


def test_a_pipe_is_no_table_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert RowCache([tmp_path / "pipe"]).used == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what I thought\n", "is no table of measurements"),
        ("network,psnr\nnet,30\n", "is no table of measurements"),
        ("\xff\xfe", "is no table of measurements"),
        (",".join(intervals.COLUMNS) + "\n", "holds other measurements"),
        (",".join(noise_levels.COLUMNS).replace("draw,", "draw,tuning,") + "\n", "holds other measurements"),
    ],
)
def test_a_file_of_another_kind_is_not_replaced(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.csv"
    out.write_text(text, encoding="latin-1")
    before = out.read_bytes()
    evaluate = ["evaluate", "noise-levels", "x=y.py:f", "--datasets", "d", "--sigmas", "5"]
    for command in (evaluate, ["certify", "x=y.py:f"]):
        error = CliRunner().invoke(cli.app, [*command, "--out", str(out)]).exception
        assert isinstance(error, NormeqError), error
        assert "would be replaced: name another file, or delete it" in str(error)
        assert words in str(error) or command[0] == "certify"
        assert out.read_bytes() == before


def test_a_table_of_its_kind_is_opened_whatever_its_age(own, tmp_path):
    out = tmp_path / "out.csv"
    measure(own, out, [5])
    assert len(open_row_cache([], out, noise_levels.COLUMNS)) == 3
    table = pd.read_csv(out, dtype=str).drop(columns=["measured_by", "protocol", "weights", "pixels"])
    table.to_csv(out, index=False)
    unseal(out)
    assert len(open_row_cache([], out, noise_levels.COLUMNS)) == 0
    for text in ("", "torn by a disk"):  # nothing in it; ours, and damaged
        measure(own, out, [5])
        out.write_text(text)
        assert len(open_row_cache([], out, noise_levels.COLUMNS)) == 0
