"""`sharprates verify`: all checks, or one witness, the adversary, or a claim of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from sharprates.samplers.errors import InputError
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import user_claim
from sharprates.verification import verify as checks
from sharprates.verification.adversary import campaign
from sharprates.verification.cli import options
from sharprates.verification.cli.options import MOST_JOBS
from sharprates.verification.cli.terminal import EXIT, console, doing, progress
from sharprates.verification.files import to_json, write_whole
from sharprates.verification.instance import read_instance
from sharprates.verification.reports.adversary import adversary_json, print_campaign
from sharprates.verification.reports.instance import print_instance
from sharprates.verification.reports.verify import LEGEND, explain, print_replay, print_statuses
from sharprates.verification.status import CLAIMS_JSON, write_claims


def verify_command(
    context: typer.Context,
    claims: Annotated[str, typer.Option(help="Claim ids; default: all.")] = "",
    scale: Annotated[
        list[str] | None, typer.Option(help="ID.name=x multiplies a constant by x.")
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(help="Replay this witness file, nothing else.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANCE",
            help="Only this instance, as reports and the book write it: both sides of the claim.",
        ),
    ] = None,
    adversary: Annotated[
        bool, typer.Option("--adversary", help="Hunt worst cases, constants and the frontier.")
    ] = False,
    own: Annotated[
        str | None,
        typer.Option("--claim", metavar="MODULE:OBJECT", help="Check this claim of your own."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for what the adversary finds.")
    ] = campaign.FOLDER,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped hunt in that folder.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the run.")] = 0,
    deep: Annotated[bool, typer.Option("--deep", help="Twenty times the examples.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=MOST_JOBS, help="Processes.")] = 1,
    json: Annotated[
        Path | None,
        typer.Option(help="Write claims.json here; default build/claims.json for a whole run."),
    ] = None,
) -> None:
    """Check every claim on generated instances: status, sharpness, power, one row a claim."""
    # what hypothesis would keep between runs; a folder of that name in a device cannot be made
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.devnull)
    always = ("out", "seed", "jobs")
    if witness is not None:
        options.only(context, "--witness", *always, "witness", "own")
    elif on is not None:
        options.only(context, "--on", *always, "on", "claims", "scale")
    elif own is not None:
        options.only(context, "--claim", *always, "own", "scale", "json", "resume")
    elif adversary:
        options.only(
            context,
            "--adversary",
            *always,
            "adversary",
            "claims",
            "scale",
            "deep",
            "json",
            "resume",
        )
    else:
        options.only(context, "verify", *always, "claims", "scale", "deep", "json")
    options.check_outputs(json)
    options.refuse_empty(context, "claims")
    chosen = options.comma_list(claims, "claims") if claims else None
    factors = options.scales(scale)
    terminal = console()
    user = None if own is None else user_claim.load_claim(own, factors)
    if witness is not None:
        doing(f"replaying {witness}")
        raise typer.Exit(EXIT[print_replay(witness, terminal, *user_claim.sides(user))])
    if on is not None:
        if chosen is None or len(chosen) != 1:
            raise InputError("--on: needs one claim, as --claims E5")
        doing("computing both sides in exact arithmetic")
        (one,) = map(claim_of, chosen)
        raise typer.Exit(EXIT[print_instance(one, read_instance(on), terminal, factors)])
    if user is not None:
        with progress(user_claim.count(user)) as told:
            mine = user_claim.verify_own(
                user, out, jobs=jobs, seed=seed, fresh=not resume, progress=told
            )
        print_statuses(mine, terminal)
        explain(mine, str(own), terminal)
        if json is not None:
            write_claims(json, mine.statuses, mine.manifest)
        raise typer.Exit(EXIT[mine.verdict])
    if adversary:
        quests = campaign.quests(chosen, factors)
        with progress(campaign.count_hunts(quests, deep)) as told:
            hunted = campaign.run_campaign(
                quests, out, deep=deep, jobs=jobs, seed=seed, fresh=not resume, progress=told
            )
        parts = (hunted.worst, hunted.constants, hunted.frontier)
        print_campaign(*parts, terminal)
        if json is not None:
            write_whole(json, to_json(adversary_json(*parts, seed)))
        raise typer.Exit(EXIT[hunted.verdict])
    # What a part of the claims, or altered ones, have shown is no status of the whole.
    if json is None and chosen is None and not factors:
        json = CLAIMS_JSON
        options.make_folder(json.parent)
        options.check_outputs(json)
    examples = checks.EXAMPLES * (checks.DEEP if deep else 1)
    with progress(checks.count_checks(chosen)) as told:
        found = checks.verify(chosen, factors, examples, seed, jobs, checks.WITNESSES, told)
    print_statuses(found, terminal)
    terminal.print(LEGEND, style="dim")
    if json is not None:
        write_claims(json, found.statuses, found.manifest)
    raise typer.Exit(EXIT[found.verdict])
