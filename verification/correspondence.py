"""The definitions that the formal theorems speak of, run, against ours in exact fractions.

A proof says nothing about a program. So the Coq definitions are extracted to a program of their
own (theory/formal/extract), and both sides of the covered bounds are computed on shared rational
instances: by that program; by `quantities.exact`, in exact fractions; and by the samplers'
output laws, in floats. All rates and predictions of a case are multiples of 1/4, so that a float
law of a few steps is an exact fraction too.
"""

from __future__ import annotations

import itertools
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import torch
from flint import fmpq
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.policies import MostConfident, Policy
from sharprates.samplers.propagation import propagate
from sharprates.samplers.reached_law import reached_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.tabled import TabledDenoiser
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.evaluation import evaluate
from sharprates.theory.functions import RankExcess, rank_law
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import RATIONAL, as_fmpq, as_fraction
from sharprates.verification.exact_experiment import experiment_on_rows
from sharprates.verification.exact_law import Context, step_weights
from sharprates.verification.quantities.exact import ExactQuantities

CLOSE = Fraction(1, 10**12)
"""How far a float may lie from the fraction that it rounds; values are at most d·log S."""


Answer = list[list[Fraction]]


class CorrespondenceError(Exception):
    """The program of the formal definitions can't be built or asked."""


@dataclass(frozen=True)
class SharedInstance:
    """An instance that both sides compute.

    Attributes:
        length: d.
        vocabulary: S.
        law: q_0 of all S^d sequences, the last position fastest.
        predictions: of all (S+1)^d partial states (the mask is S) and d positions, S probabilities
            each; empty for the exact denoiser.
        rates: r_k of the parallel sampler.
    """

    length: int
    vocabulary: int
    law: tuple[Fraction, ...]
    predictions: tuple[Fraction, ...]
    rates: tuple[Fraction, ...]

    @staticmethod
    def drawn(length: int, vocabulary: int, steps: int, exact: bool, seed: int) -> SharedInstance:
        """A random case; some of its probabilities are 0, and some masks may be left over."""
        generator = random.Random(seed)

        def quarters(n: int) -> list[Fraction]:
            parts = [0] * n
            for _ in range(4):
                parts[generator.randrange(n)] += 1
            return [Fraction(part, 4) for part in parts]

        d, S = length, vocabulary
        law = [Fraction(0)] * S**d
        for _ in range(8):
            law[generator.randrange(S**d)] += Fraction(1, 8)
        predictions = [] if exact else [p for _ in range((S + 1) ** d * d) for p in quarters(S)]
        rates = [Fraction(generator.randint(1, 3), 4) for _ in range(steps)]
        if generator.random() < 0.5:
            rates[-1] = Fraction(1)
        return SharedInstance(d, S, tuple(law), tuple(predictions), tuple(rates))

    @cached_property
    def contexts(self) -> list[Context]:
        """All partial states, in the order of the predictions."""
        return list(itertools.product(range(self.vocabulary + 1), repeat=self.length))

    @cached_property
    def rows(self) -> list[Context]:
        """All sequences, in the order of the law."""
        return list(itertools.product(range(self.vocabulary), repeat=self.length))

    @cached_property
    def table(self) -> torch.Tensor:
        """The predictions, float64 [(S+1)^d, d, S]."""
        values = torch.tensor([float(p) for p in self.predictions], dtype=torch.float64)
        return values.view(-1, self.length, self.vocabulary)

    def target(self) -> Target:
        """The data law."""
        return Target.from_rows(self.rows, self.law, self.vocabulary)

    def denoiser(self, target: Target) -> Denoiser:
        """The denoiser of the samplers."""
        if not self.predictions:
            return ExactDenoiser(target)
        return TabledDenoiser(self.table, normalised=True)

    def exact(self, blocks: tuple[int, ...] = ()) -> ExactQuantities:
        """The instance in exact fractions, with blocks in place of the steps if they are given."""
        support = {row: p for row, p in zip(self.rows, self.law, strict=True) if p}
        d, S = self.length, self.vocabulary
        predictions = {}
        for number, (context, place) in enumerate(itertools.product(self.contexts, range(d))):
            if self.predictions and context[place] == S:
                predictions[context, place] = self.predictions[number * S : (number + 1) * S]
        return ExactQuantities(
            experiment_on_rows(
                S,
                tuple(support),
                tuple(support.values()),
                steps=() if blocks else tuple(step_weights(self.rates)),
                blocks=blocks,
                predictions=predictions,
            )
        )


# --- the program ----------------------------------------------------------------------------------


