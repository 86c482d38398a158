"""Timings: sums over the jobs of a kind."""

import pytest

from normeq.errors import NormeqError
from normeq.suite.report.timings import timings

HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"


@pytest.fixture
def files(tmp_path):
    paths = []
    for name, values in {
        "a/noise_levels-00000001.tsv": "90.4\t0:01:30\t100.0\t80.0",
        "b/noise_levels-00000001.tsv": "10.0\t0:00:10\t300.0\t9.0",
        "a/certificate-00000003.tsv": "0.5\t0:00:00\tNA\tNA",
    }.items():
        paths.append(tmp_path / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_text(f"{HEAD}{values}\n")
    return paths


def test_sums_over_the_jobs_of_a_kind(files, tmp_path):
    levels, certificate = timings([*files, tmp_path / "a" / "tuning-00000004.tsv"])
    assert levels == {"kind": "noise levels", "jobs": "2", "wall": "100 s", "cpu": "89 s", "memory": "300 MB"}
    assert certificate["kind"] == "certificate" and certificate["memory"] == "0 MB"


def test_parts_that_snakemake_did_not_make_have_none(tmp_path):
    assert timings([tmp_path / "filters-00000001.tsv"]) == []


def test_another_file_is_named(files):
    files[0].write_text("text")
    with pytest.raises(NormeqError, match=r"noise_levels-00000001.tsv is not a benchmark file"):
        timings(files)
