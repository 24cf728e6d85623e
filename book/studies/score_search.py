"""A search for data laws, denoisers and step laws that come near an open bound, by gradient ascent.

Many starts climb at once. What they find is float64: a value below the bound is evidence, no proof,
and one above it would be a candidate to be decided in fractions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """Many instances (q_0, p̂, w) of one size, differentiable in all of them.

    Attributes:
        q: q_0 on [S]^d, [n, S, …, S].
        log_ratios: logarithms that, added to log p, give p̂ before it is normalised: one tensor
            [n, S, …] a pair of U and i ∉ U, over x_U and x_i; none for the exact denoiser.
        w: step law without leftover, [n, K].
    """

    q: Tensor
    log_ratios: dict[tuple[tuple[int, ...], int], Tensor]
    w: Tensor

    @property
    def length(self) -> int:
        """Sequence length d."""
        return self.q.ndim - 1

    @property
    def vocabulary(self) -> int:
        """S."""
        return int(self.q.shape[1])

    def marginal(self, shown: tuple[int, ...]) -> Tensor:
        """q_0(x_U), with a dimension of size 1 for each token outside U."""
        hidden = [1 + i for i in range(self.length) if i not in shown]
        return self.q.sum(hidden, keepdim=True) if hidden else self.q

    def conditional(self, shown: tuple[int, ...], i: int) -> Tensor:
        """p_i(x_i | x_U)."""
        return self.marginal(tuple(sorted((*shown, i)))) / self.marginal(shown)

    def prediction(self, shown: tuple[int, ...], i: int) -> Tensor:
        """p̂_i(x_i | x_U)."""
        p = self.conditional(shown, i)
        if (shown, i) not in self.log_ratios:
            return p
        raw = p * self.log_ratios[shown, i].exp()
        return raw / raw.sum(1 + i, keepdim=True)

    def output(self, predict: Callable[[tuple[int, ...], int], Tensor]) -> Tensor:
        """The output law, over which tokens were shown before each step."""
        everyone = tuple(range(self.length))
        reached: dict[tuple[int, ...], Tensor] = {(): torch.ones_like(self.marginal(()))}
        masked = torch.ones_like(self.w[:, 0])
        for w in self.w.unbind(1):
            r = (w / masked.clamp(min=1e-300)).clamp(max=1).reshape(-1, *[1] * self.length)
            after: dict[tuple[int, ...], Tensor] = {}
            for shown, value in reached.items():
                hidden = [i for i in everyone if i not in shown]
                for size in range(len(hidden) + 1):
                    for block in itertools.combinations(hidden, size):
                        moved = value * r**size * (1 - r) ** (len(hidden) - size)
                        for i in block:
                            moved = moved * predict(shown, i)
                        union = tuple(sorted((*shown, *block)))
                        after[union] = after[union] + moved if union in after else moved
            reached, masked = after, masked - w
        return reached[everyone]

    def tv(self, exact: bool = False) -> Tensor:
        """TV(p_out, q_0), [n]; with the exact denoiser, or with p̂."""
        law = self.output(self.conditional if exact else self.prediction)
        return (self.q - law).clamp(min=0).flatten(1).sum(1)

    @cached_property
    def before(self) -> Tensor:
        """t_k, [n, K]."""
        return (self.w.cumsum(1) - self.w).clamp(0, 1)

    @property
    def error(self) -> Tensor:
        """ε_w, [n]."""
        total = torch.zeros_like(self.w[:, 0])
        for shown, i in self.log_ratios:
            joint = self.marginal(shown)
            gap = (joint * (self.conditional(shown, i) - self.prediction(shown, i))).abs() / 2
            u = len(shown)
            chance = (self.w * self.before**u * (1 - self.before) ** (self.length - 1 - u)).sum(1)
            total = total + chance * gap.flatten(1).sum(1)
        return total

    @property
    def entropy_bound(self) -> Tensor:
        """E5's bound, the better of its two forms, [n]."""
        d = self.length
        entropies = []
        for m in range(d + 1):
            subsets = itertools.combinations(range(d), m)
            each = [
                -(q * q.clamp(min=1e-300).log()).flatten(1).sum(1)
                for q in map(self.marginal, subsets)
            ]
            entropies.append(sum(each[1:], each[0]) / len(each))
        h = torch.stack(entropies, 1).diff(dim=1).clamp(min=0)
        ranks = [
            math.comb(d - 1, m) * self.before**m * (1 - self.before) ** (d - 1 - m)
            for m in range(d)
        ]
        excess = torch.stack([(self.w * one).sum(1) for one in ranks], 1) - 1 / d
        information = (h[:, 0] - h[:, -1]).clamp(min=1e-300)
        most = (information + (information / 2).sqrt()).clamp(max=math.log(self.vocabulary))
        first = (excess.clamp(min=0) * h).sum(1)
        second = excess.abs().sum(1) / 2 * most
        return -torch.expm1(-d * torch.minimum(first, second))


