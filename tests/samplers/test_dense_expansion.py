"""The expansion with indices that are kept, against the one that finds them anew."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import dense_expansion as module
from sharprates.samplers import errors
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.dense_expansion import dense_expansion, working_bytes
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.expansion import tables
from sharprates.samplers.target import Target, all_states

CPU = torch.device("cpu")
SIZES = [(1, 1), (1, 5), (2, 3), (3, 2), (4, 3), (6, 2)]
# Here the first tokens are a head: of one, two and three, over vocabularies of two and one.
LONG = [(4, 2), (5, 2), (4, 1)]


@contextmanager
def short_tails(pairs: int = 30) -> Iterator[None]:
    """Tails of so few tokens that short sequences have a head."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_PAIRS", pairs)
        patch.setattr(module, "_FEWEST_TOKENS", 1)
        dense_expansion.cache_clear()
        yield
    dense_expansion.cache_clear()


def random(d: int, S: int, seed: int) -> Target:
    generator = torch.Generator().manual_seed(seed)
    return Target.from_pmf(torch.rand((S,) * d, generator=generator, dtype=torch.float64) + 1e-3)


def anew(target: Target) -> torch.Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sharprates.samplers.expansion.dense_expansion", lambda *_: None)
        patch.setattr("sharprates.samplers.expansion._apart", lambda *_: None)
        return tables(target, ExactDenoiser(target), "all").table


@given(size=st.sampled_from(SIZES + LONG), seed=st.integers(0, 2**31))
def test_both_expansions_give_the_same_tables(size, seed):
    target = random(*size, seed)
    with short_tails() if size in LONG else nullcontext():
        kept = dense_expansion(*size, CPU)
        table = kept.table(ExactDenoiser(target))
    assert (len(kept.heads) > 1) == (size in LONG)
    assert torch.allclose(table, anew(target), rtol=1e-13, atol=0)


@pytest.mark.parametrize("size", [(3, 2), (5, 2)])
def test_a_prediction_read_at_the_wrong_place_is_seen(size):
    target = random(*size, 1)
    denoiser, right = ExactDenoiser(target), anew(target)
    with short_tails() if size in LONG else nullcontext():
        kept = dense_expansion(*size, CPU)
        for wrong in (lambda x: denoiser(x).flip(2), lambda x: denoiser(x).roll(1, 0)):
            assert not torch.allclose(kept.table(wrong), right, rtol=1e-3)


def test_the_numbers_depend_neither_on_free_memory_nor_on_threads(monkeypatch):
    """Sequences that begin alike are done together, in groups as large as fit."""
    target = random(5, 2, 2)
    with short_tails():
        kept = dense_expansion(5, 2, CPU)
        h, groups = len(kept.heads[0].context), []
        columns = module.DenseExpansion._columns
        monkeypatch.setattr(
            module.DenseExpansion,
            "_columns",
            lambda self, predict, begin: groups.append(begin) or columns(self, predict, begin),
        )
        whole = kept.table(ExactDenoiser(target))
        assert groups == [[]]
        for alike in range(1, h + 1):
            groups.clear()
            # Half of what is free is just enough for groups of this size.
            monkeypatch.setattr(
                module, "free_bytes", lambda _, a=alike: 2 * working_bytes(5, 2, h, a)
            )
            assert torch.equal(kept.table(ExactDenoiser(target)), whole)
            assert groups == all_states(alike, 2).tolist()
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        assert torch.equal(kept.table(ExactDenoiser(target)), whole)
        torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(4, 2), (5, 2), (4, 3), (6, 2)])
def test_small_matrices_are_filled_up_and_neither_they_nor_sparse_ones_depend_on_threads(size):
    denoiser, kept = ExactDenoiser(random(*size, 3)), dense_expansion(*size, CPU)
    assert (kept.filled is None) == (size == (6, 2))
    found, sparse = kept.table(denoiser), replace(kept, filled=None).table(denoiser)
    assert torch.allclose(found, sparse, rtol=1e-13, atol=0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert torch.equal(kept.table(denoiser), found)
    torch.set_num_threads(before)


def test_fourteen_tokens_fit_into_24_gib_and_elsewhere_it_is_said_how_much_they_need(monkeypatch):
    target, table = random(14, 2, 3), 8 << (14 + 13)
    # Of 22 GiB that are free, half is for the work, without the table.
    fits = [working_bytes(14, 2, 6, alike) <= 11 << 30 for alike in range(4)]
    assert fits == [False, False, True, True]
    assert table + working_bytes(14, 2, 6, 2) < 0.8 * (22 << 30)
    dense_expansion.cache_clear()
    for where in (module, errors):
        monkeypatch.setattr(where, "free_bytes", lambda _: 2 << 30)
    with pytest.raises(TooLargeError, match=r"length 14 for 16384 sequences would take 2\.\d+ GiB"):
        tables(target, ExactDenoiser(target))


@pytest.mark.parametrize(("d", "S"), SIZES)
def test_tails_with_fewer_tokens_come_first(d, S):
    kept = dense_expansion(d, S, CPU)
    shown = (kept.tails < S).sum(1)
    assert len({tuple(x) for x in kept.tails.tolist()}) == (S + 1) ** d
    assert bool((shown.diff() >= 0).all())


def test_what_is_kept_is_bounded_and_large_vocabularies_are_not():
    kept = dense_expansion(10, 2, CPU)
    assert kept is not None
    assert len(kept.heads) == 3**2
    assert kept.cells.shape[1] <= module._MOST_PAIRS
    assert dense_expansion(4, 26, CPU) is None


def test_it_is_made_once():
    assert dense_expansion(3, 3, CPU) is dense_expansion(3, 3, CPU)
