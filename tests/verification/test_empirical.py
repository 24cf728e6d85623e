"""Running samplers in an audit: their interval holds the exact TV, and a wrong sampler is seen."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet, pairs
from sharprates.samplers.schedule import RULES
from sharprates.samplers.step_law import StepLaw
from sharprates.verification import empirical as module
from sharprates.verification.audit import audit, tasks
from sharprates.verification.audit_plan import Plan
from sharprates.verification.empirical import Sampling
from sharprates.verification.experiment import Experiment
from sharprates.verification.measure import Measure
from sharprates.verification.reports.audit import audit_json, worst
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import (
    cells,
    counts,
    empirical_tv,
    law_on_cells,
)
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import MISSES, SampleTest
from sharprates.verification.verdict import Verdict

from tests.samplers.perturbed import Uniform
from tests.verification.statistics.error_rates import rarely

CHECKS = ("audit", "another law", "false alarms", "misses")
PLAN = Plan(
    steps=(3, 12),
    clocks=("constant", "cosine"),
    rules=tuple(RULES),
    claims=("L0",),
    blocks=((2,),),
    policies=("confidence:1", "confidence:2", "random:2", "threshold:0.7"),
    sampling=Sampling(20_000, seed=5),
)


def budgeted(plan: Plan, level: float) -> Plan:
    return replace(plan, sampling=replace(plan.sampling, budget=Fraction(level)))


def test_every_sampler_follows_its_exact_law(ledger: Ledger) -> None:
    plan = budgeted(PLAN, ledger.take("audit"))
    results = audit([dirichlet(3, 3, 0.5, seed=1), pairs(4, 2)], plan)
    for one in results:
        assert {r.sampler for r in one.results} == {*RULES, "fhs", "blocks", "policy"}
        for result in one.results:
            assert result.empirical is not None
            assert result.runs_true, result
            assert result.empirical.upper - result.empirical.lower < 0.1
    assert worst(results) is Verdict.HOLDS
    found = audit_json(results, seed=5)["targets"][0]["results"][0]["empirical"]
    assert found["n"] == 20_000
    assert found["seed"] == 5
    assert found["tv"]["lower"] <= found["tv"]["upper"]


def test_a_sampler_of_another_law_is_seen(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    """The mutant lags by τ-leaping where Euler was asked for."""
    from sharprates.verification import audit as auditing

    right = auditing.empirical

    def wrong(experiment, *others):
        law = experiment.step_law
        if law is not None:
            lagging = StepLaw.from_hazards(-torch.expm1(-law.hazards))
            sampler = replace(experiment.sampler, schedule=lagging)
            experiment = replace(experiment, sampler=sampler)
        return right(experiment, *others)

    monkeypatch.setattr(auditing, "empirical", wrong)
    plan = replace(PLAN, clocks=("linear",), rules=("euler",), blocks=(), policies=())
    results = audit([copies(3, 2)], budgeted(plan, ledger.take("another law")))
    assert [r.runs_true for r in results[0].results] == [False, False, True]
    assert worst(results) is Verdict.FAILS


def test_levels_spend_the_budget_and_no_more() -> None:
    sampling = Sampling(10, budget=Fraction(1, 1000))
    assert sum(map(Fraction, sampling.levels(7))) <= Fraction(1, 1000)


def test_the_same_seed_gives_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(PLAN, steps=(3,), clocks=("linear",))
    first = audit([pairs(3, 2)], plan)[0].results
    monkeypatch.setattr(module, "_TOKENS", 999)  # however many samples are held at a time
    again = audit([pairs(3, 2)], plan)[0].results
    assert [r.empirical for r in first] == [r.empirical for r in again]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"samples": 1}, "n ≥ 2"),
        ({"budget": Fraction(2)}, "budget"),
        ({"seed": 2**63}, "from 0 to 2"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_bad_options_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(Sampling(), **change).check()


def test_interval_and_test_share_the_level_of_a_row() -> None:
    plan = replace(PLAN, steps=(3,), clocks=("linear",), rules=("euler",))
    budget = Fraction(1, 1000)
    (one,) = audit([pairs(3, 2)], budgeted(plan, budget))
    spent = [Fraction(row.empirical.level) + Fraction(row.law_check.level) for row in one.results]
    assert sum(spent) <= budget
    # every task has a level, also the one that says something of the target alone
    assert float(sum(spent)) == pytest.approx(float(budget), rel=1e-12)


RUNS = 1000
TARGET = copies(2, 2)
EXACT = ExactDenoiser(TARGET)
SMALL = Plan(
    steps=(2,),
    clocks=("linear",),
    rules=("euler",),
    claims=(),
    sampling=Sampling(600, budget=Fraction(1, 10)),
)


def whole_runs(run_with: Denoiser) -> list[list[tuple[bool, SampleTest]]]:
    """What runs of a small suite at a budget of 0.1 find of each sampler; all samples are new."""
    measure = Measure.of(TARGET, EXACT, "float64")
    ((_, *work),) = tasks(SMALL, [(TARGET, EXACT)])
    found: list[list[tuple[bool, SampleTest]]] = [[] for _ in range(RUNS)]
    for task in work:
        (sampler,), (level,) = task.samplers, task.levels
        experiment = Experiment(TARGET, EXACT, sampler)
        law, exact = measure.law(experiment), measure.tv(experiment)
        should, n = law_on_cells(law, TARGET), SMALL.sampling.samples
        # one call for all runs: rows do not depend on each other
        rows = sampler.sample(run_with, RUNS * n, torch.Generator().manual_seed(task.seed))
        for run, part in zip(found, torch.split(cells(TARGET, rows), n), strict=True):
            interval = empirical_tv(counts(part, TARGET), TARGET, level / 2, task.seed, should)
            test = law_test("law", counts(part, TARGET), should, level / 2)
            covers = interval.lower <= exact.upper and exact.lower <= interval.upper
            run.append((covers and test.passed, test))
    return found


def test_whole_runs_raise_false_alarms_within_their_budget(ledger: Ledger) -> None:
    alarms = sum(not all(true for true, _ in rows) for rows in whole_runs(EXACT))
    assert alarms > 0  # the levels are used: the bounds behind them are not far too wide
    assert rarely(alarms, RUNS, 0.1, ledger.take("false alarms"))


def test_whole_runs_miss_nothing_of_the_size_that_they_state(ledger: Ledger) -> None:
    """Run with a denoiser that knows nothing: a known TV from the law that is claimed."""
    found = whole_runs(Uniform(2))
    for (_, test), apart in zip(found[0], (0.25, 0.5), strict=True):
        assert test.detects <= apart
    misses = sum(true for rows in found for true, _ in rows)
    assert rarely(misses, 2 * RUNS, MISSES, ledger.take("misses"))
