"""Checks of Q1 and Q2."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from flint import fmpq
from hypothesis import strategies as st
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser
from sharprates.samplers.families import product
from sharprates.samplers.policies import policy
from sharprates.samplers.speculative import SpeculativeSampler
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import Check, changed, exact, formula, trial_of
from sharprates.verification.checks.choices import Chooser, LeftBlocks, SurestFirst, hidden
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context, positive_gap, with_symbol
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import Decision

Outcome = tuple[Context, Number, bool]
"""The state after a call, its probability, and whether a token was rejected."""


@dataclass
class Costs:
    """What speculation puts out and costs, in fractions.

    Attributes:
        law: state → probability, at the end.
        calls: E[calls], summed over the states at which they open.
        rejections: E[calls that end in one].
        accepted: E[calls without one].
        drift: Σ TV(p, p̂) over verified tokens that are not the last hidden one.
    """

    law: dict[Context, Number]
    calls: Number
    rejections: Number
    accepted: Number
    drift: Number


def _positive_part(p: list[Number], q: list[Number]) -> list[Number]:
    return [max(a - b, fmpq(0)) for a, b in zip(p, q, strict=True)]


Verify = Callable[[ExactQuantities, Context, list[int], list[list[Number]]], Iterable[Outcome]]


def _in_order(
    it: ExactQuantities, context: Context, block: list[int], guesses: list[list[Number]]
) -> Iterable[Outcome]:
    """Token after token in the block's order; drafts are summed over as they are met."""
    states = [(context, fmpq(1))]
    for place, guess in zip(block, guesses, strict=True):
        kept = []
        for state, weight in states:
            p = it.conditional(state, place)
            rest = _positive_part(p, guess)
            for a in range(it.S):
                after = with_symbol(state, place, a)
                if (both := min(p[a], guess[a])) != 0:
                    kept.append((after, weight * both))
                if rest[a] != 0:
                    yield after, weight * rest[a], True
        states = kept
    for state, weight in states:
        yield state, weight, False


def _by_draft(
    it: ExactQuantities,
    context: Context,
    block: list[int],
    guesses: list[list[Number]],
    sort: bool = True,
    replace: bool = True,
) -> Iterable[Outcome]:
    """All drafts at once, verified in falling draft probability: the choice sees the draft.

    Without `sort` in the block's order; without `replace` a rejected token is drawn from p.
    """
    guess = dict(zip(block, guesses, strict=True))
    for values in itertools.product(range(it.S), repeat=len(block)):
        draft = dict(zip(block, values, strict=True))
        weight = math.prod((guess[i][a] for i, a in draft.items()), start=fmpq(1))
        order = sorted(block, key=lambda i: -guess[i][draft[i]]) if sort else block
        state = context
        for i in order:
            if weight == 0:
                break
            p, a = it.conditional(state, i), draft[i]
            passed = min(p[a] / guess[i][a], fmpq(1))
            rest = _positive_part(p, guess[i]) if replace else p
            if passed < 1:
                total = sum(rest, fmpq(0))
                for b, x in enumerate(rest):
                    if x != 0:
                        yield with_symbol(state, i, b), weight * (1 - passed) * x / total, True
            state, weight = with_symbol(state, i, a), weight * passed
        if weight != 0:
            yield state, weight, False


def speculate(it: ExactQuantities, rule: Chooser, verify: Verify = _in_order) -> Costs:
    """The exact conditionals verify what the experiment's predictions draft, in fractions."""
    found = Costs({}, fmpq(0), fmpq(0), fmpq(0), fmpq(0))
    opening: dict[Context, Number] = {(it.S,) * it.d: fmpq(1)}
    call = 0
    while opening:
        after: dict[Context, Number] = {}
        for context, mass in opening.items():
            if it.S not in context:
                found.law[context] = found.law.get(context, fmpq(0)) + mass
                continue
            found.calls += mass
            block = list(rule(it, context, call))
            guesses = [it.predict(context, i) for i in block]
            for state, weight, rejected in verify(it, context, block, guesses):
                after[state] = after.get(state, fmpq(0)) + mass * weight
                if rejected:
                    found.rejections += mass * weight
                    # a rejection is a unit of Σ occupancy·TV(p, p̂), at the state before it
                    found.drift += mass * weight if hidden(it, state) else fmpq(0)
                else:
                    found.accepted += mass * weight
        opening = after
        call += 1
    return found


def _occupied_drift(it: ExactQuantities, last: bool = False) -> Number:
    """Σ over contexts with two hidden tokens or more of occupancy × TV(p, p̂), all drafted.

    By a recursion of its own: over pairs of an opening and the tokens verified since.
    """
    total: Number = fmpq(0)
    start = (it.S,) * it.d
    waiting: list[tuple[Context, Context, Number]] = [(start, start, fmpq(1))]
    while waiting:
        opening, state, mass = waiting.pop()
        among = hidden(it, state)
        if not among:
            continue
        place = among[0]
        p, guess = it.conditional(state, place), it.predict(opening, place)
        if len(among) > 1 or last:
            total += mass * sum(_positive_part(p, guess), fmpq(0))
        for a in range(it.S):
            after = with_symbol(state, place, a)
            if (both := min(p[a], guess[a])) != 0:
                waiting.append((opening, after, mass * both))
            if p[a] > guess[a]:
                waiting.append((after, after, mass * (p[a] - guess[a])))
    return total


