"""The registry: what the repository ships is consistent, and mistakes in it are named."""

import csv
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from normeq.errors import NormeqError
from normeq.suite.data import pin, registry
from normeq.suite.experiment.checks import check_images

from .conftest import entry, write_registry

DATA = Path(__file__).resolve().parents[3] / "data"
PINNED = sorted(path.stem for path in DATA.glob("*.dvc"))


def test_every_pin_has_an_entry_and_every_entry_a_pin():
    assert PINNED == sorted(n for n, d in registry.load(DATA).items() if d.kind == "dvc")


@pytest.mark.parametrize("name", PINNED)
def test_the_dvc_hash_follows_from_the_manifest(name):
    """DVC's directory md5 is that of a JSON list of {md5, relpath}, sorted by relpath: recomputed here."""
    with (DATA / "files.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataset"] == name]
    listing = [
        {"md5": row["md5"], "relpath": row["file"]} for row in sorted(rows, key=lambda row: row["file"])
    ]
    assert pin(name, DATA) == hashlib.md5(json.dumps(listing).encode()).hexdigest() + ".dir"
    out = yaml.safe_load((DATA / f"{name}.dvc").read_text())["outs"][0]
    assert (out["nfiles"], out["size"]) == (len(rows), sum(int(row["bytes"]) for row in rows))
    assert registry.get(name, DATA).files == len(rows)


def test_hashes_and_addresses_are_well_formed():
    for dataset in registry.load(DATA).values():
        for file, record in dataset.manifest.items():
            assert len(bytes.fromhex(record.sha256)) == 32, file
            assert dataset.kind == "embedded" or record.url.startswith("https://"), file


def test_embedded_sets_are_what_scikit_image_ships_and_do_not_overlap():
    folder = Path(find_spec("skimage").origin).parent / "data"
    train, test = (registry.get(f"skimage-{part}", DATA).manifest for part in ("train", "test"))
    assert train and test and not set(train) & set(test)
    for file, record in {**train, **test}.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == record.sha256, file
        assert record.terms, file


def test_the_papers_training_set_has_its_8694_images():
    datasets = registry.load(DATA)
    group = datasets["herbreteau8694"]
    assert group.files == sum(datasets[member].files for member in group.members) == 8694


def test_pins_differ_and_need_no_image(tmp_path):
    for path in [DATA / "datasets.yaml", DATA / "files.csv", *DATA.glob("*.dvc")]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    pins = [pin(name, tmp_path) for name in registry.load(tmp_path)]
    assert len(set(pins)) == len(pins)


def test_a_pin_follows_the_content_and_nothing_else(library):
    def pins(terms="terms", sha="0" * 64, version=1, files=2, **more):
        image = {"file": "x.png", "sha256": sha, "terms": terms}
        hand = entry("manual", files=files, version=version, terms=terms, **more)
        sets = {"in": entry("embedded", 1, images=[image], terms=terms), "hand": hand}
        write_registry(
            library.data, {**sets, "all": entry("group", None, members=["in", "hand"], terms=terms)}
        )
        return {name: pin(name, library.data) for name in ("in", "hand", "all")}

    before = pins()
    assert pins(terms="other words") == before
    for change, moved in (
        ({"sha": "1" * 64}, "in"),
        ({"version": 2}, "hand"),
        ({"files": 3}, "hand"),
        ({"range": [0, 4095]}, "hand"),
    ):
        after = pins(**change)
        assert {name for name in before if before[name] != after[name]} == {moved, "all"}


