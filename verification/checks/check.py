"""A check: both sides of a claim on many examples, and the mutants that it must reject."""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

from flint import ctx
from hypothesis import HealthCheck, Phase, currently_in_test_context, given, seed, settings, target
from hypothesis.strategies import SearchStrategy
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import OVERALL, Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification.arithmetic import precision
from sharprates.verification.break_even import failing_factor
from sharprates.verification.checks.reach import Tally, asked
from sharprates.verification.checks.trial import (
    COUNTS,
    STATED,
    Counts,
    Evaluate,
    Example,
    Mutant,
    Trial,
    Tried,
    example_of,
)
from sharprates.verification.decide import PRECISIONS, at_rising_precision
from sharprates.verification.evidence import Evidence, Fit, Method
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities, evaluate_claim
from sharprates.verification.verdict import Verdict, decision_of

LEAST_COUNTING = 0.3
"""Smallest share of examples on which a bound must say something."""

POINTS = 60
"""Most (bound, measured) pairs that a check keeps, to be drawn."""

CLOSE = 1e-12
"""Ratios within this of each other rank alike: the plainer example is shown."""

SAME_POWER = 0.1
"""Slopes of a log-log plot that differ by less than this share are those of one power."""


# --- the formula of a claim -----------------------------------------------------------------------


def tightened(claim_id: str, constant: str = "constant") -> Mutant:
    """The claim with one constant tightened by 1 %."""
    upper = claim_of(claim_id).relation is not Relation.LOWER
    factor = Fraction(99, 100) if upper else Fraction(101, 100)
    name = f"{claim_id}.{constant}"
    return Mutant(f"{name} × {float(factor)}", {name: factor})


def changed(name: str, **functions: Callable[[Any], Any]) -> Mutant:
    """The formula with some of its values passed through functions."""

    def values(given: dict[str, Any]) -> dict[str, Any]:
        changed = {key: change(given[key]) for key, change in functions.items() if key in given}
        return {**given, **changed}

    return Mutant(name, values=values)


def formula(
    claim_id: str, variant: str | None, values: dict[str, Any], mutant: Mutant = STATED
) -> Number:
    """The formula of a claim, or of its mutant: in fractions if all is rational, else in balls."""
    asked(claim_id, variant)
    if mutant.values is not None:
        values = mutant.values(values)
    return evaluate_claim(claim_of(claim_id), values, mutant.scale, variant)


@lru_cache(maxsize=64)
def _exact(experiment: Experiment, bits: int) -> ExactQuantities:  # noqa: ARG001 - a part of the key
    return ExactQuantities(experiment)


def exact(experiment: Experiment) -> ExactQuantities:
    """The numbers of an experiment, kept for the claims and mutants that ask next."""
    return _exact(experiment, ctx.prec)


def on_instances(
    claim_id: str,
    variant: str | None = None,
    measured: Callable[[Any], Any] | None = None,
    *,
    relation: Relation | None = None,
    counts: Counts | None = None,
    extra: Callable[[Example, Any], dict[str, Any]] | None = None,
    numbers: Callable[[Example], ExactQuantities] = lambda example: exact(example.law),
) -> Evaluate:
    """The trial of a claim whose formula asks for what an exact instance has.

    Args:
        claim_id: the claim.
        variant: form of the claim.
        measured: the left side, where it is not the claim's own.
        relation: in place of the form's; a worst-case value is an equality on its own family.
        counts: when an example counts; by default as the design has it for probabilities.
        extra: further values of the formula, besides the example's parameters.
        numbers: what an example is asked for.
    """
    claim = claim_of(claim_id)
    stated = relation or claim.form(variant).relation
    if stated is Relation.WORST_CASE:
        stated = Relation.EQUALITY
    says_something = counts or COUNTS[stated]
    names = claim.symbols(variant)

    def left(it: ExactQuantities) -> Number:
        return it.measured(claim, variant) if measured is None else measured(it)

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = numbers(example)
        more = {name: x for name, x in example.parameters.items() if name in names}
        more |= extra(example, it) if extra else {}
        values = {**it.values(names - more.keys()), **more}
        right = formula(claim_id, variant, values, mutant)
        decision = decision_of(stated, [(left(it), right)])
        return Trial(example, decision, says_something(example, *decision.side))

    return trial


