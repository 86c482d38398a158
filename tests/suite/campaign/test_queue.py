"""Jobs in order, several at a time, until they are done or the time is up."""

import os
import signal

import pytest

from normeq.suite.campaign import queue
from normeq.suite.campaign.queue import Job, work_off
from normeq.training.signals import stop_signals

GOOD = ("--version",)
BAD = ("train", "{}", "--out", "nowhere")


@pytest.fixture
def said():
    return []


def carry_out(tmp_path, said, jobs, seconds, workers=1):
    return work_off(jobs, workers, tmp_path / "logs", 1, seconds, said.append)


def test_a_job_that_fails_is_named_and_the_others_go_on(tmp_path, said):
    jobs = [Job("bad", BAD), Job("good", GOOD)]
    done, failed, left = carry_out(tmp_path, said, jobs, lambda: 1.0)
    assert (done, failed, left) == (["good"], ["bad"], [])
    assert said == ["bad: begins", "bad: failed (2)", "good: begins", "good: done"]
    assert (tmp_path / "logs" / "bad.log").read_text().startswith("normeq: error: ")


def test_a_killed_job_is_said_to_be(tmp_path, said):
    """What the system does to a process that takes too much memory."""
    script = tmp_path / "sitecustomize.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        assert carry_out(tmp_path, said, [Job("big", GOOD)], lambda: 1.0) == ([], ["big"], [])
    assert said == ["big: begins", "big: failed (killed, as the system does for want of memory)"]


def test_a_job_that_fails_while_it_is_told_to_stop_failed(tmp_path, said):
    """One that ends by itself, with an error, whatever it was told."""
    script = tmp_path / "sitecustomize.py"
    script.write_text(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(3))\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\ntime.sleep(60)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        ended = carry_out(
            tmp_path, said, [Job("a", GOOD)], lambda: 0.0 if (tmp_path / "up").exists() else 1.0
        )
    assert ended == ([], ["a"], []) and said == ["a: begins", "a: failed (3)"]


def test_what_runs_is_stopped_when_the_reader_of_the_lines_has_gone(tmp_path, monkeypatch):
    script = tmp_path / "sitecustomize.py"
    script.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    begun = []

    def begin(*words, **more):
        begun.append(plain(*words, **more))
        return begun[-1]

    def say(line):
        if line == "b: begins":
            raise BrokenPipeError

    plain = queue.subprocess.Popen
    monkeypatch.setattr(queue.subprocess, "Popen", begin)
    with pytest.raises(BrokenPipeError):
        work_off([Job("a", GOOD), Job("b", GOOD)], 2, tmp_path / "logs", 1, lambda: 1.0, say)
    assert [process.wait(10) for process in begun] == [-signal.SIGTERM]


def test_several_at_a_time(tmp_path, said):
    jobs = [Job(name, GOOD) for name in "abc"]
    done, failed, left = carry_out(tmp_path, said, jobs, lambda: 1.0, workers=2)
    assert sorted(done) == ["a", "b", "c"] and failed == left == []
    assert said[:2] == ["a: begins", "b: begins"] and "done" in said[2]


def test_without_time_nothing_begins(tmp_path, said):
    assert carry_out(tmp_path, said, [Job("a", GOOD), Job("b", GOOD)], lambda: 0.0) == ([], [], ["a", "b"])
    assert said == []


def test_what_runs_is_stopped_when_the_time_is_up(tmp_path, said):
    jobs = [Job("a", GOOD), Job("b", GOOD)]
    done, failed, left = carry_out(tmp_path, said, jobs, lambda: 0.0 if said else 1.0)
    assert done + failed == [] and left == ["a", "b"]
    assert said == ["a: begins", "a: stopped"]


@pytest.mark.parametrize("ignored", [False, True])
def test_a_closed_terminal_stops_what_runs(ignored):
    """Jobs are sessions of their own, which would go on; under nohup they are meant to."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        with stop_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert bool(stop) is not ignored
    finally:
        signal.signal(signal.SIGHUP, before)
