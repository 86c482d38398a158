"""Pulling a pinned folder from a DVC remote. DVC is imported only here, when needed: normeq works without it.

The pull runs in a throw-away DVC repository inside the staging folder. So it needs no git checkout, never
touches the user's workspace, and trusts no cache that may have been tampered with; the caller checks every
byte by sha256.
"""

import errno
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import yaml

from normeq.errors import NormeqError
from normeq.suite.data import dvc_guarded

REPOSITORY = ".dvc"
MD5 = re.compile(r"[0-9a-f]{32}\.dir")
SOURCE = "normeq-source"  # the chosen remote's name in the throw-away repository


@dataclass(frozen=True)
class Remote:
    """A DVC remote: the name to show, its options as DVC writes them, and the others it may refer to."""

    name: str
    options: dict
    others: dict[str, dict]

    @property
    def url(self) -> str:
        return str(self.options["url"])


def installed() -> bool:
    """Whether DVC can be run by this Python."""
    return find_spec("dvc") is not None


def choose(wanted: str | None, folder: Path) -> Remote | None:
    """The remote to pull from, for pins that lie in ``folder``.

    ``wanted`` names a configured remote, or is a folder or an address laid out as a DVC remote. Without it:
    the default remote, else the first configured one that is a local folder and exists, else None.

    Raises:
        NormeqError: DVC is not installed though ``wanted`` is given, ``wanted`` is nothing of that sort, or
            the DVC configuration cannot be read.
    """
    if not installed():
        if wanted is None:
            return None
        raise NormeqError(f"--remote {wanted} needs DVC: pip install 'dvc>=3.67'")
    default, remotes = _configured(folder)
    if wanted is None:
        local = [name for name, options in remotes.items() if Path(options["url"]).is_dir()]
        name = default or next(iter(local), None)
        return None if name is None else Remote(name, remotes[name], remotes)
    if wanted.lower() in remotes:  # DVC writes its names in lower case
        return Remote(wanted, remotes[wanted.lower()], remotes)
    if "://" in wanted or Path(wanted).is_dir():
        return Remote(wanted, {"url": wanted if "://" in wanted else str(Path(wanted).resolve())}, remotes)
    known = ", ".join(remotes) or "none"
    raise NormeqError(
        f"--remote {wanted} is neither a configured DVC remote ({known}) nor a folder that exists"
    )


def pull(name: str, pin: Path, remote: Remote, folder: Path) -> None:
    """Pull what ``pin`` (``NAME.dvc``) describes to ``folder/NAME``. The bytes are not checked here.

    Raises:
        NormeqError: DVC could not pull it all; the line names the remote and gives DVC's reason.
        OSError: the disk, such as ENOSPC.
    """
    if "://" not in remote.url and not Path(remote.url).is_dir():
        raise NormeqError(f"{name}: the DVC remote {remote.name} is not there: no folder {remote.url}")
    check_pin(name, pin)
    try:
        shutil.copy(pin, folder / f"{name}.dvc")
        _throw_away_repository(folder, remote)
        environment = {
            **os.environ,
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder / REPOSITORY / "site"),
        }
        command = [sys.executable, "-P", dvc_guarded.__file__, "pull", f"{name}.dvc"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        shutil.rmtree(folder / REPOSITORY, ignore_errors=True)  # holds every byte a second time
    if "No space left on device" in done.stderr or "disk is full" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if done.returncode != 0 or not (folder / name).is_dir():
        raise NormeqError(f"{name}: DVC could not pull from {remote.url}: {_reason(done.stderr)}")


def check_pin(name: str, pin: Path) -> None:
    """Refuse a pin of another folder, where DVC would write.

    Raises:
        NormeqError: ``pin`` is not the pin of the folder ``name``.
    """
    if _folder_of(pin) != name:
        raise NormeqError(
            f"{pin} is not the DVC pin of a folder {name}: restore it with `git checkout -- {pin}`"
        )


def _folder_of(pin: Path) -> str | None:
    """The one folder that a pin speaks of; None where it is no pin of one folder."""
    try:
        content = yaml.safe_load(pin.read_text(encoding="utf-8"))
        [entry] = content["outs"]
        whole = MD5.fullmatch(str(entry["md5"])) and not content.keys() & {"deps", "frozen"}
        return str(entry["path"]) if whole else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return None


def _configured(folder: Path) -> tuple[str | None, dict[str, dict]]:
    """The default remote and all remotes, paths absolute, of the repository around ``folder`` and the
    user.
    """
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
        settings["core"] = {"no_scm": True, "analytics": False, "check_update": False, "remote": SOURCE}
        settings["cache"] = {"dir": str(folder / REPOSITORY / "cache"), "type": "reflink,copy"}
        # No check by DVC: our sha256 names the file that was changed, DVC would only name an object.
        remotes = {**remote.others, SOURCE: {**remote.options, "verify": False}}
        settings["remote"] = {name: {k: str(v) for k, v in o.items()} for name, o in remotes.items()}


def _reason(stderr: str) -> str:
    """Why DVC failed, in one line."""
    if "Checkout failed" in stderr or "failed to download" in stderr:
        return "it cannot be reached, or does not hold all the pinned files"
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[0] if errors else (stderr.strip().splitlines() or ["no reason given"])[-1]
