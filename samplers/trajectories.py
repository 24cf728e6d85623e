"""What a policy does on given values: each sequence drives one trajectory, and so has one product.

A policy is blind to the draw, so the values of x say which context comes after which, and
q_π(x) = ∏_t ∏_{i∈B_t} p̂_i(x_i|x_{C_t}): the exact law of N sequences costs N·R predictions at any
length d. Only contexts below these sequences are asked for (S5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import InputError
from sharprates.samplers.policies import Policy, chosen_by
from sharprates.samplers.sampling import batch_rows
from sharprates.samplers.schedule import LAST_STEPS
from torch import Tensor

Reveal = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(rows [n], columns [n], predictions float64 [n, S]) → the symbols int64 [n] revealed there."""


@dataclass(frozen=True)
class Rounds:
    """How long a policy goes on, and when it asks the denoiser.

    Attributes:
        most: cap on the rounds; None for no cap.
        last_step: at the cap ``fill`` reveals all that is masked in the last round, ``leave`` ends
            with masks.
        cache: the denoiser is asked in every n-th round only; between, its predictions are those
            at the state that opened the block of n rounds, as with a cache of keys and values.
        times: the time of each round, for a denoiser that depends on it.
    """

    most: int | None = None
    last_step: str = "fill"
    cache: int = 1
    times: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, value in (("rounds", self.most), ("cache", self.cache)):
            if value is not None and value < 1:
                raise InputError(f"{name}: must be at least 1, got {value}")
        if self.last_step not in LAST_STEPS:
            raise InputError(
                f"last step {self.last_step!r} is unknown: use one of {', '.join(LAST_STEPS)}"
            )

    def end(self, policy: Policy, length: int) -> int:
        """The largest number of rounds that a policy takes on d tokens."""
        most = policy.most_rounds(length)
        return most if self.most is None else min(most, self.most)

    def fills(self, round: int) -> bool:
        """Whether this round reveals all that is masked."""
        return self.last_step == "fill" and self.most is not None and round == self.most - 1

    def check_times(self, policy: Policy, length: int) -> None:
        """Find out that there are fewer times than rounds."""
        needed = self.end(policy, length)
        if self.times is not None and len(self.times) < needed:
            raise InputError(
                f"times: policy {policy.name} takes up to {needed} rounds, got {len(self.times)}"
            )


