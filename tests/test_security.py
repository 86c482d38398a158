"""SECURITY.md, line by line: nothing that is handed in is executed, and nothing is written elsewhere."""

import ast
import json
import pickle
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from normeq.denoisers import sources
from normeq.denoisers.foreign.read import read_state
from normeq.errors import NormeqError
from normeq.imaging.files.arrays import read_npy
from normeq.suite.campaign.plan import read_config
from normeq.suite.config.resolve import resolve
from normeq.suite.data import registry
from normeq.suite.data.dvc_guarded import check_listing, is_plain
from normeq.suite.data.dvc_remote import Remote, pull
from normeq.suite.formats.table import Table, latex, markdown
from normeq.suite.report.gallery import gallery_data
from normeq.suite.report.page import write_report
from normeq.suite.results.pictures import read_parts
from normeq.suite.training.run_file import read_spec
from normeq.training.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[1]
SCRIPT = "<script>document.title='pwned'</script>"
HOSTILE = f"a\"'>{SCRIPT}<img src=x onerror=alert(1)>"


class Touch:
    """An object that makes a file when it is unpickled."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


@pytest.fixture
def marker(tmp_path):
    """A file that is there once code has run."""
    return tmp_path / "pwned"


@pytest.mark.parametrize("read", [read_state, lambda path: load_checkpoint(path, "f")])
@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_weights_that_hold_code_are_refused(tmp_path, marker, read, write):
    write({"model": {"a.weight": torch.zeros(1)}, "x": Touch(marker)}, tmp_path / "w.pt")
    with pytest.raises(NormeqError):
        read(tmp_path / "w.pt")
    assert not marker.exists()
    pickle.loads(pickle.dumps(Touch(marker)))
    assert marker.exists()  # it is such an object


def test_arrays_of_objects_are_refused(tmp_path, marker):
    arrays = {"meta": np.array("{}"), "clean": np.array([Touch(marker)], dtype=object)}
    np.savez(tmp_path / "part.npz", **arrays)
    np.save(tmp_path / "image.npy", arrays["clean"])
    for read in (
        lambda: read_parts([tmp_path / "part.npz"], ["clean"]),
        lambda: gallery_data([tmp_path / "part.npz"], tmp_path / "no.csv", None),
        lambda: read_npy(tmp_path / "image.npy", None),
    ):
        with pytest.raises((NormeqError, ValueError)):
            read()
    assert not marker.exists()


ELSEWHERE = ["../x", "/x", "a/../../x", "a//x", "", ".", "C:/x", "C:x", "a\\..\\x", "a\0", None]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_listing_cannot_name_files_elsewhere(path):
    assert not is_plain(path)
    with pytest.raises(ValueError, match="outside of the data set"):
        check_listing([{"md5": "0" * 32, "relpath": path}])


@pytest.mark.parametrize("md5", ["../../x", "0" * 31, "", None, "0" * 32 + "/.."])
def test_nor_objects_elsewhere(md5):
    with pytest.raises(ValueError, match="a hash that is none"):
        check_listing([{"md5": md5, "relpath": "a.png"}])
    check_listing([{"md5": "0" * 32, "relpath": "a/ä b.png"}])


@pytest.mark.parametrize(
    ("out", "md5"),
    [*((out, "0" * 32 + ".dir") for out in ("../../evil", "/evil", "other")), ("tiny", "../../" + "0" * 32)],
)
def test_a_pin_cannot_name_another_folder(tmp_path, out, md5):
    pin = tmp_path / "tiny.dvc"
    pin.write_text(yaml.safe_dump({"outs": [{"md5": md5, "path": out}]}))
    with pytest.raises(NormeqError, match="is not the DVC pin of a folder tiny"):
        pull("tiny", pin, Remote("x", {"url": str(tmp_path)}, {}), tmp_path)


def test_the_registry_lists_no_file_elsewhere(tmp_path):
    text = {key: "x" for key in ("title", "origin", "terms", "redistribution", "place")}
    entry = text | {"kind": "embedded", "files": 1}
    for file, good in (("../evil.png", False), ("a.png", True)):
        entry["images"] = [{"file": file, "sha256": "0" * 64, "terms": "x"}]
        (tmp_path / "datasets.yaml").write_text(yaml.safe_dump({"tiny": entry}))
        if good:
            assert list(registry.load(tmp_path)["tiny"].manifest) == ["a.png"]
        else:
            with pytest.raises(NormeqError, match="outside of its folder"):
                registry.load(tmp_path)


def test_yaml_makes_no_objects(tmp_path, marker):
    from snakemake.common.configfile import load_configfile

    file = tmp_path / "datasets.yaml"
    file.write_text(f"experiment: !!python/object/apply:os.system ['touch {marker}']\n")
    for read in (read_config, read_spec, lambda path: registry.load(path.parent), load_configfile):
        with pytest.raises(Exception, match="(?i)yaml|constructor|python/object"):
            read(file if read is not read_spec else str(file))
    assert not marker.exists()


def test_planning_runs_no_code_of_a_denoiser(tmp_path, marker, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(f"open({str(marker)!r}, 'w')\ndef f(n, s): return n\n")
    assert sources.planned("net.py:f") and not marker.exists()
    assert sources.may_be_module("net.py:f") is False and not marker.exists()


class Page(HTMLParser):
    """What a page would run: scripts, handlers, addresses of scripts."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.handlers, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "script"
        self.handlers += [(tag, name) for name, value in attributes if name.startswith("on")]
        self.handlers += [(tag, value) for name, value in attributes if str(value).startswith("javascript:")]
        if self.inside:
            self.scripts.append(dict(attributes).get("type", ""))


