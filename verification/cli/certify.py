"""`sharprates certify`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object
from sharprates.samplers.tempered import check_tempering, tempered_as
from sharprates.samplers.trajectories import Rounds
from sharprates.verification.certificate import certify, stretches
from sharprates.verification.cli import options
from sharprates.verification.cli.options import MOST_JOBS
from sharprates.verification.cli.terminal import console, doing, progress
from sharprates.verification.denoisers import resolve_model
from sharprates.verification.held_out import held_out
from sharprates.verification.reports import certify as report


def certify_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="Your model: a function (x, t) → probabilities [B, d, S], mask = S; of a function "
            "that ignores t write `function.time_free = True`.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(help="Held-out sequences: a text, one a line; or .npy, token numbers [n, d]."),
    ],
    policy: Annotated[str, typer.Option(help="Policies, e.g. threshold:0.9,confidence:2.")],
    rounds: Annotated[
        int | None, typer.Option(help="Cap on the rounds; the last one reveals all.")
    ] = None,
    cache: Annotated[int, typer.Option(help="Predict anew in every n-th round.")] = 1,
    temperature: Annotated[float, typer.Option(help="Of the model; changes p̂.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Of the model: nucleus; changes p̂.")] = 1.0,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    symbols: Annotated[
        str | None,
        typer.Option(help="The model's symbols in order, as a line; default: those that occur."),
    ] = None,
    budget: Annotated[float, typer.Option(help="Probability that any interval is wrong.")] = 1e-6,
    jobs: Annotated[
        int, typer.Option(min=1, max=MOST_JOBS, help="Processes; the results are the same.")
    ] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the certificates here.")] = None,
) -> None:
    """The measurable part of a policy's TV bound, from held-out data and predictions alone (P9)."""
    options.check_outputs(json, None, [data])
    options.check_finite(budget=budget, temperature=temperature)
    check_tempering(temperature, top_p)
    doing(f"loading {model}")
    texts = tuple(dict.fromkeys(options.comma_list(policy, "policy")))
    found = load_object(model, "MODEL")
    vocabulary = getattr(found, "vocabulary", None)
    if not isinstance(vocabulary, int | None):
        raise InputError(f"MODEL: {model} has vocabulary {vocabulary!r}; it must be a whole number")
    rows = held_out(data, separator=separator, symbols=symbols, vocabulary=vocabulary)
    made = tempered_as(resolve_model(model, found, rows, rows.name), temperature, top_p)
    given = Rounds(rounds, "fill", cache)
    doing(f"trying {policy}")
    with progress(len(stretches(texts, len(rows.rows)))) as told:
        certificates = certify(rows.rows, made, texts, given, Fraction(budget), told, jobs)
    report.print_certificates(rows, certificates, console())
    options.write_json(json, report.certificates_json(model, rows, certificates))
