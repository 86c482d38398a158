"""``normeq table`` and ``normeq figure`` never write over what they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError
from normeq.suite.figures.registry import figures
from normeq.suite.tables.registry import tables


def refused(folder: Path, *words: object) -> None:
    """The command refuses in one line, and leaves the folder as it is."""
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    error = CliRunner().invoke(cli.app, [str(word) for word in words]).exception
    assert isinstance(error, NormeqError) and "read here; choose another place" in str(error), error
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("product", [p for p in tables() if p.reads], ids=lambda product: product.name)
@pytest.mark.parametrize("suffix", ["csv", "md", "tex"])
def test_a_table_is_not_written_over_its_input(product, suffix, tmp_path) -> None:
    source = tmp_path / f"{product.name}.{suffix}"
    source.write_text("measurements")
    refused(tmp_path, "table", product.command, source, "--out-dir", tmp_path)


@pytest.mark.parametrize("product", [p for p in figures() if p.reads], ids=lambda product: product.name)
@pytest.mark.parametrize("suffix", ["svg", "png", "csv"])
@pytest.mark.parametrize("out", ["x", "x.csv", "x.svg", "link"])
def test_a_figure_is_not_drawn_over_its_input(product, suffix, out, tmp_path) -> None:
    source = tmp_path / f"x.{suffix}"
    source.write_text("measurements")
    (tmp_path / f"link.{suffix}").symlink_to(source)
    several = [tmp_path / "other.npz"] if product.of_parts else []
    refused(tmp_path, "figure", product.command, *several, source, "--out", tmp_path / out)


def test_nor_over_published_values(tmp_path) -> None:
    (tmp_path / "table.csv").write_text("measurements")
    for name in ("published_psnr", "published_curves"):
        (tmp_path / f"{name}.csv").write_text("values")
        words = [tmp_path / "table.csv", "--out", tmp_path / name, "--published", tmp_path]
        refused(tmp_path, "figure", "noise-levels", *words)
