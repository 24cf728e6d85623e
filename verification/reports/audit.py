"""What an audit leaves behind: JSON with a manifest, tables on a terminal, plots, loss curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.samplers.compositions import fixed_blocks
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.audit import (
    COUNT_ERROR,
    BoundResult,
    ImperfectDenoiser,
    Result,
    TargetAudit,
)
from sharprates.verification.files import manifest
from sharprates.verification.measure import ROUNDING
from sharprates.verification.reports.layout import NEVER, exact_text, figure, shown, table
from sharprates.verification.score_error import OrderError
from sharprates.verification.verdict import Verdict


def _end(value: Fraction | float, method: str) -> str | float:
    """An interval's end: exact as a string, or the nearest float."""
    return exact_text(Fraction(value)) if method == "rational" else float(value)


def interval_json(value: Interval, method: str) -> dict[str, Any]:
    """``{"lower", "upper", "method"}``."""
    return {
        "lower": _end(value.lower, method),
        "upper": _end(value.upper, method),
        "method": method,
    }


def audit_json(audits: Sequence[TargetAudit], seed: int | None = None) -> dict[str, Any]:
    """The stable JSON of an audit, version 1."""
    return {
        "version": 1,
        "manifest": manifest(seed),
        "targets": [
            {
                "name": one.name,
                "length": one.length,
                "vocabulary": one.vocabulary,
                "support": one.support,
                "information": list(one.information),
                "denoiser": None if one.denoiser is None else _denoiser_json(one.denoiser),
                "score_dominates": [vars(found) for found in one.dominance],
                "skipped": list(one.skipped),
                "results": [_result_json(result) for result in one.results],
            }
            for one in audits
        ],
    }


def _denoiser_json(faults: ImperfectDenoiser) -> dict[str, Any]:
    """The errors of an imperfect denoiser; nats, null where infinite."""
    return {
        "time_free": faults.time_free,
        "normalised": faults.normalised,
        "along_orders": [
            {
                "clock": None if clock is None else clock.name,
                "epsilon_FHS": errors.epsilon_fhs,
                "epsilon_FHS_error": _finite(len(errors.gaps) * errors.error),
                "epsilon_KL": _finite(errors.epsilon_kl),
                "epsilon_KL_error": _finite(len(errors.gaps) * errors.divergence_error),
                "nelbo": _finite(errors.nelbo),
                "losses": [_finite(loss) for loss in errors.losses],
                "divergences": [_finite(one) for one in errors.divergences],
                "reason": None if math.isfinite(errors.nelbo) else INFINITE,
            }
            for clock, errors in faults.errors
        ],
    }


INFINITE = "∞: the denoiser gives 0 to a possible symbol"


def _divergence_json(result: Result) -> dict[str, Any]:
    """KL(q_0‖p_out), nats; its ends null, with the reason, where it is infinite or not known."""
    if result.kl is None:
        reason = "no bound on its error is known" if result.method == "estimate" else NEVER
        return {"lower": None, "upper": None, "method": result.method, "reason": reason}
    return {**interval_json(result.kl, result.method), "reason": None}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _bounds_json(bounds: Mapping[str, BoundResult]) -> dict[str, Any]:
    return {
        name: {
            "relation": bound.relation.value,
            "applies": bound.applies,
            "reason": bound.reason,
            "value": bound.value,
            "ratio": bound.ratio,
            "verdict": bound.verdict.value,
        }
        for name, bound in bounds.items()
    }


