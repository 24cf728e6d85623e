"""A claim of one's own: property checks, certified verdicts, the adversary, and a status.

A user writes a `theory.claim.Claim`, in the symbols of `theory.symbols.MEANINGS` and the functions
of `theory.functions`. That binds its right side. Its left side is one of `theory.measured`, or a
function that `Bound` adds. All instances are exact and small, every verdict is decided in fractions
or balls, and a refutation is a witness file: the smallest failing instance, to be checked by hand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import sympy
from flint import arb, fmpq, fmpz
from hypothesis.strategies import SearchStrategy
from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object, one_line
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import OVERALL, Claim, Kind, Relation
from sharprates.theory.hypotheses import Hypothesis
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.verification import files, strategies, witness
from sharprates.verification.adversary import hunt as adversary
from sharprates.verification.adversary.hunt import Effort, Quest, Shape, Worst
from sharprates.verification.arithmetic import Interval, as_fmpq
from sharprates.verification.checks.check import Check, run_check
from sharprates.verification.checks.trial import COUNTS, Example, Mutant, Trial
from sharprates.verification.decide import check_symbols
from sharprates.verification.evidence import Evidence, Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.base import LEFT_SIDES
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.status import ClaimStatus, Report
from sharprates.verification.verdict import decision_of
from sharprates.verification.witness import LeftSide, Witness

EXAMPLES = 150
"""Instances of the property check."""

SIZES = (Shape(2, 2, 1), Shape(2, 3, 2), Shape(3, 2, 2), Shape(3, 3, 4))
"""At which the adversary attacks a user's claim."""


@dataclass(frozen=True)
class Bound:
    """A claim, and how its left side is measured where that is the user's own.

    Attributes:
        claim: the claim.
        measure: of a claim whose `measured` is `Measured.OWN`: a function from the exact numbers
            (`quantities.exact.ExactQuantities`) to the left side: an int, a Fraction, or a number
            of flint (a float has no error bound).
        variant: form of the claim.
        scale: factors on its constants.
    """

    claim: Claim
    measure: LeftSide | None = None
    variant: str | None = None
    scale: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def left(self) -> LeftSide | None:
        """The left side, if it is the user's own function."""
        return None if self.measure is None else _guarded(self.claim.id, self.measure)

    @property
    def name(self) -> str:
        """Of the left side, in witness files."""
        return witness.name_of(self.claim, self.variant)

    @property
    def quest(self) -> Quest:
        """What the adversary is given."""
        return Quest(self.claim, self.left, self.variant, dict(self.scale))

    @property
    def relation(self) -> Relation:
        """Of its form."""
        return self.claim.form(self.variant).relation

    def counts(self, example: Example, measured: Interval, bound: Interval) -> bool:
        """Whether the claim says something there."""
        if self.relation is Relation.UPPER and self.name != "tv":
            return bound.upper < math.inf  # not a probability, as far as is known
        return COUNTS[self.relation](example, measured, bound)


def _guarded(claim_id: str, measure: LeftSide) -> LeftSide:
    """A user's left side, whose mistakes are told in one line."""

    def left(it: ExactQuantities) -> Number:
        try:
            value = measure(it)
        except Exception as error:  # a user's function may raise anything
            raise InputError(
                f"claim {claim_id}: its left side raises {one_line(error)} at {it.experiment!s}"
            ) from error
        if isinstance(value, int | Fraction):
            return as_fmpq(value)
        if not isinstance(value, (fmpq, fmpz, arb)):
            raise InputError(
                f"claim {claim_id}: its left side is a {type(value).__name__}; it must be exact: "
                "an int, a Fraction, or a number of flint (fmpq, arb)"
            )
        return fmpq(value) if isinstance(value, fmpz) else value

    return left


def load_claim(text: str, scale: Mapping[str, Fraction] | None = None) -> Bound:
    """A user's claim, named as MODULE:OBJECT.

    Args:
        text: the object is a `Claim`, or a `Bound` of this module.
        scale: factors on its constants.

    Raises:
        InputError: if it cannot be imported, is no claim, or cannot be checked on an instance.
    """
    found = load_object(text, "claim")
    if isinstance(found, Claim):
        found = Bound(found)
    if not isinstance(found, Bound):
        raise InputError(
            f"--claim: {text} is a {type(found).__name__}; it must be a "
            "sharprates.theory.claim.Claim or a sharprates.verification.user_claim.Bound"
        )
    found = replace(found, scale={**found.scale, **(scale or {})})
    _check(found)
    return found


