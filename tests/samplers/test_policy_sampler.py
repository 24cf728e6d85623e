"""The running policy against its exact law; laws with seeds; known total variations."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.compositions import fixed_blocks
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.reached_law import reached_law
from sharprates.samplers.sampler import Run
from sharprates.samplers.tabled import tabled
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import Rounds
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test

from tests.samplers.perturbed import Drifting, Mixed, Uniform
from tests.samplers.targets import REAL, target

CASES = {
    "dirichlet:3:4": ("confidence:2", "threshold:0.6", "left-to-right:1:factor:2"),
    "copies:3:3": ("threshold:0.9", "entropy-bounded:0.5"),
    "markov:4:1/3,2/3:9/10,1/10:1/20,19/20": ("bisection", "left-to-right:2", "margin:2"),
    "permutations:4:4": ("entropy:3", "factor:2", "random:2"),
    "words4": ("threshold:0.9",),
}
CHECKS = (
    *(f"{name} {text}" for name, texts in CASES.items() for text in texts),
    "capped",
    "seeded",
    "stale",
    "in time",
    "random",
    "gpu",
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def assert_follows(
    name: str, q: Target, sampler: PolicySampler, ledger: Ledger, blur: float = 0.0
) -> Run:
    """20 000 rows against the exact law, within the check's share of the budget."""
    blurred = Mixed(ExactDenoiser(q), Uniform(q.vocabulary), blur)
    # a table of all partial states of the real sets takes longer than the states that are met
    denoiser = tabled(blurred, q.length) if q.support < 1000 else blurred
    run = sampler.run(denoiser, 20_000, seeded())
    law = law_on_cells(sampler.law(q, denoiser), q)
    check = law_test(name, counts(cells(q, run.rows), q), law, ledger.take(name))
    assert check.passed, str(check)
    return run


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in CASES.items() for text in texts]
)
def test_empirical_law_is_the_exact_law(name: str, text: str, ledger: Ledger) -> None:
    q = target(name)
    sampler = PolicySampler(q.length, policy(text))
    run = assert_follows(f"{name} {text}", q, sampler, ledger, 0.0 if name in REAL else 0.1)
    assert int(run.steps.min()) == 0
    assert int(run.steps.max()) < run.calls == sampler.calls


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("capped", PolicySampler(4, policy("confidence:1"), Rounds(2, "leave"))),
        ("seeded", PolicySampler(4, policy("confidence:2"), ties="seed")),
        ("stale", PolicySampler(4, policy("threshold:0.7"), Rounds(cache=2))),
    ],
)
def test_variants_follow_their_laws(name: str, sampler: PolicySampler, ledger: Ledger) -> None:
    run = assert_follows(name, family("markov:4:1/2,1/2:4/5,1/5:1/5,4/5"), sampler, ledger, 0.1)
    left = run.rows == 2
    assert bool(left.any()) == (name == "capped")
    assert bool((run.steps[left] == run.calls).all())


def test_a_denoiser_in_time_is_asked_at_the_times_of_the_rounds(ledger: Ledger) -> None:
    q = dirichlet(3, 2, 0.5, 1)
    drifting = Drifting(ExactDenoiser(q), Uniform(2), 0.9)
    sampler = PolicySampler(3, policy("threshold:0.8"), Rounds(times=(3.0, 1.0, 0.1)))
    law = law_on_cells(sampler.law(q, drifting), q)
    found = counts(cells(q, sampler.sample(drifting, 20_000, seeded())), q)
    assert law_test("in time", found, law, ledger.take("in time")).passed
    with pytest.raises(InputError, match="depends on time"):
        PolicySampler(3, policy("threshold:0.8")).law(q, drifting)


def test_rows_do_not_depend_on_each_other() -> None:
    q = family("dirichlet:4:3:0.5:2")
    exact = ExactDenoiser(q)
    u = torch.rand(40, 2, 4, generator=seeded(), dtype=torch.float64)
    for text in ("threshold:0.6", "entropy-bounded:0.8", "left-to-right:2:margin:1", "bisection"):
        sampler = PolicySampler(4, policy(text), ties="seed")
        together = sampler.run_batch(exact, u)
        for i in (0, 7, 39):
            alone = sampler.run_batch(exact, u[i : i + 1])
            assert torch.equal(alone.rows[0], together.rows[i])
            assert torch.equal(alone.steps[0], together.steps[i])


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=15)
def test_random_blocks_are_the_block_sampler(d: int, k: int, S: int, seed: int) -> None:
    k = min(k, d)
    q = dirichlet(d, S, 0.5, seed)
    exact, sampler = ExactDenoiser(q), PolicySampler(d, policy(f"random:{k}"))
    blocks = BlockSampler(d, fixed_blocks(d, k)).law(q, exact).probability
    # by its composition, and by the mean over all orders, which knows no composition
    assert torch.equal(sampler.law(q, exact).probability, blocks)
    assert float((sampler.law_on(q, exact).probability - blocks).abs().max()) <= 1e-13


