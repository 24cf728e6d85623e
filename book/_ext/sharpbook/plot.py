"""Measured against bound: one small figure a claim, of the examples that a run tried."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

SIZE, LEFT, BOTTOM, EDGE = 200.0, 54.0, 40.0, 10.0
"""Of the square of the plot, and of the margins around it, px."""

DECADES = 5
"""Logarithmic axes reach at most so far below the largest value; what is smaller is at the edge."""
WIDE = 20.0
"""A wider range of values gets logarithmic axes."""
ROUNDING = 1e-9
"""Values so far below 0, relative to the largest, are 0; see `Scale`."""
MOST = 150
"""Points that are drawn."""

SIGNS = {"upper": "≤", "lower": "≥", "equality": "="}
MARKS = {
    "upper": '<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>',
    "lower": '<path d="M{x:.1f} {y:.1f}m-3 2.4h6l-3-5.2z"/>',
    "equality": '<path d="M{x:.1f} {y:.1f}m-3 0l3-3 3 3-3 3z"/>',
}
"""Relation → sign and mark, so that colour is not the only carrier."""
SAYS = {
    "upper": "● a bound from above: measured lies below the line",
    "lower": "▲ a bound from below: measured lies above it",
    "equality": "◆ an equality: measured lies on it",
}


def points(row: Mapping[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Relation → (bound, measured) of the examples of a claim's checks, the worst of each first.

    Args:
        row: of `claims.json`.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for check in row.get("checks") or ():
        for bound, measured in check.get("points") or ():
            found.setdefault(check["relation"], []).append((bound, measured))
    total = sum(map(len, found.values()))
    share = min(1.0, MOST / total) if total else 1.0
    return {
        relation: list(dict.fromkeys(some))[: max(1, math.ceil(share * len(some)))]
        for relation, some in found.items()
        if relation in SIGNS
    }


def worst(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """The point of the instance nearest to failing, which stands in the claim's row."""
    ratio = row.get("ratio") or {}
    for check in row.get("checks") or ():
        if check.get("points") and check.get("instance") == ratio.get("instance"):
            bound, measured = check["points"][0]
            return bound, measured
    return None


class Scale:
    """Values to places between 0 and SIZE, the same on both axes."""

    def __init__(self, values: list[float]) -> None:
        positive = [value for value in values if value > 0]
        self.high = max(positive, default=1.0)
        self.low = min(values)
        if self.low > -ROUNDING * self.high:  # an exact 0 that was computed
            self.low = max(0.0, self.low)
        self.log = self.low >= 0 and self.high > WIDE * min(positive, default=self.high)
        if self.log:
            self.low = max(min(positive), self.high * 10.0**-DECADES)
            self.low, self.high = 0.8 * self.low, 1.25 * self.high
        else:
            self.low = min(0.0, 1.06 * self.low)
            self.high *= 1.06

    def __call__(self, value: float) -> float:
        """Place of a value, px from the corner; what is below the axis lies on its edge."""
        if self.log:
            value = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            value = (value - self.low) / (self.high - self.low)
        return SIZE * min(1.0, max(0.0, value))

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Values that get a label, and the labels."""
        if self.log:
            first = math.ceil(math.log10(self.low))
            last = math.floor(math.log10(self.high))
            stride = max(1, (last - first + 1) // 4)
            for power in range(last, first - 1, -stride):
                yield 10.0**power, f"{10.0**power:g}" if abs(power) <= 3 else f"1e{power}"
            if last < first + 1:  # fewer than two decades: the ends help
                yield self.high / 1.25, f"{self.high / 1.25:.2g}"
            return
        span = self.high - self.low
        step = 10.0 ** math.floor(math.log10(span))
        step *= next(f for f in (0.1, 0.2, 0.5, 1, 2) if span / (f * step) <= 5)
        for count in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            yield count * step, f"{count * step:.4g}"


def figure(row: Mapping[str, Any]) -> str:
    """HTML of a claim's figure; empty if the run kept no points.

    Args:
        row: of `claims.json`.
    """
    found = points(row)
    if not found:
        return ""
    scale = Scale([value for some in found.values() for pair in some for value in pair])
    width, height = LEFT + SIZE + EDGE, EDGE + SIZE + BOTTOM
    name = f"{row['id']}: measured against bound"
    parts = [
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(name)}">',
        *_ground(found, scale),
    ]
    for relation, some in found.items():
        marks = (
            MARKS[relation].format(x=LEFT + scale(bound), y=EDGE + SIZE - scale(measured))
            for bound, measured in some
        )
        parts.append(f'<g class="{relation}">{"".join(marks)}</g>')
    ring = worst(row)
    if ring is not None:
        x, y = LEFT + scale(ring[0]), EDGE + SIZE - scale(ring[1])
        parts.append(f'<circle class="worst" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
    parts.append("</svg>")
    return (
        f'<figure class="claim-plot">{"".join(parts)}{_caption(row, found, scale, ring)}</figure>'
    )


def _ground(found: Mapping[str, Any], scale: Scale) -> list[str]:
    """The side on which a claim would fail, the line of equality, and the axes."""
    left, top, right, low = LEFT, EDGE, LEFT + SIZE, EDGE + SIZE
    parts = []
    if "upper" in found and "lower" not in found:
        parts.append(f'<path class="fails" d="M{left} {low}L{right} {top}H{left}z"/>')
    if "lower" in found and "upper" not in found:
        parts.append(f'<path class="fails" d="M{left} {low}L{right} {top}V{low}z"/>')
    parts.append(f'<path class="line" d="M{left} {low}L{right} {top}"/>')
    parts.append(f'<path class="axis" d="M{left} {top}V{low}H{right}"/>')
    for value, text in scale.ticks():
        at = scale(value)
        x, y = left + at, low - at
        parts.append(f'<path class="axis" d="M{x:.1f} {low}v4M{left} {y:.1f}h-4"/>')
        parts.append(f'<text x="{x:.1f}" y="{low + 15:g}" class="middle">{text}</text>')
        parts.append(f'<text x="{left - 7:g}" y="{y + 3.5:.1f}" class="end">{text}</text>')
    x, y = left + SIZE / 2, top + SIZE / 2
    label = "formula" if set(found) == {"equality"} else "bound"
    parts.append(f'<text x="{x:g}" y="{low + 32:g}" class="middle">{label}</text>')
    turn = f"rotate(-90 11 {y:g})"
    parts.append(f'<text x="11" y="{y:g}" class="middle" transform="{turn}">measured</text>')
    return parts


def _caption(
    row: Mapping[str, Any], found: Mapping[str, list[tuple[float, float]]], scale: Scale, ring: Any
) -> str:
    count = sum(map(len, found.values()))
    texts = [f"Measured against {'formula' if set(found) == {'equality'} else 'bound'}"]
    texts[0] += f": {count} examples of the run."
    texts += [f"{SAYS[relation]}." for relation in SIGNS if relation in found]
    if "equality" in found:
        checks = [one for one in row["checks"] if one.get("difference") is not None]
        most = max((one["difference"] for one in checks), default=None)
        if most is not None:
            small = "below 1e-30" if 0 < most < 1e-30 else f"{most:.1g}"
            texts.append(f"Largest difference: {small}.")
    if ring is not None and set(found) != {"equality"}:
        texts.append("Ringed: the instance nearest to failing.")
    if scale.log and any(min(pair) < scale.low for some in found.values() for pair in some):
        texts.append("On the edge: smaller than the axis shows, 0 included.")
    return f"<figcaption>{' '.join(map(escape, texts))}</figcaption>"
