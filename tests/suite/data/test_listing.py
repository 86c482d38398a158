"""Listing a placed data set, and the remedies named when it is not there."""

import logging
import re

import numpy as np
import pytest
from PIL import Image

from normeq.errors import NormeqError
from normeq.suite.data import files, find_image, image_file, list_images, listing, verify
from normeq.suite.data.fetch import get
from normeq.suite.data.registry import pin
from normeq.suite.data.training import training_images

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
    (placed.data / "hand" / "a" / "readme.txt").unlink()
    (placed.data / "hand" / "a" / ".hidden.png").unlink()
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


@pytest.fixture
def own(library):
    """A folder placed by hand, to be filled with files whose content does not matter."""
    write_registry(library.data, {"mine": entry("manual", None)})

    def fill(*names):
        for seed, name in enumerate(names):
            path = library.data / "mine" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(seed))
        return library.data

    return fill


def test_what_is_left_out_is_one_line(own, caplog):
    data = own(
        "a.png", "b.PGM", "c.webp", "d.gif", "e.jp2", "f.npy", "g.npy", "notes",
        ".ipynb_checkpoints/a-checkpoint.png", "sub/.hidden/x.png", "__MACOSX/a.png", "._a.png",
        ".DS_Store", "Thumbs.db", "archive.tar.gz",
    )  # fmt: skip
    found = list_images("mine", data)
    assert [image.name for image in found.images] == ["a", "b", "c", "d", "e"]
    assert found.left_out == {".npy": 2, ".gz": 1, "hidden": 4, "without suffix": 1}
    line = f"mine: 8 files in {data / 'mine'} left out: 1 .gz, 2 .npy, 4 hidden, 1 without suffix"
    assert [record.getMessage() for record in caplog.records] == [line]
    list_images("mine", data)  # said once
    assert len(caplog.records) == 1


def test_only_files_that_are_no_images(own):
    with pytest.raises(NormeqError, match="no images in .*mine"):
        files("mine", own("a.npy"))


def test_linked_folders_are_followed_once(own, tmp_path, caplog):
    data = own("real/a.png")
    other = tmp_path / "elsewhere"
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "b.png").write_bytes(png(1))
    (other / "back").symlink_to(data / "mine")  # a circle through another folder
    (data / "mine" / "0-linked").symlink_to(other)
    (data / "mine" / "1-again").symlink_to(data / "mine" / "real")
    (data / "mine" / "self").symlink_to(data / "mine" / "self")
    assert [image.relative.as_posix() for image in list_images("mine", data).images] == [
        "0-linked/deep/b.png",
        "real/a.png",
    ]
    assert list_images("mine", data).left_out == {"without suffix": 1}


def test_the_set_itself_may_be_a_link(own, tmp_path):
    data = own("a.png")
    (data / "mine").rename(tmp_path / "store")
    (data / "mine").symlink_to(tmp_path / "store")
    assert files("mine", data) == [data / "mine" / "a.png"]


