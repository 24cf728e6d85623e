"""The rules against their definitions in plain Python, their text, and what is refused."""

import math
import re
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.samplers.policies import Policy, policy
from sharprates.samplers.trajectories import trajectories
from torch import Tensor

LEVELS = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]


@st.composite
def states(draw: st.DrawFn, symbols: int = 3) -> tuple[list[bool], list[list[float]]]:
    """Which positions are masked, at least one, and predictions with many ties."""
    d = draw(st.integers(1, 6))
    masked = draw(st.lists(st.booleans(), min_size=d, max_size=d).filter(any))
    S = draw(st.integers(1, symbols))
    weights = st.lists(st.sampled_from(LEVELS), min_size=S, max_size=S).filter(sum)
    p = [draw(weights) for _ in range(d)]
    return masked, [[w / sum(row) for w in row] for row in p]


def chosen(rule: Policy, masked: list[bool], p: list[list[float]]) -> set[int]:
    S = len(p[0])
    state = torch.tensor([[S if hidden else 0 for hidden in masked]])
    predicted = torch.tensor([p], dtype=torch.float64)
    return set(rule.choose(state, predicted, 0)[0].nonzero().squeeze(1).tolist())


def entropy(p: list[float]) -> float:
    return -math.fsum(v * math.log(v) for v in p if v > 0)


def lead(p: list[float]) -> float:
    ordered = sorted(p, reverse=True)
    return ordered[0] - (ordered[1] if len(ordered) > 1 else 0)


SCORES = {"confidence": max, "margin": lead, "entropy": lambda p: -entropy(p)}


def ranked(masked: list[bool], p: list[list[float]], measure: str) -> list[int]:
    hidden = [i for i, one in enumerate(masked) if one]
    return sorted(hidden, key=lambda i: (-round(SCORES[measure](p[i]), 9), i))


@given(states(), st.sampled_from(sorted(SCORES)), st.integers(1, 3))
def test_the_best_positions(
    case: tuple[list[bool], list[list[float]]], measure: str, count: int
) -> None:
    masked, p = case
    rule = policy(f"{measure}:{count}")
    assert chosen(rule, masked, p) == set(ranked(masked, p, measure)[:count])


@given(states(), st.sampled_from(LEVELS))
def test_threshold(case: tuple[list[bool], list[list[float]]], tau: float) -> None:
    masked, p = case
    order = ranked(masked, p, "confidence")
    expected = {i for i in order if round(max(p[i]), 9) >= tau} or {order[0]}
    assert chosen(policy(f"threshold:{tau}"), masked, p) == expected


@given(states(), st.sampled_from([0.0, 0.3, 1.0, 1.5, 3.0, 100.0]))
def test_factor(case: tuple[list[bool], list[list[float]]], f: float) -> None:
    masked, p = case
    order = ranked(masked, p, "confidence")
    counts = [n for n, i in enumerate(order, 1) if round((n + 1) * (1 - max(p[i])), 9) < f]
    assert chosen(policy(f"factor:{f}"), masked, p) == set(order[: max(counts, default=1)])


@given(states(), st.sampled_from([0.0, 0.3, 0.7, 1.5, 10.0]))
def test_entropy_bounded(case: tuple[list[bool], list[list[float]]], gamma: float) -> None:
    masked, p = case
    order = ranked(masked, p, "entropy")
    H = [entropy(p[i]) for i in order]
    n = max(n for n in range(1, len(H) + 1) if round(math.fsum(H[:n]) - max(H[:n]), 9) <= gamma)
    assert chosen(policy(f"entropy-bounded:{gamma}"), masked, p) == set(order[:n])


def test_blocks_from_the_left_are_finished_before_the_next() -> None:
    p = [[0.5, 0.5], [0.9, 0.1], [1.0, 0.0], [1.0, 0.0]]
    assert chosen(policy("left-to-right:2", 4), [True] * 4, p) == {0, 1}
    assert chosen(policy("left-to-right:2", 4), [False, True, True, True], p) == {1}
    assert chosen(policy("left-to-right:2:confidence:1", 4), [True] * 4, p) == {1}
    assert chosen(policy("left-to-right:2:threshold:1", 4), [False, False, True, True], p) == {2, 3}


