"""Cells of a page as authors write them, in the words of MyST-NB.

`:caption: 'text'` (MyST) makes the figure of a cell a numbered one; its alternative text is
`:alt:`, or the caption without markup. The code of a live check is closed, like hidden input; so
is a `solution`, lines of code with what they print.
"""

from __future__ import annotations

import json
import re

import yaml
from sharprates.verification.plain_text import readable
from sphinx.application import Sphinx

OPTIONS = re.compile(r"^(```\{code-cell\}[^\n]*\n)((?::[^\n]*\n)+)", re.MULTILINE)
OPTION = re.compile(r"^:(caption|alt): (.*)\n", re.MULTILINE)
SOLUTION = """:tags: [solution, hide-cell]
:mystnb: {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
"""
ROLE = re.compile(r"\{[\w:-]+\}`([^`]*)`")


def plain(caption: str) -> str:
    """A caption without markup."""
    return readable(ROLE.sub(r"\1", caption)).replace("*", "").replace("`", "")


def translated(text: str) -> str:
    """A page's source with the options above in MyST-NB's words."""
    return OPTIONS.sub(lambda found: found[1] + _options(found[2]), text)


def _options(options: str) -> str:
    own = {name: yaml.safe_load(text) for name, text in OPTION.findall(options)}
    options = OPTION.sub("", options)
    options = options.replace(":tags: [check]", ":tags: [check, hide-input]")
    options = options.replace(":tags: [solution]\n", SOLUTION)
    if "caption" not in own:
        return options
    facts = {
        "figure": {"caption": own["caption"]},
        "image": {"alt": own.get("alt") or plain(own["caption"])},
    }
    return f"{options}:mystnb: {json.dumps(facts, ensure_ascii=False)}\n"


def _read(_: Sphinx, __: str, source: list[str]) -> None:
    source[0] = translated(source[0])


def setup(app: Sphinx) -> None:
    """Translate each page before it is parsed."""
    app.connect("source-read", _read)
