from fractions import Fraction

from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.remasking import R1, R2, R3, R5, R6, R7
from sharprates.theory.setting import Setting

RUN = Setting(length=3, vocabulary=2, sampler="remasking", remasking="0.1")


def test_values() -> None:
    terms = {"E1_initialisation": 1, "E1_score": 2, "E1_parallel": 3, "E1_early_stopping": 4}
    assert R2.value(terms, RATIONALS) == 10
    assert R2.value(terms, RATIONALS, variant="parallel") == 3
    relevant = {"masks_left": 1, "relevant_tv": 2, "relevant_epsilon": 3, "crowded": 5, "d": 7}
    assert R5.value(relevant, RATIONALS) == 6
    assert R5.value(relevant, RATIONALS, variant="shared") == 8
    assert R5.value(relevant, RATIONALS, variant="draws") == 7
    assert [R6.value({"corrections": n}, RATIONALS) for n in (0, 1, 2)] == [
        0,
        Fraction(1, 4),
        Fraction(3, 8),
    ]
    half = {
        "start_tv": 1,
        "corrector_tv": Fraction(1, 8),
        "corrections": 2,
        "kappa": Fraction(1, 2),
    }
    assert R7.value(half, RATIONALS) == Fraction(5, 4)
    assert R7.value(half, RATIONALS, variant="contraction") == Fraction(1, 2)
    for claim in (R1, R3):
        assert claim.value({}, RATIONALS) == 0


def test_the_convention_that_keeps_pairs_wrong() -> None:
    """K = 2: exactly two of four tokens come first with probability 6/16, and half differ."""
    values = {"d": 4, "S": 2, "K": 2}
    assert R7.value(values, RATIONALS, variant="convention") == Fraction(3, 16)
    two = R7.value({**values, "d": 9}, RATIONALS, variant="convention")
    assert two == 1 - Fraction(13, 16) ** 2


def test_where_the_decomposition_applies() -> None:
    assert R2.applies(RUN) is None
    by_confidence = Setting(length=3, vocabulary=2, sampler="remasking", remasking="confidence:1")
    for other in (by_confidence, Setting(length=3, vocabulary=2)):
        assert "mask tokens again" in str(R2.applies(other))
