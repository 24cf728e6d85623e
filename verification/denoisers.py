"""The denoiser that a user names, and the checks that stand between foreign code and a result."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import (
    Denoiser,
    ExactDenoiser,
    Positions,
    breaks,
    relative_error,
    variation,
)
from sharprates.samplers.errors import InputError
from sharprates.samplers.network import NetworkDenoiser, Training, load_checkpoint, train
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.objects import load_object, one_line
from sharprates.samplers.target import Target
from sharprates.verification.planning.data_law import Tractable
from torch import Tensor

MASS_TOLERANCE = 1e-5
"""A float32 softmax over 10^5 symbols sums to 1 within this; what is left is divided out."""

LARGEST_MASS = 1e100
"""Of scores that are not normalised: a sum over all contexts and steps must not overflow."""

BATCH_TOLERANCE = 1e-3
"""Far above what float32 rounds differently in another batch."""

# Predictions asked for at a time: 2^22 float64 numbers are 32 MiB.
_CELLS = 1 << 22

Progress = Callable[[str, int, int, float], None]
"""Called after each training step: the target's name, the step, the steps, the loss in nats."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A foreign denoiser; every answer is checked, made float64, and cut off from its autograd.

    Attributes:
        name: what messages call it.
        function: (x [B, d], t) → [B, d, S].
        vocabulary: S.
        time_free: as it claims.
        normalised: as it claims; then each prediction is divided by its sum, which must be 1 within
            `MASS_TOLERANCE`.
    """

    name: str
    function: Callable[[Tensor, Tensor | float | None], Any]
    vocabulary: int
    time_free: bool
    normalised: bool

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`.

        Raises:
            InputError: if it raises, or answers with anything but probabilities.
        """
        try:
            with torch.no_grad():
                answer = self.function(x.clone(), t)
        except InputError:
            raise
        except (Exception, SystemExit) as error:  # foreign code may raise anything
            raise self._wrong(f"raised {one_line(error)}", "see its own tests") from error
        shape = [*x.shape, self.vocabulary]
        if not isinstance(answer, Tensor):
            raise self._wrong(
                f"returned an object of type {type(answer).__name__}",
                f"return a tensor of shape {shape}",
            )
        plain = answer.layout is torch.strided and not (answer.is_nested or answer.is_meta)
        if answer.is_complex() or not plain:
            kind = "complex numbers" if answer.is_complex() else "no dense tensor with values"
            raise self._wrong(f"returned {kind}", "return an ordinary tensor of real numbers")
        if list(answer.shape) != shape:
            raise self._wrong(f"returned shape {list(answer.shape)}", f"return {shape}")
        p = answer.detach().to(x.device, torch.float64)
        masked = x == self.vocabulary
        found = p[masked]
        if bool(torch.isnan(found).any()):
            raise self._wrong("returned NaN", "return probabilities")
        if not bool(torch.isfinite(found).all()):
            raise self._wrong("returned an infinite value", "return probabilities, not logits")
        if bool((found < 0).any()):
            raise self._wrong(
                f"returned the negative value {float(found.min()):g}",
                "return probabilities, not log-probabilities or logits",
            )
        if self.normalised and found.numel():
            total = p.sum(-1, keepdim=True)
            off = (total.squeeze(-1) - 1).abs()[masked]
            if float(off.max()) > MASS_TOLERANCE:
                mass = float(total.squeeze(-1)[masked][off.argmax()])
                raise self._wrong(
                    f"claims to be normalised, but a prediction has mass {mass:.6g}",
                    "divide by the sum, or set normalised = False",
                )
            p = torch.where(masked[:, :, None], p / total, 0.0)
        else:
            if found.numel() and float(found.sum(-1).max()) > LARGEST_MASS:
                raise self._wrong(
                    f"returned scores of sum {float(found.sum(-1).max()):g}",
                    f"divide by α/(1−α); the sum may be at most {LARGEST_MASS:g}",
                )
            p = torch.where(masked[:, :, None], p, 0.0)
        return p if positions is None else p[positions]

    @property
    def breaks(self) -> tuple[float, ...] | None:
        """As it states them."""
        stated = breaks(self.function)
        if stated is None:
            return None
        try:
            return tuple(map(float, stated))
        except (TypeError, ValueError):
            raise self._wrong(f"has breaks {stated!r}", "give a tuple of times") from None

    def variation(self, early: float, late: float) -> float:
        """As it states it; 1, which says nothing, if it does not.

        Raises:
            InputError: if its statement raises, or is no number ≥ 0.
        """
        stated = getattr(self.function, "variation", None)
        if stated is None:
            return 0.0 if self.breaks is not None else 1.0
        try:
            found = float(stated(early, late))
        except (Exception, SystemExit) as error:  # foreign code may raise anything
            raise self._wrong(
                f"its variation({early:g}, {late:g}) raised {one_line(error)}", "see its own tests"
            ) from error
        if found < 0:
            raise self._wrong(
                f"its variation({early:g}, {late:g}) is {found:g}", "return a bound, which is ≥ 0"
            )
        return found

    def _wrong(self, what: str, remedy: str) -> InputError:
        return InputError(f"denoiser {self.name}: {what}; {remedy}")


