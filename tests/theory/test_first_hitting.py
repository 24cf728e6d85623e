from fractions import Fraction

from sharprates.theory.first_hitting import H1, H2, H3, H4
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting

FHS = Setting(length=3, vocabulary=2, sampler="fhs", family="point-mass")


def test_values() -> None:
    values = {"d": 3, "eta": Fraction(1, 4), "epsilon_FHS": Fraction(1, 5), "epsilon": 2}
    assert H1.value(values, RATIONALS) == 0
    assert H1.value(values, RATIONALS, variant="calls") == 3
    assert H2.value(values, RATIONALS) == Fraction(1, 5)
    assert H3.value(values, RATIONALS) == Fraction(1, 4)
    assert H3.value(values, RATIONALS, variant="spread") == 1 - Fraction(27, 64)
    assert H3.value(values, RATIONALS, variant="spread-error") == Fraction(3, 4)
    assert H4.value(values, RATIONALS) == 2


def test_the_bound_is_attained_so_that_one_percent_less_fails() -> None:
    eta = Fraction(1, 3)
    error = H3.value({"eta": eta}, RATIONALS, variant="error")
    exact = H3.value({"eta": eta}, RATIONALS)
    assert H2.value({"epsilon_FHS": error}, RATIONALS) == exact
    assert H2.value({"epsilon_FHS": error}, RATIONALS, {"H2.constant": Fraction(99, 100)}) < exact


def test_where_they_apply() -> None:
    for claim in (H1, H2, H3):
        assert claim.applies(FHS) is None
        assert claim.applies(Setting(length=3, vocabulary=2)) is not None
    score = Setting(length=3, vocabulary=2, sampler="fhs", normalised=False)
    assert H2.applies(score) == "needs a normalised denoiser"
    assert H2.applies(score, "score") is None
    assert H4.applies(Setting(length=3, vocabulary=1)) == "needs S ≥ 2"
