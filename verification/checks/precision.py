"""Checks of G1."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from flint import acb, arb
from hypothesis import strategies as st
from sharprates.samplers.gumbel import all_uniforms, lattice_law, truncated_law
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import Check, changed, formula, trial_of
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method

BITS = 24
"""Random bits of a float32 uniform."""

AT_ONCE = 2**14
"""Uniforms that are looked at together: memory for all of them costs more than the counting."""


def quadrature(pi: tuple[Fraction, ...]) -> list[Any]:
    """P(m rings first) for exponential clocks of rates π_m that cannot ring before c/π_m.

    c = −log(1 − 2^−24), for u < 1 − 2^−24. An enclosure by numerical integration, piece by piece
    between the times at which clocks start; what lies 400 mean times beyond the last one is below
    e^−400.
    """
    c = -(1 - arb(1) / 2**BITS).log()
    rate = {x: arb(x.numerator) / x.denominator for x in pi}
    found = []
    for mine in pi:
        # clock x runs from c/x on: the rarer a symbol, the later it starts
        later = sorted({x for x in pi if x <= mine}, reverse=True)
        ends = [c / rate[x] for x in later]
        total = arb(0)
        last = _pieces(ends[-1], ends[-1] + 400 / rate[pi[0]])
        for running, (a, b) in zip(
            [*later, *[later[-1]] * len(last)], itertools.pairwise([*ends, *last]), strict=False
        ):
            active = [rate[x] for x in pi if x >= running]
            total = total + acb.integral(_density(rate[mine], active, c), acb(a), acb(b)).real
        found.append(total + arb(0, 1e-100))
    return found


def _density(mine: Any, running: list[Any], c: Any) -> Callable[[Any, Any], Any]:
    """Density of the first ring at t, by clock `mine`, given those that run."""

    def at(t: Any, _: Any) -> Any:
        return mine * sum(((c - r * t) for r in running), acb(0)).exp()

    return at


def _pieces(start: Any, end: Any) -> list[Any]:
    """Ends that double their distance from the start, so that each piece is smooth."""
    step, found = arb(1), []
    while bool(start + step < end):
        found.append(start + step)
        step = 2 * step
    return [*found, end]


def _integral(example: Example, mutant: Mutant, truncated: bool = True) -> Trial:
    pi = example["pi"]
    sides = []
    for m, value in enumerate(quadrature(pi), 1):
        given = {"probabilities": pi, "index": m}
        measured = value if truncated else arb(pi[m - 1].numerator) / pi[m - 1].denominator
        sides.append((measured, formula("G1", None, given, mutant)))
    return trial_of(example, Relation.EQUALITY, sides)


def _floats(example: Example, _: Mutant, bits: int = BITS) -> Trial:
    """The samplers' own formula in float64, its error below 10⁻¹⁴."""
    pi = example["pi"]
    law = truncated_law(torch.tensor([float(x) for x in pi], dtype=torch.float64), bits).tolist()
    sides = [
        (Interval.around(p, 1e-14), formula("G1", None, {"probabilities": pi, "index": m}))
        for m, p in enumerate(law, 1)
    ]
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


@cache  # both checks and their mutants ask for the same two numbers
def lattice_chance(small: float, zero: bool) -> float:
    """P(the symbol of probability `small` beats the other one) on the lattice k/2^24, by counting.

    −log(u)/π is smaller for u_1 iff u_1 > u_2^{π_1/π_2}: for each of 2^24 values of u_2 the number
    of u_1 above is counted; no Gumbel noise and no float32.
    """
    count, wins = 2**BITS, 0.0
    first = 0 if zero else 1
    for start in range(first, count, AT_ONCE):
        k = np.arange(start, min(start + AT_ONCE, count), dtype=np.float64)
        with np.errstate(divide="ignore"):  # u_2 = 0 never wins: log 0 = −∞ is meant
            threshold = np.exp(small / (1 - small) * np.log(k / count)) * count
        wins += float(np.maximum(0, count - 1 - np.floor(threshold)).sum())
    return wins / float(count - first) ** 2


def _lattice(example: Example, _: Mutant, is_the_model: bool = False) -> Trial:
    """The lattice's law differs from the model's by more than 10 %, and less than tenfold."""
    pi, zero = example["pi"], example["zero"]
    model = float(formula("G1", None, {"probabilities": pi, "index": 1}))
    found = model if is_the_model else lattice_chance(float(pi[0]), zero)
    off = max(found / model, model / found)
    return trial_of(example, Relation.UPPER, [(1.1, off), (off, 10)], counts=True)


@cache  # the claim and its mutant compare the same walk
def _walked(pi: tuple[Fraction, ...], zero: bool) -> float:
    """P(the first symbol wins) by Gumbel-max in float32 on all uniforms."""
    law = torch.tensor([float(x) for x in pi], dtype=torch.float64)
    return float(lattice_law(law, all_uniforms(torch.float32, zero))[0])


def _walk(example: Example, _: Mutant, with_zero: bool = True) -> Trial:
    pi = example["pi"]
    counted = lattice_chance(float(pi[0]), with_zero)
    sides = [(abs(_walked(pi, example["zero"]) / counted - 1), 0.01)]
    return trial_of(example, Relation.UPPER, sides, counts=True)


RARE = (Fraction(1, 10**7), 1 - Fraction(1, 10**7))


@st.composite
def _ascending(draw: st.DrawFn) -> Example:
    """Two to four positive probabilities, some of them of the order of 2^−24."""
    scales = st.sampled_from((1, 1, 10**3, 10**6, 10**8))
    raw = draw(
        st.lists(
            st.builds(lambda k, scale: Fraction(k, scale), st.integers(1, 9), scales),
            min_size=2,
            max_size=4,
            unique=True,
        )
    )
    return Example.of(pi=tuple(sorted(x / sum(raw) for x in raw)))


CHECKS = (
    Check(
        "G1",
        "numerical integration with enclosed error",
        _ascending(),
        _integral,
        edges={"a symbol of 1e-7": Example.of(pi=RARE)},
        mutants=(
            Mutant("no truncation", trial=partial(_integral, truncated=False)),
            changed("probabilities descending", probabilities=lambda pi: pi[::-1]),
        ),
        effort=0.3,
    ),
    Check(
        "G1",
        "the samplers' float64 formula",
        _ascending(),
        _floats,
        method=Method.TESTED,
        mutants=(Mutant("25 bits", trial=partial(_floats, bits=25)),),
    ),
    Check(
        "G1",
        "the lattice of 2^24 uniforms, with and without 0, is not the model",
        lambda _: [Example.of(pi=RARE, zero=zero) for zero in (True, False)],
        _lattice,
        method=Method.TESTED,
        mutants=(Mutant("the model itself", trial=partial(_lattice, is_the_model=True)),),
        rated=False,
    ),
    Check(
        "G1",
        "Gumbel-max in float32 on all 2^24 uniforms, against counting",
        lambda _: [Example.of(pi=RARE, zero=True)],
        _walk,
        method=Method.TESTED,
        mutants=(Mutant("without 0", trial=partial(_walk, with_zero=False)),),
        rated=False,
    ),
)
