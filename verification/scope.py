"""Stated against checked: what a claim says for which instances, what was tried, and what was not.

All of it is computed: from the formula and the hypotheses, and from the examples of a run. Only
a sentence of a statement that stands in no formula is written by hand, in `Claim.unchecked`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sharprates.theory.claim import Claim
from sharprates.theory.hypotheses import Hypothesis
from sharprates.theory.measured import Measured
from sharprates.theory.setting import Setting
from sharprates.theory.symbol_table import DERIVED
from sharprates.theory.symbols import LATEX
from sharprates.verification.evidence import DRAWN, MANY, Evidence, Method, Reach
from sharprates.verification.plain_text import readable_formula

WITHOUT_DATA = {
    Measured.BRIDGE,
    Measured.EULER_HAZARD,
    Measured.TAU_LEAPING_HAZARD,
    Measured.ANCESTRAL_HAZARD,
    Measured.EQUAL_STEPS_MONOMIAL,
    Measured.HITTING_TIME,
    Measured.HITTING_TIME_MASKED,
    Measured.TRUNCATED_GUMBEL,
    Measured.COINCIDENCE,
    Measured.RANK_DISTANCE,
    Measured.MINIMAX_TV,
    Measured.GAIN_PER_ERROR,
}
"""Left sides that no data law enters, or of which the formula is an extremum over all of them."""

ARITHMETIC = {
    Method.CERTIFIED: "in fractions or balls",
    Method.TESTED: "in float64 with a stated error",
    Method.SAMPLED: "by samples within the run's error budget",
}

UNBOUNDED = ("d", "S", "K", "T", "b", "k", "g", "m", "n")
"""Sizes that a statement does not bound, in the order in which they are told."""

KINDS = {"q_0": "q₀"}
"""A key of `Reach.kinds` as it is written, where that differs."""

SHOWN = 6
"""More families than this are counted, not named."""

NO_RUN = "anything here: no run of its checks is stored; `sharprates verify` writes one"

WIDER: Mapping[str, Mapping[str, Mapping[str, bool]]] = {
    "denoiser": {
        "errs": {"exact_denoiser": False},
        "unnormalised": {"exact_denoiser": False, "normalised": False},
        "varies in time": {"exact_denoiser": False, "time_free": False},
    },
    "steps": {
        "with leftover": {"has_leftover": True, "equal_steps": False},
        "unequal": {"equal_steps": False},
    },
}
"""What is tried, in `Reach.kinds` → its harder cases → the facts of a setting that has one."""


@dataclass(frozen=True)
class Scope:
    """One claim's row of the table.

    Attributes:
        stated: over what the statement ranges, and under which conditions.
        tried: what the examples were, a line for each form and arithmetic.
        not_tried: what the statement covers and no example did.
    """

    stated: str
    tried: tuple[str, ...]
    not_tried: tuple[str, ...]


def scope(claim: Claim, evidence: Iterable[Evidence]) -> Scope:
    """The row of a claim.

    Args:
        claim: the claim.
        evidence: of the claim, from a run.
    """
    found = tuple(evidence)
    return Scope(stated(claim), tuple(_tried(claim, found)), tuple(_not_tried(claim, found)))


def conditions(hypotheses: Iterable[Hypothesis]) -> str:
    """Hypotheses without the verbs that a reason for refusing has."""
    return "; ".join(re.sub("^(needs|is about|is) ", "", one.reason) for one in hypotheses)


def stated(claim: Claim) -> str:
    """Over what a claim's main form ranges, and its conditions."""
    named = [name for one in claim.hypotheses for name in one.families]
    families = claim.attained_by or tuple(named)
    law = [f"q₀ of {' or '.join(families)}" if families else "q₀"]
    names = [] if claim.measured in WITHOUT_DATA else [*law, "d", "S"]
    names += [x for x in sorted(claim.symbols(), key=_place) if x not in {*DERIVED, *names}]
    names = [_name(name) for name in names]
    given = conditions(one for one in claim.hypotheses if not one.families)
    return "; ".join(filter(None, [f"every {', '.join(names)}" if names else "", given]))


def _name(name: str) -> str:
    """Of a size, as it is written."""
    return readable_formula(LATEX[name]) if name in LATEX else name


def _place(name: str) -> tuple[int, str]:
    return UNBOUNDED.index(name) if name in UNBOUNDED else len(UNBOUNDED), name


# --- what was tried -------------------------------------------------------------------------------


def _tried(claim: Claim, evidence: Sequence[Evidence]) -> Iterator[str]:
    for one in evidence:
        if one.method == Method.SYMBOLIC:
            yield f"proved symbolically: {one.check}"
    for method, words in ARITHMETIC.items():
        forms: dict[str, list[str]] = {}
        for form in ("", *claim.variants):
            mine = [one for one in _of_form(evidence, form) if one.method == method]
            if mine:
                n = sum(one.n for one in mine)
                forms.setdefault(f"{n} examples; {reach_text(_merged(mine))}", []).append(form)
        for text, named in forms.items():
            yield f"{words}{_forms(claim, named)}: {text}"
        for one in evidence:
            if one.method == method and not one.reach.forms:
                parts = (f"part of the statement {words}: {one.check}", reach_text(one.reach))
                yield "; ".join(filter(None, parts))


