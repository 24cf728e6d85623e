"""The plain facts about an instance that decide whether a claim applies to it."""

from __future__ import annotations

from dataclasses import dataclass

PARALLEL = ("euler", "tau-leaping", "ancestral")
"""Samplers that unmask each masked token independently in a step: those with a step law."""


@dataclass(frozen=True)
class Setting:
    """What is run on what; nothing here is measured.

    Attributes:
        length: d.
        vocabulary: S.
        steps: K, where the sampler has steps.
        sampler: ``euler``, ``tau-leaping``, ``ancestral``, ``fhs``, ``blocks``, ``policy``,
            ``remasking`` or ``speculative``.
        policy: the text of its rule, e.g. ``threshold:0.9``; None of a sampler without one.
        remasking: the text of its rule, e.g. ``max``; None of a sampler that masks nothing again.
        clock: its name, e.g. ``constant`` or ``polynomial:2``; None if only a step law is given.
        grid: its name, e.g. ``uniform``; None if only a step law is given.
        delta: early-stopping time δ ≥ 0.
        last_step: ``leave`` or ``fill``.
        has_leftover: whether w_∞ > 0.
        equal_steps: whether w_k = 1/K for every step, without leftover.
        exact_denoiser: whether p̂ is the conditional of q_0.
        normalised: whether p̂ sums to 1 over the symbols.
        time_free: whether p̂ does not depend on the time.
        family: the built-in family of q_0, e.g. ``pairs``; None for any other q_0.
        custom_rule: whether the step law comes from the user's own rule.
        all_masked_start: whether the sampler starts from the unit mass on M…M.
        seeded: whether a policy's choices depend on a seed.
        stale: whether a policy's predictions are kept over rounds.
        one_token: whether each round of a policy reveals one token.
    """

    length: int
    vocabulary: int
    steps: int | None = None
    sampler: str = "euler"
    policy: str | None = None
    remasking: str | None = None
    clock: str | None = None
    grid: str | None = None
    delta: float = 0.0
    last_step: str = "leave"
    has_leftover: bool = False
    equal_steps: bool = False
    exact_denoiser: bool = True
    normalised: bool = True
    time_free: bool = True
    family: str | None = None
    custom_rule: bool = False
    all_masked_start: bool = True
    seeded: bool = False
    stale: bool = False
    one_token: bool = False

    @property
    def has_step_law(self) -> bool:
        """Whether tokens choose their step independently of each other and of the values."""
        return self.normalised and (self.custom_rule or self.sampler in PARALLEL)
