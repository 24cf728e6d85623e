"""The denoiser that a user names, and the checks that stand between foreign code and a result."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from samplers.denoiser import Denoiser, ExactDenoiser, Positions
from samplers.errors import InputError
from samplers.network import NetworkDenoiser, Training, load_checkpoint, train
from samplers.target import Target
from verification.objects import load_object, one_line

MASS_TOLERANCE = 1e-5
"""A float32 softmax over 10^5 symbols sums to 1 within this; what is left is divided out."""

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
        except Exception as error:  # foreign code may raise anything
            raise self._wrong(f"raised {one_line(error)}", "see its own tests") from error
        shape = [*x.shape, self.vocabulary]
        if not isinstance(answer, Tensor):
            raise self._wrong(
                f"returned a {type(answer).__name__}", f"return a tensor of shape {shape}"
            )
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
            p = torch.where(masked[:, :, None], p, 0.0)
        return p if positions is None else p[positions]

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
        InputError: if an answer is no prediction, or asking twice gives two answers.
    """
    x, t = questions(denoiser, target)
    first, second = denoiser(x, t), denoiser(x, t)
    if not torch.equal(first, second):
        raise InputError(
            "denoiser: gives two answers to one question; switch off dropout and other randomness"
        )


def resolve(
    text: str, training: Training | None = None, progress: Progress | None = None
) -> Callable[[Target], Denoiser]:
    """What makes the denoiser that a user names, for each target.

    Args:
        text: ``exact``; ``trained``, a network trained on the target; the path of a checkpoint
            written by `samplers.network.checkpoint`; or ``MODULE:OBJECT``, a denoiser, a function
            (x, t) → probabilities, or a function or class of one argument that makes one of these
            from a target. A plain function may carry the attributes `time_free` (by default False)
            and `normalised` (True).
        training: of ``trained``.
        progress: told of its steps.

    Raises:
        InputError: in one line, if there is no such thing. What it answers is checked when asked.
    """
    if text == "exact":
        return ExactDenoiser
    if text == "trained":
        return lambda target: _trained(target, training or Training(), progress)
    if Path(text).suffix in (".pt", ".pth") or Path(text).is_file():
        network = load_checkpoint(text)
        return lambda target: _fitting(network, target, text)
    if ":" in text:
        found = load_object(text, "denoiser")
        return lambda target: _foreign(found, target, text)
    raise InputError(
        f"--denoiser: {text!r} is unknown: use exact, trained, the path of a checkpoint, or "
        "MODULE:OBJECT"
    )


def _trained(target: Target, training: Training, progress: Progress | None) -> Denoiser:
    def told(step: int, loss: float) -> None:
        if progress is not None:
            progress(target.name, step, training.steps, loss)

    return train(target, training, progress=told)


def _fitting(network: NetworkDenoiser, target: Target, path: str) -> Denoiser:
    """The checkpoint's network, if it was made for sequences like these."""
    made, needed = (network.length, network.vocabulary), (target.length, target.vocabulary)
    if made != needed:
        raise InputError(
            f"{path}: was trained for d = {made[0]}, S = {made[1]}; "
            f"{target.name} has d = {needed[0]}, S = {needed[1]}"
        )
    # its numbers come from a file
    return Checked(path, network, needed[1], time_free=True, normalised=True)


def _foreign(found: Any, target: Target, text: str) -> Denoiser:
    """A user's object as a denoiser for a target."""
    if not _is_denoiser(found):
        if not callable(found):
            raise InputError(f"--denoiser: {text} is a {type(found).__name__}, not a denoiser")
        if inspect.isclass(found) or _arguments(found) == 1:
            try:
                found = found(target)
            except InputError:
                raise
            except Exception as error:  # a user's code may raise anything
                raise InputError(f"--denoiser: {text} raised {one_line(error)}") from error
            if not callable(found):
                raise InputError(f"--denoiser: {text} made a {type(found).__name__}, no denoiser")
    S = getattr(found, "vocabulary", target.vocabulary)
    if target.vocabulary != S:
        raise InputError(
            f"--denoiser: {text} has vocabulary {S}, {target.name} has {target.vocabulary}"
        )
    free, whole = getattr(found, "time_free", False), getattr(found, "normalised", True)
    return Checked(text, found, target.vocabulary, time_free=bool(free), normalised=bool(whole))


def _is_denoiser(found: Any) -> bool:
    """Whether an object says that it follows the protocol."""
    names = ("vocabulary", "time_free", "normalised")
    return not inspect.isclass(found) and all(hasattr(found, name) for name in names)


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
