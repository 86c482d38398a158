"""What a command line sets up before it trains."""

from types import SimpleNamespace

import torch

from normeq.suite.training import start as module


def test_subnormal_numbers_are_flushed_while_a_run_trains(tmp_path, monkeypatch):
    found = {}

    def train(spec, out, images, **settings):
        found["value"] = (torch.tensor([1e-38]) / 10).item()
        return found

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "training_images", lambda dataset, data_dir: None)
    spec = SimpleNamespace(dataset="pictures")
    assert module.start(spec, tmp_path, tmp_path, "cpu", 0, None, "off", None) == 0
    assert found["value"] == 0
    assert (torch.tensor([1e-38]) / 10).item() > 0  # not for who called
