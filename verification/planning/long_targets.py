"""Plans for data laws that are too long to enumerate.

Structured families (pairs, codes, …) have their exact TV by a recursion over steps. Markov chains
have their information curve exactly, and their TV, as that of any law that draws rows and gives
their probability, between limits from samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import FAMILIES, structured_family, structured_tv
from sharprates.samplers.family import Family
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.output_law import TotalVariation
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.objects import load_object
from sharprates.verification.planning.bounds import NOTHING, Knowledge, Question, upper_rows
from sharprates.verification.planning.large_targets import Tractable, chain_information, estimate
from sharprates.verification.planning.planner import (
    Estimate,
    Options,
    StepPlan,
    schedule_laws,
    search_steps,
)

LONG = 12
"""A family that can be read at any length is enumerated up to this one."""

_ROUNDING = 1e-12
"""Bound on the error of a chain's h_m: d·S² terms of float64, d ≤ 10⁴."""
_LARGEST_VOCABULARY = 2**62
RUNGS = 12
"""Most numbers of steps that are tried with samples."""
_MOST_SAMPLED = 4096
"""Steps up to which a sampler with thousands of rows is run in seconds."""

Progress = Callable[[str], None]


def long_target(text: str) -> str | Tractable | None:
    """What a text names, if it has a plan without enumeration.

    Args:
        text: a family with a closed form or ``markov:…`` of more than
            `LONG` tokens, or ``MODULE:OBJECT``, a law that is its own exact denoiser, draws rows
            and gives their probability.

    Returns:
        The family's text, the law, or None: then the text names data to be enumerated.

    Raises:
        InputError: if the law is not one, or a chain does not start from its stationary law.
    """
    name, *parts = text.split(":")
    if name == "markov":
        return _chain(text, parts)
    if name in FAMILIES and FAMILIES[name].closed_form is not None:
        return text if parts and parts[0].isdecimal() and int(parts[0]) > LONG else None
    if name in FAMILIES or len(parts) != 1 or not name or not parts[0]:
        return None
    return _own(load_object(text, "DATA"), text)


def _chain(text: str, parts: list[str]) -> MarkovChain | None:
    entry = FAMILIES["markov"]
    try:
        length, initial, rows = entry.read(parts)
    except ValueError:
        raise InputError(f"{text!r}: write it as markov:{entry.usage}") from None
    if length <= LONG:
        return None
    if not rows or any(len(row) != len(initial) for row in (*rows, rows)):
        raise InputError(f"{text!r}: needs {len(initial)} rows of {len(initial)} probabilities")
    chain = MarkovChain.of(torch.tensor(rows, dtype=torch.float64), length)
    start = torch.tensor(initial, dtype=torch.float64)
    if float((chain.stationary - start).abs().max()) > 1e-6:
        wanted = ",".join(f"{p:.6g}" for p in chain.stationary.tolist())
        raise InputError(
            f"{text!r}: a chain of more than {LONG} tokens must start from its stationary law: "
            f"write {wanted}"
        )
    return chain


def _own(found: Any, text: str) -> Tractable:
    """A user's law, if it has what a plan asks for."""
    for name in ("length", "vocabulary", "sample", "log_probability", "__call__"):
        if not hasattr(found, name):
            raise InputError(
                f"DATA: {text} has no {name!r}: a law needs length, vocabulary, "
                "sample(n, generator), log_probability(rows) and its own conditionals by a call"
            )
    law: Tractable = found
    return law


def plan_structured(
    text: str,
    tv: float,
    score_error: float = 0.0,
    options: Options | None = None,
    progress: Progress = lambda _: None,
) -> StepPlan:
    """Steps for a structured family of any length: bounds, and exact TV by recursion.

    Args:
        text: e.g. ``pairs:4096:2``.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        options: schedules to try beside the uniform law.
        progress: told of each schedule before it is searched.

    Raises:
        InputError: for a bad number, family or schedule.
    """
    options = options or Options()
    family = structured_family(text)
    structured_tv(family, StepLaw.uniform(1))  # a bad number is found before the work
    d, log_S, S = _size(family)
    small = S is not None and S <= _LARGEST_VOCABULARY
    ask = Question(d, S if small else None, tv, score_error)
    # Of a vocabulary too large to write down, E5 reads log S off h_m ≤ log S.
    known = NOTHING if small else Knowledge(log_S, (log_S,) * d)

    def measure(law: StepLaw) -> TotalVariation:
        closed = structured_tv(family, law)
        return TotalVariation(closed.tv, closed.error)

    found = []
    for name, law in schedule_laws(d, options).items():
        progress(name)
        found.append(search_steps(name, measure, law, ask, options.most))
    return StepPlan(ask, known, upper_rows(ask, known), score_error, text, tuple(found))


def _size(family: Family) -> tuple[int, float, int | None]:
    """Length, log S, and S where it is a number that can be written down."""
    numbers = {name: int(value) for name, value in family.parameters.items()}
    d = numbers["d"]
    if "S" in numbers:
        return d, math.log(numbers["S"]), numbers["S"]
    # groups of g tokens with symbols of [b]
    b, g = numbers.get("b", 2), numbers.get("g", d)
    log_S = (g - 1) * math.log(b)
    return d, log_S, b ** (g - 1) if log_S < math.log(_LARGEST_VOCABULARY) else None


def plan_tractable(
    law: Tractable,
    name: str,
    tv: float,
    score_error: float = 0.0,
    *,
    samples: int = 2000,
    seed: int = 0,
    level: float = 1e-6,
    progress: Progress = lambda _: None,
) -> StepPlan:
    """Steps for a law that can be sampled but not enumerated: bounds, and limits from samples.

    The uniform law is tried at the K that the best bound asks for, then at half of it, and so on
    until samples show that its TV is above ε. A chain's own information curve enters the bounds.

    Args:
        law: the data law.
        name: for a reader.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        samples: rows a part of each estimate.
        seed: of all draws.
        level: probability at most that any limit in the plan is wrong.
        progress: told of each K before it is sampled.

    Raises:
        InputError: for a bad number.
    """
    ask = Question(law.length, law.vocabulary, tv, score_error)
    if not 0 < level < 1:
        raise InputError(f"budget: must lie between 0 and 1, got {level:g}")
    known = NOTHING
    if isinstance(law, MarkovChain):
        h = chain_information(law).clamp(min=0)
        information = float(h[0] - h[-1]) + 2 * _ROUNDING
        known = Knowledge(information, tuple((h + _ROUNDING).tolist()))
    rows = upper_rows(ask, known)
    budget = tv - score_error
    plan = StepPlan(ask, known, rows, score_error, name)
    if budget <= 0:
        return plan
    enough = plan.enough
    steps = min(enough.steps if enough and enough.steps else law.length, _MOST_SAMPLED)
    found: list[Estimate] = []
    while len(found) < RUNGS:
        progress(f"K = {steps}")
        uniform = StepLaw.uniform(steps)
        one = estimate(law, uniform, samples, seed=seed + len(found), level=level / RUNGS)
        found.append(Estimate(steps, one))
        if one.tv_lower > budget or steps == 1:
            break
        steps = -(-steps // 2)
    return StepPlan(ask, known, rows, score_error, name, estimates=tuple(found), level=level)
