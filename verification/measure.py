"""The exact total variation of an experiment, by what its denoiser and sampler allow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, breaks, normalised
from sharprates.samplers.distance import TotalVariation, total_variation
from sharprates.samplers.errors import InputError, check_time, check_tokens
from sharprates.samplers.expansion import tables
from sharprates.samplers.hitting_law import PIECES
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.sampling import CPU
from sharprates.samplers.target import Target
from sharprates.verification.arithmetic import Interval, ball, interval, precision
from sharprates.verification.exact_law import ExactTables, exact_tables, rational_pmf, step_weights
from sharprates.verification.experiment import Experiment

BITS = 192
"""Precision of balls where nothing else is asked for; float64 hazards are exact in it."""

ROUNDING = 1e-10
"""Largest error of a law in float64 that is rounding; beyond it something else is not known."""

# What one core does in a second, as measured; a loaded machine does less.
_SUMS, _PAIRS, _PREDICTIONS = 2e8, 3e6, 7e6
_MOVES, _STEPS = 7e7, 4e4


@dataclass(frozen=True)
class Measure:
    """Measures experiments on one target and denoiser in one arithmetic.

    Attributes:
        target: the data law.
        denoiser: what the samplers are given.
        arithmetic: ``float64``, ``rational`` or ``ball``.
        floats: composition tables of p̂, or of p̂/Σp̂; None if the denoiser depends on time.
        exact: tables in fractions, unless the arithmetic is float64.
    """

    target: Target
    denoiser: Denoiser
    arithmetic: str
    floats: CompositionTables | None
    exact: ExactTables | None
    _kept: dict[Experiment, OutputLaw] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(
        target: Target, denoiser: Denoiser, arithmetic: str, device: torch.device = CPU
    ) -> Measure:
        """Compute the tables; those in float64 on a device.

        Raises:
            InputError: if there are no exact probabilities, or too many.
        """
        exact = None
        check_arithmetic(arithmetic, isinstance(denoiser, ExactDenoiser))
        if arithmetic != "float64":
            work = target.support * 3**target.length
            if work > 2_000_000:
                raise InputError(
                    f"arithmetic {arithmetic}: {target.name} needs {work:.2g} exact products, "
                    "which takes too long; use float64, or a target with fewer or shorter rows"
                )
            exact = exact_tables(rational_pmf(target), target.vocabulary)
        floats = None
        if denoiser.time_free:
            # one token at a time, and in blocks, values are drawn from p̂/Σp̂
            floats = tables(target, normalised(denoiser), device=device)
        return Measure(target, denoiser, arithmetic, floats, exact)

    def law(self, experiment: Experiment) -> OutputLaw:
        """The exact output law in float64; that of the last experiment is kept."""
        assert experiment.sampler is not None, "an output law needs a sampler"
        if experiment not in self._kept:
            self._kept.clear()
            law = experiment.sampler.law(self.target, self.denoiser, self.floats)
            self._kept[experiment] = law
        return self._kept[experiment]

    def method(self, experiment: Experiment) -> str:
        """What the number comes from: an arithmetic, or ``estimate`` over hitting times.

        It is an estimate where the denoiser depends on time and does not say enough of how.
        """
        assert experiment.sampler is not None, "an output law needs a sampler"
        exact = self.exact is not None and self._in_fractions(experiment)
        if not exact and self.law(experiment).error > ROUNDING:
            return "estimate"
        return self.arithmetic if exact else "float64"

    def _in_fractions(self, experiment: Experiment) -> bool:
        blocks = experiment.sampler.composition if experiment.sampler else None
        return blocks is not None or experiment.step_law is not None

    def float_tv(self, experiment: Experiment) -> TotalVariation:
        """TV(p_out, q_0) in float64 with its error; of an estimate the value that it gives."""
        return total_variation(self.law(experiment), self.target)

    def tv(self, experiment: Experiment) -> Interval:
        """TV(p_out, q_0) with all rounding enclosed."""
        if self.exact is None or not self._in_fractions(experiment):
            return _within_unit(Interval.around(*self.float_tv(experiment)))
        blocks = experiment.sampler.composition if experiment.sampler else None
        with precision(BITS):
            if blocks is not None:
                return interval(self.exact.total_variation(self.exact.blocks(blocks)))
            assert experiment.step_law is not None
            hazards = [ball(r) for r in experiment.step_law.hazards.tolist()]
            if self.arithmetic == "rational":
                hazards = [r.fmpq() for r in hazards]
            law = self.exact.probability(step_weights(hazards))
            return interval(self.exact.total_variation(law))


def _within_unit(value: Interval) -> Interval:
    """A total variation lies in [0, 1]."""
    return Interval(max(value.lower, 0), min(max(value.upper, 0), 1))


def check_arithmetic(arithmetic: str, exact_denoiser: bool) -> None:
    """Find out that there are no exact probabilities to compute with.

    Raises:
        InputError: for an imperfect denoiser in any arithmetic but float64.
    """
    if arithmetic != "float64" and not exact_denoiser:
        raise InputError(
            f"arithmetic {arithmetic}: only the exact denoiser has exact probabilities; use float64"
        )


def check_steps(steps: int, length: int = 0) -> None:
    """Find out before the work that so many steps, in all schedules, would take hours.

    Args:
        steps: K, summed over all parallel samplers of the run.
        length: d, if it is known.

    Raises:
        TooLargeError: naming the remedy.
    """
    seconds = steps * (1 / _STEPS + 2**length / _SUMS)
    check_time(seconds, f"{steps} steps in all", "use fewer steps, clocks and rules")


def check_size(target: Target, denoiser: Denoiser, steps: int, clocks: int) -> None:
    """Find out before the work that it would take hours.

    Args:
        target: the data law.
        denoiser: time-free and normalised ones are quick, whatever the number of steps.
        steps: K, summed over all parallel samplers of the run.
        clocks: how many clocks.

    Raises:
        TooLargeError: naming the reason and the remedy.
    """
    d, S, N = target.length, target.vocabulary, target.support
    check_tokens(d, target.name)
    contexts = [math.comb(d, v) * min(N, S**v) for v in range(d + 1)]
    predictions = sum(contexts[:d]) * d * S
    check_steps(steps, d)
    if denoiser.time_free:
        sums = sum(count * 3**v for v, count in enumerate(contexts))
        pairs = sum(count * 2**v for v, count in enumerate(contexts))
        check_time(
            sums / _SUMS + pairs / _PAIRS + predictions / _PREDICTIONS,
            f"{target.name}: {N} sequences of length {d} with {S} symbols",
            "use fewer sequences or symbols, or shorter sequences",
        )
    if denoiser.time_free and denoiser.normalised:
        return
    reason = "depends on time" if denoiser.normalised else "is not normalised"
    moves = d * steps * sum(count << v for v, count in enumerate(contexts))
    each = 0 if denoiser.time_free else max(PIECES, len(breaks(denoiser) or ()) + 1)
    calls = each * clocks
    check_time(
        moves / _MOVES,
        f"denoiser: it {reason}, so {steps} steps in all on {target.name}",
        "use fewer steps, clocks and rules, or shorter sequences",
    )
    check_time(
        calls * predictions / _PREDICTIONS,
        f"denoiser: it {reason}, so {target.name} at {calls} hitting times",
        "use fewer or shorter sequences",
    )