def trial_of(
    example: Example,
    relation: Relation,
    sides: Iterable[tuple[Number, Number]],
    counts: bool | None = None,
) -> Trial:
    """A trial from numbers; by default it counts if any pair does."""
    decision = decision_of(relation, sides)
    if counts is None:
        counts = any(COUNTS[relation](example, *side) for side in decision.sides)
    return Trial(example, decision, counts)


LEFTOVER = "leftover allowed"
"""Regime of bounds with a leftover form: near w_∞ = 1 each is attained, whatever else it says."""

LEFTOVER_FORGOTTEN = changed("leftover forgotten", w=lambda w: [x / (sum(w) or 1) for x in w])
"""The formula at w/(1−w_∞)."""


def forms(
    claim_id: str,
    *variants: str | None,
    numbers: Callable[[Experiment], ExactQuantities] = exact,
) -> Evaluate:
    """TV(p_out, q_0) against several forms of a bound at once."""
    claim = claim_of(claim_id)

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = numbers(example.law)
        measured = it.tv
        names = set().union(*(claim.symbols(variant) for variant in variants))
        values = it.values(names)
        sides = [(measured, formula(claim_id, variant, values, mutant)) for variant in variants]
        return trial_of(example, Relation.UPPER, sides)

    return trial


# --- checks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trend:
    """What a check's examples tend to.

    Attributes:
        family: for a reader, e.g. ``shared symbols, d = 3``.
        parameter: name of the example's parameter that grows.
    """

    family: str
    parameter: str


@dataclass(frozen=True)
class Check:
    """One way of checking one claim.

    Attributes:
        claim: id.
        name: what is compared, in a few words.
        examples: a strategy, or a function from their number (``SAMPLED``: a seed) to a list.
        trial: computes both sides on an example; by default those of the claim's main form.
        method: how both sides are known.
        edges: examples with a name that are always tried.
        mutants: alterations that the check must reject.
        effort: number of examples relative to other checks.
        least_counting: share of examples that must count.
        trend: what the ratio tends to along the examples, if that is what they are for.
        regime: a part of the claim whose ratio gets its own line and is not the claim's, e.g. where
            the bound is attained for a reason that says little.
        rated: whether the sides are those of the claim, so that their ratio is the claim's.
        hunts: whether the search climbs towards tighter examples.
        note: of the trials, for a reader; asked for once all are in.
    """

    claim: str
    name: str
    examples: SearchStrategy[Tried] | Callable[[int], Iterable[Tried]]
    trial: Evaluate | None = None
    method: Method = Method.CERTIFIED
    edges: Mapping[str, Tried] = field(default_factory=dict)
    mutants: tuple[Mutant, ...] = ()
    effort: float = 1.0
    least_counting: float = LEAST_COUNTING
    trend: Trend | None = None
    regime: str = ""
    rated: bool = True
    hunts: bool = False
    note: Callable[[list[Trial]], str] | None = None

    def evaluate(self, example: Example, mutant: Mutant) -> Trial:
        """Both sides on one example, by the mutant's own trial if it has one."""
        return (mutant.trial or self._trial)(example, mutant)

    @cached_property
    def _trial(self) -> Evaluate:
        return self.trial or on_instances(self.claim)


