"""A small project in a temporary folder: our workflow, an experiment of seconds, and one finished run of
it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from tests.configs import changed

ROOT = Path(__file__).parents[2]
REGISTRY = [ROOT / "data/datasets.yaml", ROOT / "data/files.csv", *sorted((ROOT / "data").glob("*.dvc"))]

# A shell would split the names of the data folder and of the user's file, and run what stands in them.
DATA = "my data; touch pwned"
OWN_FILE = "own {file} $(touch pwned).py"
CONFIG = {
    "experiment": "speck",
    "data": {"dir": DATA},
    "networks": [{"name": "tiny", "architecture": "fdncnn", "depth": 3, "channels": 4}],
    "variants": ["norm"],
    "train": {
        "dataset": "skimage-train",
        "sigmas": [25],
        "recipe": {"steps": 4, "batch": 2, "patch": 16, "lr": 0.001},
    },
    "denoisers": {"mine": f"{OWN_FILE}:denoise"},
    "evaluate": {
        "noise_levels": {"datasets": ["skimage-test"], "sigmas": [25, 50], "images": 1},
        "intervals": {
            "datasets": ["skimage-test"],
            "sigma": 25,
            "intervals": [[0, 1], [10, 11]],
            "images": 1,
        },
        "filters": {
            "image": "skimage-test/camera",
            "crop": [0, 0, 24],
            "sigmas": [25],
            "pixels": [[8, 8]],
            "radius": 3,
        },
        "examples": {"image": "skimage-test/camera", "crop": [0, 0, 24], "sigmas": [25]},
        "interval_pictures": {
            "image": "skimage-test/camera",
            "crop": [0, 0, 24],
            "sigma": 25,
            "intervals": [[0, 1], [10, 11]],
        },
        "heatmap": {
            "datasets": ["skimage-test"],
            "sigma": 25,
            "scales": [1, 10],
            "shifts": [-1, 0],
            "images": 1,
            "size": 24,
        },
        "tuning": {
            "datasets": ["skimage-test"],
            "sigmas": [25],
            "scales": [2],
            "shifts": [-0.5],
            "images": 1,
            "size": 24,
        },
        "protocols": {"datasets": ["skimage-test"], "sigmas": [25], "images": 1},
        "certificate": {"image": "skimage-test/camera", "sigma": 25, "size": 24, "classical": ["median"]},
        "gallery": {
            "datasets": ["skimage-test"],
            "sigmas": [25],
            "images": 1,
            "size": 24,
            "context": 4,
            "intervals": {"datasets": ["skimage-test"], "sigma": 25, "intervals": [[0, 1], [10, 11]]},
        },
    },
    "device": "cpu",
}
OWN = (
    "from scipy.ndimage import uniform_filter\n\n\n"
    "def denoise(noisy, sigma):\n    return uniform_filter(noisy, 3)\n"
)


class Project:
    """A copy of what a user has after `git clone`, with a config of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> "Project":
        for name in ("workflow", "config", "profiles", "Snakefile", "environment.yml"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name, **({"symlinks": True} if (ROOT / name).is_dir() else {}))
        for data in ("data", DATA):
            (folder / data).mkdir()
            for file in REGISTRY:
                shutil.copy2(file, folder / data)
            shutil.copytree(ROOT / "data/published", folder / data / "published")
        (folder / OWN_FILE).write_text(OWN)
        project = cls(folder)
        project.configure()
        return project

    def copy(self, folder: Path, *, but: tuple[str, ...] = ()) -> "Project":
        """Another one, times and all, without the files of the names in ``but``."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(*but))
        return Project(folder)

    def clone(self, folder: Path) -> "Project":
        """Another one, as it would be after `git clone`: no records of Snakemake, no tables of one denoiser,
        files in an arbitrary order of time."""
        self.copy(folder, but=(".snakemake", "logs"))
        for part in folder.glob("results/**/parts/*.csv"):
            part.unlink()
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        for number, path in enumerate(reversed(files)):
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        return Project(folder)

    def configure(self, **changes) -> None:
        """Write the config, with changes such as ``train__recipe__steps=5``."""
        (self.folder / "speck.yaml").write_text(yaml.safe_dump(changed(CONFIG, **changes)))

    def snakemake(self, *arguments: str, config: str | None = "speck.yaml") -> subprocess.CompletedProcess:
        """Run Snakemake here; every program is that of this environment."""
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        command += ["--configfile", config] if config else []
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900
        )

    def plan(self, *arguments: str, config: str | None = "speck.yaml") -> dict[str, int]:
        """What a dry-run would do: rule -> number of jobs, without the target itself."""
        done = self.snakemake("-n", *arguments, config=config)
        assert done.returncode == 0, done.stderr + done.stdout
        text = done.stdout + done.stderr
        table = text.split("Job stats:", 1)[1].split("\n\n", 1)[0] if "Job stats:" in text else ""
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.M)}
        return {name: count for name, count in jobs.items() if name not in ("total", "all", "experiment")}


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Project:
    """A project where nothing has run; not to be changed."""
    return Project.make(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A project whose workflow has run to the end; not to be changed (copy it). The processes of pytest-xdist
    share one: it takes a minute."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, mark = shared / "finished", shared / "finished.done"
    with FileLock(shared / "finished.lock"):
        if not mark.exists():
            folder.mkdir()
            done = Project.make(folder).snakemake()
            assert done.returncode == 0, done.stderr + done.stdout
            mark.touch()
    return Project(folder)


@pytest.fixture
def clone(finished, tmp_path) -> Project:
    """A clone of the finished project, free to be changed."""
    return finished.clone(tmp_path / "clone")


@pytest.fixture
def unrecorded(finished, tmp_path) -> Project:
    """A clone in which no time says that anything is old, free to be changed."""
    project = finished.copy(tmp_path / "unrecorded", but=(".snakemake", "logs"))
    for part in project.folder.glob("results/**/parts/*.csv"):
        part.unlink()
    return project