def questions(denoiser: Denoiser, target: Target) -> tuple[Tensor, float | None]:
    """A few partial states, [d, d], and a time if the denoiser depends on it, to try it with."""
    d, S = target.length, target.vocabulary
    x = target.rows[:1].repeat(d, 1)
    x[torch.ones(d, d).triu().bool()] = S  # one row with k tokens revealed, for each k < d
    return x, None if denoiser.time_free else 0.5


def probe(denoiser: Denoiser, target: Target) -> None:
    """Ask for a few predictions, so that a bad denoiser is found before the work.

    Raises:
        InputError: if an answer is no prediction; or depends on chance, on time though it claims
            not to, or on the other sequences that are asked for with it.
    """
    x, t = questions(denoiser, target)
    first = denoiser(x, t)
    if not torch.equal(first, denoiser(x, t)):
        raise InputError(
            "denoiser: gives two answers to one question; switch off dropout and other randomness"
        )
    if denoiser.time_free and not torch.equal(first, denoiser(x, 0.5)):
        raise InputError(
            "denoiser: claims to be time-free, but depends on t; set time_free = False"
        )
    alone = torch.cat([denoiser(row, t) for row in torch.split(x, 1)])
    if float((first - alone)[x == target.vocabulary].abs().max()) > BATCH_TOLERANCE:
        raise InputError(
            "denoiser: an answer depends on what else is in the batch; a torch module needs .eval()"
        )


