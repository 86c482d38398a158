"""Building the report: figures, tables, runs, protocol and config on one page that needs no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from normeq import __version__
from normeq.errors import NormeqError
from normeq.files import atomic_path, read_json
from normeq.report.curve import training_curve
from normeq.report.markdown import markdown_to_html, rst_to_html

MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


def write_report(
    out: Path,
    config: Path,
    tables: Sequence[Path],
    figures: Sequence[Path],
    runs: Sequence[Path],
    captions: Path | None = None,
) -> None:
    """Write the page.

    Nothing on it depends on when or where it is made: the same inputs give the same bytes.

    Args:
        out: the HTML file.
        config: ``results/<experiment>/config.yaml``.
        tables: Markdown tables of ``normeq table``.
        figures: SVG or PNG files, embedded as they are.
        runs: run folders.
        captions: folder with ``<table>.rst`` and ``figure_<figure>.rst``.

    Raises:
        NormeqError: an input is missing or cannot be read; it is named.
    """
    settings = yaml.safe_load(_read(config).decode())
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("normeq.report").joinpath("template.html").read_text("utf-8"))
    page = template.render(
        config=settings,
        config_text=config.read_text(encoding="utf-8"),
        figures=[_figure(figure, captions) for figure in figures],
        tables=[markdown_to_html(_read(table).decode()) for table in tables],
        runs=[_run(Path(run)) for run in runs],
        version=__version__,
    )
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _read(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NormeqError(f"report: cannot read {path}: {error.strerror}") from None


def _figure(path: Path, captions: Path | None) -> dict[str, str]:
    if path.suffix not in MEDIA:
        raise NormeqError(f"report: {path} is not a picture ({', '.join(MEDIA)})")
    caption = captions / f"figure_{path.stem}.rst" if captions else None
    return {
        "name": path.stem.replace("_", " "),
        "source": f"data:{MEDIA[path.suffix]};base64,{base64.b64encode(_read(path)).decode()}",
        "caption": rst_to_html(caption.read_text(encoding="utf-8")) if caption and caption.is_file() else "",
    }


def _run(folder: Path) -> dict[str, Any]:
    record = read_json(folder / "run.json")
    try:
        spec, hardware = record["spec"], record["hardware"]
        return {
            "name": folder.name,
            "network": spec["network"]["name"],
            "variant": spec["variant"],
            "sigma": "–".join(f"{s:g}" for s in spec["sigma"])
            if isinstance(spec["sigma"], list)
            else f"{spec['sigma']:g}",
            "seed": spec["seed"],
            "dataset": f"{spec['dataset']} ({record['data']['images']} images)",
            "pixels": f"{record['pixels'] / 1e6:,.0f} million",
            "minutes": f"{record['seconds'] / 60:,.1f} min",
            "hardware": f"{hardware.get('gpu') or hardware['cpu']}, {hardware['threads']} thread(s)",
            "weights": record["weights_sha256"][:12],
            "revision": (record.get("revision") or "unknown")[:12],
            "dirty": str(record.get("revision")).endswith("-dirty"),
            "versions": ", ".join(f"{name} {value}" for name, value in record["versions"].items()),
            "validation": record.get("validation_psnr"),
            "curve": training_curve(folder / "train.jsonl"),
        }
    except (KeyError, TypeError) as error:
        raise NormeqError(f"report: {folder / 'run.json'} is not the record of a run ({error!r})") from None