def _result_json(result: Result) -> dict[str, Any]:
    terms = result.decomposition
    return {
        "sampler": result.sampler,
        "blocks": list(result.blocks),
        "policy": result.policy,
        "label": result.label,
        "remasking": result.remasking,
        "rounds": result.rounds and {"mean": result.rounds.mean, "max": result.rounds.most},
        "steps": result.steps,
        "clock": result.clock,
        "grid": result.grid,
        "leftover": result.leftover,
        "clipped": result.clipped,
        "temperature": result.temperature,
        "top_p": result.top_p,
        "tv": {
            **interval_json(result.tv, result.method),
            **({} if result.estimate is None else {"estimate": result.estimate}),
        },
        "kl": _divergence_json(result),
        "score_term": result.score_term,
        "calls": result.costs and result.costs[0],
        "evaluations": result.costs and result.costs[1],
        "decomposition": terms
        and {
            "initialisation": terms.initialisation,
            "score": list(terms.draws) if terms.draws else terms.score,
            "clock": terms.clock,
            "parallel": terms.parallel,
            "early_stopping": terms.early_stopping,
            "sum": terms.sum,
        },
        "empirical": result.empirical
        and {
            **result.empirical.json(),
            "follows_exact_law": result.law_check and result.law_check.passed,
            "p_value": result.law_check and result.law_check.p_value,
            "detects": result.law_check and result.law_check.detects,
        },
        "bounds": _bounds_json(result.bounds),
        "score_bounds": _bounds_json(result.score_bounds),
    }


_MARKS = {
    Verdict.HOLDS: ("✓", "green"),
    Verdict.FAILS: ("✗ FAILS", "bold red"),
    Verdict.UNDECIDED: ("?", "yellow"),
    Verdict.NONE: ("", "dim"),
}
_SIGNS = {
    Relation.UPPER: "≤",
    Relation.LOWER: "≥",
    Relation.EQUALITY: "=",
    Relation.LIMIT: "→",
    Relation.WORST_CASE: "sup",
}


def _cell(bound: BoundResult) -> Text:
    mark, style = _MARKS[bound.verdict]
    if bound.value is None:
        return Text(mark or "·", style)
    return Text(f"{shown(bound.value)} {mark}".rstrip(), style)


def print_audit(one: TargetAudit, console: Console) -> None:
    """Print one target's tables, and why a claim of it applies nowhere."""
    size = f"{one.name}: d = {one.length}, S = {one.vocabulary}, {one.support} sequences"
    first = one.results[0]
    if first.temperature != 1 or first.top_p != 1:
        changed = f"its denoiser at temperature {first.temperature:g}, top-p {first.top_p:g}"
        console.print(Text(f"{one.name}: {changed}", "bold"), soft_wrap=True)
    policies = [result for result in one.results if result.policy]
    heads = ["sampler", "clock", "grid", ">K", ">left over"]
    blocks = any(result.blocks for result in one.results)  # which theorems on KL are about
    heads += [">KL, nats"] if blocks else []
    rows = [row for row in one.results if not row.policy]
    _print_rows(rows, heads, partial(_schedule, blocks), size, console)
    if policies:
        note = "policies: rounds on the data, KL in nats"
        heads = ["policy", ">mean rounds", ">most", ">KL", ">score term"]
        speculates = any(result.costs for result in policies)
        if speculates:
            note += "; speculative: calls of its run, and tokens verified"
            heads += [">evaluations"]
        _print_rows(policies, heads, partial(_cost, speculates), note, console)
        if any(result.leftover is None for result in policies):
            console.print(Text(LEAVES, "dim"), soft_wrap=True)
    for name in one.results[0].bounds:
        found = [result.bounds[name] for result in one.results]
        if not any(bound.applies for bound in found):
            console.print(Text(f"{name} is not shown: {_why(one, name)}", "dim"), soft_wrap=True)
    if any(result.estimate is not None for result in one.results):
        console.print(Text(ESTIMATE, "dim"))
    for reason in one.skipped:
        console.print(Text(f"not run: {reason}", "dim"))


LEAVES = (
    "R=… leave: the cap ends a run with masks, and what has a mask counts in full in the TV; "
    "--last-step fill reveals them in the last round"
)


