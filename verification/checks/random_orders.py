"""Dependence in exact fractions: blocks in every random order, and the two total correlations."""

from __future__ import annotations

from flint import arb, fmpq
from sharprates.theory.arithmetic import Number
from sharprates.theory.functions import ordered_partitions
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.trial import Example
from sharprates.verification.exact_law import Composition
from sharprates.verification.quantities.exact import ExactQuantities


def mean_divergence(it: ExactQuantities, sizes: Composition) -> Number:
    """The mean of KL(q_0‖P_{a,σ}) over all ordered set partitions, one by one."""
    d, S = it.d, it.S
    total, count = arb(0), 0
    for blocks in ordered_partitions(d, sizes):
        count += 1
        for row, mass in it.pmf.items():
            law, context = fmpq(1), (S,) * d
            for block in blocks:
                after = tuple(row[i] if i in block else x for i, x in enumerate(context))
                for i in block:
                    law *= it.conditional(context, i)[row[i]]
                context = after
            if law != mass:
                total = total + arb(mass) * arb(mass / law).log()
    return total / count


def correlations(it: ExactQuantities) -> tuple[Number, Number]:
    """TC and DTC from entropies of tokens, of all tokens, and of all but one."""
    d, H = it.d, it.entropies
    return d * H[1] - H[d], H[d] - d * (H[d] - H[d - 1])


def dependent(_: Example, measured: Interval, bound: Interval) -> bool:
    """A bound on a divergence counts where there is dependence to bound."""
    return bound.upper > 0 and measured.upper > 0
