"""Steps of the sampler's own `step`, one by one: hazards and values from a few states."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from sharprates.verification.conformance import causes
from sharprates.verification.conformance.findings import Finding, Tested, summary, unlike
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import Oracle, state_codes, state_word
from sharprates.verification.conformance.session import Session, method
from sharprates.verification.statistics.step_tests import ObservedStep
from torch import Tensor

LEVELS = ("unmask probability", "unmask pattern", "token conditionals", "values independent")


def _findings(run: Session) -> Iterator[Finding]:
    step, declaration = method(run.sampler, "step"), run.declaration
    if step is None or not declaration.by_hazard or declaration.block_length is not None:
        return
    denoiser = run.plan.denoisers[1]
    oracle, S = run.oracle(denoiser), denoiser.vocabulary
    right = declaration.hazards(str(declaration.rule))
    predicted = declaration.drawn_from(denoiser.table)
    level = {name: run.ledger.take(name) / (2 * len(right)) for name in LEVELS}
    tests: dict[str, list[Tested]] = {name: [] for name in LEVELS}
    seen: list[float] = []
    changed = moved = ""
    for k, r in enumerate(right):
        for state in _states(oracle, k):
            where = f"from {state_word(state, S)} at step {k}"
            before = state.repeat(run.step_rows, 1)
            given = before.clone()
            after = _after(run, step, k, given, oracle)
            changed = changed if torch.equal(before, given) else where
            p = predicted[state_codes(state[None], S)[0]]
            observed = ObservedStep(state, after, S, r, p)
            if bool((state == S).all()):
                seen.append(observed.frequency)
            if not observed.carried_over:
                moved = where
                continue
            for name, tested in _tests(observed, level, where):
                tests[name].append(tested)
    if changed:
        detail = f"step writes into its argument x, {changed}"
        yield Finding("inputs not mutated", False, detail, "works in place")
    if moved and declaration.carry_over:
        detail = f"step changes a revealed token, {moved}"
        yield Finding("carry-over", False, detail, "no carry-over")
    tokens = run.step_rows * oracle.length
    for name, tried in tests.items():
        cause = ""
        if name == "unmask probability" and not all(tested.test.passed for tested in tried):
            cause = causes.of_hazards(declaration, denoiser.table, seen, [tokens] * len(seen))
        yield from summary(name, tried, cause)


def _states(oracle: Oracle, step: int) -> list[Tensor]:
    """All masks, and one token revealed."""
    d, S = oracle.length, oracle.vocabulary
    some = torch.full((d,), S)
    some[step % d] = step % S
    return [torch.full((d,), S), some]


def _after(
    run: Session, step: Callable[..., object], k: int, given: Tensor, oracle: Oracle
) -> Tensor:
    """What step k makes of states."""
    times = [run.declaration.own_time(t) for t in run.declaration.grid.tolist()]
    generator = run.generator()
    call = lambda: step(given, times[k], times[k + 1], oracle, generator)  # noqa: E731 - one use
    return run.call(call, "step(…)", len(given), oracle)


def _tests(
    observed: ObservedStep, level: dict[str, float], where: str
) -> Iterator[tuple[str, Tested]]:
    """All tests of one step, each with the name of its level."""
    test = observed.unmask_probability(level["unmask probability"])
    share, r = unlike(observed.frequency, observed.hazard)
    detail = f"{where} a masked token is revealed with frequency {share}, not {r}"
    yield "unmask probability", Tested(test, detail)
    test = observed.unmask_pattern(level["unmask pattern"])
    detail = f"{where} positions are not revealed independently"
    yield "unmask pattern", Tested(test, detail, "one coin for several positions")
    cause = causes.of_values(observed)
    for test in observed.token_conditionals(level["token conditionals"]):
        detail = f"{where}, {test.name}: values do not follow the prediction"
        yield "token conditionals", Tested(test, detail, cause)
    for test in observed.values_independent(level["values independent"]):
        detail = f"{where}, {test.name}"
        yield "values independent", Tested(test, detail, "one uniform for several values")


LOOK = Look(
    _findings,
    "another hazard, coins or values that are coupled, values by other predictions, revealed "
    "tokens that change, in a single step from all masks or with one token revealed",
    "a sampler without `step` or hazards; other states; a `sample` that does not use `step`",
    LEVELS,
)