def _why(one: TargetAudit, name: str) -> str:
    """Why a claim applies nowhere: each reason once, and for which samplers."""
    missed: dict[str, list[str]] = {}
    for result in one.results:
        label = result.policy or _named(result)
        missed.setdefault(str(result.bounds[name].reason), []).append(label)
    if len(missed) == 1:
        return f"it {next(iter(missed))}"
    return "; ".join(f"for {_few(labels)} it {reason}" for reason, labels in missed.items())


FEW = 2
"""So many samplers are named in a line; of more only how many there are."""


def _few(labels: Sequence[str]) -> str:
    names = list(dict.fromkeys(labels))
    more = len(names) - FEW
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:FEW])} and {more} more"


def _named(result: Result) -> str:
    sizes = result.blocks
    even = sizes and sizes == fixed_blocks(sum(sizes), sizes[0])
    blocks = f"of {sizes[0]}" if even else ",".join(map(str, sizes))
    return " ".join(filter(None, (result.sampler, blocks, result.remasking)))


def _schedule(with_kl: bool, result: Result) -> tuple[str, ...]:
    """What is said of a sampler that is no policy, beside its TV; with its KL, if that is shown."""
    clipped = f" (clipped {result.clipped})" if result.clipped else ""
    return (
        _named(result),
        result.clock or "·",
        result.grid or "·",
        str(result.steps) + clipped,
        "·" if result.leftover is None else shown(result.leftover),
        *([_kl(result)] if with_kl else []),
    )


def _kl(result: Result) -> str:
    return "∞" if result.kl is None else "0" if result.kl.lower == 0 else shown(result.kl.middle)


def _cost(speculates: bool, result: Result) -> tuple[str, ...]:
    """What is said of a policy beside its TV; with evaluations, if any of them speculates."""
    assert result.rounds is not None
    return (
        result.label,
        f"{result.rounds.mean:.4g}",
        str(result.rounds.most),
        _kl(result),
        "·" if result.score_term is None else shown(result.score_term),
        *([f"{result.costs[1]:.4g}" if result.costs else "·"] if speculates else []),
    )


def _print_rows(
    results: Sequence[Result],
    heads: Sequence[str],
    about: Callable[[Result], tuple[str, ...]],
    title: str,
    console: Console,
) -> None:
    """A table of results, with the bounds that apply to any of them."""
    sampled = any(result.empirical for result in results)
    # the relation of a claim is that of the form that applies
    bounds = {name: bound for row in results for name, bound in row.bounds.items() if bound.applies}
    seen = [name for name in results[0].bounds if name in bounds]
    rows = table(
        *heads,
        ">exact TV",
        *([">sampled TV"] if sampled else []),
        *(f">{_SIGNS[bounds[name].relation]} {name}" for name in seen),
        title=title,
    )
    for result in results:
        rows.add_row(
            *about(result),
            Text(_tv(result), "bold"),
            *([_sampled(result)] if sampled else []),
            *(_cell(result.bounds[name]) for name in seen),
        )
    console.print(rows)


def settled(result: Result) -> float:
    """The TV to show: an estimate if there is one, else 0 where the interval includes it."""
    if result.estimate is not None:
        return result.estimate
    return 0.0 if result.tv.lower <= 0 else result.tv.middle


def _tv(result: Result) -> str:
    if result.estimate is None:
        return shown(settled(result))
    ends = f"{shown(float(result.tv.lower))}–{shown(float(result.tv.upper))}"
    return f"≈{shown(result.estimate)} ({ends})"


ESTIMATE = (
    "≈ is an estimate, smooth in t assumed; proved is the interval beside it. A denoiser narrows "
    "it by what it states: `time_free = True`; `breaks`, the times between which it is constant; "
    "or `variation(early, late)`, a bound on the TV between its predictions at two times between."
)