class _FalsifiedError(Exception):
    """Carries a failing trial through hypothesis, which shrinks it."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.example.text)
        self.trial = trial


def decided(check: Check, example: Example, mutant: Mutant) -> Trial:
    """Evaluate one example; where both sides are enclosed, with more bits until they differ."""
    return at_rising_precision(
        lambda: check.evaluate(example, mutant),
        lambda trial: trial.decision,
        told_apart=check.method is Method.CERTIFIED,
    )


class _Run:
    """The state of one check while its examples come in."""

    def __init__(self, check: Check, scale: Mapping[str, Fraction]) -> None:
        self.check = check
        self.stated = Mutant("as stated", scale) if scale else STATED
        self.n = self.counting = self.undecided = 0
        self.best: list[Trial] = []
        self.trials: list[Trial] = []
        self.points: list[tuple[float, float]] = []
        self.difference: float | None = None
        self.killed: dict[str, str | None] = {mutant.name: None for mutant in check.mutants}
        self.failure: Trial | None = None
        self.tally = Tally(check.claim)

    def __call__(self, tried: Tried) -> None:
        example = example_of(tried)
        with self.tally.listening():
            trial = decided(self.check, example, self.stated)
        if trial.decision.verdict is Verdict.FAILS:
            self.failure = trial
            raise _FalsifiedError(trial)
        if self.failure is not None:  # hypothesis is shrinking
            return
        if self.check.hunts and trial.counts and currently_in_test_context():  # no edge
            target(trial.decision.strain)
        self.n += 1
        self.tally.add(example.experiment, example.parameters)
        self.undecided += trial.decision.verdict is Verdict.UNDECIDED
        if trial.counts:
            self.counting += 1
            self._rank(trial)
            if self.check.rated:
                self._keep(trial)
        if self.check.trend or self.check.note:
            self.trials.append(trial)
        for mutant in self.check.mutants:
            if self.killed[mutant.name] is None:
                altered = decided(self.check, example, mutant)
                if altered.decision.verdict is Verdict.FAILS:
                    self.killed[mutant.name] = example.text

    def _keep(self, trial: Trial) -> None:
        """What a plot of this check shows."""
        if len(self.points) < POINTS:
            self.points += _point(trial)
        if trial.decision.relation is Relation.EQUALITY:
            gaps = [abs(left.middle - right.middle) for left, right in trial.decision.sides]
            self.difference = max(self.difference or 0.0, *filter(math.isfinite, gaps), 0.0)

    def _rank(self, trial: Trial) -> None:
        """Keep the few trials nearest to failing; of equal ones the plainest."""
        self.best.append(trial)
        top = max(one.decision.strain for one in self.best)
        near = [one for one in self.best if not top - one.decision.strain > CLOSE]
        rest = [one for one in self.best if top - one.decision.strain > CLOSE]
        near.sort(key=lambda one: one.example.plainness)
        rest.sort(key=lambda one: -one.decision.strain)
        self.best = (near[:1] + rest)[:3]


def run_check(
    check: Check,
    examples: int = 60,
    base_seed: int = 0,
    scale: Mapping[str, Fraction] | None = None,
    store: Callable[[Example], str | None] = lambda _: None,
) -> Evidence:
    """Run a check.

    Args:
        check: what to run.
        examples: how many, before the check's own `effort`.
        base_seed: of the run; each check draws its own examples from it.
        scale: factors on constants of its claim.
        store: given the failing example, shrunk, if there is one; returns the file that keeps it.

    Returns:
        What was found. Mutants are tried on the same examples; with a scale none are.
    """
    own = {name: x for name, x in (scale or {}).items() if name.split(".")[0] == check.claim}
    state = _Run(check, own)
    count = max(1, round(examples * check.effort))
    number = zlib.crc32(f"{base_seed}/{check.claim}/{check.name}".encode())
    try:
        if isinstance(check.examples, SearchStrategy):
            _search(check.examples, state, count, number)
        else:
            for tried in check.examples(number if check.method is Method.SAMPLED else count):
                state(tried)
        # last, because a failure found by the search is shrunk
        for tried in check.edges.values():
            state(tried)
    except _FalsifiedError as found:
        failing = found.trial
        return Evidence(
            check.claim,
            check.name,
            str(check.method),
            state.n + 1,
            state.counting,
            failure=f"{failing.example.text}: {failing.decision.text}",
            witness=store(failing.example),
            regime=check.regime,
            reach=state.tally.reach(),
            rated=check.rated,
        )
    worst = state.best[0] if state.best and check.rated else None
    return Evidence(
        check.claim,
        check.name,
        str(check.method),
        state.n,
        state.counting,
        state.undecided,
        worst.decision.relation.value if worst else None,
        worst.decision.ratio if worst else None,
        worst.example.text if worst else None,
        power={} if own else state.killed,
        break_even={} if own or not check.rated else _break_even(check, state.best),
        fit=_fit(check.trend, state.trials) if check.trend else None,
        regime=check.regime,
        complaint=_complaint(check, state, bool(own)),
        note=check.note(state.trials) if check.note else "",
        points=_drawn(state) if check.rated else (),
        difference=state.difference,
        reach=state.tally.reach(),
        rated=check.rated,
    )


def _drawn(state: _Run) -> tuple[tuple[float, float], ...]:
    """The points of a run, the worst first."""
    worst = _point(state.best[0]) if state.best else []
    others = [one for one in dict.fromkeys(state.points) if one not in worst]
    return tuple(worst + others)


def _point(trial: Trial) -> list[tuple[float, float]]:
    """Bound and measured value at the pair that is nearest to failing, if both are finite."""
    measured, bound = trial.decision.side
    if not (math.isfinite(measured.middle) and math.isfinite(bound.middle)):
        return []
    return [(float(f"{bound.middle:.5g}"), float(f"{measured.middle:.5g}"))]


def _search(strategy: SearchStrategy[Tried], state: _Run, count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(strategy)
    def each(tried: Tried) -> None:
        state(tried)

    # hypothesis prints what it found; the caller shows it in its own words
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        each()


def _complaint(check: Check, state: _Run, scaled: bool) -> str | None:
    if state.n == 0:
        return "no example was tried"
    if scaled:  # how often an altered claim says something is no fault of the check
        return None
    if state.counting < check.least_counting * state.n:
        return f"only {state.counting} of {state.n} examples count"
    alive = [name for name, killer in state.killed.items() if killer is None]
    if alive:
        return f"does not reject: {'; '.join(alive)}"
    return None


def _break_even(check: Check, best: list[Trial]) -> dict[str, float | None]:
    """For each constant the factor at which one of the tightest trials begins to fail."""
    claim = claim_of(check.claim)
    if not best or best[0].decision.relation not in (Relation.UPPER, Relation.LOWER):
        return {}
    upper = best[0].decision.relation is Relation.UPPER

    def fails(example: Example, constant: str, factor: Fraction) -> bool:
        altered = check.evaluate(example, Mutant("", {constant: factor}))
        return altered.decision.verdict is Verdict.FAILS

    found: dict[str, float | None] = {}
    far = Fraction(0 if upper else 64)
    for name in claim.constants:
        holding: Fraction | None = None
        for trial in best:
            failing = partial(fails, trial.example, f"{check.claim}.{name}")
            with precision(PRECISIONS[0]):
                # one that holds at the factor found so far begins to fail beyond it
                if holding is None or failing(holding):
                    guess = trial.decision.ratio if name == OVERALL else None
                    limits = failing_factor(failing, Fraction(1), far, guess=guess)
                    holding = limits[0] if limits else holding
        found[name] = None if holding is None else float(holding)
    return found


def _fit(trend: Trend, trials: list[Trial]) -> Fit | None:
    """Exponent and constant from the last two examples at which the sides still differ.

    A power only if the example before them lies on it as well: 1/log b is none.
    """
    points = [
        (float(trial.example[trend.parameter]), abs(1 - trial.decision.ratio), trial.decision.ratio)
        for trial in trials
        if trial.decision.ratio is not None and abs(1 - trial.decision.ratio) > CLOSE
    ]
    if len(points) < 2:
        return None
    slopes = [
        math.log(y0 / y1) / math.log(x1 / x0)
        for (x0, y0, _), (x1, y1, _) in itertools.pairwise(points[-3:])
    ]
    (x, y, last), exponent = points[-1], slopes[-1]
    if max(slopes) - min(slopes) > SAME_POWER * abs(exponent):
        return Fit(trend.family, trend.parameter, None, None, last, x)
    return Fit(trend.family, trend.parameter, exponent, y * x**exponent, last, x)
