"""API pages: one a public module, and docstrings that mean what they say."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import sharprates
from sharpbook import api


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("for |U| = m", r"for \|U\| = m"),
        ("M_a(w) and x_", r"M_a(w) and x\_"),
        ("2 * 3 in `a*b`", r"2 \* 3 in ``a*b``"),
        ("see ``x|y``", "see ``x|y``"),
        ("    * a point", "    * a point"),
        ("", ""),
    ],
)
def test_a_line_is_no_markup(line: str, text: str) -> None:
    assert api.plain(line) == text


@pytest.mark.parametrize(
    ("package", "module"),
    [("theory", "claim"), ("samplers", "step_law"), ("verification", "audit")],
)
def test_every_public_module_is_listed(package: str, module: str) -> None:
    found = api.modules(f"sharprates.{package}")
    assert found == sorted(set(found))
    assert f"sharprates.{package}.{module}" in found


@pytest.mark.parametrize("room", api.ROOMS)
def test_a_room_s_page_lists_each_module_once_with_what_it_is_for(room: str) -> None:
    names = api.modules(f"sharprates.{room}")
    lines = [line for line in api.contents(f"sharprates.{room}") if line.startswith("* ")]
    assert len(lines) == len(names)
    for name in names:
        (line,) = [one for one in lines if f"</{api.page(name)}>`: " in one]
        assert len(line.partition("`: ")[2]) > 10, "a module's docstring says what it is for"


def test_a_page_is_made_for_a_module_and_removed_with_it(tmp_path: Path) -> None:
    old, other = tmp_path / "api" / "samplers" / "no_more.md", tmp_path / "index.md"
    old.parent.mkdir(parents=True)
    old.write_text("")
    other.write_text("")
    excluded = ["_build", "api/samplers/no_more.md"]
    config = SimpleNamespace(external_site_map={"api_theory"}, exclude_patterns=excluded)
    api.write(SimpleNamespace(srcdir=tmp_path), config)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    names = api.modules("sharprates.theory")
    assert made == {"index.md", *(f"{api.page(name)}.md" for name in names)}
    text = (tmp_path / "api" / "theory" / "claim.md").read_text(encoding="utf-8")
    assert "nosearch: true" in text
    assert ".. automodule:: sharprates.theory.claim\n" in text
    assert config.exclude_patterns == ["_build"]


@pytest.mark.parametrize("room", api.ROOMS)
def test_no_source_speaks_of_a_note_that_its_reader_does_not_have(room: str) -> None:
    (package,) = sharprates.__path__
    for path in Path(package, room).rglob("*.py"):
        assert not re.search(r"\b(theory|the) note\b", path.read_text("utf-8")), path
