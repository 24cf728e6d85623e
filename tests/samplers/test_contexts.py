"""Contexts against sums over rows by brute force."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import contexts as module
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.target import Target


@st.composite
def targets(draw: st.DrawFn) -> Target:
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    word = st.tuples(*[st.integers(0, S - 1)] * d)
    rows = draw(st.lists(word, min_size=1, max_size=10, unique=True))
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


@given(targets())
def test_contexts_are_the_patterns_of_the_rows(target: Target) -> None:
    S, d = target.vocabulary, target.length
    mass: dict[tuple[int, ...], float] = {}
    for row, weight in zip(target.rows.tolist(), target.weights.tolist(), strict=True):
        for shown in product((False, True), repeat=d):
            state = tuple(a if s else S for a, s in zip(row, shown, strict=True))
            mass[state] = mass.get(state, 0.0) + weight
    found = Contexts.of(target)
    states = [tuple(state) for state in found.states.tolist()]
    assert dict(zip(states, found.mass.tolist(), strict=True)) == pytest.approx(mass, abs=1e-15)
    assert len(set(states)) == found.count == len(mass)
    assert found.revealed.tolist() == [d - state.count(S) for state in states]
    assert found.revealed.tolist() == sorted(found.revealed.tolist())
    for state, parents in zip(states, found.parents.tolist(), strict=True):
        for i, parent in enumerate(parents):
            hidden = (*state[:i], S, *state[i + 1 :])
            assert state[i] == S or states[parent] == hidden
    assert found.states[found.full].equal(target.rows)


def test_too_many_contexts_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(needed: int, what: str, remedy: str) -> None:
        raise TooLargeError(f"{what}: {needed} bytes; {remedy}")

    monkeypatch.setattr(module, "check_memory", refuse)
    with pytest.raises(TooLargeError, match="1 sequences of length 3"):
        Contexts.of(Target.from_rows([[0, 0, 0]], [1], 1))
