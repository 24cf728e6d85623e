"""Pages as written: each claim has its place, proof and live check; no number is typed in prose."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from sharprates.samplers.clock import clock, grid
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.claim import Kind
from sharprates.theory.registry import CLAIMS

BOOK = Path(__file__).parents[2] / "book"
PAGES = sorted(BOOK.glob("*.md"))
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in PAGES}

CLAIM = re.compile(r"^```\{claim\} (\w+)$", re.MULTILINE)
CELL = re.compile(r"^```\{code-cell\}\n((?::[^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL)


def claims_on(text: str) -> list[str]:
    """Ids of the claims that stand on a page, in order."""
    return CLAIM.findall(text)


def cells(text: str) -> list[tuple[list[str], list[str], str]]:
    """(tags, claims, code) of each cell."""
    found = []
    for options, code in CELL.findall(text):
        facts = yaml.safe_load("\n".join(line[1:] for line in options.splitlines())) or {}
        found.append((facts.get("tags") or [], facts.get("claims") or [], code))
    return found


def compared(code: str) -> set[str]:
    """Ids that a cell's code compares: in `check(id, …)`, or named where an assertion follows."""
    nodes = list(ast.walk(ast.parse(code)))
    called = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "check"
    }
    if any(isinstance(node, ast.Assert) for node in nodes):
        called |= {node.value for node in nodes if isinstance(node, ast.Constant)}
    return {str(one) for one in called}


def checked(text: str) -> set[str]:
    """Claims of which a cell of the page is a live check: it names them and can fail."""
    found = [cell for cell in cells(text) if "check" in cell[0]]
    return {one for _, claims, code in found for one in claims if one in compared(code)}


def unproved(text: str) -> list[str]:
    """Theorems and identities of a page that no proof follows before the next claim."""
    found = []
    parts = CLAIM.split(text)
    for claim_id, after in zip(parts[1::2], parts[2::2], strict=True):
        proved = ":::{prf:proof}" in after or r"$\square$" in after
        if not proved and CLAIMS[claim_id].kind is not Kind.CONJECTURE:
            found.append(claim_id)
    return found


def test_every_claim_stands_on_exactly_one_page() -> None:
    count = Counter(one for text in TEXTS.values() for one in claims_on(text))
    assert count == Counter(list(CLAIMS))


def test_every_claim_has_a_live_check_on_its_page() -> None:
    for name, text in TEXTS.items():
        missing = set(claims_on(text)) - checked(text)
        assert not missing, f"{name}.md has no live check of {missing}"


def test_every_theorem_is_followed_by_its_proof() -> None:
    for name, text in TEXTS.items():
        assert not unproved(text), name


EXERCISES = re.compile(r"^\((ex-[\w-]+)\)=$", re.MULTILINE)


def exercises(text: str) -> dict[str, tuple[int, int, int]]:
    """Label of a section of exercises → how many exercises, solutions and checks it has."""
    parts = EXERCISES.split(text)
    return {
        label: (
            len(re.findall(r"^\*\*\d\. ", after, re.MULTILINE)),
            after.count(":::{dropdown} Solution") + after.count(":tags: [solution]"),
            sum("check" in cell[0] for cell in cells(after)),
        )
        for label, after in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_chapter_has_three_exercises_with_solutions_that_are_checked() -> None:
    found = exercises(TEXTS["exercises"])
    assert set(found.values()) == {(3, 3, 1)}, found
    for name, text in TEXTS.items():
        linked = set(re.findall(r"<(ex-[\w-]+)>", text))
        assert linked <= set(found), name
        assert linked or not claims_on(text), f"{name}.md has no link to its exercises"


def test_the_code_that_a_reader_is_to_copy_runs() -> None:
    linear = clock("linear")
    names: dict[str, Any] = {"clock": linear, "times": grid("uniform", linear, 4, 1.0)}
    for code in re.findall(r"^```python\n(.*?)^```$", TEXTS["extend"], re.MULTILINE | re.DOTALL):
        exec(code, names)
    assert names["MY_CLAIM"].value({"d": 3, "W": 0.125}, FLOAT) == 0.375
    assert names["law"].hazards.tolist() == pytest.approx([1 / 8, 1 / 6, 1 / 4, 1 / 2])


def test_the_table_of_contents_has_every_page_once() -> None:
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert sorted(listed) == sorted(TEXTS)


NOT_PROSE = (
    re.compile(r"\A---\n.*?\n---\n", re.DOTALL),  # front matter
    re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL),  # cells and directives
    re.compile(r"^:::\{prf:proof\}.*?^:::$", re.MULTILINE | re.DOTALL),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$]+\$"),
    re.compile(r"\{[\w:]+\}`[^`]*`"),  # roles: glue, claim, cite
    re.compile(r"`[^`]*`"),
    re.compile(r"arXiv[: ]\d+\.\d+"),
)
DECIMAL = re.compile(r"\d+\.\d+")


