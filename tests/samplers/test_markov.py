"""Denoisers with exact conditionals at any length, against enumeration and on long sequences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import markov_chain
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

from book.examples.two_topics import ProductMixture

LONG = ("first hitting", "own rows")
CHECKS = (
    *(f"{name} gap {gap}" for name in LONG for gap in (1, 2, 64)),
    *(f"mixture {name}" for name in LONG),
    "one step",
    "one step against chain",
    "product",
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_chain(S: int, seed: int, zeros: bool = False) -> Tensor:
    A = torch.rand(S, S, generator=seeded(seed), dtype=torch.float64) + 0.01
    if zeros and S > 2:
        A[0, 1] = A[2, 0] = 0
    return A / A.sum(1, keepdim=True)


def random_mixture(C: int, d: int, S: int, seed: int) -> ProductMixture:
    g = seeded(seed)
    weights = torch.rand(C, generator=g, dtype=torch.float64) + 0.1
    marginals = torch.rand(C, d, S, generator=g, dtype=torch.float64)
    marginals[:, 0, 0] = 0
    marginals[:, 0, 1] += 0.1
    return ProductMixture.of(weights / weights.sum(), marginals / marginals.sum(2, keepdim=True))


def check_conditionals(denoiser: Denoiser, target: Target) -> None:
    """Every conditional of every partial state that has mass, with and without `positions`."""
    S, d = target.vocabulary, target.length
    x = all_states(d, S + 1)
    # A context has mass if some support row agrees with it.
    agrees = (x[:, None] == S) | (x[:, None] == target.rows)
    x = x[agrees.all(2).any(1)]
    expected, found = ExactDenoiser(target)(x), denoiser(x)
    hidden = (x == S).nonzero(as_tuple=True)
    assert float((expected[hidden] - found[hidden]).abs().max()) < 1e-12
    order = torch.randperm(hidden[0].numel(), generator=seeded())
    asked = (hidden[0][order], hidden[1][order])
    assert float((expected[asked] - denoiser(x, positions=asked)).abs().max()) < 1e-12


@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 99), st.booleans())
def test_chain_conditionals_agree_with_enumeration(d: int, S: int, seed: int, zeros: bool) -> None:
    chain = MarkovChain.of(random_chain(S, seed, zeros), d)
    assert float((chain.stationary @ chain.transition - chain.stationary).abs().max()) < 1e-14
    target = markov_chain(chain.stationary.tolist(), chain.transition.tolist(), d)
    assert float((chain.log_probability(target.rows).exp() - target.weights).abs().max()) < 1e-13
    check_conditionals(chain, target)


@given(st.integers(1, 60), st.integers(2, 3), st.floats(0, 1), st.integers(0, 99))
def test_two_searches_find_the_same_neighbours(d: int, S: int, shown: float, seed: int) -> None:
    chain = MarkovChain.of(random_chain(S, seed), d)
    g = seeded(seed)
    symbols = torch.randint(S, (20, d), generator=g)
    x = torch.where(torch.rand(20, d, generator=g) < shown, symbols, S)
    rows, columns = (x == S).nonzero(as_tuple=True)
    for one, other in zip(
        chain._from_list(x, rows, columns), chain._from_windows(x, rows, columns), strict=True
    ):
        assert torch.equal(one, other)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 3), st.integers(0, 99))
def test_mixture_conditionals_agree_with_enumeration(C: int, d: int, S: int, seed: int) -> None:
    mixture = random_mixture(C, d, S, seed)
    states = all_states(d, S)
    target = Target.from_rows(states, mixture.log_probability(states).exp(), S)
    check_conditionals(mixture, target)


def test_conditionals_outside_the_support_are_laws() -> None:
    cycle = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    for denoiser in (MarkovChain.of(cycle, 4), random_mixture(2, 4, 3, 0)):
        p = denoiser(all_states(4, 4))
        assert bool((p >= 0).all())
        assert float((p.sum(2) - 1).abs().max()) < 1e-12


def test_a_periodic_chain_is_exact_at_every_gap() -> None:
    cycle = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    chain = MarkovChain.of(cycle, 50)
    assert chain.reach == 49
    x = torch.full((1, 50), 3)
    x[0, 0] = 0
    assert torch.equal(chain(x)[0].argmax(1)[1:], torch.arange(1, 50) % 3)


def test_powers_are_tabled_only_until_they_are_stationary() -> None:
    A = random_chain(3, 0)
    chain, short = MarkovChain.of(A, 5000), MarkovChain.of(A, 200)
    assert chain.reach == short.reach < 60
    x = torch.full((1, 5000), 3)
    x[0, 0] = 1
    assert float((chain(x)[0, 4000] - chain.stationary).abs().max()) < 1e-14
    exact = torch.linalg.matrix_power(A, 20)[1]
    assert float((chain(x)[0, 20] - exact).abs().max()) < 1e-14


def pairs(rows: Tensor, gap: int, S: int) -> Tensor:
    """Counts of (x_i, x_(i+gap)) at one i a row, so that samples are independent."""
    i = rows.shape[1] // 3
    return torch.bincount(rows[:, i] * S + rows[:, i + gap], minlength=S * S)


def pair_law(chain: MarkovChain, gap: int) -> Tensor:
    """The law of (x_i, x_(i+gap)), [S·S], for any i."""
    return (chain.stationary[:, None] * torch.linalg.matrix_power(chain.transition, gap)).flatten()


@pytest.mark.parametrize("name", LONG)
def test_long_sequences_follow_the_chain(name: str, ledger: Ledger) -> None:
    d, n = 1024, 1000
    chain = MarkovChain.of(random_chain(4, 3), d)
    sampler = FirstHittingSampler(d, "constant")
    rows = chain.sample(n, seeded()) if name == "own rows" else sampler.sample(chain, n, seeded())
    for gap in (1, 2, 64):
        law = pair_law(chain, gap)
        check = law_test("pairs", pairs(rows, gap, 4), law, ledger.take(f"{name} gap {gap}"))
        assert check.passed, str(check)


def test_one_parallel_step_loses_the_chain(ledger: Ledger) -> None:
    chain = MarkovChain.of(random_chain(4, 3), 2048)
    rows = ParallelSampler(2048, StepLaw.equal(1)).sample(chain, 2000, seeded())
    alone = torch.outer(chain.stationary, chain.stationary).flatten()
    found = pairs(rows, 1, 4)
    assert law_test("product", found, alone, ledger.take("one step")).passed
    # The same check tells the two laws apart, so the tests above mean something.
    together = pair_law(chain, 1)
    assert not law_test("chain", found, together, ledger.take("one step against chain")).passed


def test_a_long_product_is_exact_under_any_step_law(ledger: Ledger) -> None:
    d, n = 3000, 1000
    p = torch.rand(d, 3, generator=seeded(), dtype=torch.float64)
    product = ProductMixture.product(p / p.sum(1, keepdim=True))
    rows = ParallelSampler(d, StepLaw.equal(5)).sample(product, n, seeded())
    law = torch.outer(product.marginals[0, 1000], product.marginals[0, 1002]).flatten()
    check = law_test("product", pairs(rows, 2, 3), law, ledger.take("product"))
    assert check.passed, str(check)


@pytest.mark.parametrize("name", LONG)
def test_a_long_mixture_keeps_its_components(name: str, ledger: Ledger) -> None:
    d, n = 200, 1000
    # Two components, far apart: a whole row tells which one it came from.
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], dtype=torch.float64)
    weights = torch.tensor([0.3, 0.7], dtype=torch.float64)
    mixture = ProductMixture.of(weights, p[:, None].expand(2, d, 3).contiguous())
    sampler = FirstHittingSampler(d)
    rows = (
        mixture.sample(n, seeded()) if name == "own rows" else sampler.sample(mixture, n, seeded())
    )
    component = (rows == 2).sum(1) > (rows == 0).sum(1)
    found = torch.bincount(component.to(torch.int64) * 3 + rows[:, 7], minlength=6)
    law = (weights[:, None] * p).flatten()
    check = law_test("mixture", found, law, ledger.take(f"mixture {name}"))
    assert check.passed, str(check)


def test_bad_laws_are_named() -> None:
    with pytest.raises(InputError, match="sum to 1"):
        MarkovChain.of(torch.full((2, 2), 0.4, dtype=torch.float64), 3)
    with pytest.raises(InputError, match="several stationary"):
        MarkovChain.of(torch.eye(3, dtype=torch.float64), 3)
    with pytest.raises(InputError, match=r"\[S, S\]"):
        MarkovChain.of(torch.ones(2, 3, dtype=torch.float64), 3)
    with pytest.raises(InputError, match="marginals"):
        ProductMixture.of(torch.ones(1), torch.ones(2, 3, 4))
