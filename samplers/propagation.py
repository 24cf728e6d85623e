"""The exact output law by propagation over partial states, step by step: any denoiser or kernel.

Shares nothing with `samplers.expansion` but Target and Denoiser, so that the two check each other.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from sharprates.samplers.denoiser import Denoiser, relative_error
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, listed
from torch import Tensor


class Kernel(Protocol):
    """One step of a sampler whose tokens are independent given the state before the step.

    Which tokens are revealed may depend on that state, values included: a sampler that reveals the
    most confident positions gives these the prediction, and all others probability 1 to stay.
    """

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """Law of each masked token's next symbol.

        Args:
            x: int64 [B, d], partial states, mask = S.
            step: k in 0..K−1.

        Returns:
            float64 [B, d, S + 1]: entry a < S reveals a, entry S keeps the mask. Entries at
            revealed positions carry no meaning.
        """
        ...


@dataclass(frozen=True, eq=False)
class PartialStates:
    """The partial states that lie below a list of sequences, and all moves between them.

    Attributes:
        states: int64 [C, d], distinct, mask = S; the all-mask state is the last one.
        source: int64 [P], the state before a move. A move reveals any set of masked tokens.
        target: int64 [P], the state after it.
        rows: int64 [N, d], the sequences.
        full: int64 [N], the index of each sequence among the states.
        vocabulary: S.
    """

    states: Tensor
    source: Tensor
    target: Tensor
    rows: Tensor
    full: Tensor
    vocabulary: int

    @staticmethod
    def below(rows: Tensor, vocabulary: int) -> PartialStates:
        """The partial states below these sequences.

        Args:
            rows: int64 [N, d], distinct; all is done on their device.
            vocabulary: S.

        Raises:
            InputError: if (S+1)^d exceeds 2^63.
            TooLargeError: if the states and moves do not fit into memory.
        """
        n, d = rows.shape
        S = vocabulary
        if (S + 1) ** d >= 2**63:
            raise InputError(f"propagation: ({S} + 1)^{d} partial states cannot be numbered")
        states_bound = sum(math.comb(d, v) * min(n, S**v) for v in range(d + 1))
        moves_bound = sum(math.comb(d, v) * min(n, S**v) << v for v in range(d + 1))
        check_memory(
            8 * (n << d) + 8 * states_bound * d * (2 * S + 4) + 48 * moves_bound,
            f"propagation of {n} sequences of length {d} ({moves_bound} moves)",
            "use fewer or shorter sequences, or the composition expansion",
            rows.device,
        )
        device = rows.device
        powers = torch.tensor([(S + 1) ** i for i in range(d - 1, -1, -1)], device=device)
        bits = [[m >> i & 1 for i in range(d)] for m in range(1 << d)]
        hidden = torch.tensor(bits, device=device)
        # Hiding position i of x adds (S − x_i)·(S+1)^(d−1−i) to its number.
        number = (rows * powers).sum(1)
        # a sum of products: CUDA has no product of integer matrices
        added = torch.zeros((n, 1 << d), dtype=torch.int64, device=device)
        for i in range(d):
            added += ((S - rows[:, i]) * powers[i])[:, None] * hidden[:, i]
        numbers = torch.unique(number[:, None] + added)
        states = numbers[:, None] // powers % (S + 1)
        sources, targets = [], []
        for mask in hidden.bool():
            # The states in which all of these are revealed come from those in which none is.
            after = (states[:, mask] < S).all(1).nonzero().squeeze(1)
            before = numbers[after] + ((S - states[after]) * powers)[:, mask].sum(1)
            sources.append(torch.searchsorted(numbers, before))
            targets.append(after)
        full = torch.searchsorted(numbers, number)
        return PartialStates(states, torch.cat(sources), torch.cat(targets), rows, full, S)


def trajectory(states: PartialStates, kernel: Kernel, steps: int) -> Iterator[Tensor]:
    """The laws over partial states after 0, 1, …, K steps, from all masks.

    Mass that leaves the listed states, for a sequence that is not listed, is not followed.

    Args:
        states: the partial states.
        kernel: the sampler's step.
        steps: K.

    Yields:
        float64 [C], the probability of each of `states.states`; K + 1 times.

    Raises:
        InputError: if the kernel's answer has a wrong shape, or is no number ≥ 0.
    """
    x, S = states.states, states.vocabulary
    count, d = x.shape
    law = torch.zeros(count, dtype=torch.float64, device=x.device)
    law[-1] = 1
    yield law
    revealed = x < S
    for step in range(steps):
        move = kernel(x, step)
        if move.shape != (count, d, S + 1):
            raise InputError(f"kernel: need shape [{count}, {d}, {S + 1}], got {list(move.shape)}")
        move = torch.where(revealed[:, :, None], 1.0, move.to(x.device, torch.float64))
        if not bool((move >= 0).all()):
            raise InputError("kernel: every probability must be a number ≥ 0")
        mass = law[states.source]
        for i in range(d):
            cell = (states.source * d + i) * (S + 1) + x[states.target, i]
            mass = mass * move.view(-1)[cell]
        law = torch.zeros_like(law).index_add_(0, states.target, mass)
        yield law


def move_law(prediction: Tensor, rate: float, normalised: bool) -> Tensor:
    """One parallel unmasking step for each token: reveal a with probability rate·p̂(a).

    A jump vector of total above 1 is rescaled to total 1 (E1); an infinite rate
    rescales any.

    Args:
        prediction: float64 [..., S].
        rate: what the step rule asks for, not clipped.
        normalised: True if predictions sum to 1: then exactly 1 − rate stays masked, whatever
            rounding makes of the sum.

    Returns:
        float64 [..., S + 1], the last entry for the mask that stays.
    """
    if normalised:
        r = min(rate, 1.0)
        stay = torch.full_like(prediction[..., :1], 1 - r)
        return torch.cat([r * prediction, stay], -1)
    total = prediction.sum(-1, keepdim=True)
    # Where nothing is predicted nothing can be drawn, however large the rate.
    asked = torch.where(total > 0, rate * total, 0.0)
    reveal = asked.clamp(max=1)
    # divided first: the inverse of a tiny total may overflow
    drawn = prediction / torch.where(total > 0, total, 1.0)
    return torch.cat([reveal * drawn, 1 - reveal], -1)


def propagate(
    target: Target,
    denoiser: Denoiser,
    steps: StepLaw | Tensor,
    times: Tensor | None = None,
    rows: str = "support",
    device: str | torch.device = "cpu",
) -> OutputLaw:
    """The output law of a parallel unmasking sampler, for any denoiser. Source: S1, E1.

    Args:
        target: the data law, whose support is listed.
        denoiser: also time-dependent or unnormalised.
        steps: a step law, or what its rule asked for, [K], not clipped.
        times: float64, the time at the start of each step; a time-dependent denoiser needs it.
        rows: ``support`` or ``all``.
        device: where the law is computed and kept.

    Returns:
        The law; its error bounds take the hazards as exact. For an unnormalised denoiser the
        relative error is unknown, because the probability to stay masked is a difference.

    Raises:
        InputError: if vocabularies differ, or times are missing or too few.
        TooLargeError: if the partial states do not fit into memory.
    """
    if denoiser.vocabulary != target.vocabulary:
        raise InputError(
            f"denoiser: its vocabulary is {denoiser.vocabulary}, the target's {target.vocabulary}"
        )
    chosen = steps if isinstance(steps, StepLaw) else StepLaw.from_hazards(steps)
    rates = chosen.unclipped.tolist()
    if not denoiser.time_free and (times is None or times.shape[0] < len(rates)):
        raise InputError(f"times: a time-dependent denoiser needs {len(rates)} of them, one a step")
    states = PartialStates.below(listed(target, rows).to(device), target.vocabulary)
    fixed = denoiser(states.states) if denoiser.time_free else None

    def kernel(x: Tensor, step: int) -> Tensor:
        if fixed is not None:
            prediction = fixed
        else:
            assert times is not None  # checked above
            prediction = denoiser(x, float(times[step]))
        prediction = prediction.detach().to(x.device, torch.float64)
        return move_law(prediction, rates[step], denoiser.normalised)

    # Each p̂ entry sees its own error, a sum over S, and the four operations of `move_law`.
    inside = relative_error(denoiser) / UNIT + target.vocabulary + 5
    return _output(states, kernel, len(rates), rows == "all", inside, denoiser.normalised)


def propagate_kernel(
    target: Target, kernel: Kernel, steps: int, rows: str = "support"
) -> OutputLaw:
    """The output law of any sampler that a kernel describes, values it depends on included.

    Args:
        target: the data law, whose support is listed.
        kernel: the sampler's step; the numbers that it returns are taken as exact.
        steps: K.
        rows: ``support`` or ``all``.

    Raises:
        InputError: if the kernel's answer has a wrong shape, or is no number ≥ 0.
        TooLargeError: if the partial states do not fit into memory.
    """
    states = PartialStates.below(listed(target, rows), target.vocabulary)
    return _output(states, kernel, steps, rows == "all", 0.0, True)


def _output(
    states: PartialStates, kernel: Kernel, steps: int, dense: bool, inside: float, relative: bool
) -> OutputLaw:
    """Propagate to the end; each entry of the kernel has seen `inside` roundings.

    A step multiplies d entries and adds at most 2^d products into a state. A Markov kernel does not
    enlarge the L1 error it is given, so these errors add up over the steps, in relative and in L1
    terms alike.
    """
    law = deque(trajectory(states, kernel, steps), maxlen=1).pop()
    d = states.rows.shape[1]
    bound = rounding(steps * ((1 << d) + d * (inside + 1)))
    known = bound if relative else math.inf
    return OutputLaw(states.rows, law[states.full], states.vocabulary, dense, known, bound)