def _sampled(result: Result) -> Text:
    """The interval of the running sampler, and whether it follows its exact law."""
    if result.empirical is None:
        return Text("·", "dim")
    ends = f"{result.empirical.lower:.4f}–{result.empirical.upper:.4f}"
    if not result.runs_true:
        return Text(f"{ends} ✗ FAILS", "bold red")
    return Text(ends) if result.law_check is None else Text(f"{ends} ✓", "green")


TERMS = {
    "score": "score",
    "parallel": "parallel decoding",
    "clock": "clock",
    "initialisation": "initialisation",
    "early_stopping": "early stopping",
}
"""Field of a decomposition → what a report calls it; the lowest of a stack first."""


def print_terms(one: TargetAudit, console: Console) -> None:
    """Print where an imperfect denoiser's samplers err, term by term, and how much it errs.

    Nothing is printed for the exact denoiser.
    """
    if one.denoiser is None:
        return
    rows = table(
        *("sampler", "clock", "grid", ">K", ">exact TV"),
        *(f">{name}" for name in TERMS.values()),
        *(">sum", ">TV / sum"),
        title="where the error comes from (E1; for fhs H2)",
    )
    for result in one.results:
        terms = result.decomposition
        if terms is not None:
            rows.add_row(
                result.sampler,
                result.clock or "·",
                result.grid or "·",
                str(result.steps),
                Text(_tv(result), "bold"),
                *(shown(getattr(terms, name)) for name in TERMS),
                Text(shown(terms.sum), "bold"),
                f"{settled(result) / terms.sum:.2f}" if terms.sum else "·",
            )
    console.print(rows)
    _print_score_bounds(one, console)
    for clock, errors in one.denoiser.errors:
        place = "" if clock is None else f", hitting times of {clock.name}"
        draws = ", ".join(shown(gap) for gap in errors.gaps)
        about = "" if errors.error <= ROUNDING else "≈"
        console.print(
            f"denoiser{place}: ε_FHS {about}{errors.epsilon_fhs:.4f} (by draw {draws}), "
            f"ε_KL {about}{_nats(errors.epsilon_kl)}, NELBO {about}{_nats(errors.nelbo)} "
            f"(entropy of the data {_nats(math.fsum(one.information))})",
            soft_wrap=True,
        )
    for line in _dominance_lines(one):
        console.print(line, soft_wrap=True)


COUNTED = {
    "E3": "E3 and B1 count it in contexts of the data (ε_w)",
    "B2": "B2 there, by logarithms",
    "B3": "B3 in contexts of runs",
}
"""Claim → how it counts the error of a denoiser."""


def _print_score_bounds(one: TargetAudit, console: Console) -> None:
    """The bounds of parallel samplers that count the denoiser's error, the least one named."""
    some = [result for result in one.results if result.score_bounds]
    names = [n for n in COUNT_ERROR if any(r.score_bounds[n].applies for r in some)]
    if not names:
        return
    rows = table(
        *("sampler", "clock", "grid", ">K", ">exact TV", *(f">≤ {name}" for name in names)),
        "least",
        title="bounds that count the denoiser's error",
    )
    for result in some:
        known = {
            name: bound.value
            for name, bound in result.score_bounds.items()
            if bound.value is not None
        }
        rows.add_row(
            result.sampler,
            result.clock or "·",
            result.grid or "·",
            str(result.steps),
            Text(_tv(result), "bold"),
            *(_cell(result.score_bounds[name]) for name in names),
            min(known, key=known.__getitem__) if known else "·",
        )
    console.print(rows)
    said = [text for name, text in COUNTED.items() if name in names]
    console.print(Text(f"the error: {'; '.join(said)}", "dim"), soft_wrap=True)


def _nats(value: float) -> str:
    return f"{value:.4f} nats" if math.isfinite(value) else "∞"