def _check(bound: Bound) -> None:
    """See that a claim is well formed, and that instances give what it needs."""
    one = bound.claim
    if not isinstance(one, Claim):
        raise InputError(
            f"--claim: a Bound needs a sharprates.theory.claim.Claim, got a {type(one).__name__}"
        )
    if not re.fullmatch(r"[\w.-]+", str(one.id)):
        raise InputError(f"claim {one.id!r}: an id has letters, digits and _ . - (it names files)")
    if CLAIMS.get(one.id, one) is not one:
        raise InputError(f"claim {one.id}: the suite has a claim of that id; choose another")
    form = one.form(bound.variant)
    for name, value, kind in (
        ("title", one.title, str),
        ("kind", one.kind, Kind),
        ("measured", one.left_side(bound.variant), Measured),
        ("expression", form.expression, sympy.Expr),
        ("relation", form.relation, Relation),
        *(("hypothesis", x, Hypothesis) for x in (*one.hypotheses, *form.hypotheses)),
        *((f"constant {name}", x, sympy.Rational) for name, x in one.constants.items()),
        *((f"scale of {name}", x, Fraction) for name, x in bound.scale.items()),
    ):
        if not isinstance(value, kind):
            raise InputError(
                f"claim {one.id}: its {name} is a {type(value).__name__}; it must be a "
                f"{kind.__module__}.{kind.__name__}"
            )
    left = one.left_side(bound.variant)
    if not callable(bound.measure) if left is Measured.OWN else bound.measure is not None:
        raise InputError(
            f"claim {one.id}: a Bound has a function `measure` if the claim's measured is "
            f"Measured.OWN, and only then; here it is {left}"
        )
    if left is not Measured.OWN and left not in LEFT_SIDES:
        known = ", ".join(map(str, (*LEFT_SIDES, Measured.OWN)))
        raise InputError(f"claim {one.id}: an instance does not give {left}, but {known}")
    if bound.relation not in COUNTS:
        raise InputError(
            f"claim {one.id}: only upper, lower and equality claims have a verdict on an instance, "
            f"this is {bound.relation.value}"
        )
    check_symbols(one, bound.variant, ExactQuantities.names())
    constants = {f"{one.id}.{constant}" for constant in one.constants}
    forms = (one.expression, *(other.expression for other in one.variants.values()))
    used = {symbol.name for each in forms for symbol in each.free_symbols}
    overall = f"{one.id}.{OVERALL}"
    if overall in used or one.constants.get(OVERALL, 1) != 1:
        raise InputError(
            f"claim {one.id}: leave {overall} out of its formula and its constants: it is 1, and "
            "every upper or lower bound is multiplied by it"
        )
    idle = constants - used - {overall}
    if idle:
        raise InputError(
            f"claim {one.id}: its formula has no {', '.join(sorted(idle))}; write a constant as "
            "sharprates.constant(id, name)"
        )
    for name in bound.scale:
        if name not in constants:
            raise InputError(f"scale: {name!r} is no constant of {one.id}")


def sides(bound: Bound | None) -> tuple[Claim | None, LeftSide | None]:
    """The claim, and its left side if that is the user's own function: what a replay needs."""
    return (None, None) if bound is None else (bound.claim, bound.left)


def count(bound: Bound) -> int:
    """How many pieces of work a run has, for a progress bar."""
    hunted = bound.relation is not Relation.EQUALITY
    return 1 + (len(adversary.hunt_tasks([bound.quest], SIZES, 0)) if hunted else 0)


def examples(bound: Bound) -> SearchStrategy[Example]:
    """Instances to which the claim applies, of the most general kind that it allows.

    Raises:
        InputError: if it applies to nothing that is tried.
    """
    space = next((one for s in SIZES if (one := bound.quest.space(s)) is not None), None)
    if space is None:
        first = adversary.SPACES[0].setting(SIZES[0])
        reason = bound.claim.applies(first, bound.variant)
        raise InputError(f"claim {bound.claim.id}: applies to nothing that is tried: {reason}")
    if space.schedule == "fhs":
        found = strategies.one_by_one()
    elif space.schedule == "grid":
        found = strategies.on_grids(erring=space.erring)
    elif space.schedule == "none":
        found = strategies.laws(min_length=2).map(exact_experiment)
    else:
        equal = space.schedule == "equal"
        steps = strategies.equal_steps() if equal else strategies.step_laws(leftover=space.leftover)
        found = strategies.instances(steps=steps, erring=space.erring)

    def applies(instance: Experiment) -> bool:
        return bound.claim.applies(instance.setting(), bound.variant) is None

    return found.filter(applies).map(Example.of)


