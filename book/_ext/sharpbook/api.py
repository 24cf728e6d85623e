"""``{api} theory``: every public module of a room, from its docstrings."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def modules(package: str) -> list[str]:
    """Full names of a package's public modules, sorted; the package's own file has no API."""
    path = importlib.import_module(package).__path__
    found = pkgutil.walk_packages(path, f"{package}.")
    return sorted(
        one.name for one in found if not any(part.startswith("_") for part in one.name.split("."))
    )


_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_MARKUP = re.compile(r"([|\\]|(?<!^)\*|(?<=\w)_(?!\w))")
"""All but a bullet at the start of a line."""


def plain(line: str) -> str:
    """A docstring's line as reStructuredText that means just what it says.

    Our docstrings are plain text with names in backticks; |U|, * and x_ would be markup.
    """
    indent = line[: len(line) - len(line.lstrip())]
    parts = _CODE.split(line.lstrip())
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"``{part.strip('`')}``"
        else:
            parts[i] = _MARKUP.sub(r"\\\1", part)
    return indent + "".join(parts)


class ApiDirective(SphinxDirective):
    """``{api} PACKAGE``: one section a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Let autodoc describe each module."""
        found: list[nodes.Node] = []
        for name in modules(self.arguments[0]):
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title(name, name)
            # not in the index: a search for a word of the theory finds the theory
            text = ["```{eval-rst}", f".. automodule:: {name}", "   :no-index:", "```"]
            self.state.nested_parse(StringList(text, name), 0, section)
            found.append(section)
        return found


def _process(*event: Any) -> None:
    # (application, kind, name, object, options, lines); Sphinx wants the list changed in place
    lines: list[str] = event[-1]
    lines[:] = map(plain, lines)


def setup(app: Sphinx) -> None:
    """Register the directive; docstrings are read before napoleon sees them (priority 500)."""
    app.add_directive("api", ApiDirective)
    app.connect("autodoc-process-docstring", _process, priority=400)
