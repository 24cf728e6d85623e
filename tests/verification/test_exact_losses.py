"""What rows lose to first order, by hand."""

from flint import fmpq
from sharprates.verification.checks.check import exact
from sharprates.verification.exact_losses import last_payments, row_losses, token_laws
from sharprates.verification.strategies import family_experiment


def test_two_copies_of_a_bit() -> None:
    """One pair shares a step with chance 1/K, and agrees then with chance ½: each row loses ½."""
    it = exact(family_experiment("copies:2:2"))
    half = fmpq(1, 2)
    assert row_losses(it.pmf, it.marginal, 2) == [(half, half), (half, half)]
    assert last_payments(it.pmf, it.marginal, 2) == [(half, half), (half, half)]


def test_a_single_token_loses_nothing() -> None:
    it = exact(family_experiment("uniform:1:3"))
    assert {loss for _, loss in row_losses(it.pmf, it.marginal, 3)} == {0}


def test_tokens_have_laws() -> None:
    it = exact(family_experiment("copies:2:3"))
    assert token_laws(it.marginal, 2, 3) == {(0,): [fmpq(1, 3)] * 3, (1,): [fmpq(1, 3)] * 3}
