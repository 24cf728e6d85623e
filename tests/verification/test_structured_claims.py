"""L1–L4 and L6 against the exact TV at any length, which knows no claim.

`samplers.structured` sums over steps with the number of masked tokens as its state; the claims have
closed formulas, evaluated here in balls from the same hazards.
"""

from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.families import structured_tv
from sharprates.samplers.schedule import step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import BALL, ball, interval, precision
from sharprates.verification.exact_law import step_weights

Case = tuple[str, str, dict[str, Any]]


def cases(d: int) -> list[Case]:
    """Family as text, claim, and the values of its formula besides d and w."""
    found: list[Case] = [(f"pairs:{d}:{S}", "L1", {"S": S}) for S in (2, 50257)]
    found += [(f"copies:{d}:{S}", "L2", {"S": S}) for S in (2, 50257)]
    found += [(f"shared-symbols:{d}:{b}", "L3", {"b": b}) for b in (2, 11)]
    found += [(f"mds:{d}:{k}:7", "L4", {"k": k, "S": 7}) for k in {1, (d + 1) // 2, d}]
    found += [(f"groups:{d}:{g}", "L6", {"g": g}) for g in {1, (d + 1) // 2, d}]
    return found


def formula(claim: str, values: dict[str, Any], law: StepLaw, variant: str | None = None) -> float:
    """1 − TV by the claim, to float64 accuracy."""
    with precision(4000):  # 1 − TV may be e^−2000, and is formed from TV
        w = step_weights([ball(r) for r in law.hazards.tolist()])
        value = CLAIMS[claim].value({**values, "w": w}, BALL, variant=variant)
        return interval(1 - value).middle


def agree(found: float, expected: float) -> bool:
    return found == pytest.approx(expected, rel=1e-10, abs=1e-300)


@settings(max_examples=20)
@given(st.integers(1, 9), st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=6))
def test_formulas_agree_with_the_recursion(d: int, r: list[float]) -> None:
    law = StepLaw.from_hazards(torch.tensor(r, dtype=torch.float64))
    for text, claim, values in cases(d):
        expected = formula(claim, {"d": d, **values}, law)
        assert agree(structured_tv(text, law).complement, expected), text


@pytest.mark.parametrize("S", [1, 2, 3, 6])
def test_permutations(S: int) -> None:
    constant = clock("constant")
    law = step_law("euler", constant, grid("uniform", constant, 7, 4.0))
    expected = formula("L6", {"d": 6, "S": S}, law, "permutations")
    assert agree(structured_tv(f"permutations:6:{S}", law).complement, expected)


@pytest.mark.parametrize("d", [64, 301])
@pytest.mark.parametrize("steps", [3, 200])
def test_formulas_that_are_quick_agree_at_length(d: int, steps: int) -> None:
    constant = clock("constant")
    law = step_law("ancestral", constant, grid("uniform", constant, steps, 7.0))
    for text, claim, values in cases(d)[:4]:
        expected = formula(claim, {"d": d, **values}, law)
        assert agree(structured_tv(text, law).complement, expected), text


@pytest.mark.parametrize(("d", "b", "steps"), [(40, 2, 30), (120, 2, 5000), (12, 3, 10**5)])
def test_shared_symbols_at_equal_steps(d: int, b: int, steps: int) -> None:
    """The power-series recurrence of the claim against the contour integral."""
    with precision(600):
        value = CLAIMS["L3"].value({"d": d, "b": b, "K": steps}, BALL, variant="equal-steps")
        tv, complement = interval(value).middle, interval(1 - value).middle
    found = structured_tv(f"shared-symbols:{d}:{b}", StepLaw.equal(steps))
    assert agree(found.tv, tv)
    assert agree(found.complement, complement)


@pytest.mark.parametrize(
    ("text", "claim", "values"),
    [
        ("pairs:8:2", "L1", {"S": 3}),
        ("copies:8:2", "L2", {"S": 3}),
        ("shared-symbols:8:2", "L3", {"b": 3}),
        ("mds:8:4:7", "L4", {"k": 5, "S": 7}),
        ("groups:8:4", "L6", {"g": 3}),
    ],
)
def test_the_comparison_rejects_another_parameter(
    text: str, claim: str, values: dict[str, Any]
) -> None:
    law = StepLaw.from_weights(
        torch.tensor([float(w) for w in (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))])
    )
    assert not agree(structured_tv(text, law).complement, formula(claim, {"d": 8, **values}, law))
