"""Exact TV on structured targets at any length, without enumeration.

Each target is uniform on its support and symmetric, so 1 − TV is the probability that all tokens
are revealed and that every step keeps the structure. Groups of tokens are independent: a token's
step is drawn from w whatever the others do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sharprates.samplers.errors import InputError, check_positive
from sharprates.samplers.occupancy import (
    Bins,
    Chance,
    code_draws,
    distinct_draws,
    equal_draws,
    shared_draws,
)
from sharprates.samplers.step_law import StepLaw

RELATIVE_ERROR = 1e-10
"""Of TV and of 1 − TV; estimated against 300-bit balls, not proved."""


@dataclass(frozen=True)
class StructuredTV:
    """TV(p_out, q_0) and its complement, each to a relative accuracy of `RELATIVE_ERROR`.

    Attributes:
        log_tv: log TV; −∞ where TV = 0.
        log_complement: log(1 − TV); finite also where 1 − TV is below the range of float64.
    """

    log_tv: float
    log_complement: float

    @property
    def tv(self) -> float:
        """TV(p_out, q_0)."""
        return math.exp(self.log_tv)

    @property
    def error(self) -> float:
        """Absolute error of `tv`."""
        return RELATIVE_ERROR * self.tv

    @property
    def complement(self) -> float:
        """1 − TV(p_out, q_0)."""
        return math.exp(self.log_complement)


def product_tv(law: StepLaw, d: int) -> StructuredTV:
    """Independent tokens: only masks that are left over count.

    Args:
        law: the step law.
        d: length.
    """
    check_positive(d=d)
    return _whole(Bins.of(law), d, 0, Chance(0.0, 0.0))


def blocks_tv(law: StepLaw, d: int, size: int, S: int) -> StructuredTV:
    """⌊d/size⌋ independent blocks of equal uniform tokens; tokens left over are uniform.

    Args:
        law: the step law.
        d: length.
        size: tokens in a block, 1 ≤ size ≤ d.
        S: vocabulary size.

    Source:
        The laws of L1 (pairs, size 2) and L2 (copies, size d).
    """
    check_positive(d=d, S=S)
    if not 1 <= size <= d:
        raise InputError(f"size: a block has 1..{d} tokens, got {size}")
    bins = Bins.of(law)
    return _whole(bins, d, d // size, equal_draws(bins, size, S))


def groups_tv(law: StepLaw, d: int, g: int, b: int = 2) -> StructuredTV:
    """⌊d/g⌋ independent groups of g tokens with shared symbols; tokens left over are constant.

    Every two tokens of a group share one uniform symbol of [b]; a single group has g = d.

    Args:
        law: the step law.
        d: length.
        g: tokens in a group, 1 ≤ g ≤ d.
        b: size of a shared symbol's alphabet; the vocabulary is b^(g−1).

    Source:
        The laws of L3 (g = d) and L6 (a) (b = 2).
    """
    check_positive(d=d, b=b)
    if not 1 <= g <= d:
        raise InputError(f"g: a group has 1..{d} tokens, got {g}")
    bins = Bins.of(law)
    return _whole(bins, d, d // g, shared_draws(bins, g, b))


def mds_tv(law: StepLaw, d: int, k: int, S: int) -> StructuredTV:
    """A uniform codeword of an MDS code: any k tokens are free and fix the others.

    Args:
        law: the step law.
        d: length.
        k: dimension, 1 ≤ k ≤ d. That the code exists is not checked.
        S: vocabulary size.

    Source:
        The law of L4.
    """
    check_positive(d=d, S=S)
    if not 1 <= k <= d:
        raise InputError(f"k: the dimension must lie in 1..{d}, got {k}")
    bins = Bins.of(law)
    return _whole(bins, d, 1, code_draws(bins, d, k, S))


def parity_tv(law: StepLaw, d: int, S: int) -> StructuredTV:
    """All tokens but one are free, their sum is 0 mod S; see `mds_tv`."""
    return product_tv(law, d) if d == 1 else mds_tv(law, d, d - 1, S)


def permutations_tv(law: StepLaw, d: int, S: int) -> StructuredTV:
    """Independent groups of S tokens, each a uniform permutation of the S symbols.

    Args:
        law: the step law.
        d: length, a multiple of S.
        S: vocabulary size.

    Source:
        The law of L6 (b).
    """
    check_positive(d=d, S=S)
    if d % S:
        raise InputError(f"permutations: d must be a multiple of S, got d={d}, S={S}")
    bins = Bins.of(law)
    return _whole(bins, d, d // S, distinct_draws(bins, S))


def _whole(bins: Bins, d: int, count: int, group: Chance) -> StructuredTV:
    """Independent groups, then the demand that none of the d tokens is left over."""
    log_complement = count * group.log_success + d * bins.log_kept
    if log_complement >= 0:  # +0 where TV = 0
        return StructuredTV(-math.inf, 0.0)
    return StructuredTV(math.log(-math.expm1(log_complement)), log_complement)
