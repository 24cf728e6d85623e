"""API: one page a public module, from its docstrings; ``{api} PACKAGE`` lists those of a room."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from enum import Enum
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

ROOMS = ("theory", "samplers", "verification")
FOLDER = "api"
"""Of the pages that are written here, below the book's own."""


def modules(package: str) -> list[str]:
    """Full names of a package's public modules, sorted; the package's own file has no API."""
    path = importlib.import_module(package).__path__
    found = pkgutil.walk_packages(path, f"{package}.")
    return sorted(
        one.name
        for one in found
        if not one.ispkg and not any(part.startswith("_") for part in one.name.split("."))
    )


def page(module: str) -> str:
    """Name of a module's page, e.g. ``api/theory/claim``."""
    return "/".join([FOLDER, *module.split(".")[1:]])


def text(module: str) -> str:
    """A module's page. No search finds it: who looks for a word of the theory wants the theory."""
    room = module.split(".")[1]
    return (
        f"---\norphan: true\nnosearch: true\n---\n\n# {module}\n\n"
        f"One module of {{doc}}`API: {room} </api_{room}>`.\n\n"
        f"```{{eval-rst}}\n.. automodule:: {module}\n   :no-index:\n```\n"
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


def contents(package: str) -> list[str]:
    """reStructuredText: the modules of a package, a list a folder, each with its first sentence."""
    lines, folder = [], package
    for name in sorted(modules(package), key=lambda name: (name.rpartition(".")[0], name)):
        above, _, short = name.rpartition(".")
        if above != folder:
            folder = above
            lines += ["", f"**{folder.removeprefix('sharprates.')}**", ""]
        says = inspect.getdoc(importlib.import_module(name)) or ""
        first = " ".join(says.partition("\n\n")[0].split())
        lines.append(f"* :doc:`{short} </{page(name)}>`: {plain(first)}")
    return lines


class ApiDirective(SphinxDirective):
    """``{api} PACKAGE``: its modules, each a link to its page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the list in place."""
        around = nodes.container()
        lines = ["```{eval-rst}", *contents(self.arguments[0]), "```"]
        self.state.nested_parse(StringList(lines, self.arguments[0]), 0, around)
        return [around]


def write(app: Sphinx, config: Config) -> None:
    """Write the modules' pages, and remove those of modules that are no more."""
    wanted = {
        Path(app.srcdir, f"{page(name)}.md"): text(name)
        for room in ROOMS
        if f"api_{room}" in config.external_site_map
        for name in modules(f"sharprates.{room}")
    }
    for path in set(Path(app.srcdir, FOLDER).rglob("*.md")) - set(wanted):
        path.unlink()
    for path, says in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != says:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(says, encoding="utf-8")
    kept = (one for one in config.exclude_patterns if not one.startswith(f"{FOLDER}/"))
    config.exclude_patterns = list(kept)


def _load(_: Sphinx, __: BuildEnvironment, names: list[str]) -> None:
    """Import the modules before Sphinx forks, so that not every process has to."""
    for name in names:
        if name.startswith(f"{FOLDER}/"):
            importlib.import_module(name.replace("/", ".").replace(FOLDER, "sharprates", 1))


def _process(*event: Any) -> None:
    # (application, kind, name, object, options, lines); Sphinx wants the list changed in place
    lines: list[str] = event[-1]
    lines[:] = map(plain, lines)


def _signature(*event: Any) -> tuple[str, str | None] | None:
    # (application, kind, name, object, options, arguments, result)
    shown, arguments, result = event[3], *event[5:7]
    if isinstance(shown, type) and issubclass(shown, Enum):
        return "", None  # that of a function nobody calls
    # what a dataclass makes anew is no python, and Sphinx would set the whole line as it is
    return (arguments.replace("<factory>", "..."), result) if arguments else None


def setup(app: Sphinx) -> None:
    """Register the directive; docstrings are read before napoleon sees them (priority 500)."""
    app.add_directive("api", ApiDirective)
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-process-signature", _signature)
    # after the table of contents is read (900), which excludes every page that it does not list
    app.connect("config-inited", write, priority=950)
    app.connect("env-before-read-docs", _load)
