"""Checks of R1–R3 and R5–R7: remasking, revision and correctors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from flint import fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks import channel
from sharprates.verification.checks.channel import Law
from sharprates.verification.checks.check import Check, changed, exact, formula, tightened, trial_of
from sharprates.verification.checks.redraws import (
    Places,
    Redraws,
    RevealedBlock,
    masked_at,
    relevant,
    revealed_at,
)
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context, with_symbol

INNER = some.ALPHAS.filter(lambda a: 0 < a < 1)

OFF = st.sampled_from((None, 0))
"""What is predicted off the support: all symbols alike, or the first one."""


def _redraws(example: Example) -> Redraws:
    return Redraws(exact(example.law), example.parameters.get("off"))


# --- R1, R2: steps on a clock ---------------------------------------------------------------------


def admissible(early: Fraction, late: Fraction) -> Fraction:
    """The largest σ of a step from α_t = late to α_s = early."""
    return min(Fraction(1), (1 - early) / late) if late else Fraction(0)


def reveal_rate(sigma: Number, early: Number, late: Number) -> Number:
    """r of that step."""
    return (early - (1 - sigma) * late) / (1 - late)


@st.composite
def _steps(draw: st.DrawFn) -> Example:
    """A law, α_t < α_s, and the share of the largest σ that is used."""
    law = draw(some.laws(max_length=3))
    late, early = sorted(draw(st.sets(INNER, min_size=2, max_size=2)))
    share = draw(st.sampled_from((Fraction(1), Fraction(1, 2), Fraction(0))))
    sigma = share * admissible(early, late)
    return Example.of(exact_experiment(law), alpha_t=late, alpha_s=early, sigma=sigma)


def _keeps_marginals(
    example: Example,
    mutant: Mutant,
    *,
    plain: bool = False,
    above: bool = False,
    independent: bool = False,
) -> Trial:
    """R1; the mutants draw with r of σ = 0, with twice the largest σ, or independently."""
    it, redraws = exact(example.law), _redraws(example)
    late, early, sigma = (as_fmpq(example[name]) for name in ("alpha_t", "alpha_s", "sigma"))
    if above:
        sigma = min(fmpq(1), 2 * as_fmpq(admissible(example["alpha_s"], example["alpha_t"])))
    r = min(fmpq(1), reveal_rate(0 * sigma if plain else sigma, early, late))
    before = channel.masked(it.pmf, late, it.S)
    draw = redraws.independently if independent else redraws.jointly
    after = redraws.step(before, sigma, r, draw)
    measured = channel.distance(after, channel.masked(it.pmf, early, it.S))
    value = formula("R1", None, {}, mutant)
    return trial_of(example, Relation.EQUALITY, [(measured, value)], sigma > 0 and it.d > 1)


@st.composite
def _runs(draw: st.DrawFn, again: bool = False) -> Example:
    """A law, a denoiser, falling masses of masks, and a share of the largest σ in each step.

    With `again`, tokens depend on each other, the denoiser is exact and every step masks again.
    """
    law = draw(some.dependent_laws(3) if again else some.laws(max_length=3))
    wrong = draw(some.predictions(law)) if not again and draw(st.booleans()) else {}
    alphas = sorted(draw(st.sets(INNER, min_size=1 + again, max_size=3)))
    alphas = [*([Fraction(0)] if draw(st.booleans()) else []), *alphas]
    alphas.append(draw(st.sampled_from((Fraction(1), Fraction(19, 20)))))
    shares = st.sampled_from((Fraction(1), Fraction(1, 4), *([] if again else [Fraction(0)])))
    sigmas = tuple(
        draw(shares) * admissible(early, late) for late, early in itertools.pairwise(alphas)
    )
    experiment = exact_experiment(law, predictions=wrong)
    return Example.of(experiment, alphas=tuple(alphas), sigmas=sigmas, off=draw(OFF))


def _parallel_term(example: Example, r: Number, late: Number) -> Number:
    """E_{q_t} Σ_B r^|B| (1−r)^{m−|B|} TV(q_0(x_B|x_U), ∏ p_i)."""
    it, redraws = exact(example.law), _redraws(example)
    return sum(
        (
            mass * redraws.of_block(state, r)
            for state, mass in channel.masked(it.pmf, late, it.S).items()
        ),
        fmpq(0),
    )


def _steps_of(example: Example) -> list[tuple[Number, Number, Number]]:
    """(α_t, σ, r) of each step."""
    alphas = [as_fmpq(a) for a in example["alphas"]]
    sigmas = [as_fmpq(sigma) for sigma in example["sigmas"]]
    return [
        (late, sigma, reveal_rate(sigma, early, late))
        for (late, early), sigma in zip(itertools.pairwise(alphas), sigmas, strict=True)
    ]


def _terms(example: Example, *, plain: bool = False) -> dict[str, Any]:
    """The terms of R2, or what they are with r of σ = 0."""
    it, redraws = exact(example.law), _redraws(example)
    alphas = [as_fmpq(a) for a in example["alphas"]]
    score = parallel = fmpq(0)
    for (late, _, r), early in zip(_steps_of(example), alphas[1:], strict=True):
        used = reveal_rate(fmpq(0), early, late) if plain else r
        parallel += _parallel_term(example, used, late)
        for state, mass in channel.masked(it.pmf, late, it.S).items():
            score += used * mass * redraws.score(state, masked_at(state, it.S))
    return {
        "E1_initialisation": 1 - (1 - alphas[0]) ** it.d,
        "E1_score": score,
        "E1_parallel": parallel,
        "E1_early_stopping": 1 - alphas[-1] ** it.d,
    }


def _decomposition(
    example: Example, mutant: Mutant, *, plain: bool = False, kept: bool = False
) -> Trial:
    """R2; the mutants have r of σ = 0 in the bound, or draw without what is about to be masked."""
    it, redraws = exact(example.law), _redraws(example)
    law: Law = {(it.S,) * it.d: fmpq(1)}
    for _, sigma, r in _steps_of(example):
        law = redraws.step(law, sigma, r, redraws.independently, kept=kept)
    value = formula("R2", None, _terms(example, plain=plain), mutant)
    return trial_of(example, Relation.UPPER, [(channel.distance(law, it.pmf), value)])


def _grows(example: Example, mutant: Mutant) -> Trial:
    """The third sum of R2 against what it is at σ = 0."""
    value = formula("R2", "parallel", _terms(example, plain=True), mutant)
    measured = _terms(example)["E1_parallel"]
    counts = value > 0 and any(r > 0 for _, sigma, r in _steps_of(example) if sigma > 0)
    return trial_of(example, Relation.LOWER, [(measured, value)], counts)


def _on(law: str, alphas: str, sigmas: str, off: int | None = None) -> Example:
    """A run by hand."""
    fractions = [tuple(map(Fraction, text.split())) for text in (alphas, sigmas)]
    experiment = exact_experiment(families.family(law))
    return Example.of(experiment, alphas=fractions[0], sigmas=fractions[1], off=off)


# --- R3, R6: written out --------------------------------------------------------------------------


def _parity(example: Example, mutant: Mutant, *, second: bool = True) -> Trial:
    """The law of two rounds against the uniform one on even strings; the mutant stops after one."""
    d, law = example["d"], Law()
    each = fmpq(1, 2 ** (d - 1))
    for bits in itertools.product((0, 1), repeat=d - 1):
        y = (*bits, 0)
        z = (y[0] ^ y[-1], *(a ^ b for a, b in itertools.pairwise(y))) if second else y
        law[z] = law.get(z, fmpq(0)) + each
    even = {z: each for z in itertools.product((0, 1), repeat=d) if sum(z) % 2 == 0}
    sides = [(channel.distance(law, even), formula("R3", None, {"d": d}, mutant))]
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


def _biased(example: Example, mutant: Mutant, *, blind: bool = False) -> Trial:
    """A fair bit, drawn again if it is 0; the mutant draws again whatever it is."""
    ones = fmpq(1, 2)
    for _ in range(example["corrections"]):
        ones = fmpq(1, 2) if blind else ones + (1 - ones) / 2
    value = formula("R6", None, dict(example.parameters), mutant)
    return trial_of(example, Relation.EQUALITY, [(abs(ones - fmpq(1, 2)), value)])


def _by_the_kept(example: Example, mutant: Mutant, *, peeks: bool = False) -> Trial:
    """The last token is drawn again where the first is 0; the mutant looks at the last itself."""
    it, redraws = exact(example.law), _redraws(example)
    last = it.d - 1
    law: Law = {}
    for state, mass in it.pmf.items():
        again = state[last if peeks else 0] == 0
        context = with_symbol(state, last, it.S) if again else state
        places = (last,) if again else ()
        for after, p in redraws.jointly(context, places).items():
            law[after] = law.get(after, fmpq(0)) + mass * p
    value = formula("R6", "kept", {}, mutant)
    return trial_of(
        example, Relation.EQUALITY, [(channel.distance(law, it.pmf), value)], len(it.pmf) > 1
    )


# --- R5: schedules --------------------------------------------------------------------------------

Schedule = tuple[tuple[Places, Places], ...]
"""(positions that are revealed, positions that are masked again) of each step."""


@st.composite
def _schedules(draw: st.DrawFn, together: int = 3, steps: int = 3) -> Example:
    """A law of d ≤ 3 tokens, a denoiser, and steps that flip tokens whatever their values."""
    law = draw(some.laws(min_length=2, max_length=3))
    wrong = draw(some.predictions(law)) if draw(st.booleans()) else {}
    d = law.length
    revealed: set[int] = set()
    plan = []
    for _ in range(draw(st.integers(1, steps))):
        flipped = draw(st.sets(st.integers(0, d - 1), max_size=min(d, together)))
        plan.append((tuple(sorted(flipped - revealed)), tuple(sorted(flipped & revealed))))
        revealed ^= flipped
    left = tuple(i for i in range(d) if i not in revealed)
    complete = draw(st.integers(0, 3)) > 0
    if left and complete:
        plan += [(left[k : k + together], ()) for k in range(0, len(left), together)]
    return Example.of(exact_experiment(law, predictions=wrong), plan=tuple(plan), off=draw(OFF))


def _planned(law: str, *plan: tuple[Places, Places]) -> Example:
    return Example.of(exact_experiment(families.family(law)), plan=plan, off=None)


def _path(plan: Schedule) -> tuple[list[RevealedBlock], frozenset[int]]:
    """The blocks of a schedule with what is known at each, and what is revealed at the end."""
    revealed: frozenset[int] = frozenset()
    path = []
    for block, again in plan:
        path.append(RevealedBlock(tuple(sorted(revealed)), block))
        revealed = (revealed - set(again)) | set(block)
    return path, revealed


def relevant_terms(
    example: Example, contexts: bool = True
) -> tuple[dict[str, Any], list[RevealedBlock]]:
    """What R5 is about on a schedule, and its relevant reveals; see `relevant`."""
    it, redraws = exact(example.law), _redraws(example)
    path, final = _path(example["plan"])
    blocks = relevant(path, final, contexts=contexts)
    means = [
        sum((redraws.mean(measure, one.known, one.block) for one in blocks), fmpq(0))
        for measure in (redraws.local, redraws.score)
    ]
    return {
        "masks_left": fmpq(len(final) < it.d),
        "relevant_tv": means[0],
        "relevant_epsilon": means[1],
        "crowded": fmpq(len(final) < it.d or any(len(one.block) > 1 for one in blocks)),
        "d": it.d,
    }, blocks


def _by_relevance(variant: str | None, contexts: bool = True) -> Evaluate:
    """R5; the mutant forgets that a context may matter."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it, redraws = exact(example.law), _redraws(example)
        law: Law = {(it.S,) * it.d: fmpq(1)}
        for block, again in example["plan"]:
            law = redraws.then(law, block, again)
        terms, _ = relevant_terms(example, contexts)
        value = formula("R5", variant, terms, mutant)
        return trial_of(example, Relation.UPPER, [(channel.distance(law, it.pmf), value)])

    return trial


