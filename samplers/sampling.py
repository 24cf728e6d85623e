"""Draws by inverse CDF, random orders, and how many rows are drawn at a time."""

from __future__ import annotations

import torch
from sharprates.samplers.errors import InputError
from torch import Tensor

CPU = torch.device("cpu")


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


def masked_positions(x: Tensor, mask: int) -> tuple[Tensor, Tensor]:
    """The (row, position) pairs of all masks in partial states [n, d], row by row."""
    rows, columns = (x == mask).nonzero(as_tuple=True)
    return rows, columns


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
