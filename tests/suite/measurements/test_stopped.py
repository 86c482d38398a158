"""A measurement that is stopped goes on from the rows it had."""

import csv
from contextlib import nullcontext
from itertools import islice

import pytest
from typer.testing import CliRunner

from normeq import cli
from normeq.denoisers.open import open_denoiser
from normeq.imaging.protocol import PAPER
from normeq.suite.measurements import noise_levels
from normeq.suite.measuring import rows as tables
from normeq.suite.measuring import stream as streaming
from normeq.suite.measuring.row_cache import RowCache
from normeq.system.files import begun
from normeq.system.seals import is_intact
from tests.suite.measurements.counted import CPU, measure
from tests.synthetic_networks import save_small


def into(own, out, sigmas, rows=None):
    """Measure into ``out``, stopped after so many rows if they are given; return the σ of every call of the
    denoiser."""
    calls = own.parent / "calls"
    calls.unlink(missing_ok=True)
    found = noise_levels.evaluate(
        open_denoiser(f"mine={own}:denoise", CPU), ["d"], sigmas, 1, device=CPU, protocol=PAPER,
        row_cache=RowCache((), out),
    )  # fmt: skip

    def some():
        yield from islice(found, rows)
        if rows is not None:
            raise KeyboardInterrupt

    with nullcontext() if rows is None else pytest.raises(KeyboardInterrupt):
        tables.write_rows(out, noise_levels.COLUMNS, some(), goes_on=True)
    assert out.exists() == (rows is None)
    return calls.read_text().split() if calls.exists() else []


def test_a_stopped_measurement_goes_on_from_its_rows(own, tmp_path):
    out = tmp_path / "a.csv"
    assert len(into(own, out, [5, 25], 4)) == 4
    # Stopped again at once, with another level first: what the first one measured is not lost.
    assert into(own, out, [10, 5, 25], 2) == ["10"]
    rest = into(own, out, [5, 10, 25])
    assert len(rest) == 9 - 4 - 1
    fresh, _ = measure(own, tmp_path / "b.csv", [5, 10, 25])
    with open(out, newline="") as handle:
        assert list(csv.DictReader(handle)) == fresh
    assert not begun(out)


def test_half_a_row_of_a_stopped_measurement_is_not_taken(own, tmp_path):
    out = tmp_path / "a.csv"
    into(own, out, [5, 25], 4)
    (file,) = begun(out)
    whole = file.read_bytes()
    # Everywhere in the last row, its last column included.
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(start, len(whole)):
        file.write_bytes(whole[:length])
        assert len(RowCache((), out)) == 3
    file.write_bytes(whole)
    assert len(RowCache((), out)) == 4


def test_a_command_that_is_stopped_says_what_it_keeps(folder, tmp_path, monkeypatch):
    run, out = save_small(tmp_path / "one.safetensors", "ordinary"), tmp_path / "out" / "a.csv"
    command = ["evaluate", "noise-levels", str(run), "--out", str(out), "--settings"]
    command.append('{"datasets": ["d"], "sigmas": [25]}')
    plain = streaming.denoise
    calls = []

    def denoise(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(streaming, "denoise", denoise)
    stopped = CliRunner().invoke(cli.app, command)
    assert stopped.exit_code != 0 and "the same command goes on" in stopped.output
    assert not out.exists()
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0 and len(calls) == 4, done.output
    assert "3 measurements, 2 of them made before" in done.output
    assert [file.name for file in out.parent.iterdir() if file.suffix == ".csv"] == ["a.csv"]


def evaluated(own, out, sigma):
    """What the command says that measures one level into ``out``."""
    command = ["evaluate", "noise-levels", f"mine={own}:denoise", "--datasets", "d", "--sigmas", str(sigma)]
    result = CliRunner().invoke(cli.app, [*command, "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_stopped_measurement_outlives_another_one_of_the_same_table(own, tmp_path):
    """Two noise levels, one after the other, into one table: the first was stopped."""
    out = tmp_path / "a.csv"
    into(own, out, [5], 2)
    evaluated(own, out, 25)
    assert len(begun(out)) == 1
    assert "3 measurements, 2 of them made before" in evaluated(own, out, 5)
    assert not begun(out)


def test_what_was_stopped_of_another_denoiser_is_removed(own, tmp_path):
    out = tmp_path / "a.csv"
    into(own, out, [5], 2)
    own.write_text(own.read_text() + "\n# another\n")
    evaluated(own, out, 25)
    assert not begun(out)


def test_a_stopped_measurement_of_a_denoiser_that_is_not_known_promises_nothing(
    folder, tmp_path, monkeypatch
):
    file = tmp_path / "unknown.py"
    file.write_text(
        "class Denoiser:\n"
        "    def __init__(self):\n        self.file, self.calls = open(__file__), 0\n"
        "    def __call__(self, y, sigma):\n        self.calls += 1\n"
        "        if self.calls == 3:\n            raise KeyboardInterrupt\n        return y\n"
        "denoise = Denoiser()\n"
    )
    out = tmp_path / "a.csv"
    command = ["evaluate", "noise-levels", f"mine={file}:denoise", "--out", str(out), "--settings"]
    stopped = CliRunner().invoke(cli.app, [*command, '{"datasets": ["d"], "sigmas": [25]}'])
    assert stopped.exit_code != 0 and "goes on" not in stopped.output
    assert not out.exists() and not begun(out)


def test_a_table_keeps_its_seal_when_a_measurement_into_it_is_stopped(own, tmp_path):
    out = tmp_path / "a.csv"
    measure(own, out, [5])
    row_cache = RowCache((), out)

    def rows():
        yield from row_cache.left(())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tables.write_rows(out, noise_levels.COLUMNS, rows(), goes_on=True)
    out.write_text(out.read_text().replace("0", "1", 1))
    assert not is_intact(out)