def _draws(example: Example, mutant: Mutant) -> Trial:
    """The number of relevant reveals, where no mask is left."""
    terms, blocks = relevant_terms(example)
    if terms["masks_left"]:
        return trial_of(example, Relation.LOWER, [(fmpq(1), fmpq(1))], counts=False)
    count = sum(len(one.block) for one in blocks)
    value = formula("R5", "draws", terms, mutant)
    return trial_of(example, Relation.LOWER, [(fmpq(count), value)])


# --- R7: correctors -------------------------------------------------------------------------------


@st.composite
def _corrected(draw: st.DrawFn) -> Example:
    """A law on two or three bits, a denoiser, a start, the size of a block, and n corrections."""
    law = draw(
        some.laws(min_length=2, max_length=3, max_vocabulary=2).filter(lambda q: q.vocabulary == 2)
    )
    wrong = draw(some.predictions(law)) if draw(st.booleans()) else {}
    start = draw(some.simplex(2**law.length))
    size, n = draw(st.integers(1, law.length)), draw(st.integers(0, 3))
    experiment = exact_experiment(law, predictions=wrong)
    return Example.of(experiment, start=start, size=size, corrections=n, off=draw(OFF))


def _correction(
    variant: str | None, of: Callable[[Number, Number], Number] | None = None
) -> Evaluate:
    """R7, with κ for the variant; `of` alters (Δ by dependence, by error) for a mutant."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it, redraws = exact(example.law), _redraws(example)
        states = itertools.product(range(it.S), repeat=it.d)
        law: Law = dict(zip(states, map(as_fmpq, example["start"]), strict=True))
        start = channel.distance(law, it.pmf)
        size = example["size"]
        for _ in range(example["corrections"]):
            law = redraws.corrected(law, size)
        terms = redraws.corrector_error(size)
        kappa = redraws.contraction(size) if variant else fmpq(0)
        measured = channel.distance(law, it.pmf)
        if variant and kappa == 0:
            return trial_of(example, Relation.UPPER, [(measured, fmpq(1))], counts=False)
        values = {
            "start_tv": start,
            "corrector_tv": terms[0] + terms[1] if of is None else of(*terms),
            "corrections": example["corrections"],
            "kappa": kappa,
        }
        return trial_of(
            example, Relation.UPPER, [(measured, formula("R7", variant, values, mutant))]
        )

    return trial


def _four_copies(example: Example, mutant: Mutant, *, uniform: bool = False) -> Trial:
    """Four copies with the convention that keeps a wrong pair wrong; the mutant guesses instead."""
    S, K = example["S"], example["K"]
    it = exact(exact_experiment(families.family(f"copies:4:{S}")))

    def predict(state: Context, place: int) -> list[Number]:
        if state in it.marginal:
            return it.conditional(state, place)
        known = [x for x in state if x != S]
        masked = masked_at(state, S)
        values = sorted(set(known), key=known.index)
        if uniform or len(values) != 2 or len(known) not in (2, 3):
            return [fmpq(1, S)] * S
        # one copy of each, or the rarer one: two pairs in the end
        pair = len(known) == 2
        chosen = values[masked.index(place)] if pair else min(values, key=known.count)
        return [fmpq(a == chosen) for a in range(S)]

    law = channel.revealed([fmpq(1, K)] * K, 4, S, predict)
    for _ in range(example["corrections"]):
        after: Law = {}
        for state, mass in law.items():
            for place in range(4):
                context = with_symbol(state, place, S)
                for a, p in enumerate(predict(context, place)):
                    if p:
                        value = with_symbol(context, place, a)
                        after[value] = after.get(value, fmpq(0)) + mass * p / 4
        law = after
    assert all(len(revealed_at(state, S)) == 4 for state in law), "equal steps leave no mask"
    value = formula("R7", "convention", {"d": 4, "S": S, "K": K}, mutant)
    return trial_of(example, Relation.LOWER, [(channel.distance(law, it.pmf), value)])


CONTEXT = _planned("copies:3:2", ((0, 1), ()), ((2,), (0,)), ((0,), ()))
"""Two copies are drawn at once; the third looks at both before one of them is drawn again."""

CHECKS = (
    Check(
        "R1",
        "one step from q_t with joint draws, state by state",
        _steps(),
        _keeps_marginals,
        mutants=(
            Mutant("r of σ = 0 used with σ > 0", trial=partial(_keeps_marginals, plain=True)),
            Mutant("σ above its limit accepted", trial=partial(_keeps_marginals, above=True)),
            Mutant("values drawn independently", trial=partial(_keeps_marginals, independent=True)),
        ),
    ),
    Check(
        "R2",
        "runs of up to three steps, exact and erring denoisers",
        _runs(),
        _decomposition,
        edges={
            "attained by one step": _on("copies:2:2", "0 1", "0"),
            "two copies, masked as often as may be": _on("copies:2:2", "0 1/3 2/3 1", "0 1 0"),
            "a copy that is forgotten": _on("copies:3:3", "0 1/4 3/4 1", "0 1 0"),
        },
        mutants=(
            tightened("R2"),
            Mutant("r of σ = 0 in the bound", trial=partial(_decomposition, plain=True)),
            Mutant(
                "values drawn without the tokens about to be masked",
                trial=partial(_decomposition, kept=True),
            ),
        ),
    ),
    Check(
        "R2",
        "the third sum is at least that of σ = 0",
        _runs(again=True),
        _grows,
        mutants=(changed("a tenth more at σ = 0", E1_parallel=lambda x: x * fmpq(11, 10)),),
        rated=False,
    ),
    Check(
        "R3",
        "two rounds written out, d = 2 to 8",
        lambda _: [Example.of(d=d) for d in range(2, 9)],
        _parity,
        mutants=(Mutant("one round", trial=partial(_parity, second=False)),),
    ),
    Check(
        "R5",
        "schedules of up to four steps",
        _schedules(),
        _by_relevance(None),
        edges={"a context that is masked again": CONTEXT},
        mutants=(
            tightened("R5"),
            Mutant("only what is kept is relevant", trial=_by_relevance(None, contexts=False)),
        ),
    ),
    Check(
        "R5",
        "the chance that two relevant reveals share a step",
        _schedules(together=1),
        _by_relevance("shared"),
        edges={"a context that is masked again": CONTEXT},
        mutants=(
            Mutant("only what is kept is relevant", trial=_by_relevance("shared", contexts=False)),
        ),
        rated=False,
    ),
    Check(
        "R5",
        "the number of relevant reveals",
        _schedules(),
        _draws,
        mutants=(changed("d + 1 for d", d=lambda d: d + 1),),
        rated=False,
    ),
    Check(
        "R6",
        "a fair bit that is drawn again while it is 0",
        lambda _: [Example.of(corrections=n) for n in range(1, 9)],
        _biased,
        mutants=(
            changed("one pass more", corrections=lambda n: n + 1),
            Mutant("drawn again whatever it is", trial=partial(_biased, blind=True)),
        ),
    ),
    Check(
        "R6",
        "a token drawn again as a kept one says",
        st.builds(lambda law: Example.of(exact_experiment(law)), some.laws(min_length=2)),
        _by_the_kept,
        mutants=(
            Mutant("the rule reads the token it discards", trial=partial(_by_the_kept, peeks=True)),
        ),
        rated=False,
    ),
    Check(
        "R7",
        "any start, random blocks, up to three corrections",
        _corrected(),
        _correction(None),
        edges={
            "a denoiser that errs": Example.of(
                exact_experiment(
                    families.family("point-mass:2:2"),
                    predictions={((2, 0), 0): (Fraction(1, 2), Fraction(1, 2))},
                ),
                start=(Fraction(1), *[Fraction(0)] * 3),
                size=1,
                corrections=1,
                off=None,
            )
        },
        mutants=(
            tightened("R7"),
            Mutant("errors of the denoiser forgotten", trial=_correction(None, lambda x, _: x)),
        ),
    ),
    Check(
        "R7",
        "correctors that contract",
        _corrected(),
        _correction("contraction"),
        mutants=(tightened("R7"),),
        rated=False,
    ),
    Check(
        "R7",
        "four copies with a convention that keeps them wrong",
        lambda _: [
            *(Example.of(S=2, K=K, corrections=n) for K in (2, 3, 5, 8) for n in (0, 4)),
            Example.of(S=3, K=3, corrections=1),
        ],
        _four_copies,
        mutants=(
            changed("β of two steps less", K=lambda K: max(K - 2, 1)),
            Mutant("all symbols alike off the support", trial=partial(_four_copies, uniform=True)),
        ),
        rated=False,
    ),
)
