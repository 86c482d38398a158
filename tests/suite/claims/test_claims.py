"""Verdicts on tables with known answers; the statistics are done again here, directly with SciPy."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from normeq.errors import NormeqError
from normeq.suite.claims.registry import claim_kinds
from normeq.suite.claims.spec import Claim, read_claims
from normeq.suite.claims.table import make
from normeq.suite.claims.verdict import counts_and_values, judge
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.formats.table import latex, markdown
from normeq.suite.statistics.significance import holm, signed_rank
from tests import synthetic
from tests.suite.results.test_published import write
from tests.synthetic_claims import GAIN, LEVEL, LOSS, long_table

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))


def verdicts(
    tmp_path: Path, claim: dict, levels=None, ranges=None, published: Path | None = None
) -> list[dict]:
    levels = long_table({("norm", 50): [30, 31]}) if levels is None else levels
    levels.to_csv(tmp_path / "n.csv", index=False)
    if ranges is not None:
        ranges.to_csv(tmp_path / "i.csv", index=False)
    tables = {"noise_levels": tmp_path / "n.csv"}
    if ranges is not None:
        tables["intervals"] = tmp_path / "i.csv"
    return judge([Claim.from_dict(claim)], tables, published)


def test_a_gain_is_the_mean_of_paired_differences_with_its_interval(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    hard, gain = random.normal(25, 3, 12), random.normal(4, 0.5, 12)
    table = long_table({("ordinary", 50): hard, ("norm", 50): hard + gain}, draws=2, seeds=3)
    (record,) = verdicts(tmp_path, GAIN, table.sample(frac=1, random_state=0))
    other_way = stats.ttest_1samp(gain, 0).confidence_interval(0.95)  # close to it for normal values
    assert record["value"] == pytest.approx(gain.mean())
    assert (record["low"], record["high"]) == pytest.approx(tuple(other_way), abs=0.04)
    assert (record["images"], record["draws"], record["seeds"]) == (12, 2, 3)
    assert record["p_holm"] == pytest.approx(2 / 2**12)  # every difference is positive
    assert record["verdict"] == "reproduced" and record["note"] == ""


@pytest.mark.parametrize(
    ("bound", "threshold", "verdict", "note"),
    [
        ("at least", 1.5, "reproduced", ""),
        ("at least", 2.0, "not reproduced", "straddles"),
        ("at least", 2.5, "not reproduced", "contradicts"),
        ("at most", 2.5, "reproduced", ""),
        ("at most", 2.0, "not reproduced", "straddles"),
        ("at most", 1.5, "not reproduced", "contradicts"),
        ("within", 2.5, "reproduced", ""),
        ("within", 2.0, "not reproduced", "straddles"),
        ("within", 1.5, "not reproduced", "contradicts"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_rule(tmp_path, bound: str, threshold: float, verdict: str, note: str, sign: int) -> None:
    gain = sign * np.linspace(1.7, 2.3, 12)  # mean ±2, interval about ±[1.9, 2.1]
    table = long_table({("ordinary", 50): [25.0] * 12, ("norm", 50): 25 + gain})
    if sign < 0 and bound != "within":  # the mirror image of the same case
        bound, threshold = {"at least": "at most", "at most": "at least"}[bound], -threshold
    (record,) = verdicts(tmp_path, GAIN | {"bound": bound, "threshold": threshold}, table)
    about = "about these weights, not about training again"
    assert record["verdict"] == verdict and record["note"].startswith(about)
    assert note in record["note"] and bool(note) == (record["note"] != about)


def test_p_values_are_corrected_over_all_noise_levels(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    gains = {5: random.normal(0.3, 1, 12), 25: random.normal(0, 1, 12), 50: random.normal(1, 1, 12)}
    psnr = {("ordinary", s): [30.0] * 12 for s in gains} | {("norm", s): 30 + g for s, g in gains.items()}
    raw = {s: stats.wilcoxon(g, alternative="two-sided").pvalue for s, g in gains.items()}
    for sigma in gains:
        (record,) = verdicts(tmp_path, GAIN | {"sigma": sigma}, long_table(psnr))
        order = sorted(raw, key=raw.get)
        expected = max(min(1, (3 - i) * raw[s]) for i, s in enumerate(order[: order.index(sigma) + 1]))
        assert record["p_holm"] == pytest.approx(expected)


def test_holm_on_a_textbook_family() -> None:
    assert holm({1: 0.01, 2: 0.04, 3: 0.03, 4: 0.005}) == pytest.approx({1: 0.03, 2: 0.06, 3: 0.06, 4: 0.02})
    assert holm({1: 0.9, 2: 0.8}) == {1: 1.0, 2: 1.0} and holm({}) == {}
    assert signed_rank([0.0, 0.0]) == 1.0


def interval_table(losses: dict[tuple[float, float], list[float]]) -> pd.DataFrame:
    count = len(next(iter(losses.values())))
    rows = [
        ("net", "scale", 25, 0, "set12", f"{i:02d}", 25.0, a, b, "nominal", 0, 30 + 2 * i - loss)
        for (a, b), each in {(0, 1): [0.0] * count, **losses}.items() for i, loss in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=synthetic.INTERVAL_COLUMNS)


def test_the_worst_interval_and_bounds_that_hold_for_all(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    losses = {(0, 2): random.normal(0.1, 0.1, 20), (10, 11): random.normal(2, 1, 20)}
    (record,) = verdicts(tmp_path, LOSS, ranges=interval_table(losses))
    wide = stats.ttest_1samp(losses[10, 11], 0).confidence_interval(0.975)
    assert record["value"] == pytest.approx(np.mean(losses[10, 11]))
    assert (record["low"], record["high"]) == pytest.approx(tuple(wide), abs=0.06)
    assert record["subject"] == "scale on [10, 11]" and record["sigma"] == 25 and record["p_holm"] is None
    (only,) = verdicts(tmp_path, LOSS | {"intervals": [[0, 2]]}, ranges=interval_table(losses))
    assert only["value"] == pytest.approx(np.mean(losses[0, 2])) and only["verdict"] == "not reproduced"


def test_a_loss_needs_a_seed_and_draw_of_the_unit_interval(tmp_path: Path) -> None:
    table = interval_table({(0, 2): [1.0, 2.0, 3.0], (10, 11): [5.0, 6.0, 7.0]})
    table.loc[table["a"] == 10, "seed"] = 1
    (record,) = verdicts(tmp_path, LOSS, ranges=table)
    assert record["verdict"] == "not tested"
    assert record["note"] == "missing: the interval [0, 1], with a seed and draw of [10, 11]"
    (record,) = verdicts(tmp_path, LOSS | {"intervals": [[0, 2]]}, ranges=table)
    assert record["value"] == pytest.approx(2)


def test_a_gain_on_some_interval_is_not_the_same_picture(tmp_path: Path) -> None:
    losses = {(0, 2): [0.0, 0.001, 0.002], (0, 255): [-0.5, -0.6, -0.7]}
    same = LOSS | {"bound": "within", "threshold": 0.01}
    (record,) = verdicts(tmp_path, same, ranges=interval_table(losses))
    assert (record["verdict"], record["value"]) == ("not reproduced", pytest.approx(-0.6))
    (record,) = verdicts(tmp_path, same | {"intervals": [[0, 2]]}, ranges=interval_table(losses))
    assert (record["verdict"], record["value"]) == ("reproduced", pytest.approx(0.001))


def published(folder: Path, **changes: str) -> Path:
    row = {"paper": "P", "method": "M", "train_sigma": "25", "test_sigma": "25", "dataset": "Set12",
           "metric": "PSNR", "value": "30.0", "source": "x Table 7", "verified": "yes"}  # fmt: skip
    rows = [
        row | changes,
        row | {"dataset": "BSD68", "value": "29"},
        row | {"test_sigma": "50", "value": "27"},
    ]
    folder.mkdir()
    return write(folder, rows)


def test_a_gain_is_that_of_seeds_and_draws_which_both_variants_have(tmp_path: Path) -> None:
    table = long_table({("ordinary", 50): [20, 21, 22], ("norm", 50): [25, 26, 27]}, draws=2, seeds=2)
    (even,) = verdicts(tmp_path, GAIN, table[table["seed"] == table["seed"].iloc[0]])
    lonely = (table["seed"] != table["seed"].iloc[0]) & (table["variant"] == "ordinary")
    uneven = table[(table["seed"] == table["seed"].iloc[0]) | lonely].copy()
    uneven.loc[lonely, "psnr"] -= 9
    (record,) = verdicts(tmp_path, GAIN, uneven)
    assert record == even and record["seeds"] == 1
    apart = table[(table["variant"] == "norm") == (table["seed"] == table["seed"].iloc[0])]
    (record,) = verdicts(tmp_path, GAIN, apart)
    assert record["verdict"] == "not tested" and "common seed" in record["note"]


def test_a_level_is_compared_with_the_verified_value_on_the_same_images(tmp_path: Path) -> None:
    images = [28.0, 30.0, 32.15]  # mean 30.05; their spread is no source of chance
    (record,) = verdicts(
        tmp_path, LEVEL, long_table({("norm", 25): images}), published=published(tmp_path / "p")
    )
    assert record["value"] == pytest.approx(0.05) and record["published"] == 30 and record["low"] is None
    assert record["verdict"] == "reproduced" and "no interval" in record["note"]
    two = long_table({("norm", 25): images}, seeds=2, draws=2)  # too few to know their spread by
    (record,) = verdicts(tmp_path, LEVEL, two, published=tmp_path / "p")
    assert record["low"] is None and record["verdict"] == "reproduced" and record["seeds"] == 2
    table = long_table({("norm", 25): images}, seeds=3)  # seeds 0.01 apart
    (record,) = verdicts(tmp_path, LEVEL, table, published=tmp_path / "p")
    means = 30.05 + np.array([-0.01, 0, 0.01])
    by_hand = stats.t.interval(0.95, 2, loc=means.mean() - 30, scale=stats.sem(means))
    assert (record["low"], record["high"]) == pytest.approx(by_hand) and record["verdict"] == "reproduced"
    (record,) = verdicts(tmp_path, LEVEL | {"threshold": 0.06}, table, published=tmp_path / "p")
    assert record["verdict"] == "not reproduced" and "straddles" in record["note"]


def test_a_level_of_a_network_trained_on_a_range(tmp_path: Path) -> None:
    table = long_table({("norm", 25): [30.0, 30.1]}).assign(train_sigma="1-50")
    claim = LEVEL | {"train_sigma": [1, 50], "published": LEVEL["published"] | {"train_sigma": "0-75"}}
    (record,) = verdicts(tmp_path, claim, table, published=published(tmp_path / "p", train_sigma="0-75"))
    assert record["value"] == pytest.approx(0.05) and record["train_sigma"] == "1-50"
    (record,) = verdicts(tmp_path, claim, table, published=published(tmp_path / "q", train_sigma="25"))
    assert record["verdict"] == "not tested"


def test_only_verified_and_unambiguous_published_values(tmp_path: Path) -> None:
    table = long_table({("norm", 25): [30.0, 30.0]})
    (record,) = verdicts(tmp_path, LEVEL, table, published=published(tmp_path / "a", verified="no"))
    assert record["verdict"] == "not tested" and "verified value of P M" in record["note"]
    (record,) = verdicts(tmp_path, LEVEL, table)
    assert record["verdict"] == "not tested" and "--published" in record["note"]
    folder = published(tmp_path / "b")
    file = folder / "published_psnr.csv"
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    second = rows.iloc[[0]].assign(value="30.4", source="x Table 1")
    pd.concat([rows, second]).to_csv(file, index=False)
    with pytest.raises(NormeqError, match=r"published\.source: 30 \(x Table 7\); 30\.4 \(x Table 1\)"):
        verdicts(tmp_path, LEVEL, table, published=folder)
    named = LEVEL | {"published": {"paper": "P", "method": "M", "source": "Table 1"}}
    assert verdicts(tmp_path, named, table, published=folder)[0]["value"] == pytest.approx(-0.4)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"over": "wrapped"}, "wrapped"),
        ({"sigma": 75}, "σ = 75"),
        ({"datasets": ["bsd68"]}, "norm and ordinary"),
        ({"network": "big"}, "norm and ordinary"),
        ({"train_sigma": [5, 50]}, "norm and ordinary"),
    ],
)
def test_what_is_absent_is_not_tested_and_named(tmp_path: Path, change: dict, why: str) -> None:
    table = long_table({("ordinary", 50): [25, 26], ("norm", 50): [30, 31.5]})
    (record,) = verdicts(tmp_path, GAIN | change, table)
    assert record["verdict"] == "not tested" and why in record["note"]
    assert record["value"] is record["low"] is record["p_holm"] is None


def test_other_ways_of_not_being_tested(tmp_path: Path) -> None:
    one = long_table({("ordinary", 50): [25], ("norm", 50): [30]})
    assert verdicts(tmp_path, GAIN, one)[0]["verdict"] == "not tested"  # one image has no interval
    assert verdicts(tmp_path, LOSS)[0]["verdict"] == "not tested"  # no table of intervals
    ranges = interval_table({(0, 2): [1.0, 2.0]})
    (record,) = verdicts(tmp_path, LOSS | {"intervals": [[0, 2], [-1, 1]]}, ranges=ranges)
    assert record["verdict"] == "not tested" and "[−1, 1]" in record["note"]


def test_a_verdict_for_each_network_and_training_level(tmp_path: Path) -> None:
    table = long_table({("ordinary", 50): [25, 26], ("norm", 50): [30, 31.5]})
    both = pd.concat([table, table.assign(network="big"), table.assign(train_sigma=10)])
    assert {r["network"] for r in verdicts(tmp_path, GAIN, both)} == {"net", "big"}
    every = {key: value for key, value in GAIN.items() if key != "train_sigma"}
    assert {r["train_sigma"] for r in verdicts(tmp_path, every, both)} == {"10", "25"}
    assert len(verdicts(tmp_path, every | {"network": "big"}, both)) == 1


# --- the config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ofx": 1}, "unknown key 'ofx'"),
        ({"variant": "norm"}, "unknown key 'variant'"),
        ({"kind": "gian"}, "'gian' is not one of"),
        ({"kind": ["gain"]}, "gain.* is not one of"),
        ({"datasets": "set12"}, "set12"),
        ({"of": "affine"}, "'affine' is not one of"),
        ({"bound": "above"}, "'above' is not one of"),
        ({"threshold": "much"}, "much"),
        ({"sigma": None}, "'sigma' is missing"),
        ({"stated": "later"}, "'later' is not one of before, after"),
    ],
)
def test_schema_and_package_refuse_the_same_mistakes(change: dict, message: str) -> None:
    entry = {key: value for key, value in (GAIN | change).items() if value is not None}
    config = yaml.safe_load((ROOT / "config/default.yaml").read_text(encoding="utf-8")) | {"claims": [entry]}
    for read in (lambda: resolve_config(config, SCHEMA), lambda: Claim.from_dict(entry)):
        with pytest.raises(NormeqError, match=message) as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["default", "compact", "paper"])
def test_the_claims_of_the_configs_can_be_tested(tmp_path: Path, name: str) -> None:
    """On a table with what the config measures every claim finds its data, also its published values."""
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8"))
    resolve_config(config, SCHEMA)
    images = dict.fromkeys(config["evaluate"]["noise_levels"]["datasets"], 3)
    levels, ranges = config["evaluate"]["noise_levels"], config["evaluate"]["intervals"]
    tables = {"noise_levels": tmp_path / "n.csv", "intervals": tmp_path / "i.csv"}
    made = [], []
    for network in config["networks"]:
        if network.get("missing") == "skip":
            continue
        [trained] = network.get("sigmas", config["train"]["sigmas"])
        label = {"train_sigma": "{}-{}".format(*trained) if isinstance(trained, list) else trained}
        named = (network["name"],)
        made[0].append(synthetic.noise_levels(named, images=images, sigmas=levels["sigmas"]).assign(**label))
        made[1].append(synthetic.intervals(named, images=images, pairs=ranges["intervals"]).assign(**label))
    for path, parts in zip(tables.values(), made, strict=True):
        pd.concat(parts).to_csv(path, index=False)
    claims = read_claims(ROOT / f"config/{name}.yaml")
    network = config["networks"][0]["name"]
    for kind in claim_kinds().values():
        if kind.measurement not in tables:
            test = import_module(f"tests.suite.claims.kinds.test_{kind.name}")
            path = tmp_path / f"{kind.measurement}.csv"
            tables[kind.measurement] = test.made_up(path, network, images)
    records = judge(claims, tables, ROOT / "data/published")
    assert {record["id"] for record in records} == {claim.id for claim in claims} and claims
    assert not [record for record in records if record["verdict"] == "not tested"]


def test_table_and_metrics_tell_denoisers_apart(tmp_path: Path) -> None:
    table = long_table({("ordinary", 50): [25, 26], ("norm", 50): [30, 31.5]})
    records = verdicts(tmp_path, GAIN, pd.concat([table, table.assign(network="big")]))
    assert set(make(records).shown["denoiser"]) == {"net, trained at 25", "big, trained at 25"}
    assert counts_and_values(records)["value_db"]["set12"]["big"]["sigma25"]["gain"] == pytest.approx(5.25)


def test_what_was_stated_after_results_is_marked_and_counted_apart(tmp_path: Path) -> None:
    levels = long_table({("ordinary", 50): [25, 26, 27], ("norm", 50): [30, 31.5, 32.5]})
    levels.to_csv(tmp_path / "n.csv", index=False)
    far, late = GAIN | {"threshold": 9}, GAIN | {"claim": "so it was", "stated": "after"}

    def table(*entries):
        return make(
            judge([Claim.from_dict(entry) for entry in entries], {"noise_levels": tmp_path / "n.csv"})
        )

    both = table(far, late, GAIN)
    assert both.numbers["stated"].tolist() == ["before", "after", "before"]
    assert [text.endswith(" †") for text in both.shown["claim"]] == [False, True, False]
    assert both.title.endswith(": 2 of 3 reproduced (1 of the 2 stated before the results), 1 not reproduced")
    assert "†" in both.notes[0] and r"so it was $\dagger$ &" in latex(both)
    assert table(late).title.endswith(": 1 of 1 reproduced (none stated before the results)")
    assert "†" not in markdown(table(far, GAIN)) and "stated" not in table(far, GAIN).title
