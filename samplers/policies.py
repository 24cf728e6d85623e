"""Policies: which tokens are revealed next, as a function of what is revealed and predicted.

A policy chooses positions; only then are their values drawn, independently, from the predictions.
So it is blind to the draw: a rule that looks at the values drawn is none (`samplers.kept_draws`).

Numbers that a rule compares are rounded to 9 decimals first, so that no choice hangs on the last
bit of a sum. Of equally good positions the one of lowest rank comes first, or the leftmost one
where no ranks are given.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object, one_line
from sharprates.samplers.rational import read_rational
from torch import Tensor

LONGEST_TEXT = 1000
"""Characters of a policy's text."""

DECIMALS = 9
"""Numbers are compared after rounding to so many decimals."""


@dataclass(frozen=True)
class Policy(ABC):
    """Chooses the positions that are revealed in a round."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its text, as `policy` reads it."""

    def check(self, length: int) -> None:  # noqa: B027 - most rules fit every length
        """Find out that it does not fit a length.

        Raises:
            InputError: naming what is wrong with it.
        """

    @property
    def needs_ranks(self) -> bool:
        """Whether its choice follows ranks even where nothing is equally good."""
        return False

    @property
    def one_token(self) -> bool:
        """Whether each of its rounds is known to reveal one token."""
        return False

    def most_rounds(self, length: int) -> int:
        """The largest number of rounds that it can take on d tokens."""
        return length

    def reads(self, masked: Tensor) -> Tensor:
        """The masked positions whose predictions it looks at: all, unless a rule says less.

        Args:
            masked: bool [B, d].

        Returns:
            bool [B, d]. Nothing else need be predicted before the choice.
        """
        return masked

    @abstractmethod
    def choose(
        self, state: Tensor, predicted: Tensor, round: int, ranks: Tensor | None = None
    ) -> Tensor:
        """The positions that are revealed next; a row's depend on that row alone.

        Args:
            state: int64 [B, d], partial states with at least one mask each, mask = S.
            predicted: float64 [B, d, S], p̂_i(·|x_C), summing to 1 where `reads` says so, 0
                elsewhere.
            round: from 0.
            ranks: int64 [B, d], a permutation of 0..d−1 in each row, drawn before the first round
                and kept; None counts from the left.

        Returns:
            bool [B, d], in each row a non-empty set of masked positions.
        """


# --- rules ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule(Policy):
    """A policy that looks at the values revealed through the predictions only."""

    def choose(
        self, state: Tensor, predicted: Tensor, round: int, ranks: Tensor | None = None
    ) -> Tensor:
        """See `Policy`."""
        return self.pick(state == predicted.shape[-1], predicted, round, ranks)

    @abstractmethod
    def pick(self, masked: Tensor, predicted: Tensor, round: int, ranks: Tensor | None) -> Tensor:
        """As `choose`, where bool [B, d] says what may be chosen."""


def sureness(predicted: Tensor) -> Tensor:
    """max_a p̂(a), by which confidence goes: [..., S] to [...]."""
    return predicted.amax(-1)


def margin(predicted: Tensor) -> Tensor:
    """The largest probability minus the second one; with one symbol the largest."""
    if predicted.shape[-1] == 1:
        return predicted.amax(-1)
    first, second = predicted.topk(2, dim=-1).values.unbind(-1)
    return first - second


def entropy(predicted: Tensor) -> Tensor:
    """−Σ p̂ log p̂, nats."""
    return -torch.xlogy(predicted, predicted).sum(-1)


def rounded(numbers: Tensor) -> Tensor:
    """As rules compare them; see `DECIMALS`."""
    return torch.round(numbers, decimals=DECIMALS)


