"""How time grows with d, S and K, beside the work that the algorithms were designed to do."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from sharprates.samplers.compositions import monomials
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.propagation import propagate
from sharprates.samplers.step_law import StepLaw

from tests.bench.conftest import Report, dense, in_turn, show

TITLE = "Growth"
MOST_OVER_DESIGN = 1.25
"""Of a factor or of an exponent: caches that larger sizes leave, and a noisy machine."""


def fitted(sizes: Sequence[float], seconds: Sequence[float], by_factor: bool) -> float:
    """Slope of log(seconds) in log(size), or in the size; small sizes are all overhead."""
    x = np.array(sizes[-3:], dtype=float)
    slope = np.polyfit(x if by_factor else np.log(x), np.log(seconds[-3:]), 1)[0]
    return math.exp(slope) if by_factor else float(slope)


def measure(
    report: Report,
    what: str,
    name: str,
    sizes: Sequence[int],
    run: Callable[[int], Callable[[], object]],
    work: Callable[[int], float],
    by_factor: bool,
) -> None:
    # Of the processors: a machine with other work to do stops long runs more often than short ones.
    runs = {str(size): run(size) for size in sizes}
    times = in_turn(runs, rounds=3, clock=time.process_time)
    seconds = [times[str(size)].median for size in sizes]
    grown = fitted(sizes, seconds, by_factor)
    designed = fitted(sizes, [work(size) for size in sizes], by_factor)
    kind = f"×{{:.3g}} for each {name} + 1" if by_factor else f"{name}^{{:.2f}}"
    report.add(
        TITLE,
        what=what,
        sizes=", ".join(f"{name} = {size:,}" for size in sizes),
        CPU_times=", ".join(map(show, seconds)),
        fitted=kind.format(grown),
        predicted=kind.format(designed),
    )
    # What every call costs makes small sizes slow, so time grows more slowly than work, not faster.
    assert grown <= MOST_OVER_DESIGN * designed, f"{what}: {kind.format(grown)}"


def pairs(d: int, S: int) -> int:
    """Moves between partial states, each of which a step of propagation walks once."""
    return (2 * S + 1) ** d


def products(d: int, S: int) -> int:
    """Products in the tables: contexts V, sub-contexts U, compositions of |U|."""
    return (1 + 3 * S) ** d


def test_tables_in_d(report: Report) -> None:
    def run(d: int) -> Callable[[], object]:
        target = dense(d, 2)
        return lambda: tables(target, ExactDenoiser(target))

    what = "tables of all 2^d sequences, S = 2"
    measure(report, what, "d", (8, 9, 10, 11), run, lambda d: products(d, 2), True)


def test_tables_in_S(report: Report) -> None:
    def run(S: int) -> Callable[[], object]:
        target = dense(4, S)
        return lambda: tables(target, ExactDenoiser(target))

    # Smaller vocabularies have another algorithm, with indices that are kept.
    what = "tables of all S^4 sequences, d = 4"
    measure(report, what, "S", (16, 20, 24), run, lambda S: products(4, S), False)


def test_monomials_in_K(report: Report) -> None:
    def run(K: int) -> Callable[[], object]:
        weights = StepLaw.equal(K).weights
        return lambda: monomials(weights, 8)

    what = "a schedule's monomials, d = 8"
    measure(report, what, "K", (10**4, 10**5, 10**6), run, lambda K: K, False)


def test_propagation_in_K(report: Report) -> None:
    target = dense(5, 2)

    def run(K: int) -> Callable[[], object]:
        law = StepLaw.equal(K)
        return lambda: propagate(target, ExactDenoiser(target), law)

    what = "propagation, d = 5, S = 2"
    measure(report, what, "K", (64, 256, 1024), run, lambda K: K, False)


def test_propagation_in_d(report: Report) -> None:
    def run(d: int) -> Callable[[], object]:
        target, law = dense(d, 2), StepLaw.equal(16)
        return lambda: propagate(target, ExactDenoiser(target), law)

    what = "propagation, S = 2, K = 16"
    measure(report, what, "d", (6, 7, 8), run, lambda d: pairs(d, 2), True)
