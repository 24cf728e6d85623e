"""E1's terms against kernels written out over all partial states."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet
from sharprates.samplers.propagation import move_law
from sharprates.samplers.schedule import step_law
from sharprates.verification.decomposition import (
    MOST_STEPS,
    Decomposition,
    Trajectory,
    decompose,
    score_dominates_among,
    score_dominates_from,
)
from sharprates.verification.exact_law import exact_predictor, rational_pmf
from sharprates.verification.profile import profile

RULES = ("euler", "tau-leaping", "ancestral")


def local_parallel(target, alpha: float, r: float) -> float:
    """E_{x~q_t} of the distance between drawing revealed tokens jointly and independently."""
    d, S = target.length, target.vocabulary
    pmf = {x: float(q) for x, q in rational_pmf(target).items()}
    predict = exact_predictor(rational_pmf(target), S)
    total = 0.0
    for shown in itertools.product((False, True), repeat=d):
        u = sum(shown)
        contexts: dict[tuple[int, ...], float] = {}
        for x, q in pmf.items():
            key = tuple(a if s else S for a, s in zip(x, shown, strict=True))
            contexts[key] = contexts.get(key, 0.0) + q
        hidden = [i for i in range(d) if not shown[i]]
        for context, q in contexts.items():
            rows = {
                x: p / q
                for x, p in pmf.items()
                if all(c in (S, a) for c, a in zip(context, x, strict=True))
            }
            for size in range(2, len(hidden) + 1):
                for block in itertools.combinations(hidden, size):
                    gap = 0.0
                    for values in itertools.product(range(S), repeat=size):
                        joint = sum(
                            p
                            for x, p in rows.items()
                            if all(x[i] == a for i, a in zip(block, values, strict=True))
                        )
                        apart = 1.0
                        for i, a in zip(block, values, strict=True):
                            apart *= float(predict(context, i)[a])
                        gap += abs(joint - apart) / 2
                    chance = r**size * (1 - r) ** (len(hidden) - size)
                    total += alpha**u * (1 - alpha) ** (d - u) * q * chance * gap
    return total


@settings(max_examples=12)
@given(
    st.sampled_from([("constant", 3.0), ("linear", 1.0), ("cosine", 1.0), ("polynomial:2", 1.0)]),
    st.sampled_from(RULES),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.1]),
)
def test_the_parallel_term_is_the_definition(
    named: tuple[str, float], rule: str, steps: int, delta: float
) -> None:
    target = dirichlet(3, 2, 0.5, seed=3)
    chosen = clock(named[0])
    times = grid("uniform", chosen, steps, named[1], delta)
    law = step_law(rule, chosen, times)
    shape = profile(target)
    path = Trajectory.of(chosen, times, law)
    terms = decompose(shape, path)
    expected = sum(
        local_parallel(target, a, r)
        for a, r in zip(chosen.alpha(times[:-1]).tolist(), law.hazards.tolist(), strict=True)
    )
    assert terms.parallel == pytest.approx(expected, abs=1e-12)
    assert terms.initialisation == pytest.approx(1 - (1 - float(chosen.alpha(times[0]))) ** 3)
    assert terms.early_stopping == pytest.approx(1 - float(chosen.alpha(times[-1])) ** 3)
    assert terms.score == 0


def test_terms_vanish_with_their_cause() -> None:
    chosen = clock("linear")
    times = grid("uniform", chosen, 5, 1.0)
    shape = profile(copies(3, 2))
    for rule, zero in [("ancestral", "clock"), ("euler", "clock")]:
        path = Trajectory.of(chosen, times, step_law(rule, chosen, times))
        terms = decompose(shape, path)
        assert getattr(terms, zero) < 1e-15
        assert terms.initialisation == 0
        assert terms.early_stopping == 0
        assert terms.parallel > 0.1
    lagging = Trajectory.of(chosen, times, step_law("tau-leaping", chosen, times))
    pairs = zip(lagging.masked, lagging.bridge, lagging.hazards, strict=True)
    expected = math.fsum(3 * float(m * abs(rho - r)) for m, rho, r in pairs)
    assert expected > 0.1
    assert decompose(shape, lagging).clock == pytest.approx(expected)


def test_filling_the_last_step_trades_early_stopping_for_parallel_decoding() -> None:
    chosen = clock("linear")
    times = grid("uniform", chosen, 4, 1.0, 0.3)
    shape = profile(copies(3, 2))
    left, filled = (
        Trajectory.of(chosen, times, step_law("ancestral", chosen, times, last))
        for last in ("leave", "fill")
    )
    before, after = (decompose(shape, path) for path in (left, filled))
    assert before.early_stopping == pytest.approx(1 - 0.7**3)
    assert after.early_stopping == 0
    assert after.parallel > before.parallel
    # the step that fills reveals all, draws from the prediction made a law, and ends at 0
    assert (float(filled.hazards[-1]), float(filled.bridge[-1]), filled.end) == (1, 1, 0)
    assert float(filled.rates[-1]) == 1
    assert filled.times.tolist() == pytest.approx([1.0, 0.825, 0.65, 0.475, 0.3])
    assert filled.masked.tolist() == pytest.approx(filled.times.tolist())
    # after a grid that ends at 0 it has nothing to do
    whole = grid("uniform", chosen, 4, 1.0)
    done = Trajectory.of(chosen, whole, step_law("ancestral", chosen, whole, "fill"))
    assert (float(done.masked[-1]), float(done.bridge[-1])) == (0, 1)


LAWS = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda w: sum(w) > 1e-3)


@settings(max_examples=300)
@given(LAWS, LAWS, st.floats(0, 3), st.floats(0, 4), st.booleans())
def test_one_tokens_step_differs_by_at_most_the_score_term(
    exact: list[float], score: list[float], mass: float, rate: float, fill: bool
) -> None:
    """Any rate and mass: jump vectors above total 1 are rescaled, a filling step rescales all."""
    p, raw = (torch.tensor(w, dtype=torch.float64) for w in (exact, score))
    p, q = p / p.sum(), mass * raw / raw.sum()
    moved = move_law(q, math.inf if fill else rate, normalised=False)
    meant = move_law(p, 1.0 if fill else min(rate, 1.0), normalised=True)
    distance = float((moved - meant).abs().sum()) / 2
    over, under = float((q - p).clamp(min=0).sum()), float((p - q).clamp(min=0).sum())
    bound = (1.0 if fill else rate) * max(over, under)
    assert distance <= bound + 1e-12
    if not fill and rate <= 1 and rate * mass <= 1:
        assert distance == pytest.approx(bound, abs=1e-12)


def test_scores_use_what_the_rule_asks_for() -> None:
    """Unclipped for scores, clipped for probabilities, 1 in a step that fills."""
    chosen = clock("cosine")
    times = grid("uniform", chosen, 2, 1.0)
    law = step_law("euler", chosen, times, "fill")
    path = Trajectory.of(chosen, times, law)
    # a gap of 1 at each masked token, in one step alone
    pairs = torch.tensor([3.0, 6, 3, 0], dtype=torch.float64)
    first, second, _ = law.unclipped.tolist()
    assert second > 1.5
    for normalised, rates in ((False, [first, second, 1]), (True, law.hazards.tolist())):
        for step, rate in enumerate(rates):
            gaps = torch.zeros(3, 4, dtype=torch.float64)
            gaps[step] = pairs
            found = decompose(profile(copies(3, 2)), path, gaps, normalised).score
            assert found == pytest.approx(3 * float(path.masked[step]) * rate)
            if normalised:  # which is what is taken without a word
                assert decompose(profile(copies(3, 2)), path, gaps).score == found


def test_the_terms_of_first_hitting_are_its_draws() -> None:
    terms = Decomposition.of_draws((0.1, 0.0, 0.3), 1e-15)
    assert terms.sum == terms.score == pytest.approx(0.4)
    assert terms.draws == (0.1, 0.0, 0.3)
    assert terms.error == pytest.approx(3e-15)


def of_score(score: float, rest: float) -> Decomposition:
    return Decomposition(0.0, score, 0.0, rest, 0.0, 0.0)


@pytest.mark.parametrize("exact", [1, 2, 3, 7, 64, 100, 1000, MOST_STEPS])
def test_the_first_k_is_found(exact: int) -> None:
    assert score_dominates_from(lambda K: of_score(1.0, exact / K)) == exact


def test_half_of_the_sum_counts_and_nothing_never_does() -> None:
    assert of_score(1.0, 1.0).score_dominates
    assert not of_score(1.0, 1.0 + 1e-12).score_dominates
    assert not of_score(0.0, 0.0).score_dominates
    assert score_dominates_from(lambda _: of_score(0.0, 0.0)) is None
    assert score_dominates_from(lambda _: of_score(1.0, 2.0)) is None


def test_a_grid_too_fine_to_exist_dominates_nowhere() -> None:
    def refuses(steps: int) -> Decomposition:
        if steps > 5:
            raise InputError("times: must decrease strictly")
        return of_score(1.0, 2.0)

    assert score_dominates_from(refuses) is None


def test_among_given_steps_it_must_hold_to_the_end() -> None:
    above, below = of_score(1.0, 0.5), of_score(1.0, 2.0)
    assert score_dominates_among({4: below, 16: above, 64: above}) == 16
    assert score_dominates_among({4: above, 16: below, 64: above}) == 64
    assert score_dominates_among({4: above, 16: below}) is None


def test_the_sum_is_of_all_five_terms() -> None:
    terms = Decomposition(0.125, 0.25, 0.5, 1.0, 2.0, 0.0)
    assert terms.sum == 3.875
    assert not terms.score_dominates
    assert Decomposition(0.125, 3.75, 0.5, 1.0, 2.0, 0.0).score_dominates


def test_each_cause_of_rounding_widens_the_error_by_its_own_share() -> None:
    """One error of the profile at a time is made so large that it is all there is."""
    chosen = clock("polynomial:2")  # Euler's hazard exceeds 1 there: what it asks for is not r
    times = grid("uniform", chosen, 5, 1.0)
    path = Trajectory.of(chosen, times, step_law("euler", chosen, times))
    assert float(path.rates.max()) > 1 > float(path.rates.min())
    shape = profile(copies(3, 2))
    gaps = torch.full((4,), 0.25, dtype=torch.float64)
    far = 1e-3

    steps = replace(shape, error=far, gap_error=0.0)
    asked = sum(max(1.0, rate) for rate in path.rates.tolist())
    assert decompose(steps, path).error == pytest.approx(far * asked, rel=1e-9)
    assert decompose(steps, path, gaps).error == pytest.approx(far * asked, rel=1e-9)

    bare = decompose(replace(shape, error=0.0, gap_error=0.0), path).error
    assert bare == pytest.approx(
        64 * 3 * 2.0**-53 * asked, rel=1e-9, abs=0
    )  # roundings of each step

    predictions = replace(shape, error=0.0, gap_error=far)
    assert decompose(predictions, path).error < 1e-12
    for normalised, used in ((True, path.hazards), (False, path.rates)):
        terms = decompose(predictions, path, gaps, normalised)
        hidden = 3 * float((used * path.masked).sum())
        assert terms.error == pytest.approx(far * (hidden + terms.score), rel=1e-9)


def test_hazards_that_differ_by_rounding_alone_cost_nothing() -> None:
    one = torch.ones(1, dtype=torch.float64)
    shape = profile(copies(2, 2))
    for ulps, counted in ((8, False), (9, True)):
        bridge = one - ulps * 2.0**-53
        path = Trajectory(one, bridge, one, one, one, 0.0)
        assert (decompose(shape, path).clock > 0) is counted
