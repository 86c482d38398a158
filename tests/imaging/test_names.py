"""What is written for an image."""

import pytest

from normeq.imaging.names import split_image


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("set12/02", ("set12", "02")),
        ("kodak/s1/img.png", ("kodak", "s1/img.png")),
        ("./mine/a.png", ("./mine/", "a.png")),
        ("/data/mine/a.png", ("/data/mine/", "a.png")),
        ("~/a.png", ("~/", "a.png")),
        ("set12", ("set12", "")),
        ("set12/", ("set12", "")),
        ("", ("", "")),
    ],
)
def test_data_set_and_image(text, parts):
    assert split_image(text) == parts
