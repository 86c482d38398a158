"""The poster on one page to be printed: an experiment's figures in its order, with what they mean."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from jinja2 import Environment

from normeq import __version__
from normeq.errors import NormeqError
from normeq.nn.variants import VARIANTS
from normeq.suite.report import POSTER_FIGURES
from normeq.suite.report.embed import embed_figure
from normeq.suite.report.markdown import title_of
from normeq.suite.report.page import asset, settings_of, text_of
from normeq.system.files import atomic_path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTED = 26  # px of a letter on a sheet of A1


def write_poster(out: Path, config: Path, figures: Path, claims: Path | None = None) -> None:
    """Write the page. The same inputs give the same bytes.

    Args:
        out: the HTML file.
        config: ``results/<experiment>/config.yaml``.
        figures: folder with those of :data:`normeq.suite.report.POSTER_FIGURES` (SVG, and PNG beside it).
        claims: ``claims.md``, whose count is shown.

    Raises:
        NormeqError: an input is missing or cannot be read; it is named.
    """
    settings = settings_of(config)
    missing = [name for name in POSTER_FIGURES if not (figures / f"{name}.svg").is_file()]
    if missing:
        raise NormeqError(
            f"poster: {figures} has no {', '.join(f'{name}.svg' for name in missing)}; the experiment needs "
            "evaluate.interval_pictures and evaluate.filters"
        )
    page = (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(asset("poster.html"))
        .render(
            title=settings.get("title") or settings.get("experiment", ""),
            experiment=settings.get("experiment", ""),
            pictures={name: embed_figure(figures / f"{name}.svg") for name in POSTER_FIGURES},
            claims=claims and title_of(text_of(claims)).partition(": ")[2],
            colours={variant.name: variant.colour for variant in VARIANTS.values()},
            size=PRINTED,
            version=__version__,
        )
    )
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def print_page(page: Path, pdf: Path) -> None:
    """Print a page into a PDF with the Chromium that is installed.

    Raises:
        NormeqError: there is none, or it made nothing.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise NormeqError(f"poster: no Chromium to print with; open {page} in a browser and print it")
    with atomic_path(pdf) as temporary, tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to start for root otherwise; the page is ours
        try:
            done = subprocess.run(  # noqa: S603  (no shell; both paths are one word each)
                [*command, f"--print-to-pdf={temporary.resolve()}", page.resolve().as_uri()],
                capture_output=True, text=True, errors="replace", timeout=120, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NormeqError(f"poster: {browser} printed nothing within two minutes") from None
        if done.returncode or not temporary.is_file() or not temporary.read_bytes().startswith(b"%PDF"):
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise NormeqError(f"poster: {browser} printed nothing: {last}")
