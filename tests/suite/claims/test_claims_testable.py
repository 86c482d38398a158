"""Claims that no result could decide are refused before anything runs; others are not."""

from pathlib import Path

import pytest
import yaml

from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import read_experiment
from tests.configs import changed
from tests.suite.results.test_published import write

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
TWO = {"datasets": ["set12", "bsd68"]}
CONFIG = {
    "experiment": "e",
    "trained": ["fdncnn-ordinary-sigma25", "fdncnn-norm-sigma25"],
    "networks": [
        {"name": "tiny", "architecture": "fdncnn", "depth": 5, "channels": 16},
        {"name": "told", "architecture": "fdncnn", "depth": 5, "noise_map": True, "sigmas": [[1, 50]]},
    ],
    "variants": ["ordinary", "scale", "norm"],
    "train": {"dataset": "skimage-train", "sigmas": [10, 25], "recipe": {"steps": 1}},
    "evaluate": {
        "noise_levels": TWO | {"sigmas": [5, 25, 50]},
        "intervals": {"datasets": ["set12"], "sigma": 25, "intervals": [[0, 1], [-0.5, 0.5], [0, 255]]},
        "tuning": {"datasets": ["set12"], "sigmas": [75], "scales": [2], "shifts": [0.5]},
        "certificate": {"image": "set12/01", "sigma": 25},
        "filters": {"image": "set12/01", "crop": [0, 0, 24], "sigmas": [25], "pixels": [[8, 8]]},
    },
}
COMMON = {"id": "x", "claim": "so it is", "bound": "at least", "threshold": 0}
GAIN = COMMON | TWO | {"kind": "gain", "of": "norm", "over": "ordinary", "sigma": 50}
LOSS = COMMON | {"kind": "interval_loss", "datasets": ["set12"], "variant": "scale"}
LEVEL = COMMON | TWO | {
    "kind": "level", "variant": "norm", "sigma": 25,
    "published": {"paper": "Saied2026", "method": "NE-arch", "source": "Table 7"},
}  # fmt: skip
TUNING = COMMON | {
    "kind": "tuning_gain", "datasets": ["set12"], "variant": "ordinary", "tuning": "known", "sigma": 75,
}  # fmt: skip
DEFECT = COMMON | {"kind": "defect", "variant": "norm", "change": "joint"}
FILTERS = COMMON | {"kind": "filters", "variant": "norm", "quantity": "sum"}
RANGE = {"train_sigma": [1, 50]}


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def read(claim, **changes):
    """The experiment with a claim that is beyond doubt before this one, and changes such as
    ``evaluate__tuning__sigmas=[5]``."""
    config = CONFIG | {"claims": [DEFECT | {"id": "first", "dtype": "float32"}, claim]}
    return read_experiment(resolve_config(changed(config, **changes), SCHEMA))


@pytest.mark.parametrize(
    "claim",
    [
        GAIN,
        GAIN | {"datasets": ["set12-without-04"], "network": "fdncnn20x64", "train_sigma": 25},
        GAIN | RANGE | {"of": "scale"},
        GAIN | {"bound": "within"},
        GAIN | {"threshold": -0.2},
        LOSS,
        LOSS | {"intervals": [[-0.5, 0.5]], "train_sigma": [25, 25]},
        LEVEL,
        LEVEL | RANGE,
        TUNING,
        TUNING | {"variant": "scale", "tuning": "shift"} | RANGE,
        DEFECT | {"dtype": "tf32", "network": "told"},
        FILTERS,
        FILTERS | {"network": "fdncnn20x64"},
    ],
)
def test_what_is_measured_can_be_claimed(claim):
    assert len(read(claim).config["claims"]) == 2


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (GAIN | {"sigma": 60}, ".sigma: 60 is not in evaluate.noise_levels.sigmas (5, 25, 50)"),
        (TUNING | {"sigma": 25}, ".sigma: 25 is not in evaluate.tuning.sigmas (75)"),
        (LEVEL | {"sigma": 15}, ".sigma: 15 is not in evaluate.noise_levels.sigmas"),
        (
            LEVEL | {"sigma": 50},
            ".sigma: no network of evaluate.noise_levels is trained at 50 (there are 10,",
        ),
        (GAIN | {"train_sigma": 50}, ".train_sigma: no network of evaluate.noise_levels is trained at 50"),
        (GAIN | RANGE | {"network": "tiny"}, "is trained at 1-50 (there are 10, 25)"),
        (
            GAIN | {"network": "fdncnn-norm-sigma25"},
            ".network: 'fdncnn-norm-sigma25' is none of the networks of evaluate.noise_levels "
            "(tiny, told, fdncnn20x64)",
        ),
        (GAIN | {"over": "norm"}, ".over: norm is compared with itself"),
        (GAIN | {"of": "wrapped"}, ".of: none of its networks is wrapped (there are ordinary, scale, norm)"),
        (GAIN | {"over": "wrapped"}, ".over: none of its networks is wrapped"),
        (GAIN | {"of": "scale", "network": "fdncnn20x64"}, "scale (there are ordinary, norm)"),
        (DEFECT | {"variant": "wrapped"}, ".variant: none of its networks is wrapped"),
        (LOSS | {"intervals": [[0, 255], [0, 1]]}, ".intervals[1]: [0, 1] is what others are compared with"),
        (LOSS | {"intervals": [[0, 2]]}, ".intervals[0]: [0, 2] is not in evaluate.intervals.intervals"),
        (GAIN | {"bound": "within", "threshold": -1}, ".threshold: nothing lies within ±-1"),
        (LOSS | {"datasets": ["bsd68"]}, ".datasets: bsd68 is not in evaluate.intervals.datasets (set12)"),
        (TUNING | {"datasets": ["skimage-test"]}, "skimage-test is not in evaluate.tuning.datasets (set12)"),
        (LEVEL | {"published": LEVEL["published"] | {"method": "NE"}}, "no verified value of Saied2026 NE"),
        (LEVEL | {"published": LEVEL["published"] | {"source": "Table 70"}}, ".published: no verified value"),
        (LEVEL | {"datasets": ["set12-without-04"]}, "NE-arch on set12-without-04 at σ = 25"),
        (TUNING | {"variant": "norm"}, ".tuning: known is not tried on norm"),
        (TUNING | {"variant": "scale", "tuning": "scale"}, ".tuning: scale is not tried on scale"),
        (TUNING | RANGE, ".tuning: known needs a network trained at one noise level"),
        (
            FILTERS | {"network": "told"},
            ".network: 'told' is none of the networks of evaluate.filters (tiny,",
        ),
        (FILTERS | {"network": "tiny", "train_sigma": 25}, "is trained at 25 (there are 10)"),
    ],
)
def test_what_could_never_be_tested_is_refused_by_its_key(claim, words):
    with pytest.raises(NormeqError) as caught:
        read(claim)
    message = str(caught.value)
    assert message.startswith("config: claims[1]") and words in message and "\n" not in message


