"""Options of cells as authors write them."""

from __future__ import annotations

import yaml
from sharpbook import cells

PAGE = """# Title

:caption: prose stays as it is

```{code-cell}
:tags: [check]
:claims: [E3]

check()
```

```{code-cell}
:tags: [hide-input]
:caption: 'Measured *TV* and {claim}`E3` against $\\alpha$: "it falls".'

:caption: code stays too
```
"""


def test_a_checks_code_is_closed() -> None:
    assert ":tags: [check, hide-input]\n:claims: [E3]\n\ncheck()" in cells.translated(PAGE)


def test_a_solution_is_closed_with_what_it_prints() -> None:
    text = cells.translated("```{code-cell}\n:tags: [solution]\n\n1 + 1\n```\n")
    options = [line[1:] for line in text.splitlines() if line.startswith(":")]
    facts = yaml.safe_load("\n".join(options))
    assert "hide-cell" in facts["tags"]
    assert set(facts["mystnb"].values()) == {"Solution"}


def test_a_caption_makes_a_figure_with_an_alternative_text() -> None:
    (line,) = [x for x in cells.translated(PAGE).splitlines() if x.startswith(":mystnb: ")]
    facts = yaml.safe_load(line[1:])["mystnb"]
    assert (
        facts["figure"]["caption"] == 'Measured *TV* and {claim}`E3` against $\\alpha$: "it falls".'
    )
    assert facts["image"]["alt"] == 'Measured TV and E3 against α: "it falls".'


def test_an_own_alternative_text_is_kept() -> None:
    text = "```{code-cell}\n:caption: 'C'\n:alt: A\n\nx\n```\n"
    (line,) = [x for x in cells.translated(text).splitlines() if x.startswith(":mystnb: ")]
    assert yaml.safe_load(line[1:])["mystnb"]["image"]["alt"] == "A"


def test_all_else_stays() -> None:
    kept = cells.translated(PAGE)
    assert ":caption: prose stays as it is" in kept
    assert ":caption: code stays too" in kept
    plain = "# T\n\n```{code-cell}\n:tags: [hide-input]\n\nx\n```\n"
    assert cells.translated(plain) == plain
