"""Sphinx extension of this book: claims from the registry, their graph and table, all offline."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from sharpbook import (
    api,
    cells,
    claims,
    formal,
    graph,
    javascript,
    offline,
    parallel,
    stops,
    table,
    warm,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    for part in (
        offline,
        cells,
        claims,
        graph,
        formal,
        table,
        javascript,
        api,
        stops,
        parallel,
        warm,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
