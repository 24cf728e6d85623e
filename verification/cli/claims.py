"""`sharprates claims`."""

from __future__ import annotations

from typing import Annotated

import typer
from sharprates.theory.registry import CLAIMS, claim
from sharprates.verification.cli.terminal import console


def claims_command(
    claim_id: Annotated[str | None, typer.Argument(metavar="ID", help="One claim whole.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Formulas as LaTeX.")] = False,
) -> None:
    """List the claims, or show one whole: with proofs, checks and what the last run found."""
    terminal = console()
    if claim_id is None and not json:
        for one in CLAIMS.values():
            terminal.print(f"{one.id:4} {one.kind.value:10} {one.relation.value:10} {one.title}")
        return
    wanted = CLAIMS.values() if claim_id is None else [claim(claim_id)]
    # the pages load all checks, which takes seconds
    from sharprates.verification.files import to_json
    from sharprates.verification.reports.claims import page, text

    pages = [page(one) for one in wanted]
    if json:
        terminal.out(to_json({"claims": pages}), end="")
    else:
        terminal.print(text(pages[0], min(terminal.width, 110), latex), soft_wrap=True)
