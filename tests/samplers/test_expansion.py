"""Composition expansion: tables and laws against their definitions."""

import math
from contextlib import ExitStack
from fractions import Fraction
from itertools import product
from unittest.mock import patch

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sharprates.samplers import expansion as module
from sharprates.samplers.compositions import (
    CompositionTables,
    compositions,
    first_hitting,
    fixed_blocks,
    monomials,
    multinomials,
)
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser
from sharprates.samplers.distance import deficit, total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.expansion import reached, tables, tables_of_many
from sharprates.samplers.families import dirichlet
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states

# ---------------------------------------------------------------------------------------------
# Laws against brute force in exact fractions
# ---------------------------------------------------------------------------------------------


def conditional(q: dict[tuple[int, ...], Fraction], x, U, i, S, off_support) -> Fraction:
    """q_0(x_i | x_U) summed from q_0; where there is no mass, the convention."""
    fit = {y: v for y, v in q.items() if all(y[j] == x[j] for j in U)}
    if not fit:
        if off_support == "uniform":
            return Fraction(1, S)
        if off_support == "first":
            return Fraction(x[i] == 0)
        fit = q
    return sum((v for y, v in fit.items() if y[i] == x[i]), Fraction(0)) / sum(fit.values())


def brute_law(target: Target, w: list[Fraction], off_support: str, transposed: bool = False):
    """p_out(x): every token picks its step from w; tokens of a step are drawn independently."""
    d, S = target.length, target.vocabulary
    q = {
        tuple(x): Fraction(v)
        for x, v in zip(target.rows.tolist(), target.weights.tolist(), strict=True)
    }
    law = {}
    for x in product(range(S), repeat=d):
        law[x] = Fraction(0)
        for pick in product(range(len(w)), repeat=d):
            chance = math.prod(w[k] for k in pick)
            for i in range(d):
                U = [
                    j for j in range(d) if (pick[j] > pick[i] if transposed else pick[j] < pick[i])
                ]
                chance *= conditional(q, x, U, i, S, off_support)
            law[x] += chance
    return law


@st.composite
def targets(draw, d: int = 3, S: int = 3) -> Target:
    d, S = draw(st.integers(1, d)), draw(st.integers(1, S))
    rows = draw(
        st.lists(st.tuples(*[st.integers(0, S - 1)] * d), min_size=1, max_size=S**d, unique=True)
    )
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


sub_laws = st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(lambda v: sum(v[1:]) > 0)


@given(target=targets(), raw=sub_laws, off_support=st.sampled_from(OFF_SUPPORT))
def test_laws_are_those_of_the_definition(target, raw, off_support):
    # The first number is leftover; zero weights are empty steps.
    w = [float(Fraction(v, sum(raw))) for v in raw[1:]]
    wanted = brute_law(target, [Fraction(v) for v in w], off_support)
    exact = ExactDenoiser(target, off_support)
    # Asked as any denoiser is, and by the masses of contexts; with indices that are kept, and anew.
    asked = Wrapped(target, inner=exact, relative_error=exact.relative_error)
    for denoiser, kept, rows in product((exact, asked), (True, False), ("support", "all")):
        with ExitStack() as changed:
            if not kept:
                changed.enter_context(patch.object(module, "dense_expansion", lambda *_: None))
                changed.enter_context(patch.object(module, "_apart", lambda *_: None))
            law = tables(target, denoiser, rows).law(torch.tensor(w, dtype=torch.float64))
        for x, p in zip(law.rows.tolist(), law.probability.tolist(), strict=True):
            right = wanted[tuple(x)]
            assert abs(Fraction(p) - right) <= Fraction(law.relative_error) * right
        assert law.relative_error < 1e-12
        assert law.dense == (rows == "all")


def test_a_conditional_transposed_is_seen():
    target = Target.from_rows([[0, 0, 0], [0, 1, 1], [1, 0, 1]], [1, 2, 4], 2)
    w = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    law = tables(target, ExactDenoiser(target), "all").law(torch.tensor([0.5, 0.25, 0.25]))
    right = list(brute_law(target, w, "uniform").values())
    wrong = list(brute_law(target, w, "uniform", transposed=True).values())
    assert law.probability.tolist() == pytest.approx([float(p) for p in right], abs=1e-15)
    assert (
        max(abs(p - float(v)) for p, v in zip(law.probability.tolist(), wrong, strict=True)) > 1e-3
    )


