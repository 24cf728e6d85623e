"""What a check found, in plain values: what processes and files exchange. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Record:
    """An outcome in plain values, as `claims.json` holds it.

    Attributes:
        claim: id.
        check: what was compared.
        method: how both sides were known.
        n: examples tried.
        n_counting: those on which the claim says something.
        n_undecided: those that were not decided.
        relation: of the worst trial.
        ratio: measured over bound there, None without one.
        instance: the worst trial in words.
        failure: a failing example in words, with both sides.
        witness: a file that replays it.
        power: mutant → example that rejects it.
        break_even: constant → factor at which a tried example begins to fail.
        fit: of a trend, see `Fit`.
        regime: see `Check`.
        complaint: what is wrong with the check itself.
        note: see `Check`.
        points: (bound, measured) of counting examples, the worst first, for a plot.
        difference: of an equality the largest |measured − formula|.
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
    fit: Mapping[str, Any] | None = None
    regime: str = ""
    complaint: str | None = None
    note: str = ""
    points: list[list[float]] = field(default_factory=list)
    difference: float | None = None
