"""The network that is kept: its losses are those of the training that the study describes."""

from __future__ import annotations

import math

import pytest
import torch
from sharprates.samplers import datasets
from sharprates.samplers.network import any_order_loss, train
from studies import network as study

WORDS = datasets.builtin("words4")


class _EnoughError(Exception):
    """Ends a training."""


def test_the_training_begins_as_it_was_kept() -> None:
    found: list[float] = []

    def told(step: int, loss: float) -> None:
        found.append(loss)
        if step == 4:
            raise _EnoughError

    with pytest.raises(_EnoughError):
        train(WORDS, study.TRAINING, progress=told)
    # float32 sums differ a little between machines
    assert found == pytest.approx(study.curve()[:4], abs=1e-3)


def test_the_weights_are_those_of_its_end() -> None:
    losses = study.curve()
    assert len(losses) == study.TRAINING.steps
    kept = study.network()
    with torch.no_grad():
        mean = any_order_loss(kept.network, WORDS, 4000, torch.Generator().manual_seed(1))
    last = losses[-100:]
    spread = math.sqrt(sum((x - sum(last) / 100) ** 2 for x in last) / 100)
    # the mean of 4 000 words against that of a hundred batches of 360
    assert float(mean) == pytest.approx(sum(last) / 100, abs=4 * spread / math.sqrt(10))
    assert float(mean) < 0.5 * losses[0]