def decimals(text: str) -> list[str]:
    """Decimals that are typed in prose, where only a run may put a number."""
    for pattern in NOT_PROSE:
        text = pattern.sub(" ", text)
    return DECIMAL.findall(text)


def test_decimals_in_prose_come_from_a_run() -> None:
    found = {name: decimals(text) for name, text in TEXTS.items()}
    assert not any(found.values()), found


def unshown(text: str) -> list[str]:
    """Captions of figures that their cells draw and never show: the page would have neither."""
    show = ["plt.show()"]  # or a function of the page that ends so
    show += re.findall(r"^def (\w+\()[^\n]*\n(?:(?:    [^\n]*)?\n)*?    plt\.show\(\)$", text, re.M)
    found = ((options, code) for options, code in CELL.findall(text) if ":caption:" in options)
    return [options for options, code in found if not any(call in code for call in show)]


def test_every_figure_that_has_a_caption_is_shown() -> None:
    found = {name: unshown(text) for name, text in TEXTS.items()}
    assert not any(found.values()), found


INSIDE = re.compile(
    r"\bthe note\b|makes? good promise|\bhunt(ed|s)?\b|latest run|\bmakes good\b|\bno secret\b"
    r"|\b[0-9a-f]{9,40}\b|/home/|/root/|/tmp/",
    re.IGNORECASE,
)
"""Words of those who made this, and what only a machine knows."""


def inside(text: str) -> list[str]:
    """What a page says that only its makers understand."""
    return [found[0] for found in INSIDE.finditer(NOT_PROSE[1].sub(" ", text))]


def test_no_page_speaks_to_its_makers() -> None:
    texts = {**TEXTS, **{name: one.statement for name, one in CLAIMS.items()}}
    found = {name: inside(text) for name, text in texts.items() if inside(text)}
    assert not found


SVG = 'xmlns="http://www.w3.org/2000/svg"'
"""The name of a language, which no browser fetches."""


def test_nothing_is_fetched() -> None:
    own = [*PAGES, *BOOK.glob("_static/*"), *BOOK.glob("_ext/**/*.js"), BOOK / "kit.py"]
    for path in own:
        text = path.read_text(encoding="utf-8").replace(SVG, "")
        assert not re.search(r"https?://|//cdn", text), path


# --- each test above would notice -----------------------------------------------------------------

GOOD = """
```{claim} E3
```

:::{prf:proof}
By counting to 0.5. $\\square$
:::

The value is {glue:text}`x:.2f`, below $0.7$.

```{code-cell}
:tags: [check]
:claims: [E3]

check("E3", 0.5, {})
```
"""


def test_a_page_as_it_should_be() -> None:
    assert claims_on(GOOD) == ["E3"]
    assert checked(GOOD) == {"E3"}
    assert not unproved(GOOD)
    assert not decimals(GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":tags: [check]\n", ""),
        (":claims: [E3]\n", ""),
        ('check("E3", 0.5, {})', 'print("E3")'),
        ('check("E3", 0.5, {})', 'check("E5", 0.5, {"E3": 1})'),
        ('check("E3", 0.5, {})', 'formula("E3", d=2)  # check("E3", 0.5, {}); assert'),
    ],
)
def test_a_cell_that_checks_nothing_is_noticed(old: str, new: str) -> None:
    assert checked(GOOD.replace(old, new)) == set()


def test_an_exercise_without_a_solution_is_noticed() -> None:
    one = "(ex-a)=\n## A\n\n**1. By hand.** Why?\n\n:::{dropdown} Solution\nSo.\n:::\n"
    cell = "\n```{code-cell}\n:tags: [check]\n\nassert True\n```\n"
    assert exercises(one + cell) == {"ex-a": (1, 1, 1)}
    assert exercises(one + "\n**2. And this?**\n") == {"ex-a": (2, 1, 0)}


def test_a_missing_proof_is_noticed() -> None:
    assert unproved(GOOD.replace(":::{prf:proof}", "").replace("$\\square$", "")) == ["E3"]


def test_a_figure_that_is_not_shown_is_noticed() -> None:
    drawn = "\n```{code-cell}\n:caption: 'A figure.'\n\nplt.plot([0, 1])\n```\n"
    assert unshown(GOOD + drawn) == [":caption: 'A figure.'\n"]
    assert not unshown(GOOD + drawn.replace("[0, 1])", "[0, 1])\nplt.show()"))


@pytest.mark.parametrize("text", ["every clock of the note", "a hunt", "at commit d9c4e7c12"])
def test_inside_talk_is_noticed(text: str) -> None:
    assert inside(GOOD + text)
    assert not inside(GOOD)


@pytest.mark.parametrize("text", ["The value is 0.25.", "at ε = 0.05 it is", "| 1.5 |"])
def test_a_typed_decimal_is_noticed(text: str) -> None:
    assert decimals(GOOD + text)
