"""The rate in d, S and ε: steps that are enough for every law, over steps that some law needs.

Both come from the planner's inversions of the claims' own formulas at the uniform step law: E3, E5
(with the exact TV(N, Unif)) and E7 above, L1, L3 and L6 (each at its best group size) below. Their
quotient says how far the theory is from the exact number of steps in the worst case over q_0.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table
from sharprates.verification.arithmetic import precision
from sharprates.verification.files import write_whole
from sharprates.verification.planning.bounds import (
    BITS,
    Bound,
    Question,
    invert,
    lower_bounds,
    upper_bounds,
)

UPPER = ("E3", "E5", "E7")
LENGTHS = (4, 16, 64, 256, 1024, 4096)
VOCABULARIES = (2, 4, 16, 256, 65536)
ERRORS = (0.25, 0.1, 0.01)
CANDIDATES = 3
"""Group sizes of a claim that are inverted: those whose bound is largest near the answer."""


@dataclass(frozen=True)
class Point:
    """Both step counts at one (d, S, ε).

    Attributes:
        length: d.
        vocabulary: S.
        tv: ε.
        enough: claim → steps that are enough for every law.
        needed: claim → steps below which some law has more than ε.
    """

    length: int
    vocabulary: int
    tv: float
    enough: Mapping[str, int]
    needed: Mapping[str, int]

    @property
    def upper(self) -> int:
        """Fewest steps that are known to be enough."""
        return min(self.enough.values())

    @property
    def lower(self) -> int:
        """Most steps that are known to be needed."""
        return max(self.needed.values())

    @property
    def factor(self) -> float:
        """Upper over lower, at least 1."""
        return self.upper / self.lower


def point(length: int, vocabulary: int, tv: float) -> Point:
    """Invert the bounds at one (d, S, ε).

    Args:
        length: d ≥ 2.
        vocabulary: S ≥ 2.
        tv: ε in (0, 1).
    """
    ask = Question(length, vocabulary, tv)
    guess = max(1, round(length * math.log(vocabulary) / (2 * tv)))
    enough: dict[str, int] = {}
    for bound in upper_bounds(ask):
        if bound.claim in UPPER:
            steps = invert(bound, ask, guess).steps
            if steps is not None:
                enough[bound.claim] = steps
    near = min(enough.values())
    needed = {}
    for claim, bounds in _by_claim(lower_bounds(ask)).items():
        with precision(BITS):
            bounds.sort(key=lambda bound: -float(bound.at(near) or 0))
        found = [invert(bound, ask, near).steps or 1 for bound in bounds[:CANDIDATES]]
        needed[claim] = max(found)
    return Point(length, vocabulary, tv, enough, needed)


def _by_claim(bounds: Sequence[Bound]) -> dict[str, list[Bound]]:
    found: dict[str, list[Bound]] = {}
    for bound in bounds:
        found.setdefault(bound.claim, []).append(bound)
    return found


def scan(
    lengths: Sequence[int] = LENGTHS,
    vocabularies: Sequence[int] = VOCABULARIES,
    errors: Sequence[float] = ERRORS,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Point]:
    """All points of a grid.

    Args:
        lengths: of d.
        vocabularies: of S.
        errors: of ε.
        jobs: processes.
        progress: told each point.

    Returns:
        The points, ε running fastest.
    """
    grid = list(product(lengths, vocabularies, errors))
    found = []
    for one in Parallel(n_jobs=jobs, return_as="generator")(delayed(point)(*at) for at in grid):
        progress(f"d={one.length} S={one.vocabulary} ε={one.tv:g}")
        found.append(one)
    return found


def largest(points: Sequence[Point]) -> Point:
    """Where the theory is farthest from the exact number of steps."""
    return max(points, key=lambda one: one.factor)


@dataclass(frozen=True)
class Exponents:
    """A fit log K = c + length·log d + size·log min(d, log S) + error·log(1/ε).

    The rate of L6 is K = Θ(d·min(d, log S)/ε): all three exponents 1.

    Attributes:
        length: exponent of d.
        size: exponent of min(d, log S).
        error: exponent of 1/ε.
        residual: largest |fitted − log K|.
    """

    length: float
    size: float
    error: float
    residual: float


def exponents(points: Sequence[Point], steps: Callable[[Point], int]) -> Exponents:
    """Least squares over the points.

    Args:
        points: at least four, not all alike.
        steps: which count: `Point.upper` or `Point.lower`.
    """
    rows = np.array(
        [
            [
                1.0,
                math.log(one.length),
                math.log(min(one.length, math.log(one.vocabulary))),
                -math.log(one.tv),
            ]
            for one in points
        ]
    )
    logs = np.log([float(steps(one)) for one in points])
    fit = np.linalg.lstsq(rows, logs, rcond=None)[0]
    residual = float(np.abs(rows @ fit - logs).max())
    return Exponents(float(fit[1]), float(fit[2]), float(fit[3]), residual)


def print_rate(points: Sequence[Point], console: Console) -> None:
    """The points, the largest factor and the fitted exponents."""
    table = Table(title="Steps for TV ≤ ε, worst case over q_0", title_justify="left", box=None)
    for heading in ("d", "S", "ε", "enough", "by", "needed", "by", "factor"):
        table.add_column(heading, justify="right")
    for one in points:
        table.add_row(
            str(one.length),
            str(one.vocabulary),
            f"{one.tv:g}",
            str(one.upper),
            min(one.enough, key=lambda name: one.enough[name]),
            str(one.lower),
            max(one.needed, key=lambda name: one.needed[name]),
            f"{one.factor:.2f}",
        )
    console.print(table)
    top = largest(points)
    console.print(
        f"largest factor {top.factor:.2f} at d = {top.length}, S = {top.vocabulary}, ε = {top.tv:g}"
    )
    if len({(one.length, one.vocabulary, one.tv) for one in points}) > 4:
        for name, steps in (("enough", upper_steps), ("needed", lower_steps)):
            fit = exponents(points, steps)
            console.print(
                f"{name}: K ~ d^{fit.length:.2f} · min(d, log S)^{fit.size:.2f} "
                f"· (1/ε)^{fit.error:.2f}, within a factor {math.exp(fit.residual):.2f}"
            )


def upper_steps(one: Point) -> int:
    """Steps that are enough."""
    return one.upper


def lower_steps(one: Point) -> int:
    """Steps that are needed."""
    return one.lower


def to_json(points: Sequence[Point]) -> dict[str, Any]:
    """The points for a JSON file."""
    top = largest(points)
    return {
        "points": [
            {
                "length": one.length,
                "vocabulary": one.vocabulary,
                "tv": one.tv,
                "enough": dict(one.enough),
                "needed": dict(one.needed),
                "factor": one.factor,
            }
            for one in points
        ],
        "largest": {"length": top.length, "vocabulary": top.vocabulary, "tv": top.tv},
        "exponents": {
            "enough": vars(exponents(points, upper_steps)),
            "needed": vars(exponents(points, lower_steps)),
        },
    }


def plot(points: Sequence[Point], path: Path) -> None:
    """Draw both step counts against d, a panel for an ε, a colour for an S.

    Args:
        points: of a grid.
        path: ends in .png, .svg or .pdf; written whole.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    errors = sorted({one.tv for one in points}, reverse=True)
    sizes = sorted({one.vocabulary for one in points})
    figure, axes = plt.subplots(
        1, len(errors), figsize=(4.6 * len(errors), 4.2), squeeze=False, layout="constrained"
    )
    for axis, tv in zip(axes[0], errors, strict=True):
        for number, S in enumerate(sizes):
            line = sorted(
                (one for one in points if one.tv == tv and one.vocabulary == S),
                key=lambda one: one.length,
            )
            d, colour = [one.length for one in line], f"C{number}"
            low, high = [one.lower for one in line], [one.upper for one in line]
            axis.fill_between(d, low, high, color=colour, alpha=0.25, lw=0)
            axis.plot(d, high, color=colour, lw=1.6, label=f"S = {S}")
            axis.plot(d, low, color=colour, lw=1.0, ls="--")
        axis.set(xscale="log", yscale="log", xlabel="length d", title=f"ε = {tv:g}")
        axis.grid(visible=True, which="both", alpha=0.2)
    axes[0][0].set_ylabel("steps K: enough (solid), needed (dashed)")
    axes[0][0].legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lstrip("."), dpi=130)
    plt.close(figure)
    write_whole(path, buffer.getvalue())
