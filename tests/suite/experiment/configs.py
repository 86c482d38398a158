"""The embedded default without claims and pretrained networks, and experiments that differ from it."""

from pathlib import Path

import yaml

from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import read_experiment
from tests.configs import changed

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config/default.yaml").read_text())
# Without claims, which ask for their own networks and noise levels (tests/test_claims_testable.py).
CONFIG = DEFAULT | {"trained": [], "shown": "all", "claims": []}
RECIPE = CONFIG["train"]["recipe"]


def read(**changes):
    return read_experiment(resolve_config(changed(CONFIG, **changes), SCHEMA))
