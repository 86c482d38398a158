"""An experiment on a cluster through profiles/slurm, and what may befall it there."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.cluster.conftest import Cluster, ended, until
from tests.workflow.conftest import CONFIG, ROOT, Project

RECIPE = {"steps": 600, "batch": 2, "patch": 16, "lr": 0.001}
CPUS = 4  # of a training or measurement


def project(folder: Path, **changes) -> Project:
    """A checkout with its own copy of the package, to be edited."""
    folder.mkdir()
    made = Project.make(folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    evaluate = {"noise_levels": CONFIG["evaluate"]["noise_levels"]}
    made.configure(device="auto", evaluate=evaluate, denoisers={}, **changes)
    return made


def start(cluster: Cluster, made: Project, *targets: str) -> subprocess.Popen:
    """Snakemake with the suite's profile, told that our cluster has no accounting."""
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm"]
    command += ["--configfile", "speck.yaml", "--slurm-status-command", "squeue"]
    command += ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10", *targets]
    environment = cluster.environment | {
        "PYTHONPATH": str(made.folder / "src") + os.pathsep + os.environ.get("PYTHONPATH", "")
    }
    with open(made.folder / "snakemake.log", "w") as log:
        return subprocess.Popen(command, cwd=made.folder, env=environment, stdout=log, stderr=log)


def runs(made: Project) -> list[Path]:
    """Folders of the trainings."""
    return sorted((made.folder / "results/runs").glob("*"))


def steps(made: Project) -> int:
    """How far the only training is."""
    lines = [line for run in runs(made) for line in (run / "train.jsonl").open() if line.endswith("}\n")]
    return json.loads(lines[-1])["step"] if lines else 0


def held(made: Project, after: int = 0) -> psutil.Process:
    """Wait until the only training is beyond a step, and halt its process there."""

    def training() -> psutil.Process | None:
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if process.info["cwd"] == str(made.folder) and "train" in words and "--out" in words:
                return process
        return None

    until(lambda: (made.folder / "results/runs").is_dir() and training() and beyond(made, after), every=0.05)
    process = training()
    process.suspend()
    return process


def beyond(made: Project, step: int) -> bool:
    return all((run / "train.jsonl").is_file() for run in runs(made)) and steps(made) > step