def test_a_stray_file_is_the_same_for_listing_and_verifying(placed, caplog):
    folder = placed.data / "tiny"
    for name in (".ipynb_checkpoints/a.png", "__MACOSX/b.png", "Thumbs.db", ".DS_Store", "._a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(png(7))
    assert verify.verify("tiny", placed.data) == 3
    assert list_images("tiny", placed.data).left_out == {"hidden": 3}
    (folder / "stray.png").write_bytes(png(7))
    with pytest.raises(NormeqError, match="extra stray.png"):
        verify.verify("tiny", placed.data)
    assert list_images("tiny", placed.data).left_out == {"hidden": 3, "not in the registry": 1}
    assert "1 not in the registry" in caplog.records[-1].getMessage()


def test_an_image_is_called_by_its_stem_where_that_is_its_own(own):
    data = own("s1/img.png", "s2/img.png", "s2/b.c.png", "s3/one.tif")
    assert [image.name for image in list_images("mine", data).images] == ["s1/img", "b.c", "s2/img", "one"]
    for text, file in (
        ("mine/s1/img", "s1/img.png"),
        ("mine/s2/img.png", "s2/img.png"),
        ("mine/one", "s3/one.tif"),
        ("mine/s3/one", "s3/one.tif"),
        ("mine/s3/one.tif", "s3/one.tif"),
        ("mine/b.c", "s2/b.c.png"),
    ):
        assert image_file(text, data) == data / "mine" / file
    with pytest.raises(
        NormeqError, match="2 images named 'img' in data set mine: write mine/s1/img.png, mine/s2/img.png"
    ):
        image_file("mine/img", data)
    with pytest.raises(
        NormeqError, match="0 images named 'x' in data set mine: it has s1/img, b.c, s2/img, …"
    ):
        image_file("mine/x", data)


def test_two_files_of_one_name_are_refused_by_both_names(own):
    data = own("s/img.png", "s/img.tif", "t/img.png")
    with pytest.raises(NormeqError) as refused:
        files("mine", data)
    assert f"{data}/mine/s/img.png and {data}/mine/s/img.tif are both the image 's/img' of mine" in str(
        refused.value
    )


def test_images_of_a_group_have_names_of_their_own(own):
    data = own("a.png", "b.png")
    (data / "more").mkdir()
    (data / "more" / "a.png").write_bytes(png(5))
    sets = {"mine": entry("manual", None), "more": entry("manual", None)}
    write_registry(data, {**sets, "all": entry("group", None, members=["mine", "more"])})
    assert [image.name for image in list_images("all", data).images] == ["mine/a", "b", "more/a"]
    assert image_file("all/more/a", data) == data / "more" / "a.png"


def test_a_name_that_no_table_can_hold_is_refused(own):
    with pytest.raises(NormeqError, match="a name that is not UTF-8"):
        files("mine", own("a.png", "\udcff.png"))


def test_a_folder_is_a_data_set(own, tmp_path, monkeypatch):
    data = own("s1/img.png", "s2/img.png")
    monkeypatch.chdir(data)
    for name in ("./mine", str(data / "mine"), "../data/mine/", "mine/../mine"):
        found = list_images(name, tmp_path / "nowhere").images
        assert [(image.dataset, image.name) for image in found] == [("mine", "s1/img"), ("mine", "s2/img")]
    assert get("./mine", data).images == verify.verify("./mine", data) == 2
    image = find_image("./mine/s1/img.png", tmp_path)
    assert (image.dataset, image.name) == ("s1", "img")
    with pytest.raises(NormeqError, match="no folder nothing/there: name a folder of images"):
        files("nothing/there", data)
    (data / "pictures").mkdir()
    with pytest.raises(
        NormeqError, match="unknown data set 'pictures'.*; for the folder of that name write ./pictures"
    ):
        files("pictures", data)


def test_a_folder_with_the_name_of_a_registered_set_is_that_set_or_refused(own, tmp_path, monkeypatch):
    """It would stand beside the published values of the other."""
    data = own("a.png")
    registered = {
        "mine": entry("manual", None, range=[0, 100]),
        "all": entry("group", None, members=["mine"]),
    }
    write_registry(data, registered)
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "Mine", "all", "skimage-test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(png(1))
        name = folder.lower()
        for path in (f"./{folder}", str(tmp_path / folder)):
            with pytest.raises(
                NormeqError, match=f"^{path}: tables would call it {name}, .* or name {name} it"
            ):
                list_images(path, data)
        with pytest.raises(NormeqError, match="rename the folder"):
            find_image(f"./{folder}/a.png", data)
    (tmp_path / "link").symlink_to(data / "mine")
    for path in (str(data / "mine"), "./link"):
        (image,) = list_images(path, data).images
        assert (image.dataset, image.path, image.span) == ("mine", data / "mine/a.png", (0, 100))
        assert pin(path, data) == pin("mine", data)
    (tmp_path / "mine").rename(tmp_path / "mine-2")
    assert list_images("./mine-2", data).images[0].dataset == "mine-2"
    (data / "datasets.yaml").write_text("[")  # a folder needs no registry
    assert list_images("./mine-2", data).images[0].dataset == "mine-2"


def test_the_folder_of_a_pinned_set_is_that_set(library):
    get("tiny", library.data)
    place = str(library.data / "tiny")
    assert get(place, library.data).source == "already there" and verify.verify(place, library.data) == 3
    assert pin(place, library.data) == pin("tiny", library.data)
    assert files(place, library.data) == files("tiny", library.data)


def write_samples(folder, **images):
    folder.mkdir(exist_ok=True)
    for name, (low, high, dtype) in images.items():
        pixels = np.linspace(low, high, 30 * 40).reshape(30, 40).round().astype(dtype)
        Image.fromarray(pixels).save(folder / f"{name}.png")


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ({"a": (0, 4095, "u2")}, "0 ... 4095 of the 0 ... 65535 .*`range: .0, 4095.`"),
        ({"a": (0, 900, "u2"), "b": (5, 1023, "u2")}, "0 ... 1023 of the 0 ... 65535 .*`range: .0, 1023.`"),
        ({"a": (0, 16383, "u2")}, "0 ... 16383 of the 0 ... 65535 .*`range: .0, 16383.`"),
        ({"a": (40000, 50000, "u2")}, "40000 ... 50000 of the 0 ... 65535 .*`range: .40000, 50000.`"),
        ({"a": (0, 15, "u1")}, "0 ... 15 of the 0 ... 255 .*`range: .0, 15.`"),
        ({"a": (0, 4095, "u2"), "b": (0, 40000, "u2")}, None),
        ({"a": (0, 255, "u1"), "b": (0, 4095, "u2")}, None),
    ],
)
def test_a_set_that_fills_little_of_its_files_is_said_once(own, caplog, images, said):
    data = own()
    write_samples(data / "mine", **images)
    for _ in range(2):
        read = {image.name: pixels for image, pixels in listing.read(list_images("mine", data).images)}
    assert set(read) == set(images)
    assert len(caplog.records) == (said is not None)
    if said:
        assert re.search(f"^mine: its samples are {said}", caplog.records[0].getMessage())


