"""The published metric of equivariance over noise levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.published import read_published
from normeq.suite.statistics.means import per_image, summarise

KEYS = ["network", "variant", "train_sigma", "device", "dataset", "sigma"]
DTYPE = "float32"


def defect_summary(table: pd.DataFrame, published: Path | None = None) -> pd.DataFrame:
    """Every number of the figure.

    Args:
        table: as :func:`normeq.suite.analysis.certificate.read_certificate` gives it.
        published: folder of published values, or None.

    Returns:
        kind (denoiser, published), network, variant, train_sigma, device, dataset, sigma (8-bit units), value
        (mean relative defect over images and draws, no unit), low, high (95 % interval over images), images,
        seeds, draws (of λ and μ), size, source. Denoisers that refused a range there have no value.

    Raises:
        NormeqError: no draws of the published metric in float32.
    """
    rows = table[(table["kind"] == "published") & (table["dtype"] == DTYPE)]
    if rows.empty:
        raise NormeqError(
            f"no draws of the published metric in {DTYPE}; measure with `normeq certify --published-datasets`"
        )
    if (rows["variant"] != "other").any():  # classical denoisers have no colour of their own
        rows = rows[rows["variant"] != "other"]
    rows = rows.assign(draw=rows.groupby([*KEYS, "image", "seed"]).cumcount())
    refused = rows.groupby(KEYS)["relative"].transform(lambda column: not np.isfinite(column).all())
    images = per_image(rows[~refused.astype(bool)], "relative", KEYS)
    numbers = summarise(images, "relative", KEYS).rename(columns={"mean": "value"}).assign(kind="denoiser")
    numbers["size"] = rows["size"].iloc[0] if "size" in rows else 0
    if published is not None:
        curves = read_published(published, "published_curves.csv")
        curves = curves[curves["metric"] == "NE_defect"]
        theirs = pd.DataFrame(
            {
                "kind": "published",
                "network": curves["architecture"],
                "variant": curves["variant"],
                "train_sigma": curves["train_sigma"],
                "dataset": curves["dataset"].str.lower(),
                "sigma": curves["test_sigma"].astype(float),
                "value": curves["value"],
                "source": curves["source"],
            }
        )
        numbers = pd.concat([numbers, theirs[theirs["dataset"].isin(numbers["dataset"])]], ignore_index=True)
    front = ["kind", *KEYS, "value", "low", "high", "images", "seeds", "draws", "size", "source"]
    return numbers.reindex(columns=front)
