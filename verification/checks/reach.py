"""What the examples of a check are, gathered while it runs: forms evaluated, sizes, kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import Any

from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.verification.evidence import DRAWN, MANY, Reach
from sharprates.verification.experiment import Experiment

NO_SIZE = ("seed", "boxes", "split", "coarsest")
"""Parameters that are numbers but say nothing of an example's size."""

_asked: ContextVar[set[tuple[str, str]] | None] = ContextVar("forms that were evaluated")


def asked(claim_id: str, variant: str | None) -> None:
    """Tell that a form of a claim is evaluated; whoever evaluates one for a check calls this."""
    forms = _asked.get(None)
    if forms is not None:
        forms.add((claim_id, variant or ""))


class Tally:
    """Gathers the reach of one check, example by example."""

    def __init__(self, claim_id: str) -> None:
        self.claim_id = claim_id
        self._forms: set[tuple[str, str]] = set()
        self._sizes: dict[str, tuple[float, float]] = {}
        self._kinds: dict[str, dict[str, None]] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While this lasts, forms that are evaluated are those of the check."""
        token = _asked.set(self._forms)
        try:
            yield
        finally:
            _asked.reset(token)

    def add(self, experiment: Experiment | None, parameters: Mapping[str, Any]) -> None:
        """Look at one more example, by its parts."""
        if experiment is not None:
            self._experiment(experiment)
        for name, value in parameters.items():
            self._parameter(name, value)

    def reach(self) -> Reach:
        """What was seen."""
        forms = sorted(form for claim_id, form in self._forms if claim_id == self.claim_id)
        kinds = {name: tuple(sorted(found)) for name, found in self._kinds.items()}
        return Reach(tuple(forms), dict(self._sizes), kinds)

    def _experiment(self, it: Experiment) -> None:
        self._target(it.target)
        if it.sampler is None:
            return
        setting = it.setting()
        denoiser = "exact" if setting.exact_denoiser else "errs"
        self._kind("denoiser", denoiser)
        if not setting.normalised:
            self._kind("denoiser", "unnormalised")
        if not setting.time_free:
            self._kind("denoiser", "varies in time")
        if it.step_law is not None:
            self._size("K", len(it.step_law.weights))
            self._kind("steps", "equal" if setting.equal_steps else "unequal")
            self._kind("steps", "with leftover" if setting.has_leftover else "without leftover")
        if it.grid is not None:
            self._schedule(it.grid)

    def _target(self, target: Target) -> None:
        self._size("d", target.length)
        self._size("S", target.vocabulary)
        self._kind("q_0", target.family.name if target.family else DRAWN)

    def _schedule(self, it: Schedule) -> None:
        self._size("K", it.steps)
        self._kind("clock", it.chosen.name)
        self._kind("rule", it.rule_name)
        self._kind("last step", it.last_step)

    def _parameter(self, name: str, value: Any) -> None:
        if isinstance(value, Schedule):
            self._schedule(value)
        elif isinstance(value, Mapping):
            for key, number in value.items():
                self._parameter(key, number)
        elif name == "family":
            self._kind("q_0", str(value).split(":")[0])
        elif name.startswith("_") or name == "witness":
            return
        elif isinstance(value, str | bool):
            self._kind(name, str(value))
        elif isinstance(value, tuple) and name == "w":
            self._size("K", len(value))
        elif isinstance(value, tuple) and all(isinstance(x, Real) for x in value):
            self._size(f"{MANY}{name}", len(value))
        elif isinstance(value, tuple):
            for one in value:
                self._kind(name, one if isinstance(one, str) else type(one).__name__)
        elif isinstance(value, Real) and name not in NO_SIZE:
            self._size(name, float(value))

    def _size(self, name: str, value: float) -> None:
        least, largest = self._sizes.get(name, (value, value))
        self._sizes[name] = (min(least, value), max(largest, value))

    def _kind(self, name: str, value: str) -> None:
        self._kinds.setdefault(name, {})[value] = None
