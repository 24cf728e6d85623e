"""The command line: `sharprates audit | claims | …`.

Exit codes: 0 all hold; 1 a claim or sampler fails; 2 bad usage or input; 3 undecided.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from samplers import datasets, families
from samplers.errors import InputError
from samplers.target import Target
from theory.claim import Claim
from theory.errors import TheoryError
from theory.registry import CLAIMS, claim
from verification import audit as audits
from verification import report
from verification.verdict import Verdict

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Verify total-variation guarantees of masked diffusion samplers.",
)

EXIT = {Verdict.HOLDS: 0, Verdict.FAILS: 1, Verdict.UNDECIDED: 3}
"""Exit code of a run by its worst verdict; 2 is bad input."""


def main() -> None:
    """Entry point: bad input is one clear line and exit code 2, never a traceback."""
    try:
        app()
    except (InputError, TheoryError) as error:
        Console(stderr=True, highlight=False).print(
            f"sharprates: {error}", markup=False, soft_wrap=True
        )
        sys.exit(2)


def _list(text: str, option: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise InputError(f"--{option}: needs at least one value, got {text!r}")
    return parts


def _counts(text: str, option: str) -> tuple[int, ...]:
    values = []
    for part in _list(text, option):
        if not part.isdecimal() or int(part) < 1:
            raise InputError(f"--{option}: needs whole numbers ≥ 1 with commas, got {part!r}")
        values.append(int(part))
    return tuple(dict.fromkeys(values))


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
            scales[name.strip()] = Fraction(factor)
        except (ValueError, ZeroDivisionError):
            raise InputError(f"--scale: needs ID.name=number, got {text!r}") from None
    return scales


def read_target(text: str, separator: str | None = None) -> Target:
    """A target as a user names it: a file, a built-in data set, or a family such as `copies:3:2`.

    Raises:
        InputError: if it is none of them, or the file is bad.
    """
    if text in datasets.BUILTIN:
        return datasets.builtin(text)
    if text.partition(":")[0] in families.FAMILIES and not Path(text).exists():
        return families.family(text)
    return datasets.load(text, separator=separator)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; on anything else a plain line where the work is long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def step(text: str) -> None:
            bar.update(task, description=text, advance=1)

        yield step


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
    arithmetic: Annotated[str, typer.Option(help="float64, rational or ball.")] = "float64",
    scale: Annotated[
        list[str] | None, typer.Option(help="ID.name=x multiplies a constant by x.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Between tokens; default: none.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all results here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw TV against K here.")] = None,
) -> None:
    """Exact TV of the samplers on data, beside the bounds."""
    for path in (json, plot):
        if path is not None:
            report.check_writable(path)
    if plot is not None and plot.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot: the name must end in .png, .svg or .pdf, got {plot}")
    for name, value in (("horizon", horizon), ("delta", delta)):
        if value is not None and not math.isfinite(value):
            raise InputError(f"--{name}: must be a finite number, got {value}")
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
    )
    plan.check()
    targets = [read_target(text, separator) for text in data or list(datasets.BUILTIN)]
    with _progress(len(targets) * (audits.count_cases(plan) + 2)) as progress:
        results = audits.audit(targets, plan, progress=progress)
    # A pipe gets full lines: no table is cut at a width that nobody set.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    for one in results:
        report.print_audit(one, console)
        console.print()
    console.print(report.LEGEND, style="dim")
    if json is not None:
        report.write_whole(json, report.to_json(report.audit_json(results)))
    if plot is not None:
        report.plot_audit(results, plot)
    raise typer.Exit(EXIT[report.worst(results)])


def claim_json(one: Claim) -> dict[str, object]:
    """A claim as JSON: what it says, when it applies, where it comes from."""
    return {
        "id": one.id,
        "title": one.title,
        "kind": one.kind.value,
        "relation": one.relation.value,
        "statement": one.statement,
        "formula": one.formula(),
        "constants": {name: str(value) for name, value in one.constants.items()},
        "hypotheses": [hypothesis.reason for hypothesis in one.hypotheses],
        "promises": list(one.provenance.promises),
        "works": list(one.provenance.works),
        "depends_on": list(one.depends_on),
        "variants": {name: one.formula(name) for name in one.variants},
    }


@app.command()
def claims(
    claim_id: Annotated[str | None, typer.Argument(metavar="ID", help="One claim whole.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """List the claims, or show one whole."""
    chosen = list(CLAIMS.values()) if claim_id is None else [claim(claim_id)]
    if json:
        sys.stdout.write(report.to_json({"claims": [claim_json(one) for one in chosen]}))
        return
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    if claim_id is None:
        for one in chosen:
            console.print(
                f"{one.id:4} {one.kind.value:10} {one.relation.value:10} {one.title}", markup=False
            )
        return
    (one,) = chosen
    for name, value in claim_json(one).items():
        if not value:
            continue
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if isinstance(value, dict):
            value = "\n".join(f"{'':12} {key} = {text}" for key, text in value.items()).lstrip()
        console.print(f"{name:12} {value}", markup=False, soft_wrap=True)
