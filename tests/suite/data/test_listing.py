"""Listing a placed data set, and the remedies named when it is not there."""

import logging

import pytest

from normeq.errors import NormeqError
from normeq.suite.data import files, image_file

from .conftest import FILES, entry, png, write_registry


@pytest.fixture
def placed(library):
    """The pinned set in place, and a set placed by hand in two sub-folders."""
    (library.data / "tiny").mkdir()
    for file in reversed(FILES):
        (library.data / "tiny" / file).write_bytes(library.images[file])
    hand = library.data / "hand"
    for seed, name in enumerate(("z/2.PNG", "z/1.jpeg", "a/9.png", "a/readme.txt", "a/.hidden.png")):
        (hand / name).parent.mkdir(parents=True, exist_ok=True)
        (hand / name).write_bytes(png(seed))
    sets = {
        "tiny": entry("dvc", 3),
        "hand": entry("manual", 3),
        "both": entry("group", 6, members=["tiny", "hand"]),
    }
    write_registry(library.data, sets)
    return library


def test_files_are_sorted_and_groups_concatenated(placed):
    pinned = [f"tiny/{file}" for file in FILES]
    hand = ["hand/a/9.png", "hand/z/1.jpeg", "hand/z/2.PNG"]
    for name, expected in (("tiny", pinned), ("hand", hand), ("both", pinned + hand)):
        assert [p.relative_to(placed.data).as_posix() for p in files(name, placed.data)] == expected


def test_only_pinned_files_are_images_of_a_pinned_set(placed):
    (placed.data / "tiny" / "stray.png").write_bytes(png(9))
    assert [path.name for path in files("tiny", placed.data)] == list(FILES)


def test_another_number_by_hand_is_one_line_of_warning(placed, caplog):
    files("hand", placed.data)
    assert not caplog.records
    (placed.data / "hand" / "more.png").write_bytes(png(9))
    with caplog.at_level(logging.WARNING):
        assert len(files("hand", placed.data)) == 4
    assert [record.getMessage() for record in caplog.records] == [
        f"hand: 4 images in {placed.data / 'hand'}, the registry expects 3"
    ]


def test_missing_folder_and_file_name_the_command(placed):
    (placed.data / "tiny" / "b.png").unlink()
    with pytest.raises(NormeqError, match="lacks b.png: run `normeq data get tiny"):
        files("tiny", placed.data)
    (placed.data / "tiny").rename(placed.data / "away")
    with pytest.raises(NormeqError, match="no folder .*tiny: run `normeq data get tiny"):
        files("tiny", placed.data)


def test_a_missing_or_empty_folder_by_hand_says_how_to_place_it(placed):
    for path in sorted((placed.data / "hand").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(NormeqError, match="no images in .*hand: place it by hand"):
        files("both", placed.data)
    (placed.data / "hand").rmdir()
    with pytest.raises(NormeqError, match="no folder .*hand: place it by hand"):
        files("both", placed.data)


def test_one_image_by_its_stem_or_name(placed):
    for image in ("tiny/b", "tiny/b.png"):
        assert image_file(image, placed.data) == placed.data / "tiny" / "b.png"
    for image, word in (
        ("b", "not of the form"),
        ("tiny/", "not of the form"),
        ("tiny/x", "0 images named 'x'"),
    ):
        with pytest.raises(NormeqError, match=word):
            image_file(image, placed.data)