def test_names_on_the_page_are_text(tmp_path):
    """Title, data sets, images, networks, claims, machines, captions, tables, figures, runs."""
    from tests.suite.report import gallery_files as files
    from tests.suite.report.test_page import RUN

    network = (HOSTILE, "norm", "25", "0")
    name = HOSTILE.replace("/", "÷")
    denoisers, images = (("net", "ordinary", "25", "0"), network), ("set12/01", f"bsd68/{name}")
    parts = files.write(tmp_path, denoisers, images=images, names=["a.npz", "b.npz"])
    levels = {"datasets": ["set12", "bsd68"], "sigmas": [5, 25, 50], "draws": 2, "images": None}
    evaluate = {"noise_levels": levels, "gallery": {"context": HOSTILE}}
    config = {"experiment": "x", "title": HOSTILE, "evaluate": evaluate}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    table = Table("t", pd.DataFrame(), pd.DataFrame({HOSTILE: [HOSTILE], "n": ["1"]}), HOSTILE, (HOSTILE,))
    (tmp_path / "t.md").write_text(markdown(table))
    claim = pd.DataFrame({key: [HOSTILE] for key in ("claim", "data set", "measured", "verdict")})
    (tmp_path / "claims.md").write_text(markdown(Table("claims", claim, claim, HOSTILE, (HOSTILE,))))
    run = json.loads(json.dumps(RUN))
    run["spec"]["network"]["name"] = run["spec"]["dataset"] = run["hardware"]["cpu"] = HOSTILE
    run["versions"]["torch"] = run["weights_sha256"] = run["revision"] = HOSTILE
    folder = tmp_path / name
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    (tmp_path / "f.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>")
    (tmp_path / "figure_f.rst").write_text(HOSTILE)
    tables, figures = [tmp_path / "t.md", tmp_path / "claims.md"], [tmp_path / "f.svg"]
    out = tmp_path / "report.html"
    write_report(
        out, tmp_path / "config.yaml", tables, figures, [folder], tmp_path, parts,
        tmp_path / "noise_levels.csv", tmp_path / "intervals.csv",
    )  # fmt: skip
    page = Page(out.read_text(encoding="utf-8"))
    assert page.scripts == ["application/json", "", ""] and page.handlers == []
    assert out.read_text(encoding="utf-8").count("&lt;script&gt;") > 10  # they are there, as text


def test_names_in_tables_are_no_latex_and_end_no_line():
    name = "\\input{/etc/passwd}$x^2~\n\\end{tabular}"
    table = Table("t", pd.DataFrame(), pd.DataFrame({"a": [name]}), name, (name,))
    lines = [line for line in latex(table).splitlines() if not line.startswith("%")]
    assert len(lines) == 7 and not re.search(r"\\input|[^\\][$^~]", "\n".join(lines))
    assert [line for line in lines if r"\end{tabular}" in line] == [lines[-1]]
    assert len(markdown(table).splitlines()) == 7


