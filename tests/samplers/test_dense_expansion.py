"""The expansion with indices that are kept, against the one that finds them anew."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import dense_expansion as module
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.dense_expansion import dense_expansion
from sharprates.samplers.expansion import tables
from sharprates.samplers.target import Target

CPU = torch.device("cpu")
SIZES = [(1, 1), (1, 5), (2, 3), (3, 2), (4, 3), (6, 2)]


def random(d: int, S: int, seed: int) -> Target:
    generator = torch.Generator().manual_seed(seed)
    return Target.from_pmf(torch.rand((S,) * d, generator=generator, dtype=torch.float64) + 1e-3)


def anew(target: Target) -> torch.Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sharprates.samplers.expansion.dense_expansion", lambda *_: None)
        return tables(target, ExactDenoiser(target), "all").table


@given(size=st.sampled_from(SIZES), seed=st.integers(0, 2**31))
def test_both_expansions_give_the_same_tables(size, seed):
    target = random(*size, seed)
    kept = dense_expansion(*size, CPU)
    table = kept.table(ExactDenoiser(target)(kept.states))
    assert torch.allclose(table, anew(target), rtol=1e-13, atol=0)


def test_a_prediction_read_at_the_wrong_place_is_seen():
    target = random(3, 2, 1)
    kept = dense_expansion(3, 2, CPU)
    predictions = ExactDenoiser(target)(kept.states)
    assert not torch.allclose(kept.table(predictions.flip(2)), anew(target), rtol=1e-3)
    assert not torch.allclose(kept.table(predictions.roll(1, 0)), anew(target), rtol=1e-3)


@pytest.mark.parametrize(("d", "S"), SIZES)
def test_contexts_that_hide_a_token_fewer_shown_first(d, S):
    kept = dense_expansion(d, S, CPU)
    shown = (kept.states < S).sum(1)
    assert len({tuple(x) for x in kept.states.tolist()}) == (S + 1) ** d - S**d
    assert bool((shown.diff() >= 0).all())
    assert bool((shown < d).all())


def test_large_spaces_are_not_kept():
    kept = dense_expansion(7, 2, CPU)
    assert kept is not None
    assert sum(map(len, kept.below)) <= module._MOST_PAIRS
    assert dense_expansion(8, 2, CPU) is None


def test_it_is_made_once():
    assert dense_expansion(3, 3, CPU) is dense_expansion(3, 3, CPU)
