"""Tokens revealed together, when the step of each is drawn before all values."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.sampling import draw, shortest
from torch import Tensor


def draw_values(
    denoiser: Denoiser, at: Tensor, u: Tensor, steps: int, times: Tensor | None = None
) -> Tensor:
    """Draw the values of rows whose steps are known.

    Args:
        denoiser: normalised.
        at: [n, d], the step of each token, `steps` where there is none.
        u: [n, d], in [0, 1), which draw the values.
        steps: K ≥ 1.
        times: [K], of the steps, for a denoiser that sees them.

    Returns:
        int64 [n, d], S where a token is not revealed.

    Raises:
        InputError: if the denoiser gives no mass where it is needed.
    """
    if denoiser.time_free or times is None:
        return _by_event(denoiser, at, u, steps)
    return _by_step(denoiser, at, u.flatten(), times.tolist())


def _by_event(denoiser: Denoiser, at: Tensor, u: Tensor, steps: int) -> Tensor:
    """At most min(K, d) calls.

    One call takes each row's first step that reveals something, whenever it is, the next one each
    row's second. Rows lie by how many they have: those of a call are a slice, not a copy.
    """
    event, count = busy_steps(at, steps)
    count, rows = torch.sort(count, descending=True)
    event, u = event.index_select(0, rows), u.index_select(0, rows).flatten()
    calls = int(count[0]) if len(count) else 0
    longer = torch.searchsorted(-count, -torch.arange(calls, device=at.device)).tolist()
    x = torch.full(at.shape, denoiser.vocabulary, device=at.device)
    for n, (flat, row, column) in zip(longer, tokens_by_key(event, calls), strict=True):
        predicted = denoiser(x[:n], positions=(row, column))
        x.view(-1).scatter_(0, flat, draw(predicted, u.index_select(0, flat)))
    return torch.empty_like(x).index_copy_(0, rows, x)


def _by_step(denoiser: Denoiser, at: Tensor, u: Tensor, times: list[float]) -> Tensor:
    """One call a step, also where it reveals nothing, of the rows in which it does."""
    x = torch.full(at.shape, denoiser.vocabulary, device=at.device)
    for t, (flat, row, column) in zip(times, tokens_by_key(at, len(times)), strict=True):
        rows, local = torch.unique_consecutive(row, return_inverse=True)
        contexts = x.index_select(0, rows) if rows.numel() else x[:1]
        predicted = denoiser(contexts, t, positions=(local, column))
        x.view(-1).scatter_(0, flat, draw(predicted, u.index_select(0, flat)))
    return x


def busy_steps(at: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Numbers the steps in which something is revealed, row by row.

    Args:
        at: [n, d], the step of each token, `steps` where there is none.
        steps: K ≥ 1.

    Returns:
        the number 0, 1, … of each token's step, d where there is none, [n, d]; and how many such
        steps each row has, [n].
    """
    d, found = at.shape[1], []
    size = max(1, 2**24 // steps)  # bounds the tables of all steps
    for some in torch.split(at.to(torch.int64), size):
        busy = torch.zeros(len(some), steps + 1, dtype=torch.bool, device=at.device)
        number = busy.scatter_(1, some, True).cumsum(1, dtype=shortest(d + 1))
        count = number[:, steps - 1].clone()
        number[:, steps] = d + 1
        found.append((number.gather(1, some) - 1, count))
    numbers, counts = (torch.cat(parts) for parts in zip(*found, strict=True))
    return numbers, counts


def tokens_by_key(key: Tensor, number: int) -> Iterator[tuple[Tensor, ...]]:
    """The tokens whose keys [n, d] are 0, 1, …: their places in n·d, rows and positions, in order.

    One sort in place of a search for each; keys of one byte sort twice as fast.
    """
    d, key = key.shape[1], key.flatten().clamp(max=number)
    key, order = torch.sort(key.to(torch.uint8) if number < 256 else key, stable=True)
    every = torch.arange(number, dtype=key.dtype, device=key.device)
    ends = torch.searchsorted(key, every, right=True).tolist()
    each = (order, order // d, order % d)
    return zip(*(torch.tensor_split(one, ends)[:number] for one in each), strict=True)
