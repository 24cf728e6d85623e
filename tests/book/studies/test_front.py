"""The numbers of the first page, another way."""

from __future__ import annotations

from pathlib import Path

import pytest
from sharprates.samplers import datasets
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import claim
from studies import front

PAIR, CALLS = front.pair(), front.calls()


def test_both_letters_have_their_own_law_and_nothing_else() -> None:
    """Counted from the list of words, without a denoiser."""
    data = datasets.builtin("words4")
    assert data.symbols is not None
    spelt = ["".join(data.symbols[c] for c in row) for row in data.rows.tolist()]
    weight = dict(zip(spelt, data.weights.tolist(), strict=True))
    begun = {word: w for word, w in weight.items() if word[:2] == "th"}
    total = sum(begun.values())
    third = sum(w for word, w in begun.items() if word[2] == "a") / total
    last = sum(w for word, w in begun.items() if word[3] == "s") / total
    assert PAIR.product["thas"] == pytest.approx(third * last)
    assert PAIR.joint["that"] == pytest.approx(begun["that"] / total)
    assert sum(PAIR.joint.values()) == pytest.approx(1)
    assert sum(PAIR.product.values()) == pytest.approx(1)
    assert 0 < PAIR.nonsense < PAIR.tv < 1


def test_the_readme_says_the_same() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert f"{100 * PAIR.product['thas']:.0f} % of the time that spells" in readme


def test_letters_that_are_not_shown_are_rare() -> None:
    shown = [f"th{a}{b}" for a in front.THIRD for b in front.LAST]
    for law in (PAIR.joint, PAIR.product):
        assert sum(law.get(word, 0.0) for word in shown) > 0.95


def test_each_count_is_the_smallest_of_its_claim() -> None:
    """By the claims' formulas in floats, at the count and one step below."""
    divergence = claim("KL2")

    def through_pinsker(steps: int) -> float:
        values = {"d": 1024, "K": steps, "I_bar": FLOAT.log(50257), "W": 1 / steps}
        return float(divergence.value(values, FLOAT, variant="equal-steps-tv"))

    assert through_pinsker(CALLS.pinsker) <= 0.01 < through_pinsker(CALLS.pinsker - 1)
    assert CALLS.exact < CALLS.needed <= CALLS.enough < CALLS.pinsker
    assert claim(CALLS.needed_by).provenance.derived


def test_numbers_have_groups_of_three_digits() -> None:
    assert front.thousands(1234567) == "1\u202f234\u202f567"
