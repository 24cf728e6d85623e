"""The adversary: the worst instance of every bound, hunted and then decided exactly.

What is free is read off the claim's own hypotheses: the most general setting in which it applies.
There the ratio of both sides is driven up in three ways: moves between supports (a symbol of a row
is changed, a row added or dropped, starting from codes, matchings and permutations), gradient
ascent in the law, the step law, the horizon and the denoiser's errors, and hypothesis with the
ratio as its target. The best finds are rounded to fractions and decided exactly; the worst one is
kept as a witness.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import Schedule
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.theory.setting import Setting
from sharprates.verification import witness
from sharprates.verification.adversary.frontier import constructed
from sharprates.verification.adversary.search import Support, as_weights, instance_of, roundings
from sharprates.verification.break_even import failing_factor
from sharprates.verification.decide import Scale, check_symbols
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows
from sharprates.verification.experiment import Experiment
from sharprates.verification.files import write_whole
from sharprates.verification.jobs import run
from sharprates.verification.journal import Journal, identity
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.gradient import GradientQuantities
from sharprates.verification.verdict import Decision, Verdict
from sharprates.verification.witness import LeftSide, Witness, WitnessError
from torch import Tensor


@dataclass(frozen=True)
class Space:
    """What the adversary may choose besides the law.

    Attributes:
        schedule: ``steps`` (any step law), ``equal``, ``grid`` (Euler on the uniform grid of the
            constant clock), ``fhs``, or ``none``.
        leftover: whether masks may be left over.
        erring: whether the denoiser may err.
    """

    schedule: str
    leftover: bool = False
    erring: bool = False

    def setting(self, shape: Shape) -> Setting:
        """The facts that all of its instances share."""
        base = Setting(
            length=shape.length, vocabulary=shape.vocabulary, exact_denoiser=not self.erring
        )
        if self.schedule == "none":
            return replace(base, equal_steps=True)
        if self.schedule == "fhs":
            return replace(base, sampler="fhs", steps=shape.length)
        if self.schedule == "grid":
            return replace(
                base, steps=shape.steps, clock="constant", grid="uniform", has_leftover=True
            )
        equal = self.schedule == "equal"
        return replace(base, steps=shape.steps, equal_steps=equal, has_leftover=self.leftover)


@dataclass(frozen=True)
class Shape:
    """Sizes of one search.

    Attributes:
        length: d.
        vocabulary: S.
        steps: K.
    """

    length: int
    vocabulary: int
    steps: int


SPACES = (
    Space("steps", leftover=True, erring=True),
    Space("steps", leftover=True),
    Space("steps", erring=True),
    Space("steps"),
    Space("grid", erring=True),
    Space("grid"),
    Space("equal", erring=True),
    Space("equal"),
    Space("fhs", erring=True),
)
"""From the most general one on; a claim is attacked in the first one in which it applies."""

SHAPES = (Shape(2, 2, 1), Shape(2, 3, 2), Shape(3, 2, 2), Shape(3, 3, 4), Shape(4, 2, 4))

HUNTED = (
    *("E1", "E2", "E3", "E4", "E5", "E7", "E8", "E9", "E10", "X1", "X2", "X3"),
    *("L0", "H2", "C1", "KL2"),
)
"""The bounds that hold for every law: what there is to attack."""


@dataclass(frozen=True)
class Quest:
    """What is attacked.

    Attributes:
        claim: the claim.
        left: the left side of a user's claim, if it has one of its own; only moves that need no
            gradient are then made.
        variant: form of the claim.
        scale: factors on its constants.
        strict: whether only step laws without leftover and the exact denoiser are tried. Many
            bounds are attained by leftover masks alone, which says little about the rest of them.
    """

    claim: Claim
    left: LeftSide | None = None
    variant: str | None = None
    scale: Scale = field(default_factory=dict)
    strict: bool = False

    @staticmethod
    def of(claim_id: str, scale: Scale | None = None, strict: bool = False) -> Quest:
        """The quest of a registered claim."""
        one = CLAIMS[claim_id]
        scales = {k: v for k, v in (scale or {}).items() if k.split(".")[0] == claim_id}
        return Quest(one, scale=scales, strict=strict)

    @property
    def name(self) -> str:
        """What tells it apart from other quests: a part of file names."""
        scale = "".join(f"-{name}-{x}" for name, x in sorted(self.scale.items()))
        form = f"-{self.variant}" if self.variant else ""
        strict = "-strict" if self.strict else ""
        return (self.claim.id + form + strict + scale).replace("/", "over")

    @property
    def key(self) -> str:
        """Its name in a journal: a claim that was changed is hunted anew."""
        formula = zlib.crc32(str(self.claim.form(self.variant).expression).encode())
        return f"{self.name}:{formula:08x}"

    @property
    def upper(self) -> bool:
        """Whether the claim is an upper bound; a lower one otherwise."""
        return self.claim.form(self.variant).relation is Relation.UPPER

    def decide(self, instance: Experiment) -> Decision:
        """Both sides, exactly."""
        return witness.decide_on(
            self.claim, instance, variant=self.variant, scale=self.scale, left=self.left
        )

    def score(self, found: Decision) -> float:
        """How near the claim is to failing: measured over bound, or for a lower one its inverse."""
        sides = found.measured.middle, found.bound.middle
        top, below = sides if self.upper else sides[::-1]
        if found.verdict is Verdict.FAILS:
            return max(top / below if below > 0 else float("inf"), 1.0)
        return top / below if below > 0 else 0.0

    def worst(self, instance: Experiment, found: Decision) -> Worst:
        """An instance and its decision, as a find."""
        return Worst(self, self.witness(instance, found), self.score(found))

    def witness(self, instance: Experiment, found: Decision) -> Witness:
        """An instance and its decision, as a file holds them."""
        name = witness.name_of(self.claim, self.variant)
        return Witness(self.claim.id, instance, name, found, self.variant, dict(self.scale))

    def space(self, shape: Shape) -> Space | None:
        """The most general space in which the claim applies at these sizes; None if in none."""
        left = self.claim.left_side(self.variant)
        if left in (Measured.FIRST_ORDER, Measured.OFF_SUPPORT):
            spaces: tuple[Space, ...] = (Space("none"),)
        elif left is Measured.EPSILON_FHS:
            spaces = (Space("fhs", erring=True),)
        else:
            spaces = SPACES
        if self.strict:
            spaces = tuple(one for one in spaces if not (one.leftover or one.erring))
        for space in spaces:
            if self.claim.applies(space.setting(shape), self.variant) is None:
                return space
        return None


@dataclass(frozen=True)
class Effort:
    """How long a hunt is.

    Attributes:
        starts: supports that a shape begins with.
        moves: changes of each support that are tried.
        steps: of each gradient ascent.
        examples: that hypothesis draws.
    """

    starts: int = 3
    moves: int = 24
    steps: int = 60
    examples: int = 60


@dataclass(frozen=True)
class Find:
    """The worst instance that a task has found, as its journal keeps it.

    Attributes:
        score: see `Worst`.
        text: its witness.
    """

    score: float
    text: str


@dataclass(frozen=True)
class Worst:
    """The worst instance that was found for a claim.

    Attributes:
        quest: what was attacked.
        witness: the instance with both sides, decided exactly.
        score: measured over bound (its inverse for a lower bound); above 1 the claim fails.
    """

    quest: Quest
    witness: Witness
    score: float

    @property
    def refuted(self) -> bool:
        """Whether the claim fails on the witness."""
        return self.witness.decision.verdict is Verdict.FAILS

    def find(self) -> Find:
        """As a journal keeps it."""
        return Find(self.score, witness.to_text(self.witness))


# --- the free numbers -----------------------------------------------------------------------------


class _Point:
    """The free numbers of a search on one support: logits, without constraints."""

    def __init__(self, quest: Quest, space: Space, shape: Shape, rows: Tensor, seed: int) -> None:
        self.quest, self.space, self.shape = quest, space, shape
        self.support = Support(rows, shape.vocabulary)
        self.generator = torch.Generator().manual_seed(seed)
        n, d, S = rows.shape[0], shape.length, shape.vocabulary
        self.law = self._noise(n, scale=0.3)
        self.steps = self._noise(shape.steps + space.leftover, scale=0.5)
        if space.leftover:
            self.steps[-1] -= 2  # mostly revealed: else the leftover drowns everything
        self.horizon = 1 + self._noise(scale=2.0)
        self.error = self._noise(2**d, d, n, scale=1.0) - 3
        self.wrong = self._noise(2**d, d, n, S, scale=1.0)
        if space.schedule in ("equal", "none"):
            self.steps = torch.zeros(shape.steps, dtype=torch.float64)

    def _noise(self, *size: int, scale: float) -> Tensor:
        return scale * torch.randn(size, generator=self.generator, dtype=torch.float64)

    def free(self) -> list[Tensor]:
        """The tensors that an ascent may change."""
        found = [self.law]
        if self.space.schedule == "steps":
            found.append(self.steps)
        if self.space.schedule == "grid":
            found.append(self.horizon)
        if self.space.erring:
            found += [self.error, self.wrong]
        return found

    def relaxed(self) -> GradientQuantities:
        """The instance at these numbers."""
        law = as_weights(self.law)
        steps = horizon = None
        if self.space.schedule == "grid":
            horizon = torch.nn.functional.softplus(self.horizon) + 0.05
        elif self.space.schedule != "fhs":
            steps = as_weights(self.steps)[: self.shape.steps]
        erring = self.space.erring
        return GradientQuantities(
            self.support,
            law / law.sum(),
            steps,
            horizon,
            self.shape.steps,
            torch.sigmoid(self.error) if erring else None,
            torch.softmax(self.wrong, -1) if erring else None,
        )

    def score(self) -> Tensor:
        """log of measured over bound, or of its inverse for a lower bound."""
        it, quest = self.relaxed(), self.quest
        value = it.bound(quest.claim, quest.scale, quest.variant).clamp(min=1e-12)
        measured = it.measured(quest.claim, quest.variant).clamp(min=1e-12)
        gap: Tensor = measured.log() - value.log()
        return gap if quest.upper else -gap

    def roundings(self) -> Iterator[Experiment]:
        """Instances in fractions near these numbers, coarse ones first."""
        it = self.relaxed()
        law = it.law.tolist()
        for denominator in (1, 2, 3, 4, 6, 8, 12, 24, 60, 240):
            counts = roundings(law, max(denominator, 1))[-1]
            if sum(counts) != denominator:
                continue
            kept = [k for k, count in enumerate(counts) if count]
            rows = [tuple(self.support.rows[k].tolist()) for k in kept]
            weights = tuple(Fraction(counts[k], denominator) for k in kept)
            yield experiment_on_rows(
                self.shape.vocabulary,
                tuple(rows),
                weights,
                **self._schedule(it, denominator),
                predictions=self._predictions(it, kept, denominator) if self.space.erring else {},
            )

    def _schedule(self, it: GradientQuantities, denominator: int) -> dict[str, Any]:
        K = self.shape.steps
        kind = self.space.schedule
        if kind == "none":
            return {}
        if kind == "fhs":
            return {"blocks": (1,) * self.shape.length}
        if kind == "equal":
            return {"steps": (Fraction(1, K),) * K}
        if kind == "grid":
            assert it.horizon is not None
            horizon = Fraction(max(1, round(float(it.horizon) * denominator)), denominator)
            return {"grid": Schedule("euler", "constant", "uniform", K, horizon)}
        assert it.steps is not None
        weights = it.steps.tolist()
        left = [max(0.0, 1 - sum(weights))] if self.space.leftover else []
        fine = max(denominator, 2 * K)
        counts = roundings([*weights, *left], fine)[-1]
        return {"steps": tuple(Fraction(count, fine) for count in counts[:K])}

    def _predictions(
        self, it: GradientQuantities, kept: list[int], denominator: int
    ) -> dict[Any, Any]:
        S, d = self.shape.vocabulary, self.shape.length
        fine = max(denominator, 2)
        table = it.predicted.detach()
        found = {}
        for subset in range(2**d - 1):
            for k in kept:
                row = self.support.rows[k].tolist()
                context = tuple(x if subset >> i & 1 else S for i, x in enumerate(row))
                for i in range(d):
                    if not subset >> i & 1:
                        counts = roundings(table[subset, i, k].tolist(), fine)[-1]
                        law = tuple(Fraction(count, sum(counts)) for count in counts)
                        found[context, i] = law
        return found


# --- the three ways -------------------------------------------------------------------------------


def _supports(shape: Shape, count: int, generator: torch.Generator) -> list[Tensor]:
    """Supports to begin with: built-in families of these sizes, then random ones."""
    known = [torch.tensor(it.rows) for it in constructed((shape.length, shape.vocabulary))]
    known = [rows for rows in known if rows.shape[0] <= 12][:count]
    while len(known) < count + 1:
        size = (2 * shape.vocabulary, shape.length)
        drawn = torch.randint(shape.vocabulary, size, generator=generator)
        known.append(torch.unique(drawn, dim=0))
    return known


def _moved(rows: Tensor, vocabulary: int, generator: torch.Generator) -> Tensor:
    """A support one move away: a symbol changed, a row added, or one dropped."""

    def draw(high: int) -> int:
        return int(torch.randint(high, (), generator=generator))

    kind, k = draw(4), draw(rows.shape[0])
    if kind == 0 and rows.shape[0] > 2:
        return torch.cat([rows[:k], rows[k + 1 :]])
    changed = rows[k].clone()
    changed[draw(rows.shape[1])] = draw(vocabulary)
    new = torch.cat([rows, changed[None]])
    if kind > 1 or rows.shape[0] >= 12:
        new = torch.cat([new[:k], new[k + 1 :]])
    distinct: Tensor = torch.unique(new, dim=0)
    return distinct


def _finite(value: Tensor) -> float:
    number = float(value)
    return number if number == number else float("-inf")


def climb(quest: Quest, shape: Shape, effort: Effort, seed: int) -> Iterator[Experiment]:
    """Moves between supports, then gradient ascent; yields roundings of what is reached.

    Args:
        quest: with a left side that has a gradient.
        shape: the sizes.
        effort: how long.
        seed: of all draws.
    """
    space = quest.space(shape)
    if space is None:
        return
    generator = torch.Generator().manual_seed(seed)
    for number, start in enumerate(_supports(shape, effort.starts, generator)):
        point = _Point(quest, space, shape, start, seed + number)
        with torch.no_grad():
            value = _finite(point.score())
            for move in range(effort.moves):
                rows = _moved(point.support.rows, shape.vocabulary, generator)
                other = _Point(quest, space, shape, rows, seed + number + 7919 * move)
                score = _finite(other.score())
                if score > value:
                    point, value = other, score
        yield from point.roundings()
        free = [x.requires_grad_() for x in point.free()]
        optimiser = torch.optim.Adam(free, lr=0.15)
        for _ in range(effort.steps):
            optimiser.zero_grad()
            loss = -point.score()
            if not bool(torch.isfinite(loss)):
                break
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            for x in free:  # a ratio of two zeros has no gradient; such an entry stays
                if x.grad is not None:
                    x.grad.nan_to_num_(0.0, 0.0, 0.0)
            optimiser.step()
        with torch.no_grad():
            yield from point.roundings()


@st.composite
def _instances(draw: st.DrawFn, space: Space, shape: Shape) -> Experiment:
    d, S, K = shape.length, shape.vocabulary, shape.steps
    rows = draw(
        st.lists(st.tuples(*[st.integers(0, S - 1)] * d), min_size=1, max_size=2 * S, unique=True)
    )
    law = instance_of(rows, [draw(st.integers(1, 4)) for _ in rows], S)
    schedule: dict[str, Any] = {}
    if space.schedule == "fhs":
        schedule["blocks"] = (1,) * d
    elif space.schedule == "grid":
        horizon = Fraction(draw(st.integers(1, 12)), 2)
        schedule["grid"] = Schedule(
            "euler", "constant", "uniform", draw(st.integers(1, 2 * K)), horizon
        )
    elif space.schedule == "equal":
        steps = draw(st.integers(d, 4 * d))
        schedule["steps"] = (Fraction(1, steps),) * steps
    elif space.schedule == "steps":
        counts = draw(st.lists(st.integers(1, 6), min_size=1, max_size=2 * K))
        left = draw(st.integers(0, 2)) if space.leftover else 0
        schedule["steps"] = tuple(Fraction(n, sum(counts) + left) for n in counts)
    if space.erring:
        table = {}
        for row in law.rows:
            shown = draw(st.integers(0, 2**d - 2))
            context = tuple(x if shown >> i & 1 else S for i, x in enumerate(row))
            place = context.index(S)
            counts = draw(st.lists(st.integers(1, 5), min_size=S, max_size=S))
            table[context, place] = tuple(Fraction(n, sum(counts)) for n in counts)
        schedule["predictions"] = table
    return exact_experiment(law.target, **schedule)


def draw_examples(quest: Quest, shape: Shape, effort: Effort, seed: int) -> Iterator[Experiment]:
    """Hypothesis, with the score as its target; yields the best examples of a run."""
    space = quest.space(shape)
    if space is None or effort.examples == 0:
        return
    best: list[tuple[float, Experiment]] = []

    @with_seed(seed)
    @settings(
        max_examples=effort.examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )
    @given(_instances(space, shape))
    def attempt(instance: Experiment) -> None:
        try:
            score = quest.score(quest.decide(instance))
        except ArithmeticError:  # an infinite bound says nothing
            return
        if score < float("inf"):
            target(score)
        best.append((score, instance))
        best.sort(key=lambda pair: -pair[0])
        del best[3:]

    attempt()
    yield from (instance for _, instance in best)


# --- the hunt -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    quest: Quest
    shape: Shape
    way: str
    seed: int

    @property
    def key(self) -> str:
        sizes = f"{self.shape.length}:{self.shape.vocabulary}:{self.shape.steps}"
        return f"{self.quest.key}:{sizes}:{self.way}:{self.seed}"


def attack(quest: Quest, shape: Shape, way: str, effort: Effort, seed: int) -> Worst | None:
    """One way of hunting at one shape; the worst of its finds, decided exactly.

    Args:
        quest: what is attacked.
        shape: the sizes.
        way: ``climb`` or ``examples``.
        effort: how long.
        seed: of all draws.

    Returns:
        The worst find; None if the claim applies to nothing of this shape.
    """
    ways: dict[str, Callable[[Quest, Shape, Effort, int], Iterator[Experiment]]] = {
        "climb": climb,
        "examples": draw_examples,
    }
    worst: Worst | None = None
    for instance in ways[way](quest, shape, effort, seed):
        if quest.claim.applies(instance.setting(), quest.variant) is not None:
            continue
        try:
            found = quest.decide(instance)
        except ArithmeticError:  # an infinite bound says nothing
            continue
        one = quest.worst(instance, found)
        if worst is None or one.score > worst.score + 1e-12:
            worst = one
    return worst


def hunt(
    quests: Sequence[Quest],
    folder: Path,
    effort: Effort | None = None,
    *,
    shapes: Sequence[Shape] = SHAPES,
    jobs: int = 1,
    seed: int = 0,
    fresh: bool = False,
    journal: str = "adversary",
    progress: Callable[[str], None] = lambda _: None,
) -> list[Worst]:
    """Hunt the worst instance of each claim, and keep it as a witness.

    Args:
        quests: what is attacked.
        folder: where witnesses and the journal are kept; a stopped hunt goes on from there.
        effort: how long.
        shapes: the sizes that are tried.
        jobs: processes.
        seed: of the whole hunt.
        fresh: do all tasks again; stored finds stay until worse instances are found.
        journal: its name; hunts that must not forget one another's tasks have their own.
        progress: told each task that is done.

    Returns:
        The worst find of each quest that has one, in their order.

    Raises:
        InputError: if a claim cannot be evaluated on an instance, or the folder is unusable or
            holds another hunt.
    """
    chosen = effort or Effort()
    for quest in quests:
        check_quest(quest)
    wanted = hunt_tasks(quests, shapes, seed)
    places = {task.key: place for place, task in enumerate(wanted)}
    stored = {quest.key: _stored(quest, _path(folder, quest)) for quest in quests}
    best: dict[Path, tuple[tuple[float, int], str]] = {}

    def offer(quest: Quest, find: Find | None, place: int) -> bool:
        path = _path(folder, quest)
        rank = (-1.0, 0) if find is None else _rank(find.score, place)
        better = find is not None and (path not in best or rank > best[path][0])
        if find is not None and better:
            best[path] = rank, find.text
        return better

    about = identity({"effort": chosen, "seed": seed}, {})
    file = folder / f"{journal}.jsonl"
    with Journal[Find | None](file, about, Find | None, resume=not fresh, replace=fresh) as kept:
        done = set(kept.values)
        for quest in quests:
            # What an earlier hunt has left competes, with the last place among equals. The journal
            # has it, so that a hunt that goes on ends as if it had not been stopped.
            key = f"before:{quest.key}"
            if key not in done:
                kept.put(key, stored[quest.key])
            offer(quest, kept.values[key], len(wanted))

        def told(task: _Task, find: Find | None) -> None:
            if offer(task.quest, find, places[task.key]) and task.key not in done:
                path = _path(folder, task.quest)
                write_whole(path, best[path][1])
            progress(f"{task.quest.claim.id} {task.way}")

        run(wanted, partial(_work, effort=chosen), jobs, kept, told=told)
        for path, (_, text) in best.items():
            write_whole(path, text)
    paths = [(quest, _path(folder, quest)) for quest in quests]
    return [_read(quest, best[path][1]) for quest, path in paths if path in best]


def _path(folder: Path, quest: Quest) -> Path:
    return folder / f"worst-{quest.name}.witness"


def _rank(score: float, place: int) -> tuple[float, int]:
    """What is worse is larger; among equals the first one, whoever was done first."""
    return round(score, 12), -place


def _read(quest: Quest, text: str) -> Worst:
    experiment = witness.from_text(text).experiment
    return quest.worst(experiment, quest.decide(experiment))


def _stored(quest: Quest, path: Path) -> Find | None:
    """The find of an earlier hunt, if there is one, computed again."""
    if not path.exists():
        return None
    held = witness.read(path)
    about = (held.claim, held.variant, held.scale)
    if about != (quest.claim.id, quest.variant, quest.scale):
        raise WitnessError(f"{path}: is a witness of something else than its name says")
    if CLAIMS.get(quest.claim.id) is quest.claim:
        return quest.worst(held.experiment, witness.recall(path)[1]).find()
    # A user may have changed the claim since: then only the instance is taken over.
    if quest.claim.applies(held.experiment.setting(), quest.variant) is not None:
        return None
    one = quest.worst(held.experiment, quest.decide(held.experiment))
    if one.witness != held:
        witness.write(one.witness, path)
    return one.find()


def hunt_tasks(quests: Sequence[Quest], shapes: Sequence[Shape], seed: int) -> list[_Task]:
    """The independent tasks of a hunt."""
    return [
        _Task(quest, shape, way, _seed(quest, shape, seed))
        for quest in quests
        for shape in shapes
        for way in (("examples",) if quest.left else ("climb", "examples"))
    ]


def _seed(quest: Quest, shape: Shape, seed: int) -> int:
    text = f"{quest.name}:{shape}"
    return (zlib.crc32(text.encode()) + seed) % 2**31


def _work(task: _Task, effort: Effort) -> Find | None:
    worst = attack(task.quest, task.shape, task.way, effort, task.seed)
    return None if worst is None else worst.find()


# --- constants ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BreakEven:
    """How far one constant of an upper bound could be lowered, as far as is known.

    Attributes:
        claim: id.
        constant: full name, e.g. ``E2.clock``.
        factor: below it the claim fails on the witness; 0 if no instance needs the constant.
        witness: the claim with the constant just below, failing; None if the factor is 0.
    """

    claim: str
    constant: str
    factor: float
    witness: Witness | None


def threshold(quest: Quest, constant: str, instance: Experiment) -> Fraction:
    """The largest k/4096 at which a constant's factor makes an upper bound fail on an instance.

    A bound grows with each of its constants, so bisection finds it; 0 if the instance never fails.
    """

    def fails(factor: Fraction) -> bool:
        scaled = replace(quest, scale={**quest.scale, constant: factor})
        return scaled.decide(instance).verdict is Verdict.FAILS

    limits = failing_factor(fails, Fraction(2), Fraction(0), halvings=13)
    return limits[1] if limits else Fraction(0)


def break_even(
    quest: Quest,
    constant: str,
    effort: Effort | None = None,
    shapes: Sequence[Shape] = (Shape(1, 2, 1), *SHAPES[:3]),
    seed: int = 0,
    rounds: int = 3,
) -> BreakEven:
    """Lower one constant as far as the adversary lets it.

    The bound is attacked without the constant, then with as much of it as the worst instance so far
    needs, until nothing worse is found.

    Args:
        quest: an upper bound.
        constant: full name of one of its constants.
        effort: of each attack.
        shapes: that are tried.
        seed: of all draws.
        rounds: most attacks of each shape.
    """
    factor, worst = Fraction(0), None
    chosen = effort or Effort(starts=2, moves=8, steps=40)
    for number in range(rounds):
        before = factor
        for shape in shapes:
            scaled = replace(quest, scale={**quest.scale, constant: factor})
            found = attack(scaled, shape, "climb", chosen, _seed(scaled, shape, seed + number))
            if found is not None and found.refuted:
                needed = threshold(quest, constant, found.witness.experiment)
                if needed > factor:
                    factor, worst = needed, found.witness.experiment
        if factor == before:
            break
    stored = None
    if worst is not None:
        scaled = replace(quest, scale={**quest.scale, constant: factor})
        stored = scaled.witness(worst, scaled.decide(worst))
    return BreakEven(quest.claim.id, constant, float(factor), stored)


INNER = ("E2.clock", "E2.parallel", "E7.correction", "E8.root")
"""Constants inside a formula; for an overall factor the worst ratio itself is the break-even."""


def check_quest(quest: Quest) -> None:
    """See that a claim can be attacked at all.

    Raises:
        InputError: naming what is missing.
    """
    one = quest.claim
    if one.form(quest.variant).relation not in (Relation.UPPER, Relation.LOWER):
        raise InputError(
            f"claim {one.id}: only an upper or a lower bound can be attacked, "
            f"this is {one.form(quest.variant).relation.value}"
        )
    check_symbols(one, quest.variant, ExactQuantities.names() & GradientQuantities.names())
    if all(quest.space(shape) is None for shape in SHAPES):
        reason = one.applies(SPACES[0].setting(SHAPES[0]), quest.variant)
        raise InputError(f"claim {one.id}: applies to nothing that is tried: {reason}")
