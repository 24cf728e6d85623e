"""What an audit runs on every target, and with which samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

import torch
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.clock import Clock, clock
from sharprates.samplers.compositions import fixed_blocks
from sharprates.samplers.errors import InputError, check_known
from sharprates.samplers.fields import check_types
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.remasking import RemaskingSampler, remasking
from sharprates.samplers.sampler import Sampler
from sharprates.samplers.schedule import RULES, Rule, Schedule
from sharprates.samplers.speculative import SpeculativeSampler
from sharprates.samplers.tempered import check_tempering
from sharprates.samplers.trajectories import Rounds
from sharprates.theory.arithmetic import Number
from sharprates.theory.registry import claim
from sharprates.verification.empirical import Sampling
from sharprates.verification.measure import check_steps

POLICY_CLAIMS = ("P2", "P3", "P4", "P5", "P7", "P9")
"""On the total variation of policies: the command line shows them where there are any."""
DEFAULT_CLAIMS = ("E1", "E2", "E3", "E5", "E7", "L0", "L1", "L2", "L3", "H1", "H2")
ARITHMETICS = ("float64", "rational", "ball")


@dataclass(frozen=True)
class Plan:
    """What to run on every target.

    Attributes:
        steps: numbers of steps K.
        clocks: clock names, or `Clock` objects.
        grids: grid names; alternatively `times`.
        rules: names in `samplers.schedule.RULES`, or functions of (clock, times) under their own
            names.
        horizon: T; by default the clock's (`default_horizon`).
        delta: early-stopping time δ.
        last_step: ``leave`` or ``fill``.
        claims: ids to show.
        blocks: of each block sampler to add its sizes, of sum d; a single size is repeated.
        policies: texts of policies to add, e.g. ``threshold:0.9``; see `samplers.policies`.
        remasking: texts of rules that mask tokens again, e.g. ``0.1``, on each clock and grid; see
            `samplers.remasking`.
        speculation: texts of policies that draft what is then verified; see
            `samplers.speculative`.
        rounds: cap on a policy's rounds; at the cap `last_step` says what happens.
        ties: of policies, ``left`` or ``seed``.
        cache: a policy's predictions are renewed in every n-th round.
        temperature: of the denoiser, for all samplers.
        top_p: of the denoiser, for all samplers.
        others: makers of further samplers, given a length.
        arithmetic: ``float64`` with a stated error bound, ``rational`` or ``ball`` (small d).
        scale: factor on a named constant, e.g. ``{"E3.constant": Fraction(99, 100)}``.
        times: explicit grid times in place of `steps` and `grids`.
        sampling: whether and how the samplers are run beside their exact laws.
    """

    steps: tuple[int, ...] = (4, 16, 64, 256)
    clocks: tuple[str | Clock, ...] = ("constant", "linear")
    grids: tuple[str, ...] = ("uniform",)
    rules: tuple[str | Rule, ...] = tuple(RULES)
    horizon: float | None = None
    delta: float = 0.0
    last_step: str = "leave"
    claims: tuple[str, ...] = DEFAULT_CLAIMS
    blocks: tuple[tuple[int, ...], ...] = ()
    policies: tuple[str, ...] = ()
    remasking: tuple[str, ...] = ()
    speculation: tuple[str, ...] = ()
    rounds: int | None = None
    ties: str = "left"
    cache: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    others: tuple[Callable[[int], Sampler], ...] = ()
    arithmetic: str = "float64"
    scale: Mapping[str, Number] = field(default_factory=dict)
    times: tuple[float, ...] | None = None
    sampling: Sampling = field(default_factory=Sampling)

    def check(self, lengths: Iterable[int] = (10**9,)) -> None:
        """Find bad options before any work is done.

        Args:
            lengths: d of the targets, on which some clocks' default horizons depend; before they
                are known, only what no length allows is refused.

        Raises:
            InputError: naming the option and the remedy.
            TheoryError: for an unknown claim or constant.
        """
        check_types(self)
        check_known("arithmetic", self.arithmetic, ARITHMETICS)
        for rule in self.rules:
            if isinstance(rule, str):
                check_known("rule", rule, RULES)
        for one in self.claims:
            claim(one)
        for name in self.scale:
            known = claim(name.split(".")[0])
            if name not in {f"{known.id}.{constant}" for constant in known.constants}:
                constants = ", ".join(f"{known.id}.{c}" for c in known.constants) or "no constant"
                raise InputError(f"scale: {name!r} is unknown: {known.id} has {constants}")
        self.sampling.check()
        for text in (*self.policies, *self.speculation):
            policy(text)
        for text in self.remasking:
            remasking(text)
        Rounds(self.rounds, cache=self.cache)
        check_tempering(self.temperature, self.top_p)
        check_steps(self.steps_in_all)
        schedules = product(self.chosen_clocks(), self.schedules(), set(lengths))
        for chosen, (steps, grid_name), length in schedules:
            self.schedule("euler", chosen, grid_name, steps).times(length)

    @property
    def steps_in_all(self) -> int:
        """K, summed over all parallel samplers."""
        steps = sum(steps for steps, _ in self.schedules())
        return steps * len(self.clocks) * len(self.rules)

    def chosen_clocks(self) -> list[Clock]:
        """The clocks, looked up by name where they are named."""
        return [clock(one) if isinstance(one, str) else one for one in self.clocks]

    def samplers(self, length: int, time_free: bool = True) -> list[tuple[Sampler, ...]]:
        """All samplers, in the order of their rows; what asks at the same times stands together.

        Args:
            length: d.
            time_free: whether the denoiser is; else first-hitting has a row for each clock, and
                samplers without a clock have none.
        """
        device = torch.device(self.sampling.device)
        clocks = self.chosen_clocks()
        groups: list[tuple[Sampler, ...]] = [
            tuple(
                ParallelSampler(length, self.schedule(rule, chosen, name, steps), device=device)
                for rule in self.rules
            )
            for chosen, (steps, name) in product(clocks, self.schedules())
        ]
        groups += [
            (
                RemaskingSampler(
                    length, self.schedule("ancestral", chosen, name, steps), rule, device=device
                ),
            )
            for chosen, (steps, name) in product(clocks, self.schedules())
            for rule in map(remasking, self.remasking)
        ]
        if not time_free:
            return groups + [(FirstHittingSampler(length, one, device=device),) for one in clocks]
        groups.append((FirstHittingSampler(length, device=device),))
        blocks = [_composition(length, sizes) for sizes in self.blocks]
        groups += [(BlockSampler(length, sizes, device=device),) for sizes in blocks]
        rounds = Rounds(self.rounds, self.last_step, self.cache)
        groups += [
            (PolicySampler(length, policy(text, length), rounds, self.ties, device=device),)
            for text in self.policies
        ]
        groups += [
            (SpeculativeSampler(length, policy(text, length), device=device),)
            for text in self.speculation
        ]
        return groups + [(make(length),) for make in self.others]

    def rows(self, length: int, time_free: bool = True) -> int:
        """How many results an audit of one target has; see `samplers`."""
        return sum(map(len, self.samplers(length, time_free)))

    def schedules(self) -> list[tuple[int, str | None]]:
        """(K, grid name) of every grid; the name is None for explicit times."""
        if self.times is not None:
            return [(len(self.times) - 1, None)]
        return [(steps, name) for name in self.grids for steps in self.steps]

    def schedule(self, rule: str | Rule, chosen: Clock, name: str | None, steps: int) -> Schedule:
        """The schedule of a rule on one clock and grid."""
        times = self.times if name is None else None
        return Schedule(rule, chosen, name, steps, self.horizon, self.delta, self.last_step, times)


def _composition(length: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(sizes) == 1:
        return fixed_blocks(length, *sizes)
    if sum(sizes) != length:
        text = ",".join(map(str, sizes))
        raise InputError(
            f"blocks: {text} reveal {sum(sizes)} tokens of d = {length}; a single size is "
            "repeated, and each schedule has a --blocks of its own"
        )
    return sizes
