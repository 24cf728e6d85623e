import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.claim import Relation
from sharprates.theory.euler_lower import L0, L1, L2, L3, L4, L5, L6, L7, X1
from sharprates.theory.euler_upper import E3
from sharprates.theory.proofs.euler_lower import first_order_by_rows
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.proofs.sampler import (
    permutations_in_groups,
    rows_of_copies,
    rows_of_shared_symbols,
)
from sharprates.theory.setting import Setting


@st.composite
def step_laws(draw: st.DrawFn) -> list[Fraction]:
    parts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    total = max(1, sum(parts) + draw(st.integers(0, 3)))
    return [Fraction(part, total) for part in parts]


@given(step_laws(), st.integers(2, 6), st.integers(2, 4))
def test_every_law_suffers_at_least_this(w: list[Fraction], d: int, S: int) -> None:
    values: dict[str, Any] = {"d": d, "S": S, "b": S, "g": 3, "K": len(w), "w": w}
    for claim in (L1, L3, L6):
        exact = claim.value(values, RATIONALS)
        assert claim.value(values, RATIONALS, variant="every-law") <= exact
        assert exact <= E3.value({**values, "epsilon_w": 0}, RATIONALS)
        assert L0.value(values, RATIONALS) <= exact


@pytest.mark.parametrize("S", [2, 3])
@pytest.mark.parametrize("K", [1, 2, 5])
@pytest.mark.parametrize("d", [2, 4, 5])
def test_equal_steps_attain_the_pair_bound(d: int, K: int, S: int) -> None:
    values: dict[str, Any] = {"d": d, "S": S, "K": K, "w": [Fraction(1, K)] * K}
    exact = L1.value(values, RATIONALS)
    assert L1.value(values, RATIONALS, variant="every-law") == exact
    larger = {"L1.constant": Fraction(101, 100)}
    assert L1.value(values, RATIONALS, larger, "every-law") > exact


def test_two_tokens_by_hand() -> None:
    # two copies in one step: the second agrees with chance 1/S
    values: dict[str, Any] = {"d": 2, "S": 3, "b": 3, "k": 1, "w": [Fraction(1)]}
    for claim in (L1, L2, L3, L4):
        assert claim.value(values, RATIONALS) == Fraction(2, 3)
    # half a chance to be revealed at all
    values["w"] = [Fraction(1, 2)]
    for claim in (L1, L2, L3, L4):
        assert claim.value(values, RATIONALS) == 1 - Fraction(1, 4) / 3


@given(step_laws(), st.integers(1, 5), st.integers(1, 4))
def test_threshold_codes_between_copies_and_free_words(w: list[Fraction], d: int, S: int) -> None:
    values: dict[str, Any] = {"d": d, "S": S, "w": w}
    assert L4.value({**values, "k": 1}, RATIONALS) == L2.value(values, RATIONALS)
    free = L4.value({**values, "k": d}, RATIONALS)
    assert free == L4.value({**values, "k": 0}, RATIONALS) == L0.value(values, RATIONALS)
    if sum(w) == 1:
        parity = L4.value({**values, "k": d - 1}, RATIONALS)
        assert parity == L4.value(values, RATIONALS, variant="parity")
        if d >= 2:
            assert parity == L7.value(values, RATIONALS, variant="parity")


def test_many_symbols_reach_the_supremum() -> None:
    w = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 12)]
    values: dict[str, Any] = {"d": 3, "w": w, "epsilon_w": 0}
    supremum = L3.value(values, RATIONALS, variant="supremum")
    assert supremum == E3.value(values, RATIONALS)
    gaps = [supremum - L3.value({**values, "b": 10**n}, RATIONALS) for n in (1, 2, 3)]
    assert all(0 < gap < Fraction(1, 10**n) for n, gap in enumerate(gaps, start=1))
    assert L3.value({**values, "b": 10**3}, RATIONALS) > supremum * Fraction(99, 100)


