"""Pulling a pinned folder from a DVC remote. DVC is imported only here, when needed: normeq works without it.

The pull runs in a throw-away DVC repository inside the staging folder. So it needs no git checkout, never
touches the user's workspace, and trusts no cache that may have been tampered with; the caller checks every
byte by sha256.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from normeq.errors import NormeqError

REPOSITORY = ".dvc"


@dataclass(frozen=True)
class Remote:
    """A DVC remote: its name and url, and the options of all configured remotes (it may refer to others)."""

    name: str
    url: str
    options: dict[str, dict]


def installed() -> bool:
    """Whether DVC can be run by this Python."""
    return find_spec("dvc") is not None


def choose(wanted: str | None, folder: Path) -> Remote | None:
    """The remote to pull from, for pins that lie in `folder`.

    `wanted` names a configured remote, or is a folder or an address laid out as a DVC remote. Without it: the
    default remote, else the first configured one that is a local folder and exists, else None.

    Raises:
        NormeqError: DVC is not installed though `wanted` is given, `wanted` is nothing of that sort, or the
            DVC configuration cannot be read.
    """
    if not installed():
        if wanted is None:
            return None
        raise NormeqError(f"--remote {wanted} needs DVC: pip install 'dvc>=3.67'")
    default, remotes = _configured(folder)
    if wanted is None:
        local = [name for name, options in remotes.items() if Path(options["url"]).is_dir()]
        name = default or next(iter(local), None)
        return None if name is None else Remote(name, str(remotes[name]["url"]), remotes)
    if wanted in remotes:
        return Remote(wanted, str(remotes[wanted]["url"]), remotes)
    if "://" in wanted or Path(wanted).is_dir():
        url = wanted if "://" in wanted else str(Path(wanted).resolve())
        return Remote(wanted, url, {**remotes, wanted: {"url": url}})
    known = ", ".join(remotes) or "none"
    raise NormeqError(
        f"--remote {wanted} is neither a configured DVC remote ({known}) nor a folder that exists"
    )


def pull(name: str, pin: Path, remote: Remote, folder: Path) -> None:
    """Pull what `pin` (`NAME.dvc`) describes to `folder/NAME`. The bytes are not checked here.

    Raises:
        NormeqError: DVC could not pull it all; the line names the remote and gives DVC's reason.
        OSError: the disk, such as ENOSPC.
    """
    if "://" not in remote.url and not Path(remote.url).is_dir():
        raise NormeqError(f"{name}: the DVC remote {remote.name} is not there: no folder {remote.url}")
    try:
        shutil.copy(pin, folder / f"{name}.dvc")
        _throw_away_repository(folder, remote)
        environment = {
            **os.environ,
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder / REPOSITORY / "site"),
        }
        command = [sys.executable, "-m", "dvc", "pull", f"{name}.dvc"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        shutil.rmtree(folder / REPOSITORY, ignore_errors=True)  # holds every byte a second time
    if done.returncode != 0 or not (folder / name).is_dir():
        raise NormeqError(
            f"{name}: DVC could not pull from {remote.name} ({remote.url}): {_reason(done.stderr)}"
        )


def _configured(folder: Path) -> tuple[str | None, dict[str, dict]]:
    """The default remote and all remotes, of the DVC repository around `folder` and of the user's settings."""
    from dvc.config import Config, ConfigError

    repository = next((p / REPOSITORY for p in folder.resolve().parents if (p / REPOSITORY).is_dir()), None)
    try:
        config = Config(dvc_dir=str(repository) if repository else None)
    except ConfigError as error:
        raise NormeqError(f"the DVC configuration cannot be read: {' '.join(str(error).split())}") from error
    remotes = {name: dict(options) for name, options in config["remote"].items()}
    default = config["core"].get("remote")
    if default is not None and default not in remotes:
        raise NormeqError(f"the DVC configuration names the default remote {default}, but does not define it")
    return default, remotes


def _throw_away_repository(folder: Path, remote: Remote) -> None:
    from dvc.config import Config

    (folder / REPOSITORY).mkdir()
    config = Config(dvc_dir=str(folder / REPOSITORY), validate=False)
    with config.edit("repo") as settings:
        settings["core"] = {"no_scm": True, "analytics": False, "check_update": False, "remote": remote.name}
        settings["cache"] = {"dir": str(folder / REPOSITORY / "cache"), "type": "reflink,copy"}
        settings["remote"] = {name: {k: str(v) for k, v in o.items()} for name, o in remote.options.items()}
        # Our sha256 names the file that was changed; DVC would only name an object.
        settings["remote"][remote.name]["verify"] = False


def _reason(stderr: str) -> str:
    """DVC's first error line."""
    if "No space left on device" in stderr:
        return "the disk is full; free some space and run the same command again"
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[0] if errors else (stderr.strip().splitlines() or ["no reason given"])[-1]