def _dominance_lines(one: TargetAudit) -> list[str]:
    """From which K on the score error is at least half of the sum, samplers of one K together."""
    places: dict[tuple[int | None, int], list[str]] = {}
    for found in one.dominance:
        where = f"{found.sampler} {found.clock} {found.grid}"
        places.setdefault((found.steps, found.searched), []).append(where)
    return [
        f"score error is at least half of the sum from K = {steps} on: {', '.join(where)}"
        if steps is not None
        else f"score error is less than half of the sum up to K = {searched}: {', '.join(where)}"
        for (steps, searched), where in places.items()
    ]


def loss_curve_csv(errors: OrderError) -> str | None:
    """The loss L_m by number of masked tokens d − m, as `sharprates plan --loss-curve` reads it.

    None if a loss is infinite.
    """
    d = len(errors.losses)
    if not math.isfinite(errors.nelbo):
        return None
    rows = [f"{d - m},{loss!r}" for m, loss in enumerate(errors.losses)]
    return "\n".join(["masked,loss", *rows]) + "\n"


LEGEND = (
    "≤ upper bound, ≥ lower bound, sup: what some law of this size suffers (no verdict here). "
    "✓ holds, ✗ fails, ? undecided, · does not apply."
)


def worst(audits: Sequence[TargetAudit]) -> Verdict:
    """FAILS if any comparison or running sampler fails, else UNDECIDED if any is, else HOLDS."""
    if not all(result.runs_true for one in audits for result in one.results):
        return Verdict.FAILS
    verdicts = {
        bound.verdict
        for one in audits
        for result in one.results
        for bound in (*result.bounds.values(), *result.score_bounds.values())
    }
    for verdict in (Verdict.FAILS, Verdict.UNDECIDED):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS


def plot_audit(audits: Sequence[TargetAudit], path: Path) -> None:
    """Draw TV and its bounds against K, log-log; a row for a target and schedule, a rule a column.

    With policies: TV of every sampler against its mean number of rounds, a panel a target.

    Args:
        audits: what to draw.
        path: ends in .png, .svg or .pdf; written whole.
    """
    if any(result.policy for one in audits for result in one.results):
        with figure(path, 1, len(audits), figsize=(6.4 * len(audits), 4.6)) as (_, axes):
            for axis, one in zip(axes[0], audits, strict=True):
                _draw_frontier(axis, one)
        return
    panels: dict[tuple[str, str, str | None], dict[str, list[Result]]] = {}
    for one in audits:
        for result in one.results:
            if result.clock is not None and result.on_grid:
                key = (one.name, result.clock, result.grid)
                panels.setdefault(key, {}).setdefault(result.sampler, []).append(result)
    imperfect = {one.name for one in audits if one.denoiser is not None}
    rows = [
        (place, panel, draw)
        for place, panel in panels.items()
        for draw in ([_draw, _draw_terms] if place[0] in imperfect else [_draw])
    ]
    rules = list(dict.fromkeys(rule for panel in panels.values() for rule in panel))
    size = (4.4 * len(rules), 3.6 * len(rows))
    with figure(path, len(rows), len(rules), figsize=size, sharey="row") as (_, axes):
        for line, (place, panel, draw) in zip(axes, rows, strict=True):
            for axis, rule in zip(line, rules, strict=True):
                draw(axis, sorted(panel[rule], key=lambda result: result.steps))
                axis.set(title=" · ".join(filter(None, (*place, rule))), xlabel="steps K")
            line[0].set_ylabel("total variation")


_LINES = {Relation.UPPER: "--", Relation.LOWER: ":", Relation.WORST_CASE: "-."}


def _draw(axis: Any, results: Sequence[Result]) -> None:
    """One panel: a sampler's TV, and each bound that says something."""
    steps = [result.steps for result in results]
    axis.plot(steps, [r.tv.middle for r in results], "ko-", ms=4, lw=2, label="exact TV")
    for place, (name, first) in enumerate(results[0].bounds.items()):
        curve = [(r.steps, r.bounds[name].value) for r in results]
        # a lower bound of 0 says nothing, and has no place on a logarithmic axis
        points = [(k, value) for k, value in curve if value is not None and value > 1e-12]
        if points and first.relation in _LINES:
            line = {"linestyle": _LINES[first.relation], "color": f"C{place}", "label": name}
            mark = "_" if len(points) == 1 else None  # one K makes no line
            axis.plot(*zip(*points, strict=True), lw=1.3, marker=mark, ms=20, **line)
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(steps, [str(k) for k in steps])
    axis.xaxis.minorticks_off()
    axis.grid(visible=True, which="both", alpha=0.2)
    axis.legend(fontsize=7)


