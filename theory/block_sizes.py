"""U3: block sizes that one number certifies, the total correlation or its dual.

Blocks are fixed and the tokens in them uniformly random. E_σ KL is linear in the information curve
h, and a falling h is a mixture of steps 1[m < j]. At such a step a block of s tokens that is opened
at N < j tokens costs N + s − j if j lies inside it and else nothing, while TC = d − j and DTC = j:
what a block pays of either is largest at j = N + 1. Sizes are found in whole numbers; a float is
taken as the fraction that it is.
"""

from __future__ import annotations

from fractions import Fraction

from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.errors import TheoryError
from sharprates.theory.functions import Composition, Vector, named


def tc_blocks(d: int, total: float | Fraction, epsilon: float | Fraction) -> Composition:
    """The fewest blocks with E_σ KL ≤ ε for every law of this length with TC ≤ T̂.

    Args:
        d: sequence length.
        total: T̂ ≥ 0, an upper bound on the total correlation, nats.
        epsilon: ε > 0, nats.

    Returns:
        Sizes in the order of revealing: each block ends at N + 1 + ⌊(d − N − 1)·min(1, ε/T̂)⌋.

    Raises:
        TheoryError: for a length below 1, or numbers that are negative or not finite.
    """
    share = _share(d, total, epsilon)
    sizes, opened = [], 0
    while opened < d:
        left = d - opened - 1
        sizes.append(1 + (left if share is None else int(left * min(Fraction(1), share))))
        opened += sizes[-1]
    return tuple(sizes)


def dtc_blocks(d: int, total: float | Fraction, epsilon: float | Fraction) -> Composition:
    """As `tc_blocks` from D̂, an upper bound on the dual total correlation.

    Each block ends at min{d, N + 1 + ⌊(N + 1)·ε/D̂⌋}.
    """
    share = _share(d, total, epsilon)
    sizes, opened = [], 0
    while opened < d:
        left = d - opened - 1
        sizes.append(1 + (left if share is None else min(left, int((opened + 1) * share))))
        opened += sizes[-1]
    return tuple(sizes)


def shrinking_blocks(d: int, parts: int) -> Composition:
    """Blocks of a ζ-th of what is hidden, rounded down, while that is a token; then one by one.

    E_σ KL ≤ TC/ζ, so ζ = max(1, ⌈T̂/ε⌉) keeps it below ε for every law with TC ≤ T̂. Source: Chen,
    Cong, Li, arXiv 2511.04647, Theorem 9, where ζ is 1 + ⌈T̂/ε⌉.

    Raises:
        TheoryError: for a length or a ζ below 1.
    """
    if d < 1 or parts < 1:
        raise TheoryError(f"shrinking blocks: need d ≥ 1 and ζ ≥ 1, got d = {d}, ζ = {parts}")
    sizes, left = [], d
    while left >= parts:
        sizes.append(left // parts)
        left -= sizes[-1]
    return (*sizes, *(1,) * left)


def _share(d: int, total: float | Fraction, epsilon: float | Fraction) -> Fraction | None:
    """ε/T̂, exactly; None for T̂ = 0, which every ε > 0 covers."""
    if d < 1:
        raise TheoryError(f"length: must be at least 1, got {d}")
    if not 0 <= total < float("inf"):
        raise TheoryError(f"correlation: must be finite and not negative, got {total}")
    if not 0 < epsilon < float("inf"):
        raise TheoryError(f"ε: must be finite and above 0, got {epsilon}")
    return Fraction(epsilon) / Fraction(total) if total else None


@named(r"\max_i\frac{{s_i-1}}{{d-N_{{i-1}}-1}}")
def TcShare(arithmetic: Arithmetic, a: Composition) -> Number:
    """max_i (s_i − 1)/(d − N_{i−1} − 1): the largest E_σ KL/TC that blocks of sizes a can have."""
    d, opened, result = sum(a), 0, arithmetic.rational(0)
    for size in a:
        if size > 1:
            share = arithmetic.rational(size - 1, d - opened - 1)
            result = arithmetic.maximum(result, share)
        opened += size
    return result


@named(r"\max_i\frac{{s_i-1}}{{N_{{i-1}}+1}}")
def DtcShare(arithmetic: Arithmetic, a: Composition) -> Number:
    """max_i (s_i − 1)/(N_{i−1} + 1): the largest E_σ KL/DTC that blocks of sizes a can have."""
    opened, result = 0, arithmetic.rational(0)
    for size in a:
        result = arithmetic.maximum(result, arithmetic.rational(size - 1, opened + 1))
        opened += size
    return result


@named(r"\max_i s_i")
def LargestBlock(arithmetic: Arithmetic, a: Composition) -> Number:
    """The largest block of a composition."""
    return arithmetic.rational(max(a))


@named(r"2^{{\lceil\log_2\max_is_i\rceil}}-1")
def NextPower(arithmetic: Arithmetic, a: Composition) -> Number:
    """2^⌈log₂ s⌉ − 1, s the largest block."""
    return arithmetic.rational((1 << (max(a) - 1).bit_length()) - 1)


@named(r"\min_{{n_1<\ldots<n_{{{0}-1}}}}\sum_{{i<{0}}}\sum_{{n_i\le m<n_{{i+1}}}}(h_{{n_i}}-h_m)")
def LeastBlockDivergence(arithmetic: Arithmetic, K: int, h: Vector) -> Number:
    """The least right side of KL1 over exactly K ≤ d non-empty blocks, in O(K·d²).

    The first b tokens in k blocks cost at best the least over a of (the first a in k − 1 blocks)
    plus Σ_{a≤m<b} (h_a − h_m).

    Raises:
        TheoryError: unless 1 ≤ K ≤ d.
    """
    d = len(h)
    if not 1 <= K <= d:
        raise TheoryError(f"blocks: need 1 ≤ K ≤ {d}, got {K}")

    def cost(a: int, b: int) -> Number:
        return sum((h[a] - h[m] for m in range(a, b)), arithmetic.rational(0))

    best = {b: cost(0, b) for b in range(1, d + 1)}
    for k in range(2, K + 1):
        extended = {}
        for b in range(k, d + 1):
            value = best[k - 1] + cost(k - 1, b)
            for a in range(k, b):
                value = arithmetic.minimum(value, best[a] + cost(a, b))
            extended[b] = value
        best = extended
    return best[d]
