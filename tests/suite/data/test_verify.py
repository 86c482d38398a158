"""Verification names every changed, missing and extra file."""

import pytest

from normeq.errors import NormeqError
from normeq.suite.data import registry
from normeq.suite.data.verify import compare, few, verify

from .conftest import FILES


@pytest.fixture
def folder(library):
    folder = library.data / "tiny"
    folder.mkdir()
    for file in FILES:
        (folder / file).write_bytes(library.images[file])
    return folder


def test_an_intact_folder_passes_and_file_managers_may_leave_their_marks(library, folder):
    (folder / ".DS_Store").write_bytes(b"x")
    assert verify("tiny", library.data) == 3


def test_every_difference_is_named(library, folder):
    data = bytearray((folder / "a.png").read_bytes())
    data[-1] ^= 1
    (folder / "a.png").write_bytes(data)
    (folder / "b.png").unlink()
    (folder / "sub").mkdir()
    (folder / "sub" / "d.png").write_bytes(b"")
    difference = compare(folder, registry.get("tiny", library.data).manifest)
    assert (difference.changed, difference.missing, difference.extra) == (
        ("a.png",),
        ("b.png",),
        ("sub/d.png",),
    )
    with pytest.raises(NormeqError, match="changed a.png; missing b.png; extra sub/d.png: move it away"):
        verify("tiny", library.data)


def test_a_dangling_link_is_a_changed_file(library, folder):
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to(folder / "nowhere")
    assert compare(folder, registry.get("tiny", library.data).manifest).changed == ("a.png",)


def test_a_missing_folder_names_the_command(library):
    with pytest.raises(NormeqError, match="normeq data get tiny"):
        verify("tiny", library.data)


def test_long_lists_are_cut():
    assert few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more" and few(["a"]) == "a"
