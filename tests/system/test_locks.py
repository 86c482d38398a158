"""Locks of killed processes are cleared; those of living ones are not."""

import numpy as np
from filelock import FileLock

from normeq.suite.data.staging import clear_partial, exclusive
from normeq.system.locks import clear_lock
from normeq.training.images import from_arrays
from normeq.training.lock import LOCK
from normeq.training.loop import train
from normeq.training.spec import RunSpec


def test_a_lock_that_nobody_holds_goes(tmp_path):
    left = tmp_path / ".x.lock"
    left.touch()
    assert clear_lock(left) and not left.exists() and not clear_lock(left)


def test_a_lock_that_is_held_stays(tmp_path):
    path = tmp_path / ".x.lock"
    with FileLock(path):
        assert not clear_lock(path) and path.exists()


def test_what_is_left_beside_a_place_goes_unless_one_is_at_work_there(tmp_path):
    place = tmp_path / "set"
    (tmp_path / ".set.partial").mkdir()
    with exclusive(place):
        clear_partial(place)
        assert (tmp_path / ".set.partial").exists() and (tmp_path / ".set.lock").exists()
    (tmp_path / ".set.lock").touch()
    clear_partial(place)
    assert not list(tmp_path.iterdir())


def test_a_finished_training_clears_the_lock_of_a_killed_process(tmp_path):
    network = {"name": "x", "architecture": "fdncnn", "depth": 2, "channels": 2}
    recipe = {"steps": 1, "batch": 1, "patch": 8}
    spec = RunSpec.from_dict(
        {"network": network, "variant": "norm", "dataset": "d", "sigma": 25, "seed": 0, "recipe": recipe}
    )
    images = from_arrays([np.zeros((9, 9), np.uint8)])
    train(spec, tmp_path, images)
    (tmp_path / LOCK).touch()
    train(spec, tmp_path, images)
    assert not (tmp_path / LOCK).exists()
