"""Which tokens are revealed together: beside plain loops over rows."""

from random import Random

import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.events import busy_steps, draw_values, tokens_by_key
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.sampling import draw
from torch import Tensor


class Watched:
    """Writes down the time and the rows of each call; of every row something must be asked."""

    normalised = True

    def __init__(self, inner: Denoiser, time_free: bool) -> None:
        self.inner, self.vocabulary, self.time_free = inner, inner.vocabulary, time_free
        self.calls: list[tuple[Tensor | float | None, int]] = []

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        assert positions is not None
        assert bool((x[positions] == self.vocabulary).all())
        asked = positions[0].unique().tolist()
        assert asked == list(range(len(x) if asked else 0))
        self.calls.append((t, len(x)))
        return self.inner(x, t, positions)


def one_by_one(denoiser: Denoiser, at: list[list[int]], u: Tensor, steps: int) -> Tensor:
    """The same rows, each for itself, step by step."""
    x = torch.full(u.shape, denoiser.vocabulary)
    for i, row in enumerate(at):
        for k in range(steps):
            columns = torch.tensor(
                [j for j, step in enumerate(row) if step == k], dtype=torch.int64
            )
            if len(columns):
                positions = (torch.zeros_like(columns), columns)
                predicted = denoiser(x[i : i + 1], None, positions)
                x[i, columns] = draw(predicted, u[i, columns])
    return x


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 7), st.randoms())
def test_values_are_those_of_each_row_alone(n: int, d: int, steps: int, random: Random) -> None:
    """No row is paid for that reveals nothing, but one where a time has none."""
    at = [[random.randrange(steps + 1) for _ in range(d)] for _ in range(n)]
    u = torch.tensor([[random.random() for _ in range(d)] for _ in range(n)], dtype=torch.float64)
    exact = ExactDenoiser(dirichlet(d, 2, 0.5, seed=random.randrange(100)))
    blind, seeing = Watched(exact, True), Watched(exact, False)
    times = torch.arange(steps, 0, -1, dtype=torch.float64)
    expected = one_by_one(exact, at, u, steps)
    for denoiser, given_times in ((blind, None), (seeing, times)):
        assert torch.equal(draw_values(denoiser, torch.tensor(at), u, steps, given_times), expected)
    busy = [len(set(row) - {steps}) for row in at]
    assert blind.calls == [(None, sum(b > j for b in busy)) for j in range(max(busy))]
    rows = [max(1, sum(k in row for row in at)) for k in range(steps)]
    assert seeing.calls == list(zip(times.tolist(), rows, strict=True))
    # times are no reason to call a denoiser more often that does not see them
    again = Watched(exact, True)
    draw_values(again, torch.tensor(at), u, steps, times)
    assert again.calls == blind.calls


def test_no_rows_have_no_calls() -> None:
    denoiser = Watched(ExactDenoiser(family("copies:3:2")), True)
    none = torch.zeros(0, 3, dtype=torch.int64)
    assert draw_values(denoiser, none, none.double(), 2).shape == (0, 3)
    assert denoiser.calls == []


def test_long_rows_of_few_steps_keep_their_masks() -> None:
    """More positions than one byte counts."""
    at = torch.arange(2 * 300).view(2, 300) % 3
    u = torch.full((2, 300), 0.5, dtype=torch.float64)
    x = draw_values(ExactDenoiser(family("copies:300:2")), at, u, 2)
    assert torch.equal(x == 2, at == 2)


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
