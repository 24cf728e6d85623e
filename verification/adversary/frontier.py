"""The frontier: how large the first-order constant c(q_0) gets, for each length and vocabulary.

For every (d, S) laws are hunted by gradient ascent on the weights, by annealing over supports, and
by construction (codes, matchings, permutations, products of smaller finds). Each find is rounded to
fractions, its c computed exactly, and stored as a witness: a certified lower bound on sup c. The
proved upper bounds (E3, E7, E10, X3, at S = 2 E9) and the conjecture X1 stand beside it. A hunt
that is killed loses nothing that it had found, and goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch
from sharprates.samplers import families
from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import CLAIMS
from sharprates.verification import witness
from sharprates.verification.adversary.search import (
    Support,
    all_rows,
    as_weights,
    first_order,
    instance_of,
    roundings,
    simplest,
    uniform_first_order,
)
from sharprates.verification.arithmetic import RATIONAL, as_fraction
from sharprates.verification.exact_experiment import experiment_on_rows
from sharprates.verification.experiment import Experiment
from sharprates.verification.jobs import run as run_tasks
from sharprates.verification.journal import Journal, identity
from sharprates.verification.quantities.exact import ExactQuantities
from torch import Tensor

Pair = tuple[int, int]
"""(length d, vocabulary S)."""

KNOWN: dict[Pair, Fraction] = {
    **{(d, 2): Fraction(d, 4) for d in (3, 4, 5, 6)},
    (3, 3): Fraction(5, 4),
    (3, 4): Fraction(3, 2),
    (4, 3): Fraction(5, 3),
    (5, 3): Fraction(25, 12),
    (4, 4): Fraction(13, 6),
}
"""Values of c that were attained before; a hunt should find or beat them. Source: E9, L6, X1."""

Order = tuple[Fraction, int, tuple[tuple[int, ...], ...]]
"""By which finds are compared: c, then few rows, then the rows themselves."""

STORED = Path(__file__).parents[1] / "witnesses"
"""The best finds so far, as witnesses that replay; a hunt does not start from them."""

PAIRS: tuple[Pair, ...] = tuple((d, S) for d in range(2, 7) for S in range(2, 6))


@dataclass(frozen=True)
class FrontierEffort:
    """How long each task searches.

    Attributes:
        starts: laws or supports that one task works on at a time.
        moves: of an annealing run.
        steps: of a gradient ascent.
        seeds: runs of each kind.
        large: whether to try supports of 6S rows too: each symbol of each token then leaves room
            for the best law on three symbols of the others. It takes ten times as long.
    """

    starts: int = 24
    moves: int = 900
    steps: int = 250
    seeds: int = 1
    large: bool = False


@dataclass(frozen=True)
class FrontierTask:
    """One piece of work of a hunt, a function of these values alone.

    Attributes:
        pair: (d, S).
        method: ``families``, ``anneal``, ``ascend`` or ``polish``.
        size: number of rows, where the method has one.
        seed: of its generator.
    """

    pair: Pair
    method: str
    size: int = 0
    seed: int = 0

    @property
    def key(self) -> str:
        """Its name in the journal."""
        d, S = self.pair
        return f"{d}:{S}:{self.method}:{self.size}:{self.seed}"


@dataclass(frozen=True)
class Row:
    """A line of the frontier table.

    Attributes:
        length: d.
        vocabulary: S.
        lower: the largest certified c, exact.
        instance: the law that has it.
        birthday: C(d, 2), E3's.
        entropy: (d/2)·log S, E7's.
        short: C(d, 2)(1 − S^{−1/(d−1)}), E10's.
        positive: (d/2)·v_S, X3's.
        binary: d/4, E9's, at S = 2.
        conjecture: (d/2)(H_S − 1), X1's value.
    """

    length: int
    vocabulary: int
    lower: Fraction
    instance: Experiment
    birthday: Fraction
    entropy: float
    short: float
    positive: float
    binary: Fraction | None
    conjecture: Fraction

    @property
    def upper(self) -> tuple[str, float]:
        """The least of the proved upper bounds, and its claim."""
        bounds = {"E3": float(self.birthday), "E7": self.entropy, "E10": self.short}
        bounds["X3"] = self.positive
        if self.binary is not None:
            bounds["E9"] = float(self.binary)
        claim = min(bounds, key=lambda one: bounds[one])
        return claim, bounds[claim]

    @property
    def closed(self) -> bool:
        """Whether what was found equals a proved upper bound, exactly: sup c is then known."""
        missing = 1 - self.lower / self.birthday
        reached = missing ** (self.length - 1) == Fraction(1, self.vocabulary)
        return reached or self.lower == self.binary

    @property
    def attained(self) -> bool:
        """Whether the value of X1 (at S = 2 of E9) is reached."""
        return self.lower >= self.conjecture

    @property
    def refutes(self) -> bool:
        """Whether the conjecture X1 is refuted here."""
        return self.lower > self.conjecture


# --- methods --------------------------------------------------------------------------------------


def _generator(task: FrontierTask) -> torch.Generator:
    d, S = task.pair
    seed = sum(ord(x) * 131**k for k, x in enumerate(task.method))
    return torch.Generator().manual_seed((task.seed * 1009 + seed * 97 + d * 31 + S) % 2**63)


def _rounded(rows: Tensor, laws: Tensor, vocabulary: int) -> Experiment:
    """The law (a column) of largest c, rounded to the smallest denominator that keeps it."""
    values = first_order(Support(rows, vocabulary).marginals(laws), laws)
    weights = laws[:, int(values.argmax())]
    kept = (weights > 1e-3).nonzero().squeeze(1)
    support = Support(rows[kept], vocabulary)
    counts = roundings(weights[kept].tolist())
    columns = torch.tensor(counts, dtype=torch.float64).T
    columns = columns / columns.sum(0)
    rounded = first_order(support.marginals(columns.clamp(min=1e-300)), columns)
    # A rounding may leave rows without weight: they then carry none of c either.
    best = simplest(rounded.nan_to_num(-1.0).tolist(), 1e-6)
    return instance_of(support.rows.tolist(), counts[best], vocabulary)


def climb_logits(support: Support, logits: Tensor, steps: int, rate: float = 0.2) -> Tensor:
    """Gradient ascent on c in the weights of a fixed support.

    Args:
        support: the rows.
        logits: [N, B], B starts.
        steps: of Adam.
        rate: its first step size; it falls to a twentieth.

    Returns:
        The laws reached, float64 [N, B].
    """
    x = logits.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, rate / 20)
    for _ in range(steps):
        optimiser.zero_grad()
        weights = as_weights(x)
        loss = -first_order(support.marginals(weights), weights).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        schedule.step()
    return as_weights(x.detach())


def ascend(task: FrontierTask, effort: FrontierEffort) -> Experiment:
    """Gradient ascent from random laws, on all sequences or on random ones if there are many."""
    d, S = task.pair
    generator = _generator(task)
    if S**d <= task.size:
        rows = all_rows(d, S)
    else:
        rows = torch.unique(torch.randint(S, (task.size, d), generator=generator), dim=0)
    support = Support(rows, S)
    starts = 2 * torch.randn(
        (rows.shape[0], effort.starts), generator=generator, dtype=torch.float64
    )
    return _rounded(rows, climb_logits(support, starts, effort.steps), S)


def anneal(task: FrontierTask, effort: FrontierEffort) -> Experiment:
    """Annealing over lists of N rows: change one symbol, or exchange it with another row's.

    A list is a law with weights k/N. With N = 2S and columns that use every symbol twice it is a
    set of perfect matchings of the rows, with N = S^k a code: neither has to be written down.
    """
    d, S = task.pair
    generator, count = _generator(task), effort.starts
    lists = torch.arange(count)

    def draw(high: int) -> Tensor:
        return torch.randint(high, (count,), generator=generator)

    # Columns in which all symbols are as frequent as can be.
    symbols = torch.arange(task.size) % S
    noise = torch.rand((count, task.size, d), generator=generator)
    rows = symbols[noise.argsort(1)]
    value = uniform_first_order(rows)
    best, best_rows = value.clone(), rows.clone()
    for move in range(effort.moves):
        heat = 0.05 * 0.04 ** (move / effort.moves)
        new = rows.clone()
        k, other, place = draw(task.size), draw(task.size), draw(d)
        exchange = torch.rand(count, generator=generator) < 0.5
        mine, theirs = rows[lists, k, place], rows[lists, other, place]
        new[lists, k, place] = torch.where(exchange, theirs, draw(S))
        new[lists, other, place] = torch.where(exchange, mine, new[lists, other, place])
        changed = uniform_first_order(new)
        chance = torch.rand(count, generator=generator)
        taken = chance < ((changed - value) / heat).exp()
        rows = torch.where(taken[:, None, None], new, rows)
        value = torch.where(taken, changed, value)
        better = value > best + 1e-12
        best = torch.where(better, value, best)
        best_rows = torch.where(better[:, None, None], rows, best_rows)
    winner = best_rows[int(best.argmax())].tolist()
    return instance_of(winner, [1] * task.size, S)


def polish(start: Experiment, task: FrontierTask, effort: FrontierEffort) -> Experiment:
    """Gradient ascent from a find, on its rows and rows near them: uneven weights, other rows."""
    d, S = task.pair
    generator = _generator(task)
    rows = torch.tensor(start.rows)
    near = rows[torch.randint(rows.shape[0], (task.size,), generator=generator)]
    places = torch.randint(d, (task.size,), generator=generator)
    near[torch.arange(task.size), places] = torch.randint(S, (task.size,), generator=generator)
    union = torch.unique(torch.cat([rows, near]), dim=0)
    held = {row: float(w) for row, w in zip(start.rows, start.weights, strict=True)}
    weights = torch.tensor([held.get(tuple(row), 1e-3) for row in union.tolist()])
    noise = torch.randn((union.shape[0], effort.starts), generator=generator, dtype=torch.float64)
    logits = weights.to(torch.float64).log()[:, None] + 0.5 * noise
    return _rounded(union, climb_logits(Support(union, S), logits, effort.steps, 0.1), S)


CONSTRUCTIONS = (
    "copies:{d}:{S}",
    "parity:{d}:{S}",
    "pairs:{d}:{S}",
    "permutations:{d}:{S}",
    "mds:{d}:2:{S}",
    "groups:{d}:3",
    "groups:{d}:2",
)
LARGEST_SUPPORT = 130
"""Rows of a law that is kept: exact arithmetic and a reader should manage it."""


def constructed(pair: Pair) -> list[Experiment]:
    """The built-in families that exist at this length and vocabulary."""
    d, S = pair
    found = []
    for text in CONSTRUCTIONS:
        try:
            target = families.family(text.format(d=d, S=S))
        except InputError:  # no such code or group at this size
            continue
        if target.vocabulary <= S and target.support <= LARGEST_SUPPORT:
            found.append(instance_of(target.rows.tolist(), [1] * target.support, S))
    return found


def product_law(first: Experiment, second: Experiment) -> Experiment:
    """Independent tokens of two laws side by side: first-order losses add up."""
    S = max(first.vocabulary, second.vocabulary)
    rows = tuple((*x, *y) for x in first.rows for y in second.rows)
    weights = tuple(v * w for v in first.weights for w in second.weights)
    return experiment_on_rows(S, rows, weights)


# --- the hunt -------------------------------------------------------------------------------------


def tasks_of(pair: Pair, effort: FrontierEffort) -> list[FrontierTask]:
    """The independent tasks of a pair; `polish` comes after them."""
    d, S = pair
    sizes = sorted({S, 2 * S, 3 * S, min(S * S, 16), 12} - {1})
    if effort.large and d > 3:
        sizes.append(6 * S)
    dense = 256 if d <= 4 else 96
    found = [FrontierTask(pair, "families")]
    for seed in range(effort.seeds):
        found += [FrontierTask(pair, "anneal", size, seed) for size in sizes]
        found.append(FrontierTask(pair, "ascend", dense, seed))
    return found


def run_task(
    task: FrontierTask, effort: FrontierEffort, starts: Mapping[Pair, Experiment] | None = None
) -> Experiment:
    """Carry a task out: the law of largest c that it finds.

    Args:
        task: what to do.
        effort: how long.
        starts: for `polish`: the finds to start from.
    """
    if task.method == "families":
        return max(constructed(task.pair), key=first_order_of)
    if task.method == "anneal":
        return anneal(task, effort)
    if task.method == "ascend":
        return ascend(task, effort)
    assert starts is not None
    return polish(starts[task.pair], task, effort)


def first_order_of(instance: Experiment) -> Fraction:
    """c(q_0), exactly."""
    return as_fraction(ExactQuantities(instance).first_order)


class Hunt:
    """A hunt over several pairs, and the folder where it keeps what it finds.

    The best find of a pair is one witness file; the journal knows the finds of all tasks.
    """

    def __init__(
        self,
        folder: Path,
        pairs: Sequence[Pair],
        effort: FrontierEffort | None = None,
        fresh: bool = False,
    ) -> None:
        """Open a folder, new or of an earlier hunt.

        Args:
            folder: where finds and the journal are kept; a stopped hunt goes on from there.
            pairs: (d, S), 2 ≤ d ≤ 6 and 2 ≤ S ≤ 5.
            effort: how long each task searches.
            fresh: do all tasks again; stored finds stay until better ones are found.

        Raises:
            InputError: if a stored find was changed.
        """
        self.folder, self.pairs, self.effort = folder, tuple(pairs), effort or FrontierEffort()
        self.fresh = fresh
        for d, S in self.pairs:
            if (d, S) not in PAIRS:
                raise InputError(f"frontier: needs 2 ≤ d ≤ 6 and 2 ≤ S ≤ 5, got ({d}, {S})")
        self.best: dict[Pair, Experiment] = {}
        self._stored: dict[Pair, Experiment] = {}
        for pair in self.pairs:
            if self.path(pair).exists():
                found = witness.recall(self.path(pair))[0].experiment
                if (found.length, found.vocabulary) != pair:
                    raise InputError(f"{self.path(pair)}: holds another length or vocabulary")
                self.best[pair] = self._stored[pair] = found

    def path(self, pair: Pair) -> Path:
        """The witness file of a pair."""
        return self.folder / f"frontier-{pair[0]}-{pair[1]}.witness"

    def keep(self, pair: Pair, found: Experiment) -> bool:
        """Keep a find if it is larger than what there is, or as large and shorter."""
        order = _order(found)
        if pair in self.best and _order(self.best[pair]) >= order:
            return False
        self.best[pair] = found
        if pair not in self._stored or _order(self._stored[pair]) < order:
            one = CLAIMS["E9" if pair[1] == 2 else "X1"]
            remark = (f"c(q_0) = {order[0]} at d = {pair[0]}, S = {pair[1]} (c of L5)",)
            witness.write(witness.make(one, found, remark=remark), self.path(pair))
            self._stored[pair] = found
        return True

    def run(self, jobs: int = 1, progress: Callable[[str], None] = lambda _: None) -> list[Row]:
        """Hunt until all tasks are done.

        Args:
            jobs: processes.
            progress: told each task that is done.

        Returns:
            The table, a row a pair.

        Raises:
            InputError: if the folder cannot be used, or holds another hunt.
        """
        about = identity({"effort": self.effort}, {})
        path = self.folder / "frontier.jsonl"
        with Journal[Experiment | None](
            path, about, Experiment | None, resume=not self.fresh, replace=self.fresh
        ) as journal:
            # What an earlier hunt has left is in the journal: one that goes on starts from the
            # same, and ends as if it had not been stopped.
            for d, S in self.pairs:
                if f"before:{d}:{S}" not in journal.values:
                    journal.put(f"before:{d}:{S}", self._stored.get((d, S)))
            before = {(d, S): journal.values[f"before:{d}:{S}"] for d, S in self.pairs}
            self.best = {pair: found for pair, found in before.items() if found is not None}

            def told(task: FrontierTask, found: Experiment | None) -> None:
                assert found is not None, "every task finds something"
                self.keep(task.pair, found)
                progress(f"d={task.pair[0]} S={task.pair[1]} {task.method}")

            wanted = [task for pair in self.pairs for task in tasks_of(pair, self.effort)]
            run_tasks(wanted, partial(run_task, effort=self.effort), jobs, journal, told=told)
            self._combine()
            work = partial(run_task, effort=self.effort, starts=dict(self.best))
            seeds = range(self.effort.seeds)
            wanted = [
                FrontierTask(pair, "polish", 24, seed) for pair in self.pairs for seed in seeds
            ]
            run_tasks(wanted, work, jobs, journal, told=told)
            self._combine()
        return self.table()

    def _combine(self) -> None:
        """Put independent tokens and smaller finds side by side, and reuse smaller vocabularies."""
        for d, S in sorted(self.pairs):
            for smaller in [(d, s) for s in range(2, S) if (d, s) in self.best]:
                it = self.best[smaller]
                self.keep((d, S), experiment_on_rows(S, it.rows, it.weights))
            for k in range(1, d // 2 + 1):
                one = (
                    experiment_on_rows(S, ((0,),), (Fraction(1),))
                    if k == 1
                    else self.best.get((k, S))
                )
                other = self.best.get((d - k, S))
                if one and other and len(one.rows) * len(other.rows) <= LARGEST_SUPPORT:
                    self.keep((d, S), product_law(one, other))

    def table(self) -> list[Row]:
        """What is known of each pair."""
        return [row(self.best[pair]) for pair in self.pairs if pair in self.best]


def _order(it: Experiment) -> Order:
    """Larger c first, then fewer rows; the rows decide ties, so that no run order matters."""
    negative = tuple(tuple(-x for x in row) for row in it.rows)
    return first_order_of(it), -len(it.rows), negative


def row(found: Experiment) -> Row:
    """A line of the table, from a find; the bounds are the claims' own formulas."""
    d, S = found.length, found.vocabulary
    values = {"d": d, "S": S}

    def exact(claim: str) -> Fraction:
        return as_fraction(CLAIMS[claim].value(values, RATIONAL))

    return Row(
        length=d,
        vocabulary=S,
        lower=first_order_of(found),
        instance=found,
        birthday=Fraction(math.comb(d, 2)),
        entropy=d / 2 * FLOAT.log(S),
        short=float(CLAIMS["E10"].value(values, FLOAT)),
        positive=float(CLAIMS["X3"].value(values, FLOAT)),
        binary=exact("E9") if S == 2 else None,
        conjecture=exact("X1"),
    )
