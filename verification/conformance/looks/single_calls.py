"""A few calls of `sample`: shapes, tokens, seeds, and what becomes of the denoiser's tensors."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import numpy as np
import torch
from sharprates.verification.conformance.findings import Finding
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import Oracle, state_word
from sharprates.verification.conformance.session import Session
from torch import Tensor

NAME = "reproducible by seed"


def _findings(run: Session) -> Iterator[Finding]:
    oracle = Oracle(run.plan.denoisers[1].table.clone(), recording=True)
    run.sample(oracle, 1)
    oracle.forget()
    n = 200 if run.declaration.rows_independent else 1
    started = time.perf_counter()
    rows = run.sample(oracle, n)
    run.pace = (time.perf_counter() - started) / n
    yield Finding("runs", True, f"{len(oracle.contexts)} denoiser calls for {n} rows")
    yield _output(run, rows, oracle.vocabulary)
    yield _reproducible(run, oracle)
    if oracle.mutated():
        detail = "writes into the tensor that the denoiser returned"
        cause = "an operation in place on the predictions: what a caller keeps of them is wrong"
        yield Finding("inputs not mutated", False, detail, cause)
    else:
        yield Finding("inputs not mutated", True, "denoiser's tensors")


def _output(run: Session, rows: Tensor, mask: int) -> Finding:
    n, d = rows.shape
    masked = (rows == mask).any(1)
    may_leave = run.declaration.by_hazard and run.declaration.last_step == "leave"
    if run.declaration.rule is None or may_leave or not bool(masked.any()):
        return Finding("output", True, f"int64 [{n}, {d}], all tokens known")
    word = state_word(rows[masked][0], mask)
    detail = f"returns masks: row {word}, {int(masked.sum())} such rows of {n}"
    cause = "masks that remain at the end are not filled, or the mask may be drawn as a value"
    return Finding("output", False, detail, cause)


def _reproducible(run: Session, oracle: Oracle) -> Finding:
    n = 50 if run.declaration.rows_independent else 1
    drawn = []
    for number, seed in enumerate((1, 1, 2, 3, 4)):
        generator = torch.Generator().manual_seed(run.settings.seed * 7919 + seed)

        def call(number: int = number, generator: torch.Generator = generator) -> Tensor:
            # Other global states: who draws from them is not reproducible.
            torch.manual_seed(10_000 + number)
            random.seed(number)
            state = np.random.get_state()
            np.random.seed(number)
            try:
                return run.sampler.sample(oracle, n, generator)
            finally:
                np.random.set_state(state)

        drawn.append(run.call(call, "sample(…)", n, oracle))
    # A law near a point gives the same rows by chance: with all masks left, say.
    laws = (p for known in run.possible for p in run.plan.laws[known])
    by_chance = max(float((p**4).sum()) for p in laws) ** n > run.ledger.take(NAME)
    if not by_chance and all(torch.equal(drawn[0], rows) for rows in drawn[2:]):
        return Finding(NAME, False, "four seeds, the same rows", "the generator is not used")
    if torch.equal(drawn[0], drawn[1]):
        return Finding(NAME, True, "the same seed, the same rows")
    cause = "randomness from a global state, not from the generator"
    return Finding(NAME, False, "the same seed, other rows", cause)


LOOK = Look(
    _findings,
    "rows of a wrong shape or type, unknown tokens and masks, a generator that is not used or not "
    "the only source of chance, writes into the denoiser's tensors",
    "a source of chance that no two of five calls show, tensors handed out after the first eight",
    (NAME,),
)
