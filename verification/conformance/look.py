"""A kind of look at a sampler: the checker is a loop over these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sharprates.verification.conformance.findings import Finding
    from sharprates.verification.conformance.session import Session


@dataclass(frozen=True)
class Look:
    """One kind of look at a sampler.

    Attributes:
        findings: makes them, one by one; none where the sampler lacks what is looked at.
        sees: what it can see.
        misses: what it cannot see.
        levels: names of its statistical checks, each with an equal share of the budget whether a
            sampler comes to it or not.
    """

    findings: Callable[[Session], Iterator[Finding]]
    sees: str
    misses: str
    levels: tuple[str, ...] = ()