def trained_alone(run: Path, threads: int, folder: Path) -> bytes:
    """Weights of the same training without interruption, without a cluster."""
    command = [sys.executable, "-m", "normeq", "train", str(run / "run.json"), "--out", str(folder)]
    command += ["--data-dir", str(run.parents[2] / CONFIG["data"]["dir"])]
    command += ["--device", "cpu", "--threads", str(threads)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_WAIT_POLICY": "passive"})
    return (folder / "model.safetensors").read_bytes()


@dataclass
class Story:
    """What happened in :func:`story`, and what it left."""

    cluster: Cluster
    first: Project
    second: Project
    codes: list[int]
    stopped_at: int
    resumed: dict[str, str]

    def jobs(self, rule: str, made: Project | None = None) -> list[dict[str, str]]:
        return self.cluster.jobs(rule, (made or self.first).folder)


@pytest.fixture(scope="module")
def story(cluster, tmp_path_factory) -> Iterator[Story]:
    """Two users run an experiment each. During the training of the first, source files are edited, the
    controller is started again, the time limit is reached, and then the node is lost."""
    folder = tmp_path_factory.mktemp("cluster")
    first = project(folder / "first", train__recipe=RECIPE, train__seeds=[0])
    second = project(folder / "second", train__recipe=RECIPE, train__seeds=[1])
    table = "results/speck/noise_levels.csv"
    running = [start(cluster, first, table)]
    try:
        yield _story(cluster, first, second, running, table)
    finally:
        for process in running:
            process.kill()


def _story(
    cluster: Cluster, first: Project, second: Project, running: list[subprocess.Popen], table: str
) -> Story:
    training = held(first)
    running.append(start(cluster, second, table))
    (job,) = cluster.jobs("train", first.folder)
    for file in [*first.folder.glob("workflow/rules/*.smk"), *first.folder.glob("src/normeq/training/*.py")]:
        file.write_text(file.read_text().replace('"normeq train ', '"normeq  train ') + "\n# edited\n")
    cluster.restart_controller()

    elapsed = cluster("squeue", "-h", "-j", job["JobId"], "-o", "%M").strip()
    minutes = int(re.fullmatch(r"(?:(\d+):)?(\d+):(\d+)", elapsed)[2])
    cluster("scontrol", "update", f"jobid={job['JobId']}", f"timelimit={minutes + 2}")
    until(lambda: ended(training))  # SLURM lets a halted process go on before it tells it to stop
    until(lambda: len(cluster.jobs("train", first.folder)) == 2)
    (run,) = runs(first)
    stopped_at = torch.load(run / "checkpoint.pt", weights_only=True)["step"]

    held(first, stopped_at)
    again = cluster.jobs("train", first.folder)[1]
    cluster.lose(again["NodeList"])
    cluster.bring_back(again["NodeList"])
    until(lambda: cluster.job(again["JobId"])["Restarts"] == "1")
    cluster.let_begin(again["JobId"])
    codes = [process.wait(timeout=900) for process in running]
    return Story(cluster, first, second, codes, stopped_at, cluster.job(again["JobId"]))


def test_both_experiments_end(story):
    logs = [(made.folder / "snakemake.log").read_text() for made in (story.first, story.second)]
    assert story.codes == [0, 0], "\n".join(logs)
    for made in (story.first, story.second):
        assert (made.folder / "results/speck/noise_levels.csv").stat().st_size > 0


def test_a_training_over_its_time_limit_goes_on_from_its_checkpoint(story):
    limited, again = story.jobs("train")
    assert limited["JobState"] == "FAILED" and again["JobState"] == "COMPLETED"
    assert 0 < story.stopped_at < RECIPE["steps"]


def test_a_lost_node_loses_no_training(story):
    assert story.resumed["Restarts"] == "1" and story.resumed["JobState"] == "COMPLETED"


def test_the_weights_are_those_of_an_uninterrupted_training(story, tmp_path):
    for run in [*runs(story.first), *runs(story.second)]:
        threads = json.loads((run / "run.json").read_text())["hardware"]["threads"]
        assert (run / "model.safetensors").read_bytes() == trained_alone(run, threads, tmp_path / run.name)


def test_an_edit_meanwhile_starts_nothing_again(story):
    """Neither now nor in the queue: two jobs for the training that was stopped, one for the other."""
    assert len(story.jobs("train")) == 2 and len(story.jobs("train", story.second)) == 1
    assert story.first.plan("results/speck/noise_levels.csv") == {}


def test_each_job_gets_what_it_asks_for(story):
    jobs = [*story.jobs(""), *story.jobs("", story.second)]
    computing = [job for job in jobs if job["Comment"].startswith(("rule_train", "rule_evaluate"))]
    others = [job for job in jobs if job not in computing]
    assert len(computing) == (2 + 1) + (1 + 1) and len(others) >= 2 * 3
    for job in computing:
        assert job["TresPerJob"] == "gres:gpu:1" and job["NumNodes"] == "1" and job["NumCPUs"] == str(CPUS)
        assert job["NodeList"] in ("n1", "n2")
    for job in others:
        assert "gpu" not in job.get("TresPerJob", "") and job["NumCPUs"] == "1"
    for node in ("n1", "n2"):  # one job on a GPU at a time
        times = sorted((job["StartTime"], job["EndTime"]) for job in computing if job["NodeList"] == node)
        assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_each_training_takes_the_threads_it_got(story):
    for run in [*runs(story.first), *runs(story.second)]:
        threads = json.loads((run / "run.json").read_text())["hardware"]["threads"]
        assert threads == min(CPUS, len(os.sched_getaffinity(0)))  # Snakemake takes no more than there are


def test_several_nodes_train_one_network(cluster, tmp_path):
    """torchrun under srun, by gloo on CPUs: the same network as from one process, up to rounding."""
    spec = {
        "network": {"name": "tiny", "architecture": "fdncnn", "depth": 3, "channels": 4},
        "variant": "norm",
        "sigma": 25,
        "seed": 0,
        "dataset": "skimage-train",
        "recipe": RECIPE | {"steps": 40, "batch": 4},
    }
    arguments = ["-m", "normeq", "train", json.dumps(spec), "--device", "cpu", "--threads", "1"]
    arguments += ["--data-dir", str(tmp_path / "data"), "--out"]
    cluster("normeq", "data", "get", "skimage-train", "--data-dir", str(tmp_path / "data"))
    nodes = [
        "srun",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=1",
        "--export=ALL,GLOO_SOCKET_IFNAME=lo",
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nnodes=2",
        "--nproc-per-node=2",
        "--rdzv-id=1",
    ]
    launch += ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--local-addr=127.0.0.1"]
    cluster(*nodes, *launch, *arguments, str(tmp_path / "four"))
    cluster(sys.executable, *arguments, str(tmp_path / "one"))
    four, one = (load_file(tmp_path / name / "model.safetensors") for name in ("four", "one"))
    assert json.loads((tmp_path / "four/run.json").read_text())["hardware"]["processes"] == 4
    assert four.keys() == one.keys()
    for name, weights in one.items():
        torch.testing.assert_close(four[name], weights, rtol=1e-4, atol=1e-6)
