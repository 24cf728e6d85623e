"""A policy of your own.

Run `sharprates audit words4 --policy book.examples.own_policy:growing`.
"""

import torch


def growing(state, predicted, round):
    """One token, then two, then three, …, the surest first: bool [B, d]."""
    # predicted is [B, d, S]; the mask is the symbol S
    masked = state == predicted.shape[-1]
    sure = predicted.amax(-1).masked_fill(~masked, -1)
    best = sure.argsort(dim=1, descending=True, stable=True)[:, : round + 1]
    return torch.zeros_like(masked).scatter(1, best, True) & masked