def property_check(bound: Bound) -> Check:
    """Both sides on generated instances, each decided exactly."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = ExactQuantities(example.law)
        scale = {**bound.scale, **mutant.scale}
        try:
            left = bound.left(it) if bound.left else it.measured(bound.claim, bound.variant)
            right = it.bound(bound.claim, scale, bound.variant)
            decision = decision_of(bound.relation, [(left, right)])
        except ArithmeticError as error:
            raise ArithmeticError(f"{one_line(error)}, at {example.text}") from error
        except TypeError as error:  # the formula calculates with a sequence or a table
            raise InputError(
                f"claim {bound.claim.id}: its formula cannot be evaluated: {one_line(error)}"
            ) from error
        return Trial(example, decision, bound.counts(example, *decision.side))

    # the adversary rates it: its worst ratio is never below that of these examples
    return Check(
        bound.claim.id,
        "generated instances",
        examples(bound),
        trial,
        least_counting=0.0,
        rated=False,
    )


def verify_own(
    bound: Bound,
    folder: Path,
    *,
    instances: int = EXAMPLES,
    effort: Effort | None = None,
    jobs: int = 1,
    seed: int = 0,
    fresh: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Check a user's claim, and hunt its worst instance.

    Args:
        bound: from `load`.
        folder: where witnesses and the journal are kept.
        instances: generated ones.
        effort: of the adversary.
        jobs: processes, unless the left side is the user's own function.
        seed: of the run.
        fresh: do all tasks of the adversary again.
        progress: told each piece of work.

    Returns:
        The report, with the claim's status; refuted if any instance fails.
    """
    progress(f"{bound.claim.id} generated instances")

    def stored(failing: Example) -> str:
        path = folder / f"refutes-{bound.claim.id}.witness"
        witness.write(_witness(bound, failing.law), path)
        return str(path)

    try:
        evidence = [run_check(property_check(bound), instances, seed, store=stored)]
    except ArithmeticError as error:
        raise InputError(
            f"claim {bound.claim.id}: a side has no value ({error}); add a hypothesis that rules "
            "such instances out, or change the formula"
        ) from error
    if bound.relation is not Relation.EQUALITY:
        worst = adversary.hunt(
            [bound.quest],
            folder,
            effort,
            shapes=SIZES,
            # a function of the user's own need not survive the way into another process
            jobs=1 if bound.left else jobs,
            seed=seed,
            fresh=fresh,
            journal=f"claim-{bound.claim.id}",
            progress=progress,
        )
        evidence += [_evidence(bound, one, folder) for one in worst]
    return Report((ClaimStatus(bound.claim, tuple(evidence)),), files.manifest(seed))


def _witness(bound: Bound, instance: Experiment) -> Witness:
    return witness.make(
        bound.claim,
        instance,
        variant=bound.variant,
        scale=bound.scale,
        remark=(" ".join(bound.claim.title.split()),),
        left=bound.left,
    )


def _evidence(bound: Bound, worst: Worst, folder: Path) -> Evidence:
    """The adversary's worst instance, in the form of a check's result."""
    it, found = worst.witness.experiment, worst.witness.decision
    name = worst.quest.name
    constants = {}
    if bound.relation is Relation.UPPER:
        for constant in bound.claim.constants:
            full = f"{bound.claim.id}.{constant}"
            constants[constant] = float(adversary.threshold(worst.quest, full, it))
    return Evidence(
        claim=bound.claim.id,
        check="adversary",
        method=str(Method.CERTIFIED),
        n=1,
        n_counting=int(bound.counts(Example.of(it), found.measured, found.bound)),
        relation=bound.relation.value,
        ratio=found.ratio,
        instance=str(it),
        failure=f"{it!s}: {found.text}" if worst.refuted else None,
        witness=str(folder / f"worst-{name}.witness"),
        break_even=constants,
    )
