"""MathJax and plotly from installed packages, so that a page on disk needs no network."""

from __future__ import annotations

import shutil
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MATHJAX = "tex-svg-full.js"
PLOTLY = "plotly.min.js"


def mathjax_file() -> Path:
    """The one file of MathJax that holds all of TeX and draws by SVG, without fonts to fetch."""
    for file in metadata.files("sphinx-mathjax-offline") or []:
        if file.name == MATHJAX:
            return Path(str(file.locate()))
    raise ExtensionError(f"{MATHJAX} is not in sphinx-mathjax-offline: install the book extra")


def plotly_file() -> Path:
    """plotly.js as the plotly package ships it."""
    return Path(str(resources.files("plotly") / "package_data" / PLOTLY))


SCRIPTS = Path(__file__).parent / "scripts"
"""Scripts of single pages; Jupyter Book loads all that lies in `_static` on every page."""


def _copy(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        static = Path(app.outdir) / "_static"
        for script in SCRIPTS.iterdir():
            shutil.copyfile(script, static / script.name)
        shutil.copyfile(mathjax_file(), static / MATHJAX)
        shutil.copyfile(plotly_file(), static / PLOTLY)


def _plotly_where_used(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Pages with `plotly: true` in their front matter load the 5 MB file; no other does."""
    if (context.get("meta") or {}).get("plotly"):
        app.add_js_file(PLOTLY, priority=400)
        app.add_js_file("named.js", priority=430)
        app.add_js_file("formulas.js", priority=450)
        app.add_js_file("interactive.js", priority=600)


def setup(app: Sphinx) -> None:
    """Use the copies."""
    app.config.mathjax_path = MATHJAX
    app.connect("html-page-context", _plotly_where_used)
    app.connect("build-finished", _copy)