def test_a_declared_range_is_that_of_all_images(own, caplog):
    data = own()
    write_samples(data / "mine", a=(0, 4095, "u2"), b=(0, 100, "u2"))
    write_registry(
        data, {"mine": entry("manual", None, range=[0, 4095]), "all": entry("group", None, members=["mine"])}
    )
    for name in ("mine", "all"):
        read = {image.name: pixels for image, pixels in listing.read(list_images(name, data).images)}
        assert read["a"].max() == 1 and read["b"].max() == np.float32(100 / 4095)
    assert not caplog.records


def test_a_pinned_image_is_read_only_if_it_is_the_pinned_one(placed):
    """A flipped byte in a picture is a picture; size and name are looked at elsewhere."""
    image = find_image("tiny/b", placed.data)
    assert image.gray().shape == image.gray_bt709().shape == (40, 30)
    image.path.write_bytes(png(7))
    for read in (image.gray, image.gray_bt709):
        with pytest.raises(NormeqError, match="tiny/b.png: not the pinned image b of tiny: move its folder"):
            read()
    with pytest.raises(NormeqError, match="b.png: not the pinned image"):
        training_images("tiny", placed.data).load()
    assert find_image("hand/2", placed.data).gray().shape == (40, 30)  # nobody pinned that


@pytest.mark.parametrize("content", [b"\xff", b"outs: [{md5: zz}]", b"outs: [", b"", b"outs: [{md5: 3}]"])
def test_a_damaged_pin_is_one_line(placed, content):
    (placed.data / "tiny.dvc").write_bytes(content)
    with pytest.raises(NormeqError, match="tiny.dvc is missing or is not a DVC pin: restore it with"):
        pin("tiny", placed.data)
