"""What the pages share: measuring a sampler, comparing it with claims, and plotting both."""

from __future__ import annotations

import html
import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import torch
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib_inline.backend_inline import set_matplotlib_formats
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim
from sharprates.verification.arithmetic import BALL, Interval, interval, precision
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import Profile, profile
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.score_error import ScoreError, score_error_of
from sharprates.verification.verdict import Verdict, compare

if TYPE_CHECKING:  # pages that audit nothing need not load it
    from sharprates.verification.audit import Result

COLOURS = ("#0b6e99", "#c8553d", "#5b8c3a", "#8a5aa8", "#b08900", "#5a6472", "#c13584")
"""Readable on white and told apart by lightness as well."""

mpl.use("module://matplotlib_inline.backend_inline")
plt.rcParams.update(
    {
        "figure.figsize": (6.4, 3.7),
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "font.size": 9.5,
        "savefig.facecolor": "white",
        "svg.hashsalt": "sharprates",  # the same figure gives the same file
    }
)
set_matplotlib_formats("svg")  # type: ignore[no-untyped-call]  # IPython ships no types

SIGNS = {Relation.UPPER: "≤", Relation.LOWER: "≥", Relation.EQUALITY: "="}


@dataclass(frozen=True)
class Row:
    """A comparison of a measured number with a claim that held.

    Attributes:
        claim_id: e.g. ``E3``.
        what: the instance.
        measured: the left side.
        value: the formula's value.
        relation: how they stand.
    """

    claim_id: str
    what: str
    measured: Interval
    value: Interval
    relation: Relation


