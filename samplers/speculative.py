"""Speculation: blocks are drafted at once and verified token after token, without any loss.

A call opens at a partial state: a policy picks hidden tokens, in order from the left, before they
are drafted; all are drafted from the drafter's predictions there. Then the verifier, which in a
network is one batched call, says what it predicts for each token given those before it: a token
is accepted with probability min{1, p/p̂}; the first one that is not is replaced by a draw from
(p − p̂)_+ and ends the call.

Source: Leviathan et al., arXiv 2211.17192; Chen et al., arXiv 2302.01318; claims Q1, Q2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, normalised, relative_error
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.policies import Policy, chosen_by
from sharprates.samplers.reached_law import merged
from sharprates.samplers.sampler import RoundCount, Run, Sampler
from sharprates.samplers.sampling import draw
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Speculation:
    """The exact law of what is put out, and what it costs.

    Attributes:
        rows: int64 [N, d], distinct, in lexicographic order.
        mass: float64 [N], positive.
        calls: E[calls], the probabilities to open at a state summed over states.
        most: the largest number of calls.
        evaluations: E[tokens verified in batched calls], the drafted blocks' sizes summed.
        rejections: E[calls that end in a rejection].
        accepted: E[calls that end with a block accepted whole].
        largest: partial states that were held at once.
    """

    rows: Tensor
    mass: Tensor
    calls: float
    most: int
    evaluations: float
    rejections: float
    accepted: float
    largest: int


@dataclass(frozen=True)
class SpeculativeSampler(Sampler):
    """Drafts what a policy chooses and verifies it; its law is that of the verifier.

    The denoiser that it is run with verifies. A row uses 3d uniforms: for drafts, for acceptance,
    for replacements; a token that is drafted again uses its own ones again, which is exact, since
    a draft that was dropped decided nothing.

    Attributes:
        policy: what chooses, from the drafter's predictions; without a seed.
        drafter: what drafts; by default the verifier, so that drafts differ from what is verified
            by what the block's other tokens say only.
    """

    kind = "speculative"
    uniforms = 3

    policy: Policy
    drafter: Denoiser | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.policy.check(self.length)
        if self.policy.needs_ranks:
            raise InputError(
                f"policy {self.policy.name}: draws an order before the first round, which "
                "speculation has no seed for; take a rule that has none"
            )

    @property
    def calls(self) -> int:
        """The largest number of calls: each reveals one token or more."""
        return self.length

    def __str__(self) -> str:
        return f"speculative {self.policy.name}"

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        return {"sampler": self.kind, "steps": self.length, "policy": self.policy.name}

    def rounds_on(self, target: Target, denoiser: Denoiser) -> RoundCount:  # noqa: ARG002 - calls of the run, which for an exact verifier are those on data
        """E[calls], in the sampler's own run, and the most of them."""
        found = self.speculation(denoiser)
        return RoundCount(found.calls, found.most)

    def _opened(self, denoiser: Denoiser, x: Tensor, call: int) -> tuple[Tensor, Tensor]:
        """What is drafted at partial states with masks: predictions [n, d, S], chosen [n, d]."""
        S = denoiser.vocabulary
        masked = x == S
        guess = normalised(self.drafter or denoiser)(x).to(torch.float64)
        guess = torch.where(masked[..., None], guess, 0.0)
        return guess, chosen_by(self.policy, x, guess, call, None)

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        n, _, d = uniforms.shape
        S, verify = denoiser.vocabulary, normalised(denoiser)
        x = torch.full((n, d), S, device=uniforms.device)
        steps = torch.full_like(x, self.calls)
        for call in range(self.calls):
            live = (x == S).any(1).nonzero().squeeze(1)
            if not len(live):
                break
            guess, chosen = self._opened(denoiser, x[live], call)
            going = torch.ones(len(live), dtype=torch.bool, device=x.device)
            for i in range(d):
                at = (going & chosen[:, i]).nonzero().squeeze(1)
                if not len(at):
                    continue
                row = live[at]
                u = uniforms[row, :, i]
                true, drafted = _verified(verify, x[row], i), guess[at, i]
                value = draw(drafted, u[:, 0])[:, None]
                p, q = true.gather(1, value).squeeze(1), drafted.gather(1, value).squeeze(1)
                refused = u[:, 1] * q >= p
                if bool(refused.any()):
                    rest = (true - drafted).clamp(min=0)[refused]
                    value[refused, 0] = draw(rest, u[refused, 2])
                x[row, i], steps[row, i] = value.squeeze(1), call
                going[at[refused]] = False
        return Run(x, steps, self.calls)

    def speculation(self, denoiser: Denoiser) -> Speculation:
        """The exact law and costs, by propagation over the states at which calls open.

        Args:
            denoiser: the verifier; small d, since up to S^d sequences are reached.

        Raises:
            TooLargeError: if the states reached do not fit into memory.
        """
        d, S, verify = self.length, denoiser.vocabulary, normalised(denoiser)
        x = torch.full((1, d), S, device=self.device)
        mass = torch.ones(1, dtype=torch.float64, device=self.device)
        calls = evaluations = rejections = accepted = 0.0
        largest = most = 1
        for call in range(self.calls):
            open_ = (x == S).any(1)
            most = call + 1
            calls += math.fsum(mass[open_].tolist())
            guess, chosen = self._opened(denoiser, x[open_], call)
            evaluations += float((mass[open_] * chosen.sum(1)).sum())
            ended = [(x[~open_], mass[~open_])]
            # the call goes on in these states; their drafts are those of its opening
            state, weight = x[open_], mass[open_]
            opening = torch.arange(len(state), device=x.device)
            for i in range(d):
                at = chosen[opening, i]
                check_memory(
                    8 * 3 * len(state) * S * (d + 2),
                    f"the {len(state) * S} partial states of call {call}",
                    "take a shorter sequence or a smaller vocabulary",
                )
                if not bool(at.any()):
                    continue
                on, from_ = state[at], opening[at]
                true, drafted = _verified(verify, on, i), guess[from_, i]
                branches = []
                for part in (torch.minimum(true, drafted), (true - drafted).clamp(min=0)):
                    share = weight[at, None] * part
                    parent, value = (share > 0).nonzero().unbind(1)
                    after = on[parent]
                    after[:, i] = value
                    branches.append((after, share[parent, value], from_[parent]))
                (kept, kept_weight, kept_from), (other, other_weight, _) = branches
                rejections += float(other_weight.sum())
                ended.append((other, other_weight))
                state = torch.cat([state[~at], kept])
                weight = torch.cat([weight[~at], kept_weight])
                opening = torch.cat([opening[~at], kept_from])
            accepted += float(weight.sum())
            ended.append((state, weight))
            x, mass = merged(
                torch.cat([rows for rows, _ in ended]), torch.cat([masses for _, masses in ended])
            )
            largest = max(largest, sum(len(rows) for rows, _ in ended))
            if not bool((x == S).any()):
                break
        return Speculation(x, mass, calls, most, evaluations, rejections, accepted, largest)

    def _law(
        self,
        target: Target,
        denoiser: Denoiser,
        given: CompositionTables | None,  # noqa: ARG002 - no tables are needed
    ) -> OutputLaw:
        """As `speculation`, with an error relative to what is put out, though p − p̂ cancels.

        It is positive only where p̂ < p, so it errs by at most what p and p̂ do, relative to p; and
        the two branches of a token add up to p.
        """
        found = self.speculation(denoiser)
        both, place = torch.unique(
            torch.cat([target.rows, found.rows.cpu()]), dim=0, return_inverse=True
        )
        reached = torch.zeros(len(both), dtype=torch.float64)
        reached[place[target.support :]] = found.mass.cpu()
        S = target.vocabulary
        drafter = denoiser if self.drafter is None else self.drafter
        inside = (relative_error(denoiser) + relative_error(drafter)) / UNIT + 2 * S + 4
        error = rounding(self.length * (3 * inside + found.largest))
        probability = reached[place[: target.support]]
        return OutputLaw(target.rows, probability, S, False, error, error)


def _verified(verify: Denoiser, x: Tensor, place: int) -> Tensor:
    """The verifier's predictions [n, S] at one position of partial states."""
    rows = torch.arange(len(x), device=x.device)
    return verify(x, None, (rows, torch.full_like(rows, place))).to(torch.float64)
