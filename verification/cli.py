"""The command line: `sharprates audit | plan | claims | …`.

Exit codes: 0 all hold; 1 a claim or sampler fails; 2 bad usage or input; 3 undecided.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from sharprates.samplers import datasets
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.network import NetworkDenoiser, Training, checkpoint, load_checkpoint
from sharprates.samplers.rational import read_rational
from sharprates.samplers.target import Target
from sharprates.theory.errors import TheoryError
from sharprates.theory.registry import CLAIMS, claim
from sharprates.verification import audit as audits
from sharprates.verification import (
    claim_page,
    digests,
    files,
    report,
    status,
    terms_report,
    user_claim,
)
from sharprates.verification import verify as verification_run
from sharprates.verification.adversary import campaign
from sharprates.verification.conformance import report as conformance_report
from sharprates.verification.conformance.findings import Settings
from sharprates.verification.conformance.self_test import self_test
from sharprates.verification.denoisers import resolve
from sharprates.verification.empirical import Sampling
from sharprates.verification.jobs import Cluster, Workers
from sharprates.verification.journal import Journal, identity
from sharprates.verification.measure import check_arithmetic
from sharprates.verification.planning import bounds, long_targets, planner
from sharprates.verification.planning import report as plan_report
from sharprates.verification.planning.loss_curve import read_loss_curve
from sharprates.verification.verdict import Verdict

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Verify total-variation guarantees of masked diffusion samplers.",
)

JOURNAL = "rows.jsonl"
"""Name of an audit's journal in the folder that `--out` names."""

EXIT = {Verdict.HOLDS: 0, Verdict.FAILS: 1, Verdict.UNDECIDED: 3}
"""Exit code of a run by its worst verdict; 2 is bad input."""


def main() -> None:
    """Entry point: bad input is one clear line and exit code 2, never a traceback."""
    try:
        app()
    except (InputError, TheoryError) as error:
        _note(f"sharprates: {error}")
        sys.exit(2)


