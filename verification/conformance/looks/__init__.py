"""The looks at a sampler, one file a kind, in the order in which they are taken."""

from sharprates.verification.conformance.looks import (
    batches,
    output_law,
    rare_tokens,
    single_calls,
    single_steps,
    trajectories,
)

LOOKS = (
    single_calls.LOOK,
    single_steps.LOOK,
    trajectories.LOOK,
    output_law.LOOK,
    batches.LOOK,
    rare_tokens.LOOK,
)
