"""A claim is decided: both sides on one experiment, precise enough to tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.verification.arithmetic import precision
from sharprates.verification.quantities.base import Quantities
from sharprates.verification.verdict import Decision, Verdict, decision_of

PRECISIONS = (128, 512, 2048)
"""Bits of the balls, in the order in which they are tried until the sides are told apart."""

Scale = Mapping[str, Fraction]
"""Full name of a constant, e.g. ``E3.constant`` → factor on it."""


T = TypeVar("T")
Q = TypeVar("Q", bound=Quantities)


def at_rising_precision(
    compute: Callable[[], T], decision: Callable[[T], Decision], told_apart: bool = True
) -> T:
    """Compute with more and more bits, until the sides are told apart or are equal to hundreds.

    Args:
        compute: called anew at each precision, which is flint's working precision then.
        decision: that of what was computed.
        told_apart: go on until then; otherwise the first value that says something is taken.

    Raises:
        ArithmeticError: if the last precision gives balls that say nothing.
    """
    for bits in PRECISIONS:
        last = bits == PRECISIONS[-1]
        with precision(bits):
            try:
                value = compute()
            except ArithmeticError:  # a ball that says nothing yet
                if last:
                    raise
                continue
            found = decision(value)
        equal = found.verdict is not Verdict.UNDECIDED and bits > PRECISIONS[0]
        if found.settled or equal or last or not told_apart:
            return value
    raise AssertionError("the last precision returns or raises")


def decide(
    claim: Claim,
    quantities: Callable[[], Q],
    variant: str | None = None,
    scale: Scale | None = None,
    left: Callable[[Q], Number] | None = None,
) -> Decision:
    """Decide a claim on one experiment.

    Args:
        claim: from the registry or a user's own; it need not apply to the experiment's setting. A
            worst-case value is decided as an equality, which it is where its family attains it.
        quantities: makes the numbers of the experiment, in flint's working precision.
        variant: form of the claim.
        scale: factors on its constants.
        left: the left side, where it is a function of a user's own.

    Returns:
        The decision. Sides that the largest precision does not tell apart count as equal, as in
        `verdict.compare`.

    Raises:
        InputError: if the claim needs a value that the quantities do not have.
        ArithmeticError: if a side has no finite value.
    """
    relation = claim.form(variant).relation
    if relation is Relation.WORST_CASE:
        relation = Relation.EQUALITY

    first = quantities()
    check_symbols(claim, variant, first.names())

    def sides(numbers: Q) -> Decision:
        measured = numbers.measured(claim, variant) if left is None else left(numbers)
        return decision_of(relation, [(measured, numbers.bound(claim, scale, variant))])

    if first.rises:
        return at_rising_precision(lambda: sides(quantities()), lambda decision: decision)
    with precision(PRECISIONS[0]):
        decision = sides(first)
        if decision.verdict is Verdict.UNDECIDED:
            finer = first.finer(claim.symbols(variant))
            decision = decision if finer is None else sides(finer)
    return decision


def check_symbols(claim: Claim, variant: str | None, names: Iterable[str]) -> None:
    """Refuse a claim whose formula needs what is not measured.

    Raises:
        InputError: naming what is missing.
    """
    missing = claim.symbols(variant) - set(names)
    if missing:
        raise InputError(
            f"claim {claim.id}: an experiment does not give {', '.join(sorted(missing))}"
        )