class Table:
    """Rows of cells below headings, shown as HTML."""

    kind, cards = "checks", False

    def __init__(self, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.heads, self.rows = heads, list(rows)

    def _repr_html_(self) -> str:
        # a phone shows each row of a wide table as a card, with the headings in it
        labels = [f' data-label="{html.escape(head)}"' for head in self.heads if self.cards]

        def line(tag: str, row: Sequence[Any], more: Sequence[str] = ()) -> str:
            cells = itertools.zip_longest(row, more, fillvalue="")
            return "".join(f"<{tag}{a}>{html.escape(str(cell))}</{tag}>" for cell, a in cells)

        body = "".join(f"<tr>{line('td', row, labels)}</tr>" for row in self.rows)
        head = f"<thead><tr>{line('th', self.heads)}</tr></thead>"
        return f'<table class="{self.kind}">{head}<tbody>{body}</tbody></table>'


class Words(Table):
    """A table whose cells hold sentences, which are wrapped."""

    kind = "checks words"


class WideWords(Words):
    """The same for many columns: the page makes room for them."""

    kind, cards = "checks words stretch", True


class Closed(Table):
    """A closed table below one line that says what it shows."""

    def __init__(
        self, heads: Sequence[str], rows: Iterable[Sequence[Any]], summary: str = ""
    ) -> None:
        super().__init__(heads, rows)
        self.summary = summary

    def _repr_html_(self) -> str:
        line = f"<summary>✓ {html.escape(self.summary)}</summary>"
        return f'<details class="checks-closed">{line}{super()._repr_html_()}</details>'


class Checks(Closed):
    """Comparisons that held, below one line that says so; `check` raises at the others."""

    def __init__(self, rows: Iterable[Row]) -> None:
        held = list(rows)
        names = ("claim", "instance", "measured", "", "formula", "")
        cells = (
            (r.claim_id, r.what, shown(r.measured), SIGNS[r.relation], shown(r.value), "✓")
            for r in held
        )
        super().__init__(names, cells, summary(held))


class Agreed(Closed):
    """Numbers that were computed, and what a text says of them."""

    kind = "checks words"

    def __init__(self, rows: Iterable[tuple[str, Any, str]]) -> None:
        """Compare: fractions exactly, floats in the digits that the text has.

        Args:
            rows: (what, computed, the text's number: a fraction, or a decimal for a float).

        Raises:
            AssertionError: naming the first number that is not what the text says.
        """
        held = []
        for what, computed, said in rows:
            if isinstance(computed, float):
                digits = len(said.partition(".")[2])
                same = f"{computed:.{digits}f}" == said
            else:
                same = Fraction(str(computed)) == Fraction(said)
            assert same, f"{what}: computed {computed}, the text says {said}"
            number = f"{computed:.9g}" if isinstance(computed, float) else computed
            held.append((what, number, said))
        super().__init__(
            ("", "computed", "in the text"), held, f"{len(held)} numbers of the solutions, computed"
        )


def summary(rows: Sequence[Row]) -> str:
    """How many comparisons held, and which was the tightest."""
    many = f"{len(rows)} comparisons hold" if len(rows) != 1 else "1 comparison holds"
    equal = [row for row in rows if row.relation is Relation.EQUALITY]
    texts = []
    if equal:
        most = max(abs(row.measured.middle - row.value.middle) for row in equal)
        off = f"equal up to {most:.0e}".replace("-", "−")
        texts.append("equal to the last digit" if most == 0 else off)
    bounds = [row for row in rows if row.relation in (Relation.UPPER, Relation.LOWER)]
    if any(tightness(row) > 0 for row in bounds):
        best = max(bounds, key=tightness)
        at = f" at {best.what}" if best.what else ""
        texts.append(f"tightest {best.claim_id}{at}: {tightness(best):.1%} of the bound")
    return "; ".join([many, *texts])


def tightness(row: Row) -> float:
    """How near a bound is to being attained: 1 if it is."""
    sides = (row.measured.middle, row.value.middle)
    below, above = sides if row.relation is Relation.UPPER else reversed(sides)
    return below / above if above > 0 else 0.0


def shown(number: Interval) -> str:
    """A number in six significant digits; what is 0 up to rounding reads 0."""
    if number.lower <= 0 <= number.upper and abs(number.middle) < 1e-9:
        return "0"
    return f"{number.middle:.6g}".replace("-", "−")


def check(
    claim_id: str,
    measured: Interval | float,
    values: Mapping[str, Any],
    what: str = "",
    *,
    variant: str | None = None,
    error: float = 1e-12,
) -> Row:
    """Compare a measured number with a claim's formula, evaluated in balls.

    A worst case is an equality on its own family.

    Args:
        claim_id: of the claim.
        measured: an interval, or a float that is right to `error`.
        values: by name, as `theory.symbols.MEANINGS` lists them; floats are taken as exact.
        what: the instance, for the table.
        variant: form of the claim.
        error: absolute error of a measured float.

    Returns:
        The comparison.

    Raises:
        AssertionError: if the comparison does not hold. A page with a failed check does not build.
    """
    one = claim(claim_id)
    own = one.form(variant).relation
    chosen = Relation.EQUALITY if own is Relation.WORST_CASE else own
    left = measured if isinstance(measured, Interval) else Interval.around(float(measured), error)
    with precision(192):
        right = interval(one.value(_balls(values), BALL, variant=variant))
    return _held(Row(claim_id, what, left, right, chosen))


def _held(row: Row) -> Row:
    verdict = compare(row.relation, row.measured, row.value)
    assert verdict is Verdict.HOLDS, f"{verdict}: {row}"
    return row


def _balls(values: Mapping[str, Any]) -> dict[str, Any]:
    def lift(value: Any) -> Any:
        if isinstance(value, float):
            return BALL.rational(*value.as_integer_ratio())
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [lift(entry) for entry in value]
        return value

    return {
        name: {key: lift(entry) for key, entry in value.items()}
        if isinstance(value, Mapping)
        else tuple(value)
        if name == "a"
        else lift(value)
        for name, value in values.items()
    }


def formula(claim_id: str, variant: str | None = None, **values: Any) -> float:
    """A claim's formula in floats, for curves."""
    return float(claim(claim_id).value(values, FLOAT, variant=variant))


@dataclass(frozen=True)
class Bench:
    """A target with what its exact laws and its bounds need, computed once.

    Attributes:
        target: the data law q_0.
        denoiser: what the samplers are given.
        tables: composition tables.
        profile: information curve and dependence.
    """

    target: Target
    denoiser: Denoiser
    tables: CompositionTables
    profile: Profile

    @staticmethod
    def of(target: Target | str, denoiser: Denoiser | None = None) -> Bench:
        """Prepare a target, given itself or as text such as ``copies:3:2``."""
        q = family(target) if isinstance(target, str) else target
        p = denoiser or ExactDenoiser(q)
        return Bench(q, p, tables(q, p), profile(q))

    def tv(self, law: StepLaw | Sequence[int]) -> Interval:
        """Exact TV of a step law, or of blocks of these sizes (all 1: first hitting)."""
        out = self.tables.law(law) if isinstance(law, StepLaw) else self.tables.at(tuple(law))
        return Interval.around(*total_variation(out, self.target))

    def kl(self, law: StepLaw | Sequence[int]) -> float:
        """KL(q_0‖p_out), nats."""
        out = self.tables.law(law) if isinstance(law, StepLaw) else self.tables.at(tuple(law))
        q = self.target.weights
        return float((q * (q / out.probability).log()).sum())

    @cached_property
    def score(self) -> ScoreError:
        """How much the denoiser errs, if it is not the exact one."""
        return score_error_of(self.target, self.denoiser, ())

    def numbers(self, law: StepLaw) -> FloatQuantities:
        """What bounds are evaluated on: this target with a step law."""
        sampler = ParallelSampler(self.target.length, law)
        experiment = Experiment(self.target, self.denoiser, sampler)
        if isinstance(self.denoiser, ExactDenoiser):
            return FloatQuantities(experiment, self.profile)
        score = score_error_of(self.target, self.denoiser, ())
        return FloatQuantities(
            experiment, self.profile, score.gaps, logs=score.logs, runs=score.runs
        )

    def check(
        self, claim_id: str, law: StepLaw, what: str = "", variant: str | None = None, **facts: Any
    ) -> Row:
        """Compare the exact TV with a bound on it.

        Raises:
            AssertionError: if the claim does not apply, or does not hold.
        """
        one, numbers = claim(claim_id), self.numbers(law)
        reason = one.applies(replace(numbers.experiment.setting(), **facts), variant)
        assert reason is None, f"{claim_id} {reason}"
        with precision(192):
            value = interval(numbers.bound(one, variant=variant))
        relation = one.form(variant).relation
        return _held(Row(claim_id, what or self.target.name, self.tv(law), value, relation))

    def bound(self, claim_id: str, law: StepLaw, variant: str | None = None) -> float:
        """A bound's value on this target, for curves."""
        with precision(192):
            return interval(self.numbers(law).bound(claim(claim_id), variant=variant)).middle


def random_law(steps: int, leftover: float = 0.0, seed: int = 0) -> StepLaw:
    """A random step law of this many steps, for checks that should hold for every one."""
    rng = random.Random(seed)
    weights = [rng.expovariate(1) for _ in range(steps)]
    total = sum(weights) / (1 - leftover)
    return StepLaw.from_weights(torch.tensor([w / total for w in weights], dtype=torch.float64))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent of a power law, by least squares on logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def loglog(axis: Axes, xlabel: str, ylabel: str = "total variation") -> None:
    """Logarithmic axes with labels and a legend."""
    axis.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    axis.legend()


TERMS = ("initialisation", "score", "clock", "parallel", "early_stopping")


def stacked(axis: Axes, results: Sequence[Result], title: str) -> None:
    """The terms of E1 as bars on each other, and exact TV, one bar for each number of steps."""
    places, bottom = np.arange(len(results)), np.zeros(len(results))
    for colour, term in zip(COLOURS, TERMS, strict=False):
        height = np.array([getattr(r.decomposition, term) for r in results])
        axis.bar(places, height, bottom=bottom, color=colour, label=term.replace("_", " "))
        bottom += height
    axis.plot(places, [r.tv.middle for r in results], "k.-", label="exact TV")
    axis.set(title=title, xlabel="K", xticks=places[::2])
    axis.set_xticklabels([str(r.steps) for r in results[::2]])


def powers_of_two(first: int, last: int) -> list[int]:
    """first, 2·first, … up to last."""
    return [first * 2**i for i in range(int(math.log2(last / first)) + 1)]