def _lossless(example: Example, mutant: Mutant, verify: Verify = _in_order) -> Trial:
    """TV = 0: the law is the verifier's at every x."""
    it = exact(example.law)
    found = speculate(it, example["rules"][0], verify).law
    law = {row: found.get(row, fmpq(0)) for row in it.pmf}
    sides = [(positive_gap(it.pmf, law), formula("Q1", None, {}, mutant))]
    sides += zip(law.values(), it.pmf.values(), strict=True)
    return trial_of(example, Relation.EQUALITY, sides)


def _calls(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    found = speculate(it, example["rules"][0])
    values = {"rejections": found.rejections, "accepted": found.accepted}
    return trial_of(
        example, Relation.EQUALITY, [(found.calls, formula("Q2", None, values, mutant))]
    )


def _calls_of_all(example: Example, mutant: Mutant, last: bool = False) -> Trial:
    """If all hidden tokens are drafted, by occupancies of contexts; and by rejections."""
    it = exact(example.law)
    found = speculate(it, LeftBlocks())
    drift = _occupied_drift(it, last)
    right = formula("Q2", "all-hidden", {"drift": drift}, mutant)
    return trial_of(example, Relation.EQUALITY, [(found.calls, right), (1 + found.drift, right)])


RULES = ("confidence:1", "threshold:0.75", "factor:1", "entropy-bounded:0.3")

CLOSE = 1e-13
"""What float64 may be off by."""


def _sampler(example: Example, _: Mutant, replaced: bool = False) -> Trial:
    """The sampler's law and E[calls], both off-support conventions, against q_0 and fractions."""
    target = example.law.target
    chosen = policy(example["rule"], target.length)
    it = exact(example.law)
    sides = []
    for off in OFF_SUPPORT[:2]:
        sampler = SpeculativeSampler(target.length, chosen, example.law.denoiser)
        verifier = example.law.denoiser if replaced else ExactDenoiser(target, off)
        law = sampler.law(target, verifier)
        for value, q in zip(law.probability.tolist(), it.pmf.values(), strict=True):
            sides.append(
                (Interval.around(value, CLOSE), Interval.exact(Fraction(int(q.p), int(q.q))))
            )
        cost = sampler.speculation(verifier)
        both = Interval.around(cost.rejections + cost.accepted, CLOSE)
        sides.append((Interval.around(cost.calls, CLOSE), both))
    return Trial(example, Decision(Relation.EQUALITY, tuple(sides)), counts=True)


@st.composite
def _drafted(draw: st.DrawFn) -> Example:
    """A law, a drafter that errs, and a rule of the samplers."""
    law = draw(some.laws(max_length=4))
    wrong = draw(some.predictions(law)) if draw(st.booleans()) else {}
    rule = draw(
        st.sampled_from(
            (
                "confidence:1",
                "threshold:0.75",
                "factor:1",
                "entropy-bounded:0.3",
                f"left-to-right:{law.length}",
            )
        )
    )
    return Example.of(exact_experiment(law, predictions=wrong), rule=rule)


UNFAIR = exact_experiment(
    product([[Fraction(1, 3), Fraction(2, 3)]] * 2),
    predictions={
        ((2, 2), 0): (Fraction(3, 4), Fraction(1, 4)),
        ((2, 2), 1): (Fraction(3, 4), Fraction(1, 4)),
    },
)
"""Two independent unfair bits, drafted the other way."""
BY_DRAFT = Mutant(
    "verified in falling draft probability", trial=partial(_lossless, verify=_by_draft)
)
PAIR = {"two copies": some.family_with("copies:2:2")}
BADLY_DRAFTED = {"two bits drafted badly": Example.of(UNFAIR, rules=some.AT_ONCE)}

CHECKS = (
    Check(
        "Q1",
        "any law, drafter and policy: the law is the verifier's at every x",
        some.erring_with(some.choices().map(lambda one: (one,))),
        _lossless,
        edges={**PAIR, **BADLY_DRAFTED},
        mutants=(
            Mutant(
                "verified in falling draft probability", trial=partial(_lossless, verify=_by_draft)
            ),
            Mutant(
                "a rejected token is drawn from p",
                trial=partial(_lossless, verify=partial(_by_draft, sort=False, replace=False)),
            ),
        ),
    ),
    Check(
        "Q1",
        "drafts drawn at once, in the order of the policy",
        some.erring_with(st.sampled_from([(SurestFirst(besides=2),), some.AT_ONCE]), max_length=3),
        partial(_lossless, verify=partial(_by_draft, sort=False)),
        edges=BADLY_DRAFTED,
        mutants=(
            Mutant(
                "verified in falling draft probability", trial=partial(_lossless, verify=_by_draft)
            ),
        ),
        effort=0.5,
    ),
    Check(
        "Q1",
        "the sampler's law, both conventions off the support",
        _drafted(),
        _sampler,
        method=Method.TESTED,
        edges={"two bits drafted badly": Example.of(UNFAIR, rule="left-to-right:2")},
        mutants=(Mutant("the drafter verifies itself", trial=partial(_sampler, replaced=True)),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "Q2",
        "calls by openings, and by rejections and accepted blocks",
        some.erring_with(some.choices().map(lambda one: (one,))),
        _calls,
        edges={**PAIR, **BADLY_DRAFTED},
        mutants=(changed("accepted blocks forgotten", accepted=lambda x: 0 * x),),
    ),
    Check(
        "Q2",
        "all hidden tokens drafted: calls by the drift of the predictions",
        some.erring_with(st.just(some.AT_ONCE)),
        _calls_of_all,
        edges={**PAIR, **BADLY_DRAFTED},
        mutants=(
            Mutant("the last token counted", trial=partial(_calls_of_all, last=True)),
            changed("half of the drift", drift=lambda x: x / 2),
        ),
    ),
)
