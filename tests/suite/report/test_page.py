"""The report: complete, readable without a network, and a bad input is named."""

import json
import re
import shutil
from html import unescape
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml

from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.suite.report.curve import training_curve
from normeq.suite.report.markdown import markdown_to_html
from normeq.suite.report.page import write_report
from tests.suite.report import gallery_files as files

TABLE = """**A <title>**

| denoiser | PSNR |
| --- | ---: |
| tiny, norm | 30.05 [28.15, 32.97] |
| published: x\\|y | 29.11 |

- σ in 8-bit units.
"""
NOISE_LEVELS = {"draws": 2, "images": None, "datasets": ["set12"], "sigmas": [15, 25]}
RUN = {
    "spec": {
        "network": {"name": "tiny"},
        "variant": "norm",
        "dataset": "bsd431",
        "sigma": 25.0,
        "seed": 3,
    },
    "data": {"images": 431},
    "pixels": 15_360_000,
    "seconds": 90.0,
    "validation_psnr": 30.123,
    "weights_sha256": "49d998594752f7a2",
    "revision": "cb7d64cc5e10ab73883e-dirty",
    "versions": {"torch": "2.13.0"},
    "hardware": {"cpu": "A CPU", "threads": 2, "device": "cpu"},
}


@pytest.fixture
def inputs(tmp_path):
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"experiment": "x", "title": "T & U", "evaluate": {"noise_levels": NOISE_LEVELS}})
    )
    (tmp_path / "t.md").write_text(TABLE)
    (tmp_path / "noise_levels.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run.json").write_text(json.dumps(RUN))
    (tmp_path / "run/train.jsonl").write_text('{"step": 1, "loss": 0.1}\n{"step": 2, "loss": 0.01}\n{"st')
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions/figure_noise_levels.rst").write_text("What it\nshows.\n")
    return tmp_path


def make(folder, **changes):
    arguments = {
        "config": folder / "config.yaml",
        "tables": [folder / "t.md"],
        "figures": [folder / "noise_levels.svg"],
        "runs": [folder / "run"],
        "captions": folder / "captions",
    }
    write_report(folder / "report.html", **(arguments | changes))
    return (folder / "report.html").read_text(encoding="utf-8")


def test_a_config_without_its_defaults_has_one_draw(inputs):
    settings = yaml.safe_load((inputs / "config.yaml").read_text())
    del settings["evaluate"]["noise_levels"]["draws"]
    (inputs / "config.yaml").write_text(yaml.safe_dump(settings))
    assert "1 noise realisation per image" in make(inputs)


def test_everything_is_on_the_page(inputs):
    page = make(inputs)
    for words in (
        "T &amp; U",
        "A &lt;title&gt;",
        "28.15",
        "What it shows.",
        "2 noise realisations per image",
        "30.12 dB",
    ):
        assert words in page
    for words in (
        "49d998594752",
        "cb7d64cc5e10",
        "with local changes",
        "15 million",
        "1.5 min",
        "431 images",
        "<polyline",
    ):
        assert words in page
    picture = re.search(r"data:image/svg\+xml,([^\"]+)", page)[1]
    assert unquote(unescape(picture)).startswith("<svg")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(41.4, "41 seconds"), (1, "1 second"), (60, "1 minute"), (89, "1 minute"), (7200, "120 minutes")],
)
def test_how_long_training_took_is_said_as_one_would(inputs, seconds, words):
    (inputs / "run/run.json").write_text(json.dumps(RUN | {"seconds": seconds}))
    assert f"1 network, {words} in all" in make(inputs)


def test_the_page_asks_nothing_of_a_network(inputs):
    page = make(inputs)
    assert not re.search(
        r"""(?:src|href)=["'](?!data:|#|[\w./-]+["'])|url\(|@import|fetch\(|https?://""", page
    )


def test_the_same_inputs_give_the_same_bytes(inputs):
    assert make(inputs) == make(inputs)


def test_an_experiment_without_training_has_no_section_on_runs(inputs):
    assert "Training runs" in make(inputs)
    assert "Training runs" not in make(inputs, runs=[])


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "t.md").unlink(), "t.md"),
        (lambda folder: (folder / "run/run.json").write_text("{}"), "run.json is not the record of a run"),
        (lambda folder: (folder / "run/run.json").write_text("{"), "run.json: not a JSON file"),
        (lambda folder: (folder / "t.md").write_bytes(b"\xff\xfe"), "t.md is not text"),
        (lambda folder: (folder / "config.yaml").write_bytes(b"\xff\xfe"), "config.yaml is not text"),
        (lambda folder: (folder / "config.yaml").write_text(""), "config.yaml is no config"),
        (lambda folder: (folder / "config.yaml").write_text("a: ["), "config.yaml is not YAML"),
        (lambda folder: shutil.rmtree(folder / "captions"), "no folder of captions"),
    ],
)
def test_a_bad_input_is_named_and_the_old_page_stays(inputs, break_it, words):
    before = make(inputs)
    break_it(inputs)
    with pytest.raises(NormeqError, match=re.escape(words)):
        make(inputs)
    assert (inputs / "report.html").read_text(encoding="utf-8") == before


def test_tables_keep_bars_and_mark_published_rows():
    html = markdown_to_html(TABLE)
    assert "<td>published: x|y</td>" in html
    assert html.count('class="published"') == 1
    assert html.count("<tr") == 3