def test_a_set_of_ones_own_is_known_by_its_images(library, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def pins(**more):
        own = entry("manual", None) | more
        write_registry(library.data, {"own": own, "all": entry("group", None, members=["own"])})
        return pin("own", library.data), pin("all", library.data)

    seen = [pins()]  # nothing is there
    folder = library.data / "own" / "sub"
    folder.mkdir(parents=True)
    image, other = library.images["a.png"], library.images["b.png"]
    changes = [
        lambda: (folder / "x.png").write_bytes(image),
        lambda: (folder / "y.png").write_bytes(other),
        lambda: (folder / "y.png").write_bytes(image),
        lambda: (folder / "y.png").rename(folder / "z.png"),
        lambda: (folder / "x.png").unlink(),
    ]
    for change in changes:
        change()
        assert pins() == pins(title="other words", notes="more")
        seen.append(pins())
    seen.append(pins(version=2))
    assert len({one for one, _ in seen}) == len({both for _, both in seen}) == len(changes) + 2
    assert pins(files=1) != pins(files=1, version=1) == pins(files=1, version=1)
    assert pins(files=1, version=1)[0] == "own-1-v1"  # what the entry promises: no image is looked at


def test_the_pins_of_the_sets_that_are_placed_by_hand_stay():
    assert [pin(name, DATA) for name in ("bsd400", "wed")] == ["bsd400-400-v1", "wed-4744-v1"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"licence": "x"}, "unknown key 'licence'"),
        ({"kind": "magic"}, "kind 'magic'"),
        ({"files": 4}, "files is 4, but 3"),
        ({"members": ["nobody"]}, "unknown member nobody"),
    ],
)
def test_mistakes_in_the_registry_are_named(library, change, word):
    write_registry(library.data, {"tiny": {**entry("dvc", files=3), **change}})
    with pytest.raises(NormeqError, match=f"tiny: {word}"):
        registry.load(library.data)


def test_a_missing_key_and_broken_yaml_are_named(library):
    broken = entry("dvc", files=3)
    del broken["origin"]
    write_registry(library.data, {"tiny": broken})
    with pytest.raises(NormeqError, match="tiny: missing key 'origin'"):
        registry.load(library.data)
    (library.data / "datasets.yaml").write_text("tiny: [")
    with pytest.raises(NormeqError, match="not YAML") as refused:
        registry.load(library.data)
    assert "\n" not in str(refused.value)


def test_an_unknown_name_lists_the_known_ones(library):
    with pytest.raises(NormeqError, match="'huge'.*tiny"):
        registry.get("huge", library.data)


@pytest.mark.parametrize("content", [None, "", "outs: []", "outs: [{path: tiny}]", "]"])
def test_a_damaged_dvc_file_is_named(library, content):
    path = library.data / "tiny.dvc"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(NormeqError, match="tiny.dvc"):
        pin("tiny", library.data)


GOOD = entry("manual", None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must map names of data sets"),
        (b"- a\n- b\n", "must map names of data sets"),
        (b"just words", "must map names of data sets"),
        ("x: {title: M\u00fcnchen}".encode("latin-1"), "is not UTF-8"),
        (b"x: 3", "x: must be a mapping"),
        (b"x:", "x: must be a mapping of title, kind and more, not nothing"),
        (b"a: 2024-99-99", "is not YAML"),
        ({2024: GOOD}, "the name 2024 is no text: write it in quotes"),
        ({True: GOOD}, "the name True is no text"),
        ({"../up": GOOD}, "the name '../up' cannot be that of a folder"),
        ({".hidden": GOOD}, "cannot be that of a folder"),
        ({"x": GOOD | {"files": "3"}}, "x: files must be a whole number above 0, or null, not '3'"),
        ({"x": GOOD | {"files": True}}, "x: files must be a whole number"),
        ({"x": GOOD | {"files": 0}}, "x: files must be a whole number"),
        ({"x": GOOD | {"version": "a"}}, "x: version must be a whole number"),
        ({"x": GOOD | {"title": None}}, "x: title must be a text, not nothing"),
        ({"x": GOOD | {"place": ["a"]}}, "x: place must be a text"),
        ({"x": GOOD | {"kind": ["dvc"]}}, "x: kind .'dvc'. is not one of"),
        ({"x": GOOD | {3: "a"}}, "x: unknown key 3"),
        ({"x": GOOD | {"members": "a"}}, "x: members must be a list of names"),
        ({"x": GOOD | {"members": ["skimage-test"]}}, "x: members are for kind group"),
        ({"x": GOOD | {"images": [{"file": "a.png"}]}}, "x: images must be a list of file, sha256 and terms"),
        ({"x": GOOD | {"range": [4095, 0]}}, "x: range must be .lowest, highest. sample value"),
        ({"x": GOOD | {"range": 4095}}, "x: range must be"),
        ({"x": GOOD | {"range": [0, float("inf")]}}, "x: range must be"),
        ({"x": GOOD | {"range": ["0", "1"]}}, "x: range must be"),
        ({"x": entry("group", None)}, "x: a group needs members"),
        ({"x": entry("group", None, members=["x"])}, "x: this group contains itself"),
        (
            {"x": entry("group", None, members=["y"]), "y": entry("group", None, members=["x"])},
            "contains itself",
        ),
        ({"x": entry("group", None, members=["skimage-test"] * 2)}, "x: a member stands there twice"),
        ({"x": entry("group", None, members=["skimage-test"], range=[0, 1])}, "x: a group has no range"),
    ],
)
def test_a_malformed_registry_is_one_line(library, content, words):
    path = library.data / "datasets.yaml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_registry(library.data, content)
    with pytest.raises(NormeqError, match=words) as refused:
        registry.load(library.data)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"dataset,file\ntiny,a.png\n",
        b"\xff\xfe",
        b"dataset,file,sha256,origin_url,height,width\nt,a,s,u,x,3\n",
    ],
)
def test_a_malformed_manifest_is_named(library, content):
    (library.data / "files.csv").write_bytes(content)
    with pytest.raises(NormeqError, match="files"):
        registry.load(library.data)


