"""Downloading the files of a data set from their public origins, each checked by its sha256 (with pooch)."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from normeq.errors import NormeqError
from normeq.suite.data.registry import Record

OFFLINE = "NORMEQ_OFFLINE"  # environment variable: 1 refuses every public download
TIMEOUT = (10, 60)  # seconds: to connect, between two packets
RETRIES = 2


def download(name: str, manifest: Mapping[str, Record], folder: Path) -> None:
    """Download every file of ``manifest`` into ``folder``, one by one, with a progress bar on a terminal.

    Raises:
        NormeqError: offline by ``NORMEQ_OFFLINE``, no public address, unreachable host, an answer such as
            404, or bytes with another sha256. One line that names the file and its address.
        OSError: the disk, such as ENOSPC.
    """
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        raise NormeqError(
            f"{name}: {OFFLINE} is set, so nothing is downloaded: unset it, or give a DVC remote or a mirror "
            f"folder with --remote"
        )
    import pooch
    from requests.exceptions import RequestException
    from rich.console import Console
    from rich.progress import track

    pooch.get_logger().setLevel(logging.ERROR)
    keeper = pooch.create(
        path=folder,
        base_url="",
        registry={file: f"sha256:{record.sha256}" for file, record in manifest.items()},
        urls={file: record.url for file, record in manifest.items()},
        retry_if_failed=RETRIES,
    )
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=65536)
    console = Console(stderr=True)
    for file in track(sorted(manifest), description=name, console=console, disable=not console.is_terminal):
        url = manifest[file].url
        if not url:
            raise NormeqError(f"{name}/{file} has no public address in the registry: give a --remote")
        try:
            keeper.fetch(file, downloader=downloader)
        except RequestException as error:
            raise NormeqError(
                f"{name}/{file}: cannot download {url}: {reason(error)}; nothing was placed: check the "
                f"network, or give a DVC remote or a mirror folder with --remote"
            ) from error
        except ValueError as error:  # pooch's answer to another hash
            raise NormeqError(
                f"{name}/{file}: {url} gave bytes with another sha256 than pinned; nothing was placed: try "
                f"again later, or give a DVC remote or a mirror folder with --remote"
            ) from error


def reason(error: Exception) -> str:
    """A short reason: the server's status, or the kind of network failure."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}".rstrip()
    kinds = {
        "ConnectTimeout": "no answer in time",
        "ReadTimeout": "the server went silent",
        "ChunkedEncodingError": "the connection broke off",
        "SSLError": "the server's certificate was not accepted",
        "ConnectionError": "the host cannot be reached",
    }
    return kinds.get(type(error).__name__, type(error).__name__)
