"""What a check found, in plain values: what processes and files exchange. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Method(StrEnum):
    """How the sides of a check are known, best evidence first."""

    SYMBOLIC = "symbolic"
    CERTIFIED = "certified"
    TESTED = "tested"
    SAMPLED = "sampled"


@dataclass(frozen=True)
class Fit:
    """1 − ratio ≈ constant · parameter^(−exponent), from the last examples of a trend.

    Attributes:
        family: along which.
        parameter: what grows.
        exponent: fitted to the last two; None if those before them have another: no power law.
        constant: fitted; None without an exponent.
        last: the ratio at the largest parameter.
        at: the largest parameter.
    """

    family: str
    parameter: str
    exponent: float | None
    constant: float | None
    last: float
    at: float


DRAWN = "drawn"
"""Among the kinds of a `Reach`: a data law that is of no built-in family."""

MANY = "number of "
"""Begins the name of a size that is the length of a sequence."""


@dataclass(frozen=True)
class Reach:
    """What the examples of a check were; never declared, each example is looked at.

    Attributes:
        forms: of the claim, those that were evaluated: names of variants, "" for the main form.
        sizes: d, S, K, … and the check's own numbers → the least and the largest that were tried.
        kinds: ``q_0``, ``denoiser``, ``steps``, … → what was tried of it, in words.
    """

    forms: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What a check, a hunt or a test has shown of a claim, as `claims.json` holds it.

    Attributes:
        claim: id.
        check: what was compared.
        method: how both sides were known: a `Method`, or ``test``.
        n: examples tried.
        n_counting: those on which the claim says something.
        n_undecided: those on which the sides could not be told apart.
        relation: at the counting example that is nearest to failing.
        ratio: measured over bound there; None without one.
        instance: that example in words.
        failure: a failing example in words, with both sides.
        witness: a file that replays it.
        power: mutant → the example that rejects it; None if none did.
        break_even: constant → the factor at which a tried example begins to fail.
        fit: of a trend.
        regime: a part of the claim whose ratio is not the claim's; see `checks.check.Check`.
        complaint: why the check itself is not good enough, e.g. too few examples count.
        note: for a reader.
        points: (bound, measured) of counting examples, the worst first; five digits, for a plot.
        difference: of an equality the largest |measured − formula| of any example.
        reach: what the examples were; empty where none were looked at.
        rated: whether the sides are those of the claim, not of a part of it.
    """

    claim: str
    check: str
    method: str
    n: int
    n_counting: int
    n_undecided: int = 0
    relation: str | None = None
    ratio: float | None = None
    instance: str | None = None
    failure: str | None = None
    witness: str | None = None
    power: Mapping[str, str | None] = field(default_factory=dict)
    break_even: Mapping[str, float | None] = field(default_factory=dict)
    fit: Fit | None = None
    regime: str = ""
    complaint: str | None = None
    note: str = ""
    points: tuple[tuple[float, float], ...] = ()
    difference: float | None = None
    reach: Reach = Reach()
    rated: bool = True
