"""Running remasking samplers against their exact laws; rules and their texts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.remasked_law import remembered_law
from sharprates.samplers.remasking import Remasking, RemaskingSampler, remasking
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.tabled import tabled
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test

from tests.samplers.perturbed import Drifting, Mixed, Uniform
from tests.samplers.targets import target

RULES = ("0.2", "max", "rescaled:0.5", "confidence:1", "0.4@0.3:0.8")
NAMES = ("copies:3:3", "markov:4:1/3,2/3:9/10,1/10:1/20,19/20", "dirichlet:3:4")
CHECKS = (*(f"{name} {rule}" for name in NAMES for rule in RULES), "leftover", "in time", "gpu")


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sampler(
    d: int, rule: str, steps: int = 4, curve: str = "linear", last: str = "leave"
) -> RemaskingSampler:
    schedule = Schedule("ancestral", curve, "uniform", steps, last_step=last)
    return RemaskingSampler(d, schedule, remasking(rule))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rule", RULES)
def test_empirical_law_is_the_exact_law(name: str, rule: str, ledger: Ledger) -> None:
    q = target(name)
    denoiser = tabled(Mixed(ExactDenoiser(q), Uniform(q.vocabulary), 0.1), q.length)
    one = sampler(q.length, rule)
    run = one.run(denoiser, 20_000, seeded())
    law = law_on_cells(one.law(q, denoiser), q)
    check = law_test("law", counts(cells(q, run.rows), q), law, ledger.take(f"{name} {rule}"))
    assert check.passed, str(check)
    assert int(run.steps.max()) < run.calls == one.calls


def test_what_is_left_masked_is_in_the_law(ledger: Ledger) -> None:
    q = target("copies:3:3")
    exact = ExactDenoiser(q)
    schedule = Schedule("ancestral", "linear", "uniform", 3, delta=0.25)
    one = RemaskingSampler(3, schedule, remasking("max"))
    run = one.run(exact, 20_000, seeded())
    assert bool((run.rows == 3).any())
    assert bool((run.steps[run.rows == 3] == run.calls).all())
    law = law_on_cells(one.law(q, exact), q)
    found = counts(cells(q, run.rows), q)
    assert law_test("left", found, law, ledger.take("leftover")).passed


def test_a_denoiser_in_time(ledger: Ledger) -> None:
    q = family("dirichlet:3:2")
    drifting = Drifting(ExactDenoiser(q), Uniform(2), 0.9)
    one = sampler(3, "0.3", last="fill")
    law = law_on_cells(one.law(q, drifting), q)
    found = counts(cells(q, one.sample(drifting, 20_000, seeded())), q)
    assert law_test("in time", found, law, ledger.take("in time")).passed


@given(st.sampled_from(["constant", "linear", "cosine"]), st.integers(1, 5), st.booleans())
def test_nothing_masked_again_is_the_ancestral_sampler(curve: str, steps: int, fill: bool) -> None:
    q = family("dirichlet:3:2")
    exact = ExactDenoiser(q)
    one = sampler(3, "0", steps, curve, "fill" if fill else "leave")
    plain = ParallelSampler(3, one.schedule)
    assert torch.equal(one.law(q, exact).probability, plain.law(q, exact).probability)
    # the same hazards, and all states are followed to the same law
    assert [step.reveal for step in one.steps] == plain.step_law.hazards.tolist()
    small = sampler(3, "1e-300", steps, curve, "fill" if fill else "leave").law(q, exact)
    assert torch.allclose(small.probability, plain.law(q, exact).probability, atol=1e-14, rtol=0)


@given(st.floats(0, 1), st.sampled_from(["constant", "rescaled"]), st.integers(1, 6))
def test_each_step_keeps_the_marginal_of_the_clock(amount: float, rule: str, steps: int) -> None:
    schedule = Schedule("ancestral", "cosine", "uniform", steps)
    one = RemaskingSampler(1, schedule, Remasking(rule, amount))
    alpha = clock("cosine").alpha(one.schedule.times(1)).tolist()
    for k, step in enumerate(one.steps):
        most = min(1.0, (1 - alpha[k + 1]) / max(alpha[k], 1e-300))
        assert 0 <= step.sigma <= most + 1e-12
        kept = alpha[k] * (1 - step.sigma) + (1 - alpha[k]) * step.reveal
        assert kept == pytest.approx(alpha[k + 1], abs=1e-12)
    assert one.steps[-1].sigma == 0  # at δ = 0 nothing may be masked again


@pytest.mark.parametrize(("name", "helps"), [("copies:3:2", True), ("dirichlet:4:2", False)])
def test_it_depends_on_the_data_whether_it_helps(name: str, helps: bool) -> None:
    q = family(name)
    exact = ExactDenoiser(q)
    found = [sampler(q.length, rule, 16).law(q, exact) for rule in ("0", "0.1")]
    without, with_it = (total_variation(law, q).value for law in found)
    assert (with_it < without) == helps


def test_rounds_are_those_of_the_run() -> None:
    q = family("dirichlet:3:2")
    one, exact = sampler(3, "0.3", 6, "cosine"), ExactDenoiser(q)
    plain = sampler(3, "0", 6, "cosine")
    with_it, without = one.rounds_on(q, exact), plain.rounds_on(q, exact)
    known = ParallelSampler(3, one.schedule).rounds_on(q, exact)
    assert with_it is not None
    assert without is not None
    assert known is not None
    assert with_it.mean > without.mean == pytest.approx(known.mean)
    assert sampler(3, "confidence:1").rounds_on(q, exact) is None


def test_a_window_of_times() -> None:
    steps = sampler(2, "0.5@0.3:0.6", 10).steps
    assert [step.time for step in steps if step.sigma > 0] == pytest.approx([0.6, 0.5, 0.4, 0.3])


@pytest.mark.parametrize("text", ["0.1", "max", "rescaled:0.5", "confidence:1", "0.1@0.25:0.5"])
def test_a_name_is_read_back(text: str) -> None:
    assert remasking(text).name == text
    assert remasking(remasking(text).name) == remasking(text)


def test_stated_error_covers_another_order_of_sums() -> None:
    q = family("dirichlet:3:2")
    exact, gaps = ExactDenoiser(q), []
    for steps in (3, 4, 5):
        one = sampler(3, "0.2", steps)
        law = one.law(q, exact)
        by_history = remembered_law(exact, 3, one.steps)[tuple(q.rows.unbind(1))]
        gap = (law.probability - by_history).abs()
        # both algorithms round as often at most
        assert bool((gap <= 2 * law.relative_error * law.probability).all())
        gaps.append(float(gap.sum()))
    assert 0 < max(gaps) < 1e-14 < law.error * 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("often", "'often' is no number"),
        ("max:1", "is unknown"),
        ("1.5", r"\[0, 1\]"),
        ("rescaled:-1", r"\[0, 1\]"),
        ("cap:0.1", "is unknown"),
        ("0.1@0.5", "LOW:HIGH"),
        ("0.1@0.8:0.2", "low ≤ high"),
        ("0.1@", "LOW:HIGH"),
        ("rescaled:", "is written rescaled:η"),
        ("confidence", "is written confidence:η"),
    ],
)
def test_bad_texts_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        remasking(text)


def test_only_ancestral_steps() -> None:
    with pytest.raises(InputError, match="ancestral"):
        RemaskingSampler(2, Schedule("euler", "linear", "uniform", 2), remasking("0.1"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_remasking_runs_on_a_gpu(ledger: Ledger) -> None:
    device = torch.device("cuda")
    q = target("dirichlet:3:4")
    schedule = Schedule("ancestral", "linear", "uniform", 4)
    one = RemaskingSampler(3, schedule, remasking("0.2"), device=device)
    law = one.law(q, ExactDenoiser(q))
    rows = one.sample(ExactDenoiser(q), 20_000, torch.Generator(device).manual_seed(1)).cpu()
    found = counts(cells(q, rows), q)
    assert law_test("gpu", found, law_on_cells(law, q), ledger.take("gpu")).passed