def test_the_manifest_is_needed_where_a_set_is_pinned_by_it_and_only_there(library):
    (library.data / "files.csv").unlink()
    with pytest.raises(
        NormeqError, match="files.csv: no such file, and datasets.yaml has a data set of kind dvc"
    ):
        registry.load(library.data)
    write_registry(library.data, {"mine": GOOD})
    assert "mine" in registry.load(library.data)


def test_a_registry_that_cannot_be_read_is_named(library):
    (library.data / "datasets.yaml").unlink()
    (library.data / "datasets.yaml").symlink_to(library.data / "datasets.yaml")
    with pytest.raises(NormeqError, match="datasets.yaml"):
        registry.load(library.data)


def test_the_sets_of_scikit_image_need_no_clone(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "CHECKOUT", tmp_path / "no-clone")
    assert list(registry.load(tmp_path / "data")) == ["skimage-test", "skimage-train"]
    with pytest.raises(NormeqError, match="unknown data set 'set12'.*; the others are known in a clone"):
        registry.get("set12", tmp_path)
    assert list(registry.load(library.data)) == ["tiny", "skimage-test", "skimage-train"]
    assert pin("skimage-test", tmp_path) == pin("skimage-test", DATA)
    write_registry(library.data, {"skimage-test": GOOD})
    assert registry.get("skimage-test", library.data).kind == "manual"  # one's own goes before


def test_a_declared_range_is_two_numbers(library):
    write_registry(library.data, {"ct": GOOD | {"range": [-1024, 3071]}})
    assert registry.get("ct", library.data).range == (-1024.0, 3071.0)


def test_an_image_of_a_config_may_be_a_path_in_its_set(library):
    """The plan knows a pinned set's images by the names that the listing gives them."""
    (library.data / "files.csv").write_text(
        "dataset,file,sha256,origin_url,height,width\n"
        + "".join(f"tiny,{file},0,u,40,30\n" for file in ("s1/img.png", "s2/img.png", "one.png"))
    )
    known = registry.load(library.data)
    for image in ("tiny/s1/img", "tiny/s2/img", "tiny/one"):
        check_images({"examples": SimpleNamespace(image=image, crop=(0, 0, 30))}, known)
    with pytest.raises(NormeqError, match="tiny has no image 'img'"):
        check_images({"examples": SimpleNamespace(image="tiny/img")}, known)
    with pytest.raises(NormeqError, match="leave the image of 40×30 pixels"):
        check_images({"examples": SimpleNamespace(image="tiny/s1/img", crop=(0, 0, 31))}, known)
