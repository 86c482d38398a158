"""A SLURM cluster on loopback: three nodes, two of them with a GPU that is none (see start.sh)."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
PROGRAMS = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}


def missing() -> str:
    """What a cluster lacks here, and how to get it; empty where nothing does."""
    places = os.environ["PATH"] + ":/usr/sbin"
    packages = [package for name, package in PROGRAMS.items() if not shutil.which(name, path=places)]
    if packages:
        return f"no SLURM here: apt-get install --no-install-recommends {' '.join(packages)}"
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        return "no SLURM in Snakemake: pip install '.[slurm]'"
    return ""


class Cluster:
    """The cluster, and what one does to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "etc/slurm.conf"),
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
            "OMP_WAIT_POLICY": "passive",  # four threads a training, on fewer cores
        }

    def __call__(self, *command: str) -> str:
        """Output of a command."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self, rule: str = "", project: Path | None = None) -> list[dict[str, str]]:
        """What SLURM knows of all jobs, running or not, oldest first."""
        lines = self("scontrol", "show", "job", "-o").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId=")]
        jobs = [job for job in jobs if job.get("Comment", "").startswith(f"rule_{rule}")]
        jobs = [job for job in jobs if project is None or job["WorkDir"] == str(project)]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def job(self, number: str) -> dict[str, str]:
        return next(job for job in self.jobs() if job["JobId"] == number)

    def lose(self, node: str) -> None:
        """Kill the daemon of a node and all that runs there, as if its power was cut."""
        daemon = int((self.folder / f"run/{node}.pid").read_text())
        os.kill(daemon, 9)
        reporting, working = set(), []
        for process in psutil.process_iter():
            try:
                variables, parents = process.environ(), process.parents()
            except psutil.Error:
                continue
            ours = variables.get("SLURM_CONF") == self.environment["SLURM_CONF"]
            if ours and variables.get("SLURMD_NODENAME") == node:
                reporting |= {parent for parent in parents if parent.name() == "slurmstepd"}
                working.append(process)
        assert reporting, f"nothing ran on {node}"
        for process in [*reporting, *working]:  # in this order: nobody is left to say that a job failed
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def bring_back(self, node: str) -> None:
        """Start the daemon again, after what a machine takes for that.

        Sooner the controller would think that a job of a few seconds is still to come (BatchStartTimeout and
        MessageTimeout), and ask again after minutes only.
        """
        time.sleep(15)
        self("slurmd", "-N", node)

    def let_begin(self, number: str) -> None:
        """Let a requeued job begin soon: SLURM would wait two minutes.

        Not at once: a node knows to the second when it was told to end a job, and refuses the same job again
        if it comes within that second ("Job credential revoked").
        """
        self("scontrol", "update", f"jobid={number}", "starttime=now+5")

    def restart_controller(self) -> None:
        controller = psutil.Process(int((self.folder / "run/slurmctld.pid").read_text()))
        controller.terminate()
        until(lambda: ended(controller))
        self("slurmctld")
        ping = ["scontrol", "ping"]
        until(lambda: subprocess.run(ping, env=self.environment, capture_output=True).returncode == 0)


def ended(process: psutil.Process) -> bool:
    """Whether it has; a dead child may wait for its parent."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def until(condition: Callable[[], object], seconds: float = 300, every: float = 0.5) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    reason = missing()
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short, and open to munge's clients
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] // 100 * 100 % 30000 + 20000
    cluster = Cluster(folder)
    environment = cluster.environment | {"PORT": str(port)}
    done = subprocess.run([HERE / "start.sh", folder], env=environment, capture_output=True, text=True)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield cluster
    finally:
        subprocess.run([HERE / "stop.sh", folder], env=environment, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
