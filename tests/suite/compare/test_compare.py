"""Two tables that differ in known places."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from normeq.errors import NormeqError
from normeq.suite.compare.changes import compare
from normeq.suite.compare.document import render
from tests import synthetic
from tests.suite.compare.tables import IMAGES, levels, written

ROOT = Path(__file__).parents[3]


def where(table: pd.DataFrame, **values) -> pd.Series:
    mask = pd.Series(True, index=table.index)
    for column, value in values.items():
        mask &= table[column] == value
    return mask


def test_nothing_changed(tmp_path: Path) -> None:
    table = levels()
    found = compare(*written(tmp_path, a=table, b=table.sample(frac=1, random_state=1)))
    assert (found.measurements, found.unchanged, found.conditions) == (72, 72, 16)
    assert all(part.empty for part in (found.changed, found.ranks, found.only_a, found.only_b))
    text = render(found, "a", "b", "md")
    assert "72 measurements in both, of which 72 unchanged." in text and "| --- |" not in text


def test_differences_are_paired_by_image_after_averaging_draws(tmp_path: Path) -> None:
    before = levels(draws=2)
    after = before.copy()
    here = where(after, variant="norm", dataset="bsd68", sigma=25)
    gain = np.repeat([0.1, 0.2, 0.3, 0.4, 0.9], 2) + np.tile([-0.05, 0.05], 5)
    after.loc[here, "psnr"] += gain
    found = compare(*written(tmp_path, a=before, b=after.sample(frac=1, random_state=2)))
    assert len(found.changed) == 1 and found.measurements - found.unchanged == 10
    row = found.changed.iloc[0]
    each = gain.reshape(5, 2).mean(axis=1)
    by_hand = stats.ttest_1samp(each, 0).confidence_interval(0.95)  # five images are few
    assert row["mean"] == pytest.approx(each.mean()) and row["images"] == 5 and row["draws"] == 2
    assert (row["low"], row["high"]) == pytest.approx(tuple(by_hand))
    assert row["mean_a"] == pytest.approx(before.loc[here, "psnr"].mean())
    assert row["mean_b"] == pytest.approx(after.loc[here, "psnr"].mean())
    assert (row["variant"], row["dataset"], row["sigma"]) == ("norm", "bsd68", 25)


def adjusted_by_closed_testing(p: dict) -> dict:
    """Holm's method by what it stands for: Bonferroni rejects every set of tests that holds this one."""
    sets = [some for size in range(1, len(p) + 1) for some in combinations(p, size)]
    return {
        name: min(1.0, max(len(some) * min(p[x] for x in some) for some in sets if name in some))
        for name in p
    }


def test_p_values_are_corrected_over_a_series_unchanged_conditions_included(tmp_path: Path) -> None:
    sigmas = (5, 10, 15, 25, 50)
    before = synthetic.noise_levels(images={"set12": 12, "bsd68": 9}, sigmas=sigmas, draws=2)
    after = before.copy()
    random = np.random.default_rng(3)
    there = after["sigma"].isin([5, 10, 15])
    after.loc[there, "psnr"] += random.normal(0.02, 0.02, there.sum())
    after.loc[there, "ssim"] += random.normal(-0.0002, 0.0003, there.sum())
    found = compare(*written(tmp_path, a=before, b=after)).changed
    assert len(found) == 2 * 4 * 2 * 3 and set(found["tests"]) == {5}
    keys = ["variant", "dataset", "quantity"]
    seen = set()
    for (variant, dataset, quantity), rows in found.groupby(keys):
        here = where(before, variant=variant, dataset=dataset)
        change = after.loc[here, ["sigma", "image"]].assign(d=after[quantity] - before[quantity])
        change = change.groupby(["sigma", "image"])["d"].mean()
        p = {sigma: stats.wilcoxon(change[sigma]).pvalue if change[sigma].any() else 1.0 for sigma in sigmas}
        expected = adjusted_by_closed_testing(p)
        for row in rows.itertuples():
            assert (row.p, row.p_holm) == pytest.approx((p[row.sigma], expected[row.sigma]))
            seen.add(row.p_holm < 0.05)
    assert seen == {True, False}


def counts(text: str, quantity: str = "PSNR") -> tuple[int, int, int]:
    """How many are higher, lower and uncorrected, as the summary says."""
    up, down = re.search(rf"{quantity}: B is higher in (\d+) and lower in (\d+) of", text).groups()
    (loose,) = re.search(rf"{quantity}: the intervals are .*? (\d+) of \d+ leave out zero", text).groups()
    return int(up), int(down), int(loose)


