"""What all samplers have in common: facts, equality, and the exact law of each."""

import math
from dataclasses import fields

import pytest
import torch
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, normalised
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import dirichlet, family, point_mass
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.hitting_law import hitting_law
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.propagation import propagate
from sharprates.samplers.sampler import Sampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.setting import Setting
from sharprates.verification.statistics.bounded_mean import empirical_bernstein
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test

from tests.samplers.perturbed import Drifting, Scaled, Uniform

TARGET = dirichlet(4, 2, 0.5, seed=3)
EXACT = ExactDenoiser(TARGET)
PLAN = Schedule("euler", "cosine", "uniform", 3)
SAMPLERS: tuple[Sampler, ...] = (
    ParallelSampler(4, PLAN),
    ParallelSampler(4, StepLaw.equal(3)),
    FirstHittingSampler(4, "cosine"),
    BlockSampler(4, (1, 3)),
    PolicySampler(4, policy("threshold:0.7")),
    KeptDraws(4, 2),
)


CHECKS = (
    *(f"law of {sampler} {whole}" for sampler in SAMPLERS for whole in (True, False)),
    *(f"rounds of {sampler}" for sampler in SAMPLERS),
)


def test_facts_are_those_that_claims_ask_for() -> None:
    known = {one.name for one in fields(Setting)}
    for sampler in SAMPLERS:
        assert set(sampler.facts()) <= known
        assert Setting(length=4, vocabulary=2, **sampler.facts()).steps == sampler.calls
    facts = ParallelSampler(4, PLAN).facts()
    assert (facts["sampler"], facts["clock"], facts["grid"]) == ("euler", "cosine", "uniform")
    assert not facts["equal_steps"]
    assert facts["has_leftover"] == (PLAN.law(4).leftover > 0)
    assert SAMPLERS[1].facts() == {"steps": 3, "has_leftover": False, "equal_steps": True}


def test_equal_samplers_have_one_hash() -> None:
    again = (
        ParallelSampler(4, Schedule("euler", "cosine", "uniform", 3)),
        ParallelSampler(4, StepLaw.equal(3)),
        FirstHittingSampler(4, "cosine"),
        BlockSampler(4, (1, 3)),
        PolicySampler(4, policy("threshold:0.7")),
        KeptDraws(4, 2),
    )
    assert again == SAMPLERS
    assert len({*again, *SAMPLERS}) == 6
    assert list(map(str, SAMPLERS)) == [
        "euler cosine uniform K=3 leave",
        "w=[0.333333 0.333333 0.333333]",
        "fhs cosine",
        "blocks 1 3",
        "threshold:0.7",
        "kept draws 2",
    ]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("denoiser", [EXACT, Scaled(EXACT, (0.5, 1.5))], ids=["exact", "scores"])
def test_the_law_is_that_of_the_run(sampler: Sampler, denoiser: Denoiser, ledger: Ledger) -> None:
    rows = sampler.sample(denoiser, 40_000, torch.Generator().manual_seed(2))
    p = law_on_cells(sampler.law(TARGET, denoiser), TARGET)
    level = ledger.take(f"law of {sampler} {denoiser.normalised}")
    assert law_test("law", counts(cells(TARGET, rows), TARGET), p, level).passed


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_rounds_are_those_that_reveal_something(sampler: Sampler, ledger: Ledger) -> None:
    n = 20_000
    steps = sampler.run(EXACT, n, torch.Generator().manual_seed(2)).steps
    shown = torch.stack([(steps == k).any(1) for k in range(sampler.calls)]).sum(0).double()
    counted = sampler.rounds_on(TARGET, EXACT)
    assert counted is not None
    assert int(shown.max()) <= counted.most <= min(4, sampler.calls)
    # a policy's own runs have other values than the data, but for one token a round
    room = 0.1 if sampler.kind == "policy" else 0.0
    limits = empirical_bernstein(shown, 0.0, counted.most, ledger.take(f"rounds of {sampler}"))
    assert limits.lower - room <= counted.mean <= limits.upper + room
    assert limits.upper - limits.lower < 0.1


def test_tables_at_hand_give_the_same_law() -> None:
    scores = Scaled(EXACT, (0.5, 1.5))
    for denoiser in (EXACT, scores):
        table = tables(TARGET, normalised(denoiser))
        for sampler in SAMPLERS:
            law = sampler.law(TARGET, denoiser, table).probability
            assert torch.equal(law, sampler.law(TARGET, denoiser).probability)


def test_time_dependent_denoisers_have_a_law_where_there_are_times() -> None:
    drifting = Drifting(EXACT, Uniform(2), 0.4)
    law = ParallelSampler(4, PLAN).law(TARGET, drifting)
    stepwise = propagate(TARGET, drifting, PLAN.law(4), PLAN.times(4))
    assert torch.equal(law.probability, stepwise.probability)
    hitting = FirstHittingSampler(4, "cosine").law(TARGET, drifting)
    expected = hitting_law(TARGET, drifting, clock("cosine"))
    assert torch.equal(hitting.probability, expected.probability)
    for sampler in (*SAMPLERS[1:2], FirstHittingSampler(4), *SAMPLERS[3:]):
        with pytest.raises(InputError, match="depends on time"):
            sampler.law(TARGET, drifting)
        with pytest.raises(InputError, match="depends on time"):
            sampler.sample(drifting, 5, torch.Generator())


def test_a_hitting_law_starts_at_the_horizon() -> None:
    # One token; t is uniform on (0, T) on the linear clock: E t/(1+t) = 1 − log(1+T)/T.
    target, T = point_mass(1, 4), 0.5
    drifting = Drifting(ExactDenoiser(target), Uniform(4), 0.8)
    law = FirstHittingSampler(1, "linear", T).law(target, drifting)
    mean = 1 - math.log(1 + T) / T
    assert float(law.probability[0]) == pytest.approx(1 - 0.8 * mean * 3 / 4, abs=law.error)
    assert law.error < 2e-3


def test_a_law_needs_sequences_of_the_samplers_length() -> None:
    with pytest.raises(InputError, match="target: has length 3, the sampler 4"):
        SAMPLERS[0].law(family("copies:3:2"), EXACT)
