"""How often right samplers are rejected, in seeded runs with all denoisers and few rows.

`python -m tests.verification.conformance.alarms RUNS LEVEL` takes those of `defects.RIGHT` and the
ten of test_declarations.py in turn, and prints every alarm and their number; it ends with 1 if they
are more than the level allows. `sharprates check --false-alarms` counts on two denoisers only.
"""

from __future__ import annotations

import sys
from fractions import Fraction

import torch
from scipy.stats import binom
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import RIGHT
from sharprates.verification.conformance.findings import Outcome, Settings

from tests.verification.conformance.test_declarations import SAMPLERS, Published

UNLIKELY = 1e-6
"""Probability at most with which right levels give more alarms than are allowed."""


def main(runs: int, level: Fraction) -> int:
    """Run after run; alarms are those that fail, and what is undecided is told too."""
    samplers = [*RIGHT, *(Published(name, wrong=False) for name in SAMPLERS)]
    alarms = undecided = 0
    for seed in range(runs):
        sampler = samplers[seed % len(samplers)]
        settings = Settings(rows=1_000, step_rows=200, walk=False, limit=600, seed=seed)
        found = check(sampler, level, settings)
        if found.outcome is not Outcome.CONFORMS:
            print(f"seed {seed}, {found.name}: {found.sentence}", flush=True)
        alarms += found.outcome is Outcome.FAILS
        undecided += found.outcome is Outcome.UNDECIDED
    most = int(binom.isf(UNLIKELY, runs, float(level)))
    print(
        f"{runs} runs of {len(samplers)} samplers at level {float(level):g}: {alarms} alarms, "
        f"{undecided} undecided; up to {most} alarms are within the binomial band"
    )
    return 0 if alarms <= most else 1


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(int(sys.argv[1]), Fraction(sys.argv[2])))
