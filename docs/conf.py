"""The documentation as a site: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

import normeq

project = "normeq"
author = copyright = "normeq contributors"
version = release = normeq.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["rotation.svg"]
html_theme = "furo"
html_title = "normeq"
html_show_sphinx = False
html_show_copyright = False
BLUE = "#0072B2"  # that of the figures
html_theme_options = {"light_css_variables": {"color-brand-primary": BLUE, "color-brand-content": BLUE}}
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of a class are listed once
ROOT = Path(__file__).parents[1]


def link_to_source(app: object, docname: str, source: list[str]) -> None:
    """The pages are read in the repository too, where they link to its files and folders. In the site these
    are named without a link; pages and pictures are linked as they are."""

    def named(match: re.Match[str]) -> str:
        text, target = match.groups()
        inside = (ROOT / "docs" / target.partition("#")[0]).resolve()
        return text if ROOT / "docs" not in inside.parents else match[0]

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\((\.\.?/[^)\s]+)\)", named, source[0])


def escape_bars(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """|d| is an absolute value, no substitution."""
    lines[:] = [re.sub(r"(``.*?``)|\|", lambda m: m[1] or r"\|", line) for line in lines]


def setup(app: object) -> None:
    app.connect("source-read", link_to_source)
    app.connect("autodoc-process-docstring", escape_bars)