@given(target=targets(4, 4), raw=sub_laws)
def test_no_total_variation_depends_on_the_rows_or_the_convention(target, raw):
    w = torch.tensor([v / sum(raw) for v in raw[1:]], dtype=torch.float64)
    found = [
        total_variation(tables(target, ExactDenoiser(target, off), rows).law(w), target).value
        for off in OFF_SUPPORT
        for rows in ("support", "all")
    ]
    assert max(found) - min(found) <= 1e-13
    # L0: masks that are left over are wrong.
    assert min(found) >= 1 - (1 - raw[0] / sum(raw)) ** target.length - 1e-13


@given(target=targets(4, 4))
def test_first_hitting_with_the_exact_denoiser_is_exact(target):
    for rows in ("support", "all"):
        law = tables(target, ExactDenoiser(target), rows).at(first_hitting(target.length))
        value, error = total_variation(law, target)
        assert value <= error <= 1e-13


@given(target=targets(4, 3))
def test_one_step_draws_the_marginals(target):
    law = tables(target, ExactDenoiser(target), "all").at((target.length,))
    marginals = ExactDenoiser(target)(torch.full((1, target.length), target.vocabulary))[0]
    wanted = marginals[torch.arange(target.length), law.rows].prod(1)
    assert torch.allclose(law.probability, wanted, rtol=1e-13, atol=0)
    whole = tables(target, ExactDenoiser(target), "all").law(StepLaw.equal(1))
    assert torch.allclose(whole.probability, wanted, rtol=1e-13, atol=0)


@given(target=targets(), data=st.data())
def test_vertices_and_mixtures(target, data):
    d = target.length
    found = tables(target, ExactDenoiser(target), "all")
    laws = torch.stack([found.at(a).probability for a in compositions(d)])
    # Each is a probability law, and an order-uniform sampler is a mixture of them.
    assert torch.allclose(laws.sum(1), torch.ones(len(laws), dtype=torch.float64), rtol=1e-13)
    raw = data.draw(st.lists(st.integers(0, 5), min_size=len(laws), max_size=len(laws)))
    chances = torch.tensor(raw, dtype=torch.float64) / max(1, sum(raw))
    mixed = found.mixture(chances)
    assert torch.allclose(mixed.probability, chances @ laws, rtol=1e-13, atol=1e-300)
    w = torch.tensor([0.5, 0.2, 0.1], dtype=torch.float64)
    mixed = found.mixture(multinomials(d) * monomials(w, d))
    assert torch.allclose(mixed.probability, found.law(w).probability, rtol=1e-13, atol=1e-300)


def test_fixed_blocks_are_drawn_together():
    # Two equal tokens, shown one after the other or both at once.
    target = Target.from_rows([[0, 0], [1, 1]], [1, 1], 2)
    found = tables(target, ExactDenoiser(target), "all")
    assert found.at(fixed_blocks(2, 1)).probability.tolist() == [0.5, 0, 0, 0.5]
    assert found.at(fixed_blocks(2, 2)).probability.tolist() == [0.25] * 4


def test_the_gradient_of_total_variation_is_that_of_finite_differences():
    generator = torch.Generator().manual_seed(5)
    rows = torch.randint(0, 3, (9, 4), generator=generator)
    weights = torch.rand(9, generator=generator, dtype=torch.float64)
    target = Target.from_rows(rows, weights, 3)
    found = tables(target, ExactDenoiser(target))
    w = torch.tensor([0.3, 0.1, 0.25, 0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: found.law(v).probability, w)
    (slope,) = torch.autograd.grad(deficit(found.law(w), target).sum(), w)
    for k in range(4):
        h = torch.zeros(4, dtype=torch.float64)
        h[k] = 1e-6
        up, down = (total_variation(found.law(w.detach() + s * h), target).value for s in (1, -1))
        assert float(slope[k]) == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-8)


def test_a_dropped_leftover_is_seen():
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    found = tables(target, ExactDenoiser(target))
    kept = total_variation(found.law(torch.tensor([0.5, 0.25])), target).value
    dropped = total_variation(
        found.law(torch.tensor([2 / 3, 1 / 3], dtype=torch.float64)), target
    ).value
    assert kept > dropped + 0.1


# ---------------------------------------------------------------------------------------------
# Rows each for itself
# ---------------------------------------------------------------------------------------------


@given(target=targets(5, 6), together=st.integers(1, 3))
def test_rows_done_each_for_itself_have_the_tables_of_those_that_share_contexts(target, together):
    weights = module._weights(target, ExactDenoiser(target), "cpu")
    with patch.object(module, "_ROW_PAIRS", together * 3**target.length):
        alone = module._row_by_row(target.rows, weights)
    shared = module._table(target.rows, ExactDenoiser(target), weights)
    assert torch.allclose(alone, shared, rtol=1e-13, atol=0)


