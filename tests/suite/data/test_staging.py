"""A folder appears whole or not at all, and one process at a time makes it."""

import threading
import time

import pytest

from normeq.errors import NormeqError
from normeq.suite.data import fetch
from normeq.suite.data.staging import exclusive, move_into_place, staging


def test_staging_leaves_nothing_and_clears_what_a_killed_process_left(tmp_path):
    place = tmp_path / "set"
    left = tmp_path / ".set.partial"
    left.mkdir()
    (left / "old").write_text("x")
    with pytest.raises(KeyboardInterrupt), staging(place) as folder:
        assert folder == left and not list(folder.iterdir())
        (folder / "half").write_text("x")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_there_comes_back_when_the_new_one_cannot_stand(tmp_path):
    place = tmp_path / "set"
    place.mkdir()
    (place / "kept").write_text("x")
    with staging(place) as folder, pytest.raises(FileNotFoundError):
        move_into_place(folder / "set", place)
    assert (place / "kept").read_text() == "x"


def test_exclusive_lets_one_in_at_a_time_and_leaves_no_lock_file(tmp_path):
    place = tmp_path / "deep" / "set"
    inside, most = [], []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for _ in range(5):
            with exclusive(place):
                inside.append(1)
                time.sleep(0.002)  # let the others try
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20 and not list(place.parent.iterdir())


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NormeqError, match="cannot write .*file"), exclusive(tmp_path / "file" / "set"):
        pass


def test_a_complete_set_clears_the_lock_of_a_killed_process(tmp_path):
    fetch.get("skimage-test", tmp_path)
    left = tmp_path / ".skimage-test.lock"
    left.touch()
    assert fetch.get("skimage-test", tmp_path).source == "already there" and not left.exists()
