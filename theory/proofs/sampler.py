"""The parallel unmasking sampler by its definition, for one output row, over any exact type."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import prod
from operator import eq

from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.functions import Composition, integer_power

Row = tuple[int, ...]
Conditional = Callable[[int, int], Number]
"""(i, U as a bit mask) → p̂_i(x_i | x_U) for the row x at hand."""


def bits(mask: int) -> list[int]:
    """The members of a set given as a bit mask."""
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def subsets(mask: int) -> Iterator[int]:
    """All subsets of a set, the empty one and itself included."""
    part = mask
    while True:
        yield part
        if not part:
            return
        part = (part - 1) & mask


def weights_from_hazards(arithmetic: Arithmetic, hazards: Sequence[Number]) -> list[Number]:
    """w_k = r_k ∏_{l<k}(1 − r_l)."""
    stay, weights = arithmetic.rational(1), []
    for hazard in hazards:
        weights.append(stay * hazard)
        stay = stay * (1 - hazard)
    return weights


def reveal(
    arithmetic: Arithmetic, d: int, hazards: Sequence[Number], conditional: Conditional
) -> Number:
    """p_out(x), step by step over the revealed sets: no step law, no expansion."""
    full = (1 << d) - 1
    one, zero = arithmetic.rational(1), arithmetic.rational(0)
    chances = {
        (state, block): prod((conditional(i, state) for i in bits(block)), start=one)
        for state in range(full + 1)
        for block in subsets(full & ~state)
    }
    law = {0: one}
    for hazard in hazards:
        shown = [integer_power(hazard, n) for n in range(d + 1)]
        hidden = [integer_power(1 - hazard, n) for n in range(d + 1)]
        # the factors of the hazard are the same for all ways to a set by as many tokens
        ways: defaultdict[tuple[int, int], Number] = defaultdict(lambda: zero)
        for state, weight in law.items():
            for block in subsets(full & ~state):
                ways[state | block, block.bit_count()] += weight * chances[state, block]
        law = defaultdict(lambda: zero)
        for (state, count), weight in ways.items():
            law[state] += weight * (shown[count] * hidden[d - state.bit_count()])
    return law[full]


def reveal_in_blocks(
    arithmetic: Arithmetic, d: int, sizes: Composition, conditional: Conditional
) -> Number:
    """P_a(x): the average over ordered set partitions with these block sizes."""

    def total(state: int, rest: Composition) -> tuple[Number, int]:
        if not rest:
            return arithmetic.rational(1), 1
        result, count = arithmetic.rational(0), 0
        free = [i for i in range(d) if not state >> i & 1]
        for block in combinations(free, rest[0]):
            mask = sum(1 << i for i in block)
            term, ways = total(state | mask, rest[1:])
            for i in block:
                term = term * conditional(i, state)
            result, count = result + term, count + ways
        return result, count

    result, count = total(0, sizes)
    return result * arithmetic.rational(1, count)


def uniform_conditional(support: Iterable[Row], x: Row) -> Conditional:
    """The conditionals of the uniform law on distinct rows, at the contexts of the row x."""
    agreement = Counter(tuple(map(eq, row, x)) for row in support)
    masks = {
        sum(same << i for i, same in enumerate(where)): Fraction(n)
        for where, n in agreement.items()
    }
    return weighted_conditional(masks, len(x))


def weighted_conditional(agreement: dict[int, Fraction], d: int) -> Conditional:
    """The conditionals from the weight of rows that agree with x exactly on each set."""
    mass = [
        sum((n for mask, n in agreement.items() if mask & known == known), Fraction(0))
        for known in range(1 << d)
    ]
    return lambda i, known: mass[known | 1 << i] / mass[known]


def from_table(table: Mapping[tuple[int, int], Number]) -> Conditional:
    """Conditionals read from a table."""
    return lambda i, known: table[i, known]


def lifted(arithmetic: Arithmetic, conditional: Conditional) -> Conditional:
    """Rational conditionals as numbers of the arithmetic."""

    def at(i: int, known: int) -> Number:
        value = conditional(i, known)
        return arithmetic.rational(value.numerator, value.denominator)

    return at


# --- the families of L1–L6, each uniform on its support ------------------------------------------


def rows_of_copies(d: int, S: int) -> list[Row]:
    """All tokens equal."""
    return [(value,) * d for value in range(S)]


def rows_of_pairs(d: int, S: int) -> list[Row]:
    """⌊d/2⌋ pairs of equal symbols; an odd token is alone and free."""
    return [
        tuple(values[i // 2] for i in range(d)) for values in product(range(S), repeat=(d + 1) // 2)
    ]


def rows_of_parity(d: int, S: int) -> list[Row]:
    """All tokens but one free, the sum 0 modulo S."""
    return [(*row, -sum(row) % S) for row in product(range(S), repeat=d - 1)]


def rows_of_reed_solomon(d: int, k: int, S: int) -> list[Row]:
    """Values at 0..d−1 of the polynomials of degree below k over the field of S ≥ d elements."""
    return [
        tuple(sum(c * i**j for j, c in enumerate(word)) % S for i in range(d))
        for word in product(range(S), repeat=k)
    ]


def rows_of_shared_symbols(d: int, b: int) -> list[Row]:
    """Token i shares an independent symbol of b values with each other token."""
    edges = list(combinations(range(d), 2))
    rows = []
    for values in product(range(b), repeat=len(edges)):
        token = [0] * d
        for (i, j), value in zip(edges, values, strict=True):
            token[i], token[j] = token[i] * b + value, token[j] * b + value
        rows.append(tuple(token))
    return rows


def permutations_in_groups(d: int, S: int) -> list[Row]:
    """Each group of S tokens holds every symbol once."""
    group = [row for row in product(range(S), repeat=S) if len(set(row)) == S]
    return [tuple(v for part in parts for v in part) for parts in product(group, repeat=d // S)]


def in_groups(d: int, g: int, group: list[Row]) -> list[Row]:
    """⌊d/g⌋ independent copies of a group of size g, the other tokens constant."""
    rest = (0,) * (d % g)
    return [
        tuple(v for part in parts for v in part) + rest for parts in product(group, repeat=d // g)
    ]