NO_TV = 1e-12
"""On a logarithmic axis: a TV that is 0 to rounding is drawn at the bottom."""


def _draw_frontier(axis: Any, one: TargetAudit) -> None:
    """One panel: TV against the mean number of rounds that reveal something, by kind of sampler."""
    kinds: dict[str, list[Result]] = {}
    for result in one.results:
        if result.rounds is not None:
            drafted = "speculative " if result.costs else ""
            rule = drafted + (result.policy or _named(result)).partition(":")[0]
            name = " ".join(filter(None, (rule, result.clock)))
            kinds.setdefault(name, []).append(result)
    tvs = [settled(result) for found in kinds.values() for result in found]
    bottom = min((tv for tv in tvs if tv > NO_TV), default=1e-3) / 10
    for place, (kind, found) in enumerate(kinds.items()):
        policy = found[0].policy is not None
        style = {"color": f"C{place % 10}", "marker": "os^Dv*P<>"[place % 9]}
        size, line = (7, "-") if policy else (4, ":")
        places = sorted((r.rounds.mean, settled(r)) for r in found if r.rounds)
        # a line to where TV is 0 would say nothing on a logarithmic axis
        above = [(rounds, tv) for rounds, tv in places if tv > NO_TV]
        exact = [(rounds, bottom) for rounds, tv in places if tv <= NO_TV]
        for points, label in ((above, kind), (exact, "" if above else kind)):
            if points:
                axis.plot(
                    *zip(*points, strict=True),
                    label=label or None,
                    ms=size,
                    **style,
                    ls=line if points is above else "",
                    lw=1,
                )
        for result in found if policy else ():
            assert result.policy is not None
            assert result.rounds is not None
            name = result.policy.partition(":")[2]
            point = (result.rounds.mean, max(settled(result), bottom))
            turned = {"rotation": 40} if point[1] == bottom else {}
            axis.annotate(
                name, point, xytext=(4, 4), textcoords="offset points", fontsize=6, **turned
            )
    axis.set(yscale="log", xlabel="mean rounds that reveal something", ylabel="exact TV")
    axis.set(title=f"{one.name}: what a round buys")
    if min(tvs) <= NO_TV:
        axis.axhline(bottom, color="grey", lw=0.6)
        end = axis.get_yaxis_transform()
        axis.text(-0.01, bottom, "TV = 0", transform=end, fontsize=7, ha="right", va="center")
    axis.grid(visible=True, which="both", alpha=0.2)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))


def _draw_terms(axis: Any, results: Sequence[Result]) -> None:
    """One panel: the terms of the decomposition, stacked, and the TV that their sum bounds."""
    places = range(len(results))
    top = [0.0] * len(results)
    for place, (name, label) in enumerate(TERMS.items()):
        heights = [getattr(result.decomposition, name) for result in results]
        if any(heights):
            axis.bar(places, heights, bottom=top, width=0.7, color=f"C{place}", label=label)
            top = [below + height for below, height in zip(top, heights, strict=True)]
    axis.plot(places, [result.tv.middle for result in results], "ko-", ms=4, label="exact TV")
    axis.set_xticks(places, [str(result.steps) for result in results])
    axis.grid(visible=True, axis="y", alpha=0.2)
    axis.margins(y=0.4)  # room for the legend above the bars
    axis.legend(fontsize=7, loc="upper right", ncols=2, reverse=True)