def test_rows_that_share_few_contexts_are_done_each_for_itself_on_any_number_of_threads():
    generator = torch.Generator().manual_seed(9)
    rows = torch.randint(0, 9, (40, 6), generator=generator)
    target = Target.from_rows(rows, [1.0] * 40, 9)
    denoiser = ExactDenoiser(target)
    weights = module._apart(target, denoiser, 40, "cpu")
    found = tables(target, denoiser).table
    assert torch.equal(found, module._row_by_row(target.rows, weights))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert torch.equal(tables(target, denoiser).table, found)
    torch.set_num_threads(before)
    # Other denoisers are asked once for each context; words of few letters share most of theirs.
    assert module._apart(target, Wrapped(target), 40, "cpu") is None
    words = Target.from_rows(all_states(9, 2)[:100], [1.0] * 100, 2)
    assert module._apart(words, ExactDenoiser(words), 100, "cpu") is None


# ---------------------------------------------------------------------------------------------
# Many laws at once
# ---------------------------------------------------------------------------------------------


@given(
    size=st.sampled_from([(1, 1), (1, 3), (2, 3), (3, 2), (4, 2)]),
    together=st.integers(1, 4),
    data=st.data(),
)
def test_many_laws_at_once_have_the_tables_that_each_has_alone(size, together, data):
    d, S = size
    raw = st.lists(st.integers(0, 9), min_size=S**d, max_size=S**d).filter(any)
    laws = torch.tensor(data.draw(st.lists(raw, min_size=1, max_size=6)))
    laws = laws.reshape(-1, *[S] * d)
    with patch.object(module, "_PAIRS_TOGETHER", together * (1 + 2 * S) ** d):
        found, error = tables_of_many(laws)
    assert error < 1e-13
    for law, table in zip(laws, found, strict=True):
        target = Target.from_pmf(law)
        alone = tables(target, ExactDenoiser(target), "all")
        off = (table - alone.table).abs()
        assert bool((off <= (error + alone.relative_error) * alone.table).all())


def test_a_law_has_the_same_table_whichever_stand_beside_it():
    laws = torch.rand((9, 2, 2, 2, 2), generator=torch.Generator().manual_seed(4)).double()
    whole, _ = tables_of_many(laws)
    for together in (1, 2, 4):
        with patch.object(module, "_PAIRS_TOGETHER", together * 5**4):
            assert torch.allclose(tables_of_many(laws)[0], whole, rtol=1e-14, atol=0)
    backwards, _ = tables_of_many(laws.flip(0))
    assert torch.equal(backwards.flip(0), whole)
    assert not torch.allclose(backwards, whole, rtol=1e-3)


@pytest.mark.parametrize(
    ("laws", "words"),
    [
        (torch.ones(3), r"need shape \(L, S, …, S\), got \(3,\)"),
        (torch.ones(3, 2, 3), r"got \(3, 2, 3\)"),
        (torch.zeros(1, 2, 2), "positive, finite sum"),
        (torch.tensor([[1.0, -0.5]]), "weights ≥ 0"),
        (torch.ones(1, 20, 20, 20, 20, 20), "too many to be kept"),
    ],
)
def test_laws_that_are_none(laws, words):
    with pytest.raises(InputError, match=words):
        tables_of_many(laws)


# ---------------------------------------------------------------------------------------------
# Size, and bad input
# ---------------------------------------------------------------------------------------------


def test_rows_are_cut_into_groups_to_bound_memory(monkeypatch):
    generator = torch.Generator().manual_seed(6)
    target = Target.from_rows(torch.randint(0, 3, (30, 5), generator=generator), [1.0] * 30, 3)
    whole = tables(target, ExactDenoiser(target)).table
    asked = []

    def little(_d: int, _S: int, count: int) -> int:
        asked.append(count)
        return 0 if count < 10 else 1 << 60

    monkeypatch.setattr(module, "_apart", lambda *_: None)
    monkeypatch.setattr(module, "_working_bytes", little)
    cut = tables(target, ExactDenoiser(target)).table
    assert asked[-1] < 10
    assert torch.allclose(cut, whole, rtol=1e-14, atol=0)


def test_sparse_products_and_predictions_are_cut_too(monkeypatch):
    target = Target.from_pmf(torch.rand((2,) * 5, generator=torch.Generator().manual_seed(7)))
    whole = tables(target, ExactDenoiser(target)).table
    monkeypatch.setattr(module, "dense_expansion", lambda *_: None)
    monkeypatch.setattr(module, "_apart", lambda *_: None)
    monkeypatch.setattr(module, "_ENTRIES", 7)
    monkeypatch.setattr(module, "_CELLS", 30)
    for denoiser in (ExactDenoiser(target), Wrapped(target)):
        assert torch.allclose(tables(target, denoiser).table, whole, rtol=1e-14, atol=0)


