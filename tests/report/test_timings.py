"""Timings: sums over the jobs of the present config."""

import pytest

from normeq.errors import NormeqError
from normeq.report.timings import timings

HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"


@pytest.fixture
def folder(tmp_path):
    for name, values in {
        "noise_levels/runs/a-00000001.tsv": "90.4\t0:01:30\t100.0\t80.0",
        "noise_levels/runs/b-00000001.tsv": "10.0\t0:00:10\t300.0\t9.0",
        "noise_levels/runs/b-00000002.tsv": "5000\t1:23:20\t900.0\t5000",
        "certificate.tsv": "0.5\t0:00:00\tNA\tNA",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{HEAD}{values}\n")
    return tmp_path


def test_sums_over_the_jobs_of_the_present_config(folder):
    certificate, levels = timings(folder, {"00000001"})
    assert levels == {"kind": "noise levels", "jobs": "2", "wall": "100 s", "cpu": "89 s", "memory": "300 MB"}
    assert certificate["kind"] == "certificate" and certificate["memory"] == "0 MB"
    assert timings(folder)[1]["jobs"] == "3"


def test_a_clone_has_none(tmp_path):
    assert timings(tmp_path / "timings") == []


def test_another_file_is_named(folder):
    (folder / "certificate.tsv").write_text("text")
    with pytest.raises(NormeqError, match="certificate.tsv is not a benchmark file"):
        timings(folder)
