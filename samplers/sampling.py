"""What every running sampler shares: one protocol, one way to draw, one use of randomness.

Each row owns a fixed number of uniforms, drawn row after row from the generator. On a CPU the
generator is a sequential stream, so the same seed gives the same rows whatever the batch size and
the number of threads (up to a denoiser whose own rounding depends on them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.errors import InputError
from torch import Tensor

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Run:
    """What a sampler did.

    Attributes:
        rows: int64 [n, d], the samples; S where a token was never revealed.
        steps: int64 [n, d], the denoiser call, from 0, at which each token was revealed;
            `calls` where none was.
        calls: denoiser calls of one trajectory.
        times: float64 [n, calls], the times handed to the denoiser where they differ by row.
    """

    rows: Tensor
    steps: Tensor
    calls: int
    times: Tensor | None = None


class Sampler(Protocol):
    """Anything that draws sequences: its law is what the suite measures."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        ...

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent sequences.

        Args:
            n: how many, ≥ 0.
            generator: the only source of randomness, on the sampler's device.

        Returns:
            int64 [n, d]; S where a token was left masked.
        """
        ...


def draw(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Draw one symbol a row by inverse CDF; a symbol of weight 0 is never drawn.

    Args:
        weights: [n, S], not negative; need not be normalised.
        uniforms: [n], in [0, 1).

    Returns:
        int64 [n], symbols in 0..S-1.

    Raises:
        InputError: if a row's weights have no positive, finite sum.
    """
    cumulative = weights.to(uniforms.dtype).cumsum(-1)
    total = cumulative[:, -1]
    if not bool(((total > 0) & (total < torch.inf)).all()):
        raise InputError(
            "denoiser: its weights at a token to be revealed sum to 0 or are not finite; "
            "it must give every reachable context some mass"
        )
    # u·total may round up to total, and then no partial sum would exceed it.
    below = torch.nextafter(total, torch.zeros_like(total))
    threshold = torch.minimum(uniforms * total, below)
    return torch.searchsorted(cumulative, threshold[:, None], right=True).squeeze(-1)


def random_order(uniforms: Tensor) -> Tensor:
    """A uniformly random order of the d positions in every row.

    Args:
        uniforms: [n, d], in [0, 1). Two equal ones (probability below d²·2^−54 a row in float64)
            keep their places.

    Returns:
        int64 [n, d]; entry j is the position that comes j-th.
    """
    return torch.argsort(uniforms, dim=1, stable=True)


def masked_positions(x: Tensor, mask: int) -> Positions:
    """The (row, position) pairs of all masks in partial states [n, d], row by row."""
    rows, columns = (x == mask).nonzero(as_tuple=True)
    return rows, columns


def check_times(times: Tensor | None, calls: int, denoiser: Denoiser) -> None:
    """Check that a time-dependent denoiser will be given one time a call.

    Raises:
        InputError: if times are missing where needed, or their number is not `calls`.
    """
    if times is None:
        if not denoiser.time_free:
            raise InputError("times: this denoiser depends on time; give one time a denoiser call")
    elif times.shape != (calls,):
        raise InputError(f"times: need {calls}, one a denoiser call, got {list(times.shape)}")


def batch_rows(length: int, vocabulary: int, share: float = 1.0) -> int:
    """Rows handled at a time: enough to hide per-call overhead, few enough to stay in cache.

    Also bounds the weights that one call is expected to return by 2^24 numbers.

    Args:
        length: d.
        vocabulary: S.
        share: largest part of a row's tokens that one denoiser call is asked for.
    """
    share = max(share, 2.0**-20)
    tokens = max(2**18, min(2**14 / share, 2**22))
    return max(1, int(min(tokens, 2**24 / (vocabulary * share)) / length))


class Settings(Protocol):
    """What `in_batches` reads off a sampler; the samplers document these."""

    @property
    def length(self) -> int: ...  # noqa: D102 - a data attribute

    @property
    def vocabulary(self) -> int: ...  # noqa: D102 - a data attribute

    @property
    def device(self) -> torch.device: ...  # noqa: D102 - a data attribute

    @property
    def dtype(self) -> torch.dtype: ...  # noqa: D102 - a data attribute

    @property
    def batch(self) -> int | None: ...  # noqa: D102 - a data attribute


def in_batches(
    sampler: Settings,
    n: int,
    generator: torch.Generator,
    uniforms: int,
    share: float,
    one: Callable[[Tensor], Run],
) -> Run:
    """Run a sampler batch by batch, each row with its own uniforms.

    Args:
        sampler: device, dtype, and rows at a time (None: `batch_rows`).
        n: rows in all, ≥ 0.
        generator: on the sampler's device.
        uniforms: how many a token needs.
        share: largest part of a row's tokens that one denoiser call is asked for.
        one: from uniforms [b, uniforms, d] to the run of b rows.

    Returns:
        All runs joined, in the order drawn.

    Raises:
        InputError: for no length, a negative n, a batch below 1, or a generator on another device.
    """
    d, device = sampler.length, sampler.device
    if d < 1:
        raise InputError(f"length: need d ≥ 1, got {d}")
    batch = batch_rows(d, sampler.vocabulary, share) if sampler.batch is None else sampler.batch
    if n < 0:
        raise InputError(f"n: need a number of rows ≥ 0, got {n}")
    if batch < 1:
        raise InputError(f"batch: need at least 1 row at a time, got {batch}")
    if generator.device.type != device.type:
        raise InputError(
            f"generator: lives on {generator.device}, the sampler runs on {device}; "
            f"use torch.Generator(device={device.type!r})"
        )
    runs = []
    for start in range(0, max(n, 1), batch):
        shape = (min(batch, n - start), uniforms, d)
        runs.append(one(torch.rand(shape, generator=generator, dtype=sampler.dtype, device=device)))
    if len(runs) == 1:
        return runs[0]
    times = [run.times for run in runs if run.times is not None]
    return Run(
        torch.cat([run.rows for run in runs]),
        torch.cat([run.steps for run in runs]),
        runs[0].calls,
        torch.cat(times) if times else None,
    )
