"""A claim of one's own: property checks, certified verdicts, the adversary, and a status.

A user writes a `theory.claim.Claim`, in the symbols of `theory.symbols.MEANINGS` and the functions
of `theory.functions`. That binds its right side. Its left side is TV(p_out, q_0), or what `Bound`
says. All instances are exact and small, every verdict is decided in fractions or balls, and a
refutation is a witness file: the smallest failing instance, to be checked by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from hypothesis.strategies import SearchStrategy
from rich.console import Console

from samplers.errors import InputError
from theory.claim import Claim, Relation
from verification import report, strategies, witness
from verification.adversary import hunt as adversary
from verification.adversary.hunt import Effort, Quest, Shape, Worst
from verification.arithmetic import interval
from verification.checks.check import (
    Check,
    Example,
    Method,
    Mutant,
    Trial,
    above_zero,
    below_one,
    describe,
    positive,
    run,
)
from verification.instance import VALUES, Exact, Instance
from verification.objects import load_object
from verification.record import Record
from verification.status import ClaimStatus, record, side_text
from verification.verify import Report
from verification.witness import MEASURES, Measure, Witness

EXAMPLES = 150
"""Instances of the property check."""

SIZES = (Shape(2, 2, 1), Shape(2, 3, 2), Shape(3, 2, 2), Shape(3, 3, 4))
"""At which the adversary attacks a user's claim."""

_COUNTS = {
    Relation.UPPER: below_one,
    Relation.LOWER: positive,
    Relation.EQUALITY: above_zero,
}
"""When an instance says something about a claim on a probability."""


@dataclass(frozen=True)
class Bound:
    """A claim, and how its left side is measured where that is not TV(p_out, q_0).

    Attributes:
        claim: the claim.
        measure: a name in `witness.MEASURES` (``tv``, ``first-order``, ``kl``, ``score-error``), or
            a function from an instance's exact numbers (`instance.Exact`) to the left side.
        variant: form of the claim.
        scale: factors on its constants.
    """

    claim: Claim
    measure: str | Measure = "tv"
    variant: str | None = None
    scale: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def quest(self) -> Quest:
        """What the adversary is given."""
        if isinstance(self.measure, str):
            return Quest(self.claim, self.measure, None, self.variant, dict(self.scale))
        return Quest(self.claim, "own", self.measure, self.variant, dict(self.scale))

    @property
    def relation(self) -> Relation:
        """Of its form."""
        return self.claim.form(self.variant).relation


def load(text: str, scale: Mapping[str, Fraction] | None = None) -> Bound:
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
            f"--claim: {text} is a {type(found).__name__}; it must be a theory.claim.Claim "
            "or a verification.user_claim.Bound"
        )
    one = found.claim
    if isinstance(found.measure, str) and found.measure not in MEASURES:
        raise InputError(f"claim {one.id}: measure must be one of {', '.join(MEASURES)}")
    if found.relation not in _COUNTS:
        raise InputError(
            f"claim {one.id}: only upper, lower and equality claims have a verdict on an instance, "
            f"this is {found.relation.value}"
        )
    missing = one.symbols(found.variant) - VALUES.keys()
    if missing:
        raise InputError(f"claim {one.id}: an instance does not give {', '.join(sorted(missing))}")
    for name in scale or {}:
        if name not in {f"{one.id}.{constant}" for constant in one.constants}:
            raise InputError(f"scale: {name!r} is no constant of {one.id}")
    return replace(found, scale=dict(scale or {}))


def sides(bound: Bound | None) -> tuple[Claim | None, Measure | None]:
    """The claim, and its left side if that is the user's own function: what a replay needs."""
    if bound is None:
        return None, None
    return bound.claim, bound.measure if callable(bound.measure) else None


def count(bound: Bound) -> int:
    """How many pieces of work a run has, for a progress bar."""
    hunted = bound.relation is not Relation.EQUALITY
    return 1 + (len(adversary.tasks([bound.quest], SIZES, 0)) if hunted else 0)


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
        found = strategies.laws(min_length=2).map(Instance.of)
    else:
        uniform = space.schedule == "uniform"
        steps = (
            strategies.uniform_steps()
            if uniform
            else strategies.step_weights(leftover=space.leftover)
        )
        found = strategies.instances(steps=steps, erring=space.erring)

    def applies(instance: Instance) -> bool:
        return bound.claim.applies(instance.setting(), bound.variant) is None

    return found.filter(applies).map(Example.of)


