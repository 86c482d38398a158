"""A small library in a temporary folder: a pinned set of three images, its DVC remote, its public server."""

import csv
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

FILES = ("a.png", "b.png", "c.png")


@dataclass
class Server:
    """What the local server answers; `cut` breaks an answer off at half of its bytes, `hang` stops there."""

    address: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    hang: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class Library:
    """`data` holds the registry and the pin; `mirror` is laid out as a DVC directory remote."""

    data: Path
    mirror: Path
    images: dict[str, bytes]
    server: Server

    def object(self, file: str) -> Path:
        """The file's object in the mirror."""
        md5 = hashlib.md5(self.images[file]).hexdigest()
        return self.mirror / "files" / "md5" / md5[:2] / md5[2:]

    def left(self) -> list[str]:
        """What lies in the data folder besides the registry."""
        return sorted({p.name for p in self.data.iterdir()} - {"datasets.yaml", "files.csv", "tiny.dvc"})


def png(seed: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 30), dtype=np.uint8)).save(
        stream, "png"
    )
    return stream.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            state.asked.append(name)
            if name not in state.content:
                self.send_error(404)
                return
            body = state.content[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if name in state.cut | state.hang:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                if name in state.hang:
                    state.hanging.set()
                    state.stop.wait(60)
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    state.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield state
    state.stop.set()
    http.shutdown()
    http.server_close()


@pytest.fixture(autouse=True)
def no_settings_of_the_user(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the developer's DVC remotes, nor her offline switch, nor a proxy, may change a test."""
    nowhere = str(tmp_path_factory.mktemp("no-settings"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", nowhere)
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", nowhere)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("NORMEQ_OFFLINE", raising=False)
    monkeypatch.setattr("normeq.suite.data.public.RETRIES", 0)


@pytest.fixture
def library(tmp_path: Path, server: Server) -> Library:
    images = {file: png(seed) for seed, file in enumerate(FILES)}
    server.content.update(images)
    made = Library(tmp_path / "clone" / "data", tmp_path / "shared" / "mirror", images, server)
    made.data.mkdir(parents=True)
    entries = [{"md5": hashlib.md5(body).hexdigest(), "relpath": file} for file, body in images.items()]
    listing = json.dumps(entries).encode()
    directory = hashlib.md5(listing).hexdigest() + ".dir"
    for path, body in [(made.object(file), body) for file, body in images.items()] + [
        (made.mirror / "files" / "md5" / directory[:2] / directory[2:], listing)
    ]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (made.data / "tiny.dvc").write_text(
        yaml.safe_dump({"outs": [{"md5": directory, "hash": "md5", "path": "tiny"}]})
    )
    write_registry(made.data, {"tiny": entry("dvc", files=3)})
    with (made.data / "files.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["dataset", "file", "sha256", "origin_url"])
        for file, body in images.items():
            writer.writerow(["tiny", file, hashlib.sha256(body).hexdigest(), f"{server.address}/{file}"])
    return made


def entry(kind: str, files: int | None, **more: object) -> dict:
    text = {key: key for key in ("title", "origin", "terms", "redistribution", "place")}
    return {"kind": kind, "files": files, **text, **more}


def write_registry(data: Path, datasets: dict[str, dict]) -> None:
    (data / "datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False))


@pytest.fixture
def configure(library: Library) -> Callable[..., None]:
    """Make `clone/` a DVC repository (no git) that has the mirror as a remote."""

    def write(url: str = "../../shared/mirror", default: bool = False) -> None:
        folder = library.data.parent / ".dvc"
        folder.mkdir(exist_ok=True)
        chosen = "    remote = mirror\n" if default else ""
        (folder / "config").write_text(
            f"[core]\n    analytics = false\n{chosen}['remote \"mirror\"']\n    url = {url}\n"
        )

    return write
