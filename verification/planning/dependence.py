"""What is known of how dependent the tokens of a data law are: bounds on TC, DTC and Ī.

TC + DTC = d·Ī (KL4), and all three are at least 0; so a bound on Ī bounds the other two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sharprates.samplers.errors import InputError
from sharprates.samplers.rational import read_rational
from sharprates.verification.planning.question import check_length

NAMES = {"tc": "tc", "dtc": "dtc", "info": "information"}
"""How the command line writes each number, and the attribute it is."""


@dataclass(frozen=True)
class Dependence:
    """Upper bounds on what the tokens of a law have in common, nats; None where nothing is known.

    Attributes:
        length: d.
        tc: bound on the total correlation TC = ΣH(X_i) − H(q_0).
        dtc: bound on the dual total correlation DTC = H(q_0) − ΣH(X_i|X_{−i}).
        information: bound on Ī = (1/d)Σ I(X_i; X_{−i}).
        vocabulary: S; None if unknown.
    """

    length: int
    tc: Fraction | None = None
    dtc: Fraction | None = None
    information: Fraction | None = None
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        check_length(self.length)
        if self.vocabulary is not None and self.vocabulary < 1:
            raise InputError(f"vocab: must be at least 1, got {self.vocabulary}")
        top = math.inf if self.vocabulary is None else math.log(self.vocabulary)
        for text, name in NAMES.items():
            value, most = getattr(self, name), top if name == "information" else self.length * top
            if value is None:
                continue
            if value < 0:
                raise InputError(f"dependence: {text} must not be negative, got {float(value):g}")
            if value > most * (1 + 1e-9):
                size = "log S" if name == "information" else "d·log S"
                raise InputError(
                    f"dependence: {text} = {float(value):g} nats is more than {size} = {most:g}, "
                    f"the most for d = {self.length} and S = {self.vocabulary}"
                )

    @staticmethod
    def read(text: str, length: int, vocabulary: int | None = None) -> Dependence:
        """Read ``tc=12.5,dtc=3,info=0.2``; any of the three, each a number or a quotient.

        Raises:
            InputError: for an unknown name, one that is given twice, or what is not a number.
        """
        found: dict[str, Fraction] = {}
        for part in text.split(","):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if name not in NAMES or NAMES[name] in found:
                raise InputError(
                    f"--dependence: needs tc=, dtc= or info= in nats, each once, got "
                    f"{part.strip()!r}"
                )
            try:
                found[NAMES[name]] = read_rational(number)
            except ValueError:
                raise InputError(f"--dependence: {name} needs a number, got {number!r}") from None
        return Dependence(length, **found, vocabulary=vocabulary)

    @staticmethod
    def of_curve(curve: Sequence[float], error: float = 0.0) -> Dependence:
        """That of an information curve h_0..h_{d−1} in nats, each off by at most `error`."""
        h = [Fraction(value) for value in curve]
        d, slack = len(h), 2 * len(h) * Fraction(error)
        tc, dtc = sum((h[0] - x for x in h), Fraction(0)), sum((x - h[-1] for x in h), Fraction(0))
        least = Fraction(0)  # rounding may have left less
        return Dependence(
            d,
            max(least, tc) + slack,
            max(least, dtc) + slack,
            max(least, h[0] - h[-1]) + slack,
        )

    @property
    def correlations(self) -> tuple[Fraction | None, Fraction | None]:
        """The bounds on TC and DTC, those included that follow from Ī."""
        both = None if self.information is None else self.length * self.information
        first, second = (
            min((one for one in (value, both) if one is not None), default=None)
            for value in (self.tc, self.dtc)
        )
        return first, second
