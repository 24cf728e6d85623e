from fractions import Fraction

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.policies import P1, P2, P3, P3C, P4, P5, P6, P7, P10, P11, Q1, Q2
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting

POLICY = Setting(length=4, vocabulary=4, sampler="policy", policy="threshold:0.9")
SIZES = {(2, 1, 1): Fraction(1, 2), (4,): Fraction(1, 2)}


def test_the_two_counterexamples_for_more_than_three_tokens() -> None:
    four = {"n": 4, "S": 3, "epsilon": Fraction(1, 2)}
    five = {"n": 5, "S": 2, "epsilon": Fraction(1, 3)}
    assert P3C.value(four, RATIONALS) == Fraction(119, 128)
    assert P3C.value(five, RATIONALS) == Fraction(210, 243)


def test_permutations() -> None:
    """A pair first keeps 3/4, all at once 4!/4⁴ = 3/32."""
    assert P5.value({"sizes": SIZES}, RATIONALS) == 1 - (Fraction(3, 4) + Fraction(3, 32)) / 2
    assert P5.value({"R": Fraction(5, 2), "d": 4}, RATIONALS, variant="rounds") == Fraction(3, 8)
    groups = {"R_max": 1, "S": 2, "d": 6}
    assert P5.value(groups, RATIONALS, variant="groups") == Fraction(7, 8)
    best = {"d": 8, "R_max": 4}
    kept = Fraction(8 * 7 * 6, 8**3) * Fraction(5 * 4, 5**2) * Fraction(3 * 2, 3**2)
    assert P5.value(best, RATIONALS, variant="least-tv") == 1 - kept


def test_shared_symbols_and_walks() -> None:
    assert P7.value({"b": 2, "sizes": SIZES}, RATIONALS) == 1 - Fraction(1, 4) - Fraction(1, 128)
    assert P6.value({"n": 9, "m": 2}, RATIONALS, variant="rounds") == 2 * (3 + 1)
    assert P6.value({"n": 8}, RATIONALS, variant="rounds-one") == 4
    # two bits at once: H(Bin(2, ½)) − log 2 = ½ log 2
    walk = P6.value({"a": (2, 1)}, FLOAT, variant="walk")
    assert walk == pytest.approx(0.34657359, abs=1e-8)


def test_rules() -> None:
    epsilon = Fraction(1, 3)
    assert P10.value({"epsilon": epsilon, "parallel": 1}, RATIONALS) == Fraction(4, 9)
    pairs = {"epsilon": epsilon, "parallel": 2}
    assert P10.value(pairs, RATIONALS, variant="pairs") == 1 - Fraction(25, 81)
    blocks = {"S": 2, "K": 4, "L": 2, "d": 4}
    assert P11.value(blocks, RATIONALS, variant="pairs") == Fraction(7, 16)
    assert P3.value({"n": 3, "epsilon": epsilon}, RATIONALS) == 1


def test_where_they_apply() -> None:
    assert P1.applies(POLICY) is None
    assert P2.applies(Setting(length=4, vocabulary=4)) == "is about policies"
    seeded = Setting(length=4, vocabulary=4, sampler="policy", seeded=True)
    assert P1.applies(seeded) == "needs a policy without a seed"
    assert P1.applies(seeded, "seeds") is None
    assert P2.applies(seeded, "one-token") == "needs one token a round"
    assert P4.applies(POLICY) is None
    capped = Setting(length=4, vocabulary=4, sampler="policy", has_leftover=True)
    assert P2.applies(capped) is None
    assert P1.applies(capped) == P4.applies(capped) == "needs a policy that leaves no mask"
    assert P5.applies(Setting(length=4, vocabulary=2, sampler="policy", family="permutations"))
    assert "bisection" in str(P6.applies(POLICY))
    for claim in (Q1, Q2):
        assert claim.applies(POLICY) == "is about speculation"
        assert claim.applies(Setting(length=4, vocabulary=4, sampler="speculative")) is None
    assert P3C.applies(Setting(length=4, vocabulary=2)) == "is about three tokens"
