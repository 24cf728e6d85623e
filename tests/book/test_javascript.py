"""The printer; its values are compared with Python's in the browser (`check_browser.py`)."""

from __future__ import annotations

import re

import pytest
import sympy
from sharpbook import javascript
from sharpbook.offline import SCRIPTS
from sharprates.theory.functions import Birthday, DistinctSteps
from sharprates.theory.registry import CLAIMS
from sharprates.theory.symbols import constant, symbol

d, K, w = symbol("d"), symbol("K"), symbol("w")
NAMED = (SCRIPTS / "named.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (DistinctSteps(d, w), "N.DistinctSteps(v.d, v.w)"),
        (1 - Birthday(d, K), "1 - N.Birthday(v.d, v.K)"),
        (sympy.binomial(d, 2), "N.binomial(v.d, 2)"),
        (sympy.floor(d / 2), "Math.floor((1/2)*v.d)"),
        (d**2, "Math.pow(v.d, 2)"),
        (sympy.Mod(d, 2), "v.d % 2"),
    ],
)
def test_symbols_are_members_and_named_functions_are_calls(
    expression: sympy.Expr, text: str
) -> None:
    assert javascript.code(expression) == text


FORMS = [
    (name, form)
    for one in (javascript.CURVES, javascript.ANSWERS)
    for name, (form, _) in one.items()
]


@pytest.mark.parametrize(("claim_id", "variant"), [*FORMS, *javascript.POLICIES])
def test_a_curve_is_the_claims_formula_with_numbers_for_constants(
    claim_id: str, variant: str | None
) -> None:
    text = javascript.code(javascript.formula(claim_id, variant))
    assert not any(str(constant(claim_id, c)) in text for c in CLAIMS[claim_id].constants)
    assert set(re.findall(r"v\.(\w+)", text)) == CLAIMS[claim_id].symbols(variant)


def test_every_function_that_is_called_is_there() -> None:
    called = set(re.findall(r"\bN\.(\w+)\(", javascript.script()))
    assert called
    assert called <= set(re.findall(r"^    (\w+): \(", NAMED, re.MULTILINE))


def test_the_panel_of_policies_uses_each_of_its_formulas_and_no_other() -> None:
    panel = (SCRIPTS / "policies.js").read_text(encoding="utf-8")
    used = {a or b for a, b in re.findall(r'\bF(?:\.(\w+)|\["([^"]+)"\])', panel)}
    used |= set(re.findall(r'inBlocks\("\w+", "([^"]+)"', panel))
    assert used == {javascript.name_of(*one) for one in javascript.POLICIES}


def test_nothing_is_left_unprinted() -> None:
    # sympy marks what it cannot print
    assert "Not supported" not in javascript.script()
