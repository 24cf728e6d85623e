"""The one-target control problem behind E9 and X1, solved numerically.

A posterior p on [S] moves as a martingale to a vertex, the value X of the target; a move p → p'
pays 1 − p_X/p'_X. V_S is the supremum of E Y_+, Y the sum of all payments, over all martingales and
starts. c(q_0) ≤ (d/2)·V_S, V_2 = 1/2 is proved (E9), and X1 follows from V_S = H_S − 1.

Two answers for a given S. From below: policies evaluated in fractions, found by value iteration and
by gradient ascent over signalling trees; they prove that V_S is at least so large. From above:
value iteration among martingales that visit a finite grid of posteriors alone. With y_a the
payments so far if X = a, the budget u_a = y_a + log(1/p_a) never rises (a move costs φ(p_a/p'_a)),
so budgets live in [0, log n]. The value is convex in them, so interpolation between nodes errs
upwards only; but a martingale off the grid may do better, so this is no proof for V_S, only an
estimate. Source: proof of E9.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from sharprates.samplers.errors import InputError
from sharprates.theory.functions import Harmonic
from sharprates.verification.arithmetic import RATIONAL
from torch import Tensor

Array = NDArray[np.float64]
Belief = tuple[int, ...]
"""A posterior in units of 1/n; its entries sum to n."""


@dataclass(frozen=True)
class Control:
    """What is known of V_S.

    Attributes:
        vocabulary: S.
        grid: posteriors are multiples of 1/n for one of these n.
        nodes: of each budget.
        lower: the best policy's value, exact: V_S is at least this.
        upper: value among martingales on the grid, from above.
        rounds: of value iteration until nothing changed.
        conjecture: H_S − 1, exact.
    """

    vocabulary: int
    grid: tuple[int, ...]
    nodes: int
    lower: Fraction
    upper: float
    rounds: int
    conjecture: Fraction


def harmonic(vocabulary: int) -> Fraction:
    """H_S − 1."""
    value = Harmonic.compute(RATIONAL, vocabulary)
    return Fraction(int(value.p), int(value.q)) - 1


# --- value iteration ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Moves:
    """All ways to split one posterior: extreme points of {λ ≥ 0: Σ_j λ_j p_j = p}.

    Attributes:
        places: int [M, S], indices of the posteriors that a split uses, the last one repeated.
        shares: [M, S], their probabilities, 0 at repetitions.
    """

    places: NDArray[np.int64]
    shares: Array


def beliefs(vocabulary: int, grid: int) -> list[Belief]:
    """All posteriors with entries k/n."""
    if vocabulary == 1:
        return [(grid,)]
    return [(k, *rest) for k in range(grid + 1) for rest in beliefs(vocabulary - 1, grid - k)]


def union(vocabulary: int, grid: tuple[int, ...]) -> list[Belief]:
    """All posteriors with entries k/m for one m of the grid, in units of 1/n, n = lcm."""
    n = math.lcm(*grid)
    return sorted({tuple(k * (n // m) for k in p) for m in grid for p in beliefs(vocabulary, m)})


def _moves(p: Belief, points: list[Belief]) -> _Moves:
    S = len(p)
    inside = [k for k, x in enumerate(points) if all(a or not b for a, b in zip(p, x, strict=True))]
    matrix = np.array(points, dtype=np.float64)
    target = np.array(p, dtype=np.float64)
    places, shares = [], []
    for size in range(1, S + 1):
        for block in _chunks(itertools.combinations(inside, size), 100_000):
            chosen = np.array(block)
            columns = matrix[chosen].transpose(0, 2, 1)  # [m, S, size]
            # normal equations: the split is unique where the points are affinely independent
            gram = columns.transpose(0, 2, 1) @ columns
            good = np.linalg.det(gram) > 1e-6
            chosen, columns, gram = chosen[good], columns[good], gram[good]
            right = columns.transpose(0, 2, 1) @ target
            weights = np.linalg.solve(gram, right[..., None])[..., 0]
            exact = np.abs((columns @ weights[..., None])[..., 0] - target).max(1) < 1e-9
            fine = exact & (weights > 1e-9).all(1)
            extra = S - size
            places.append(np.pad(chosen[fine], ((0, 0), (0, extra)), mode="edge"))
            shares.append(np.pad(weights[fine], ((0, 0), (0, extra))))
    return _Moves(np.concatenate(places), np.concatenate(shares))


def _chunks(
    items: itertools.combinations[tuple[int, ...]], size: int
) -> list[list[tuple[int, ...]]]:
    found = []
    while chunk := list(itertools.islice(items, size)):
        found.append(chunk)
    return found


def _cost(p: Belief, other: Belief) -> list[float]:
    """φ(p_a/p'_a) for every symbol; ∞ where p'_a = 0 but p_a > 0."""
    costs = []
    for x, y in zip(p, other, strict=True):
        if x == 0:
            costs.append(0.0)
        elif y == 0:
            costs.append(math.inf)
        else:
            costs.append(x / y - 1 - math.log(x / y))
    return costs


def _shift(nodes: Array, cost: float) -> Array:
    """Row i interpolates a function of the budget at (nodes_i − cost)_+."""
    matrix = np.zeros((len(nodes), len(nodes)))
    if math.isinf(cost):  # the symbol is ruled out: its budget plays no part any more
        matrix[:, 0] = 1.0
        return matrix
    for i, u in enumerate(np.maximum(nodes - cost, 0.0)):
        k = min(int(np.searchsorted(nodes, u, side="right")) - 1, len(nodes) - 2)
        share = (u - nodes[k]) / (nodes[k + 1] - nodes[k])
        matrix[i, k], matrix[i, k + 1] = 1 - share, share
    return matrix


class _Iteration:
    """Value functions of the posteriors on the grid, up to renaming of the symbols."""

    def __init__(self, vocabulary: int, grid: tuple[int, ...], nodes: int) -> None:
        self.S, self.n = vocabulary, math.lcm(*grid)
        self.points = union(vocabulary, grid)
        self.sorted = [p for p in self.points if list(p) == sorted(p, reverse=True)]
        # Starts have budgets log(1/p_a): these are nodes, and the rest is spread between them.
        starts = [math.log(self.n / k) for k in {k for p in self.points for k in p} - {0}]
        between = np.linspace(0, max(starts), max(2, nodes - len(starts)))
        self.nodes: Array = np.unique(np.round(np.concatenate([starts, between]), 12))
        self.moves = {p: _moves(p, self.points) for p in self.sorted}
        self.shifts = {
            (p, x): [_shift(self.nodes, c) for c in _cost(p, x)]
            for p in self.sorted
            for x in {self.points[k] for k in self.moves[p].places.ravel()}
        }
        self.value = {p: self._reveal(p) for p in self.sorted}

    def _reveal(self, p: Belief) -> Array:
        """The value of revealing X at once, which is what may be done at the end."""
        total = np.zeros((len(self.nodes),) * self.S)
        for a, k in enumerate(p):
            if k:
                x = k / self.n
                gain = np.maximum(self.nodes + math.log(x) + 1 - x, 0.0)
                total += x * gain.reshape([-1 if b == a else 1 for b in range(self.S)])
        return total

    def at(self, x: Belief) -> Array:
        """The value function of any posterior, axes in the order of its own symbols."""
        order = sorted(range(self.S), key=lambda a: -x[a])
        held = self.value[tuple(x[a] for a in order)]
        return np.transpose(held, np.argsort(order))

    def _after(self, p: Belief, x: Belief) -> Array:
        """W(x, u − φ) at every node u of p."""
        held = self.at(x)
        for axis, matrix in enumerate(self.shifts[p, x]):
            held = np.moveaxis(np.tensordot(matrix, held, axes=(1, axis)), 0, axis)
        return held

    def step(self) -> float:
        """One round for all posteriors; the largest change."""
        new, change = {}, 0.0
        for p, moves in self.moves.items():
            used = sorted(set(moves.places.ravel()))
            row = {k: i for i, k in enumerate(used)}
            table = np.stack([self._after(p, self.points[k]).ravel() for k in used])
            index = np.vectorize(row.__getitem__)(moves.places)
            best = self.value[p].ravel().copy()
            for places, shares in zip(index, moves.shares, strict=True):
                np.maximum(best, shares @ table[places], out=best)
            new[p] = best.reshape(self.value[p].shape)
            change = max(change, float(np.abs(new[p] - self.value[p]).max()))
        self.value = new
        return change

    def interpolate(self, x: Belief, budgets: list[float]) -> float:
        """W(x, u) between nodes."""
        held = self.at(x)
        for u in budgets:
            u = min(max(u, 0.0), float(self.nodes[-1]))
            k = min(int(np.searchsorted(self.nodes, u, side="right")) - 1, len(self.nodes) - 2)
            share = (u - self.nodes[k]) / (self.nodes[k + 1] - self.nodes[k])
            row = np.zeros(len(self.nodes))
            row[k], row[k + 1] = 1 - share, share
            held = np.tensordot(row, held, axes=(0, 0))
        return float(held)

    def start(self, p: Belief) -> float:
        """W(p, u) with no payments made yet."""
        return self.interpolate(p, [math.log(self.n / k) if k else 0.0 for k in p])

    def greedy(self, p: Belief, paid: list[Fraction]) -> Split:
        """The split that the value function suggests."""
        order = sorted(range(self.S), key=lambda a: -p[a])
        top = tuple(p[a] for a in order)
        moves = self.moves[top]
        scores: dict[int, float] = {}
        for k in set(moves.places.ravel()):
            x = self.points[k]
            budgets = []
            for a, b, cost in zip(order, x, _cost(top, x), strict=True):
                u = float(paid[a]) - math.log(p[a] / self.n) if p[a] else 0.0
                budgets.append(u - cost if b else 0.0)
            scores[int(k)] = self.interpolate(x, budgets)
        values = np.array([[scores[k] for k in row] for row in moves.places.tolist()])
        best = int((moves.shares * values).sum(1).argmax())
        used = zip(moves.places[best].tolist(), moves.shares[best].tolist(), strict=True)
        children = [self.points[k] for k, share in used if share > 0]
        split = []
        for x, share in zip(children, _exact_shares(top, children), strict=True):
            after = [0] * self.S
            for place, a in enumerate(order):
                after[a] = x[place]
            split.append((share, tuple(after)))
        return split


Split = list[tuple[Fraction, Belief]]
"""Posteriors of the next move, each with its chance."""

Policy = Callable[[Belief, list[Fraction]], Split]
"""(posterior, payments so far if X = a) → the next move."""


def rule_out(p: Belief, _: list[Fraction]) -> Split:
    """From a uniform posterior: one symbol, any of them, is ruled out. So do permutations (L6)."""
    left = [a for a, k in enumerate(p) if k]
    share = sum(p) // (len(left) - 1)
    return [
        (Fraction(1, len(left)), tuple(share * (a in left and a != out) for a in range(len(p))))
        for out in left
    ]


def evaluate(policy: Policy, p: Belief, depth: int) -> Fraction:
    """E Y_+ of a policy, X being revealed after so many moves or when the policy stays; exact.

    Args:
        policy: how to move.
        p: the start, in units of 1/Σp.
        depth: most moves.
    """
    n = sum(p)

    def follow(p: Belief, paid: list[Fraction], moves: int) -> Fraction:
        reveal = Fraction(0)
        for k, y in zip(p, paid, strict=True):
            reveal += Fraction(k, n) * max(y + 1 - Fraction(k, n), Fraction(0))
        if moves == 0 or n in p:
            return reveal
        split = policy(p, paid)
        if len(split) == 1:
            return reveal
        total = Fraction(0)
        for share, after in split:
            owed = [
                y + 1 - Fraction(k, x) if x else y for y, k, x in zip(paid, p, after, strict=True)
            ]
            total += share * follow(after, owed, moves - 1)
        return total

    return follow(p, [Fraction(0)] * len(p), depth)


def _exact_shares(p: Belief, points: list[Belief]) -> list[Fraction]:
    """The λ with Σ λ_j p_j = p, by elimination in fractions."""
    rows = [[Fraction(x[a]) for x in points] + [Fraction(p[a])] for a in range(len(p))]
    for j in range(len(points)):
        pivot = next(i for i in range(j, len(rows)) if rows[i][j])
        rows[j], rows[pivot] = rows[pivot], rows[j]
        rows[j] = [value / rows[j][j] for value in rows[j]]
        for i, row in enumerate(rows):
            if i != j and row[j]:
                rows[i] = [a - row[j] * b for a, b in zip(row, rows[j], strict=True)]
    return [rows[j][-1] for j in range(len(points))]


# --- signalling trees -----------------------------------------------------------------------------


def tree_value(start: Tensor, channels: list[Tensor]) -> Tensor:
    """E Y_+ when each stage sends one of b signals about X, and X is revealed at the end.

    After a signal j sent with chance C_aj if X = a, the posterior is p_a·C_aj/λ_j with
    λ_j = Σ_a p_a C_aj, and the payment if X = a is 1 − λ_j/C_aj.

    Args:
        start: p, [S].
        channels: of stage l the table [b^l, S, b]; rows sum to 1.
    """
    reach = start[None]  # [nodes, S], P(node, X = a)
    paid = torch.zeros_like(reach)
    for channel in channels:
        belief = reach / reach.sum(1, keepdim=True).clamp(min=1e-300)
        signal = torch.einsum("na,naj->nj", belief, channel)
        pay = 1 - signal[:, None] / channel.clamp(min=1e-300)
        # an impossible signal pays nothing, with any sign: it has no weight
        paid = (paid[..., None] + pay.clamp(min=-1e6)).transpose(1, 2).flatten(0, 1)
        reach = (reach[..., None] * channel).transpose(1, 2).flatten(0, 1)
    belief = reach / reach.sum(1, keepdim=True).clamp(min=1e-300)
    return (reach * (paid + 1 - belief).clamp(min=0)).sum()


def exact_tree_value(start: list[Fraction], channels: list[list[list[list[Fraction]]]]) -> Fraction:
    """The same in fractions."""

    def follow(reach: list[Fraction], paid: list[Fraction], level: int, node: int) -> Fraction:
        mass = sum(reach, Fraction(0))
        if mass == 0:
            return Fraction(0)
        if level == len(channels):
            gains = (max(y + 1 - r / mass, Fraction(0)) for r, y in zip(reach, paid, strict=True))
            return sum((r * gain for r, gain in zip(reach, gains, strict=True)), Fraction(0))
        channel = channels[level][node]
        total = Fraction(0)
        for j in range(len(channel[0])):
            signal = sum((r * row[j] for r, row in zip(reach, channel, strict=True)), Fraction(0))
            after = [r * row[j] for r, row in zip(reach, channel, strict=True)]
            owed = [
                y + 1 - signal / mass / row[j] if row[j] else y
                for y, row in zip(paid, channel, strict=True)
            ]
            total += follow(after, owed, level + 1, node * len(channel[0]) + j)
        return total

    return follow(start, [Fraction(0)] * len(start), 0, 0)


def climb_trees(
    vocabulary: int, depth: int, starts: int = 4, steps: int = 300, seed: int = 0
) -> Fraction:
    """The best signalling tree that gradient ascent finds, rounded and evaluated in fractions.

    Args:
        vocabulary: S, also the number of signals of a stage.
        depth: stages before X is revealed.
        starts: random trees.
        steps: of Adam, for each.
        seed: of the random trees.

    Returns:
        A lower bound on V_S.
    """
    S, best = vocabulary, Fraction(0)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(starts):
        sizes = [(S,), *((S**level, S, S) for level in range(depth))]
        logits = [
            torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()
            for size in sizes
        ]
        optimiser = torch.optim.Adam(logits, lr=0.1)
        for _ in range(steps):
            optimiser.zero_grad()
            start, *channels = (torch.softmax(x, -1) for x in logits)
            loss = -tree_value(start, channels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
        start, *channels = (torch.softmax(x.detach(), -1) for x in logits)
        for denominator in (S, 12, 60, 240):
            law = _round(start, denominator)
            table = [[[_round(r, denominator) for r in node] for node in c] for c in channels]
            best = max(best, exact_tree_value(law, table))
    return best


def _round(law: Tensor, denominator: int) -> list[Fraction]:
    counts = [round(x * denominator) for x in law.tolist()]
    largest = max(range(len(counts)), key=lambda k: counts[k])
    counts[largest] += denominator - sum(counts)
    return [Fraction(count, denominator) for count in counts]


# --- the answer -----------------------------------------------------------------------------------


GRIDS = {2: (12,), 3: (4, 6), 4: (3, 4)}
"""Default posteriors: fine enough to rule symbols out one at a time, as permutations do."""

NODES = {2: 60, 3: 24, 4: 10}
MOST_SPLITS = 2_000_000


def solve(
    vocabulary: int,
    grid: tuple[int, ...] | None = None,
    nodes: int | None = None,
    rounds: int = 60,
    trees: int = 4,
    progress: Callable[[str], None] = lambda _: None,
) -> Control:
    """Lower and upper values of the control problem.

    Args:
        vocabulary: S, 2 to 4.
        grid: posteriors are multiples of 1/n for one n of these; by default `GRIDS`.
        nodes: of each budget, about; by default `NODES`.
        rounds: most rounds of value iteration.
        trees: starts of the ascent over signalling trees.
        progress: told each round.

    Raises:
        InputError: for an S or a grid that is out of reach.
    """
    if vocabulary not in GRIDS:
        raise InputError(f"control: S must be 2, 3 or 4, got {vocabulary}")
    chosen = grid or GRIDS[vocabulary]
    if min(chosen) < 2:
        raise InputError(f"control: the grid needs numbers ≥ 2, got {chosen}")
    size = sum(math.comb(n + vocabulary - 1, vocabulary - 1) for n in chosen)
    if math.comb(size, vocabulary) > MOST_SPLITS:
        raise InputError(f"control: the grid {chosen} at S = {vocabulary} is too fine")
    work = _Iteration(vocabulary, chosen, nodes or NODES[vocabulary])
    done = 0
    for done in range(1, rounds + 1):
        change = work.step()
        progress(f"S={vocabulary} round {done}")
        if change < 1e-12:
            break
    policies = [evaluate(work.greedy, p, 2 * vocabulary) for p in work.sorted]
    even = (math.factorial(vocabulary),) * vocabulary
    policies.append(evaluate(rule_out, even, vocabulary))
    return Control(
        vocabulary=vocabulary,
        grid=chosen,
        nodes=len(work.nodes),
        lower=max([*policies, climb_trees(vocabulary, vocabulary - 1, trees)]),
        upper=max(work.start(p) for p in work.sorted),
        rounds=done,
        conjecture=harmonic(vocabulary),
    )
