from dataclasses import replace
from fractions import Fraction

import pytest
import sympy
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.errors import TheoryError
from sharprates.theory.hypotheses import Hypothesis
from sharprates.theory.measured import Measured
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting
from sharprates.theory.symbols import constant, symbol

d, K = symbol("d"), symbol("K")
LONG = Hypothesis(lambda it: it.length > 2, "needs d > 2")
WIDE = Hypothesis(lambda it: it.vocabulary > 2, "needs S > 2")

EXAMPLE = Claim(
    id="Z1",
    title="An example",
    statement="",
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=constant("Z1", "half") * d / K,
    constants={"half": sympy.Rational(1, 2)},
    hypotheses=(LONG,),
    variants={
        "wide": Variant(d, Relation.LOWER, hypotheses=(WIDE,)),
        "other": Variant(1 - d, Relation.EQUALITY, Measured.KL, (WIDE,), replaces=True),
    },
)
VALUES = {"d": 3, "K": 5, "unused": None}


def test_value_with_scaled_constants() -> None:
    assert EXAMPLE.value(VALUES, RATIONALS) == Fraction(3, 10)
    scale = {"Z1.half": Fraction(99, 100), "E3.constant": 7}
    assert EXAMPLE.value(VALUES, RATIONALS, scale) == Fraction(297, 1000)
    assert EXAMPLE.value(VALUES, FLOAT, {"Z1.constant": 2.0}) == pytest.approx(0.6)
    assert EXAMPLE.value(VALUES, RATIONALS, {"Z1.constant": 2}, variant="wide") == 6


def test_only_bounds_have_an_overall_factor() -> None:
    assert EXAMPLE.constants == {"constant": 1, "half": Fraction(1, 2)}
    exact = replace(EXAMPLE, constants={}, relation=Relation.EQUALITY, variants={})
    assert exact.constants == {}
    twice = {"Z1.constant": 2}
    assert EXAMPLE.value(VALUES, RATIONALS, twice) == 2 * EXAMPLE.value(VALUES, RATIONALS)
    assert EXAMPLE.value(VALUES, RATIONALS, twice, variant="other") == -2
    again = replace(EXAMPLE, id="Z2", title="the same with another id")
    assert again.constants == EXAMPLE.constants


def test_unknown_constant_and_variant() -> None:
    with pytest.raises(
        TheoryError, match=r"Z1\.third is no constant; Z1 has Z1\.constant, Z1\.half"
    ):
        EXAMPLE.value(VALUES, RATIONALS, {"Z1.third": 2})
    with pytest.raises(TheoryError, match="'narrow': Z1 has wide, other"):
        EXAMPLE.value(VALUES, RATIONALS, variant="narrow")


def test_applies_gives_the_first_reason() -> None:
    short, long = Setting(length=2, vocabulary=2), Setting(length=3, vocabulary=2)
    wide = Setting(length=2, vocabulary=3)
    assert EXAMPLE.applies(short) == "needs d > 2"
    assert EXAMPLE.applies(long) is None
    assert EXAMPLE.applies(long, "wide") == "needs S > 2"
    assert EXAMPLE.applies(wide, "wide") == "needs d > 2"
    assert EXAMPLE.applies(wide, "other") is None  # these hypotheses stand in place of the claim's


def test_symbols_are_the_values_needed() -> None:
    assert EXAMPLE.symbols() == {"d", "K"}
    assert EXAMPLE.symbols("wide") == {"d"}


def test_formula_prints_numbers_for_constants() -> None:
    tv, kl = Measured.TV.value, Measured.KL.value
    assert EXAMPLE.formula() == rf"{tv} \le \frac{{d}}{{2 K}}"
    assert EXAMPLE.formula("wide") == rf"{tv} \ge d"
    assert EXAMPLE.formula("other") == f"{kl} = 1 - d"


def test_provenance() -> None:
    assert Provenance(promises=("A5",)).derived
    assert not Provenance(works=("someone",)).derived
