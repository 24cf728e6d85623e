"""Exact experiments: one function that makes them from their parts, all in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.predictions import GivenPredictions, Predictions
from sharprates.samplers.sampler import Sampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.experiment import Experiment


def exact_experiment(
    target: Target,
    *,
    steps: Sequence[Fraction] = (),
    blocks: Sequence[int] = (),
    grid: Schedule | None = None,
    predictions: Predictions | None = None,
) -> Experiment:
    """An exact experiment.

    Args:
        target: the data law.
        steps: a step law w; what is missing to 1 is leftover.
        blocks: block sizes in order; (1, …, 1) is first-hitting sampling.
        grid: a rule on a clock and a uniform grid, its horizon a fraction.
        predictions: where the denoiser is not the exact one.

    Raises:
        InputError: if more than one of steps, blocks and grid is given, or one is impossible.
    """
    if bool(steps) + bool(blocks) + (grid is not None) > 1:
        raise InputError("experiment: give one of steps, blocks and grid")
    d = target.length
    sampler: Sampler | None = None
    if steps:
        sampler = ParallelSampler(d, StepLaw.from_fractions(steps))
    elif grid is not None:
        sampler = ParallelSampler(d, grid)
    elif blocks:
        ones = tuple(blocks) == (1,) * d
        sampler = FirstHittingSampler(d) if ones else BlockSampler(d, tuple(blocks))
    denoiser = GivenPredictions(target, predictions) if predictions else ExactDenoiser(target)
    return Experiment(target, denoiser, sampler)


def experiment_on_rows(
    vocabulary: int, rows: Sequence[Sequence[int]], weights: Sequence[Fraction], **schedule: Any
) -> Experiment:
    """An exact experiment on a law given by its rows; the rest as in `exact_experiment`."""
    return exact_experiment(Target.from_rows(rows, weights, vocabulary), **schedule)
