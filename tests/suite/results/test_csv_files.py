"""Reading a CSV table: text as it was written, and one line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.certificate import read_certificate
from normeq.suite.analysis.filters import read_filters
from normeq.suite.compare.changes import table_kind
from normeq.suite.report.machines import machines
from normeq.suite.results.csv_files import number_cells, read_csv
from normeq.suite.results.long_tables import read_noise_levels, read_tuning
from normeq.suite.results.published import read_published

READERS = {
    "read_csv": read_csv,
    "noise levels": read_noise_levels,
    "tuning": read_tuning,
    "certificate": read_certificate,
    "filters": read_filters,
    "published": lambda path: read_published(path.parent, path.name),
    "compare": table_kind,
    "machines": lambda path: machines([path]),
}


def test_cells_are_text_as_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,psnr\n04,30.10\nNA,\n")
    table = read_csv(tmp_path / "t.csv", ["image"])
    assert table.to_numpy().tolist() == [["04", "30.10"], ["NA", ""]]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "content", [None, b"", b"\x89PNG\r\n\x1a\n\x00\xff", b'a,b\n"1,2\n', b"a,b\n1,2,3\n1,2,3,4\n"]
)
def test_every_reader_names_the_file_in_one_line(reader: str, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NormeqError, match="odd.csv") as caught:
        READERS[reader](path)
    assert "\n" not in str(caught.value)


def test_the_remedy_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n")
    for columns, words in (([], "no rows"), (["b", "c"], r"missing columns b, c")):
        with pytest.raises(NormeqError, match=f"{words}; run `make`$"):
            read_csv(tmp_path / "t.csv", columns, remedy="run `make`")


def test_a_cell_that_is_no_number_is_located(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,inf\n 2 ,much\n")
    table = read_csv(tmp_path / "t.csv")
    assert number_cells("t.csv", table["x"]).tolist() == [1.0, 2.0]
    with pytest.raises(NormeqError, match="t.csv, line 3: column y has 'much', not a number"):
        number_cells("t.csv", table["y"])