@dataclass(frozen=True, eq=False)
class ContextTable:
    """A denoiser's predictions at all contexts of a target, asked for once and looked up.

    A float32 network rounds a row differently in every batch, and then a law and the bound on it
    would belong to two denoisers. Here all contexts are asked for together, in one order.

    Attributes:
        base: what is asked.
        target: the data law.
    """

    base: Denoiser
    target: Target

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.base.vocabulary

    @property
    def time_free(self) -> bool:
        """As the base's."""
        return self.base.time_free

    @property
    def normalised(self) -> bool:
        """As the base's."""
        return self.base.normalised

    @property
    def relative_error(self) -> float:
        """As the base's."""
        return relative_error(self.base)

    @property
    def breaks(self) -> tuple[float, ...] | None:
        """As the base's."""
        return breaks(self.base)

    def variation(self, early: float, late: float) -> float:
        """As the base's."""
        return variation(self.base, early, late)

    def __reduce__(self) -> tuple[type[ContextTable], tuple[Denoiser, Target]]:
        """Without what was looked up: another process asks the same questions."""
        return ContextTable, (self.base, self.target)

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`. What is no context, the base is asked for."""
        if isinstance(t, Tensor) and t.ndim and not self.time_free:  # a time for each row
            return self.base(x, t, positions)
        states, keys, order = (one.to(x.device) for one in self._contexts)
        table = self._table(None if self.time_free or t is None else float(t)).to(x.device)
        place = torch.searchsorted(keys, self._keys(x)).clamp(max=len(keys) - 1)
        place = order[place]
        out = table[place]
        other = (states[place] != x).any(1)
        if bool(other.any()):
            out[other] = self.base(x[other], t).to(out)
        return out if positions is None else out[positions]

    def _table(self, t: float | None) -> Tensor:
        """Predictions at all contexts and one time, [C, d, S]; kept while all of them are small."""
        if t not in self._kept:
            states = self._contexts[0]
            if (len(self._kept) + 1) * states.numel() * self.vocabulary > _CELLS:
                self._kept.clear()
            size = max(1, _CELLS // (self.target.length * self.vocabulary))
            self._kept[t] = torch.cat([self.base(part, t) for part in torch.split(states, size)])
        return self._kept[t]

    @cached_property
    def _kept(self) -> dict[float | None, Tensor]:
        return {}

    @cached_property
    def _contexts(self) -> tuple[Tensor, Tensor, Tensor]:
        """The contexts, their sorted keys, and the context of each key."""
        states = Contexts.of(self.target).states
        return states, *self._keys(states).sort()

    def _keys(self, x: Tensor) -> Tensor:
        """A number for each row; in the rare case that two rows share one, both are looked at."""
        chance = torch.Generator().manual_seed(0)
        factors = torch.randint(-(2**62), 2**62, (x.shape[1],), generator=chance).to(x.device)
        return (x * factors).sum(1)  # modulo 2^64


def resolve(
    text: str, training: Training | None = None, progress: Progress | None = None
) -> Callable[[Target], Denoiser]:
    """What makes the denoiser that a user names, for each target.

    Args:
        text: ``exact``; ``noisy:ε``, that mixed with a share ε of uniform; ``trained``, a network
            trained on the target; the path of a checkpoint written by
            `samplers.network.checkpoint`; or ``MODULE:OBJECT``, a denoiser, a function (x, t) →
            probabilities, or a function or class of one argument that makes one of these from a
            target. A plain function may carry the attributes `time_free` (by default False) and
            `normalised` (True), and `breaks` or `variation` (see `samplers.denoiser.Denoiser`).
        training: of ``trained``.
        progress: told of its steps.

    Raises:
        InputError: in one line, if there is no such thing. What it answers is checked when asked.
    """
    if text == "exact":
        return ExactDenoiser
    if text.startswith(NOISY):
        amount = _amount(text)
        return lambda target: NoisyDenoiser(ExactDenoiser(target), amount)
    if text == "trained":
        return lambda target: _trained(target, training or Training(), progress)
    if Path(text).suffix in (".pt", ".pth") or os.path.isfile(text):
        network = load_checkpoint(text)
        return lambda target: _fitting(network, target, target.name, text)
    if ":" in text:
        found = load_object(text, "denoiser")
        return lambda target: _foreign(found, target, target.name, text)
    raise InputError(
        f"--denoiser: {text!r} is unknown: use exact, noisy:ε, trained, the path of a checkpoint, "
        "or MODULE:OBJECT"
    )


def resolve_for(law: Tractable, name: str, text: str) -> Denoiser:
    """The denoiser that a user names, for a law that is its own exact denoiser; see `resolve`.

    Raises:
        InputError: also for ``trained``: a network is trained on data that is listed.
    """
    if text == "exact":
        return law
    if text.startswith(NOISY):
        return NoisyDenoiser(law, _amount(text))
    if text == "trained":
        raise InputError(f"--denoiser trained: {name} is too long a law to be listed; train apart")
    if Path(text).suffix in (".pt", ".pth") or Path(text).is_file():
        return _fitting(load_checkpoint(text), law, name, text)
    return _foreign(load_object(text, "denoiser"), law, name, text)


def resolve_model(text: str, found: Any, data: Sized, name: str) -> Denoiser:
    """A model that a user names, for data of which only sequences are known.

    Args:
        text: how it was named.
        found: what the name stands for; see ``MODULE:OBJECT`` of `resolve`.
        data: what a maker of one argument is given.
        name: of the data.
    """
    return _foreign(found, data, name, text, "MODEL")


class Sized(Protocol):
    """What a denoiser must fit."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        ...


NOISY = "noisy:"


def _amount(text: str) -> float:
    try:
        return float(text.removeprefix(NOISY))
    except ValueError:
        raise InputError(f"--denoiser: {text!r}: write it as noisy:ε, a share in [0, 1]") from None


def _trained(target: Target, training: Training, progress: Progress | None) -> Denoiser:
    def told(step: int, loss: float) -> None:
        if progress is not None:
            progress(target.name, step, training.steps, loss)

    return train(target, training, progress=told)


def _fitting(network: NetworkDenoiser, target: Sized, name: str, path: str) -> Denoiser:
    """The checkpoint's network, if it was made for sequences like these."""
    made, needed = (network.length, network.vocabulary), (target.length, target.vocabulary)
    if made != needed:
        raise InputError(
            f"{path}: was trained for d = {made[0]}, S = {made[1]}; "
            f"{name} has d = {needed[0]}, S = {needed[1]}"
        )
    # its numbers come from a file
    return Checked(path, network, needed[1], time_free=True, normalised=True)


def _foreign(
    found: Any, target: Sized, name: str, text: str, where: str = "--denoiser"
) -> Denoiser:
    """A user's object as a denoiser for a target."""
    try:
        if not callable(found):
            raise InputError(f"is an object of type {type(found).__name__}, which is no denoiser")
        is_one = not inspect.isclass(found) and all(hasattr(found, name) for name in _CLAIMS)
        if not is_one and (inspect.isclass(found) or _arguments(found) == 1):
            found = _made(found, target)
        S = getattr(found, "vocabulary", target.vocabulary)
        free, whole = getattr(found, "time_free", False), getattr(found, "normalised", True)
        if target.vocabulary != S:
            raise InputError(f"has vocabulary {S}, {name} has {target.vocabulary}")
        if not (isinstance(free, bool) and isinstance(whole, bool)):
            raise InputError(f"needs True or False as time_free, normalised; got {free}, {whole}")
    except InputError as error:
        raise InputError(f"{where}: {text} {error}") from None
    except (Exception, SystemExit) as error:  # a user's code may raise anything
        raise InputError(f"{where}: {text} raised {one_line(error)}") from error
    return Checked(text, found, target.vocabulary, time_free=free, normalised=whole)


_CLAIMS = ("vocabulary", "time_free", "normalised")
"""What an object has that follows the protocol."""


def _made(maker: Callable[[Any], Any], target: Sized) -> Callable[..., Any]:
    """What a callable of one argument makes of a target."""
    try:
        made: Callable[..., Any] = maker(target)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(
            f"raised {one_line(error)}; it takes one argument, so it was given the target: "
            "a denoiser takes two, x and t"
        ) from error
    if not callable(made):
        raise InputError(f"made an object of type {type(made).__name__}, which is no denoiser")
    return made


def _arguments(found: Callable[..., Any]) -> int:
    """How many arguments a callable needs; a module's are those of its `forward`."""
    function = found.forward if isinstance(found, torch.nn.Module) else found
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return 0
    return sum(
        p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        for p in parameters
    )