def bisected(d: int, m: int) -> list[list[int]]:
    """The rounds of bisection by recursion over gaps: (start, separator tokens, gaps)."""

    def gap(start: int, size: int) -> list[list[int]]:
        if size == 0:
            return []
        middle = start + max(0, size - m) // 2
        own = [[middle + j] for j in range(min(m, size))]
        after = middle + len(own)
        parts = gap(start, middle - start), gap(after, start + size - after)
        rounds = max(map(len, parts))
        return own + [
            [i for part in parts if k < len(part) for i in part[k]] for k in range(rounds)
        ]

    return gap(0, d)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_bisection_takes_separators_first(m: int) -> None:
    for d in range(m, 33):
        rule, q = policy(f"bisection:{m}", d), family(f"point-mass:{d}:2")
        found = trajectories(rule, ExactDenoiser(q), q.rows).round_of[0]
        rounds = [(found == k).nonzero().squeeze(1).tolist() for k in range(int(found.max()) + 1)]
        assert rounds == [sorted(one) for one in bisected(d, m)], d
        assert len(rounds) <= rule.most_rounds(d)
        assert m > 1 or len(rounds) == rule.most_rounds(d) == math.floor(math.log2(d)) + 1


def test_ranks_break_ties_and_order_random_blocks() -> None:
    state, p = torch.full((2, 4), 2), torch.full((2, 4, 2), 0.5, dtype=torch.float64)
    ranks = torch.tensor([[3, 0, 2, 1], [0, 1, 2, 3]])
    for text in ("confidence:2", "margin:2", "entropy:2", "random:2"):
        found = policy(text).choose(state, p, 0, ranks)
        assert found.tolist() == [[False, True, False, True], [True, True, False, False]], text
    p[0, 0] = torch.tensor([0.6, 0.4])
    assert policy("confidence:1").choose(state, p, 0, ranks)[0].tolist() == [True] + [False] * 3
    with pytest.raises(InputError, match="give them"):
        policy("random:2").choose(state, p, 0)


def test_no_choice_hangs_on_the_last_bit() -> None:
    third = [1 / 3, 1 / 3 + 1e-13, 1 / 3 - 1e-13]
    assert chosen(policy("confidence:1"), [True] * 2, [[1 / 3] * 3, third]) == {0}
    nearly = [[0.9 - 1e-13, 0.1 + 1e-13], [0.9, 0.1]]
    assert chosen(policy("threshold:0.9"), [True] * 2, nearly) == {0, 1}
    fair = [[0.5 + 1e-13, 0.5 - 1e-13]] * 2
    assert chosen(policy(f"entropy-bounded:{math.log(2)!r}"), [True] * 2, fair) == {0, 1}