def climb(
    value: Callable[[Batch], Tensor],
    length: int,
    vocabulary: int,
    steps: int,
    *,
    errs: bool = True,
    uniform: bool = False,
    starts: int = 64,
    rounds: int = 300,
    seed: int = 0,
) -> tuple[float, Batch]:
    """Ascend a function of an instance from many random starts.

    Args:
        value: to be made large, [n]; what is not finite counts as nothing.
        length: d.
        vocabulary: S.
        steps: K.
        errs: whether p̂ may differ from p.
        uniform: whether the steps are equal.
        starts: how many climb at once.
        rounds: of ascent.
        seed: of the starts.

    Returns:
        The largest value seen, and the instance that has it, a batch of one.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = {"q": (vocabulary,) * length, "w": (steps,)}
    tokens = range(length)
    pairs = [
        (shown, i)
        for u in range(length)
        for shown in itertools.combinations(tokens, u)
        for i in tokens
        if i not in shown
    ]

    def drawn(shape: tuple[int, ...], scale: float) -> Tensor:
        found = scale * torch.randn(starts, *shape, generator=generator, dtype=torch.float64)
        return found.requires_grad_()

    q, w = drawn(sizes["q"], 2.0), drawn(sizes["w"], 1.0)
    wrong = {
        (shown, i): drawn(tuple(vocabulary if j in (*shown, i) else 1 for j in tokens), 0.3)
        for shown, i in (pairs if errs else [])
    }
    moving = [q, *wrong.values(), *([] if uniform else [w])]
    optimiser = torch.optim.Adam(moving, lr=0.1)

    def instance() -> Batch:
        law = torch.softmax(q.flatten(1), 1).reshape(q.shape)
        weights = torch.full_like(w, 1 / steps) if uniform else torch.softmax(w, 1)
        return Batch(law, wrong, weights)

    best, found = -math.inf, instance()
    for _ in range(rounds):
        batch = instance()
        values = torch.nan_to_num(value(batch), nan=-1.0, posinf=-1.0, neginf=-1.0)
        top = int(values.argmax())
        if values[top].item() > best:
            best = values[top].item()
            part = slice(top, top + 1)
            held = {key: one[part].detach().clone() for key, one in wrong.items()}
            found = Batch(batch.q[part].detach().clone(), held, batch.w[part].detach().clone())
        grown = torch.autograd.grad(-values.sum(), moving)
        for one, slope in zip(moving, grown, strict=True):
            one.grad = slope
        optimiser.step()
    return best, found


def open_ratio(batch: Batch) -> Tensor:
    """(TV − ε_w)/E5: above 1 would refute TV ≤ E5 + ε_w."""
    return (batch.tv() - batch.error) / batch.entropy_bound.clamp(min=1e-9)


def second_order(batch: Batch) -> Tensor:
    """C in TV = (d/4K)(1 + C·d/K), at S = 2 and equal steps, with the exact denoiser."""
    d, K = batch.length, int(batch.w.shape[1])
    return (batch.tv(exact=True) * 4 * K / d - 1) * K / d