def _by_score(score: Tensor, masked: Tensor, ranks: Tensor | None) -> Tensor:
    """Positions int64 [B, d], the masked ones first, by falling score; equal ones by rank."""
    score = torch.where(masked, rounded(score), -math.inf)
    if ranks is None:
        return torch.sort(score, dim=1, descending=True, stable=True).indices
    by_rank = torch.argsort(ranks, dim=1)
    ordered = torch.sort(score.gather(1, by_rank), dim=1, descending=True, stable=True).indices
    return by_rank.gather(1, ordered)


def _leading(order: Tensor, taken: Tensor, masked: Tensor) -> Tensor:
    """The masked positions among those that an order takes: bool [B, d] along it to bool [B, d]."""
    return torch.zeros_like(masked).scatter(1, order, taken.expand_as(order)) & masked


def _first(order: Tensor, count: int, masked: Tensor) -> Tensor:
    """The first positions of an order."""
    return _leading(order, torch.arange(order.shape[1], device=order.device) < count, masked)


@dataclass(frozen=True)
class Prefix(Rule):
    """The leading positions in the order of a score: how many, the best scores say."""

    @abstractmethod
    def score(self, predicted: Tensor) -> Tensor:
        """How good a position is, high is good: [..., S] to [...]."""

    @abstractmethod
    def taken(self, ordered: Tensor) -> Tensor:
        """Which of the best positions are taken: True, then False; the first one always.

        Args:
            ordered: float64 [B, n], the n best scores, falling.
        """

    def pick(self, masked: Tensor, predicted: Tensor, round: int, ranks: Tensor | None) -> Tensor:  # noqa: ARG002 - of every rule
        """See `Rule`."""
        score = self.score(predicted)
        order = _by_score(score, masked, ranks)
        # beyond the masked positions the order holds the others, with scores of their own
        return _leading(order, self.taken(score.gather(1, order)), masked)


