"""Every upper bound on TV and on KL that applies to a parallel sampler, beside the exact values.

Bounds on KL(q_0‖p_out) stand for themselves, and for TV by two inequalities that hold for any two
laws: TV ≤ √(KL/2) (Pinsker) and TV ≤ √(1 − e^{−KL}) (Bretagnolle and Huber). The exponential alone,
1 − e^{−KL}, is no bound: two nearly independent tokens exceed it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import divergence, total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.claim import Relation
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import Interval, interval, precision
from sharprates.verification.decide import PRECISIONS
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import Profile, profile
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.verdict import Verdict, compare

Quantity = Literal["TV", "KL"]
Route = Literal["direct", "Pinsker", "Bretagnolle–Huber"]

BOUNDED: dict[Quantity, Measured] = {"TV": Measured.TV, "KL": Measured.KL}


@dataclass(frozen=True)
class BoundRow:
    """One bound beside what it bounds.

    Attributes:
        quantity: what is bounded.
        claim: id of the claim.
        form: name of the claim's form, ``main`` for the first one; of all that apply the smallest.
        route: how a bound on KL becomes one on TV; ``direct`` for a claim's own left side.
        value: of the bound, no smaller than the formula; nats, or not above 1.
        works: to whom the statement is due, beside this project.
        verdict: what the comparison with the exact value shows.
        ratio: exact value over bound; None if the bound is 0.
    """

    quantity: Quantity
    claim: str
    form: str
    route: Route
    value: float
    works: tuple[str, ...]
    verdict: Verdict
    ratio: float | None

    @property
    def name(self) -> str:
        """In a word or three, e.g. ``KL2, Pinsker``."""
        return self.claim if self.route == "direct" else f"{self.claim}, {self.route}"


@dataclass(frozen=True)
class BoundTable:
    """All bounds on one parallel sampler.

    Attributes:
        tv: the exact TV(p_out, q_0).
        kl: the exact KL(q_0‖p_out), nats; infinite where a sequence is never put out.
        rows: the smallest bound first, TV before KL.
    """

    tv: Interval
    kl: Interval
    rows: tuple[BoundRow, ...]

    def best(self, quantity: Quantity) -> BoundRow:
        """The smallest bound on a quantity; of equal ones the first in the order of the theory."""
        order = list(CLAIMS)
        rows = (row for row in self.rows if row.quantity == quantity)
        return min(rows, key=lambda row: (row.value, row.route != "direct", order.index(row.claim)))


@dataclass(frozen=True, eq=False)
class BoundTables:
    """Makes bound tables of one target with its exact denoiser.

    Attributes:
        target: the data law, small enough for an exact law (d up to some 12).
    """

    target: Target

    @cached_property
    def _profile(self) -> Profile:
        return profile(self.target)

    @cached_property
    def _tables(self) -> CompositionTables:
        return tables(self.target, self._denoiser)

    @cached_property
    def _denoiser(self) -> ExactDenoiser:
        return ExactDenoiser(self.target)

    def bounds(
        self, sampler: ParallelSampler, quantity: Quantity
    ) -> Iterator[tuple[str, str, float]]:
        """Claim, form and value of every bound on a quantity that applies to a sampler."""
        experiment = Experiment(self.target, self._denoiser, sampler)
        numbers = FloatQuantities(experiment, self._profile)
        setting = experiment.setting()
        for claim in CLAIMS.values():
            for form in (None, *claim.variants):
                if (
                    claim.form(form).relation is Relation.UPPER
                    and claim.left_side(form) is BOUNDED[quantity]
                    and claim.symbols(form) <= numbers.names()
                    and claim.applies(setting, form) is None
                ):
                    with precision(PRECISIONS[0]):
                        value = float(interval(numbers.bound(claim, variant=form)).upper)
                    yield claim.id, form or "main", math.nextafter(value, math.inf)

    def __call__(self, how: Schedule | StepLaw) -> BoundTable:
        """The table of a sampler on a schedule, or of a step law.

        Args:
            how: any; bounds that leftover masks break do not apply then.
        """
        sampler = ParallelSampler(self.target.length, how)
        out = self._tables.law(sampler.step_law)
        tv = Interval.around(*total_variation(out, self.target))
        far = divergence(out, self.target)
        exact: dict[Quantity, Interval] = {
            "TV": tv,
            "KL": Interval.around(far.value, far.error)
            if math.isfinite(far.value)
            else Interval.exact(math.inf),
        }
        smallest: dict[tuple[Quantity, str], tuple[float, str]] = {}
        found = {quantity: list(self.bounds(sampler, quantity)) for quantity in BOUNDED}
        of_kl = {claim for claim, *_ in found["KL"]}
        for quantity, bounds in found.items():
            for claim, form, value in bounds:
                if quantity == "TV" and claim in of_kl:
                    continue  # what it says of TV is one of the routes from its bound on KL
                known = smallest.get((quantity, claim))
                if known is None or value < known[0]:
                    smallest[quantity, claim] = value, form
        rows = [
            _row(quantity, claim, form, route, bound, exact[quantity])
            for (of, claim), (value, form) in smallest.items()
            for quantity, route, bound in _routes(of, value)
        ]
        rows.sort(key=lambda row: (row.quantity == "KL", row.value))
        return BoundTable(exact["TV"], exact["KL"], tuple(rows))


def _routes(of: Quantity, value: float) -> Iterator[tuple[Quantity, Route, float]]:
    """A bound itself, and what one on KL says of TV, rounded up."""
    yield of, "direct", min(1.0, value) if of == "TV" else value
    if of == "KL":
        value = max(0.0, value)
        yield "TV", "Pinsker", min(1.0, math.nextafter(math.sqrt(value / 2), math.inf))
        # the root may round −expm1 up or down: two units are more than both roundings
        root = math.sqrt(-math.expm1(-value))
        yield "TV", "Bretagnolle–Huber", min(1.0, root * (1 + 4 * 2.0**-52))


def _row(
    quantity: Quantity, claim: str, form: str, route: Route, value: float, exact: Interval
) -> BoundRow:
    bound = Interval.exact(value)
    return BoundRow(
        quantity,
        claim,
        form,
        route,
        value,
        CLAIMS[claim].provenance.works,
        compare(Relation.UPPER, exact, bound),
        exact.middle / value if value > 0 else None,
    )
