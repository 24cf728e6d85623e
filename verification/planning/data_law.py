"""Data laws that are too long to enumerate, as the command line names them."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import FAMILIES
from sharprates.samplers.letters import LISTED, letters
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.objects import load_object
from torch import Tensor

LONG = 12
"""A family that can be read at any length is enumerated up to this one."""


class Tractable(Denoiser, Protocol):
    """A law with exact conditionals, samples and probabilities."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n rows, int64 [n, d]."""
        ...

    def log_probability(self, rows: Tensor) -> Tensor:
        """Logarithm of q_0 at rows, float64 [n]."""
        ...


def long_target(text: str, *, probabilities: bool = True) -> str | Tractable | None:
    """What a text names, if it has a plan without enumeration.

    Args:
        text: a family with a closed form or ``markov:…`` of more than `LONG` tokens, ``letters:…``
            of more than can be listed, or ``MODULE:OBJECT``, a law that is its own exact denoiser,
            draws rows and gives their probability.
        probabilities: whether an object of one's own must give them.

    Returns:
        The family's text, the law, or None: then the text names data to be enumerated.

    Raises:
        InputError: if the law is not one, or a chain does not start from its stationary law.
    """
    name, *parts = text.split(":")
    if name == "markov":
        return _chain(text, parts)
    if name == "letters":
        return _letters(text, parts)
    if name in FAMILIES and FAMILIES[name].closed_form is not None:
        return text if parts and parts[0].isdecimal() and int(parts[0]) > LONG else None
    if name in FAMILIES or len(parts) != 1 or not name or not parts[0]:
        return None
    return _own(load_object(text, "DATA"), text, probabilities)


def _chain(text: str, parts: list[str]) -> MarkovChain | None:
    entry = FAMILIES["markov"]
    try:
        length, initial, rows = entry.read(parts)
    except ValueError:
        raise InputError(f"{text!r}: write it as markov:{entry.usage}") from None
    if length <= LONG:
        return None
    if not rows or any(len(row) != len(initial) for row in (*rows, rows)):
        raise InputError(f"{text!r}: needs {len(initial)} rows of {len(initial)} probabilities")
    chain = MarkovChain.of(torch.tensor(rows, dtype=torch.float64), length)
    start = torch.tensor(initial, dtype=torch.float64)
    if float((chain.stationary - start).abs().max()) > 1e-6:
        wanted = ",".join(f"{p:.6g}" for p in chain.stationary.tolist())
        raise InputError(
            f"{text!r}: a chain of more than {LONG} tokens must start from its stationary law: "
            f"write {wanted}"
        )
    return chain


def _letters(text: str, parts: list[str]) -> Tractable | None:
    try:
        length, *order = FAMILIES["letters"].read(parts)
    except ValueError:
        raise InputError(f"{text!r}: write it as letters:{FAMILIES['letters'].usage}") from None
    return letters(length, *order) if length > LISTED else None


def _own(found: Any, text: str, probabilities: bool) -> Tractable:
    """A user's law, if it has what a plan asks for."""
    needed = ("length", "vocabulary", "sample", "__call__")
    for name in (*needed, *(["log_probability"] if probabilities else [])):
        if not hasattr(found, name):
            raise InputError(
                f"DATA: {text} has no {name!r}: a law needs length, vocabulary, "
                "sample(n, generator), log_probability(rows) and its own conditionals by a call"
            )
    law: Tractable = found
    return law
