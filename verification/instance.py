"""One instance of a claim, opened: read from the text that reports show, and decided in each form.

The text is that of `Experiment`; a family's name may stand for a law that is written out::

    d=2 S=2 q0=[00:1/3 11:2/3] equal K=3
    d=2 S=2 copies equal K=3
    copies:2:2 w=(1/3 2/3)
    parity:3:2 euler constant T=3 K=4 fill
    point-mass:1:2 blocks=(1) p̂_1(_)=(1/3 2/3)

What a check's example has besides, behind a comma, is not taken from there, as it would have to fit
the rest; the parameters of a family are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sharprates.samplers import families
from sharprates.samplers.clock import clock
from sharprates.samplers.errors import InputError
from sharprates.samplers.rational import read_rational
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.hypotheses import on_families
from sharprates.verification.arithmetic import precision
from sharprates.verification.checks.check import exact, on_instances
from sharprates.verification.checks.trial import Example, Mutant
from sharprates.verification.decide import PRECISIONS, Scale, at_rising_precision
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.plain_text import readable_formula
from sharprates.verification.quantities.base import LEFT_SIDES
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import Decision
from sharprates.verification.witness import MOST_STEPS, exact_target, refuse_large

FORM = "write it as copies:2:2 equal K=3, or d=2 S=2 q0=[00:1/2 11:1/2] w=(1/3 2/3)"
PIECE = re.compile(r"(?:\[[^\[\]]*\]|\([^()]*\)|[^\s\[\]()])+")
PREDICTION = re.compile(r"p\u0302?_(\d+)\((\w+)\)=\((.*)\)")
LISTED = re.compile(r"(uniform on )?(\d+) rows")
DIGITS = 10
"""Largest S of rows that are written as digits."""


def read_instance(text: str) -> Experiment:
    """An instance from its text.

    Raises:
        InputError: saying what cannot be read.
    """
    head, *rest = re.split(r",\s+", text.strip())
    named = [part.removeprefix("family=") for part in rest if part.startswith("family=")]
    try:
        return _experiment(head, named[0] if named else None)
    except (ValueError, KeyError) as error:  # InputError is a ValueError
        told = f"has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"instance {text!r}: {told}; {FORM}") from None


def _fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(read_rational, text.strip("()[]").split()))


def _experiment(text: str, named: str | None) -> Experiment:
    facts: dict[str, str] = {}
    words, wrong = [], []
    for piece in PIECE.findall(text):
        name, equals, value = piece.partition("=")
        if PREDICTION.fullmatch(piece):
            wrong.append(PREDICTION.fullmatch(piece))
        elif not equals:
            words.append(piece)
        elif name in facts or name not in ("d", "S", "q0", "w", "blocks", "T", "K"):
            raise InputError(f"cannot read {piece!r}")
        else:
            facts[name] = value
    if PIECE.sub("", text).strip():
        raise InputError("has a bracket that is not closed")
    schedule = _schedule(facts, words)
    if len(words) > 1:
        raise InputError(f"cannot read {' '.join(words)!r}")
    target = _target(facts, named or (words[0] if words else ""))
    predictions = {}
    for found in filter(None, wrong):
        place, state, law = found.groups()
        context = tuple(target.vocabulary if x == "_" else int(x) for x in state)
        predictions[context, int(place) - 1] = _fractions(law)
    return exact_experiment(target, predictions=predictions, **schedule)


def _schedule(facts: Mapping[str, str], words: list[str]) -> dict[str, Any]:
    """What `exact_experiment` takes; its words are taken from the list."""
    found: dict[str, Any] = {}
    if "w" in facts:
        found["steps"] = _fractions(facts["w"])
    if "blocks" in facts:
        found["blocks"] = tuple(map(int, facts["blocks"].strip("()").split()))
    if "K" not in facts:
        return found
    steps = int(facts["K"])
    if not 1 <= steps <= MOST_STEPS:
        raise InputError(f"needs 1 to {MOST_STEPS} steps, has {steps}")
    if "T" not in facts:
        if words[-1:] != ["equal"]:
            raise InputError("K steps need 'equal' before them, or a rule, a clock and T")
        words.pop()
        found["steps"] = found.get("steps", ()) + (Fraction(1, steps),) * steps
        return found
    last = words.pop() if words[-1:] == ["fill"] else "leave"
    if len(words) < 2 or ":" in words[-2]:
        raise InputError("a horizon T needs a rule and a clock before it")
    chosen, rule = clock(words.pop()).name, words.pop()
    horizon = read_rational(facts["T"])
    found["grid"] = Schedule(rule, chosen, "uniform", steps, horizon, last_step=last)
    return found


def _target(facts: Mapping[str, str], name: str) -> Target:
    """The data law: of a family's text, or of rows and weights, which may be those of a family."""
    if "d" not in facts and ":" in name:
        return families.family(name)
    if "q0" not in facts and not name:
        raise InputError("has no data law")
    d, S = int(facts["d"]), int(facts["S"])
    known = _members(name, d, S) if name else []
    if "q0" not in facts:
        if len(known) != 1:
            raise InputError(
                f"{name!r} names {len(known)} laws of this size: write it as mds:3:1:2"
            )
        return known[0]
    text = facts["q0"].strip("[]")
    size = LISTED.fullmatch(text)
    if size:
        known = [one for one in known if len(one.rows) == int(size[2])]
        if not known or not size[1]:
            raise InputError(f"{text!r} does not say which rows: name the family, as copies:2:2")
        return known[0]
    if S > DIGITS:
        raise InputError(f"rows are written as digits, which S = {S} symbols are not")
    pairs = [piece.partition(":") for piece in text.split()]
    if any(len(row) != d for row, _, _ in pairs):
        raise InputError(f"needs rows of d = {d} digits")
    rows = [tuple(map(int, row)) for row, _, _ in pairs]
    target = exact_target(rows, [read_rational(weight) for _, _, weight in pairs], S)
    same = [
        one
        for one in known
        if one.rows.tolist() == target.rows.tolist() and one.fractions == target.fractions
    ]
    return same[0] if same else target


