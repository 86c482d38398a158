"""Claims on what one variant is better by than another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.suite.claims.measured import Measured, Missing, about_training, repeats
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant
from normeq.suite.measuring.settings import Datasets, Sigma

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=10, reads="noise_levels.csv", needs_interval=True)


class Stated(Claim):
    """PSNR of one variant minus that of another on the same noisy images, same network, training and test
    noise level."""

    kind: Literal["gain"]
    datasets: Datasets
    of: Annotated[Variant, Field(description="The variant that gains.")]
    over: Annotated[Variant, Field(description="The variant that it is compared with.")]
    sigma: Sigma

    @property
    def variants(self) -> tuple[str, ...]:
        """The two that are compared."""
        return self.of, self.over

    @property
    def subject(self) -> str:
        """Such as ``norm − ordinary``."""
        return f"{self.of} − {self.over}"


def check(claim: Stated, config: Any, networks: Any, fail: Any) -> None:
    """Refuse the comparison of a variant with itself."""
    if claim.of == claim.over:
        fail("over", f"{claim.over} is compared with itself")


def read(path: Path) -> pd.DataFrame:
    """Read ``noise_levels.csv``, with the data sets without leaked images."""
    from normeq.suite.results.leaks import with_leak_free
    from normeq.suite.results.long_tables import read_noise_levels

    return with_leak_free(read_noise_levels(path))


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Mean over images of the paired differences, at the seeds and draws that both have."""
    from normeq.suite.results.long_tables import MEASUREMENT
    from normeq.suite.statistics.means import over_images_and_seeds, paired, per_image
    from normeq.suite.statistics.significance import holm, signed_rank

    of, over = (rows[rows["variant"] == variant] for variant in claim.variants)
    every = paired(of, over, "psnr", ["sigma", *MEASUREMENT])
    gains = per_image(every, "psnr", ["sigma"])
    here = gains[gains["sigma"] == claim.sigma]
    if here.empty:
        raise Missing(f"σ = {claim.sigma:g} for {' and '.join(claim.variants)}, with a common seed and draw")
    estimate = over_images_and_seeds(every[every["sigma"] == claim.sigma], "psnr")
    family = holm({sigma: signed_rank(group["psnr"]) for sigma, group in gains.groupby("sigma")})
    return Measured(
        estimate.mean, estimate.low, estimate.high, estimate.images, *repeats(here),
        subject=claim.subject, sigma=claim.sigma, p_holm=family[claim.sigma], note=about_training(here),
    )  # fmt: skip