@pytest.mark.parametrize(
    ("claim", "changes", "words"),
    [
        (DEFECT | {"dtype": "float16"}, {"evaluate__certificate__dtypes": ["float32"]}, ".dtype: float16 is"),
        (DEFECT | {"dtype": "tf32"}, {"device": "cpu"}, ".dtype: only a GPU has tf32"),
        (LOSS, {"evaluate__intervals__intervals": [[0, 1]]}, "evaluate.intervals.intervals has only [0, 1]"),
        (LOSS | {"datasets": ["set12-without-04"]}, {"evaluate__intervals__datasets": ["bsd68"]}, "without"),
        (FILTERS | {"network": "tiny"}, {"shown": "trained"}, "none of the networks of evaluate.filters (fd"),
        (
            GAIN | {"network": "fdncnn20x64", "of": "norm", "over": "scale"},
            {"trained": ["fdncnn-norm-sigma25"], "networks": CONFIG["networks"][:1]},
            ".over: none of its networks is scale (there are norm)",
        ),
        (
            GAIN | {"of": "wrapped", "over": "scale"},
            {"trained": ["fdncnn-wrapped-sigma25"]},
            ": no network is both wrapped and scale, with one training level and seed",
        ),
    ],
)
def test_so_is_what_this_config_leaves_out(claim, changes, words):
    with pytest.raises(NormeqError) as caught:
        read(claim, **changes)
    assert str(caught.value).startswith("config: claims[1]") and words in str(caught.value)


def test_claims_need_networks():
    own = {"networks": [], "trained": [], "denoisers": {"mine": "own:denoise"}}
    with pytest.raises(NormeqError, match=r"claims\[0\]: the config has no network for evaluate.certificate"):
        read(GAIN, **own)


def test_networks_may_be_trained_later():
    """None of this config's own are there, and with ``skip`` none is measured."""
    later = {"train__missing": "skip"}
    assert not read(GAIN | {"network": "tiny"}, **later).runs
    # The filters of which network are measured depends on which one is trained first.
    assert not read(FILTERS | {"network": "told"}, **later).runs


def test_published_values_must_be_verified_and_one(tmp_path):
    row = {"paper": "P", "method": "M", "train_sigma": "25", "test_sigma": "25", "dataset": "Set12",
           "metric": "PSNR", "value": "30.0", "source": "x Table 7", "verified": "yes"}  # fmt: skip
    claim = LEVEL | {"datasets": ["set12"], "published": {"paper": "P", "method": "M"}}
    data = tmp_path / "data"
    (data / "published").mkdir(parents=True)
    for file in [ROOT / "data/datasets.yaml", ROOT / "data/files.csv", *(ROOT / "data").glob("*.dvc")]:
        (data / file.name).write_bytes(file.read_bytes())
    for rows, words in (
        (None, "published values not found"),
        ([row | {"verified": "no"}], "no verified value of P M on set12 at σ = 25"),
        (
            [row, row | {"value": "31", "source": "Table 1"}],
            r"several values on set12, give source: 30 \(x Table 7\); 31 \(Table 1\)",
        ),
    ):
        if rows:
            write(data / "published", rows)
        with pytest.raises(NormeqError, match=rf"^config: claims\[1\]\.published: {words}"):
            read(claim, data={"dir": str(data)})
    write(data / "published", [row])
    assert read(claim, data={"dir": str(data)})


@pytest.mark.parametrize("name", ["default", "compact", "paper"])
def test_every_config_passes(name):
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8"))
    assert read_experiment(resolve_config(config, SCHEMA)).config["claims"]
