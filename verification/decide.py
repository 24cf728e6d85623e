"""A claim is decided: both sides on one experiment, precise enough to tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification.arithmetic import Interval, interval, precision
from sharprates.verification.quantities.base import Quantities
from sharprates.verification.verdict import Verdict, compare

PRECISIONS = (128, 512, 2048)
"""Bits of the balls, in the order in which they are tried until the sides are told apart."""

Side = tuple[Interval, Interval]
"""What was measured, and the bound."""

Scale = Mapping[str, Fraction]
"""Full name of a constant, e.g. ``E3.constant`` → factor on it."""


@dataclass(frozen=True)
class Decision:
    """A claim beside what was measured; an identity may compare several pairs of numbers at once.

    Attributes:
        relation: upper, lower or equality.
        sides: measured and bound, one pair or more.
    """

    relation: Relation
    sides: tuple[Side, ...]

    @cached_property
    def verdict(self) -> Verdict:
        """FAILS if any pair fails, else UNDECIDED if any is."""
        verdicts = {compare(self.relation, measured, bound) for measured, bound in self.sides}
        for verdict in (Verdict.FAILS, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.HOLDS

    @property
    def settled(self) -> bool:
        """Whether more bits would change nothing: all points, or all told apart."""
        return all(
            (measured.lower == measured.upper and bound.lower == bound.upper)
            or measured.upper < bound.lower
            or bound.upper < measured.lower
            for measured, bound in self.sides
        )

    @cached_property
    def side(self) -> Side:
        """The pair that is nearest to failing, or fails worst."""
        return max(self.sides, key=lambda side: strain(self.relation, side))

    @property
    def measured(self) -> Interval:
        """The left side of `side`."""
        return self.side[0]

    @property
    def bound(self) -> Interval:
        """The right side of `side`."""
        return self.side[1]

    @property
    def ratio(self) -> float | None:
        """Measured over bound at `side`, as far as it is proved; see `quotient`."""
        return quotient(self.relation, self.side)

    @property
    def strain(self) -> float:
        """See `strain`."""
        return strain(self.relation, self.side)

    @property
    def text(self) -> str:
        """Measured and bound at `side`: fractions where exact and short, else decimals."""
        return " against ".join(map(_shown, self.side))


def _shown(value: Interval) -> str:
    if value.lower == math.inf:
        return "∞"
    if value.lower == value.upper and len(text := str(Fraction(value.lower))) <= 40:
        return text if "/" not in text else f"{text} = {value.middle:.6g}"
    return f"{value.middle:.12g}"


def quotient(relation: Relation, side: Side) -> float | None:
    """Measured over bound, from the ends that are farther from failing; None if the bound is 0.

    So a ratio of 1 is a proof that the bound is attained, up to rounding of the quotient itself.
    """
    measured, bound = side
    if relation is Relation.UPPER:
        top, low = max(measured.lower, 0), bound.upper
    elif relation is Relation.LOWER:
        top, low = measured.upper, bound.lower
    else:
        overlap = measured.lower <= bound.upper and bound.lower <= measured.upper
        if overlap and measured.width + bound.width >= 1e-6 * abs(bound.middle):
            return 1.0  # equal as far as is known, both 0 included
        top, low = measured.middle, bound.middle
    if low == 0 or math.isinf(top) or math.isinf(low):
        return None
    return float(Fraction(top) / Fraction(low))


def strain(relation: Relation, side: Side) -> float:
    """How near a pair is to failing: 0 far, 1 attained, above 1 failed; of equality |ratio − 1|."""
    ratio = quotient(relation, side)
    if relation is Relation.UPPER:
        return 0.0 if ratio is None else ratio
    if relation is Relation.LOWER:
        return 0.0 if ratio is None else math.inf if ratio == 0 else 1 / ratio
    return math.inf if ratio is None else abs(ratio - 1)


def decision_of(relation: Relation, sides: Iterable[tuple[Number, Number]]) -> Decision:
    """A decision from numbers of any arithmetic.

    Raises:
        ArithmeticError: if a ball is not finite; it says nothing then.
    """
    return Decision(relation, tuple((interval(left), interval(right)) for left, right in sides))


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


def check_scale(scale: Scale, claims: Iterable[str] | None = None) -> None:
    """Refuse a constant that no claim has, and a factor that is not positive.

    Args:
        scale: factors on constants.
        claims: ids of the only claims that are run; all by default.

    Raises:
        InputError: naming the constants that there are, or the factor.
        TheoryError: for an unknown claim.
    """
    for name, factor in scale.items():
        if factor <= 0:
            raise InputError(f"scale: {name} needs a positive factor, got {factor}")
        claim = claim_of(name.split(".")[0])
        if name not in {f"{claim.id}.{constant}" for constant in claim.constants}:
            known = ", ".join(f"{claim.id}.{c}" for c in claim.constants) or "no constant"
            raise InputError(f"scale: {name!r} is unknown: {claim.id} has {known}")
        if claims is not None and claim.id not in claims:
            raise InputError(f"scale: {name} is no constant of the claims {', '.join(claims)}")


def failing_factor(
    fails: Callable[[Fraction], bool], holding: Fraction, failing: Fraction, halvings: int = 24
) -> tuple[Fraction, Fraction] | None:
    """Between which factors on a constant a bound begins to fail, by bisection.

    Args:
        fails: whether the bound with the constant multiplied by a factor fails.
        holding: a factor at which it holds, or is taken to.
        failing: a factor at which it may fail: smaller for an upper bound, larger for a lower one.
        halvings: of the distance between the two.

    Returns:
        The last factor that holds and the next one that fails; None if none fails.
    """
    if not fails(failing):
        return None
    for _ in range(halvings):
        middle = (holding + failing) / 2
        holding, failing = (holding, middle) if fails(middle) else (middle, failing)
    return holding, failing