UNCAPPED = Rounds()
"""As many rounds as the policy takes, each with predictions of its own."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """The trajectory of each sequence.

    Attributes:
        rows: int64 [N, d], the sequences.
        predicted: float64 [N, d], p̂_i(x_i|x_C) in the round that reveals i; 0 where i is left
            masked, since x is not put out then.
        round_of: int64 [N, d], the round, from 0, that reveals each token; -1 where i is left.
    """

    rows: Tensor
    predicted: Tensor
    round_of: Tensor

    @property
    def rounds(self) -> Tensor:
        """R(x), int64 [N]: denoiser calls, if predictions are not kept over rounds."""
        return self.round_of.amax(1) + 1

    @property
    def probability(self) -> Tensor:
        """q_π(x), float64 [N]; may underflow where d is large."""
        return self.predicted.prod(1)

    @property
    def log_probability(self) -> Tensor:
        """log q_π(x), float64 [N]; −∞ where q_π(x) = 0."""
        return self.predicted.log().sum(1)


def trajectories(
    policy: Policy,
    denoiser: Denoiser,
    rows: Tensor,
    rounds: int | None = None,
    last_step: str = "fill",
    ranks: Tensor | None = None,
    *,
    cache: int = 1,
    times: tuple[float, ...] | None = None,
    batch: int | None = None,
) -> Trajectories:
    """The trajectories that sequences drive; exact, one for each.

    Args:
        policy: what chooses the positions.
        denoiser: what predicts; predictions are divided by their sums if they are not normalised.
        rows: int64 [N, d], any sequences; all is done on their device.
        rounds: cap on the rounds; see `Rounds` for this and the next.
        last_step: ``fill`` or ``leave``.
        ranks: int64 [d] or [N, d], what a seed fixed; see `Policy.choose`.
        cache: see `Rounds`.
        times: see `Rounds`.
        batch: rows at a time; None bounds the predictions held at once by 2^24 numbers.

    Raises:
        InputError: for a policy that does not fit, or chooses what it must not.

    Source: claims P1, S5.
    """
    n, d = rows.shape
    given = Rounds(rounds, last_step, cache, times)
    size = batch or batch_rows(d, denoiser.vocabulary)
    predicted = torch.zeros((n, d), dtype=torch.float64, device=rows.device)
    round_of = torch.empty_like(rows)
    for low in range(0, n, size):
        some = slice(low, low + size)
        values, found = rows[some], predicted[some]

        def reveal(
            row: Tensor, column: Tensor, p: Tensor, values: Tensor = values, found: Tensor = found
        ) -> Tensor:
            symbols = values[row, column]
            found[row, column] = p.gather(1, symbols[:, None]).squeeze(1)
            return symbols

        own = ranks if ranks is None or ranks.ndim == 1 else ranks[some]
        shape = (len(values), d)
        _, round_of[some] = uncover(policy, denoiser, shape, reveal, given, own, rows.device)
    return Trajectories(rows, predicted, round_of)


def uncover(
    policy: Policy,
    denoiser: Denoiser,
    shape: tuple[int, int],
    reveal: Reveal,
    rounds: Rounds,
    ranks: Tensor | None = None,
    device: torch.device | None = None,
) -> tuple[Tensor, Tensor]:
    """Round after round: predict, choose, reveal. What the values are is another's to say.

    Args:
        policy: what chooses the positions.
        denoiser: what predicts; normalised here.
        shape: (n, d).
        reveal: gives the symbols at the chosen positions.
        rounds: how long it goes on.
        ranks: int64 [d] or [n, d]; see `Policy.choose`.
        device: where the states are; the CPU by default.

    Returns:
        The final states int64 [n, d], S where masked, and the round of each token, -1 where masked.
    """
    (n, d), S = shape, denoiser.vocabulary
    policy.check(d)
    rounds.check_times(policy, d)
    drawn_from = normalised(denoiser)
    x = torch.full((n, d), S, device=device)
    round_of = torch.full_like(x, -1)
    seeds = None if ranks is None else ranks.to(x.device).expand(n, d)
    opening = x
    for k in range(rounds.end(policy, d)):
        if k % rounds.cache == 0:
            opening = x.clone()
        live = (x == S).any(1).nonzero().squeeze(1)
        if not len(live):
            break
        state, seen = x[live], opening[live]
        chosen = masked = state == S
        reads = torch.zeros_like(masked)
        time = None if rounds.times is None else rounds.times[k]

        def predict(
            row: Tensor, column: Tensor, seen: Tensor = seen, time: float | None = time
        ) -> Tensor:
            found = drawn_from(seen, time, (row, column))
            return found.detach().to(x.device, torch.float64)

        # a rule that looks at no predictions is shown zeros that take no memory
        zero = torch.zeros((), dtype=torch.float64, device=x.device)
        predicted = zero.expand(*state.shape, S)
        if not rounds.fills(k):
            reads = policy.reads(masked)
            if bool(reads.any()):
                row, column = reads.nonzero().unbind(1)
                predicted = predicted.contiguous()
                predicted[row, column] = predict(row, column)
            own = None if seeds is None else seeds[live]
            chosen = chosen_by(policy, state, predicted, k, own)
        row, column = chosen.nonzero().unbind(1)
        known = bool(reads[row, column].all())
        p = predicted[row, column] if known else predict(row, column)
        x[live[row], column] = reveal(live[row], column, p)
        round_of[live[row], column] = k
    return x, round_of