def _list(text: str, option: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise InputError(f"--{option}: needs at least one value, got {text!r}")
    return parts


def _counts(text: str, option: str) -> tuple[int, ...]:
    values = []
    for part in _list(text, option):
        # longer ones are beyond all memory, and beyond int64
        if not part.isdecimal() or len(part) > 15 or int(part) < 1:
            raise InputError(f"--{option}: needs whole numbers ≥ 1 with commas, got {part[:40]!r}")
        values.append(int(part))
    return tuple(dict.fromkeys(values))


def _sizes(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers ≥ 1, repetitions kept."""
    return tuple(count for part in _list(text, option) for count in _counts(part, option))


def _reals(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _list(text, option))
    except ValueError:
        raise InputError(f"--{option}: needs numbers with commas, got {text!r}") from None


def _scales(texts: list[str]) -> dict[str, Fraction]:
    scales = {}
    for text in texts:
        name, _, factor = text.partition("=")
        try:
            scales[name.strip()] = read_rational(factor)
        except ValueError:
            raise InputError(f"--scale: needs ID.name=number, got {text!r}") from None
    return scales


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; on anything else a line after every tenth."""
    console = _console(stderr=True)
    if not console.is_terminal:
        done = 0

        def line(text: str) -> None:
            nonlocal done
            done += 1
            if done * 10 // total > (done - 1) * 10 // total:
                console.print(f"{done} of {total}: {text}", soft_wrap=True)

        yield line
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def step(text: str) -> None:
            bar.update(task, description=text, advance=1)

        yield step


@contextmanager
def _training() -> Iterator[Callable[[str, int, int, float], None]]:
    """A bar for each network on a terminal; on anything else a line after every tenth."""
    console = _console(stderr=True)
    if not console.is_terminal:

        def line(name: str, step: int, steps: int, loss: float) -> None:
            if step == steps or step % max(1, steps // 10) == 0:
                text = f"training on {name}: step {step} of {steps}, loss {loss:.3f} nats"
                console.print(text, soft_wrap=True)

        yield line
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def move(name: str, step: int, steps: int, loss: float) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task("", total=steps)
            text = f"training on {name}: loss {loss:.3f} nats"
            bar.update(tasks[name], description=text, completed=step)

        yield move


def _note(text: str) -> None:
    """One line on standard error."""
    _console(stderr=True).print(text, soft_wrap=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out: {folder} cannot be made: {error.strerror}") from None
    files.check_writable(folder / "any")


def _trained_before(
    train: Callable[[Target], Denoiser], folder: Path, resumed: bool, target: Target
) -> Denoiser:
    """The network that a stopped run left in its folder, or else a new one, which is left there."""
    path = folder / f"{_stem(target.name)}.pt"
    if resumed and path.exists():
        return load_checkpoint(path)
    made = train(target)
    if isinstance(made, NetworkDenoiser):
        files.write_whole(path, checkpoint(made))
    return made


def _write_losses(folder: Path, results: Sequence[audits.TargetAudit]) -> None:
    """Loss curves of denoisers that have one."""
    for one in results:
        if one.denoiser is None:
            continue
        for clock, errors in one.denoiser.errors:
            curve = terms_report.loss_curve_csv(errors)
            if curve is not None:
                name = one.name if clock is None else f"{one.name}-{clock.name}"
                files.write_whole(folder / f"{_stem(name)}-losses.csv", curve)


def _stem(name: str) -> str:
    return name.replace(":", "-")


def _check_outputs(json: Path | None, plot: Path | None) -> None:
    for path in (json, plot):
        if path is not None:
            files.check_writable(path)
    if plot is not None and plot.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot: the name must end in .png, .svg or .pdf, got {plot}")


def _check_finite(**options: float | None) -> None:
    for name, value in options.items():
        if value is not None and not math.isfinite(value):
            raise InputError(f"--{name}: must be a finite number, got {value}")


def _console(stderr: bool = False) -> Console:
    """Standard output or error; in a user's names neither [red] nor :one: means anything.

    A pipe gets full lines: no table is cut at a width that nobody set.
    """
    width = None if stderr or sys.stdout.isatty() else 200
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


@app.command()
def audit(
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Files, built-in sets (words4, patterns12), families (copies:3:2)."),
    ] = None,
    claims: Annotated[str, typer.Option(help="Claim ids to show.")] = ",".join(
        audits.DEFAULT_CLAIMS
    ),
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
    blocks: Annotated[str, typer.Option(help="Also fixed-size blocks, e.g. 2,4.")] = "",
    confidence: Annotated[str, typer.Option(help="Also the surest c tokens a step.")] = "",
    arithmetic: Annotated[str, typer.Option(help="float64, rational or ball.")] = "float64",
    denoiser: Annotated[
        str,
        typer.Option(help="exact, trained, a checkpoint's path, or MODULE:OBJECT of your own."),
    ] = "exact",
    training_steps: Annotated[
        int, typer.Option(help="Of the optimiser, with --denoiser trained.")
    ] = Training.steps,
    samples: Annotated[int, typer.Option(help="Also run each sampler so often.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the running samplers and of training.")] = 0,
    budget: Annotated[float, typer.Option(help="False-alarm probability of the run.")] = 1e-6,
    device: Annotated[str, typer.Option(help="Of tables and running samplers: cpu, cuda.")] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the results are the same.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(help="Instead: the scheduler's address of a Dask cluster.")
    ] = None,
    scale: Annotated[
        list[str] | None, typer.Option(help="ID.name=x multiplies a constant by x.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all results here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw TV against K here.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for rows as they finish, trained networks and loss curves."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the rows that are in --out.")
    ] = False,
) -> None:
    """Exact TV of the samplers on data, beside the bounds."""
    _check_outputs(json, plot)
    if resume and out is None:
        raise InputError("--resume: name the folder of the stopped run with --out")
    if cluster is not None and jobs > 1:
        raise InputError("--jobs: a cluster has its own workers; use --jobs or --cluster")
    if out is not None:
        _make_folder(out)
    _check_finite(horizon=horizon, delta=delta, budget=budget)
    plan = audits.Plan(
        steps=_counts(steps, "steps"),
        clocks=_list(clock, "clock"),
        grids=_list(grid, "grid"),
        rules=_list(rule, "rule"),
        horizon=horizon,
        delta=delta,
        last_step=last_step,
        claims=tuple(claim_id.upper() for claim_id in _list(claims, "claims")),
        blocks=_counts(blocks, "blocks") if blocks else (),
        arithmetic=arithmetic,
        scale=_scales(scale or []),
        times=_reals(times, "times") if times else None,
        confidence=_counts(confidence, "confidence") if confidence else (),
        sampling=Sampling(samples, seed, Fraction(budget), device),
    )
    plan.check()
    check_arithmetic(arithmetic, denoiser == "exact")
    training = Training(steps=training_steps, seed=seed)
    with ExitStack() as stack:
        with _training() as told:
            make = resolve(denoiser, training, told)
            targets = [
                datasets.load(text, separator=separator) for text in data or list(datasets.BUILTIN)
            ]
            workers: Workers | int = jobs
            if cluster is not None:
                workers = stack.enter_context(closing(Cluster(cluster)))
            journal = None
            if out is not None:
                # before anything is trained: the folder may hold another run
                options = {"plan": plan, "denoiser": [denoiser, denoiser == "trained" and training]}
                about = identity(options, digests.of_data(plan, targets))
                journal = stack.enter_context(
                    Journal[audits.Finished](out / JOURNAL, about, audits.Finished, resume=resume)
                )
                if denoiser == "trained":
                    make = partial(_trained_before, make, out, journal.resumed)
            made = {id(target): make(target) for target in targets}
        count = sum(audits.count_cases(plan, one.time_free) for one in made.values())
        if journal is not None:
            journal.check("denoiser's answers", digests.of_denoisers([*made.values()], targets))
            done = sum(len(one.results) for one in journal.values.values())
            if done:
                _note(f"{journal.path}: {done} of {count} rows are done")
        progress = stack.enter_context(_progress(count + len(targets)))
        results = audits.audit(
            targets, plan, lambda target: made[id(target)], progress, workers, journal
        )
    console = _console()
    for one in results:
        report.print_audit(one, console)
        terms_report.print_terms(one, console)
        console.print()
    console.print(report.LEGEND, style="dim")
    if json is not None:
        files.write_whole(
            json,
            files.to_json(
                report.audit_json(results, seed if samples or denoiser == "trained" else None)
            ),
        )
    if plot is not None:
        report.plot_audit(results, plot)
    if out is not None:
        _write_losses(out, results)
    raise typer.Exit(EXIT[report.worst(results)])


@app.command()
def plan(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A file, built-in set or family; of any length if structured (pairs:4096:2, "
            "markov:64:…); MODULE:OBJECT, a law of your own; or give --length."
        ),
    ] = None,
    tv: Annotated[float, typer.Option(help="Total variation to reach.")] = 0.05,
    length: Annotated[int | None, typer.Option(help="Sequence length d.")] = None,
    vocab: Annotated[int | None, typer.Option(help="Vocabulary size S.")] = None,
    score_error: Annotated[float, typer.Option(help="Of the trained denoiser, in TV.")] = 0.0,
    loss_curve: Annotated[
        Path | None, typer.Option(help="CSV: masked (count or fraction), loss (nats a token).")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="K of the best schedule: for a loss curve (64), or on data (what TV asks for)."
        ),
    ] = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option(help="Also rank this schedule on a loss curve: block sizes with commas."),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(help="Clocks of the schedules to plan for; constant,linear on data."),
    ] = None,
    grid: Annotated[str | None, typer.Option(help="Their grids: uniform.")] = None,
    rule: Annotated[str | None, typer.Option(help="Rules: euler,tau-leaping,ancestral.")] = None,
    last_step: Annotated[str | None, typer.Option(help="leave, or fill, or both.")] = None,
    horizon: Annotated[float | None, typer.Option(help="T; default: the clock's.")] = None,
    delta: Annotated[float | None, typer.Option(help="Early-stopping time: 0.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Rows for limits on a law too long for exact TV: 2000.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Probability that any such limit is wrong: 1e-6.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the search for a schedule, and of samples: 0.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the plan here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw TV against K here.")] = None,
) -> None:
    """Steps for a total variation: by every bound, by exact TV on data, or from a loss curve."""
    _check_outputs(json, plot)
    _check_finite(tv=tv, horizon=horizon, delta=delta)
    if blocks and loss_curve is None:
        raise InputError("--blocks: ranks schedules on a loss curve; give --loss-curve")
    console = _console()
    options = planner.Options(
        clocks=_list("constant,linear" if clock is None else clock, "clock"),
        grids=_list("uniform" if grid is None else grid, "grid"),
        rules=_list("euler,tau-leaping,ancestral" if rule is None else rule, "rule"),
        last_steps=_list("leave" if last_step is None else last_step, "last-step"),
        horizon=horizon,
        delta=delta or 0.0,
        steps=steps,
        seed=seed or 0,
    )
    chosen = any(one is not None for one in (clock, grid, rule, last_step, horizon, delta))
    if data is not None:
        if length is not None or vocab is not None or loss_curve is not None:
            raise InputError("plan: give DATA, or --length and --vocab, or --loss-curve; not both")
        sampling = {"samples": samples, "budget": budget, "seed": seed}
        found = _plan_data(data, separator, (tv, score_error), options, sampling)
    elif length is None:
        raise InputError("plan: give DATA, or --length and --vocab, or --loss-curve and --length")
    elif loss_curve is not None:
        _no_use("--loss-curve", samples=samples, budget=budget, seed=seed)
        if plot is not None:
            raise InputError("--plot: there is no plot of a loss curve's schedules; use --json")
        if chosen:
            raise InputError("plan: a loss curve ranks blocks, --clock and the like are not for it")
        curve = read_loss_curve(loss_curve, length, vocab)
        own = [_sizes(text, "blocks") for text in blocks or []]
        count = 64 if steps is None else steps
        ranked = planner.plan_loss_curve(curve, vocab, count, tv, score_error, own)
        plan_report.print_curve_plan(ranked, console)
        if json is not None:
            files.write_whole(json, files.to_json(_with_manifest(ranked.to_json())))
        return
    else:
        _no_steps(steps)
        _no_use("--length", samples=samples, budget=budget, seed=seed)
        ask = bounds.Question(length, vocab, tv, score_error)
        found = planner.plan(ask, options=options if chosen else None)
    plan_report.print_plan(found, console)
    if json is not None:
        files.write_whole(json, files.to_json(_with_manifest(found.to_json(), seed or 0)))
    if plot is not None:
        plan_report.plot_plan(found, plot)


