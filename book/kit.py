"""What the pages share: measuring a sampler, comparing it with claims, and plotting both."""

from __future__ import annotations

import html
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from samplers.denoiser import Denoiser, ExactDenoiser, Positions
from samplers.expansion import CompositionTables, tables
from samplers.families import family
from samplers.output_law import total_variation
from samplers.step_law import StepLaw
from samplers.target import Target
from theory.arithmetic import FLOAT
from theory.claim import Relation
from theory.registry import claim
from theory.setting import Setting
from verification.arithmetic import BALL, Interval, interval, precision
from verification.bindings import Case, bound
from verification.profile import Profile, profile, score_gaps
from verification.verdict import Verdict, compare

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


def crisp() -> None:
    """Show figures as SVG."""
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")


crisp()

SIGNS = {
    Relation.UPPER: "≤",
    Relation.LOWER: "≥",
    Relation.EQUALITY: "=",
    Relation.LIMIT: "→",
    Relation.WORST_CASE: "=",
}


@dataclass(frozen=True)
class Row:
    """One comparison of a measured number with a claim.

    Attributes:
        claim_id: e.g. ``E3``.
        what: the instance.
        measured: the left side.
        value: the formula's value.
        relation: how they should stand.
        verdict: how they do.
    """

    claim_id: str
    what: str
    measured: Interval
    value: Interval
    relation: Relation
    verdict: Verdict


class Checks(list[Row]):
    """Comparisons, shown as a table."""

    def _repr_html_(self) -> str:
        names = ("claim", "instance", "measured", "", "formula", "")
        head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
        body = "".join(
            f"<tr><td>{row.claim_id}</td><td>{html.escape(row.what)}</td>"
            f"<td>{shown(row.measured.middle)}</td><td>{SIGNS[row.relation]}</td>"
            f"<td>{shown(row.value.middle)}</td><td>{'✓' if row.verdict is Verdict.HOLDS else '✗'}"
            "</td></tr>"
            for row in self
        )
        return f'<table class="checks">{head}{body}</table>'

    def __repr__(self) -> str:
        return "\n".join(
            f"{r.claim_id} {r.what}: {shown(r.measured.middle)} {SIGNS[r.relation]} "
            f"{shown(r.value.middle)} {r.verdict}"
            for r in self
        )


def shown(value: float) -> str:
    """A number in six significant digits."""
    return f"{value:.6g}"


def check(
    claim_id: str,
    measured: Interval | float,
    values: Mapping[str, Any],
    what: str = "",
    *,
    variant: str | None = None,
    relation: Relation | None = None,
    error: float = 1e-12,
) -> Row:
    """Compare a measured number with a claim's formula, evaluated in balls.

    Args:
        claim_id: of the claim.
        measured: an interval, or a float that is right to `error`.
        values: by name, as `theory.symbols.MEANINGS` lists them; floats are taken as exact.
        what: the instance, for the table.
        variant: form of the claim.
        relation: in place of the claim's own; a worst case is an equality on its own family.
        error: absolute error of a measured float.

    Returns:
        The comparison.

    Raises:
        AssertionError: if the comparison does not hold. A page with a failed check does not build.
    """
    one = claim(claim_id)
    own = one.form(variant).relation
    chosen = relation or (Relation.EQUALITY if own is Relation.WORST_CASE else own)
    left = measured if isinstance(measured, Interval) else Interval.around(float(measured), error)
    with precision(192):
        right = interval(one.value(_balls(values), BALL, variant=variant))
    row = Row(claim_id, what, left, right, chosen, compare(chosen, left, right))
    assert row.verdict is Verdict.HOLDS, f"{row}"
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

    def case(self, law: StepLaw, **facts: Any) -> Case:
        """The case that bounds are evaluated on: this target with a step law."""
        gaps = (
            None
            if isinstance(self.denoiser, ExactDenoiser)
            else score_gaps(self.target, self.denoiser)
        )
        setting = Setting(
            length=self.target.length,
            vocabulary=self.target.vocabulary,
            steps=law.steps,
            has_leftover=law.leftover > 0,
            exact_denoiser=gaps is None,
            family=self.target.family,
            **facts,
        )
        return Case(self.target, self.profile, setting, law=law, gaps=gaps)

    def check(
        self, claim_id: str, law: StepLaw, what: str = "", variant: str | None = None, **facts: Any
    ) -> Row:
        """Compare the exact TV with a bound on it.

        Raises:
            AssertionError: if the claim does not apply, or does not hold.
        """
        one, case = claim(claim_id), self.case(law, **facts)
        reason = one.applies(case.setting, variant)
        assert reason is None, f"{claim_id} {reason}"
        with precision(192):
            value = bound(one, case, variant=variant)
        tv, relation = self.tv(law), one.form(variant).relation
        row = Row(
            claim_id, what or self.target.name, tv, value, relation, compare(relation, tv, value)
        )
        assert row.verdict is Verdict.HOLDS, f"{row}"
        return row

    def bound(self, claim_id: str, law: StepLaw, variant: str | None = None, **facts: Any) -> float:
        """A bound's value on this target, for curves."""
        with precision(192):
            return bound(claim(claim_id), self.case(law, **facts), variant=variant).middle


@dataclass(frozen=True)
class Blurred:
    """A denoiser that errs on purpose: with probability η it predicts a uniform symbol.

    Attributes:
        exact: what it blurs.
        eta: η in [0, 1].
    """

    exact: Denoiser
    eta: float
    time_free: bool = True
    normalised: bool = True

    @property
    def vocabulary(self) -> int:
        """S."""
        return self.exact.vocabulary

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """(1 − η)·p + η/S."""
        return (1 - self.eta) * self.exact(x, t, positions) + self.eta / self.vocabulary


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


def powers_of_two(first: int, last: int) -> list[int]:
    """first, 2·first, … up to last."""
    return [first * 2**i for i in range(int(math.log2(last / first)) + 1)]