@pytest.mark.parametrize("device", ["cpu\n", "cpu; touch pwned", "$(touch pwned)", "cuda:1\ntouch pwned"])
def test_a_device_is_no_command(device):
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "config/default.yaml").read_text(encoding="utf-8"))
    assert resolve(config | {"device": "cuda:1"}, schema)["device"] == "cuda:1"
    with pytest.raises(NormeqError, match="device"):
        resolve(config | {"device": device}, schema)
    with pytest.raises(NormeqError, match="experiment"):
        resolve(config | {"experiment": "speck\n"}, schema)


# In shell commands of rules, beside what is quoted: hex digits, numbers, a checked device, words of our own.
SAFE = {"params.key", "params.command", "resources.device", "threads"}


def test_rules_quote_what_comes_from_a_config():
    found = 0
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        commands = r"^ +shell:\n((?: {8,}.*\n|\n)+)"
        for text in re.findall(commands, file.read_text(encoding="utf-8"), flags=re.M):
            for field in re.findall(r"\{([^{}]+)\}", text):
                found += 1
                assert field.endswith(":q") or field in SAFE, f"{file.name}: {{{field}}}"
    assert found > 40


def test_no_code_from_data_and_no_shell_in_the_package():
    """Beside ruff's rules S (bandit), which `make lint` applies."""
    calls = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {key.arg: ast.unparse(key.value) for key in node.keywords}
                calls.setdefault(ast.unparse(node.func), []).append((file.name, named))
    refused = "eval exec os.system os.popen pickle.load pickle.loads yaml.load yaml.unsafe_load"
    assert not set(refused.split()) & calls.keys()
    assert all(named.get("weights_only") == "True" for _, named in calls["torch.load"])
    assert all("shell" not in named for name, of in calls.items() if "subprocess" in name for _, named in of)
    assert all(named.get("allow_pickle", "False") == "False" for _, named in calls["np.load"])
    assert "S" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["select"]


def test_every_module_that_starts_programs_is_named():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    files = [file for file in (ROOT / "src").rglob("*.py") if "import subprocess" in file.read_text("utf-8")]
    names = [file.relative_to(ROOT / "src/normeq").as_posix().removeprefix("suite/") for file in files]
    assert names
    assert not [name for name in names if f"`{name}`" not in page]


def locked(file):
    """Package -> version and number of hashes, of a file of requirements."""
    entry = r"^([\w.-]+)==([^\s;]+)[^\n]*((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)"
    found = re.findall(entry, file.read_text(), flags=re.M)
    return {plain(name): (version, hashes.count("sha256")) for name, version, hashes in found}


def plain(name):
    """The name of a package as package indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_is_locked_to_its_bytes_but_torch():
    """The versions are those of constraints.txt; what only Windows or the browser needs has none there."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {plain(name): version for name, version in pinned.items()}
    everything, suite = locked(ROOT / "requirements-dev.txt"), locked(ROOT / "requirements.txt")
    assert everything.keys() - pinned.keys() == {"pyreadline3", "pywin32", "tzdata"}
    assert pinned.keys() - everything.keys() == {"torch"}
    assert all(everything[name][0] == pinned[name] for name in everything.keys() & pinned.keys())
    assert suite.items() <= everything.items()
    assert {"snakemake", "dvc", "safetensors", "setuptools"} <= suite.keys()
    for file in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / file).read_text()
        assert len(locked(ROOT / file)) == len(re.findall("^[^ #\n]", text, flags=re.M))
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("--require-hashes -r requirements") == 2 and "--no-build-isolation -e ." in makefile


def test_every_line_of_the_threat_table_has_its_test():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("## Threats")[2].partition("##")[0]
    table = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| threat")]
    assert len(table) >= 10
    files = (ROOT / "tests").rglob("test_*.py")
    written = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for line in table:
        names = re.findall(r"`(test_\w+)`", line)
        assert names, line
        for name in names:
            assert f"def {name}(" in written, name
