"""Where masking again helps: TV with remasking over TV without, at equal denoiser calls.

Everything is exact up to the stated rounding: laws are followed on all partial states. Clock
linear, grid uniform, ancestral steps; the denoiser's convention off the support is uniform. Run by
``make remask``, which writes ``book/results/remasking.json``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from sharprates.samplers.datasets import load
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.remasking import Remasking, RemaskingSampler, remasking
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import tempered_as
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks import channel
from sharprates.verification.checks.redraws import Redraws
from sharprates.verification.checks.remasking import admissible, reveal_rate
from sharprates.verification.denoisers import ContextTable, resolve
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.files import manifest, to_json, write_whole
from sharprates.verification.quantities.exact import ExactQuantities

RESULTS = Path(__file__).parents[1] / "results" / "remasking.json"
STEPS = (2, 4, 8, 16, 32)
RULES = ("0.05", "0.2", "rescaled:0.5", "max", "max@0:0.5", "confidence:1")
LAWS = (
    "copies:2:2",
    "copies:4:2",
    "parity:4:2",
    "pairs:4:2",
    "shared-symbols:3:2",
    "permutations:4:4",
    "markov:5:1/2,1/2:9/10,1/10:1/10,9/10",
    "ising:5:0.7:0.2",
    "dirichlet:4:2",
    "first 8 of patterns12",
    "words4",
)
REMEMBERED = 3
"""The rule by confidence follows states with what they remember: only laws as short as this."""

DENOISERS: dict[str, Callable[[Target], Denoiser]] = {
    "exact": ExactDenoiser,
    "5 % uniform": lambda target: NoisyDenoiser(ExactDenoiser(target), 0.05),
    "temperature 0.8": lambda target: tempered_as(ExactDenoiser(target), 0.8, 1.0),
    "trained": lambda target: ContextTable(resolve("trained")(target), target),
}
TRAINED = ("first 8 of patterns12",)
"""Where a network is trained: it takes a minute."""


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        law: of the data.
        denoiser: its name among `DENOISERS`.
        rule: of remasking.
        steps: K, which is also the number of denoiser calls.
        tv: TV(p_re, q_0).
        plain: TV(p_out, q_0) of the same steps without remasking.
        error: bound on the rounding error of either.
    """

    law: str
    denoiser: str
    rule: str
    steps: int
    tv: float
    plain: float
    error: float

    @property
    def ratio(self) -> float:
        """Below 1 where remasking helps."""
        return self.tv / self.plain if self.plain > self.error else 1.0


def law_named(name: str) -> Target:
    """One of `LAWS`."""
    if name.startswith("first 8"):
        whole = load("patterns12")
        return Target.from_rows(whole.rows[:, :8], weights=whole.weights, vocabulary=2, name=name)
    return load(name)


def distance(
    target: Target, denoiser: Denoiser, rule: Remasking, steps: int
) -> tuple[float, float]:
    """TV(p_re, q_0) and its error; σ = 0 is the ancestral sampler."""
    schedule = Schedule("ancestral", "linear", "uniform", steps)
    law = RemaskingSampler(target.length, schedule, rule).law(target, denoiser)
    return total_variation(law, target)


def cells(names: tuple[str, ...] = LAWS) -> Iterator[Cell]:
    """All measurements on these laws."""
    for name, kind in itertools.product(names, DENOISERS):
        if kind == "trained" and name not in TRAINED:
            continue
        target = law_named(name)
        denoiser = DENOISERS[kind](target)
        for steps in STEPS:
            plain, error = distance(target, denoiser, remasking("0"), steps)
            for text in RULES:
                rule = remasking(text)
                if rule.rule == "confidence" and target.length > REMEMBERED:
                    continue
                tv, more = distance(target, denoiser, rule, steps)
                yield Cell(name, kind, text, steps, tv, plain, max(error, more))


def best_constant(target: Target, denoiser: Denoiser, steps: int) -> tuple[float, float]:
    """The best constant σ found, and its TV: on a grid of 21, then by sections between neighbours.

    The curve need not have one valley, so a better σ may exist between the points of the grid.
    """

    def at(sigma: float) -> float:
        return distance(target, denoiser, Remasking("constant", sigma), steps)[0]

    grid = [k / 20 for k in range(21)]
    values = [at(sigma) for sigma in grid]
    place = values.index(min(values))
    low, high = grid[max(place - 1, 0)], grid[min(place + 1, 20)]
    for _ in range(12):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if at(left) <= at(right) else (left, high)
    middle = (low + high) / 2
    return min([(at(middle), middle), (values[place], grid[place])])[::-1]


def by_hand(name: str, steps: int, share: Fraction) -> Fraction:
    """TV(p_re, q_0) in fractions: α falls evenly, σ is this share of the most in every step."""
    target = load(name)
    redraws = Redraws(ExactQuantities(exact_experiment(target)))
    S, d = target.vocabulary, target.length
    law: channel.Law = {(S,) * d: as_fmpq(Fraction(1))}
    for k in range(steps):
        late, early = Fraction(k, steps), Fraction(k + 1, steps)
        sigma = share * admissible(early, late)
        r = reveal_rate(sigma, early, late)
        law = redraws.step(law, as_fmpq(sigma), as_fmpq(r), redraws.independently)
    found = channel.distance(law, redraws.of.pmf)
    return Fraction(int(found.p), int(found.q))


EXAMPLES = (("copies:2:2", 3), ("copies:3:2", 3), ("parity:3:2", 3))
SHARES = (Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1))


def results(names: tuple[str, ...] = LAWS) -> dict[str, Any]:
    """All that the page shows."""
    found = []
    for cell in cells(names):
        found.append(asdict(cell))
        print(f"{cell.law}, {cell.denoiser}, {cell.rule}, K = {cell.steps}: {cell.ratio:.3f}")
    best = []
    for name in (name for name in names if name not in ("words4", *TRAINED)):
        target = law_named(name)
        for kind in ("exact", "5 % uniform"):
            denoiser = DENOISERS[kind](target)
            sigma, tv = best_constant(target, denoiser, 16)
            plain, _ = distance(target, denoiser, remasking("0"), 16)
            best.append({"law": name, "denoiser": kind, "sigma": sigma, "tv": tv, "plain": plain})
            print(f"{name}, {kind}, K = 16: best constant σ {sigma:.3f}, {tv / plain:.3f}")
    hand = [
        {
            "law": name,
            "steps": steps,
            "tv": {str(share): str(by_hand(name, steps, share)) for share in SHARES},
        }
        for name, steps in EXAMPLES
    ]
    about = {**manifest(), "command": "make remask"}
    return {"version": 1, "manifest": about, "cells": found, "best": best, "by_hand": hand}


def read() -> dict[str, Any]:
    """What ``make remask`` wrote."""
    content: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    write_whole(RESULTS, to_json(results()))
    print(f"wrote {RESULTS.name}")
