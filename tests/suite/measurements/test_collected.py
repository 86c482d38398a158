"""A collected table stands for the tables that it was put together from."""

import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.measuring.collected import Collected, read_collected
from normeq.suite.measuring.row_cache import RowCache
from normeq.suite.measuring.rows import collect, write_rows

LABELS = {"network": "net", "variant": "norm", "train_sigma": "25", "seed": "0"}


def part(path, sigmas=(5, 25), **label):
    rows = [{**LABELS, **label, "dataset": "d", "image": "007", "sigma": s, "psnr": "30.10"} for s in sigmas]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def made(tmp_path):
    """Parts, table and record."""
    parts = [part(tmp_path / "a.csv"), part(tmp_path / "b.csv", seed="1"), part(tmp_path / "c.csv", seed="")]
    out, record = tmp_path / "all.csv", tmp_path / ".made/all"
    assert collect(parts, out, record, "first") == 6
    return parts, out, record


@pytest.mark.parametrize("gone", [(), (0,), (1, 2), (0, 1, 2)])
def test_parts_that_are_gone_are_in_the_table(made, gone):
    parts, out, record = made
    before = out.read_bytes()
    for number in gone:
        parts[number].unlink()
    assert collect(parts, out, record, "second") == 6 and out.read_bytes() == before
    assert collect([*parts[1:], part(out.with_name("d.csv"), [75], seed="7")], out, record, "third") == 5
    assert "7" in set(pd.read_csv(out, dtype=str)["seed"]) and "0" not in set(
        pd.read_csv(out, dtype=str)["seed"]
    )
    assert read_collected(out, record).key == "third"
    with pytest.raises(NormeqError, match="no such file"):  # the first one has left the table
        parts[0].unlink(missing_ok=True)
        collect(parts, out, record, "fourth")
    assert read_collected(out, record).key == "third"


def test_a_part_that_is_there_counts_and_not_the_table(made):
    parts, out, record = made
    part(parts[0], [5, 35])
    collect(parts, out, record)
    assert set(pd.read_csv(out)["sigma"]) == {5, 25, 35}


def test_two_parts_of_one_denoiser_must_be_there(tmp_path):
    """The table does not say which row is whose."""
    parts = [
        part(tmp_path / "a.csv", [5]),
        part(tmp_path / "b.csv", [25]),
        part(tmp_path / "c.csv", seed="1"),
    ]
    collect(parts, tmp_path / "all.csv", tmp_path / "record")
    assert list(read_collected(tmp_path / "all.csv", tmp_path / "record").parts) == [str(parts[2])]


@pytest.mark.parametrize(
    "text", ["", "e368db0e", "12345678", "123e4567", "[]", '{"key": "a"}', "<<<<<<< HEAD\n{}", "\xff", None]
)
def test_what_is_no_record_says_nothing(made, text):
    _, out, record = made
    record.unlink()
    if text is not None:
        record.write_text(text, encoding="latin-1")
    assert read_collected(out, record) == Collected()


@pytest.mark.parametrize(
    "edit", [lambda b: b[:-1], lambda b: b.replace(b"30.10", b"30.11", 1), lambda b: b + b"\n"]
)
def test_an_edited_table_is_seen(made, edit):
    parts, out, record = made
    out.write_bytes(edit(out.read_bytes()))
    assert read_collected(out, record) == Collected(edited=True)
    parts[0].unlink()
    with pytest.raises(NormeqError, match=r"a\.csv: no such file"):
        collect(parts, out, record)


def test_a_part_that_was_damaged_is_refused_and_not_taken_over(tmp_path, caplog):
    """One digit: nothing in a table of numbers would tell."""
    columns = [*LABELS, "dataset", "image", "sigma", "psnr", "weights", "pixels", "protocol"]
    row = {**LABELS, "dataset": "d", "image": "007", "sigma": 5, "psnr": "30.10"}
    row |= {"weights": "w", "pixels": "p", "protocol": "paper"}
    write_rows(tmp_path / "part.csv", columns, [row])
    assert collect([tmp_path / "part.csv"], tmp_path / "all.csv") == 1 and len(RowCache([tmp_path])) == 1
    text = (tmp_path / "part.csv").read_text()
    (tmp_path / "part.csv").write_text(text.replace("30.10", "38.10"))
    with pytest.raises(NormeqError, match="part.csv: edited or damaged since it was written: delete it"):
        collect([tmp_path / "part.csv"], tmp_path / "all.csv")
    assert len(RowCache([tmp_path / "part.csv"])) == 0 and "part.csv: edited, replaced" in caplog.text
    assert len(RowCache([], tmp_path / "part.csv")) == 0
    write_rows(tmp_path / "part.csv", columns, [row])
    assert collect([tmp_path / "part.csv"], tmp_path / "all.csv") == 1


def test_a_table_that_is_no_part_is_not_replaced(tmp_path):
    """As where OUT was forgotten: the first part would become a copy of the others."""
    parts = [part(tmp_path / f"{name}.csv", seed=name) for name in "123"]
    before = parts[0].read_bytes()
    for others in (parts[1:], parts[1:2]):
        with pytest.raises(NormeqError, match=f"^{parts[0]}: is there, and holds what none of the tables"):
            collect(others, parts[0])
        assert parts[0].read_bytes() == before
    (tmp_path / "notes.csv").write_text("what I thought\n")
    with pytest.raises(NormeqError, match="notes.csv: is there, and holds what none"):
        collect(parts, tmp_path / "notes.csv")
    # Nothing is lost: the same command again, one more part, and a table that is itself a part.
    assert collect(parts[:2], tmp_path / "all.csv") == collect(parts[:2], tmp_path / "all.csv") == 4
    assert collect(parts, tmp_path / "all.csv") == 6
    assert collect(parts, parts[0]) == 6


def test_a_table_with_a_record_is_what_its_parts_are_now(made):
    parts, out, record = made
    part(parts[0], [5])
    assert collect(parts, out, record) == 5
    with pytest.raises(NormeqError, match="all.csv: is there"):
        collect(parts[1:], out)
    record.unlink()
    assert collect(parts[1:], out, record) == 4