def test_a_curve_needs_two_points(tmp_path):
    assert training_curve(tmp_path / "train.jsonl") == ""
    (tmp_path / "train.jsonl").write_text('{"loss": 0.1}\n')
    assert training_curve(tmp_path / "train.jsonl") == ""


def sections(page):
    return re.findall(r'<section id="(\w+)"', page)


def test_the_page_opens_with_the_result_and_claims_follow(inputs):
    (inputs / "claims.md").write_text(
        "**Claims of the paper: 1 of 2 reproduced**\n\n| claim | verdict |\n| --- | --- |\n"
        "| It works | reproduced |\n| It flies | not reproduced |\n"
    )
    (inputs / "other.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    files.write(inputs)
    page = make(
        inputs,
        tables=[inputs / "t.md", inputs / "claims.md"],
        figures=[inputs / "other.svg", inputs / "noise_levels.svg"],
        noise_levels=inputs / "noise_levels.csv",
        intervals=inputs / "intervals.csv",
    )
    assert sections(page) == ["result", "claims", "figures", "tables", "runs", "protocol", "config"]
    order = [page.index(f'id="{name}"') for name in ("figure-noise_levels", "headline", "figure-other")]
    assert order == sorted(order)
    assert "<dd>1 of 2 reproduced</dd>" in page
    assert 'id="claims"' not in make(inputs) and 'href="#claims"' not in make(inputs)


@pytest.mark.parametrize("name", ["paper", "kair"])
def test_the_protocol_is_the_one_of_the_config(inputs, name):
    settings = yaml.safe_load((inputs / "config.yaml").read_text())
    settings["evaluate"]["protocol"] = name
    (inputs / "config.yaml").write_text(yaml.safe_dump(settings))
    page = unescape(make(inputs))
    assert f"<code>{name}</code>" in page
    for subject, text in get_protocol(name).card().items():
        assert subject == "draws" or text in page
    assert ("rounded to 8 bits</dd>" in page) == (name == "kair")


def test_the_page_says_what_measured(inputs):
    assert "Measured by" not in make(inputs)
    files.write(inputs, denoisers=files.OURS[:1])  # 18 rows and 9; intervals.csv is older than the column
    levels = pd.read_csv(inputs / "noise_levels.csv")
    levels["measured_by"] = ["CPU; torch 2"] * 17 + [""]
    levels.to_csv(inputs / "noise_levels.csv", index=False)
    page = make(inputs, noise_levels=inputs / "noise_levels.csv", intervals=inputs / "intervals.csv")
    found = re.search("<dt>Measured by</dt><dd>(.*?)</dd>", page)[1].split("<br>")
    assert found == ["CPU; torch 2: 17 measurements", "not recorded (an earlier version): 10 measurements"]


def test_what_is_not_given_has_no_section(inputs):
    page = make(inputs, tables=[], figures=[], runs=[])
    found = set(re.findall(r'<section id="(\w+)"', page))
    assert found == {"protocol", "config"}
    assert found == set(re.findall(r'<a href="#(\w+)"', page)) - {"content"}


def test_every_entry_of_the_contents_is_on_the_page(inputs):
    page = make(inputs)
    links = set(re.findall(r'href="#([\w-]+)"', page))
    assert {"figure-noise_levels", "table-1", "runs"} < links <= set(re.findall(r' id="([\w-]+)"', page))


def test_a_gallery_without_its_numbers_is_refused(inputs):
    with pytest.raises(NormeqError, match="--gallery needs --noise-levels"):
        make(inputs, gallery=[inputs / "part.npz"])


def test_a_denoiser_in_a_table_has_the_dot_of_its_variant():
    html = markdown_to_html(
        "**T**\n\n| denoiser |\n| --- |\n| n, scale-equivariant |\n| wrapped ordinary |\n| ours |\n"
    )
    assert re.findall(r'class="dot (\w+)"', html) == ["scale", "wrapped"]


EVIL = "<script>alert(1)</script>"


def test_no_name_becomes_a_script(inputs):
    """Of an image, a network, a data set, a claim, a figure's caption or a title."""
    network = (EVIL, "norm", "25", "0")
    parts = files.write(inputs, [network], images=(f"set12/{EVIL}", f"{EVIL[:16]}/02"), names=["part"])
    cells = {"claim": EVIL, "data set": EVIL, "denoiser": EVIL, "measured": EVIL, "verdict": EVIL}
    lines = [cells.keys(), ["---"] * len(cells), cells.values()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    for name in ("claims.md", "t.md"):
        (inputs / name).write_text(f"**{EVIL}**\n\n{table}\n\n- {EVIL}\n")
    (inputs / "captions/figure_noise_levels.rst").write_text(EVIL)
    (inputs / "run/run.json").write_text(json.dumps(RUN).replace('"tiny"', json.dumps(EVIL)))
    settings = {"experiment": EVIL, "title": EVIL, "evaluate": {"noise_levels": NOISE_LEVELS}}
    settings["evaluate"] |= {"gallery": {"context": 3}}
    (inputs / "config.yaml").write_text(yaml.safe_dump(settings))
    page = make(
        inputs,
        tables=[inputs / "t.md", inputs / "claims.md"],
        gallery=parts,
        noise_levels=inputs / "noise_levels.csv",
        intervals=None,
    )
    assert EVIL[:8] + "alert" not in page
    assert page.count("<script") == page.count("</script>") == 3  # the data and two of the page's own
    assert page.count("alert(1)") > 20
