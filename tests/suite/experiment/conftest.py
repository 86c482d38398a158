"""Experiments are read in the repository, where their data folders are."""

import pytest

from tests.suite.experiment.configs import ROOT


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