def property_check(bound: Bound) -> Check:
    """Both sides on generated instances, each decided exactly."""
    left = MEASURES[bound.measure] if isinstance(bound.measure, str) else bound.measure

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = Exact(example.law)
        values = {name: VALUES[name](it) for name in bound.claim.symbols(bound.variant)}
        scale = {**bound.scale, **mutant.scale}
        measured = interval(left(it))
        value = interval(witness.bound_of(bound.claim, values, scale, bound.variant))
        counts = _COUNTS[bound.relation](example, measured, value)
        return Trial(example, bound.relation, ((measured, value),), counts)

    # the adversary rates it: its worst ratio is never below that of these examples
    return Check(
        bound.claim.id,
        "generated instances",
        Method.CERTIFIED,
        trial,
        examples(bound),
        least_counting=0.0,
        rated=False,
    )


def verify(
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
    found = run(property_check(bound), instances, seed)
    stored = None
    if found.failure is not None:
        one = _witness(bound, found.failure.example.law)
        stored = _store(one, folder / f"refutes-{bound.claim.id}.witness")
    records = [record(found, witness=stored)]
    if bound.relation is not Relation.EQUALITY:
        worst = adversary.hunt(
            [bound.quest],
            folder,
            effort,
            shapes=SIZES,
            # a function of the user's own need not survive the way into another process
            jobs=1 if callable(bound.measure) else jobs,
            seed=seed,
            fresh=fresh,
            progress=progress,
        )
        records += [_record(bound, one, folder) for one in worst]
    return Report((ClaimStatus(bound.claim, tuple(records)),), report.manifest(seed))


def _witness(bound: Bound, instance: Instance) -> Witness:
    own = bound.measure if callable(bound.measure) else None
    return witness.make(
        bound.claim,
        instance,
        bound.measure if isinstance(bound.measure, str) else "own",
        variant=bound.variant,
        scale=bound.scale,
        remark=(bound.claim.title,),
        own=own,
    )


def _store(one: Witness, path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be made: {error.strerror}") from None
    witness.write(one, path)
    return str(path)


def _record(bound: Bound, worst: Worst, folder: Path) -> Record:
    """The adversary's worst instance, in the form of a check's result."""
    it, found = worst.witness.instance, worst.witness.decision
    name = worst.quest.name
    constants = {}
    if bound.relation is Relation.UPPER:
        for constant in bound.claim.constants:
            full = f"{bound.claim.id}.{constant}"
            constants[constant] = float(adversary.threshold(worst.quest, full, it))
    return Record(
        claim=bound.claim.id,
        check="adversary",
        method=str(Method.CERTIFIED),
        n=1,
        n_counting=1,
        relation=bound.relation.value,
        ratio=found.ratio,
        instance=describe(it),
        failure=f"{describe(it)}: {side_text((found.measured, found.bound))}"
        if worst.refuted
        else None,
        witness=str(folder / f"worst-{name}.witness"),
        break_even=constants,
    )


def explain(found: Report, text: str, console: Console) -> None:
    """The smallest refuting instance in words, to be checked by hand.

    Args:
        found: from `verify`.
        text: the claim as MODULE:OBJECT.
        console: where to print.
    """
    for one in found.statuses:
        failing = [rec for rec in one.records if rec.failure]
        if not failing:
            console.print(f"{one.claim.id}: no instance refutes it.")
            continue
        smallest = failing[0]  # of generated instances, which hypothesis shrank, if any failed
        console.print(f"{one.claim.id} is refuted. Check by hand:")
        console.print(f"  {smallest.failure}", soft_wrap=True, markup=False)
        console.print(
            f"  replay: sharprates verify --claim {text} --witness {smallest.witness}",
            soft_wrap=True,
            markup=False,
        )
