"""DVC remotes: a configured one, a folder, none; tampered objects are refused by the name of the image."""

import json
import logging

import pytest

from normeq.errors import NormeqError
from normeq.suite.data import dvc_remote, fetch
from normeq.suite.data.verify import verify


@pytest.mark.parametrize("wanted", [None, "mirror", "FOLDER"])
def test_pull_from_a_local_mirror_outside_a_git_checkout(library, configure, wanted):
    configure()
    remote = str(library.mirror) if wanted == "FOLDER" else wanted
    assert fetch.get("tiny", library.data, remote).source == f"DVC remote {remote or 'mirror'}"
    assert verify("tiny", library.data) == 3
    assert library.left() == ["tiny"] and library.server.asked == []


def test_the_workspace_and_the_cache_of_the_repository_stay_as_they_are(library, configure):
    configure()
    before = sorted(p.relative_to(library.data.parent) for p in library.data.parent.rglob("*"))
    fetch.get("tiny", library.data, "mirror")
    after = sorted(p.relative_to(library.data.parent) for p in library.data.parent.rglob("*"))
    assert [p for p in after if p.parts[:2] != ("data", "tiny")] == before


def test_a_remote_cannot_write_elsewhere(library, configure):
    """Its listing of the folder is its own to write: DVC alone takes ``../..`` in it at its word."""
    configure()
    listing = next(library.mirror.rglob("*.dir"))
    entries = json.loads(listing.read_text())
    entries[0]["relpath"] = "../../../evil.png"
    listing.write_text(json.dumps(entries))
    with pytest.raises(NormeqError, match=r"mirror: .*'\.\./\.\./\.\./evil.png'.* outside of the data set"):
        fetch.get("tiny", library.data, "mirror")
    assert not list(library.data.parent.parent.rglob("evil.png")) and library.left() == []


@pytest.mark.parametrize("wanted", [None, "mirror"])
def test_a_tampered_object_is_refused_by_the_images_name(library, configure, wanted):
    configure()
    data = bytearray(library.object("b.png").read_bytes())
    data[-1] ^= 1
    library.object("b.png").write_bytes(data)
    with pytest.raises(NormeqError, match="mirror does not give the pinned tiny: changed b.png"):
        fetch.get("tiny", library.data, wanted)
    assert library.left() == [] and library.server.asked == []


def test_a_remote_that_was_asked_for_is_not_replaced(library, configure):
    configure()
    library.object("c.png").unlink()
    with pytest.raises(
        NormeqError, match="DVC could not pull from .*mirror: it .* does not hold all"
    ) as refused:
        fetch.get("tiny", library.data, "mirror")
    assert "\n" not in str(refused.value) and library.left() == [] and library.server.asked == []


def test_without_being_asked_an_incomplete_mirror_gives_way_to_the_origin(library, configure, caplog):
    configure()
    library.object("c.png").unlink()
    with caplog.at_level(logging.WARNING):
        assert fetch.get("tiny", library.data).source == "public origin"
    assert "trying the public origin" in caplog.text and verify("tiny", library.data) == 3


def test_choice(library, configure, tmp_path):
    assert dvc_remote.choose(None, library.data) is None  # no DVC repository here
    configure(url="../../not/there")
    assert dvc_remote.choose(None, library.data) is None  # not the default, and its folder is absent
    configure(url="../../not/there", default=True)
    assert dvc_remote.choose(None, library.data).url == str(tmp_path / "not" / "there")
    configure()
    for wanted in ("mirror", "Mirror", None):
        assert dvc_remote.choose(wanted, library.data).url == str(library.mirror)
    assert dvc_remote.choose("https://example.org/x", library.data).url == "https://example.org/x"
    with pytest.raises(
        NormeqError, match=r"nowhere is neither a configured DVC remote \(mirror\) nor a folder"
    ):
        dvc_remote.choose("nowhere", library.data)


def test_public_passes_dvc_by(library, configure):
    configure(default=True)
    assert fetch.get("tiny", library.data, "public").source == "public origin"


def test_a_default_remote_that_is_gone_gives_way_to_the_origin(library, configure, caplog):
    configure(url="../../gone", default=True)
    assert fetch.get("tiny", library.data).source == "public origin"
    assert "the DVC remote mirror is not there" in caplog.text


def test_a_broken_configuration_is_named(library, configure):
    configure()
    (library.data.parent / ".dvc" / "config").write_text("[core\n")
    with pytest.raises(NormeqError, match="DVC configuration"):
        fetch.get("tiny", library.data)
    assert library.left() == []


def test_without_dvc_the_origin_serves_and_a_wanted_remote_names_the_remedy(library, configure, monkeypatch):
    configure()
    monkeypatch.setattr(dvc_remote, "installed", lambda: False)
    with pytest.raises(NormeqError, match="--remote mirror needs DVC: pip install"):
        fetch.get("tiny", library.data, "mirror")
    assert fetch.get("tiny", library.data).source == "public origin"
