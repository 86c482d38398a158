"""A variant is one entry of ``nn/variants.py``, which all read that show, tune, train or check one."""

import subprocess
import sys
from pathlib import Path

import pytest

from normeq.nn.variants import VARIANTS

ROOT = Path(__file__).parents[2]

# A sixth variant, registered before anything else of the suite is imported.
SIXTH = """
import sys
from normeq.nn.variants import VARIANTS, Variant
VARIANTS["sixth"] = Variant(
    name="sixth", label="a sixth kind", colour="#123456", marker="h", equivariant_to=("shift",),
    padding="guessed", published_recipe={"steps": 7}, published_names={"Saied2026": "six"},
)
import json, yaml
import pandas as pd
from matplotlib.figure import Figure
from normeq.suite.figures.style import legend, line_styles
from normeq.suite.results.long_tables import VARIANT_ORDER, showing_order
from normeq.suite.results.names import variant_name

table = pd.DataFrame({"network": "n", "variant": ["other", "sixth", "norm"], "train_sigma": "25",
                      "dataset": "set12", "sigma": 25.0})
assert list(showing_order(table)["variant"]) == ["norm", "sixth", "other"]
style = line_styles(table)
look = style["n", "sixth"]
assert (look.label, look.colour, look.marker) == ("a sixth kind", "#123456", "h")
figure = Figure(layout="constrained")
legend(figure, style)
assert "a sixth kind" in [text.get_text() for text in figure.legends[0].get_texts()]

from normeq.suite.tables.matched_noise import _variant
assert _variant("Saied2026", "six") == "a sixth kind (six)"

from normeq.suite.report.markdown import markdown_to_html
from normeq.suite.report.page import write_report
assert 'class="dot sixth"' in markdown_to_html("**T**\\n\\n| denoiser |\\n| --- |\\n| n, a sixth kind |\\n")
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "config.yaml").write_text(json.dumps(
    {"experiment": "x",
     "evaluate": {"noise_levels": {"draws": 1, "images": None, "datasets": [], "sigmas": []}}}
))
write_report(folder / "report.html", folder / "config.yaml", [], [], [])
page = (folder / "report.html").read_text()
assert "--sixth: #123456;" in page and ".dot.sixth { background: var(--sixth); }" in page
assert "guessed (sixth)" in page

from normeq.suite.claims.spec import Claim
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.training.spec import RunSpec
Claim.from_dict({"id": "c", "claim": "c", "kind": "defect", "variant": "sixth", "change": "shift",
                 "bound": "at most", "threshold": 1.0})
assert "torch" not in sys.modules  # none of this needs it

from normeq.suite.experiment.settings import config_schema
schema = yaml.safe_load(config_schema())
config = yaml.safe_load(open("config/default.yaml"))
resolve_config(config | {"variants": ["sixth"]}, schema)  # `make schema` writes it

from normeq.denoisers.open import Denoiser
from normeq.suite.measurements.tuning import settings
denoiser = Denoiser("n", "sixth", "25", "0", "0", None, differentiable=True)
assert {kind for kind, _, _ in settings(denoiser, 50, [2.0], [0.1])} == {"none", "known", "scale"}
run = RunSpec.from_dict({"network": {"name": "n", "architecture": "fdncnn", "depth": 3, "channels": 4},
                         "variant": "sixth", "dataset": "d", "sigma": 25, "seed": 0,
                         "recipe": {"preset": "paper"}})
assert run.recipe.steps == 7
run.build()
"""


def test_a_further_variant_is_one_entry(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SIXTH, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda variant: variant.name)
def test_the_entries_are_complete(variant):
    assert VARIANTS[variant.name] is variant
    assert variant.label and variant.marker and variant.published_recipe
    assert set(variant.tuned) | set(variant.equivariant_to) == {"scale", "shift"}
    assert not set(variant.tuned) & set(variant.equivariant_to)
