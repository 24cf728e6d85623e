"""F1–F5 decided symbolically on small alphabets, with symbolic q_0 and α."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import sympy
from sharprates.theory.forward import F1, F2, F3, F4, F5
from sharprates.theory.proofs.proof import fill, proof
from sharprates.theory.symbols import symbol

_LISTED = "(d,S) = (1,2), (1,3), (2,2), (3,2), symbolic q_0 and α"

Word = tuple[int | None, ...]
"""A partial state; None is the mask."""

ALPHA, SPEED = symbol("alpha"), symbol("speed")
ALPHA_T, ALPHA_S = symbol("alpha_t"), symbol("alpha_s")
SIZES = ((1, 2), (1, 3), (2, 2), (3, 2))
"""(d, S) of every proof here."""


def words(d: int, S: int) -> Iterator[Word]:
    """All (S+1)^d partial states."""
    return product((None, *range(S)), repeat=d)


def data_law(d: int, S: int) -> dict[Word, sympy.Expr]:
    """Symbols q_x for the full words, the last one 1 minus the others."""
    full: list[Word] = list(product(range(S), repeat=d))
    law = {x: sympy.Symbol("q" + "".join(map(str, x)), positive=True) for x in full}
    law[full[-1]] = 1 - sympy.Add(*(law[x] for x in full[:-1]))
    return law


def marginal(law: Mapping[Word, sympy.Expr], x: Word) -> sympy.Expr:
    """q_0(x_U)."""
    return sympy.Add(
        *(p for y, p in law.items() if all(u is None or u == v for u, v in zip(x, y, strict=True)))
    )


def count_revealed(x: Word) -> int:
    """|U|."""
    return sum(value is not None for value in x)


def partial_law(law: Mapping[Word, sympy.Expr], x: Word, alpha: sympy.Expr) -> sympy.Expr:
    """q_t(x) by F1."""
    return fill(F1, alpha=alpha, u=count_revealed(x), d=len(x), q=marginal(law, x))


def _zero(expression: sympy.Expr) -> bool:
    return bool(sympy.cancel(expression) == 0)


@proof("F1", f"law of independent masking, {_LISTED}", "one more factor α/(1−α)")
def _masking(broken: bool) -> Iterator[bool]:
    """F1 from the channel of one token: keep with probability α, else mask."""
    for d, S in SIZES:
        law = data_law(d, S)
        for x in words(d, S):
            sent = sympy.Integer(0)
            for y, p in law.items():
                for u, v in zip(x, y, strict=True):
                    p = p * (1 - ALPHA if u is None else ALPHA if u == v else 0)
                sent += p
            exponent = count_revealed(x) + (1 if broken else 0)
            claimed = fill(F1, alpha=ALPHA, u=exponent, d=d, q=marginal(law, x))
            yield _zero(sent - claimed)


@proof("F2", f"total variation at the horizon, {_LISTED}", "d + 1 for d")
def _initialisation(broken: bool) -> Iterator[bool]:
    """F2: TV to the unit mass is 1 − q_T(M…M)."""
    for d, S in SIZES:
        law = data_law(d, S)
        start: Word = (None,) * d
        other = sympy.Add(*(partial_law(law, x, ALPHA) for x in words(d, S) if x != start))
        distance = (other + 1 - partial_law(law, start, ALPHA)) / 2
        yield _zero(distance - fill(F2, alpha_T=ALPHA, d=d + broken))


@proof("F3", f"total variation at early stopping, {_LISTED}", "d + 1 for d")
def _early_stopping(broken: bool) -> Iterator[bool]:
    """F3: only full words count on the side of q_0, and there q_δ = α^d q_0."""
    for d, S in SIZES:
        law = data_law(d, S)
        missing = sympy.Add(*(p - partial_law(law, x, ALPHA) for x, p in law.items()))
        yield _zero(missing - fill(F3, alpha_delta=ALPHA, d=d + broken))


def _reveal(x: Word, i: int, a: int) -> Word:
    return (*x[:i], a, *x[i + 1 :])


def _rate(law: Mapping[Word, sympy.Expr], x: Word, i: int, a: int, broken: bool) -> sympy.Expr:
    conditional = marginal(law, _reveal(x, i, a)) / marginal(law, x)
    # the mutant forgets that a token which is already unmasked cannot jump
    speed = SPEED * (1 - ALPHA) if broken else SPEED
    return fill(F4, "rate", alpha=ALPHA, speed=speed, q=conditional)


@proof("F4", f"score and rate as ratios of q_t, {_LISTED}", "rate −α′·q_0(a|x_U)")
def _score(broken: bool) -> Iterator[bool]:
    """F4: the score as a ratio of q_t, and the rate as (−α′/α) times it."""
    for d, S in SIZES:
        law = data_law(d, S)
        partial = {x: partial_law(law, x, ALPHA) for x in words(d, S)}
        for x in partial:
            for i in (i for i in range(d) if x[i] is None):
                for a in range(S):
                    y = _reveal(x, i, a)
                    ratio = partial[y] / partial[x]
                    conditional = marginal(law, y) / marginal(law, x)
                    score = fill(F4, alpha=ALPHA, q=conditional)
                    rate = _rate(law, x, i, a, broken)
                    yield _zero(ratio - score) and _zero(rate - SPEED / ALPHA * score)


@proof(
    "F4",
    f"Kolmogorov's equation backwards in time at every partial state, {_LISTED}",
    "rate −α′·q_0(a|x_U)",
)
def _kolmogorov(broken: bool) -> Iterator[bool]:
    """F4: −∂_t q_t(x) = inflow − outflow under the reverse rates, at every partial state."""
    for d, S in SIZES:
        law = data_law(d, S)
        partial = {x: partial_law(law, x, ALPHA) for x in words(d, S)}
        for x, here in partial.items():
            change = SPEED * sympy.diff(here, ALPHA)  # −d/dt = −α′·d/dα
            flow = sympy.Integer(0)
            for i in range(d):
                value = x[i]
                if value is None:
                    out = [_rate(law, x, i, a, broken) for a in range(S)]
                    flow -= here * sympy.Add(*out)
                else:
                    before = (*x[:i], None, *x[i + 1 :])
                    inflow = _rate(law, before, i, value, broken)
                    flow += partial[before] * inflow
            yield _zero(change - flow)


@proof(
    "F5",
    f"the kernel carries q_t to q_s at every partial state, {_LISTED}",
    "one more factor ρ/(1−ρ)",
)
def _bridge(broken: bool) -> Iterator[bool]:
    for d, S in SIZES:
        # No relation between the marginals is used, so each may be a symbol of its own.
        mass = {x: sympy.Symbol(f"q{n}", positive=True) for n, x in enumerate(words(d, S))}
        for size in range(d + 1):
            # Neither F1 nor F5 knows which tokens or which values they are: one word a size.
            y: Word = (0,) * size + (None,) * (d - size)
            arrived = sympy.Integer(0)
            for x in mass:
                if not all(u is None or u == v for u, v in zip(x, y, strict=True)):
                    continue
                sent = {"u": count_revealed(x), "d": d, "q": mass[x]}
                step = {"j": count_revealed(y) - count_revealed(x) + broken, "q": mass[y] / mass[x]}
                kernel = fill(F5, alpha_t=ALPHA_T, alpha_s=ALPHA_S, **{**sent, **step})
                arrived += fill(F1, alpha=ALPHA_T, **sent) * kernel
            claimed = fill(F1, alpha=ALPHA_S, u=count_revealed(y), d=d, q=mass[y])
            yield _zero(arrived - claimed)


@proof(
    "F5", "bridges compose and their slope at s = t is the rate of F4, any clock", "twice the rate"
)
def _bridge_rate(broken: bool) -> Iterator[bool]:
    """F5: bridges compose, and ρ/(t−s) tends to the rate of F4 as s → t."""
    alpha_r = sympy.Symbol("alpha_r", nonnegative=True)

    def stay(late: sympy.Expr, early: sympy.Expr) -> sympy.Expr:
        return 1 - fill(F5, "probability", alpha_t=late, alpha_s=early)

    composed = stay(ALPHA_T, ALPHA_S) * stay(ALPHA_S, alpha_r)
    slope = -sympy.diff(stay(ALPHA_T, ALPHA_S), ALPHA_S).subs(ALPHA_S, ALPHA_T) * SPEED
    rate = fill(F4, "rate", alpha=ALPHA_T, speed=SPEED, q=2 if broken else 1)
    yield _zero(composed - stay(ALPHA_T, alpha_r)) and _zero(slope - rate)