def test_a_law_with_a_seed_is_the_mean_over_orders() -> None:
    q = family("dirichlet:3:2:0.5:3")
    sampler = PolicySampler(3, policy("threshold:0.9"), ties="seed")
    exact = Mixed(ExactDenoiser(q), Uniform(2), 0.1)
    orders = sampler.orders()
    assert len(orders) == 6
    laws = [reached_law(sampler.policy, exact, 3, ranks=order).mass for order in orders]
    mean = torch.stack(laws).mean(0)
    assert float((sampler.law_on(q, exact, "all").probability - mean).abs().max()) <= 1e-13
    with pytest.raises(TooLargeError, match="720 can be enumerated"):
        PolicySampler(8, policy("threshold:0.9"), ties="seed").orders()


@pytest.mark.parametrize(
    ("text", "of_the_largest"), [("confidence:1", 0), ("margin:1", 0), ("threshold:1", 0)]
)
def test_one_token_a_round_is_exact(text: str, of_the_largest: float) -> None:
    # P2 (i): whatever the order depends on
    q = family("dirichlet:4:3:0.5:7")
    law = PolicySampler(4, policy(text)).law(q, ExactDenoiser(q))
    assert total_variation(law, q).value <= of_the_largest + 1e-15


def test_pairs_and_permutations() -> None:
    # Pairs: one of each in the first round, then the copies: exact in two rounds by thresholds …
    q = family("pairs:4:2")
    law = PolicySampler(4, policy("threshold:0.9")).law(q, ExactDenoiser(q))
    assert total_variation(law, q).value < 1e-15
    # … and P5 (a) for permutations: 1 − ∏ (M)_B/M^B
    p = family("permutations:5:5")
    found = PolicySampler(5, policy("confidence:2")).law(p, ExactDenoiser(p))
    expected = 1 - Fraction(5 * 4 * 3 * 2, 5**2 * 3**2)
    assert total_variation(found, p).value == pytest.approx(float(expected), abs=1e-14)


def test_the_dense_law_has_the_same_distance() -> None:
    q = family("sparse-dirichlet:4:3:9")
    for text in ("confidence:2", "entropy-bounded:0.6"):
        sampler = PolicySampler(4, policy(text))
        for convention in ("uniform", "first"):
            exact = ExactDenoiser(q, convention)
            on_support, dense = (sampler.law_on(q, exact, rows) for rows in ("support", "all"))
            assert dense.dense
            assert dense.total == pytest.approx(1, abs=1e-13)
            a, b = total_variation(on_support, q), total_variation(dense, q)
            assert abs(a.value - b.value) <= a.error + b.error


def test_stated_errors_cover_another_way_to_add() -> None:
    q = target("words4")
    sampler, exact = PolicySampler(4, policy("threshold:0.9")), ExactDenoiser(q)
    law = sampler.law(q, exact)
    value, error = total_variation(law, q)
    other = q.weights * -torch.expm1(
        (sampler.trajectories(exact, q.rows).log_probability - q.weights.log()).clamp(max=0)
    )
    assert math.fsum(other.tolist()) == pytest.approx(value, abs=10 * error)
    assert 0 < error < 1e-13


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InputError, match="ties"):
        PolicySampler(2, policy("confidence:1"), ties="right")
    with pytest.raises(InputError, match="2 tokens only"):
        PolicySampler(2, policy("confidence:3"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("text", ["threshold:0.6", "bisection:2", "random:2"])
def test_policies_run_on_a_gpu(text: str, ledger: Ledger) -> None:
    device = torch.device("cuda")
    q = target("dirichlet:3:4")
    sampler, exact = PolicySampler(3, policy(text), device=device), ExactDenoiser(q)
    law = sampler.law(q, exact)
    assert torch.allclose(
        law.probability.cpu(), PolicySampler(3, policy(text)).law(q, exact).probability
    )
    rows = sampler.sample(exact, 20_000, torch.Generator(device).manual_seed(1)).cpu()
    level = ledger.take("gpu") / 3
    check = law_test(text, counts(cells(q, rows), q), law_on_cells(law, q), level)
    assert check.passed, str(check)