def test_chance_alone_is_not_called_a_change(tmp_path: Path) -> None:
    """Two draws of noise: 5 % of the intervals leave out zero, but few changes are counted."""
    networks = tuple(f"n{i}" for i in range(60))
    table = synthetic.noise_levels(networks, images={"set12": 7}, sigmas=(5, 25), draws=2)  # 240 series
    a, b = (table[table["draw"] == draw].assign(draw=0) for draw in (0, 1))
    found = compare(*written(tmp_path, a=a, b=b))
    text = render(found, "a", "b", "md")
    up, down, loose = counts(text)
    assert stats.binomtest(loose, 480, 0.05).pvalue > 0.001
    assert stats.binomtest(up + down, 240, 0.05, alternative="greater").pvalue > 0.001
    assert up + down < loose / 2
    assert f"{loose} of 480 leave out zero; by chance alone 24 would be expected to" in text
    assert "By chance alone up to 12 of 240 series" in text


def test_only_what_survives_the_correction_is_counted(tmp_path: Path) -> None:
    before = synthetic.noise_levels(images={"set12": 9}, sigmas=(5, 10, 15, 25), variants=("norm", "scale"))
    after = before.copy()
    clear = np.linspace(0.1, 0.3, 9)
    slight = np.array([-0.2, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5])
    after.loc[where(after, variant="norm", sigma=5), "psnr"] += clear
    after.loc[where(after, variant="scale", sigma=10), "psnr"] -= clear
    after.loc[where(after, variant="norm", sigma=25), "psnr"] += slight
    found = compare(*written(tmp_path, a=before, b=after))
    interval = stats.ttest_1samp(slight, 0).confidence_interval(0.95)
    assert interval.low > 0 and stats.wilcoxon(slight).pvalue < 0.05  # alone it would be one
    assert counts(render(found, "a", "b", "md")) == (1, 1, 3)


def test_too_few_images_for_the_test_are_told(tmp_path: Path) -> None:
    def summary(images: int, sigmas: tuple[float, ...]) -> str:
        before = synthetic.noise_levels(images={"set12": images}, sigmas=sigmas, variants=("norm",))
        after = before.assign(psnr=before["psnr"] + 1)
        return render(compare(*written(tmp_path, a=before, b=after)), "a", "b", "md")

    for images, sigmas in ((5, (5,)), (6, (5, 10)), (7, (5, 10, 15, 25))):  # 2/2^images times σ is 0.0625
        text = summary(images, sigmas)
        assert "1 of 1 series have too few images" in text and counts(text)[:2] == (0, 0)
        more = summary(images + 1, sigmas)
        assert "too few images" not in more and counts(more)[:2] == (len(sigmas), 0)


def test_changes_of_rank(tmp_path: Path) -> None:
    before = levels(other=("mine",))
    before["psnr"] = 30.0 + before["variant"].map(
        {"ordinary": 0, "scale": 1, "norm": 2, "wrapped": 3, "other": 4}
    )
    after = before.copy()
    after.loc[where(after, variant="ordinary", dataset="set12", sigma=5), "psnr"] = 32.5
    found = compare(*written(tmp_path, a=before, b=after))
    ranks = found.ranks.set_index("variant")[["rank_a", "rank_b", "of"]].T.to_dict("list")
    assert ranks == {"ordinary": [5, 3, 5], "scale": [4, 5, 5], "norm": [3, 4, 5]}
    assert set(found.ranks["dataset"]) == {"set12"} and set(found.ranks["sigma"]) == {5}


def test_what_only_one_has_is_named_and_not_ranked(tmp_path: Path) -> None:
    table = levels(other=("mine",))
    table.loc[where(table, variant="other"), "psnr"] = 99.0  # best of all, but only in B
    a, b = written(tmp_path, a=table[table["variant"] != "other"], b=table[table["sigma"] != 5])
    found = compare(a, b)
    assert set(found.only_a["sigma"]) == {5.0} and found.only_a["count"].sum() == 36
    assert set(found.only_b["network"]) == {"mine"} and found.only_b["count"].tolist() == [4, 5]
    assert found.measurements == found.unchanged == 36 and found.ranks.empty
    text = render(found, "a", "b", "md")
    assert "36 measurements only in A" in text and "**Only in B**" in text
    assert "| mine | – | Set12 | 25 | 4 |" in text


