"""Checks of H1–H4."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from samplers import families
from samplers.target import Target
from theory.claim import Relation
from verification import strategies as some
from verification.checks.check import (
    Check,
    Example,
    Method,
    Mutant,
    Trial,
    changed,
    exact,
    on_instances,
    pairs,
    tightened,
)
from verification.instance import Exact, Instance


def _one_by_one(law: st.SearchStrategy[Target]) -> st.SearchStrategy[Example]:
    return law.map(lambda target: Example.of(Instance.of(target, blocks=(1,) * target.length)))


def _is_the_target(example: Example, mutant: Mutant) -> Trial:
    """p_FHS(x) = q_0(x) at every support row, which is TV = 0."""
    it = exact(example.law)
    d = it.length
    blocks = (1,) * d if mutant.word != "two at once" or d == 1 else (2,) + (1,) * (d - 2)
    law = it.block_laws()[blocks]
    return pairs(example, Relation.EQUALITY, zip(law, it.pmf.values(), strict=True))


def _erring_at_the_start(eta: Fraction, d: int, everywhere: bool) -> Example:
    """The point mass, its denoiser with mass η on symbol 1: at the empty context, or at all."""
    target = families.family(f"point-mass:{d}:2")
    places = some.contexts(target)
    chosen = [(x, i) for x, i in places if everywhere or set(x) == {2}]
    wrong = dict.fromkeys(chosen, (1 - eta, eta))
    return Example(Instance.of(target, blocks=(1,) * d, predictions=wrong), {"eta": eta})


def _point_mass(variant: str | None, error: bool) -> Check:
    everywhere = variant in ("spread", "spread-error")
    measured = "ε_FHS" if error else "TV"
    return Check(
        "H3",
        f"{measured} of the point mass, errors {'everywhere' if everywhere else 'at the start'}",
        Method.CERTIFIED,
        on_instances(
            "H3",
            (lambda it: it.along_orders(it.gaps)) if error else Exact.total_variation,
            variant,
            extra=lambda example, _: {"eta": example["eta"]},
        ),
        st.builds(
            lambda eta, d: _erring_at_the_start(eta, d, everywhere),
            st.fractions(0, 1, max_denominator=12),
            st.integers(1, 4),
        ),
        mutants=(changed("1.01 η for η", eta=lambda eta: eta * Fraction(101, 100)),),
        effort=0.5,
    )


CHECKS = (
    Check(
        "H1",
        "p_FHS(x) = q_0(x) for every x",
        Method.CERTIFIED,
        _is_the_target,
        _one_by_one(some.laws()),
        mutants=(Mutant("two tokens in the first call", word="two at once"),),
    ),
    Check(
        "H2",
        "any law, any normalised denoiser",
        Method.CERTIFIED,
        on_instances("H2", Exact.total_variation),
        some.one_by_one().map(Example.of),
        mutants=(tightened("H2"),),
    ),
    _point_mass(None, error=False),
    _point_mass("error", error=True),
    _point_mass("spread", error=False),
    _point_mass("spread-error", error=True),
)
