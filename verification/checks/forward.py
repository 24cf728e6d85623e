"""Checks of F1–F6."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks import channel
from sharprates.verification.checks.check import Check, changed, exact, formula, tightened, trial_of
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import with_symbol

INNER = some.ALPHAS.filter(lambda a: 0 < a < 1)

LAWS = some.laws(max_length=3)


@st.composite
def _at_a_time(
    draw: st.DrawFn,
    alphas: st.SearchStrategy[Fraction] = INNER,
    laws: st.SearchStrategy[Target] = LAWS,
) -> Example:
    """A law, α at one time strictly inside, and a speed."""
    law = draw(laws)
    return Example.of(exact_experiment(law), alpha=draw(alphas), speed=draw(st.integers(1, 5)))


def _law_of_states(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    alpha = as_fmpq(example["alpha"])
    sides = []
    for state, mass in channel.masked(it.pmf, alpha, it.S).items():
        u = it.revealed(state)
        values = {"alpha": alpha, "u": u, "d": it.d, "q": it.marginal[state]}
        sides.append((mass, formula("F1", None, values, mutant)))
    return trial_of(example, Relation.EQUALITY, sides)


def _ends(claim_id: str, variant: str | None) -> Evaluate:
    """TV of q_T to the all-mask state (F2), or of q_δ to q_0 (F3)."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = exact(example.law)
        alpha = as_fmpq(example["alpha"])
        other = it.pmf if claim_id == "F3" else {(it.S,) * it.d: fmpq(1)}
        measured = channel.distance(channel.masked(it.pmf, alpha, it.S), other)
        name = "alpha_delta" if claim_id == "F3" else "alpha_T"
        value = formula(claim_id, variant, {name: alpha, "d": it.d}, mutant)
        relation = Relation.UPPER if variant else Relation.EQUALITY
        return trial_of(example, relation, [(measured, value)])

    return trial


def _score(variant: str | None) -> Evaluate:
    """Ratios of q_t, of neighbouring states; times −α′/α for the rate."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = exact(example.law)
        alpha, speed = as_fmpq(example["alpha"]), example["speed"]
        q = channel.masked(it.pmf, alpha, it.S)
        sides: list[tuple[Number, Number]] = []
        for state in q:
            for i in (i for i, x in enumerate(state) if x == it.S):
                for a, p in enumerate(it.conditional(state, i)):
                    ratio = q.get(with_symbol(state, i, a), fmpq(0)) / q[state]
                    measured = ratio * speed / alpha if variant else ratio
                    values = {"alpha": alpha, "speed": speed, "q": p}
                    sides.append((measured, formula("F4", variant, values, mutant)))
        return trial_of(example, Relation.EQUALITY, sides)

    return trial


def _bridge(example: Example, mutant: Mutant, independently: bool = False) -> Trial:
    """P(state at s | state at t) by Bayes from the joint law of the two."""
    it = exact(example.law)
    late, early = as_fmpq(example["alpha_t"]), as_fmpq(example["alpha_s"])
    S, sides = it.S, []
    at_t = channel.masked(it.pmf, late, S)
    for (state, after), mass in channel.masked_twice(it.pmf, early, late, S).items():
        u, j = it.revealed(after), it.revealed(state) - it.revealed(after)
        jointly = it.marginal[state] / it.marginal[after]
        if independently:
            jointly = fmpq(1)
            for i, x in enumerate(state):
                if x != after[i]:
                    jointly *= it.conditional(after, i)[x]
        values = {
            "alpha_t": late,
            "alpha_s": early,
            "u": u,
            "j": j,
            "d": it.d,
            "q": jointly,
        }
        sides.append((mass / at_t[after], formula("F5", None, values, mutant)))
    return trial_of(example, Relation.EQUALITY, sides)


def _surrogate(example: Example, mutant: Mutant, variant: str | None) -> Trial:
    """KL(q_T‖p_init) over all partial states, token by token."""
    it = exact(example.law)
    alpha, total = as_fmpq(example["alpha"]), arb(0)
    for state, mass in channel.masked(it.pmf, alpha, it.S).items():
        u = it.revealed(state)
        start = (1 - alpha) ** (it.d - u) * (alpha / it.S) ** u
        total = total + arb(mass) * arb(mass / start).log()
    right = formula("F6", variant, {"alpha_T": alpha, "d": it.d, "S": it.S, "h": it.h}, mutant)
    relation = Relation.UPPER if variant else Relation.EQUALITY
    return trial_of(example, relation, [(total, right)], bool(total > 0))


ONE_MORE_TOKEN = changed("d + 1 for d", d=lambda d: d + 1)

POINT = exact_experiment(families.family("point-mass:2:2"))

ONE_SYMBOL = {
    "one symbol": Example.of(exact_experiment(families.family("uniform:2:1")), alpha=Fraction(1, 4))
}

CHECKS = (
    Check(
        "F1",
        "masking token by token, every partial state",
        _at_a_time(),
        _law_of_states,
        mutants=(ONE_MORE_TOKEN, changed("α² for α", alpha=lambda a: a * a)),
    ),
    Check(
        "F2",
        "TV by masking token by token",
        _at_a_time(),
        _ends("F2", None),
        mutants=(ONE_MORE_TOKEN,),
    ),
    Check(
        "F2",
        "the linear bound",
        _at_a_time(st.fractions(Fraction(1, 100), Fraction(1, 3), max_denominator=100)),
        _ends("F2", "linear"),
        mutants=(tightened("F2"),),
    ),
    Check(
        "F3",
        "TV by masking token by token",
        _at_a_time(),
        _ends("F3", None),
        mutants=(ONE_MORE_TOKEN,),
    ),
    Check(
        "F3",
        "the linear bound",
        _at_a_time(st.fractions(Fraction(2, 3), Fraction(99, 100), max_denominator=100)),
        _ends("F3", "linear"),
        mutants=(tightened("F3"),),
    ),
    Check(
        "F4",
        "ratios of q_t",
        _at_a_time(),
        _score(None),
        mutants=(changed("α² for α", alpha=lambda a: a * a),),
    ),
    Check(
        "F4",
        "rates",
        _at_a_time(),
        _score("rate"),
        mutants=(changed("α² for α", alpha=lambda a: a * a),),
    ),
    Check(
        "F5",
        "Bayes' formula from the joint law at two times",
        some.at_two_times(),
        _bridge,
        mutants=(
            Mutant("values drawn independently", trial=partial(_bridge, independently=True)),
            changed("α_s² for α_s", alpha_s=lambda a: a * a),
        ),
    ),
    Check(
        "F6",
        "every partial state, token by token",
        _at_a_time(laws=LAWS.filter(lambda law: law.vocabulary > 1)),
        partial(_surrogate, variant=None),
        edges=ONE_SYMBOL,
        mutants=(
            changed("α² for α", alpha_T=lambda a: a * a),
            changed("S + 1 for S", S=lambda S: S + 1),
        ),
    ),
    Check(
        "F6",
        "the bound without entropies",
        _at_a_time(laws=LAWS.filter(lambda law: law.vocabulary > 1)),
        partial(_surrogate, variant="upper"),
        edges={**ONE_SYMBOL, "a point mass": Example.of(POINT, alpha=Fraction(1, 4))},
        mutants=(tightened("F6"),),
    ),
)
