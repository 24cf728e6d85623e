"""What the three kinds of quantities share: a number is an attribute named like its symbol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache
from typing import Any, ClassVar, Self

from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import MEANINGS

LEFT_SIDES: Mapping[Measured, str] = {
    Measured.TV: "tv",
    Measured.FHS_TV: "tv",
    Measured.REMASKED_TV: "tv",
    Measured.KL: "kl",
    Measured.POLICY_TV: "tv",
    Measured.POLICY_KL: "kl",
    Measured.FIRST_ORDER: "first_order",
    Measured.OFF_SUPPORT: "off_support",
    Measured.EPSILON_FHS: "epsilon_FHS",
}
"""What a claim bounds → the name under which an experiment has it."""


class Quantities(ABC):
    """Numbers of one experiment: the attribute ``w`` is the value of the symbol ``w``, and so on.

    The names are those of `theory.symbols.MEANINGS` and `LEFT_SIDES`. Each is computed when it is
    first asked for.
    """

    rises: ClassVar[bool] = False
    """Whether every number rises in precision with flint's working precision."""

    @classmethod
    @cache
    def names(cls) -> frozenset[str]:
        """The symbols for which this kind of quantities has a number."""
        return frozenset(name for name in (*MEANINGS, *LEFT_SIDES.values()) if hasattr(cls, name))

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """The numbers of some symbols, as a claim's formula takes them."""
        return {name: getattr(self, name) for name in names}

    def measured(self, claim: Claim, variant: str | None = None) -> Number:
        """The left side of a claim, which is one of `LEFT_SIDES`."""
        return getattr(self, LEFT_SIDES[claim.left_side(variant)])

    @property
    @abstractmethod
    def h(self) -> Sequence[Number]:
        """The information curve h_0..h_{d−1}, nats."""

    @property
    def last_entropy(self) -> Number:
        """h_{d−1}, nats."""
        return self.h[-1]

    @property
    def E1_initialisation(self) -> Number:
        """TV(P̂_0, q_T)."""
        return self.E1_term("initialisation")

    @property
    def E1_score(self) -> Number:
        """Score term of E1."""
        return self.E1_term("score")

    @property
    def E1_clock(self) -> Number:
        """Clock term of E1."""
        return self.E1_term("clock")

    @property
    def E1_parallel(self) -> Number:
        """Parallel decoding term of E1."""
        return self.E1_term("parallel")

    @property
    def E1_early_stopping(self) -> Number:
        """TV(q_δ, q_0)."""
        return self.E1_term("early_stopping")

    @abstractmethod
    def E1_term(self, name: str) -> Number:
        """A term of E1, named as in `decomposition.Decomposition`."""

    @abstractmethod
    def bound(
        self,
        claim: Claim,
        scale: Mapping[str, Any] | None = None,
        variant: str | None = None,
    ) -> Number:
        """The value of a claim's formula here.

        Args:
            claim: all of whose symbols are among `names`.
            scale: factors on its constants by full name, e.g. ``E3.constant``.
            variant: form of the claim.
        """

    def finer(self, symbols: Set[str]) -> Self | None:  # noqa: ARG002 - for those who can
        """The same numbers with smaller errors, where these symbols have any; else None."""
        return None
