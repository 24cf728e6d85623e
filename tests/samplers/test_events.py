"""Which tokens are revealed together: beside a plain loop over rows."""

from random import Random

import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.events import busy_steps, tokens_by_key


@given(st.integers(0, 4), st.integers(1, 5), st.sampled_from([1, 3, 300]), st.randoms())
def test_busy_steps_are_numbered_row_by_row(n: int, d: int, steps: int, random: Random) -> None:
    nearby = [random.randrange(steps + 1) for _ in range(2)] + [steps]
    at = [[random.choice(nearby) for _ in range(d)] for _ in range(n)]
    number, count = busy_steps(torch.tensor(at, dtype=torch.int64).view(n, d), steps)
    busy = [sorted(set(row) - {steps}) for row in at]
    assert count.tolist() == [len(one) for one in busy]
    assert number.tolist() == [
        [one.index(k) if k < steps else d for k in row] for one, row in zip(busy, at, strict=True)
    ]


def test_busy_steps_are_numbered_where_one_row_fills_a_table() -> None:
    steps = 2**24
    number, count = busy_steps(torch.tensor([[7, 0, 7], [steps, steps - 1, 0]]), steps)
    assert number.tolist() == [[1, 0, 1], [3, 1, 0]]
    assert count.tolist() == [2, 2]


@given(st.integers(0, 4), st.integers(1, 5), st.sampled_from([1, 3, 255, 256]), st.randoms())
def test_groups_are_those_of_a_search(n: int, d: int, number: int, random: Random) -> None:
    """Keys beyond the last group are in none, also where they need more than a byte."""
    nearby = [random.randrange(number), number - 1, number, 256, 257]
    keys = torch.tensor([random.choice(nearby) for _ in range(n * d)], dtype=torch.int16)
    found = [tuple(part.tolist() for part in one) for one in tokens_by_key(keys.view(n, d), number)]
    assert len(found) == number
    for k in {one for one in nearby if one < number}:
        flat = [i for i, key in enumerate(keys.tolist()) if key == k]
        assert found[k] == (flat, [i // d for i in flat], [i % d for i in flat])