def test_uniform_form_at_a_size_that_no_loop_over_steps_reaches() -> None:
    # against E3 from above and L6's argument from below
    values: dict[str, Any] = {"d": 40, "b": 2, "K": 10**7, "epsilon_w": 0}
    found = L3.value(values, FLOAT, variant="equal-steps")
    assert L3.value(values, FLOAT, variant="every-law") < found
    assert found < E3.value(values, FLOAT, variant="equal-steps")
    # to first order one pair shares a step and pays 1/2
    assert found == pytest.approx(math.comb(40, 2) / 10**7 / 2, rel=1e-4)


def test_first_order_constants() -> None:
    assert first_order_by_rows(3, rows_of_copies(3, 2)) == Fraction(3, 4)
    # conjectured to be the largest at (d, S) = (3,3), (4,3); attained
    for d, support in (
        (3, permutations_in_groups(3, 3)),
        (4, [_word(text) for text in ("0122", "1012", "2101", "2210", "1221", "0000")]),
    ):
        c = first_order_by_rows(d, support)
        assert c == X1.value({"d": d, "S": 3}, RATIONALS)
        assert c > X1.value({"d": d, "S": 3}, RATIONALS, {"X1.constant": Fraction(99, 100)})
    # best known at (3, 4), below the conjecture
    c = first_order_by_rows(3, rows_of_shared_symbols(3, 2))
    assert c == Fraction(3, 2) < X1.value({"d": 3, "S": 4}, RATIONALS)


def _word(text: str) -> tuple[int, ...]:
    return tuple(map(int, text))


def test_where_the_coarse_steps_are_matters() -> None:
    # copies, d = 3, S = 2: 200 steps of 1/400 and 10⁴ of 1/20000, in both orders
    coarse, fine = [1 / 400] * 200, [1 / 20000] * 10**4
    for w, expected in ((coarse + fine, 1.1103), (fine + coarse, 0.3897)):
        value = L2.value({"d": 3, "S": 2, "w": w}, FLOAT) / math.fsum(x * x for x in w)
        assert value == pytest.approx(expected, abs=5e-5)


def test_permutations_by_hand() -> None:
    # two tokens, two symbols, one step: they differ with chance 1/2; two such groups
    values: dict[str, Any] = {"d": 4, "S": 2, "w": [Fraction(1)], "g": 2}
    assert L6.value(values, RATIONALS, variant="permutations") == Fraction(3, 4)
    limit = L6.value({"d": 6, "S": 3}, RATIONALS, variant="permutations-limit")
    assert limit == 3 * Fraction(5, 6)


def test_the_uniform_grid_costs_what_the_note_says() -> None:
    d, T = 6, 3.0
    values: dict[str, Any] = {"d": d, "T": T, "S": 2}
    # the factor T/(1−e^{−T}) − T/d over the d/4 per step of equal steps, h = T/K
    cost = L7.value(values, FLOAT, variant="binary") * T / (d / 4)
    assert cost == pytest.approx(T / (1 - math.exp(-T)) - T / d)
    assert L7.value(values, FLOAT) == pytest.approx(15 * (0.5 + math.exp(-T) / (1 - math.exp(-T))))
    data = L7.value({"entropy": 2.0, "last_entropy": 0.5}, FLOAT, variant="data")
    assert data == 0.75


def test_where_they_are_exact_and_where_they_give_a_verdict() -> None:
    plain = Setting(length=4, vocabulary=2)
    for claim in (L1, L2, L3, L4, L6):
        assert claim.relation is Relation.WORST_CASE
        assert claim.attained_by
        assert claim.applies(plain) is None
    for claim in (L1, L3, L6):
        # as a lower bound it is a statement on its family alone
        reason = claim.applies(plain, "every-law")
        assert reason is not None
        assert "no verdict on another q_0" in reason
        own = Setting(length=4, vocabulary=2, family=claim.attained_by[0])
        assert claim.applies(own, "every-law") is None
    assert L4.applies(plain, "parity") is not None
    assert L3.applies(plain, "supremum") is None
    assert L0.applies(plain) is None
    assert L5.applies(plain) == "needs equal steps, w_k = 1/K"
    assert L5.applies(plain, "steps") is None
    grid = Setting(length=4, vocabulary=2, clock="constant", grid="uniform", family="parity")
    assert L7.applies(grid) is None
    assert L7.applies(grid, "binary") is None
    assert X1.applies(Setting(length=4, vocabulary=1)) == "needs S ≥ 2"
