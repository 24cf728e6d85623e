"""Masked diffusion samplers and their exact output laws; knows no theorem.

What `PUBLIC` names is the public API; a name is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharprates.samplers.blocks import BlockSampler as BlockSampler
    from sharprates.samplers.clock import Clock as Clock
    from sharprates.samplers.confidence import ConfidenceSampler as ConfidenceSampler
    from sharprates.samplers.datasets import load as load
    from sharprates.samplers.denoiser import Denoiser as Denoiser
    from sharprates.samplers.denoiser import ExactDenoiser as ExactDenoiser
    from sharprates.samplers.errors import InputError as InputError
    from sharprates.samplers.family import Family as Family
    from sharprates.samplers.first_hitting import FirstHittingSampler as FirstHittingSampler
    from sharprates.samplers.output_law import total_variation as total_variation
    from sharprates.samplers.parallel import ParallelSampler as ParallelSampler
    from sharprates.samplers.sampler import Sampler as Sampler
    from sharprates.samplers.schedule import Schedule as Schedule
    from sharprates.samplers.step_law import StepLaw as StepLaw
    from sharprates.samplers.target import Target as Target

PUBLIC = {
    "BlockSampler": "blocks",
    "Clock": "clock",
    "ConfidenceSampler": "confidence",
    "Denoiser": "denoiser",
    "ExactDenoiser": "denoiser",
    "Family": "family",
    "FirstHittingSampler": "first_hitting",
    "InputError": "errors",
    "ParallelSampler": "parallel",
    "Sampler": "sampler",
    "Schedule": "schedule",
    "StepLaw": "step_law",
    "Target": "target",
    "load": "datasets",
    "total_variation": "output_law",
}
"""Public name → the file that defines it."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
