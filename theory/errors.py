"""Errors of the theory; each message is one line and names the remedy."""


class TheoryError(ValueError):
    """A claim or formula was asked for something it cannot give."""


class UnknownClaimError(TheoryError):
    """There is no claim with this id."""
