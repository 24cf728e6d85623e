"""What the first page and the README show: two letters drawn at once, and what calls cost."""

from __future__ import annotations

from dataclasses import dataclass

import kit
import torch
from matplotlib.axes import Axes
from sharprates.samplers import datasets
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.verification.planning.planner import plan_length
from sharprates.verification.planning.question import Question

THIRD, LAST = "aeiu", "tsymn"
"""Letters that are shown after ``th``; those that are left out are rare."""


@dataclass(frozen=True)
class Pair:
    """The last two letters of a word that begins with ``th``.

    Attributes:
        joint: word → its probability given ``th`` in the data.
        product: string → its probability if both letters are drawn at once, each from its own
            conditional.
        words: all strings that are words.
    """

    joint: dict[str, float]
    product: dict[str, float]
    words: frozenset[str]

    @property
    def tv(self) -> float:
        """Total variation between the two."""
        return sum(max(self.joint.get(w, 0.0) - p, 0.0) for w, p in self.product.items())

    @property
    def nonsense(self) -> float:
        """Probability that the two letters, drawn at once, end in no word."""
        return sum(p for w, p in self.product.items() if w not in self.words)


def pair() -> Pair:
    """The exact numbers, from the shipped four-letter words."""
    data = datasets.builtin("words4")
    letters, mask = data.symbols, data.vocabulary
    assert letters is not None
    context = torch.tensor([[letters.index("t"), letters.index("h"), mask, mask]])
    third, last = ExactDenoiser(data)(context)[0, 2:].tolist()
    spelt = ["".join(letters[c] for c in row) for row in data.rows.tolist()]
    begun = {
        word: float(w)
        for word, w in zip(spelt, data.weights.tolist(), strict=True)
        if word.startswith("th")
    }
    total = sum(begun.values())
    product = {
        f"th{a}{b}": p * q
        for a, p in zip(letters, third, strict=True)
        for b, q in zip(letters, last, strict=True)
    }
    return Pair({word: w / total for word, w in begun.items()}, product, frozenset(spelt))


def draw_pair(axes: tuple[Axes, Axes], one: Pair) -> None:
    """Both laws as tables of colour; strings that are no words are red."""
    titles = ("what English says after th", "both letters drawn at once")
    for axis, law, title in zip(axes, (one.joint, one.product), titles, strict=True):
        grid = [[law.get(f"th{a}{b}", 0.0) for b in LAST] for a in THIRD]
        axis.imshow(grid, cmap="Blues", vmin=0, vmax=0.45)
        for i, a in enumerate(THIRD):
            for j, b in enumerate(LAST):
                word = f"th{a}{b}"
                colour = "#222222" if word in one.words else "#a31515"
                text = f"{word}\n{grid[i][j]:.0%}"
                colour = "white" if grid[i][j] > 0.25 else colour
                axis.text(j, i, text, ha="center", va="center", size=8, color=colour)
        axis.set(xticks=[], yticks=[], title=title)
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)


@dataclass(frozen=True)
class Calls:
    """Denoiser calls for one (d, S, ε).

    Attributes:
        exact: of first hitting, which needs no more.
        needed: some data need at least so many parallel steps, under every schedule.
        enough: so many equal steps are enough for all data.
        pinsker: so many are, if one goes through the divergence and Pinsker's inequality.
        needed_by: the claim behind it.
        enough_by: the claim behind it.
    """

    exact: int
    needed: int
    enough: int
    pinsker: int
    needed_by: str
    enough_by: str

    def rows(self) -> tuple[tuple[str, int], ...]:
        """What the chart shows, fewest first."""
        return (
            ("first hitting: exact", self.exact),
            ("parallel: some data need", self.needed),
            ("parallel: enough for all data", self.enough),
            ("parallel: enough, through Pinsker", self.pinsker),
        )


def calls(length: int = 1024, vocabulary: int = 50257, tv: float = 0.01) -> Calls:
    """Invert every bound of the registry with the planner.

    Args:
        length: d.
        vocabulary: S.
        tv: ε.
    """
    plan = plan_length(Question(length, vocabulary, tv))
    enough, needed = plan.enough, plan.needed
    by_claim = {count.claim: count.steps for count in plan.counts}
    through = by_claim["KL2"]
    assert enough
    assert enough.steps
    assert needed
    assert needed.steps
    assert through
    return Calls(length, needed.steps, enough.steps, through, needed.claim, enough.claim)


def draw_calls(axis: Axes, one: Calls) -> None:
    """The four numbers as bars on a logarithmic axis."""
    names, values = zip(*reversed(one.rows()), strict=True)
    colours = [kit.COLOURS[n] for n in (5, 0, 0, 2)]
    axis.barh(names, values, color=colours, height=0.62)
    for place, value in enumerate(values):
        axis.text(value * 1.25, place, thousands(value), va="center", size=9.5)
    axis.set(xscale="log", xlim=(300, 3e9), xlabel="denoiser calls")
    axis.grid(visible=False, axis="y")


def thousands(number: int) -> str:
    """With a thin space before each three digits."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
