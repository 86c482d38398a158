"""The real data sets from the mirror beside the clone, when it is there; in a temporary clone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from normeq.errors import NormeqError
from normeq.imaging.images import read_gray_uint8
from normeq.suite.data import fetch, files, registry
from normeq.suite.data.verify import verify

ROOT = Path(__file__).resolve().parents[3]
MIRROR = ROOT.parent / "shared" / "mirror"
COUNTS = {"set12": 12, "bsd68": 68, "bsd431": 431}

pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="no ../shared/mirror beside this clone")


@pytest.fixture
def clone(tmp_path):
    """This working tree's pins and DVC configuration in a git repository, `../shared/mirror` beside it."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "mirror").symlink_to(MIRROR)
    for path in [ROOT / ".dvc" / "config", ROOT / ".dvcignore", *(ROOT / "data").iterdir()]:
        if path.is_file():
            target = tmp_path / "clone" / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    subprocess.run(["git", "init", "-q", str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def test_dvc_pull_gives_all_files_and_normeq_agrees(clone):
    environment = {**os.environ, "DVC_SITE_CACHE_DIR": str(clone / "site")}
    command = [sys.executable, "-m", "dvc", "pull", "-q", "-r", "mirror"]
    subprocess.run(command, cwd=clone, env=environment, check=True)
    for name, count in COUNTS.items():
        assert len(list((clone / "data" / name).iterdir())) == verify(name, clone / "data") == count
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    tracked = subprocess.run(["git", "ls-files"], cwd=clone, capture_output=True, text=True, check=True)
    assert (
        "data/set12.dvc" in tracked.stdout and ".png" not in tracked.stdout and ".jpg" not in tracked.stdout
    )


def test_normeq_data_get_gives_all_files(clone):
    for name, count in COUNTS.items():
        assert fetch.get(name, clone / "data").source == "DVC remote mirror"
        assert len(files(name, clone / "data")) == count
    shapes = {read_gray_uint8(path).shape for path in files("set12", clone / "data")}
    assert shapes == {(256, 256), (512, 512)}


def test_a_tampered_object_of_the_mirror_is_refused_by_name(clone, tmp_path):
    (tmp_path / "shared" / "mirror").unlink()
    pins = registry.pin("set12", clone / "data").removesuffix(".dir")
    md5 = {file: _md5(file) for file in registry.get("set12", clone / "data").manifest}
    for name in [f"{pins}.dir", *md5.values()]:
        target = tmp_path / "shared" / "mirror" / "files" / "md5" / name[:2] / name[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((MIRROR / "files" / "md5" / name[:2] / name[2:]).read_bytes())
        if name == md5["07.png"]:
            target.write_bytes(target.read_bytes() + b"\0")
    with pytest.raises(NormeqError, match="changed 07.png"):
        fetch.get("set12", clone / "data")
    assert not (clone / "data" / "set12").exists()
    environment = {**os.environ, "DVC_SITE_CACHE_DIR": str(clone / "site")}
    command = [sys.executable, "-m", "dvc", "pull", "-q", "-r", "mirror", "data/set12.dvc"]
    assert subprocess.run(command, cwd=clone, env=environment, check=False).returncode != 0


def _md5(file: str) -> str:
    rows = (ROOT / "data" / "files.csv").read_text().splitlines()
    return next(row.split(",")[6] for row in rows if row.startswith(f"set12,{file},"))
