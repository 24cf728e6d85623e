"""The numbers of the first page, another way."""

from __future__ import annotations

from pathlib import Path

import pytest
from sharprates.samplers import datasets
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import claim
from studies import front


@pytest.fixture(scope="module")
def pair() -> front.Pair:
    return front.pair()


def test_both_letters_have_their_own_law_and_nothing_else(pair: front.Pair) -> None:
    """Counted from the list of words, without a denoiser."""
    data = datasets.builtin("words4")
    assert data.symbols is not None
    spelt = ["".join(data.symbols[c] for c in row) for row in data.rows.tolist()]
    weight = dict(zip(spelt, data.weights.tolist(), strict=True))
    begun = {word: w for word, w in weight.items() if word[:2] == "th"}
    total = sum(begun.values())
    third = sum(w for word, w in begun.items() if word[2] == "a") / total
    last = sum(w for word, w in begun.items() if word[3] == "s") / total
    assert pair.product["thas"] == pytest.approx(third * last)
    assert pair.joint["that"] == pytest.approx(begun["that"] / total)
    assert sum(pair.joint.values()) == pytest.approx(1)
    assert sum(pair.product.values()) == pytest.approx(1)
    assert 0 < pair.nonsense < pair.tv < 1


def test_the_readme_says_the_same(pair: front.Pair) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert f"{100 * pair.product['thas']:.0f} % of the time that spells" in readme


def test_letters_that_are_not_shown_are_rare(pair: front.Pair) -> None:
    shown = [f"th{a}{b}" for a in front.THIRD for b in front.LAST]
    for law in (pair.joint, pair.product):
        assert sum(law.get(word, 0.0) for word in shown) > 0.95


def test_each_count_is_the_smallest_of_its_claim() -> None:
    """By the claims' formulas in floats, at the count and one step below."""
    divergence, calls = claim("KL2"), front.calls()

    def through_pinsker(steps: int) -> float:
        values = {"d": 1024, "K": steps, "I_bar": FLOAT.log(50257), "W": 1 / steps}
        return float(divergence.value(values, FLOAT, variant="equal-steps-tv"))

    assert through_pinsker(calls.pinsker) <= 0.01 < through_pinsker(calls.pinsker - 1)
    assert calls.exact < calls.needed <= calls.enough < calls.pinsker
    assert claim(calls.needed_by).provenance.derived


def test_numbers_have_groups_of_three_digits() -> None:
    assert front.thousands(1234567) == "1\u202f234\u202f567"