def build(folder: Path) -> Path:
    """Extract and compile the program of the formal definitions.

    Args:
        folder: the Coq sources.

    Raises:
        CorrespondenceError: if that fails, with the messages.
    """
    made = subprocess.run(
        ["make", "-C", str(folder), "--no-print-directory", "evaluator"],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise CorrespondenceError(f"the evaluator does not build:\n{made.stderr[-2000:]}")
    return folder / "extract" / "speceval"


def _ask(program: Path, question: str, *arguments: int | Sequence[Fraction | bool]) -> Answer:
    """The program's answer to one question: lists of numbers.

    Raises:
        CorrespondenceError: if the program fails.
    """
    words = [question, *(str(a) if isinstance(a, int) else _written(a) for a in arguments)]
    ran = subprocess.run([str(program)], input=" ".join(words), capture_output=True, text=True)
    if ran.returncode or not ran.stdout:
        raise CorrespondenceError(f"the evaluator fails at {words[0]}: {ran.stderr.strip()}")
    return [[Fraction(x) for x in part.split()] for part in ran.stdout.split(";")]


def _written(numbers: Sequence[Fraction | bool]) -> str:
    """A list in the program's language; a truth value is 0 or 1."""
    shown = (
        str(int(x)) if isinstance(x, bool) else f"{x.numerator}/{x.denominator}" for x in numbers
    )
    return " ".join([str(len(numbers)), *shown])


# --- what is compared -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Correspondence:
    """One number, computed by the formal definitions and by ours.

    Attributes:
        what: e.g. ``E3: epsilon_w``.
        formal: the formal definition's value.
        ours: the same by this project.
        error: how far the two may lie apart; 0 where both are exact.
    """

    what: str
    formal: Fraction
    ours: Fraction
    error: Fraction = Fraction(0)

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        return abs(self.formal - self.ours) <= self.error


def correspondences(program: Path, case: SharedInstance) -> list[Correspondence]:
    """All comparisons of one case."""
    return [
        one
        for topic in (_parallel, _hitting, _confidence, _entropy)
        for one in topic(program, case)
    ]


def _parallel(program: Path, case: SharedInstance) -> Iterator[Correspondence]:
    """E3 and L0: the parallel sampler's law and total variation, and what their bounds name."""
    d, S, exact, target = case.length, case.vocabulary, case.exact(), case.target()
    formal, (tv, birthday, allocations, error, leftover) = _ask(
        program, "parallel", d, S, case.law, case.predictions, case.rates, len(case.rates)
    )
    values = {"d": d, "w": exact.w, "epsilon_w": fmpq(0)}
    for claim in ("E3", "L0"):
        values |= {f"{claim}.{name}": 1 for name in CLAIMS[claim].constants}
    bound = as_fraction(evaluate(CLAIMS["E3"].expression, values, RATIONAL))
    yield Correspondence("E3: TV", tv, as_fraction(exact.tv))
    yield Correspondence("E3: 1 - d! e_d(w)", birthday, bound)
    yield Correspondence("E3: 1 - d! e_d(w), by allocations", allocations, bound)
    yield Correspondence("E3: epsilon_w", error, as_fraction(exact.epsilon_w))
    lost = as_fraction(evaluate(CLAIMS["L0"].expression, values, RATIONAL))
    yield Correspondence("L0: 1 - (1 - w_inf)^d", leftover, lost)
    yield from _on_support("E3", case, formal, exact.tables.probability(exact.w))

    steps = StepLaw.from_hazards(torch.tensor([float(r) for r in case.rates]))
    denoiser = case.denoiser(target)
    for name, law in (
        ("propagation", propagate(target, denoiser, steps, rows="all")),
        ("expansion", tables(target, denoiser, rows="all").law(steps)),
    ):
        # off the support the exact denoiser is uniform on both sides
        yield from _in_floats(
            f"E3 by {name}", formal, tv, law, target, exact=bool(case.predictions)
        )


def _hitting(program: Path, case: SharedInstance) -> Iterator[Correspondence]:
    """H1 and H2: the first-hitting sampler's law, its total variation and epsilon_FHS."""
    d, S, target = case.length, case.vocabulary, case.target()
    ones = (1,) * d
    exact = case.exact(blocks=ones)
    formal, (tv, error) = _ask(program, "hitting", d, S, case.law, case.predictions)
    yield Correspondence("H2: TV", tv, as_fraction(exact.tv))
    yield Correspondence("H2: epsilon_FHS", error, as_fraction(exact.epsilon_FHS))
    yield from _on_support("H2", case, formal, exact.law)
    law_in_floats = tables(target, case.denoiser(target), rows="all").at(ones)
    yield from _in_floats("H2 by expansion", formal, tv, law_in_floats, target, exact=False)


def _confidence(program: Path, case: SharedInstance) -> Iterator[Correspondence]:
    """P2: a policy, here that of the most confident predictions, two tokens a round."""
    d, S, target = case.length, case.vocabulary, case.target()
    policy, denoiser = MostConfident("confidence", min(2, d)), case.denoiser(target)
    chosen, calls = _choices(policy, denoiser, case), policy.most_rounds(d)
    choices = [chosen[context][i] for context in case.contexts for i in range(d)] * calls
    formal, (tv, bound) = _ask(program, "chosen", d, S, case.law, case.predictions, calls, choices)
    reached = reached_law(policy, denoiser, d)
    law = dict(zip(map(tuple, reached.rows.tolist()), reached.mass.tolist(), strict=True))
    error = Fraction(0) if case.predictions else CLOSE
    for row, value in zip(case.rows, formal, strict=True):
        yield Correspondence(f"P2: p_out{row}", value, Fraction(law.get(row, 0.0)), error)
    gaps = (q - Fraction(law.get(row, 0.0)) for row, q in zip(case.rows, case.law, strict=True))
    yield Correspondence("P2: TV", tv, sum((gap for gap in gaps if gap > 0), Fraction(0)), error)
    ours = _local_errors(case.exact(), chosen, calls)
    yield Correspondence("P2: local errors", bound, as_fraction(ours))


def _local_errors(
    exact: ExactQuantities, chosen: Mapping[Context, Sequence[bool]], rounds: int
) -> Number:
    """P2's bound: the mean over q_0 of each round's total variation from a joint draw.

    Args:
        exact: the instance.
        chosen: partial state → whether a position is revealed; no mask may be left over.
        rounds: n.
    """
    S, total = exact.S, fmpq(0)
    for row, mass in exact.pmf.items():
        context: Context = (S,) * exact.d
        for _ in range(rounds):
            block = [i for i, reveal in enumerate(chosen[context]) if reveal and context[i] == S]
            for values in itertools.product(range(S), repeat=len(block)):
                after, product = list(context), fmpq(1)
                for i, value in zip(block, values, strict=True):
                    product = product * exact.predict(context, i)[value]
                    after[i] = value
                joint = exact.marginal.get(tuple(after), fmpq(0)) / exact.marginal[context]
                total = total + mass * abs(product - joint) / 2
            context = tuple(row[i] if i in block else x for i, x in enumerate(context))
    return total


def _choices(policy: Policy, denoiser: Denoiser, case: SharedInstance) -> dict[Context, list[bool]]:
    """Partial state → whether the policy reveals each position."""
    found = {}
    for context in case.contexts:
        state = torch.tensor([context])
        reveals = torch.zeros_like(state, dtype=torch.bool)
        if case.vocabulary in context:
            reveals = policy.choose(state, denoiser(state), 0)
        found[context] = reveals[0].tolist()
    return found


def _entropy(program: Path, case: SharedInstance) -> Iterator[Correspondence]:
    """E5: the law of the rank, the exponent for a rational curve, and the information curve."""
    d = case.length
    rates = (*case.rates[:-1], Fraction(1))  # without leftover
    w = step_weights([as_fmpq(r) for r in rates])
    (ranks,) = _ask(program, "ranks", d, rates, len(rates) - 1)
    for m, (value, ours) in enumerate(zip(ranks, rank_law(RATIONAL, d, w), strict=True)):
        yield Correspondence(f"E5: n_{m}", value, as_fraction(ours))
    curve = [Fraction(d - m, m + 2) for m in range(d)]
    ((exponent,),) = _ask(program, "exponent", d, rates, len(rates) - 1, curve)
    in_flint = [as_fmpq(h) for h in curve]
    ours = d * RankExcess.compute(RATIONAL, d, w, in_flint)
    yield Correspondence("E5: exponent", exponent, as_fraction(ours))
    (information,) = _ask(program, "information", d, case.vocabulary, case.law)
    for m, (value, ball) in enumerate(zip(information, case.exact().h, strict=True)):
        yield Correspondence(f"E5: h_{m}", value, Fraction(float(ball.mid())), CLOSE)


def _on_support(
    claim: str, case: SharedInstance, formal: Sequence[Fraction], law: Mapping[Context, Number]
) -> Iterator[Correspondence]:
    """A law in exact fractions, where q_0 is positive."""
    for row, value in zip(case.rows, formal, strict=True):
        if row in law:
            yield Correspondence(f"{claim}: p_out{row}", value, as_fraction(law[row]))


def _in_floats(
    what: str,
    formal: Sequence[Fraction],
    tv: Fraction,
    law: OutputLaw,
    target: Target,
    exact: bool,
) -> Iterator[Correspondence]:
    """A samplers' law of all sequences; exact if its floats need no rounding."""
    error = Fraction(0) if exact else CLOSE
    for row, value, ours in zip(law.rows.tolist(), formal, law.probability.tolist(), strict=True):
        yield Correspondence(f"{what}: p_out{tuple(row)}", value, Fraction(ours), error)
    yield Correspondence(f"{what}: TV", tv, Fraction(total_variation(law, target).value), error)