def _no_use(mode: str, **given: Any) -> None:
    """Refuse options that were given, though a mode has no use for them."""
    idle = [f"--{name}" for name, value in given.items() if value is not None]
    if idle:
        raise InputError(f"{mode}: has no use for {', '.join(idle)}; leave it out")


def _no_steps(steps: int | None) -> None:
    if steps is not None:
        raise InputError("--steps: is for a loss curve, or for data that can be enumerated")


def _plan_data(
    data: str,
    separator: str | None,
    wanted: tuple[float, float],
    options: planner.Options,
    sampling: Mapping[str, Any],
) -> planner.StepPlan:
    """The plan of a data law: enumerated, by recursion over steps, or from samples."""
    named = data in datasets.BUILTIN or Path(data).exists()
    long = None if named else long_targets.long_target(data)
    if long is None:
        _no_use("exact TV", **{**sampling, "seed": None})  # its search has a seed
        return planner.plan_target(
            datasets.load(data, separator=separator), *wanted, options=options
        )
    _no_steps(options.steps)
    if isinstance(long, str):
        _no_use("exact TV by recursion", **sampling)
        ways = len(options.clocks) * len(options.grids) * len(options.rules)
        with _progress(1 + ways * len(options.last_steps)) as progress:
            return long_targets.plan_structured(long, *wanted, options, progress)
    samples, level = sampling["samples"], sampling["budget"]
    with _progress(long_targets.RUNGS) as progress:
        return long_targets.plan_tractable(
            long,
            data,
            *wanted,
            samples=2000 if samples is None else samples,
            seed=options.seed,
            level=1e-6 if level is None else level,
            progress=progress,
        )


