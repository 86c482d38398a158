"""Training on anybody's images: arrays and folders, without the suite."""

import numpy as np
import pytest
from PIL import Image

from normeq.errors import NormeqError
from normeq.suite.data.training import training_images
from normeq.training.images import TrainingImages, from_arrays, from_folder
from normeq.training.loop import train
from normeq.training.spec import RunSpec

SPEC = RunSpec.from_dict(
    {
        "network": {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4},
        "variant": "norm",
        "dataset": "pictures",
        "sigma": 25,
        "seed": 0,
        "recipe": {"steps": 2, "batch": 2, "patch": 16, "holdout": 1},
    }
)


def pictures(count=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (20 + n, 24), dtype=np.uint8) for n in range(count)]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photos"
    (place / "more").mkdir(parents=True)
    for name, array in zip(("a", "b", "more/a"), pictures(), strict=True):
        Image.fromarray(array).save(place / f"{name}.png")
    (place / "notes.txt").write_text("no image")
    (place / ".hidden.png").write_bytes(b"")
    return place


def test_arrays_and_a_folder_train_the_same_network(tmp_path, folder):
    arrays = train(SPEC, tmp_path / "arrays", from_arrays(pictures(), ["a", "b", "c"]))
    files = train(SPEC, tmp_path / "folder", from_folder(folder))
    assert arrays["weights_sha256"] == files["weights_sha256"]
    assert files["data"]["left_out"] == {"hidden": 1, ".txt": 1}
    assert files["data"]["sha256_of_pixels"] == arrays["data"]["sha256_of_pixels"]
    assert files["fingerprint"] == SPEC.fingerprint(from_folder(folder).pin)


def test_a_folder_reads_as_the_suite_reads_it(folder):
    library, suite = from_folder(folder).load(), training_images(f"{folder}/").load()
    assert (library.names, library.left_out) == (suite.names, suite.left_out)
    assert library.names == ["a", "b", "more/a"]
    for one, other in zip(library.arrays, suite.arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_pin_follows_the_pixels(folder):
    pin = from_arrays(pictures()).pin
    assert from_arrays(pictures(), ["x", "y", "z"]).pin == pin
    assert from_arrays(pictures(seed=1)).pin != pin
    assert from_arrays(pictures()[::-1]).pin != pin
    assert from_arrays([array.T for array in pictures()]).pin != pin
    pin = from_folder(folder).pin
    assert from_folder(folder).pin == pin
    Image.fromarray(pictures(seed=1)[0]).save(folder / "b.png")
    assert from_folder(folder).pin != pin


def test_a_complete_run_reads_no_images(tmp_path):
    given = from_arrays(pictures())
    first = train(SPEC, tmp_path, given)

    def load():
        raise AssertionError("read again")

    assert train(SPEC, tmp_path, TrainingImages(given.pin, load)) == first


@pytest.mark.parametrize(
    ("arrays", "names", "message"),
    [
        ([], None, "no images to train on"),
        (pictures(2), [], "0 names for 2 training images"),
        (pictures(2), ["a"], "1 names for 2 training images"),
        (pictures(2), ["a", "a"], "two training images are called 'a'"),
        ([pictures()[0] / 255], None, "'0' is float64, but training images are numpy arrays of uint8"),
        ([np.ma.masked_less(pictures()[0], 9)], None, "'0' is a masked array: fill in what is masked"),
        ([[1, 2]], ["list"], "'list' is list, but training images are numpy arrays"),
        ([np.zeros((8, 8, 3), np.uint8)], None, r"has shape \(8, 8, 3\), but training images are gray"),
        ([np.zeros((0, 8), np.uint8)], None, r"has shape \(0, 8\)"),
    ],
)
def test_what_cannot_be_trained_on_is_named(arrays, names, message):
    with pytest.raises(NormeqError, match=message):
        from_arrays(arrays, names)


def test_folders_without_images_are_named(tmp_path, folder):
    with pytest.raises(NormeqError, match="no folder .*nowhere"):
        from_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NormeqError, match="no images in .*empty"):
        from_folder(tmp_path / "empty")
    Image.fromarray(pictures()[0]).save(folder / "b.bmp")
    with pytest.raises(NormeqError, match="b.bmp and .*b.png are both the image 'b'"):
        from_folder(folder)


def test_names_may_be_left_out():
    assert from_arrays(pictures(2)).load().names == ["0", "1"]


def test_names_may_be_an_array():
    names = from_arrays(pictures(2), np.array(["a", "b"])).load().names
    assert names == ["a", "b"] and all(type(name) is str for name in names)


def test_an_array_that_is_changed_afterwards_is_trained_on_as_it_was():
    arrays = pictures()
    given = from_arrays(arrays)
    for array in arrays:
        array[:] = 0
    for loaded, expected in zip(given.load().arrays, pictures(), strict=True):
        np.testing.assert_array_equal(loaded, expected)
