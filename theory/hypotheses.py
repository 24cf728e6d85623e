"""The conditions under which claims apply, each with what to tell where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sharprates.theory.setting import PARALLEL, Setting


@dataclass(frozen=True)
class Hypothesis:
    """A condition on the setting.

    Attributes:
        holds: the predicate.
        reason: what to tell where it does not hold.
        families: of a condition on the target, the built-in families that it names.
    """

    holds: Callable[[Setting], bool]
    reason: str
    families: tuple[str, ...] = ()


STEP_LAW = Hypothesis(
    lambda it: it.has_step_law,
    "needs a parallel unmasking sampler with a normalised denoiser",
)
EXACT = Hypothesis(lambda it: it.exact_denoiser and not it.stale, "needs the exact denoiser")
NORMALISED = Hypothesis(lambda it: it.normalised, "needs a normalised denoiser")
TIME_FREE = Hypothesis(lambda it: it.time_free, "needs a time-free denoiser")
ALL_MASKED_START = Hypothesis(lambda it: it.all_masked_start, "needs the start from all masks")
NO_LEFTOVER = Hypothesis(lambda it: not it.has_leftover, "needs a step law without leftover")
EQUAL_STEPS = Hypothesis(lambda it: it.equal_steps, "needs equal steps, w_k = 1/K")
NO_EARLY_STOPPING = Hypothesis(lambda it: it.delta == 0, "needs δ = 0")
CONSTANT_CLOCK = Hypothesis(lambda it: it.clock == "constant", "needs the constant-rate clock")
UNIFORM_GRID = Hypothesis(lambda it: it.grid == "uniform", "needs the grid uniform in t")
ON_A_CLOCK = Hypothesis(
    lambda it: it.clock is not None and (it.custom_rule or it.sampler in PARALLEL),
    "needs a parallel unmasking sampler on a clock",
)
EULER = Hypothesis(
    lambda it: it.sampler == "euler" and not it.custom_rule, "is about the Euler sampler"
)
EULER_OR_ANCESTRAL = Hypothesis(
    lambda it: it.sampler in ("euler", "ancestral") and not it.custom_rule,
    "is about the Euler and ancestral samplers",
)
FIRST_HITTING = Hypothesis(lambda it: it.sampler == "fhs", "is about the first-hitting sampler")
BLOCKS = Hypothesis(lambda it: it.sampler == "blocks", "is about blocks of given sizes")
POLICY = Hypothesis(lambda it: it.sampler == "policy", "is about policies")
SEEDLESS = Hypothesis(lambda it: not it.seeded, "needs a policy without a seed")
ONE_TOKEN = Hypothesis(lambda it: it.one_token, "needs one token a round")
SPECULATIVE = Hypothesis(lambda it: it.sampler == "speculative", "is about speculation")
REMASKING = Hypothesis(
    lambda it: it.remasking is not None and not it.remasking.startswith("confidence"),
    "is about samplers that mask tokens again without looking at their values",
)
ENOUGH_STEPS = Hypothesis(
    lambda it: it.steps is not None and it.steps >= it.length, "needs K ≥ d steps"
)
BINARY = Hypothesis(lambda it: it.vocabulary == 2, "needs S = 2")
TWO_SYMBOLS = Hypothesis(lambda it: it.vocabulary >= 2, "needs S ≥ 2")
ONE_LONG = Hypothesis(lambda it: it.length == 1, "needs d = 1")
TWO_TOKENS = Hypothesis(lambda it: it.length >= 2, "needs d ≥ 2")


def on_families(*names: str) -> Hypothesis:
    """The target is of one of these built-in families."""
    return Hypothesis(
        lambda it: it.family in names,
        f"is an exact value on the family {' or '.join(names)}, no verdict on another q_0",
        names,
    )
