"""A few calls of `sample`: shapes, tokens, seeds, and what becomes of the denoiser's tensors."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from sharprates.verification.conformance.findings import Finding
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import Oracle, state_word
from sharprates.verification.conformance.session import Session
from torch import Tensor

NAME = "reproducible by seed"

FIRST = 50
"""Rows of the call that is made again at the end."""


def _findings(run: Session) -> Iterator[Finding]:
    oracle = run.oracle(run.plan.denoisers[1], recording=True)
    n, few = _measured(run, oracle)
    run.times = tuple(oracle.times)
    yield Finding("runs", True, f"{len(oracle.contexts)} denoiser calls for {n} rows")
    yield _output(run, few, oracle.vocabulary)
    yield from _times(run)
    yield _reproducible(run, oracle)
    if oracle.mutated():
        detail = "writes into the tensor that the denoiser returned"
        cause = "an operation in place on the predictions: what a caller keeps of them is wrong"
        yield Finding("inputs not mutated", False, detail, cause)
    else:
        yield Finding("inputs not mutated", True, "denoiser's tensors")


def _measured(run: Session, oracle: Oracle) -> tuple[int, Tensor]:
    """A few rows, and the pace: that of many rows where a few take no time."""
    n, found = 1, torch.empty(0)
    for many in (1, 8, 200, 5_000, 100_000):
        # It may take as much longer than the one before as it has more rows.
        if run.pace * many > run.settings.limit / 10:
            break
        oracle.forget()
        started = time.perf_counter()
        rows = run.sample(oracle, many)
        took = time.perf_counter() - started
        run.pace, n, found = took / many, many, rows
        if not run.declaration.rows_independent or many >= (run.settings.rows or 100_000) // 10:
            break
    return n, found


def _times(run: Session) -> Iterator[Finding]:
    """The times that the denoiser is asked at are those of the grid."""
    seen = [time for time in run.times if time is not None]
    if not run.declaration.has_times or not seen:
        return
    right = [run.declaration.own_time(t) for t in run.declaration.grid.tolist()]
    close = 1e-4 * abs(right[0] - right[-1])
    whole = len(seen) == len(run.times) and len(seen) in (len(right) - 1, len(right))
    for k, time_ in enumerate(seen):
        near = [right[k]] if whole else right
        for t in (float(time_.min()), float(time_.max())):
            if min(abs(t - one) for one in near) > close:
                detail = f"call {k} is at time {t:.6g}, the grid is {_words(right)}"
                yield Finding("times", False, detail, _wrong_time(run, t, k, right, close))
                return
    yield Finding("times", True, f"{len(seen)} calls at {_words([float(t.max()) for t in seen])}")


def _wrong_time(run: Session, t: float, k: int, right: list[float], close: float) -> str:
    """What a time that is not the grid's may be."""
    shown = sorted({round(float(time_.max()), 9) for time_ in run.times if time_ is not None})[::-1]
    for steps in {len(shown), len(shown) - 1} - {len(right) - 1}:
        grid = replace(run.declaration, times=None, steps=max(1, steps)).grid.tolist()
        if all(
            abs(one - run.declaration.own_time(g)) <= close
            for one, g in zip(shown, grid, strict=False)
        ):
            return f"fits K = {steps}"
    here = right[min(k, len(right) - 1)]
    if abs(right[0] + right[-1] - t - here) <= close:
        return "the time in the other direction: declare time='to 1'"
    if min(abs(t - one) for one in right) <= close:
        return "the time of another step, such as the next one"
    return f"{t / here:.6g} times the grid's: declare time as a function" if here else ""


def _words(times: list[float]) -> str:
    """Times, the first ones of many."""
    return ", ".join(f"{t:.4g}" for t in times[:6]) + (", …" if len(times) > 6 else "")


def _output(run: Session, rows: Tensor, mask: int) -> Finding:
    n, d = rows.shape
    masked = (rows == mask).any(1)
    if run.declaration.may_leave or not bool(masked.any()):
        return Finding("output", True, f"int64 [{n}, {d}], all tokens known")
    word = state_word(rows[masked][0], mask)
    detail = f"returns masks: row {word}, {int(masked.sum())} such rows of {n}"
    cause = "masks that remain at the end are not filled, or the mask may be drawn as a value"
    return Finding("output", False, detail, cause)


def _reproducible(run: Session, oracle: Oracle) -> Finding:
    n = FIRST if run.declaration.rows_independent else 1
    drawn = []
    for number, seed in enumerate((1, 1, 2, 3, 4)):
        generator = run.seeded(run.settings.seed * 7919 + seed)

        def call(number: int = number, generator: torch.Generator = generator) -> Tensor:
            # Other global states: who draws from them is not reproducible.
            torch.default_generator.manual_seed(10_000 + number)
            random.seed(number)
            state = np.random.get_state()
            np.random.seed(number)
            try:
                return run.sampler.sample(oracle, n, generator)
            finally:
                np.random.set_state(state)

        drawn.append(run.call(call, "sample(…)", n, oracle))
    run.first = drawn[0]
    # A law near a point gives the same rows by chance: with all masks left, say.
    level = run.ledger.take(NAME)
    by_chance = run.alike ** (2 * n) > level
    if not by_chance and all(torch.equal(drawn[0], rows) for rows in drawn[2:]):
        return Finding(NAME, False, "four seeds, the same rows", "the generator is not used")
    if not torch.equal(drawn[0], drawn[1]):
        cause = "randomness from a global state, not from the generator"
        return Finding(NAME, False, "the same seed, other rows", cause)
    if _stands_still(run, oracle, n, level):
        detail = "calls with one generator, one after the other, give the same rows"
        cause = "the generator is copied, or its seed alone is used: it must be drawn from"
        return Finding(NAME, False, detail, cause)
    return Finding(NAME, True, "the same seed, the same rows")


def _stands_still(run: Session, oracle: Oracle, n: int, level: float) -> bool:
    """A generator that has been drawn from gives the rows that it gave before."""
    most = 100
    if run.alike ** (most * n) > level:  # by chance, where all is near a point
        return False
    generator = run.seeded(run.settings.seed * 7919 + 5)
    call = lambda: run.sampler.sample(oracle, n, generator)  # noqa: E731 - one use
    first, same = run.call(call, "sample(…)", n, oracle), 0
    while run.alike ** (same * n) > level:
        if not torch.equal(run.call(call, "sample(…)", n, oracle), first):
            return False
        same += 1
    return True


LOOK = Look(
    _findings,
    "rows of a wrong shape or type, unknown tokens and masks, a generator that is not used or not "
    "the only source of chance, writes into the denoiser's tensors",
    "a source of chance that no two of five calls show, tensors handed out after the first eight",
    (NAME,),
)
