"""What a proof is. Each one runs, with its mutant, among its claim's checks: test_claims.py."""

import pytest
import sympy
from sharprates.theory.errors import TheoryError
from sharprates.theory.proofs import PROOFS, proofs_of
from sharprates.theory.proofs.proof import Polynomials, Proof, nonnegative_for_positive
from sharprates.theory.registry import CLAIMS


def test_verify_wants_the_claim_true_and_the_mutant_false() -> None:
    Proof("E3", "true", "false", lambda broken: [True, not broken]).verify()
    with pytest.raises(TheoryError, match="E3: not so: something"):
        Proof("E3", "something", "", lambda _: [True, False]).verify()
    with pytest.raises(TheoryError, match="cannot tell it from: a mutant"):
        Proof("E3", "", "a mutant", lambda _: [True]).verify()


def test_proofs_belong_to_claims() -> None:
    assert {proof.claim for proof in PROOFS} <= CLAIMS.keys()
    assert len(proofs_of("S2")) == 2
    assert proofs_of("E1") == ()


def test_derivative_criterion() -> None:
    x = sympy.Symbol("x", positive=True)
    assert nonnegative_for_positive(sympy.exp(x) - 1 - x, x, 2)
    assert not nonnegative_for_positive(sympy.exp(x) - 1 - sympy.Rational(101, 100) * x, x, 2)
    assert not nonnegative_for_positive(sympy.sin(x), x, 1)


def test_polynomials_refuse_to_be_compared() -> None:
    arithmetic = Polynomials("x")
    (x,) = arithmetic.variables
    assert (x + 1) ** 2 == x**2 + 2 * x + arithmetic.rational(1)
    with pytest.raises(TheoryError, match="no order"):
        arithmetic.maximum(x, arithmetic.rational(0))
