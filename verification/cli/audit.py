"""`sharprates audit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from sharprates.samplers import datasets
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError, any_time
from sharprates.samplers.network import NetworkDenoiser, Training, checkpoint, load_checkpoint
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import tempered_as
from sharprates.samplers.trajectories import Rounds
from sharprates.verification import audit as audits
from sharprates.verification import digests
from sharprates.verification.audit_plan import DEFAULT_CLAIMS, POLICY_CLAIMS, Plan
from sharprates.verification.bound_table import BoundTable, BoundTables
from sharprates.verification.cli import options
from sharprates.verification.cli.options import MOST_JOBS
from sharprates.verification.cli.terminal import EXIT, console, doing, note, progress, training
from sharprates.verification.denoisers import resolve, resolve_for
from sharprates.verification.empirical import Sampling
from sharprates.verification.files import to_json, write_whole
from sharprates.verification.jobs import Cluster, Workers
from sharprates.verification.journal import Journal, identity
from sharprates.verification.measure import check_arithmetic
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.reports import audit as report
from sharprates.verification.reports import sampled
from sharprates.verification.reports.bound_table import bounds_json, print_bounds
from sharprates.verification.sampled_audit import SampledLaw, drives, sampled_audit
from sharprates.verification.verdict import Verdict

JOURNAL = "rows.jsonl"
"""Name of the journal in the folder that `--out` names."""


def audit_command(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, built-in sets (words4, patterns12), families (copies:3:2); or laws of any "
            "length (letters:1024, MODULE:OBJECT), for policies and from samples."
        ),
    ] = None,
    claims: Annotated[str, typer.Option(help="Claim ids to show.")] = ",".join(DEFAULT_CLAIMS),
    steps: Annotated[str, typer.Option(help="Numbers of steps K.")] = "4,16,64,256",
    clock: Annotated[str, typer.Option(help="Clocks.")] = "constant,linear",
    grid: Annotated[
        str, typer.Option(help="Grids: uniform, alpha, logsnr, exp-const.")
    ] = "uniform",
    times: Annotated[
        str, typer.Option(help="Explicit decreasing times, in place of --steps and --grid.")
    ] = "",
    horizon: Annotated[float | None, typer.Option(help="T; default: the clock's.")] = None,
    delta: Annotated[float, typer.Option(help="Early-stopping time.")] = 0.0,
    rule: Annotated[str, typer.Option(help="Step rules.")] = "euler,tau-leaping,ancestral",
    last_step: Annotated[str, typer.Option(help="Masks that remain: leave or fill.")] = "leave",
    blocks: Annotated[
        list[str] | None,
        typer.Option(
            help="Also blocks of these sizes, at random places: 3,2,1. A single size is repeated."
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Also policies, e.g. threshold:0.9,left-to-right:2:confidence:1.")
    ] = "",
    remask: Annotated[
        str, typer.Option(help="Also ancestral steps that mask again, e.g. 0.1,max,rescaled:0.5.")
    ] = "",
    speculate: Annotated[
        str, typer.Option(help="Also speculation: policies that draft, e.g. confidence:2.")
    ] = "",
    confidence: Annotated[str, typer.Option(help="The same as --policy confidence:c.")] = "",
    rounds: Annotated[
        int | None, typer.Option(help="Cap on the rounds of policies; then as --last-step says.")
    ] = None,
    ties: Annotated[str, typer.Option(help="Of policies: left, or seed.")] = "left",
    cache: Annotated[int, typer.Option(help="Policies predict anew in every n-th round.")] = 1,
    temperature: Annotated[float, typer.Option(help="Of the denoiser; changes p̂.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Of the denoiser: nucleus; changes p̂.")] = 1.0,
    arithmetic: Annotated[str, typer.Option(help="float64, rational or ball.")] = "float64",
    denoiser: Annotated[
        str,
        typer.Option(
            help="exact, noisy:ε, trained, a checkpoint's path, or MODULE:OBJECT of your own."
        ),
    ] = "exact",
    training_steps: Annotated[
        int, typer.Option(help="Of the optimiser, with --denoiser trained.")
    ] = Training.steps,
    bounds: Annotated[
        bool,
        typer.Option(
            "--bounds", help="Also every bound on TV and on KL, of step laws, exact denoiser."
        ),
    ] = False,
    samples: Annotated[int, typer.Option(help="Also run each sampler so often.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the running samplers and of training.")] = 0,
    budget: Annotated[float, typer.Option(help="False-alarm probability of --samples.")] = 1e-6,
    device: Annotated[str, typer.Option(help="Of tables and running samplers: cpu, cuda.")] = "cpu",
    jobs: Annotated[
        int, typer.Option(min=1, max=MOST_JOBS, help="Processes; the results are the same.")
    ] = 1,
    cluster: Annotated[
        str | None, typer.Option(help="Instead: the scheduler's address of a Dask cluster.")
    ] = None,
    scale: Annotated[
        list[str] | None, typer.Option(help="ID.name=x multiplies a constant by x.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also what takes longer than half an hour.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write all results here.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw TV against K here, or against rounds.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for rows as they finish, trained networks and loss curves."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the rows that are in --out.")
    ] = False,
) -> None:
    """Exact TV of the samplers on data, beside the bounds."""
    texts = data or list(datasets.BUILTIN)
    kept = [] if out is None else [out / JOURNAL]
    options.check_outputs(json, plot, [*texts, denoiser, *kept])
    if resume and out is None:
        raise InputError("--resume: name the folder of the stopped run with --out")
    if cluster is not None and jobs > 1:
        raise InputError("--jobs: a cluster has its own workers; use --jobs or --cluster")
    if times:
        options.refuse(context, "--times", "steps", "grid", "horizon", "delta")
    if denoiser != "trained":
        options.refuse(context, f"--denoiser {denoiser}", "training_steps")
    if not samples:
        chance = ["budget", *(["seed"] if denoiser != "trained" else [])]
        options.refuse(context, "audit without --samples", *chance)
    if "," in last_step:
        raise InputError("--last-step: an audit takes leave or fill; run it once for each")
    if out is not None:
        options.make_folder(out)
    if not policy and not confidence:
        options.refuse(context, "audit without --policy", "rounds", "ties", "cache")
    options.refuse_empty(context, "policy", "confidence", "remask", "speculate")
    options.check_finite(horizon=horizon, delta=delta, budget=budget, temperature=temperature)
    wanted = options.comma_list(claims, "claims")
    plan = Plan(
        steps=tuple(dict.fromkeys(options.sizes(steps, "steps"))),
        clocks=options.comma_list(clock, "clock"),
        grids=options.comma_list(grid, "grid"),
        rules=options.comma_list(rule, "rule"),
        horizon=horizon,
        delta=delta,
        last_step=last_step,
        claims=_claims(
            wanted,
            [
                *(POLICY_CLAIMS if policy or confidence else ()),
                *(["R2"] if remask else ()),
                *(["Q1"] if speculate else ()),
            ],
        ),
        blocks=tuple(dict.fromkeys(options.sizes(text, "blocks") for text in blocks or ())),
        arithmetic=arithmetic,
        scale=options.scales(scale),
        times=options.reals(times, "times") if times else None,
        policies=(
            *(dict.fromkeys(options.comma_list(policy, "policy")) if policy else ()),
            *(f"confidence:{c}" for c in options.distinct_sizes(confidence, "confidence")),
        ),
        remasking=tuple(dict.fromkeys(options.comma_list(remask, "remask") if remask else ())),
        speculation=tuple(
            dict.fromkeys(options.comma_list(speculate, "speculate") if speculate else ())
        ),
        rounds=rounds,
        ties=ties,
        cache=cache,
        temperature=temperature,
        top_p=top_p,
        sampling=Sampling(samples, seed, Fraction(budget), device),
    )
    doing(f"loading {', '.join((*plan.policies, *plan.speculation)) or 'options'}")
    with any_time(force):
        plan.check()
    laws = long_laws(texts)
    if laws:
        options.refuse(context, f"{texts[0]}, which is too long to be listed,", *NEED_A_LIST)
        found = _from_samples(laws, denoiser, plan, jobs, cluster)
        _report_samples(found, seed, json, plot)
        return
    if bounds and not (denoiser == "exact" and temperature == top_p == 1):
        raise InputError("--bounds: compares bounds for the exact denoiser; leave out --denoiser")
    check_arithmetic(arithmetic, denoiser == "exact" and temperature == top_p == 1)
    with ExitStack() as stack:
        stack.enter_context(any_time(force))
        workers: Workers | int = jobs
        if cluster is not None:
            workers = stack.enter_context(closing(Cluster(cluster)))
        train = Training(steps=training_steps, seed=seed) if denoiser == "trained" else None
        with training() as told:
            make = resolve(denoiser, train or Training(), told)
            targets = []
            for text in texts:
                doing(f"reading {text}")
                targets.append(datasets.load(text, separator=separator))
            names = _file_names(targets)
            journal = None
            if out is not None:
                # before anything is trained: the folder may hold another run
                about = identity(
                    {"plan": plan, "denoiser": [denoiser, train]}, digests.of_data(plan, targets)
                )
                journal = stack.enter_context(
                    Journal[audits.Finished](out / JOURNAL, about, audits.Finished, resume=resume)
                )
            made = []
            for target, name in zip(targets, names, strict=True):
                if journal is not None and out is not None and train is not None:
                    file = out / f"{name}.pt"
                    made.append(_trained_once(make, file, journal.resumed, target))
                else:
                    made.append(make(target))
        count = sum(
            plan.rows(target.length, one.time_free)
            for target, one in zip(targets, made, strict=True)
        )
        if journal is not None:
            journal.check("denoiser's answers", digests.of_denoisers(made, targets))
            done = sum(len(one.results) for one in journal.values.values())
            if done:
                note(f"{journal.path}: {done} of {count} rows are done")
        shown = stack.enter_context(progress(count + len(targets)))
        if plan.policies:
            doing(f"trying {', '.join(plan.policies)}")
        by_target = dict(zip(map(id, targets), made, strict=True))
        results = audits.audit(
            targets, plan, lambda target: by_target[id(target)], shown, workers, journal
        )
    terminal = console()
    for one in results:
        report.print_audit(one, terminal)
        report.print_terms(one, terminal)
        terminal.print()
    terminal.print(report.LEGEND, style="dim")
    compared = _bound_tables(targets, plan) if bounds else []
    for target, schedule, side_by_side in compared:
        print_bounds(f"{target.name}, {schedule}", side_by_side, terminal)
        terminal.print()
    if json is not None:
        content = report.audit_json(results, seed if samples or train else None)
        if bounds:
            content["bounds"] = [
                {"target": target.name, "sampler": str(schedule), **bounds_json(side_by_side)}
                for target, schedule, side_by_side in compared
            ]
        write_whole(json, to_json(content))
    if plot is not None:
        report.plot_audit(results, plot)
    if out is not None:
        _write_losses(out, results, names)
    verdicts = {row.verdict for *_, one in compared for row in one.rows}
    worst = report.worst(results)
    raise typer.Exit(EXIT[Verdict.FAILS if Verdict.FAILS in verdicts else worst])


def _bound_tables(
    targets: Sequence[Target], plan: Plan
) -> list[tuple[Target, Schedule | StepLaw, BoundTable]]:
    """Of every target and parallel sampler, the bounds side by side."""
    found = []
    for target in targets:
        made = BoundTables(target)
        for sampler in chain(*plan.samplers(target.length, time_free=True)):
            if isinstance(sampler, ParallelSampler):
                doing(f"bounds on {target.name}, {sampler}")
                found.append((target, sampler.schedule, made(sampler.schedule)))
    return found


def _claims(wanted: Sequence[str], besides: Sequence[str]) -> tuple[str, ...]:
    """The ids to show; where none are chosen also those on what is run besides."""
    chosen = tuple(map(str.upper, wanted))
    if chosen != DEFAULT_CLAIMS:
        return chosen
    return (*chosen, *besides)


NEED_A_LIST = (
    *("claims", "steps", "clock", "grid", "times", "horizon", "delta", "rule", "blocks"),
    *("ties", "remask", "speculate", "bounds"),
    *("arithmetic", "device", "scale", "separator", "out", "resume"),
)
"""Options that a law has no use for whose sequences cannot be listed."""


def long_laws(texts: Sequence[str]) -> dict[str, Tractable]:
    """The laws that texts name if none can be listed, by name; empty if all can.

    Raises:
        InputError: if some can and others cannot.
    """
    found = {text: options.long_law(text) for text in texts}
    # what has a closed form only, like pairs:4096:2, has no policies: its listing says why
    laws = {text: law for text, law in found.items() if law and not isinstance(law, str)}
    if laws and len(laws) < len(set(texts)):
        other = next(text for text in texts if text not in laws)
        raise InputError(
            f"audit: {next(iter(laws))} is too long to be listed, {other} is not: audit them apart"
        )
    return laws


def _from_samples(
    laws: Mapping[str, Tractable],
    denoiser: str,
    plan: Plan,
    jobs: int,
    cluster: str | None,
) -> list[SampledLaw]:
    """Policies on laws that can be drawn from."""
    name = next(iter(laws))
    if not plan.policies:
        raise InputError(f"{name}: is too long for exact laws; give --policy, e.g. threshold:0.9")
    if not plan.sampling.samples:
        raise InputError(f"{name}: is too long for exact laws; give --samples, e.g. 20000")
    work = [
        (text, law, tempered_as(resolve_for(law, text, denoiser), plan.temperature, plan.top_p))
        for text, law in laws.items()
    ]
    rounds = Rounds(plan.rounds, plan.last_step, plan.cache)
    with ExitStack() as stack:
        workers: Workers | int = jobs
        if cluster is not None:
            workers = stack.enter_context(closing(Cluster(cluster)))
        count = len(drives(len(work), plan.policies, plan.sampling))
        shown = stack.enter_context(progress(count))
        return sampled_audit(work, plan.policies, plan.sampling, rounds, shown, workers)


def _report_samples(
    found: Sequence[SampledLaw], seed: int, json: Path | None, plot: Path | None
) -> None:
    terminal = console()
    for one in found:
        sampled.print_sampled(one, terminal)
        terminal.print()
    terminal.print(sampled.legend(found), style="dim", soft_wrap=True)
    if json is not None:
        write_whole(json, to_json(sampled.sampled_json(found, seed)))
    if plot is not None:
        sampled.plot_sampled(found, plot)


def _file_names(targets: Sequence[Target]) -> list[str]:
    """Names of targets as parts of file names, no two the same."""
    stems = [target.name.replace(":", "-").replace("/", "over") for target in targets]
    return [
        f"{stem}-{place}" if stems.count(stem) > 1 else stem
        for place, stem in enumerate(stems, start=1)
    ]


def _trained_once(
    train: Callable[[Target], Denoiser], path: Path, resumed: bool, target: Target
) -> Denoiser:
    """The network that a stopped run left in its folder, or else a new one, which is left there."""
    if resumed and path.exists():
        return load_checkpoint(path)
    made = train(target)
    if isinstance(made, NetworkDenoiser):
        write_whole(path, checkpoint(made))
    return made


def _write_losses(
    folder: Path, results: Sequence[audits.TargetAudit], names: Sequence[str]
) -> None:
    """Loss curves of denoisers that have one."""
    for one, name in zip(results, names, strict=True):
        if one.denoiser is None:
            continue
        for clock, errors in one.denoiser.errors:
            curve = report.loss_curve_csv(errors)
            if curve is not None:
                where = name if clock is None else f"{name}-{clock.name.replace(':', '-')}"
                write_whole(folder / f"{where}-losses.csv", curve)