def _members(name: str, d: int, S: int) -> list[Target]:
    """Members of a family, given whole or by name, that have this length and vocabulary."""
    if ":" in name:
        texts = [name]
    elif name == "mds":
        texts = [f"mds:{d}:{k}:{S}" for k in range(1, d + 1)]
    elif name == "shared-symbols":
        texts = [f"{name}:{d}:{b}" for b in range(1, S + 1) if b ** (d - 1) == S]
    elif name == "groups":
        texts = [f"{name}:{d}:{g}" for g in range(2, d + 1) if 2 ** (g - 1) == S]
    else:
        texts = [f"{name}:{d}:{S}"]
    found = []
    for text in texts:
        try:
            found.append(families.family(text))
        except InputError:
            if ":" in name:
                raise
    return [one for one in found if (one.length, one.vocabulary) == (d, S)]


# --- decided --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A form of a claim on an instance.

    Attributes:
        variant: of the claim; None is its main form.
        reason: why the form says nothing here.
        decision: both sides otherwise.
    """

    variant: str | None
    reason: str | None = None
    decision: Decision | None = None


OF_DATA = ("first_order", "off_support")
"""Left sides that a data law has by itself."""


def opens(claim: Claim, text: str) -> bool:
    """Whether a text is an instance on which a form of the claim can be decided."""
    try:
        experiment = read_instance(text)
    except InputError:
        return False
    return not all(says_nothing(claim, experiment, name) for name in (None, *claim.variants))


def says_nothing(claim: Claim, experiment: Experiment, variant: str | None = None) -> str | None:
    """Why a form of a claim cannot be decided on an instance, before anything is computed."""
    side = claim.left_side(variant)
    if side not in LEFT_SIDES:
        return f"is about {readable_formula(side.value)}, which one instance alone does not have"
    if experiment.sampler is None and LEFT_SIDES[side] not in OF_DATA:
        return "needs steps: add equal K=3, or blocks=(1 1)"
    reason = claim.applies(experiment.setting(), variant)
    if reason is not None:
        return reason
    form, family = claim.form(variant), experiment.setting().family
    own = any(one.families for one in form.hypotheses)
    if form.relation is Relation.WORST_CASE and not own and family not in claim.attained_by:
        return on_families(*claim.attained_by).reason
    asked = (
        claim.symbols(variant) - ExactQuantities.names() - _example(experiment).parameters.keys()
    )
    if asked:
        return f"asks for {', '.join(sorted(asked))}, which the text of an instance does not give"
    return None


def _example(experiment: Experiment) -> Example:
    """With the parameters of its family, which a claim about the family asks for."""
    family = experiment.target.family
    known = dict(family.parameters) if family else {}
    return Example(experiment, {x: known[x] for x in known.keys() - ExactQuantities.names()})


def open_instance(claim: Claim, experiment: Experiment, scale: Scale | None = None) -> list[Opened]:
    """All forms of a claim on one instance.

    Args:
        claim: of the registry.
        experiment: exact.
        scale: factors on constants.

    Raises:
        InputError: if no form says anything here, or the instance is too large to be exact.
    """
    reasons = {name: says_nothing(claim, experiment, name) for name in (None, *claim.variants)}
    if all(reasons.values()):
        raise InputError(f"{claim.id} says nothing about {experiment}: it {reasons[None]}")
    refuse_large(experiment)
    example, given = _example(experiment), Mutant("as given", dict(scale or {}))

    def decision(name: str | None) -> Decision:
        trial = on_instances(claim.id, name)
        return at_rising_precision(lambda: trial(example, given).decision, lambda found: found)

    return [
        Opened(name, reason) if reason else Opened(name, decision=decision(name))
        for name, reason in reasons.items()
    ]


def values(claim: Claim, experiment: Experiment, opened: Iterable[Opened]) -> dict[str, Number]:
    """The numbers that enter the forms that were decided, by the names of their symbols."""
    names = set().union(*(claim.symbols(one.variant) for one in opened if one.decision))
    known = _example(experiment).parameters
    with precision(PRECISIONS[0]):
        found = exact(experiment).values(names - known.keys())
    return {**found, **{name: known[name] for name in names & known.keys()}}
