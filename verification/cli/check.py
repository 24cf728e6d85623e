"""`sharprates check`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from sharprates.samplers.errors import InputError
from sharprates.verification.cli.options import check_outputs, only, write_json
from sharprates.verification.cli.terminal import console, doing, progress
from sharprates.verification.conformance.defects import DEFECTS
from sharprates.verification.conformance.findings import EXIT, Settings
from sharprates.verification.conformance.named import check_named
from sharprates.verification.conformance.self_test import passes, self_test
from sharprates.verification.reports.check import print_conformance, print_self_test


def check_command(
    context: typer.Context,
    sampler: Annotated[
        str | None, typer.Argument(metavar="MODULE:OBJECT", help="A SamplerUnderTest.")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=400, help="Rows of each of two denoisers.", show_default="what fits"),
    ] = None,
    length: Annotated[
        int | None, typer.Option(min=2, help="d of all denoisers.", show_default="3, 2, 8")
    ] = None,
    vocab: Annotated[
        int | None, typer.Option(min=2, help="S of all denoisers.", show_default="3, 8, 2")
    ] = None,
    limit: Annotated[float, typer.Option(min=1, help="Seconds.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    budget: Annotated[float, typer.Option(help="False-alarm probability of the run.")] = 1e-6,
    mutants: Annotated[
        int, typer.Option(min=0, help="Instead: so many runs of each seeded defect.")
    ] = 0,
    false_alarms: Annotated[
        int, typer.Option(min=0, help="Instead: so many runs of samplers without a defect.")
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the verdict here.")] = None,
) -> None:
    """Is this sampler's law what it says it is?"""
    check_outputs(json)
    if not 0 < budget < 1:
        raise InputError(f"--budget: need a probability between 0 and 1, got {budget}")
    if mutants or false_alarms:
        mode = "--mutants" if mutants else "--false-alarms"
        only(context, mode, "mutants", "false_alarms", "seed", "json")
        with progress(mutants * len(DEFECTS) + false_alarms) as told:
            content = self_test(mutants, false_alarms, seed, told)
        print_self_test(content, console())
        code = 0 if passes(content) else 1
    elif sampler is None:
        raise InputError("check: name a sampler as MODULE:OBJECT, or use --mutants")
    else:
        chosen = Settings(samples, length=length, vocabulary=vocab, limit=limit, seed=seed)
        doing(f"checking {sampler}, for {limit:.0f} s at most")
        found = check_named(sampler, Fraction(budget), chosen)
        print_conformance(found, console())
        code, content = EXIT[found.outcome], found.json()
    write_json(json, content, seed)
    raise typer.Exit(code)
