"""``normeq import`` in tests: a foreign file, the command, and its error."""

from pathlib import Path

import torch
from typer.testing import CliRunner

from normeq.cli import app
from normeq.errors import NormeqError
from tests.denoisers.foreign.cases import BY_NAME

ROOT = Path(__file__).parents[3]


CASE = BY_NAME["dncnn5_gray"]


def write(content, name="x.pth"):
    torch.save(content, name)
    return name


def run(*arguments):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def line(result):
    """The error of a command."""
    assert result.exit_code != 0 and isinstance(result.exception, NormeqError), result.output
    text = str(result.exception)
    assert "\n" not in text
    return text


def without(state, key):
    return {k: v for k, v in state.items() if k != key}
