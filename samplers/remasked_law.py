"""Exact laws of samplers that mask revealed tokens again, on all (S + 1)^d partial states.

Two algorithms that share nothing but the steps: `remasked_law` for one σ a step, and
`remembered_law`, which follows states with what they remember; they check each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import TooLargeError, check_memory
from sharprates.samplers.sampling import CPU
from sharprates.samplers.target import all_states
from torch import Tensor

_MOST_PRODUCTS = 3 * 10**10
"""Products over all steps: some minutes."""

_MOST_HISTORIES = 2 * 10**6
"""States that are followed at a time where each remembers at which probability it committed."""


@dataclass(frozen=True)
class RemaskingStep:
    """One step.

    Attributes:
        time: t at its start.
        sigma: σ, the probability that a revealed token is masked; or what is shared out of it.
        reveal: the probability that a masked token is revealed.
        spread: whether `sigma` is shared out by confidence.
    """

    time: float
    sigma: float
    reveal: float
    spread: bool = False

    def remask(self, x: Tensor, psi: Tensor, mask: int) -> Tensor:
        """σ of each token.

        Args:
            x: int64 [B, d], partial states.
            psi: float64 [B, d], the probability at which each revealed token was committed.
            mask: S.

        Returns:
            float64 [B, d]; entries at masked positions carry no meaning.
        """
        if not self.spread:
            return torch.full_like(psi, self.sigma)
        weight = torch.where(x < mask, torch.exp(-psi), 0.0)
        return self.sigma * weight / weight.sum(1, keepdim=True).clamp(min=1e-300)


def remasked_law(
    denoiser: Denoiser, length: int, steps: Sequence[RemaskingStep], device: torch.device = CPU
) -> Tensor:
    """The law over partial states after all steps, where σ is the same for all tokens.

    Of each pattern of masks, the states' mass is multiplied by the moves of their masked tokens;
    then the revealed tokens, position by position, are kept or summed out into a mask. That takes
    some (2S+1)^d products a step; transitions between states would take (3S+1)^d.

    Args:
        denoiser: normalised here.
        length: d.
        steps: in order, none that spreads σ.
        device: where it is computed.

    Returns:
        float64 of shape (S + 1, …, S + 1), d axes; S is the mask.

    Raises:
        TooLargeError: naming the number of states or products.
    """
    d, S, predict = length, denoiser.vocabulary, normalised(denoiser)
    check_work(d, S, len(steps), device)
    known: dict[tuple[bool, ...], Tensor] = {}

    def predictions(pattern: tuple[bool, ...], time: float) -> Tensor:
        """[S^u, m, S], at the states of a pattern with u revealed tokens and m masks."""
        if pattern not in known or not predict.time_free:
            masked = torch.tensor(pattern)
            values = all_states(d - sum(pattern), S)
            x = torch.full((len(values), d), S)
            x[:, ~masked] = values
            rows = torch.arange(len(x)).repeat_interleave(sum(pattern))
            places = masked.nonzero().squeeze(1).repeat(len(x))
            at = (rows.to(device), places.to(device))
            p = predict(x.to(device), time, positions=at).detach().to(device, torch.float64)
            known[pattern] = p.view(len(x), sum(pattern), S)
        return known[pattern]

    def moved(law: Tensor, step: RemaskingStep, pattern: tuple[bool, ...]) -> Tensor | None:
        """What the states of a pattern of masks become.

        The pattern speaks of the first positions; these axes have S entries where it says revealed
        and S + 1 where it says masked. The other axes are those of the law after the step.
        """
        if len(pattern) == d:
            mass = law[tuple(S if masked else slice(S) for masked in pattern)]
            if not bool(mass.any()):
                return None
            m = sum(pattern)
            product = mass.reshape(-1, 1)
            if m:
                reveal = step.reveal * predictions(pattern, step.time)
                stay = torch.full_like(reveal[..., :1], 1 - step.reveal)
                move = torch.cat([reveal, stay], -1)
                for i in range(m):
                    product = (product[:, :, None] * move[:, i, None, :]).flatten(1)
            order = sorted(range(d), key=lambda i: pattern[i])
            apart = product.view([S] * (d - m) + [S + 1] * m)
            return apart.permute([order.index(i) for i in range(d)])
        axis = len(pattern)
        shown, hidden = (moved(law, step, (*pattern, masked)) for masked in (False, True))
        if shown is None:
            return hidden
        if hidden is None:
            shape = list(shown.shape)
            shape[axis] = S + 1
            hidden = shown.new_zeros(shape)
        else:
            hidden = hidden.contiguous()
        hidden.narrow(axis, 0, S).add_(shown, alpha=1 - step.sigma)
        if step.sigma > 0:
            hidden.select(axis, S).add_(shown.sum(axis), alpha=step.sigma)
        return hidden

    law = torch.zeros([S + 1] * d, dtype=torch.float64, device=device)
    law[(S,) * d] = 1
    for step in steps:
        after = moved(law, step, ())
        assert after is not None, "a law has mass"
        law = after
    return law


def check_work(length: int, vocabulary: int, steps: int, device: torch.device = CPU) -> None:
    """Find out before `remasked_law` that it would take too long, or too much memory.

    Raises:
        TooLargeError: naming the number of states.
    """
    d, S = length, vocabulary
    products = (2 * S + 1) ** d * steps
    if products > _MOST_PRODUCTS:
        raise TooLargeError(
            f"remasking: {steps} steps on {S + 1}^{d} partial states are some 10^"
            f"{len(str(products)) - 1} products, which takes too long; use shorter sequences, or "
            "fewer symbols or steps"
        )
    check_memory(
        8 * ((S + 1) ** d * (d + 3) + 2 * d * S * (S + 1) ** (d - 1)),
        f"the {S + 1}^{d} partial states of a remasking sampler",
        "use shorter sequences or fewer symbols",
        device,
    )


def remembered_law(
    denoiser: Denoiser, length: int, steps: Sequence[RemaskingStep], device: torch.device = CPU
) -> Tensor:
    """The law over partial states after all steps, where σ depends on what a token remembers.

    Followed are states with the probability at which each revealed token was committed. Arguments,
    result and errors are those of `remasked_law`; steps may spread σ.
    """
    d, S, predict = length, denoiser.vocabulary, normalised(denoiser)
    check_work(d, S, len(steps), device)
    x = torch.full((1, d), S, device=device)
    psi = torch.zeros((1, d), dtype=torch.float64, device=device)
    mass = torch.ones(1, dtype=torch.float64, device=device)
    for step in steps:
        p = predict(x, step.time).detach().to(device, torch.float64)
        sigma, masked = step.remask(x, psi, S), x == S
        # the chances of each token's next symbol are those at the step's start
        stay = torch.where(masked, 1 - step.reveal, 1 - sigma)
        chances = torch.cat([step.reveal * p * masked[..., None], torch.zeros_like(p[..., :1])], -1)
        chances.scatter_add_(2, x[..., None], stay[..., None])
        chances[..., S] += torch.where(masked, 0.0, sigma)
        before = torch.arange(len(x), device=device)
        for i in range(d):
            if len(mass) * (S + 1) > _MOST_HISTORIES:
                raise TooLargeError(
                    f"remasking: {len(mass)} states with what they remember, {S + 1} symbols: too "
                    "many to follow; use shorter sequences, or fewer symbols or steps"
                )
            weight = mass[:, None] * chances[before, i]
            parent, value = (weight > 0).nonzero().unbind(1)
            mass, before, x, psi = weight[parent, value], before[parent], x[parent], psi[parent]
            fresh = masked[before, i] & (value < S)
            drawn = p[before, i].gather(1, value.clamp(max=S - 1)[:, None]).squeeze(1)
            psi[:, i] = torch.where(fresh, drawn, torch.where(value < S, psi[:, i], 0.0))
            x[:, i] = value
        both, place = torch.unique(torch.cat([x, psi], 1), dim=0, return_inverse=True)
        mass = torch.zeros(len(both), dtype=mass.dtype, device=device).index_add_(0, place, mass)
        x, psi = both[:, :d].to(torch.int64), both[:, d:]
    law = torch.zeros([S + 1] * d, dtype=torch.float64, device=device)
    return law.index_put_(tuple(x.unbind(1)), mass, accumulate=True)