def test_images_in_common_are_compared(tmp_path: Path) -> None:
    before, after = levels(), levels()
    after["psnr"] += 1
    before = before[before["image"] != "00"]
    after.loc[where(after, image="00"), "psnr"] = 0
    found = compare(*written(tmp_path, a=before, b=after))
    assert found.changed["mean"].to_numpy() == pytest.approx(1) and set(found.changed["images"]) == {3, 4}
    assert found.only_a.empty and set(found.only_b["count"]) == {1}


def test_tables_over_intervals(tmp_path: Path) -> None:
    before = synthetic.intervals(images={"set12": 3}, pairs=((0, 1), (-1, 1)))
    after = before.copy()
    after.loc[where(after, variant="norm", a=-1), "psnr"] += 0.25
    found = compare(*written(tmp_path, a=before, b=after))
    assert found.kind == "intervals" and found.changed[["a", "b"]].to_numpy().tolist() == [[-1, 1]]
    text = render(found, "a", "b", "md")
    assert "| [−1, 1] |" in text and "0.250 [0.250, 0.250]" in text


def test_other_things_sent_to_a_and_b_are_no_change(tmp_path: Path) -> None:
    table = synthetic.intervals(images=IMAGES)
    a, b = written(tmp_path, a=table, b=table.assign(normalise="minmax"))
    with pytest.raises(NormeqError, match="a.csv has nominal, .*b.csv has minmax"):
        compare(a, b)


def test_ssim_is_compared_too(tmp_path: Path) -> None:
    before = levels()
    after = before.copy()
    here = where(after, variant="norm", dataset="bsd68", sigma=25)
    after.loc[here, "ssim"] -= 0.25
    found = compare(*written(tmp_path, a=before, b=after))
    assert found.measurements - found.unchanged == here.sum() and len(found.changed) == 1
    row = found.changed.iloc[0]
    assert (row["quantity"], row["variant"], row["mean"]) == ("ssim", "norm", pytest.approx(-0.25))
    text = render(found, "a", "b", "md")
    assert f"| {row['mean_a']:.4f} | {row['mean_b']:.4f} | −0.2500 [−0.2500, −0.2500] |" in text
    assert "mean PSNR in dB" not in text and "SSIM: the largest change is −0.2500 (" in text


def test_ssim_has_a_paired_interval(tmp_path: Path) -> None:
    before = levels()
    after = before.copy()
    here = where(after, variant="norm", dataset="bsd68", sigma=25)
    change = np.array([0.01, 0.02, -0.005, 0.03, 0.01])
    after.loc[here, "ssim"] += change
    after.loc[here, "psnr"] -= 1
    found = compare(*written(tmp_path, a=before, b=after))
    assert found.moved == 1 and found.changed["quantity"].tolist() == ["psnr", "ssim"]
    row = found.changed.iloc[1]
    by_hand = stats.ttest_1samp(change, 0)  # five images are few
    low, high = by_hand.confidence_interval(0.95)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((change.mean(), low, high))
    shown = f"{row['mean']:.4f} [{low:.4f}, {high:.4f}]".replace("-", "−")
    text = render(found, "a", "b", "md")
    assert shown in text and "−1.000 [−1.000, −1.000]" in text
    assert "95 % interval over images" in text and "bootstrap" not in text


@pytest.mark.parametrize("kind", ["heatmap", "tuning", "protocols"])
def test_the_other_long_tables(tmp_path: Path, kind: str) -> None:
    before = pd.read_csv(ROOT / f"results/compact/{kind}.csv", dtype={"image": str})
    after = before.copy()
    condition = [c for c in ("tuning", "scale", "shift", "protocol") if c in before]
    last = before.iloc[-1][["network", "variant", "dataset", "sigma", *condition]].to_dict()
    changed = where(before, **last)
    after.loc[changed, "psnr"] += 0.125
    found = compare(*written(tmp_path, a=before, b=after))
    assert found.measurements == len(before) and found.measurements - found.unchanged == changed.sum() > 0
    assert len(found.changed) == 1 and found.changed.iloc[0]["mean"] == pytest.approx(0.125)
    assert condition[0] in render(found, "a", "b", "md")


