"""Compositions and their monomials against the definitions, and the errors of their laws."""

import math
from fractions import Fraction
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import compositions as module
from sharprates.samplers.compositions import (
    CompositionTables,
    composition_index,
    compositions,
    first_hitting,
    fixed_blocks,
    monomials,
    multinomials,
)
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import rounding
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import all_states


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_compositions_stand_in_the_order_of_their_index(d):
    found = compositions(d)
    assert len(set(found)) == 2 ** (d - 1)
    assert all(sum(parts) == d and min(parts) >= 1 for parts in found)
    assert [composition_index(parts) for parts in found] == list(range(2 ** (d - 1)))
    assert found[0] == (d,)
    assert found[-1] == first_hitting(d)
    ways = [math.factorial(d) // math.prod(map(math.factorial, parts)) for parts in found]
    assert multinomials(d).tolist() == ways


def test_fixed_blocks():
    assert fixed_blocks(6, 2) == (2, 2, 2)
    assert fixed_blocks(7, 3) == (3, 3, 1)
    assert fixed_blocks(3, 5) == (3,)
    with pytest.raises(InputError, match="size ≥ 1, got 0"):
        fixed_blocks(4, 0)


@pytest.mark.parametrize("parts", [(), (2, 0), (3, -1)])
def test_impossible_compositions(parts):
    with pytest.raises(InputError, match="at least one block"):
        composition_index(parts)


def brute_monomial(w: list[Fraction], parts: tuple[int, ...]) -> Fraction:
    """Σ_{k_1<…<k_m} ∏ w_{k_j}^{n_j}."""
    chosen = combinations(w, len(parts))
    return sum(
        (math.prod(v**n for v, n in zip(ks, parts, strict=True)) for ks in chosen), Fraction(0)
    )


@given(
    d=st.integers(1, 5),
    w=st.lists(st.floats(0, 1), min_size=1, max_size=8),
    chunk=st.sampled_from([1, 2, 3, 16]),
)
def test_monomials_are_those_of_the_definition(d, w, chunk):
    # Small chunks bring in the joining of several, with and without one left over.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_chunk", lambda _: chunk)
        got = monomials(torch.tensor(w, dtype=torch.float64), d)
        bound = Fraction(rounding(module._monomial_depth(len(w), d)))
    for parts, value in zip(compositions(d), got.tolist(), strict=True):
        wanted = brute_monomial([Fraction(v) for v in w], parts)
        # Products below float64's range lose their digits, and vanish in any sum.
        assert abs(Fraction(value) - wanted) <= bound * wanted + Fraction(1e-300)


@pytest.mark.parametrize(("d", "K"), [(12, 1), (12, 700), (8, 9000), (3, 40), (1, 5)])
def test_monomials_of_uniform_weights(d, K):
    # S3: M_a = C(K, m)/K^d for a composition with m parts; also across blocks of chunks.
    got = monomials(torch.full((K,), 1 / K, dtype=torch.float64), d)
    wanted = [float(Fraction(math.comb(K, len(a)), K**d)) for a in compositions(d)]
    assert torch.allclose(got, torch.tensor(wanted, dtype=torch.float64), rtol=1e-12, atol=0)
    assert float(got @ multinomials(d)) == pytest.approx(1, rel=1e-12)


@given(d=st.integers(1, 5), cut=st.integers(0, 6), data=st.data())
def test_monomials_join_by_deconcatenation(d, cut, data):
    w = torch.tensor(data.draw(st.lists(st.floats(0.01, 1), min_size=6, max_size=6)))
    whole = monomials(w, d)
    for parts, value in zip(compositions(d), whole.tolist(), strict=True):
        total = 0.0
        for m in range(len(parts) + 1):
            pieces = []
            for part, weights in ((parts[:m], w[:cut]), (parts[m:], w[cut:])):
                if not part:
                    pieces.append(1.0)
                elif weights.numel() == 0:
                    pieces.append(0.0)
                else:
                    pieces.append(float(monomials(weights, sum(part))[composition_index(part)]))
            total += pieces[0] * pieces[1]
        assert value == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(("d", "K", "chunk"), [(1, 3, 16), (3, 5, 2), (4, 7, 16), (5, 4, 1)])
def test_monomials_have_the_gradient_of_finite_differences(monkeypatch, d, K, chunk):
    monkeypatch.setattr(module, "_chunk", lambda _: chunk)
    w = torch.rand(K, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: monomials(v, d), w.requires_grad_())


@given(d=st.integers(1, 5), n=st.integers(1, 4), K=st.integers(1, 9), chunk=st.integers(1, 3))
def test_monomials_of_many_schedules_are_those_of_each(d, n, K, chunk):
    w = torch.rand(n, K, generator=torch.Generator().manual_seed(n * K), dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_chunk", lambda _: chunk)
        found = monomials(w, d)
        assert torch.equal(found, torch.stack([monomials(row, d) for row in w]))


@given(
    seed=st.integers(0, 1000),
    w=st.lists(st.floats(0.01, 1), min_size=1, max_size=5),
    hazards=st.booleans(),
)
def test_stated_errors_cover_what_happens_after_the_tables(seed, w, hazards):
    # Tables taken as exact: what is left is the error of weights, monomials, sum and quotient.
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(3, 4, generator=generator, dtype=torch.float64)
    found = CompositionTables(all_states(3, 2)[:3], table, 2, False, 0.0)
    exact = [[Fraction(v) for v in row] for row in table.tolist()]

    ways = [Fraction(int(v)) for v in multinomials(3)]
    if hazards:
        steps, stay, weights = StepLaw.from_hazards(torch.tensor(w, dtype=torch.float64)), 1, []
        for r in map(Fraction, w):
            weights.append(r * stay)
            stay *= 1 - r
    else:
        steps = torch.tensor(w, dtype=torch.float64) / 5
        weights = [Fraction(v) for v in steps.tolist()]
    values = [brute_monomial(weights, a) for a in compositions(3)]
    checks = [(found.law(steps), values)]
    for index, a in enumerate(compositions(3)):
        one = [Fraction(index == other) / ways[index] for other in range(4)]
        checks.append((found.at(a), one))
    chances = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    mixed = [Fraction(c) / n for c, n in zip(chances.tolist(), ways, strict=True)]
    checks.append((found.mixture(chances), mixed))
    for law, factors in checks:
        for p, row in zip(law.probability.tolist(), exact, strict=True):
            wanted = sum((a * b for a, b in zip(row, factors, strict=True)), Fraction(0))
            assert abs(Fraction(p) - wanted) <= Fraction(law.relative_error) * wanted
        assert law.relative_error == law.error < 1e-13
