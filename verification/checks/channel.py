"""The forward process and the samplers by their definitions, in fractions, without a claim."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from flint import fmpq
from sharprates.theory.arithmetic import Number
from sharprates.verification.exact_law import Context, with_symbol

Law = dict[Context, Number]


def masked(law: Mapping[Context, Number], keep: Number, S: int) -> Law:
    """Each unmasked token is masked with probability 1 − keep, token by token."""
    found = dict(law)
    length = len(next(iter(found)))
    for i in range(length):
        after: Law = {}
        for state, mass in found.items():
            hidden = with_symbol(state, i, S)
            share = keep if state[i] != S else 0 * keep
            after[state] = after.get(state, 0) + mass * share
            after[hidden] = after.get(hidden, 0) + mass * (1 - share)
        found = {state: mass for state, mass in after.items() if mass != 0}
    return found


def masked_twice(
    law: Mapping[Context, Number], early: Number, late: Number, S: int
) -> dict[tuple[Context, Context], Number]:
    """Joint law of the states at an early time s and a later t; `early` and `late` are α there."""
    joint: dict[tuple[Context, Context], Number] = {}
    for state, mass in masked(law, early, S).items():
        for after, share in masked({state: fmpq(1)}, late / early, S).items():
            joint[state, after] = mass * share
    return joint


Predict = Callable[[Context, int], Sequence[Number]]


def revealed(weights: Sequence[Number], length: int, S: int, predict: Predict) -> Law:
    """The law over partial states after all steps of a parallel sampler, step by step.

    Args:
        weights: step law w.
        length: d.
        S: vocabulary size.
        predict: the denoiser, at any context.
    """
    law: Law = {(S,) * length: fmpq(1)}
    left = fmpq(1)
    for weight in weights:
        hazard = weight / left if left else fmpq(0)
        left = left - weight
        after: Law = {}
        for state, mass in law.items():
            hidden = [i for i, x in enumerate(state) if x == S]
            moves = [
                [(S, 1 - hazard), *((a, hazard * p) for a, p in enumerate(predict(state, i)))]
                for i in hidden
            ]
            for choice in itertools.product(*moves):
                chance = mass
                reached = state
                for i, (symbol, p) in zip(hidden, choice, strict=True):
                    chance = chance * p
                    reached = with_symbol(reached, i, symbol)
                if chance != 0:
                    after[reached] = after.get(reached, 0) + chance
        law = after
    return law


def distance(p: Mapping[Context, Number], q: Mapping[Context, Number]) -> Number:
    """½ Σ |p − q| over all states of either."""
    states = p.keys() | q.keys()
    return sum((abs(p.get(x, fmpq(0)) - q.get(x, fmpq(0))) for x in states), fmpq(0)) / 2
