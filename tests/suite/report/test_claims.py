"""The claims on the page: one row a claim, data sets as columns, those that failed first."""

import re
from html import unescape
from pathlib import Path

import pytest

from normeq.suite.report.claims import claims_to_html, grouped
from normeq.suite.report.markdown import pipe_table

HEAD = "| claim | data set | measured | σ | claimed | found [95 %] | p | verdict |"
LINES = """
| It works | Set12 | a − b | 25 | ≥ 1 | 2.00 [1.5, 2.5] | 0.005 | reproduced |
| It works | BSD68 | a − b | 25 | ≥ 1 | 3.00 [2.5, 3.5] | < 0.001 | reproduced |
| It waits | Set12 | a | 25 | ≥ 1 | – | – | not tested |
| It waits | BSD68 | a | 25 | ≥ 1 | 5.00 | – | reproduced |
| It flies | Set12 | a on [0, 1] | 25 | ≤ 1 | 0.10 | – | reproduced |
| It flies | BSD68 | a on [5, 6] | 25 | ≤ 1 | 4.00 | – | not reproduced |
| It swims | BSD68 | \\|a\\| | – | ≤ 1 | 0 | – | reproduced |
"""
TEXT = f"**Claims**\n\n{HEAD}\n{'| --- ' * 8}|{LINES}\n- A note.\n"


def rows(html):
    """Each line of the table as its cells' text."""
    cut = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in re.findall(r"<tr.*?</tr>", html)]
    return [[unescape(re.sub("<.*?>", " ", cell)).split() for cell in line] for line in cut]


def text(html):
    return [[" ".join(cell) for cell in line] for line in rows(html)]


def test_one_row_a_claim_and_failures_first():
    assert text(claims_to_html(TEXT)) == [
        ["claim", "measured", "σ", "claimed", "Set12", "BSD68"],
        ["Not reproduced on one data set or more: 1 claim"],
        ["It flies", "", "25", "≤ 1", "✓ reproduced 0.10 a on [0, 1]", "✗ not reproduced 4.00 a on [5, 6]"],
        ["Not tested on one data set or more: 1 claim"],
        ["It waits", "a", "25", "≥ 1", "– not tested –", "✓ reproduced 5.00"],
        ["Reproduced on every data set: 2 claims"],
        ["It works", "a − b", "25", "≥ 1", "✓ reproduced 2.00 [1.5, 2.5] p = 0.005"]
        + ["✓ reproduced 3.00 [2.5, 3.5] p < 0.001"],
        ["It swims", "|a|", "–", "≤ 1", "–", "✓ reproduced 0"],
    ]
    assert "<li>A note.</li>" in claims_to_html(TEXT)


@pytest.mark.parametrize("differs", ["denoiser", "σ", "claimed"])
def test_what_is_not_the_same_claim_has_a_row_of_its_own(differs):
    record = {
        "claim": "c",
        "data set": "Set12",
        "denoiser": "n",
        "σ": "25",
        "claimed": "≥ 1",
        "verdict": "reproduced",
    }
    assert len(grouped([record, record | {"data set": "BSD68"}])) == 1
    assert len(grouped([record, record | {"data set": "BSD68", differs: "x"}])) == 2
    assert len(grouped([record, record])) == 2  # nothing is lost


@pytest.mark.parametrize("name", ["paper", "compact"])
def test_every_line_of_a_real_table_is_there(name):
    text = (Path(__file__).parents[3] / f"results/{name}/tables/claims.md").read_text(encoding="utf-8")
    head, lines = pipe_table(text)
    html = claims_to_html(text)
    for verdict in ("reproduced", "not reproduced"):
        shown = len(re.findall(rf'<span class="verdict \w+">. {verdict}<', html))
        assert shown == [line[-1] for line in lines].count(verdict)
    for line in lines:
        found = dict(zip(head, line, strict=True))["found [95 %]"]
        assert f'<span class="found">{found}</span>' in html
