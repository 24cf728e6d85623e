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


WANTED = {
    "plotly": {
        PLOTLY: 400,
        "named.js": 430,
        "formulas.js": 450,
        "sliders.js": 500,
        "interactive.js": 600,
        "policies.js": 650,
    },
    "stepper": {"stepper.js": 600},
}
"""Key in a page's front matter → the scripts that it loads, in this order."""


def _where_used(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Pages say what they need, as in `plotly: true`, a file of 5 MB; no other loads it."""
    meta = context.get("meta") or {}
    for key, scripts in WANTED.items():
        if meta.get(key):
            for name, priority in scripts.items():
                app.add_js_file(name, priority=priority)


def setup(app: Sphinx) -> None:
    """Use the copies."""
    app.config.mathjax_path = MATHJAX
    app.connect("html-page-context", _where_used)
    app.connect("build-finished", _copy)