@dataclass(frozen=True)
class MostConfident(Prefix):
    """The k positions of the best score: `confidence:k`, `margin:k`, `entropy:k`.

    Attributes:
        measure: ``confidence``, ``margin`` or ``entropy`` (low is good).
        count: k ≥ 1.

    Source: MaskGIT (Chang et al. 2022) and LLaDA, with values drawn after the choice.
    """

    measure: str
    count: int

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"{self.measure}:{self.count}"

    def check(self, length: int) -> None:
        """See `Policy`."""
        _check_count(self.name, self.count, length)

    @property
    def one_token(self) -> bool:
        """See `Policy`."""
        return self.count == 1

    def most_rounds(self, length: int) -> int:
        """⌈d/k⌉."""
        return -(-length // self.count)

    def score(self, predicted: Tensor) -> Tensor:
        """See `Prefix`."""
        if self.measure == "entropy":
            return -entropy(predicted)
        return margin(predicted) if self.measure == "margin" else sureness(predicted)

    def taken(self, ordered: Tensor) -> Tensor:
        """See `Prefix`."""
        places = torch.arange(ordered.shape[1], device=ordered.device)
        return (places < self.count).expand_as(ordered)


@dataclass(frozen=True)
class ByThreshold(Prefix):
    """All positions with max_a p̂ ≥ τ, or the surest one if there is none: `threshold:τ`.

    Attributes:
        tau: τ in [0, 1].

    Source: Fast-dLLM (Wu et al., arXiv 2505.22618); P3.
    """

    tau: float

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"threshold:{_text(self.tau)}"

    def score(self, predicted: Tensor) -> Tensor:
        """See `Prefix`."""
        return sureness(predicted)

    def taken(self, ordered: Tensor) -> Tensor:
        """See `Prefix`."""
        first = torch.arange(ordered.shape[1], device=ordered.device) == 0
        return (rounded(ordered) >= round_number(self.tau)) | first


@dataclass(frozen=True)
class Factor(Prefix):
    """The n surest positions, n the largest with (n+1)(1 − c_n) < f, at least one: `factor:f`.

    c_n is the n-th largest max_a p̂; (n+1)(1 − c_n) rises with n.

    Attributes:
        factor: f ≥ 0.

    Source: Fast-dLLM (Wu et al., arXiv 2505.22618).
    """

    factor: float

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"factor:{_text(self.factor)}"

    def score(self, predicted: Tensor) -> Tensor:
        """See `Prefix`."""
        return sureness(predicted)

    def taken(self, ordered: Tensor) -> Tensor:
        """See `Prefix`."""
        n = torch.arange(1, ordered.shape[1] + 1, device=ordered.device)
        cheap = (rounded((n + 1) * (1 - ordered)) < round_number(self.factor)) | (n == 1)
        return cheap.cumprod(1).bool()


@dataclass(frozen=True)
class EntropyBounded(Prefix):
    """Sorted by entropy, the longest prefix with ΣH − max H ≤ γ: `entropy-bounded:γ`.

    Attributes:
        gamma: γ ≥ 0, nats.

    Source: EB-Sampler (Ben-Hamu et al., arXiv 2505.24857); P4, P10.
    """

    gamma: float

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"entropy-bounded:{_text(self.gamma)}"

    def score(self, predicted: Tensor) -> Tensor:
        """See `Prefix`."""
        return -entropy(predicted)

    def taken(self, ordered: Tensor) -> Tensor:
        """See `Prefix`."""
        # the largest entropy of a prefix is its last, so the others are all that come before it
        before = ordered - ordered.cumsum(1)
        return rounded(before) <= round_number(self.gamma)


@dataclass(frozen=True)
class LeftToRight(Rule):
    """The leftmost unfinished block, whole or by a rule inside it: `left-to-right:B[:rule]`.

    Attributes:
        size: B ≥ 1, which divides d.
        inner: the rule inside a block; None reveals it whole.

    Source: semi-autoregressive decoding (LLaDA, block diffusion); P6 (b), P11.
    """

    size: int
    inner: Rule | None = None

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"left-to-right:{self.size}" + (f":{self.inner.name}" if self.inner else "")

    @property
    def needs_ranks(self) -> bool:
        """As the inner rule does."""
        return self.inner is not None and self.inner.needs_ranks

    def check(self, length: int) -> None:
        """See `Policy`."""
        if length % self.size:
            raise InputError(
                f"policy {self.name}: blocks of {self.size} do not divide {length} tokens; "
                f"take a divisor of {length}"
            )
        if self.inner is not None:
            self.inner.check(self.size)

    @property
    def one_token(self) -> bool:
        """See `Policy`."""
        return self.size == 1 if self.inner is None else self.inner.one_token

    def most_rounds(self, length: int) -> int:
        """Those of a block, for each block."""
        inside = 1 if self.inner is None else self.inner.most_rounds(self.size)
        return length // self.size * inside

    def _block(self, masked: Tensor) -> Tensor:
        """The masked positions of the leftmost block that has any."""
        block = torch.arange(masked.shape[1], device=masked.device) // self.size
        leftmost = torch.where(masked, block, masked.shape[1]).amin(1, keepdim=True)
        return masked & (block == leftmost)

    def reads(self, masked: Tensor) -> Tensor:
        """See `Policy`."""
        if self.inner is None:
            return torch.zeros_like(masked)
        return self.inner.reads(self._block(masked))

    def pick(self, masked: Tensor, predicted: Tensor, round: int, ranks: Tensor | None) -> Tensor:
        """See `Rule`."""
        block = self._block(masked)
        return block if self.inner is None else self.inner.pick(block, predicted, round, ranks)


@dataclass(frozen=True)
class Bisection(Rule):
    """In every gap the middle one first: `bisection`, or `bisection:m` for chains of order m.

    A separator is m neighbouring tokens, revealed one a round from its left end; what lies between
    complete separators is independent of the rest if the data is a Markov chain of order m, which
    it then samples exactly.

    Attributes:
        order: m ≥ 1.

    Source: P6 (a); Wen, Liang and Lu, arXiv 2608.25505, Theorem 2.
    """

    order: int = 1

    @property
    def name(self) -> str:
        """See `Policy`."""
        return "bisection" if self.order == 1 else f"bisection:{self.order}"

    def check(self, length: int) -> None:
        """See `Policy`."""
        _check_count(self.name, self.order, length)

    def most_rounds(self, length: int) -> int:
        """m(⌈log₂(d/m)⌉ + 1); ⌊log₂ d⌋ + 1 where m = 1."""
        if self.order == 1:
            return length.bit_length()
        return min(length, self.order * (((length - 1) // self.order).bit_length() + 1))

    def reads(self, masked: Tensor) -> Tensor:
        """None: it looks at positions alone."""
        return torch.zeros_like(masked)

    def pick(self, masked: Tensor, predicted: Tensor, round: int, ranks: Tensor | None) -> Tensor:  # noqa: ARG002 - of every rule
        """See `Rule`."""
        d, m = masked.shape[1], self.order
        index = torch.arange(d, device=masked.device).expand_as(masked)

        def least(of: Tensor, group: Tensor) -> Tensor:
            """The leftmost such position of each group, d where there is none: [B, d + 1]."""
            empty = torch.full((len(of), d + 1), d, device=of.device)
            return empty.scatter_reduce(1, group, torch.where(of, index, d), "amin")

        def count(of: Tensor, group: Tensor) -> Tensor:
            return torch.zeros((len(of), d + 1), dtype=torch.int64, device=of.device).scatter_add(
                1, group, of.to(torch.int64)
            )

        # revealed tokens with as many masks to their left stand in one run
        run = masked.cumsum(1)
        complete = ~masked & (count(~masked, run).gather(1, run) >= m)
        gap = complete.cumsum(1)
        begun = least(~masked & ~complete, gap).gather(1, gap)  # a separator that is not complete
        onwards = least(masked & (index > begun), gap).gather(1, gap)
        start = least(masked, gap).gather(1, gap)
        middle = start + (count(masked, gap).gather(1, gap) - m).clamp(min=0) // 2
        place = torch.where(begun == d, middle, torch.where(onwards == d, start, onwards))
        return masked & (index == place)


@dataclass(frozen=True)
class Random(Rule):
    """k positions in a uniformly random order, that of the ranks: `random:k`, today's blocks.

    Attributes:
        count: k ≥ 1.
    """

    count: int

    @property
    def name(self) -> str:
        """See `Policy`."""
        return f"random:{self.count}"

    @property
    def needs_ranks(self) -> bool:
        """Always."""
        return True

    def check(self, length: int) -> None:
        """See `Policy`."""
        _check_count(self.name, self.count, length)

    @property
    def one_token(self) -> bool:
        """See `Policy`."""
        return self.count == 1

    def most_rounds(self, length: int) -> int:
        """⌈d/k⌉."""
        return -(-length // self.count)

    def reads(self, masked: Tensor) -> Tensor:
        """None."""
        return torch.zeros_like(masked)

    def pick(self, masked: Tensor, predicted: Tensor, round: int, ranks: Tensor | None) -> Tensor:  # noqa: ARG002 - of every rule
        """See `Rule`."""
        if ranks is None:
            raise InputError(f"policy {self.name}: its order is the ranks'; give them")
        same = torch.zeros_like(masked, dtype=torch.float64)
        return _first(_by_score(same, masked, ranks), self.count, masked)


# --- a user's own ---------------------------------------------------------------------------------

Choice = Callable[[Tensor, Tensor, int], Tensor]
"""(state int64 [B, d], predicted float64 [B, d, S], round) → bool [B, d]; see `Policy.choose`."""


@dataclass(frozen=True)
class OwnPolicy(Policy):
    """A policy that is one function of the user's.

    Attributes:
        text: how it was named, e.g. ``mine:alternating``.
        function: what chooses.
    """

    text: str
    function: Choice

    @property
    def name(self) -> str:
        """See `Policy`."""
        return self.text

    def choose(
        self,
        state: Tensor,
        predicted: Tensor,
        round: int,
        ranks: Tensor | None = None,  # noqa: ARG002 - a function of one's own goes without a seed
    ) -> Tensor:
        """See `Policy`; asked twice, and for a row alone, since else it would have no law."""
        found = self._asked(state, predicted, round)
        if not _same(found, self._asked(state, predicted, round)):
            raise InputError(
                f"policy {self.name}: answered differently for the same states in round {round}, "
                "so its law is not defined; a policy may not draw (random orders are random:k)"
            )
        if len(state) > 1 and isinstance(found, Tensor) and found.shape == state.shape:
            alone = self._asked(state[:1], predicted[:1], round)
            if not _same(found[:1], alone):
                raise InputError(
                    f"policy {self.name}: chose otherwise for {state[0].tolist()} alone than "
                    f"among {len(state)} rows in round {round}; look at each row by itself"
                )
        return found

    def _asked(self, state: Tensor, predicted: Tensor, round: int) -> Tensor:
        try:
            return self.function(state.clone(), predicted.clone(), round)
        except (Exception, SystemExit) as error:  # foreign code may raise anything, or exit
            raise InputError(
                f"policy {self.name}: raised {one_line(error)} in round {round}"
            ) from error


def _same(one: object, other: object) -> bool:
    """Whether two answers are equal; what is no tensor is complained of elsewhere."""
    return not (isinstance(one, Tensor) and isinstance(other, Tensor)) or torch.equal(one, other)


def chosen_by(
    policy: Policy, state: Tensor, predicted: Tensor, round: int, ranks: Tensor | None
) -> Tensor:
    """The policy's choice, checked; see `Policy.choose`.

    Raises:
        InputError: if it is no bool [B, d], chooses what is revealed, or nothing at all in some row
            and so would never end.
    """
    where = f"policy {policy.name}"
    found = policy.choose(state, predicted, round, ranks)
    shape = list(state.shape)
    if not isinstance(found, Tensor) or found.dtype != torch.bool:
        kind = found.dtype if isinstance(found, Tensor) else type(found).__name__
        raise InputError(f"{where}: must return a tensor of bool {shape}, got {kind}")
    if list(found.shape) != shape:
        raise InputError(f"{where}: must return shape {shape}, got {list(found.shape)}")
    found = found.to(state.device)
    masked = state == predicted.shape[-1]
    if bool((found & ~masked).any()):
        row, place = (found & ~masked).nonzero()[0].tolist()
        raise InputError(
            f"{where}: chose position {place} of {state[row].tolist()} in round {round}, which is "
            f"revealed already; choose among masks ({predicted.shape[-1]}) only"
        )
    idle = ~found.any(1)
    if bool(idle.any()):
        raise InputError(
            f"{where}: chose nothing at {state[idle][0].tolist()} in round {round}, so it would "
            "never end; choose at least one mask in every row"
        )
    return found


# --- text -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """How a rule is written.

    Attributes:
        text: e.g. ``threshold:τ``; what stands in brackets may be left out.
        read: the rule, from its whole text and what follows its name.
    """

    text: str
    read: Callable[[str, str], Rule]


def policy(text: str, length: int | None = None) -> Policy:
    """A policy by its text.

    Args:
        text: a rule of `FORMS`, e.g. ``threshold:0.9``, or ``MODULE:OBJECT``: a `Policy` of your
            own, or a function of (state, predicted, round) that returns bool [B, d].
        length: d, which it must fit; None where it is not known yet.

    Raises:
        InputError: naming what is wrong with it, in one line.
    """
    if len(text) > LONGEST_TEXT:  # rules stand in rules
        raise InputError(f"policy: has {len(text)} characters; at most {LONGEST_TEXT} are read")
    head, _, rest = text.partition(":")
    if head in FORMS:
        found: Policy = _rule(text)
    elif rest and all(part.isidentifier() for part in [*head.split("."), *rest.split(".")]):
        found = _own(text, head)
    else:
        raise InputError(f"policy {text!r} is unknown{_meant(head)}")
    if length is not None:
        found.check(length)
    return found


def _meant(head: str, own: bool = True) -> str:
    near = difflib.get_close_matches(head, FORMS, 1)
    guess = f": did you mean {FORMS[near[0]].text}? Else" if near else ":"
    known = ", ".join(form.text for form in FORMS.values())
    return f"{guess} use {known}{' or MODULE:OBJECT' if own else ''}"


def _own(text: str, head: str) -> Policy:
    try:
        found = load_object(text, "policy")
    except InputError as error:
        if difflib.get_close_matches(head, FORMS, 1):
            raise InputError(f"policy {text!r} is unknown{_meant(head)}") from error
        raise
    if isinstance(found, Policy):
        return found
    if not callable(found):
        raise InputError(
            f"policy {text}: is a {type(found).__name__}; name a function of (state, predicted, "
            "round), or a Policy"
        )
    return OwnPolicy(text, found)


def _rule(text: str) -> Rule:
    head, _, rest = text.partition(":")
    form = FORMS[head]
    if not rest and ":" in form.text.partition("[")[0]:
        raise InputError(f"policy {text}: is written {form.text}")
    return form.read(text, rest)


def _best(measure: str, text: str, count: str) -> Rule:
    return MostConfident(measure, _whole(text, count))


def _blocks(text: str, rest: str) -> Rule:
    size, _, inner = rest.partition(":")
    if inner and inner.partition(":")[0] not in FORMS:
        raise InputError(
            f"policy {text}: inside blocks {inner!r} is no rule{_meant(inner, own=False)}"
        )
    return LeftToRight(_whole(text, size), _rule(inner) if inner else None)


def _whole(text: str, number: str) -> int:
    if not number.isdecimal() or len(number) > 15 or int(number) < 1:
        raise InputError(f"policy {text}: needs a whole number ≥ 1, got {number[:40]!r}")
    return int(number)


def _real(text: str, symbol: str, number: str, most: float = math.inf) -> float:
    try:
        value = float(read_rational(number))
    except (ValueError, OverflowError):
        raise InputError(f"policy {text}: {symbol} must be a number, got {number[:40]!r}") from None
    if not 0 <= value <= most:
        bound = "≥ 0" if most == math.inf else f"in [0, {most:g}]"
        raise InputError(f"policy {text}: {symbol} must be {bound}, got {number[:40]}")
    return value


FORMS: dict[str, Form] = {
    **{
        measure: Form(f"{measure}:k", partial(_best, measure))
        for measure in ("confidence", "margin", "entropy")
    },
    "threshold": Form("threshold:τ", lambda text, tau: ByThreshold(_real(text, "τ", tau, 1))),
    "factor": Form("factor:f", lambda text, f: Factor(_real(text, "f", f))),
    "entropy-bounded": Form(
        "entropy-bounded:γ", lambda text, gamma: EntropyBounded(_real(text, "γ", gamma))
    ),
    "left-to-right": Form("left-to-right:B[:rule]", _blocks),
    "bisection": Form("bisection[:m]", lambda text, m: Bisection(_whole(text, m) if m else 1)),
    "random": Form("random:k", lambda text, k: Random(_whole(text, k))),
}
"""Rules by their names."""


def _check_count(name: str, count: int, length: int) -> None:
    if count > length:
        raise InputError(f"policy {name}: there are {length} tokens only; take at most {length}")


def _text(number: float) -> str:
    return repr(number).removesuffix(".0")


def round_number(number: float) -> float:
    """A rule's own number, rounded as what it is compared with."""
    return float(rounded(torch.tensor(number, dtype=torch.float64)))