@pytest.mark.parametrize(
    "text",
    [
        "confidence:2",
        "margin:1",
        "entropy:1",
        "threshold:0.9",
        "threshold:0",
        "factor:1.25",
        "entropy-bounded:0.5",
        "left-to-right:2",
        "left-to-right:2:threshold:0.9",
        "bisection",
        "bisection:2",
        "random:2",
    ],
)
def test_a_name_is_read_as_what_it_names(text: str) -> None:
    rule = policy(text, 4)
    assert rule.name == text
    assert policy(rule.name) == rule
    assert hash(policy(rule.name)) == hash(rule)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold:0.9", "did you mean threshold:τ"),
        ("treshold:tau", "did you mean threshold:τ"),
        ("surprise", "use confidence:k, "),
        ("confidence", "is written confidence:k"),
        ("confidence:1:2", "whole number ≥ 1, got '1:2'"),
        ("confidence:0", "whole number ≥ 1"),
        ("confidence:-1", "whole number ≥ 1"),
        ("margin:1.5", "whole number ≥ 1"),
        ("confidence:5", "4 tokens only"),
        ("random:5", "4 tokens only"),
        ("bisection:5", "4 tokens only"),
        ("threshold:1.1", "τ must be in [0, 1]"),
        ("threshold:-0.1", "τ must be in [0, 1]"),
        ("threshold:nan", "τ must be a number"),
        ("threshold:high", "τ must be a number"),
        ("entropy-bounded:-1", "γ must be ≥ 0"),
        ("factor:-1", "f must be ≥ 0"),
        ("left-to-right:3", "do not divide 4"),
        ("left-to-right:2:confidence:3", "2 tokens only"),
        ("left-to-right:2:confidnce:1", "did you mean confidence:k"),
        ("no.such.module:thing", "cannot import no.such.module"),
        ("math:pi", "name a function"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        policy(text, 4)
    assert "\n" not in str(caught.value)


OWN = """
import torch

def every_other(state, predicted, round):
    masked = state == predicted.shape[-1]
    return masked & ((masked.cumsum(1) % 2) == 1)

def nothing(state, predicted, round):
    return torch.zeros_like(state, dtype=torch.bool)

def revealed(state, predicted, round):
    return torch.ones_like(state, dtype=torch.bool)

def number(state, predicted, round):
    return 1

def floats(state, predicted, round):
    return torch.ones(state.shape)

def flat(state, predicted, round):
    return torch.ones(len(state), dtype=torch.bool)

def breaks(state, predicted, round):
    return 1 / 0

def exits(state, predicted, round):
    raise SystemExit(0)

def draws(state, predicted, round):
    return (state == predicted.shape[-1]) & (torch.rand(state.shape) < 0.9)

def counts_rows(state, predicted, round):
    masked = state == predicted.shape[-1]
    return masked if len(state) == 1 else masked & (masked.cumsum(1) == 1)

def writes(state, predicted, round):
    state[:] = 0
    predicted[:] = 0
    return torch.ones_like(state, dtype=torch.bool)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_policies.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_policies", raising=False)
    return "own_policies"


def test_a_policy_of_ones_own_is_one_function(own: str) -> None:
    q = family("uniform:4:2")
    found = trajectories(policy(f"{own}:every_other", 4), ExactDenoiser(q), q.rows)
    assert found.round_of.unique(dim=0).tolist() == [[0, 1, 0, 2]]
    # what it is given is its own: writing there changes nothing
    at_once = trajectories(policy(f"{own}:writes", 4), ExactDenoiser(q), q.rows)
    assert at_once.probability.tolist() == [1 / 16] * 16


@pytest.mark.parametrize(
    ("name", "message"),
    [("draws", "answered differently for the same states"), ("counts_rows", "alone than among")],
)
def test_a_policy_without_a_law_is_refused(own: str, name: str, message: str) -> None:
    q = family("uniform:6:2")
    with pytest.raises(InputError, match=message):
        trajectories(policy(f"{own}:{name}", 6), ExactDenoiser(q), q.rows)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "would never end"),
        ("revealed", "revealed already"),
        ("number", "must return a tensor of bool [1, 2], got int"),
        ("floats", "must return a tensor of bool [1, 2], got torch.float32"),
        ("flat", "must return shape [1, 2], got [1]"),
        ("breaks", "ZeroDivisionError"),
        ("exits", "raised SystemExit: 0"),
    ],
)
def test_a_policy_of_ones_own_that_misbehaves_is_told_so(own: str, name: str, message: str) -> None:
    q = family("point-mass:2:1")

    def first(state: Tensor, predicted: Tensor, round: int) -> Tensor:
        # in a second round something is revealed already
        return torch.tensor([[True, False]]) if round == 0 else rule(state, predicted, round)

    found = policy(f"{own}:{name}", 2)
    rule = found.function
    late = type(found)(found.name, first)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        trajectories(late, ExactDenoiser(q), q.rows)
    assert "\n" not in str(caught.value)
    assert found.name in str(caught.value)
