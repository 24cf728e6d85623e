"""Hypothesis strategies for everything that a claim quantifies over; all shrink to readable cases.

Exact ones (`laws`, `step_laws`, `predictions`, `instances`, `grids`) give small fractions, so
that a verdict can be decided without rounding and checked by hand. The others (`schedules`,
`denoisers`, `float_experiments`) give what the torch samplers run on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, ParamSpec, TypeVar, cast

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from sharprates.samplers import families
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import OFF_SUPPORT, Denoiser, ExactDenoiser, Positions
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.predictions import Predictions
from sharprates.samplers.schedule import LAST_STEPS, RULES, Schedule
from sharprates.samplers.target import Target
from sharprates.verification.arithmetic import as_fraction
from sharprates.verification.checks.choices import (
    Chooser,
    LeftBlocks,
    Scattered,
    SmallestExcess,
    SurestFirst,
)
from sharprates.verification.checks.trial import Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import profile
from sharprates.verification.quantities.exact import ExactQuantities
from torch import Tensor

CLOCKS = ("linear", "constant", "cosine", "cosine-late", "polynomial:2", "geometric")
FAMILIES = (
    "copies:2:2",
    "copies:3:2",
    "copies:2:3",
    "pairs:3:2",
    "pairs:4:2",
    "parity:3:2",
    "parity:3:3",
    "shared-symbols:3:2",
    "permutations:3:3",
    "mds:4:2:3",
    "groups:4:2",
    "uniform:2:2",
)
"""Built-in families of small size."""


P = ParamSpec("P")
T = TypeVar("T")


def kept(factory: Callable[P, SearchStrategy[T]]) -> Callable[P, SearchStrategy[T]]:
    """Make each strategy once: hypothesis looks through every new one before it draws from it."""
    return cast(Callable[P, SearchStrategy[T]], cache(factory))


@kept
def simplex(count: int, most: int = 5) -> SearchStrategy[tuple[Fraction, ...]]:
    """Probability vectors of `count` small fractions; entries may be 0.

    Args:
        count: how many entries, ≥ 1.
        most: largest numerator.
    """
    numbers = st.lists(st.integers(0, most), min_size=count, max_size=count)
    return numbers.filter(any).map(_normalised)


def _normalised(numbers: Sequence[int]) -> tuple[Fraction, ...]:
    return tuple(Fraction(number, sum(numbers)) for number in numbers)


# --- data laws ------------------------------------------------------------------------------------


@kept
def _words(d: int, S: int) -> SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(0, S - 1)] * d)


@st.composite
def sparse_laws(
    draw: DrawFn, min_length: int = 1, max_length: int = 4, max_vocabulary: int = 3
) -> Target:
    """A few sequences with small rational weights; a single one is a point mass."""
    d = draw(st.integers(min_length, max_length))
    S = draw(st.integers(1, max_vocabulary))
    rows = draw(st.lists(_words(d, S), min_size=1, max_size=min(8, S**d), unique=True))
    weights = draw(st.lists(st.integers(1, 5), min_size=len(rows), max_size=len(rows)))
    return _law(rows, _normalised(weights), S)


def _law(rows: Sequence[tuple[int, ...]], weights: Sequence[Fraction], S: int) -> Target:
    """A target that is named by what it holds."""
    held = [(row, w) for row, w in zip(rows, weights, strict=True) if w]
    words = [f"{''.join(map(str, row))}:{weight}" for row, weight in held[:8]]
    more = f" and {len(held) - 8} more" if len(held) > 8 else ""
    return Target.from_rows(rows, weights, S, name=f"S={S} q0=[{' '.join(words)}{more}]")


@kept
@st.composite
def dense_laws(
    draw: DrawFn, min_length: int = 1, max_length: int = 3, max_vocabulary: int = 3
) -> Target:
    """All S^d sequences (at most 27 of them), each with a small rational weight, which may be 0."""
    d = draw(st.integers(min_length, max_length))
    S = draw(st.integers(2, max_vocabulary) if max_vocabulary > 1 else st.just(1))
    rows = list(itertools.product(range(S), repeat=d))
    return _law(rows, draw(simplex(len(rows), most=4)), S)


@kept
@st.composite
def degenerate_laws(draw: DrawFn, min_length: int = 1, max_length: int = 4) -> Target:
    """A point mass, or nearly one: a second sequence has probability 1/1000 or less."""
    d, S = draw(st.integers(min_length, max_length)), draw(st.integers(1, 3))
    rest = draw(st.sampled_from((Fraction(0), Fraction(1, 1000), Fraction(1, 10**9))))
    other = draw(_words(d, S))
    return _law([(0,) * d, other], [1 - rest, rest], S)


@kept
def family_laws(
    min_length: int = 1, max_length: int = 4, names: Sequence[str] = FAMILIES
) -> SearchStrategy[Target]:
    """The built-in families, where small."""
    fitting = [text for text in names if min_length <= family_target(text).length <= max_length]
    return st.sampled_from(fitting).map(family_target)


@lru_cache(maxsize=128)
def family_target(text: str) -> Target:
    """A member of a built-in family, made once."""
    return families.family(text)


def family_experiment(text: str, **schedule: Any) -> Experiment:
    """An exact experiment on a built-in family; the rest as in `exact_experiment`."""
    return exact_experiment(family_target(text), **schedule)


@kept
def laws(
    min_length: int = 1, max_length: int = 4, max_vocabulary: int = 3
) -> SearchStrategy[Target]:
    """Data laws with exact weights: sparse, dense, families, degenerate."""
    return st.one_of(
        sparse_laws(min_length, max_length, max_vocabulary),
        family_laws(min_length, max_length),
        dense_laws(min_length, min(3, max_length), max_vocabulary),
        sparse_laws(max(min_length, min(2, max_length)), max_length, max_vocabulary),
        degenerate_laws(min_length, max_length),
    )


@kept
def dependent_laws(most: int = 4) -> st.SearchStrategy[Target]:
    """Laws of tokens that are not independent, where bounds on dependence say something."""
    found = laws(min_length=2, max_length=most)
    return found.filter(lambda law: profile(law).mutual_information > 1e-6)


def falling_curves(longest: int = 12) -> st.SearchStrategy[tuple[Fraction, ...]]:
    """Information curves in fractions, falling, of 2 to `longest` tokens."""
    values = st.fractions(0, 4, max_denominator=9)
    return st.lists(values, min_size=2, max_size=longest).map(
        lambda h: tuple(sorted(h, reverse=True))
    )


# --- step laws ------------------------------------------------------------------------------------


def laws_of_few_symbols() -> SearchStrategy[Target]:
    """Laws of two to four tokens on two to six symbols."""
    return laws(min_length=2, max_length=4).filter(lambda law: 2 <= law.vocabulary <= 6)


SHUFFLED = {
    text: family_experiment(text)
    for text in ("permutations:2:2", "permutations:3:3", "permutations:4:2", "permutations:4:4")
}
"""Random permutations, by name."""


@kept
def equal_steps(max_steps: int = 8) -> SearchStrategy[tuple[Fraction, ...]]:
    """From 1 to `max_steps` equal steps."""
    return st.integers(1, max_steps).map(lambda K: (Fraction(1, K),) * K)


@kept
@st.composite
def random_steps(draw: DrawFn, max_steps: int = 6, leftover: bool = True) -> tuple[Fraction, ...]:
    """Small rational weights; zeros among them are steps in which nothing can happen."""
    K = draw(st.integers(1, max_steps))
    weights = draw(simplex(K + leftover))
    return weights[:K]


@kept
def mostly_left(max_steps: int = 3) -> SearchStrategy[tuple[Fraction, ...]]:
    """Step laws with w_∞ near 1."""
    share = st.sampled_from((Fraction(1, 100), Fraction(1, 10**6)))
    return st.builds(
        lambda w, x: tuple(x * one for one in w), random_steps(max_steps, leftover=False), share
    )


@kept
def step_laws(max_steps: int = 6, leftover: bool = True) -> SearchStrategy[tuple[Fraction, ...]]:
    """Step laws w as fractions: equal, random, with zeros, with leftover up to almost all."""
    complete = (equal_steps(max_steps), random_steps(max_steps, leftover=False))
    if not leftover:
        return st.one_of(*complete)
    return st.one_of(*complete, random_steps(max_steps), mostly_left())


# --- denoisers in fractions -----------------------------------------------------------------------


def contexts(target: Target) -> list[tuple[Context, int]]:
    """(context of positive probability, hidden position), the emptiest contexts first."""
    S, d = target.vocabulary, target.length
    found = {
        tuple(x if shown else S for x, shown in zip(row, mask, strict=True))
        for row in target.rows.tolist()
        for mask in itertools.product((False, True), repeat=d)
    }
    ordered = sorted(found, key=lambda context: (-context.count(S), context))
    return [(context, i) for context in ordered for i in range(d) if context[i] == S]


@st.composite
def predictions(draw: DrawFn, target: Target) -> Predictions:
    """A normalised denoiser that errs: a little, off the support, or by 0 at a possible symbol.

    Args:
        draw: given by hypothesis.
        target: the data law; at contexts that are not drawn the denoiser is exact.
    """
    S = target.vocabulary
    numbers = ExactQuantities(exact_experiment(target))
    places = contexts(target)
    size = min(len(places), 6)
    chosen = draw(st.lists(st.sampled_from(places), min_size=1, max_size=size, unique=True))
    found: dict[tuple[Context, int], tuple[Fraction, ...]] = {}
    for place in chosen:
        true = tuple(map(as_fraction, numbers.conditional(*place)))
        kind = draw(st.sampled_from(("off", "small", "zero", "any")))
        wrong = draw(st.integers(0, S - 1))
        if kind == "any":
            found[place] = draw(simplex(S))
        elif kind == "zero":  # nothing on the symbol, all of it moved to the next
            moved = list(true)
            moved[(wrong + 1) % S] += moved[wrong] if S > 1 else 0
            moved[wrong] = Fraction(0) if S > 1 else moved[wrong]
            found[place] = tuple(moved)
        else:
            share = draw(st.sampled_from((Fraction(1, 2), Fraction(1, 4), Fraction(1, 1000))))
            share = share if kind == "small" else min(Fraction(1), 2 * share)
            found[place] = tuple(
                (1 - share) * p + (share if a == wrong else 0) for a, p in enumerate(true)
            )
    return found


def conditionals(target: Target) -> dict[tuple[Context, int], tuple[Fraction, ...]]:
    """The exact denoiser as a table of fractions."""
    numbers = ExactQuantities(exact_experiment(target))
    return {
        (context, i): tuple(map(as_fraction, numbers.conditional(context, i)))
        for context, i in contexts(target)
    }


# --- instances ------------------------------------------------------------------------------------


@st.composite
def instances(
    draw: DrawFn,
    targets: SearchStrategy[Target] | None = None,
    steps: SearchStrategy[tuple[Fraction, ...]] | None = None,
    erring: bool = False,
) -> Experiment:
    """A law and a step law in fractions.

    Args:
        draw: given by hypothesis.
        targets: by default `laws()`.
        steps: by default `step_laws()`.
        erring: whether the denoiser may err.
    """
    target = draw(laws() if targets is None else targets)
    w = draw(step_laws() if steps is None else steps)
    wrong: Predictions = {}
    if erring and draw(st.booleans()):
        wrong = draw(predictions(target))
    return exact_experiment(target, steps=w, predictions=wrong)


@st.composite
def one_by_one(draw: DrawFn, targets: SearchStrategy[Target] | None = None) -> Experiment:
    """A law and an erring denoiser for first-hitting sampling."""
    target = draw(laws(max_length=3) if targets is None else targets)
    return exact_experiment(
        target, blocks=(1,) * target.length, predictions=draw(predictions(target))
    )


@st.composite
def in_blocks(draw: DrawFn, targets: SearchStrategy[Target] | None = None) -> Experiment:
    """A law and block sizes."""
    target = draw(laws(min_length=2) if targets is None else targets)
    d = target.length
    cuts = draw(st.lists(st.booleans(), min_size=d - 1, max_size=d - 1))
    sizes = [1]
    for cut in cuts:
        if cut:
            sizes.append(1)
        else:
            sizes[-1] += 1
    return exact_experiment(target, blocks=tuple(sizes))


@kept
@st.composite
def grids(
    draw: DrawFn,
    rules: Sequence[str] = tuple(RULES),
    clocks: Sequence[str] = ("linear", "constant", "cosine", "polynomial:2"),
    max_steps: int = 5,
    fill: bool = True,
) -> Schedule:
    """A parallel sampler on a clock, its times uniform."""
    name = draw(st.sampled_from(clocks))
    halves = (2, 1) if clock(name).end == 1 else (4, 10, 2)
    rule, horizon = draw(st.sampled_from(rules)), Fraction(draw(st.sampled_from(halves)), 2)
    steps, filled = draw(st.integers(1, max_steps)), fill and draw(st.booleans())
    last_step = "fill" if filled else "leave"
    return Schedule(rule, name, "uniform", steps, horizon, last_step=last_step)


@st.composite
def on_grids(
    draw: DrawFn,
    targets: SearchStrategy[Target] | None = None,
    schedule: SearchStrategy[Schedule] | None = None,
    erring: bool = False,
) -> Experiment:
    """A law and a sampler on a clock."""
    target = draw(laws(max_length=3) if targets is None else targets)
    chosen = draw(grids() if schedule is None else schedule)
    wrong: Predictions = {}
    if erring and draw(st.booleans()):
        wrong = draw(predictions(target))
    return exact_experiment(target, grid=chosen, predictions=wrong)


_NONE, _HALF, _THIRD = Fraction(0), Fraction(1, 2), Fraction(1, 3)

EDGES: Mapping[str, Experiment] = {
    "one token": family_experiment("uniform:1:2", steps=(_HALF, _HALF)),
    "one step": family_experiment("copies:2:2", steps=(Fraction(1),)),
    "fewer steps than tokens": family_experiment("copies:3:2", steps=(_HALF, _HALF)),
    "almost all left over": family_experiment("copies:2:2", steps=(Fraction(1, 10**6),)),
    "nothing is ever revealed": family_experiment("copies:2:2", steps=(_NONE,)),
    "zero hazards": family_experiment("parity:3:2", steps=(_NONE, _HALF, _NONE, _HALF, _NONE)),
    "point mass": family_experiment("point-mass:3:2", steps=(_THIRD, _THIRD)),
    "one symbol": family_experiment("uniform:2:1", steps=(_HALF, _HALF)),
}
"""Edge cases by name; every property check of step laws begins with them."""


COMPLETE_EDGES = {name: it for name, it in EDGES.items() if sum(it.steps) == 1}
"""Those without leftover."""


def errs_by(share: Fraction) -> dict[tuple[Context, int], tuple[Fraction, ...]]:
    """One token of a point mass, of which so much goes to the other symbol."""
    return {((2,), 0): (1 - share, share)}


ONE_THAT_ERRS = family_experiment(
    "point-mass:1:2", steps=(Fraction(1),), predictions=errs_by(Fraction(1, 2))
)


def two_symbols(it: Experiment) -> bool:
    """S ≥ 2."""
    return it.vocabulary > 1


# --- policies in fractions ------------------------------------------------------------------------


def scattered(most: int = 99) -> st.SearchStrategy[Scattered]:
    """Any policy without a seed."""
    return st.integers(0, 10**6).map(lambda number: Scattered(number, most))


def choices() -> st.SearchStrategy[Chooser]:
    """Policies without a seed: any function, blocks, and the rules that are in use."""
    shares = st.sampled_from([Fraction(x, 12) for x in (6, 8, 9, 10, 11)])
    return st.one_of(
        scattered(),
        st.just(LeftBlocks()),
        st.integers(1, 2).map(lambda size: LeftBlocks((size,) * 5)),
        shares.map(SurestFirst),
        st.builds(SurestFirst, st.just(Fraction(1)), st.integers(1, 2)),
        st.sampled_from([Fraction(x, 10) for x in (1, 2, 3, 5)]).map(
            lambda epsilon: SmallestExcess(epsilon, bit=True)
        ),
    )


def policies(
    one: st.SearchStrategy[Chooser] | None = None, most: int = 3
) -> st.SearchStrategy[tuple[Chooser, ...]]:
    """Policies with a seed: up to `most` rules, each as probable as the others."""
    return st.lists(choices() if one is None else one, min_size=1, max_size=most, unique=True).map(
        tuple
    )


AT_ONCE = (LeftBlocks(),)
"""All tokens in one round."""


def laws_with(
    rules: st.SearchStrategy[tuple[Chooser, ...]], targets: st.SearchStrategy[Target] | None = None
) -> st.SearchStrategy[Example]:
    """Laws, by default `laws()`, with the exact denoiser, and policies."""
    return st.builds(
        lambda law, rule: Example.of(exact_experiment(law), rules=rule, denoiser="exact"),
        laws() if targets is None else targets,
        rules,
    )


@st.composite
def erring_with(
    draw: st.DrawFn, rules: st.SearchStrategy[tuple[Chooser, ...]], max_length: int = 4
) -> Example:
    """A law, a denoiser that errs or not, and a policy."""
    law = draw(laws(max_length=max_length))
    wrong = draw(predictions(law)) if draw(st.booleans()) else {}
    kind = "errs" if wrong else "exact"
    return Example.of(exact_experiment(law, predictions=wrong), rules=draw(rules), denoiser=kind)


def family_with(text: str, *rules: Chooser) -> Example:
    """A built-in family with the exact denoiser, by default all tokens in one round."""
    return Example.of(exact_experiment(families.family(text)), rules=rules or AT_ONCE)


def copies_of(n: int, S: int, epsilon: Fraction) -> Target:
    """Copies of a symbol that is 0 with probability 1 − ε, and else uniform."""
    weights = [1 - epsilon, *[epsilon / (S - 1)] * (S - 1)]
    return Target.from_rows([(a,) * n for a in range(S)], weights, S)


# --- what the torch samplers run on ---------------------------------------------------------------


@st.composite
def schedules(
    draw: DrawFn,
    max_steps: int = 24,
    clocks: Sequence[str] = CLOCKS,
    grid_names: Sequence[str] = ("uniform", "alpha", "logsnr", "exp-const"),
    rules: Sequence[str] = tuple(RULES),
) -> Schedule:
    """A rule on any clock and grid, with any last step; K ≥ 1."""
    name = draw(st.sampled_from(clocks))
    kind = draw(st.sampled_from(grid_names))
    # logsnr needs 0 < α < 1 at both ends, exp-const needs δ > 0
    inner = kind == "logsnr" and clock(name).end == 1
    horizon = 0.75 if inner else draw(st.sampled_from((None, 0.5, 1.0)))
    deltas = (0.0, 0.125) if kind in ("uniform", "alpha") else (0.125, 0.015625)
    steps, delta = draw(st.integers(1, max_steps)), draw(st.sampled_from(deltas))
    rule, last_step = draw(st.sampled_from(rules)), draw(st.sampled_from(LAST_STEPS))
    return Schedule(rule, name, kind, steps, horizon, delta, last_step)


@dataclass(frozen=True, eq=False)
class Perturbed:
    """The exact denoiser with an error, possibly growing with time or not normalised.

    Attributes:
        exact: the denoiser that it departs from.
        share: mass taken from the exact prediction.
        wrong: symbol to which that mass goes.
        drop: whether the most likely symbol is given probability 0, its mass moved to `wrong`.
        mass: sum of each prediction; 1 is normalised.
        slope: the share is multiplied by 1/(1 + slope·t).
    """

    exact: ExactDenoiser
    share: float = 0.25
    wrong: int = 0
    drop: bool = False
    mass: float = 1.0
    slope: float = 0.0

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.exact.vocabulary

    @property
    def time_free(self) -> bool:
        """Whether the error does not depend on time."""
        return self.slope == 0

    @property
    def normalised(self) -> bool:
        """Whether predictions sum to 1."""
        return self.mass == 1

    def variation(self, early: float, late: float) -> float:
        """See `samplers.denoiser.Denoiser`: the share only falls with time."""
        if self.drop:
            return 0.0
        return self.share / (1 + self.slope * early) - self.share / (1 + self.slope * late)

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        p = self.exact(x, t, positions)
        wrong = torch.zeros(self.vocabulary, dtype=torch.float64)
        wrong[self.wrong] = 1
        if self.drop:
            top = torch.nn.functional.one_hot(p.argmax(-1), self.vocabulary).to(torch.float64)
            return self.mass * (p * (1 - top) + (p * top).sum(-1, keepdim=True) * wrong)
        time = torch.as_tensor(0.0 if t is None else t, dtype=torch.float64)
        share = self.share / (1 + self.slope * time)
        if share.ndim:  # a time for each row
            share = share[positions[0], None] if positions else share[:, None, None]
        return self.mass * ((1 - share) * p + share * wrong)

    def __str__(self) -> str:
        parts = [
            f"{self.share} to {self.wrong}" if not self.drop else f"top dropped to {self.wrong}"
        ]
        parts += [f"mass {self.mass}"] * (self.mass != 1) + [f"slope {self.slope}"] * (
            self.slope != 0
        )
        return "perturbed: " + ", ".join(parts)


@st.composite
def denoisers(
    draw: DrawFn,
    target: Target,
    exact_only: bool = False,
    normalised: bool = True,
    time_free: bool = False,
) -> Denoiser:
    """A denoiser for a target: exact with any off-support convention, or one that errs.

    Args:
        draw: given by hypothesis.
        target: the data law.
        exact_only: whether it may not err.
        normalised: whether predictions must sum to 1.
        time_free: whether they may not depend on time.
    """
    base = ExactDenoiser(target, draw(st.sampled_from(OFF_SUPPORT)))
    if exact_only or draw(st.booleans()):
        return base
    return Perturbed(
        base,
        draw(st.sampled_from((0.25, 0.001, 1.0))),
        draw(st.integers(0, target.vocabulary - 1)),
        draw(st.booleans()),
        1.0 if normalised else draw(st.sampled_from((1.0, 0.5, 2.0))),
        0.0 if time_free else draw(st.sampled_from((0.0, 3.0))),
    )


LARGER_FAMILIES = (
    *FAMILIES,
    "copies:5:3",
    "pairs:6:2",
    "parity:5:2",
    "shared-symbols:4:2",
    "permutations:4:2",
    "mds:5:3:5",
    "groups:6:3",
    "ising:5:0.8",
    "ising:4:-1:0.5:ring",
    "dirichlet:4:3:0.3:1",
    "dirichlet:6:2:0.1:2",
    "sparse-dirichlet:6:8:20:1:3",
    "sparse-dirichlet:5:50:12:0.5:4",
    "markov:5:0.5,0.5:0.9,0.1:0.2,0.8",
    "product:0.5,0.5:0.1,0.9:1,0",
)
"""Families up to the size that float64 tables handle at once."""


@st.composite
def float_experiments(
    draw: DrawFn,
    exact_only: bool = False,
    normalised: bool = True,
    time_free: bool = False,
    plans: SearchStrategy[Schedule] | None = None,
    max_length: int = 6,
) -> Experiment:
    """Everything that the torch samplers take, at sizes beyond exact fractions.

    Args:
        draw: given by hypothesis.
        exact_only: whether the denoiser may not err.
        normalised: whether its predictions must sum to 1.
        time_free: whether they may not depend on time.
        plans: schedules; by default `schedules()`.
        max_length: of the sequences.
    """
    target = draw(
        st.one_of(
            family_laws(1, max_length, LARGER_FAMILIES), sparse_laws(1, min(5, max_length), 6)
        )
    )
    denoiser = draw(denoisers(target, exact_only, normalised, time_free))
    schedule = draw(schedules() if plans is None else plans)
    return Experiment(target, denoiser, ParallelSampler(target.length, schedule))


ALPHAS = st.sampled_from(
    sorted({Fraction(n, q) for q in range(1, 9) for n in range(q + 1)}, key=lambda x: x.denominator)
)
"""Shares of tokens that are shown, the plainest first."""


@st.composite
def at_two_times(draw: st.DrawFn) -> Example:
    """A law and α at a time t and at an earlier s: α_t < α_s."""
    law = draw(laws(max_length=3, max_vocabulary=2))
    late, early = sorted((draw(ALPHAS), draw(ALPHAS)))
    if late == early:
        late, early = early / 2, early / 2 + Fraction(1, 2)
    return Example.of(exact_experiment(law), alpha_t=late, alpha_s=early)
