"""Draws by inverse CDF, random orders, and how many rows are drawn at a time."""

from __future__ import annotations

import torch
from sharprates.samplers.errors import InputError
from torch import Tensor

CPU = torch.device("cpu")

# Symbols up to which counting the sums above takes less time than a search (half, at 32; measured).
_COUNTED = 64


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
    symbols = weights.shape[-1]
    cumulative = weights.to(uniforms.dtype).cumsum(-1)
    # A uniform is at most 1 − ε/2, so the product is rounded to less than the total: a sum exceeds
    # it. None does where the total is 0, infinite or no number, or too small for its precision.
    threshold = (uniforms * cumulative[:, -1])[:, None]
    if symbols <= _COUNTED:
        drawn = (symbols - cumulative.gt_(threshold).sum(-1)).to(torch.int64)
    else:
        drawn = torch.searchsorted(cumulative, threshold, right=True).squeeze(-1)
    if drawn.numel() and int(drawn.max()) == symbols:
        raise InputError(
            "denoiser: its weights at a token to be revealed sum to 0 or are not finite; "
            "it must give every reachable context some mass"
        )
    return drawn


def first_above(cumulative: Tensor, uniforms: Tensor) -> Tensor:
    """Where a law's partial sums first exceed each uniform: its inverse CDF.

    [0, 1) is cut into equal cells, most of which no partial sum divides: there the cell tells.

    Args:
        cumulative: [K], increasing.
        uniforms: any shape, same dtype, in [0, 1).

    Returns:
        Integers of the uniforms' shape, as short as 0..K can be held in.
    """
    steps = cumulative.numel()
    cells = 1 << (16 * steps).bit_length()  # a power of two, so that multiplying by it is exact
    if uniforms.numel() < 4 * cells:
        found = torch.searchsorted(cumulative, uniforms.contiguous(), right=True)
        return found.to(shortest(steps))
    edges = torch.arange(cells + 1, dtype=cumulative.dtype, device=cumulative.device) / cells
    start = torch.searchsorted(cumulative, edges[:-1], right=True)
    divided = start < torch.searchsorted(cumulative, edges[1:])
    table = torch.where(divided, -1, start).to(shortest(steps))
    cell = (uniforms * cells).to(torch.int32).flatten()
    found = table.index_select(0, cell).view(uniforms.shape)
    unsure = found < 0
    searched = torch.searchsorted(cumulative, uniforms[unsure], right=True)
    found[unsure] = searched.to(found.dtype)
    return found


def shortest(largest: int) -> torch.dtype:
    """Integers that hold 0 to `largest`; short ones sort twice as fast."""
    return torch.int16 if largest <= torch.iinfo(torch.int16).max else torch.int64


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

    Also bounds the weights that one call is expected to return by about 2^24 numbers.

    Args:
        length: d.
        vocabulary: S.
        share: largest part of a row's tokens that one denoiser call is asked for.
    """
    share = max(share, 2.0**-20)
    tokens = max(2**18, min(2**12 / share, 2**22))
    return max(1, int(min(tokens, 2**24 / (vocabulary * share)) / length))
