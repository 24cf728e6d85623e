"""The network of a page, trained once on the four-letter words; its weights and losses are kept.

Run by ``make network``, which writes ``book/results/network.pt`` and ``network.json``; the same
seed gives the same weights, whatever the number of cores.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from sharprates.samplers import datasets
from sharprates.samplers.network import (
    NetworkDenoiser,
    Training,
    checkpoint,
    load_checkpoint,
    train,
)
from sharprates.verification.files import manifest, to_json, write_whole

WEIGHTS = Path(__file__).parents[1] / "results" / "network.pt"
CURVE = WEIGHTS.with_suffix(".json")
TRAINING = Training(steps=3000)
SHOWN = 200
"""Steps between two lines of the command."""


def network() -> NetworkDenoiser:
    """The one that was kept."""
    return load_checkpoint(WEIGHTS)


def curve() -> list[float]:
    """The loss of each training step's batch, nats a word."""
    losses: list[float] = read()["losses"]
    return losses


def read() -> dict[str, Any]:
    """What ``make network`` wrote beside the weights."""
    content: dict[str, Any] = json.loads(CURVE.read_text(encoding="utf-8"))
    return content


def main() -> None:
    """Train and write."""
    losses: list[float] = []

    def told(step: int, loss: float) -> None:
        losses.append(round(loss, 5))
        if step % SHOWN == 0:
            print(f"step {step} of {TRAINING.steps}: {loss:.3f} nats", flush=True)

    trained = train(datasets.builtin("words4"), TRAINING, progress=told)
    # it was trained in float32: nothing is lost
    single = NetworkDenoiser(copy.deepcopy(trained.network).float())
    write_whole(WEIGHTS, checkpoint(single))
    about = {**manifest(TRAINING.seed), "command": "make network"}
    write_whole(CURVE, to_json({"version": 1, "manifest": about, "losses": losses}))
    print(f"wrote {WEIGHTS.name} and {CURVE.name}")


if __name__ == "__main__":
    main()