def test_which_way_it_went(tmp_path: Path) -> None:
    before = synthetic.noise_levels(images={"set12": 7, "bsd68": 8}, sigmas=(5, 25))
    after = before.copy()
    after.loc[where(after, variant="norm", dataset="bsd68", sigma=25), "psnr"] += 0.5
    after.loc[where(after, variant="scale", dataset="set12"), "psnr"] -= [*np.linspace(0.1, 0.4, 7)] * 2
    noise = [-0.01, 0.02, -0.03, 0.02, 0.03, -0.04, 0.01]  # its interval holds zero
    after.loc[where(after, variant="wrapped", dataset="set12", sigma=5), "psnr"] += noise
    text = render(compare(*written(tmp_path, a=before, b=after)), "a", "b", "md")
    assert "B is higher in 1 and lower in 2 of 4 changed conditions" in text
    assert "0.500 dB (fdncnn8x32, normalization-equivariant, BSD68, σ 25)" in text


def test_networks_with_other_names_are_compared(tmp_path: Path) -> None:
    before = levels(networks=("one", "two")).assign(weights="1234abcd")
    after = before.copy()
    after["psnr"] += np.random.default_rng(0).normal(0, 0.1, len(after))
    a, b = written(tmp_path, a=before, b=after)
    expected = compare(a, b)
    names = {"one": "first", "two": "one"}  # the new name of one is the old name of the other
    other = after.assign(network=after["network"].map(names), weights="00000000")
    found = compare(a, *written(tmp_path, c=other), rename=names)
    assert found.measurements == expected.measurements and found.only_a.empty and found.only_b.empty
    changed = found.changed.assign(network=found.changed["network"].map({v: k for k, v in names.items()}))
    pd.testing.assert_frame_equal(changed, expected.changed, check_dtype=False)
    assert found.origins == tuple(f"Network {x} of A is compared with {y} of B." for x, y in names.items())
    one = compare(*written(tmp_path, a=before, c=other), rename={"one": "first"})
    assert set(one.changed["network"]) == {"first"} and len(one.changed) == len(expected.changed) / 2
    assert set(one.only_a["network"]) == {"two"} and set(one.only_b["network"]) == {"one"}


def test_a_renaming_that_fits_no_table_is_refused(tmp_path: Path) -> None:
    a, b = written(tmp_path, a=levels(networks=("one", "two")), b=levels(networks=("two", "three")))
    cases = [
        ({"on": "two"}, r"a\.csv has no network 'on', only one, two"),
        ({"one": "four"}, r"b\.csv has no network 'four', only three, two"),
        ({"one": "two"}, r"a\.csv would then have two networks called 'two'"),
    ]
    for rename, message in cases:
        with pytest.raises(NormeqError, match=message):
            compare(a, b, rename=rename)


def test_other_weights_or_another_protocol_are_told(tmp_path: Path) -> None:
    before = levels().assign(weights="1234abcd", protocol="paper")
    assert compare(*written(tmp_path, a=before, b=before)).origins == ()
    assert compare(*written(tmp_path, a=before, b=levels())).origins == ()  # not known
    after = before.assign(protocol="kair")
    after.loc[where(after, variant="norm"), "weights"] = "00000000"
    text = render(compare(*written(tmp_path, a=before, b=after)), "a", "b", "md")
    assert "Protocols differ: A paper, B kair." in text
    assert "Other weights under the same name: fdncnn8x32/norm, seed 0." in text


def test_another_machine_is_told(tmp_path: Path) -> None:
    before, after = levels().assign(measured_by="CPU; torch 2"), levels().assign(measured_by="GPU; torch 3")
    assert compare(*written(tmp_path, a=before, b=before)).origins == ()
    assert compare(*written(tmp_path, a=before, b=levels())).origins == ()  # not known
    text = render(compare(*written(tmp_path, a=before, b=after)), "a", "b", "md")
    assert "Measured by: A CPU; torch 2, B GPU; torch 3." in text


class Cells(HTMLParser):
    """Text of the cells, and that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.cells = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    before = levels(other=("a<b>",))
    after = before.copy()
    after.loc[where(after, variant="other", dataset="set12", sigma=25), "psnr"] += 1
    a, b = written(tmp_path, a=before, b=after)
    found = compare(a, b)
    page = Cells(render(found, "A", "B", "html"))
    assert not page.open and "1.000 [1.000, 1.000]" in page.cells and "a<b>" in page.cells
    assert r"1.000 [1.000, 1.000] & 0.250 & 4 \\" in render(found, "A", "B", "tex")
    assert "| a<b> | – | Set12 | 25 |" in render(found, "A", "B", "md")
