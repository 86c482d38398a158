"""Building the report: everything an experiment gave, on one page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment

from normeq import __version__
from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.nn.variants import VARIANTS, Variant
from normeq.suite.config.yaml_files import load_yaml
from normeq.suite.report import QUALITY
from normeq.suite.report.claims import claims_to_html
from normeq.suite.report.embed import embed_figure
from normeq.suite.report.headline import headline
from normeq.suite.report.machines import machines
from normeq.suite.report.markdown import markdown_to_html, rst_to_html, title_of
from normeq.suite.report.runs import distinct, run_record
from normeq.suite.report.timings import timings
from normeq.suite.results.names import counted, dataset_name
from normeq.system.files import atomic_path
from normeq.system.seals import warn_of_broken

MAIN = "noise_levels"  # the figure that opens the page


def write_report(
    out: Path,
    config: Path,
    tables: Sequence[Path],
    figures: Sequence[Path],
    runs: Sequence[Path],
    captions: Path | None = None,
    gallery: Sequence[Path] = (),
    noise_levels: Path | None = None,
    intervals: Path | None = None,
    timing: Sequence[Path] = (),
) -> None:
    """Write the page.

    Nothing on it depends on when or where it is made: the same inputs give the same bytes. What is not given
    has no section.

    Args:
        out: the HTML file.
        config: ``results/<experiment>/config.yaml``.
        tables: Markdown tables of ``normeq table``, and ``claims.md``, which stands below the result.
        figures: SVG or PNG files, embedded as they are; the one over noise levels opens the page.
        runs: run folders.
        captions: folder with ``<table>.rst`` and ``figure_<figure>.rst``.
        gallery: parts of ``normeq evaluate gallery``, for the interactive view; needs ``noise_levels``.
        noise_levels, intervals: the long tables, for the headline table.
        timing: see :func:`normeq.suite.report.timings.timings`.

    Raises:
        NormeqError: an input is missing or cannot be read; it is named.
    """
    if gallery and noise_levels is None:
        raise NormeqError("report: --gallery needs --noise-levels, whose numbers it shows")
    if captions and not captions.is_dir():
        raise NormeqError(f"report: no folder of captions {captions}")
    settings = settings_of(config)
    texts = {table.stem: text_of(table) for table in tables}
    claims = texts.pop("claims", None)
    drawn = [_figure(figure, captions) for figure in figures]
    measured = [file for file in (noise_levels, intervals) if file]
    records = [run_record(Path(run)) for run in runs]
    protocol = get_protocol(settings["evaluate"].get("protocol", "paper"))
    shown = _variants(settings, records, texts.values())
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(asset("template.html")).render(
        config=settings,
        config_text=text_of(config),
        glance=_glance(settings, records, claims),
        main=next((figure for figure in drawn if figure["id"] == MAIN), None),
        headline=noise_levels and headline(noise_levels, intervals),
        claims=claims and claims_to_html(claims),
        figures=[figure for figure in drawn if figure["id"] != MAIN],
        tables=[{"name": _spoken(name), "html": markdown_to_html(text)} for name, text in texts.items()],
        runs=records,
        hardware=distinct(records, "hardware"),
        versions=distinct(records, "versions"),
        timings=timings(timing),
        files=[file.name for file in measured],
        machines=machines(measured),
        gallery=_gallery(gallery, noise_levels, intervals),
        protocol=protocol.name,
        card=protocol.card(shown),
        counted=counted,
        quality=QUALITY,
        css=environment.from_string(asset("report.css")).render(variants=shown) + "\n",
        scripts=[asset("tables.js"), *([asset("gallery.js")] if gallery else [])],
        version=__version__,
    )
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def asset(name: str) -> str:
    """A file of this package."""
    return files("normeq.suite.report").joinpath(name).read_text("utf-8")


def _variants(config: dict, runs: Sequence[dict], tables: Iterable[str]) -> list[Variant]:
    """Those that the page speaks of, and ``norm``, whose colour it wears."""
    named = {*config.get("variants", VARIANTS), *(run["variant"] for run in runs), "norm"}
    return [v for v in VARIANTS.values() if v.name in named or any(v.label in text for text in tables)]


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("psnr", "PSNR")


def _glance(config: dict, runs: Sequence[dict], claims: str | None) -> dict[str, str]:
    """What a reader wants to know first, as few words."""
    glance = {"Claims of the paper": title_of(claims).partition(": ")[2]} if claims else {}
    if runs:
        seconds = sum(run["seconds"] for run in runs)
        whole = (round(seconds / 60), "minute") if seconds >= 60 else (round(seconds), "second")
        glance["Trained"] = f"{counted([len(runs)], 'network')}, {counted([whole[0]], whole[1])} in all"
        glance["On"] = "; ".join(distinct(runs, "processor"))
    levels = config["evaluate"]["noise_levels"]
    names = ", ".join(map(dataset_name, levels["datasets"]))
    return glance | {"Measured": f"{names}; {counted([len(levels['sigmas'])], 'noise level')}"}


def _read(path: Path) -> bytes:
    warn_of_broken(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NormeqError(f"report: cannot read {path}: {error.strerror}") from None


def text_of(path: Path) -> str:
    """The text of an input.

    Raises:
        NormeqError: it cannot be read, or is no text.
    """
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        raise NormeqError(f"report: {path} is not text") from None


def settings_of(config: Path) -> dict:
    """The recorded config of an experiment.

    Raises:
        NormeqError: it is none.
    """
    settings = load_yaml(text_of(config), f"report: {config}")
    if not isinstance(settings, dict) or not isinstance(settings.get("evaluate"), dict):
        raise NormeqError(f"report: {config} is no config of an experiment")
    levels = settings["evaluate"].get("noise_levels")
    if not isinstance(levels, dict) or not {"datasets", "sigmas"} <= levels.keys():
        raise NormeqError(f"report: {config} is no config of an experiment")
    return settings


def _gallery(parts: Sequence[Path], noise_levels: Path | None, intervals: Path | None) -> str:
    """JSON that can stand inside ``<script>``; empty without parts."""
    if not parts or noise_levels is None:
        return ""
    from normeq.suite.report.gallery import gallery_data

    data = gallery_data(parts, noise_levels, intervals)
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )


def _figure(path: Path, captions: Path | None) -> dict[str, str]:
    caption = captions / f"figure_{path.stem}.rst" if captions else None
    return {
        "id": path.stem,
        "name": _spoken(path.stem),
        "source": embed_figure(path),
        "caption": rst_to_html(caption.read_text(encoding="utf-8")) if caption and caption.is_file() else "",
    }
