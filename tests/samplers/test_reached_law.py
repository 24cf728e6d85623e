"""Propagation over reached states, against an algorithm on tables of all states."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.policies import Policy, policy
from sharprates.samplers.propagation import propagate_kernel
from sharprates.samplers.reached_law import reached_law
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import Rounds
from torch import Tensor


def kernel_law(q: Target, denoiser: Denoiser, rule: Policy) -> Tensor:
    """The law on the support by the moves between all partial states."""

    def kernel(x: Tensor, step: int) -> Tensor:
        p = denoiser(x)
        move = torch.zeros(*x.shape, q.vocabulary + 1, dtype=torch.float64)
        move[..., -1] = 1
        live = (x == q.vocabulary).any(1).nonzero().squeeze(1)
        row, place = rule.choose(x[live], p[live], step).nonzero().unbind(1)
        move[live[row], place, :-1], move[live[row], place, -1] = p[live[row], place], 0
        return move

    return propagate_kernel(q, kernel, q.length).probability


@given(
    st.integers(1, 4),
    st.integers(2, 3),
    st.sampled_from(["confidence:1", "margin:1", "entropy:1", "threshold:0.6", "bisection"]),
    st.integers(0, 99),
)
@settings(max_examples=25)
def test_two_algorithms_give_one_law(d: int, S: int, text: str, seed: int) -> None:
    q = dirichlet(d, S, 0.5, seed)
    denoiser, rule = ExactDenoiser(q), policy(text, d)
    law = reached_law(rule, denoiser, d)
    assert float(law.mass.sum()) == pytest.approx(1, abs=1e-12)
    places = {tuple(row): mass for row, mass in zip(law.rows.tolist(), law.mass, strict=True)}
    mine = torch.stack([places[tuple(row)] for row in q.rows.tolist()])
    assert float((mine - kernel_law(q, denoiser, rule)).abs().max()) < 1e-12


def test_rounds_are_those_of_the_run_itself() -> None:
    # One of two copies, then the other one, which is sure; a third token is as good as the first.
    q = family("copies:2:2")
    assert reached_law(policy("threshold:0.9"), ExactDenoiser(q), 2).mean_rounds == 2
    assert reached_law(policy("threshold:0.5"), ExactDenoiser(q), 2).mean_rounds == 1


def test_what_a_cap_leaves_is_masked() -> None:
    q = family("uniform:3:2")
    left = reached_law(policy("confidence:1"), ExactDenoiser(q), 3, Rounds(2, "leave"))
    assert left.rows.tolist() == [[a, b, 2] for a in (0, 1) for b in (0, 1)]
    filled = reached_law(policy("confidence:1"), ExactDenoiser(q), 3, Rounds(2, "fill"))
    assert torch.equal(filled.rows, q.rows)
    assert filled.mean_rounds == left.mean_rounds == 2


def test_too_many_states_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = ExactDenoiser(family("uniform:14:2"))
    monkeypatch.setattr("sharprates.samplers.errors.available_bytes", lambda: 1_000_000)
    with pytest.raises(TooLargeError, match="partial states"):
        reached_law(policy("confidence:14"), exact, 14)
