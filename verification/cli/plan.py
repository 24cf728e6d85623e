"""`sharprates plan`: from sizes alone, from data, or from a loss curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from sharprates.samplers import datasets
from sharprates.samplers.errors import InputError, any_time
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.schedule import Schedule
from sharprates.verification.cli import options
from sharprates.verification.cli.terminal import EXIT, console, doing, progress
from sharprates.verification.planning import planner
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.planning.curve_plan import plan_loss_curve
from sharprates.verification.planning.data_law import LONG
from sharprates.verification.planning.dependence import Dependence
from sharprates.verification.planning.loss_curve import read_loss_curve
from sharprates.verification.planning.policy_plan import plan_policy
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.sampled_growth import plan_samples
from sharprates.verification.planning.schedule_plan import (
    Goal,
    SchedulePlan,
    plan_curve,
)
from sharprates.verification.reports import plan as report
from sharprates.verification.reports import schedules as guaranteed
from sharprates.verification.verdict import Verdict

CHOICE = ("clock", "grid", "rule", "last_step", "horizon", "delta")
"""Options that choose schedules."""
FOR_DEPENDENCE = ("dependence", "length", "vocab", "tv", "kl", "json")
FOR_KL = ("data", "kl", "samples", "seed", "separator", "force", "json", "plot")
"""All that a plan from a number has a use for, and one for a divergence on data."""


def plan_command(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="A file, built-in set or family; of any length if structured (pairs:4096:2, "
            "markov:64:…); MODULE:OBJECT, a law of your own; or give --length."
        ),
    ] = None,
    tv: Annotated[float, typer.Option(help="Total variation to reach.")] = 0.05,
    kl: Annotated[
        float | None, typer.Option(help="Instead: KL of the data from the output to reach, nats.")
    ] = None,
    dependence: Annotated[
        str,
        typer.Option(
            help="All that is known of the data, nats: tc=12.5, dtc=3, info=0.1; or some."
        ),
    ] = "",
    policy: Annotated[
        str,
        typer.Option(help="On data: the cheapest number of this rule, e.g. threshold, instead."),
    ] = "",
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
        str, typer.Option(help="Clocks of the schedules to plan for; always on data.")
    ] = "constant,linear",
    grid: Annotated[str, typer.Option(help="Their grids.")] = "uniform",
    rule: Annotated[str, typer.Option(help="Rules.")] = "euler,tau-leaping,ancestral",
    last_step: Annotated[str, typer.Option(help="leave, or fill, or both.")] = "leave",
    horizon: Annotated[float | None, typer.Option(help="T; default: the clock's.")] = None,
    delta: Annotated[float, typer.Option(help="Early-stopping time.")] = 0.0,
    samples: Annotated[
        int,
        typer.Option(
            help="Rows for limits on a law too long for exact TV; with --kl, for an estimate."
        ),
    ] = 2000,
    budget: Annotated[float, typer.Option(help="Probability that any such limit is wrong.")] = 1e-6,
    seed: Annotated[int, typer.Option(help="Of the search for a schedule, and of samples.")] = 0,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also what takes longer than half an hour.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the plan here.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw TV against K here, and schedules on the curve that they are made for."
        ),
    ] = None,
) -> None:
    """Steps for a TV, and the cheapest schedule for a TV or KL: by theorems, exactly on data."""
    doing("bounds" if data is None else f"reading {data}")
    options.check_outputs(json, plot, [one for one in (data, loss_curve) if one is not None])
    options.check_finite(tv=tv, kl=kl, horizon=horizon, delta=delta)
    options.refuse_empty(context, "policy", "dependence")
    if kl is not None:
        options.refuse(context, "--kl", "tv", "score_error")
    goal = Goal(tv) if kl is None else Goal(kl=kl)
    if dependence:
        options.only(context, "--dependence", *FOR_DEPENDENCE)
        if length is None:
            raise InputError("--dependence: needs --length d")
        known = Dependence.read(dependence, length, vocab)
        _print_schedules(planner.plan_dependence(known, goal), json)
        return
    if blocks and loss_curve is None:
        raise InputError("--blocks: ranks schedules on a loss curve; give --loss-curve")
    if policy:
        options.only(context, "--policy", "data", "policy", "tv", "separator", "json", "plot")
        if data is None:
            raise InputError("--policy: its exact TV is that on data; name DATA")
        target = datasets.load(data, separator=separator)
        doing(f"trying numbers of {policy}")
        costs = plan_policy(target, policy, tv)
        report.print_policy_plan(costs, console())
        options.write_json(json, costs.to_json())
        if plot is not None:
            report.plot_policy_plan(costs, plot)
        if costs.chosen is None:
            raise typer.Exit(EXIT[Verdict.UNDECIDED])
        return
    schedules = [
        Schedule(rule_name, clock_name, grid_name, 2, horizon, delta, last)
        for clock_name in options.comma_list(clock, "clock")
        for grid_name in options.comma_list(grid, "grid")
        for rule_name in options.comma_list(rule, "rule")
        for last in options.comma_list(last_step, "last-step")
    ]
    choice = any(name in CHOICE for name in options.given(context))
    if data is not None:
        if length is not None or vocab is not None or loss_curve is not None:
            raise InputError("plan: give DATA, or --length and --vocab, or --loss-curve; not both")
        if kl is not None:
            options.only(context, "--kl", *FOR_KL)
            with any_time(force):
                cheap = _for_divergence(context, data, separator, goal, samples, seed)
            _print_schedules(cheap, json, plot, seed)
            return
        wanted = (tv, score_error, schedules)
        with any_time(force):
            found = _of_data(context, data, separator, wanted, steps, samples, budget, seed)
    elif length is None:
        raise InputError("plan: give DATA, or --length and --vocab, or --loss-curve and --length")
    elif loss_curve is not None:
        options.refuse(context, "--loss-curve", "samples", "budget", "seed")
        if choice:
            raise InputError("plan: a loss curve ranks blocks, --clock and the like are not for it")
        curve = read_loss_curve(loss_curve, length, vocab)
        own = [options.sizes(text, "blocks") for text in blocks or []]
        count = 64 if steps is None else steps
        ranked = plan_loss_curve(curve, vocab, count, tv, score_error, own, kl)
        report.print_curve_plan(ranked, console())
        options.write_json(json, ranked.to_json())
        if plot is not None and ranked.guaranteed is not None:
            guaranteed.plot_schedules(ranked.guaranteed, plot)
        return
    else:
        _no_steps(steps)
        if kl is not None:
            raise InputError("--kl: needs DATA, --loss-curve or --dependence beside --length")
        options.refuse(context, "--length", "samples", "budget", "seed")
        ask = Question(length, vocab, tv, score_error)
        found = planner.plan_length(ask, schedules if choice else ())
    report.print_plan(found, console())
    options.write_json(json, found.to_json(), seed)
    if plot is not None:
        report.plot_plan(found, plot)


def _print_schedules(
    plan: SchedulePlan, json: Path | None, plot: Path | None = None, seed: int | None = None
) -> None:
    guaranteed.print_schedules(plan, console())
    options.write_json(json, plan.to_json(), seed)
    if plot is not None:
        guaranteed.plot_schedules(plan, plot)


def _for_divergence(
    context: typer.Context,
    data: str,
    separator: str | None,
    goal: Goal,
    samples: int,
    seed: int,
) -> SchedulePlan:
    """The cheapest schedules for a divergence, on data that are enumerated or a long law."""
    long = options.long_law(data, probabilities=False)
    if long is None:
        options.refuse(context, "exact KL", "samples", "seed")
        with progress(2) as told:
            return planner.plan_divergence(datasets.load(data, separator=separator), goal, told)
    if isinstance(long, str):
        raise InputError(f"{long}: no KL is known at this length; use one of at most {LONG} tokens")
    if isinstance(long, MarkovChain) and "samples" not in options.given(context):
        options.refuse(context, "an exact curve", "seed")
        return plan_curve(data, chain_information(long).tolist(), goal, error=planner.ROUNDING)
    with progress(2) as told:
        return plan_samples(long, data, goal, samples=samples, seed=seed, progress=told)


def _no_steps(steps: int | None) -> None:
    if steps is not None:
        raise InputError("--steps: is for a loss curve, or for data that can be enumerated")


def _of_data(
    context: typer.Context,
    data: str,
    separator: str | None,
    wanted: tuple[float, float, list[Schedule]],
    steps: int | None,
    samples: int,
    level: float,
    seed: int,
) -> planner.StepPlan:
    """The plan of a data law: enumerated, by recursion over steps, or from samples."""
    long = options.long_law(data)
    if long is None:
        options.refuse(context, "exact TV", "samples", "budget")  # its search has a seed
        target = datasets.load(data, separator=separator)
        with progress(5 + len(wanted[2])) as told:
            return planner.plan_target(target, *wanted, steps=steps, seed=seed, progress=told)
    _no_steps(steps)
    if isinstance(long, str):
        options.refuse(context, "exact TV by recursion", "samples", "budget", "seed")
        with progress(1 + len(wanted[2])) as told:
            return planner.plan_structured(long, *wanted, told)
    with progress(planner.RUNGS + 2) as told:
        found = planner.plan_sampled(
            long, data, *wanted[:2], samples=samples, seed=seed, level=level, progress=told
        )
        if found.guaranteed is not None or found.ask.nothing_left:
            return found
        goal = Goal(found.ask.left)
        cheap = plan_samples(long, data, goal, samples=samples, seed=seed, progress=told)
        return replace(found, guaranteed=cheap)
