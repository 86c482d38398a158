"""Jobs in order, several at a time, until they are done or the time is up."""

import pytest

from normeq.suite.campaign.queue import Job, work_off

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