def test_tables_that_do_not_fit_name_their_size_and_the_way_out():
    target = Target.from_rows(torch.zeros(1, 16, dtype=torch.int64), [1], 4)
    with pytest.raises(
        TooLargeError, match=r"length 16 for 4294967296 sequences .* rows='support'"
    ):
        tables(target, ExactDenoiser(target), "all")
    long = Target.from_rows(torch.zeros(1, 40, dtype=torch.int64), [1], 2)
    with pytest.raises(TooLargeError, match="take at most 30 tokens"):
        tables(long, ExactDenoiser(long))


class Wrapped:
    """The exact denoiser, with properties to lie about."""

    def __init__(self, target: Target, scale: float = 1.0, **properties):
        self.inner = ExactDenoiser(target)
        self.scale = scale
        self.vocabulary, self.time_free, self.normalised = target.vocabulary, True, True
        vars(self).update(properties)

    def __call__(self, x, t=None, positions=None):
        return self.inner(x, t, positions) * self.scale


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"time_free": False}, "depends on time, .* use sharprates.samplers.propagation"),
        ({"normalised": False}, "is not normalised, .* use sharprates.samplers.propagation"),
        ({"vocabulary": 3}, "its vocabulary is 3, the target's 2"),
        ({"scale": math.nan}, "every prediction must be a number ≥ 0"),
        ({"scale": -1.0}, "every prediction must be a number ≥ 0"),
    ],
)
def test_denoisers_that_have_no_expansion(properties, words):
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    with pytest.raises(InputError, match=words):
        tables(target, Wrapped(target, **properties))


def test_a_denoiser_without_stated_error_is_taken_at_its_word():
    target = Target.from_rows([[0, 1], [1, 0], [1, 1]], [1, 2, 4], 2)
    ours, theirs = tables(target, ExactDenoiser(target)), tables(target, Wrapped(target))
    assert torch.allclose(ours.table, theirs.table, rtol=1e-15, atol=0)
    assert theirs.relative_error < ours.relative_error


def test_impossible_arguments():
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    found: CompositionTables = tables(target, ExactDenoiser(target))
    with pytest.raises(InputError, match="its sum must be d = 2"):
        found.at((1, 2))
    with pytest.raises(InputError, match=r"need shape \[2\], got \[3\]"):
        found.mixture(torch.ones(3))
    with pytest.raises(InputError, match="weights"):
        found.law(torch.tensor([0.9, 0.9]))
    with pytest.raises(InputError, match="rows 'dense' is unknown"):
        tables(target, ExactDenoiser(target), "dense")


@given(target=targets(4, 2))
def test_tables_sum_to_the_number_of_ordered_partitions(target):
    found = tables(target, ExactDenoiser(target), "all")
    assume(found.rows.shape == all_states(target.length, target.vocabulary).shape)
    assert torch.allclose(found.table.sum(0), multinomials(target.length), rtol=1e-13)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tables_on_a_gpu():
    target = Target.from_pmf(torch.rand((3,) * 5, generator=torch.Generator().manual_seed(8)))
    here, there = (tables(target, ExactDenoiser(target), "all", dev) for dev in ("cpu", "cuda"))
    assert there.table.is_cuda
    assert torch.allclose(there.table.cpu(), here.table, rtol=1e-13, atol=0)
    w = StepLaw.equal(7)
    one, other = (total_variation(found.law(w), target) for found in (here, there))
    assert abs(one.value - other.value) <= one.error


@pytest.mark.parametrize("wrong", [False, True])
def test_contexts_are_reached_as_the_sampler_of_their_tokens_reaches_them(wrong):
    """The last level is the table itself; a smaller one is the table of the marginal law."""
    target = dirichlet(4, 3, 0.5, 1)
    denoiser = NoisyDenoiser(ExactDenoiser(target), 0.25) if wrong else ExactDenoiser(target)
    levels, error = reached(target, denoiser)
    levels = list(levels)
    assert [len(states) for states, _ in levels] == [math.comb(4, u) * 3**u for u in range(5)]
    assert error == tables(target, denoiser).relative_error
    assert torch.allclose(levels[-1][1], tables(target, denoiser).table, rtol=1e-13)
    states, found = levels[2]
    for x, table in zip(states, found, strict=True):
        i, j = (x < 3).nonzero()[:, 0].tolist()
        p = denoiser(torch.full((1, 4), 3))[0]
        after = [torch.where(torch.arange(4) == k, x, 3)[None] for k in (i, j)]
        singles = p[i, x[i]] * denoiser(after[0])[0, j, x[j]]
        singles += p[j, x[j]] * denoiser(after[1])[0, i, x[i]]
        assert table.tolist() == pytest.approx([float(p[i, x[i]] * p[j, x[j]]), float(singles)])
