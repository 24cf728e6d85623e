"""Exact TV on structured targets at any length, without enumeration.

Each target is uniform on its support and symmetric, so 1 − TV is the probability that all tokens
are revealed and that every step keeps the structure. Groups of tokens are independent: a token's
step is drawn from w whatever the others do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sharprates.samplers.errors import InputError
from sharprates.samplers.occupancy import (
    Bins,
    Chance,
    distinct_draws,
    equal_draws,
    shared_draws,
    threshold,
)
from sharprates.samplers.step_law import StepLaw


@dataclass(frozen=True)
class StructuredTV:
    """TV(p_out, q_0) and its complement, each to full relative accuracy.

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
    def complement(self) -> float:
        """1 − TV(p_out, q_0)."""
        return math.exp(self.log_complement)


def product(law: StepLaw, d: int) -> StructuredTV:
    """Independent tokens: only masks that are left over count.

    Args:
        law: the step law.
        d: length.
    """
    _check(d=d)
    return _whole(Bins.of(law), d, 0, Chance(0.0, 0.0))


def blocks(law: StepLaw, d: int, size: int, S: int) -> StructuredTV:
    """⌊d/size⌋ independent blocks of equal uniform tokens; tokens left over are uniform.

    Args:
        law: the step law.
        d: length.
        size: tokens in a block, 1 ≤ size ≤ d.
        S: vocabulary size.

    Source:
        The laws of L1 (size 2) and L2 (size d) of the theory note.
    """
    _check(d=d, S=S)
    if not 1 <= size <= d:
        raise InputError(f"size: a block has 1..{d} tokens, got {size}")
    bins = Bins.of(law)
    return _whole(bins, d, d // size, equal_draws(bins, size, S))


def pairs(law: StepLaw, d: int, S: int) -> StructuredTV:
    """⌊d/2⌋ independent pairs of equal uniform tokens; see `blocks`."""
    return blocks(law, d, min(2, d), S)


def copies(law: StepLaw, d: int, S: int) -> StructuredTV:
    """All d tokens equal; see `blocks`."""
    return blocks(law, d, d, S)


def groups(law: StepLaw, d: int, g: int, b: int = 2) -> StructuredTV:
    """⌊d/g⌋ independent groups of g tokens with shared symbols; tokens left over are constant.

    Args:
        law: the step law.
        d: length.
        g: tokens in a group, 1 ≤ g ≤ d.
        b: size of a shared symbol's alphabet; the vocabulary is b^(g−1).

    Source:
        The laws of L3 (g = d) and L6 (a) (b = 2) of the theory note.
    """
    _check(d=d, b=b)
    if not 1 <= g <= d:
        raise InputError(f"g: a group has 1..{d} tokens, got {g}")
    bins = Bins.of(law)
    return _whole(bins, d, d // g, shared_draws(bins, g, b))


def shared_symbols(law: StepLaw, d: int, b: int) -> StructuredTV:
    """Every two tokens share one uniform symbol of [b]; see `groups`."""
    return groups(law, d, d, b)


def mds(law: StepLaw, d: int, k: int, S: int) -> StructuredTV:
    """A uniform codeword of an MDS code: any k tokens are free and fix the others.

    Args:
        law: the step law.
        d: length.
        k: dimension, 1 ≤ k ≤ d. That the code exists is not checked.
        S: vocabulary size.

    Source:
        The law of L4 of the theory note.
    """
    _check(d=d, S=S)
    if not 1 <= k <= d:
        raise InputError(f"k: the dimension must lie in 1..{d}, got {k}")
    bins = Bins.of(law)
    return _whole(bins, d, 1, threshold(bins, d, k, S))


def parity(law: StepLaw, d: int, S: int) -> StructuredTV:
    """All tokens but one are free, their sum is 0 mod S; see `mds`."""
    return product(law, d) if d == 1 else mds(law, d, d - 1, S)


def permutations(law: StepLaw, d: int, S: int) -> StructuredTV:
    """Independent groups of S tokens, each a uniform permutation of the S symbols.

    Args:
        law: the step law.
        d: length, a multiple of S.
        S: vocabulary size.

    Source:
        The law of L6 (b) of the theory note.
    """
    _check(d=d, S=S)
    if d % S:
        raise InputError(f"permutations: d must be a multiple of S, got d={d}, S={S}")
    bins = Bins.of(law)
    return _whole(bins, d, d // S, distinct_draws(bins, S))


STRUCTURED: dict[str, tuple[str, Callable[..., StructuredTV]]] = {
    "uniform": ("uniform:d:S", lambda law, d, S: product(law, d)),  # noqa: ARG005 - S cancels
    "blocks": ("blocks:d:size:S", blocks),
    "pairs": ("pairs:d:S", pairs),
    "copies": ("copies:d:S", copies),
    "groups": ("groups:d:g", groups),
    "shared-symbols": ("shared-symbols:d:b", shared_symbols),
    "mds": ("mds:d:k:S", mds),
    "parity": ("parity:d:S", parity),
    "permutations": ("permutations:d:S", permutations),
}


def structured_tv(text: str, law: StepLaw) -> StructuredTV:
    """The exact TV on a family written as text, e.g. ``pairs:4096:2``.

    Args:
        text: as in `samplers.families`, of any length d.
        law: the step law.

    Raises:
        InputError: if no such family can be evaluated without its support, or a number is wrong.
    """
    name, *parts = text.split(":")
    if name not in STRUCTURED:
        raise InputError(f"family {name!r}: at any length there are {', '.join(STRUCTURED)}")
    usage, evaluate = STRUCTURED[name]
    if len(parts) != usage.count(":"):
        raise InputError(f"family {text!r}: write {usage}")
    try:
        numbers: list[Any] = [int(part) for part in parts]
    except ValueError:
        raise InputError(f"family {text!r}: write {usage} with whole numbers") from None
    return evaluate(law, *numbers)


def _check(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise InputError(f"{name}: must be at least 1, got {value}")


def _whole(bins: Bins, d: int, count: int, group: Chance) -> StructuredTV:
    """Independent groups, then the demand that none of the d tokens is left over."""
    log_complement = count * group.log_success + d * bins.log_kept
    if log_complement >= 0:  # +0 where TV = 0
        return StructuredTV(-math.inf, 0.0)
    return StructuredTV(math.log(-math.expm1(log_complement)), log_complement)