def _with_manifest(content: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
    return {"version": 1, "manifest": files.manifest(seed), **content}


@app.command()
def claims(
    claim_id: Annotated[str | None, typer.Argument(metavar="ID", help="One claim whole.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """List the claims, or show one whole: with proofs, checks and what the last run found."""
    if claim_id is None and not json:
        for one in CLAIMS.values():
            line = f"{one.id:4} {one.kind.value:10} {one.relation.value:10} {one.title}"
            _console().print(line)
        return
    pages = [
        claim_page.page(one) for one in (CLAIMS.values() if claim_id is None else [claim(claim_id)])
    ]
    if json:
        sys.stdout.write(files.to_json({"claims": pages}))
    else:
        _console().print(claim_page.text(pages[0]), soft_wrap=True, markup=False, highlight=False)


@app.command()
def verify(
    claims: Annotated[str, typer.Option(help="Claim ids; default: all.")] = "",
    scale: Annotated[
        list[str] | None, typer.Option(help="ID.name=x multiplies a constant by x.")
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(help="Replay this witness file, nothing else.")
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
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    json: Annotated[
        Path | None,
        typer.Option(help="Write claims.json here; default build/claims.json for a whole run."),
    ] = None,
) -> None:
    """Check every claim on generated instances: status, sharpness, power, one row a claim."""
    console = _console()
    given = {"claims": claims, "scale": scale, "deep": deep, "json": json}
    given |= {"resume": resume, "adversary": adversary}
    mode, useful = "verify", {"claims", "scale", "deep", "json"}
    if witness is not None:
        mode, useful = "--witness", set()
    elif own is not None:
        mode, useful = "--claim", {"scale", "json", "resume"}
    elif adversary:
        mode, useful = "--adversary", set(given)
    _no_use(mode, **{name: value or None for name, value in given.items() if name not in useful})
    if json is not None:
        files.check_writable(json)
    chosen = _list(claims, "claims") if claims else None
    factors = _scales(scale or [])
    user = None if own is None else user_claim.load_claim(own, factors)
    if witness is not None:
        shown = verification_run.print_replay(witness, console, *user_claim.sides(user))
        raise typer.Exit(EXIT[shown])
    if user is not None:
        with _progress(user_claim.count(user)) as progress:
            mine = user_claim.verify(
                user, out, jobs=jobs, seed=seed, fresh=not resume, progress=progress
            )
        verification_run.print_report(mine, console)
        user_claim.explain(mine, str(own), console)
        if json is not None:
            status.write_claims(json, mine.statuses, mine.manifest)
        raise typer.Exit(EXIT[mine.verdict])
    if adversary:
        quests = campaign.quests(chosen, factors)
        with _progress(campaign.count(quests, deep)) as progress:
            hunted = campaign.run(
                quests, out, deep=deep, jobs=jobs, seed=seed, fresh=not resume, progress=progress
            )
        campaign.print_campaign(hunted, console)
        if json is not None:
            files.write_whole(json, files.to_json(campaign.to_json(hunted, seed)))
        raise typer.Exit(EXIT[hunted.verdict])
    with _progress(verification_run.count_checks(chosen)) as progress:
        found = verification_run.verify(
            chosen,
            factors,
            verification_run.EXAMPLES * (verification_run.DEEP if deep else 1),
            seed,
            jobs,
            verification_run.WITNESSES,
            progress,
        )
    verification_run.print_report(found, console)
    console.print(verification_run.LEGEND, style="dim")
    # What a part of the claims, or altered ones, have shown is no status of the whole.
    if json is None and chosen is None and not factors:
        json = status.CLAIMS_JSON
    if json is not None:
        status.write_claims(json, found.statuses, found.manifest)
    raise typer.Exit(EXIT[found.verdict])


@app.command("check")
def check_sampler(
    sampler: Annotated[
        str | None, typer.Argument(metavar="MODULE:OBJECT", help="A SamplerUnderTest.")
    ] = None,
    samples: Annotated[int, typer.Option(min=400, help="Rows of each of two denoisers.")] = 60_000,
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
    if json is not None:
        files.check_writable(json)
    if not 0 < budget < 1:
        raise InputError(f"--budget: need a probability between 0 and 1, got {budget}")
    console = _console()
    if mutants or false_alarms:
        code, content = self_test(mutants, false_alarms, console)
    elif sampler is None:
        raise InputError("check: name a sampler as MODULE:OBJECT, or use --mutants")
    else:
        chosen = Settings(rows=samples, limit=limit, seed=seed)
        found = conformance_report.check_named(sampler, Fraction(budget), chosen)
        conformance_report.print_conformance(found, console)
        code, content = conformance_report.EXIT[found.outcome], found.json()
    if json is not None:
        files.write_whole(json, files.to_json(_with_manifest(content, seed)))
    raise typer.Exit(code)
