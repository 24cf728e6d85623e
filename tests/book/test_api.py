"""API pages: all public modules, and docstrings that mean what they say."""

from __future__ import annotations

import pytest
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
