"""`sharprates verify --adversary`: all hunts in one run.

The worst instance of every bound (once with everything free, once without leftover and with the
exact denoiser), how far inner constants can be lowered, and the frontier of c(q_0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from sharprates.samplers.errors import check_seed
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import witness
from sharprates.verification.adversary import frontier, overweight
from sharprates.verification.adversary import hunt as adversary
from sharprates.verification.adversary.hunt import HUNTED, INNER, BreakEven, Quest, Worst
from sharprates.verification.jobs import run as run_tasks
from sharprates.verification.journal import alone
from sharprates.verification.scale import check_scale
from sharprates.verification.verdict import Verdict

FOLDER = Path("build") / "adversary"
"""Where a run keeps what it finds, unless told otherwise."""

STRICT = ("E1", "E2", "E3", "E4", "E5", "E8")
"""Bounds that leftover masks or denoiser errors alone can attain."""

OVERWEIGHT_SEEDS = 4
"""Ascents of each size among laws with over-weighted points, in a deep run."""

SHORT_LENGTHS = 4
"""Longest sequences of the frontier in an ordinary run; a deep one goes to 6."""


@dataclass(frozen=True)
class Campaign:
    """What a run found.

    Attributes:
        worst: the worst instance of each bound.
        constants: break-even of the inner constants.
        frontier: table of c(q_0).
    """

    worst: tuple[Worst, ...]
    constants: tuple[BreakEven, ...]
    frontier: tuple[frontier.Row, ...]

    @property
    def verdict(self) -> Verdict:
        """FAILS if a theorem or the conjecture is refuted."""
        refuted = any(one.refuted for one in self.worst) or any(r.refutes for r in self.frontier)
        return Verdict.FAILS if refuted else Verdict.HOLDS


def quests(
    claims: Sequence[str] | None = None, scale: Mapping[str, Fraction] | None = None
) -> list[Quest]:
    """What is attacked.

    Args:
        claims: ids; by default all bounds that hold for every law.
        scale: factors on constants.

    Raises:
        InputError: for a claim that is no such bound, or an unknown constant.
        TheoryError: for an unknown claim.
    """
    check_scale(scale or {})
    chosen = [claim_of(one).id for one in claims] if claims else list(HUNTED)
    found = [Quest.of(one, scale) for one in chosen]
    found += [Quest.of(one, scale, strict=True) for one in chosen if one in STRICT]
    for quest in found:
        adversary.check_quest(quest)
    return found


def count_hunts(chosen: Sequence[Quest], deep: bool) -> int:
    """How many pieces of work a run has at most, for a progress bar."""
    hunts = len(adversary.hunt_tasks(chosen, adversary.SHAPES, 0))
    pairs = _pairs(deep)
    # one more of each pair is polishing
    tasks = sum(len(frontier.tasks_of(p, _effort(deep))) + _effort(deep).seeds for p in pairs)
    tasks += sum(len(overweight.overweight_tasks(p, OVERWEIGHT_SEEDS)) for p in _heavy(deep))
    return hunts + tasks + len(INNER)


def _heavy(deep: bool) -> list[frontier.Pair]:
    """Where laws with over-weighted points are hunted: three and four symbols."""
    return [pair for pair in frontier.PAIRS if deep and pair[1] in (3, 4)]


def _pairs(deep: bool) -> list[frontier.Pair]:
    return [pair for pair in frontier.PAIRS if deep or pair[0] <= SHORT_LENGTHS]


def _effort(deep: bool) -> frontier.FrontierEffort:
    return (
        frontier.FrontierEffort(moves=3000, seeds=3, large=True)
        if deep
        else frontier.FrontierEffort()
    )


def run_campaign(
    chosen: Sequence[Quest],
    folder: Path,
    *,
    deep: bool = False,
    jobs: int = 1,
    seed: int = 0,
    fresh: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Campaign:
    """Hunt everything.

    Args:
        chosen: from `quests`.
        folder: where witnesses and journals are kept; a stopped run goes on from there.
        deep: longer sequences and more seeds.
        jobs: processes.
        seed: of the hunts.
        fresh: do all tasks again; what is stored stays until something worse is found.
        progress: told each piece of work.

    Raises:
        InputError: if the folder is in use by another run, or holds another hunt.
    """
    check_seed(seed)
    with alone(folder):
        return _campaign(chosen, folder, deep, jobs, seed, fresh, progress)


def _campaign(
    chosen: Sequence[Quest],
    folder: Path,
    deep: bool,
    jobs: int,
    seed: int,
    fresh: bool,
    progress: Callable[[str], None],
) -> Campaign:
    effort = adversary.Effort(starts=6, moves=60, steps=150) if deep else adversary.Effort()
    worst = adversary.hunt(
        chosen, folder, effort, jobs=jobs, seed=seed, fresh=fresh, progress=progress
    )
    ids = {quest.claim.id for quest in chosen}
    inner = [name for name in INNER if name.split(".")[0] in ids]
    constants = run_tasks(
        inner,
        partial(_break_even, seed),
        jobs,
        told=lambda name, _: progress(f"break-even {name}"),
    )
    for one in constants:
        if one.witness is not None:
            witness.write(one.witness, folder / f"break-even-{one.constant}.witness")
    overweight.hunt_overweight(_heavy(deep), folder, OVERWEIGHT_SEEDS, jobs, progress)
    hunt = frontier.Hunt(folder, _pairs(deep), _effort(deep), fresh)
    return Campaign(tuple(worst), tuple(constants), tuple(hunt.run(jobs, progress)))


def _break_even(seed: int, constant: str) -> BreakEven:
    return adversary.break_even(Quest.of(constant.split(".")[0]), constant, seed=seed)
