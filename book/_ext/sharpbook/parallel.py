"""Pages are read and written by as many processes as there are CPUs."""

from __future__ import annotations

import os
from collections.abc import Set
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.parallel import make_chunks
from sphinx_proof.domain import ProofDomain

SILENT = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")
"""They do not say that they are safe. One numbers titles when all is read, one is for LaTeX."""


def dealt(names: list[str], costs: list[int], hands: int) -> list[str]:
    """Names in an order of which equal parts cost about the same: dealt like cards."""
    order = [name for _, name in sorted(zip(costs, names, strict=True), reverse=True)]
    return [name for hand in range(hands) for name in order[hand::hands]]


class Proofs(ProofDomain):
    """Sphinx-proof's own, which says nothing of merging: it keeps what it knows elsewhere."""

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """There is nothing to merge: its proofs are kept by the environment."""


def _cost(path: str) -> int:
    return Path(path).read_text(encoding="utf-8").count("```{code-cell}")


def _deal(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Spread the pages that run code over the parts in which Sphinx reads pages."""
    costs = [_cost(env.doc2path(name)) for name in names]
    names[:] = dealt(names, costs, len(make_chunks(names, app.parallel)))


def _declare(app: Sphinx) -> None:
    for name in SILENT:
        app.extensions[name].parallel_read_safe = True


def setup(app: Sphinx) -> None:
    """Jupyter Book has no option for this."""
    app.parallel = len(os.sched_getaffinity(0))
    app.add_domain(Proofs, override=True)
    app.connect("builder-inited", _declare)
    app.connect("env-before-read-docs", _deal)
