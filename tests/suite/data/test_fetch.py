"""Getting a data set, from a local server: whole and verified, or refused by name with nothing left."""

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from normeq.errors import NormeqError
from normeq.suite.data import fetch, public
from normeq.suite.data.verify import verify

from .conftest import FILES, entry, png, write_registry


def test_public_origin_places_every_file_once(library):
    placed = fetch.get("tiny", library.data)
    assert (placed.images, placed.source) == (3, "public origin")
    assert {p.name: p.read_bytes() for p in (library.data / "tiny").iterdir()} == library.images
    assert fetch.get("tiny", library.data).source == "already there"
    assert sorted(library.server.asked) == list(FILES) and library.left() == ["tiny"]


def test_another_data_dir_takes_the_registry_from_the_working_directory(library, tmp_path, monkeypatch):
    monkeypatch.chdir(library.data.parent)
    fetch.get("tiny", tmp_path / "scratch" / "images")
    assert verify("tiny", tmp_path / "scratch" / "images") == 3 and library.left() == []


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_changed_byte_is_refused_by_name(library, where):
    file = FILES[0 if where == "first" else -1]
    data = bytearray(library.images[file])
    data[len(data) // 2] ^= 1
    library.server.content[file] = bytes(data)
    with pytest.raises(NormeqError, match=f"tiny/{file}: .* another sha256"):
        fetch.get("tiny", library.data)
    assert library.left() == []


def test_a_missing_file_names_it_and_the_answer(library):
    del library.server.content["b.png"]
    with pytest.raises(NormeqError, match="tiny/b.png: .*/b.png: the server answered 404"):
        fetch.get("tiny", library.data)
    assert library.left() == []


def test_a_broken_off_answer_is_refused(library):
    library.server.cut.add("c.png")
    with pytest.raises(NormeqError, match="tiny/c.png: .*(broke off|another sha256)"):
        fetch.get("tiny", library.data)
    assert library.left() == []


def test_an_unreachable_host_is_one_line(library):
    text = (library.data / "files.csv").read_text()
    (library.data / "files.csv").write_text(text.replace(library.server.address, "http://127.0.0.1:9"))
    with pytest.raises(NormeqError, match="tiny/a.png: .*the host cannot be reached") as refused:
        fetch.get("tiny", library.data)
    assert "\n" not in str(refused.value) and library.left() == []


def test_offline_asks_nobody(library, monkeypatch):
    monkeypatch.setenv("NORMEQ_OFFLINE", "1")
    with pytest.raises(NormeqError, match="NORMEQ_OFFLINE"):
        fetch.get("tiny", library.data)
    assert library.server.asked == [] and library.left() == []


def test_a_full_disk_is_one_line_and_leaves_nothing(library, monkeypatch):
    def full(name, manifest, folder):
        (folder / "a.png").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(public, "download", full)
    with pytest.raises(NormeqError, match="tiny: the disk is full"):
        fetch.get("tiny", library.data)
    assert library.left() == []


# A shell's background job inherits an ignored SIGINT: take Python's handler back.
GET = """
import signal, sys
from normeq.suite.data.fetch import get
signal.signal(signal.SIGINT, signal.default_int_handler)
get("tiny", sys.argv[1])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_download_leaves_nothing_and_the_next_one_works(library, number):
    library.server.hang.add("b.png")
    command = [sys.executable, "-c", GET, str(library.data)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert library.server.hanging.wait(60), "the download never reached the second file"
        assert ".tiny.partial" in library.left()
        process.send_signal(number)
        assert process.wait(60) != 0
    finally:
        process.kill()
        process.wait()
    if number != signal.SIGKILL:
        assert library.left() == []
    library.server.hang.clear()
    fetch.get("tiny", library.data)
    assert library.left() == ["tiny"] and verify("tiny", library.data) == 3


def test_gets_at_once_download_once(library):
    with ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(lambda _: fetch.get("tiny", library.data), range(4)))
    assert sorted(p.source for p in placed) == ["already there"] * 3 + ["public origin"]
    assert sorted(library.server.asked) == list(FILES) and library.left() == ["tiny"]


def test_a_folder_with_other_content_is_left_alone(library):
    folder = library.data / "tiny"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(99))
    (folder / "mine.txt").write_text("my notes")
    with pytest.raises(NormeqError, match="changed a.png; .*extra mine.txt; it was left as it is: .*mv "):
        fetch.get("tiny", library.data)
    assert (folder / "mine.txt").read_text() == "my notes" and (folder / "a.png").read_bytes() == png(99)
    assert library.server.asked == [] and library.left() == ["tiny"]


def test_a_folder_that_only_lacks_files_is_completed(library):
    for present in ((), ("b.png",)):
        folder = library.data / "tiny"
        folder.mkdir()
        for file in present:
            (folder / file).write_bytes(library.images[file])
        fetch.get("tiny", library.data)
        assert verify("tiny", library.data) == 3 and library.left() == ["tiny"]
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def test_a_file_in_the_way_and_a_link_are_left_alone(library, tmp_path):
    (library.data / "tiny").write_text("x")
    with pytest.raises(NormeqError, match="tiny is in the way"):
        fetch.get("tiny", library.data)
    (library.data / "tiny").unlink()
    (tmp_path / "elsewhere").mkdir()
    (library.data / "tiny").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NormeqError, match="missing a.png, b.png, c.png; it was left"):
        fetch.get("tiny", library.data)


def test_a_complete_folder_is_found_where_nothing_can_be_written(library, monkeypatch):
    fetch.get("tiny", library.data)
    monkeypatch.setattr(fetch, "exclusive", None)  # the lock file could not be made there
    assert fetch.get("tiny", library.data).source == "already there"


def test_embedded_images_are_copied_from_the_wheel_and_checked(library):
    from normeq.suite.data import registry

    camera = registry.get("skimage-test", registry.find_folder()).manifest["camera.png"].sha256
    image = {"file": "camera.png", "terms": "CC0"}
    for name, sha in (("good", camera), ("bad", "0" * 64)):
        write_registry(library.data, {name: entry("embedded", 1, images=[{**image, "sha256": sha}])})
        if name == "good":
            assert fetch.get(name, library.data).source.startswith("scikit-image ")
        else:
            with pytest.raises(NormeqError, match="scikit-image .* changed camera.png"):
                fetch.get(name, library.data)
    assert library.left() == ["good"] and library.server.asked == []


def test_manual_sets_say_how_to_place_each_one(library):
    sets = {name: entry("manual", 1, place=f"unpack {name}") for name in ("one", "two")}
    write_registry(library.data, {**sets, "both": entry("group", 2, members=["one", "two"])})
    with pytest.raises(NormeqError, match="both is placed by hand: .*unpack one.*unpack two"):
        fetch.get("both", library.data)
    for name in sets:
        (library.data / name).mkdir()
        (library.data / name / "x.png").write_bytes(png(0))
    assert fetch.get("both", library.data).images == 2


def test_the_members_of_a_group_come_from_the_remote_that_was_named(library, monkeypatch):
    camera = "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a"
    images = [{"file": "camera.png", "sha256": camera, "terms": "CC0"}]
    sets = {"one": entry("manual", 1), "two": entry("embedded", 1, images=images)}
    write_registry(library.data, {**sets, "both": entry("group", 2, members=["one", "two"])})
    (library.data / "one").mkdir()
    (library.data / "one" / "x.png").write_bytes(png(0))
    asked = []
    plain = fetch._fill

    def fill(dataset, data_dir, folder, wanted):
        asked.append((dataset.name, wanted))
        return plain(dataset, data_dir, folder, wanted)

    monkeypatch.setattr(fetch, "_fill", fill)
    assert fetch.get("both", library.data, "elsewhere").images == 2
    assert asked == [("two", "elsewhere")]