def reach_text(reach: Reach) -> str:
    """Sizes, then kinds, in a few words."""
    sizes = [
        f"{_name(name)} = {_number(least)}" + ("" if least == most else f"…{_number(most)}")
        for name, (least, most) in reach.sizes.items()
    ]
    kinds = [
        f"{KINDS.get(name, name)}: {_kinds(name, found)}" for name, found in reach.kinds.items()
    ]
    return "; ".join(filter(None, [", ".join(sizes), *kinds]))


def _kinds(name: str, found: Sequence[str]) -> str:
    families = [one for one in found if one != DRAWN]
    if name == "q_0" and len(families) > SHOWN:
        return f"{len(families)} families" + (f", {DRAWN}" if DRAWN in found else "")
    return ", ".join(found)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.3g}"


def _forms(claim: Claim, names: Sequence[str]) -> str:
    """Which forms a line is about; nothing where there is but one."""
    return f", {', '.join(name or 'main form' for name in names)}" if claim.variants else ""


def _of_form(evidence: Sequence[Evidence], form: str) -> list[Evidence]:
    """The checks that evaluate a form: those of its own sides where there are any."""
    mine = [one for one in evidence if form in one.reach.forms]
    return [one for one in mine if one.rated] or mine


def _merged(evidence: Iterable[Evidence]) -> Reach:
    sizes: dict[str, tuple[float, float]] = {}
    kinds: dict[str, set[str]] = {}
    for one in evidence:
        for name, (least, largest) in one.reach.sizes.items():
            low, high = sizes.get(name, (least, largest))
            sizes[name] = (min(low, least), max(high, largest))
        for name, found in one.reach.kinds.items():
            kinds.setdefault(name, set()).update(found)
    return Reach((), sizes, {name: tuple(sorted(found)) for name, found in kinds.items()})


# --- what was not ---------------------------------------------------------------------------------


def _not_tried(claim: Claim, evidence: Sequence[Evidence]) -> Iterator[str]:
    if not any(one.reach.forms for one in evidence):
        yield NO_RUN
    else:
        forms: dict[str, list[str]] = {}
        for form in ("", *claim.variants):
            mine = _of_form(evidence, form)
            text = "; ".join(_beyond(claim, form, mine)) if mine else "no example was tried"
            forms.setdefault(text, []).append(form)
        for text, named in forms.items():
            if text:
                yield f"{_forms(claim, named)}: {text}".removeprefix(", ").removeprefix(": ")
    for one in evidence:
        if one.note:
            yield f"{one.check}: {one.note}"
        if one.n_undecided:
            yield f"{one.check}: {one.n_undecided} of {one.n} examples undecided"
    yield from claim.unchecked


def _beyond(claim: Claim, form: str, evidence: Sequence[Evidence]) -> Iterator[str]:
    """Sizes above the largest that was tried, and kinds that the hypotheses allow besides."""
    exact = _merged(one for one in evidence if one.method == Method.CERTIFIED).sizes
    whole = _merged(evidence)
    above = []
    for name in sorted(whole.sizes, key=_place):
        if not (name in UNBOUNDED or name.startswith(MANY)) or not _may_grow(claim, form, name):
            continue
        most = whole.sizes[name][1]
        text = f"{_name(name)} > {_number(most)}"
        if exact and name in exact and exact[name][1] < most:
            text += f" ({_name(name)} > {_number(exact[name][1])} in float64 only)"
        above.append(text)
    if above:
        yield ", ".join(above)
    for kind, cases in WIDER.items():
        if kind in whole.kinds:
            missing = [
                case
                for case, facts in cases.items()
                if case not in whole.kinds[kind] and _allows(claim, form, facts)
            ]
            if missing:
                yield f"{kind} {' or '.join(missing)}"


def _own(claim: Claim, form: str) -> list[Hypothesis]:
    """The conditions of a form on everything but the family."""
    variant = claim.form(form or None)
    own = () if variant.replaces else claim.hypotheses
    return [one for one in (*own, *variant.hypotheses) if not one.families]


def _settings() -> Iterator[Setting]:
    """Plain settings, of which one satisfies what a claim asks for."""
    for size, sampler, equal, leftover, clock in itertools.product(
        ((4, 2), (3, 2), (4, 4)),
        ("ancestral", "euler", "fhs", "blocks", "policy", "speculative", "remasking"),
        *((False, True), (False, True), (None, "constant")),
    ):
        yield Setting(
            *size,
            steps=8,
            sampler=sampler,
            policy="bisection" if sampler == "policy" else None,
            remasking="max" if sampler == "remasking" else None,
            clock=clock,
            grid=clock and "uniform",
            has_leftover=leftover,
            equal_steps=equal,
            one_token=True,
        )


def _allows(claim: Claim, form: str, facts: Mapping[str, Any]) -> bool:
    """Whether some setting with these facts satisfies the conditions of a form."""
    wanted = _own(claim, form)
    return any(
        all(one.holds(replace(setting, **facts)) for one in wanted) for setting in _settings()
    )


def _may_grow(claim: Claim, form: str, name: str) -> bool:
    """Whether the conditions leave a size open, as S = 2 does not."""
    large = {"d": {"length": 10**9, "steps": 10**12}, "S": {"vocabulary": 10**9}}
    return _allows(claim, form, large.get(name, {}))
