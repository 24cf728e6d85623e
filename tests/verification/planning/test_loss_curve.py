"""Loss curves: reading, the excess against brute force on a Markov chain, the best blocks."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import compositions, monomials, multinomials, tables
from sharprates.samplers.families import markov_chain
from sharprates.samplers.output_law import total_variation
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.planning.loss_curve import (
    LossCurve,
    _minima,
    _minima_of_falling,
    best_blocks,
    equal_blocks,
    excess,
    loss_curve,
    mean_excess,
    read_loss_curve,
)
from sharprates.verification.planning.planner import plan_loss_curve
from sharprates.verification.profile import profile


@pytest.fixture(scope="module")
def chain() -> Target:
    return markov_chain([0.5, 0.3, 0.2], [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.3, 0.1, 0.6]], 4)


def whole(losses: list[float] | np.ndarray) -> LossCurve:
    return loss_curve(range(len(losses)), list(losses), len(losses))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# ── the excess is a difference of divergences ───────────────────────────────────────────────────


def conditional(pmf: np.ndarray, x: tuple[int, ...], i: int, known: tuple[int, ...]) -> float:
    """q_0(x_i | x_known) by summing the dense table."""
    place = tuple(x[j] if j in known else slice(None) for j in range(pmf.ndim))
    both = tuple(x[j] if j in known or j == i else slice(None) for j in range(pmf.ndim))
    return float(pmf[both].sum() / pmf[place].sum())


def mean_divergence(pmf: np.ndarray, blocks: tuple[int, ...]) -> float:
    """E_σ KL(q_0 ‖ P_{a,σ}) by enumerating orders and sequences."""
    d, orders = pmf.ndim, list(itertools.permutations(range(pmf.ndim)))
    total = 0.0
    for order in orders:
        for x in itertools.product(range(pmf.shape[0]), repeat=d):
            log_p, done = 0.0, 0
            for size in blocks:
                known = order[:done]
                for i in order[done : done + size]:
                    log_p += math.log(conditional(pmf, x, i, known))
                done += size
            total += float(pmf[x]) * (math.log(float(pmf[x])) - log_p)
    return total / len(orders)


def test_excess_is_the_exact_difference_in_kl(chain: Target) -> None:
    """On a Markov chain, L_m = h_m; one token at a time has KL 0, so the excess is the KL."""
    pmf = chain.pmf().numpy()
    curve = whole(profile(chain).information.numpy())
    assert curve.label == "exact"
    for blocks in [(4,), (1, 3), (3, 1), (2, 2), (1, 2, 1), (1, 1, 1, 1)]:
        exact = mean_divergence(pmf, blocks)
        assert excess(curve, blocks) == pytest.approx(exact, abs=1e-12), blocks
    # Power: the comparison sees a curve that is off by 1e-9 at one place.
    wrong = whole(profile(chain).information.numpy() + np.array([0, 1e-9, 0, 0]))
    assert abs(excess(wrong, (1, 3)) - mean_divergence(pmf, (1, 3))) > 1e-10


def test_a_model_that_errs_keeps_its_differences(chain: Target) -> None:
    """A loss above h by the same amount everywhere ranks schedules as h does."""
    h = profile(chain).information.numpy()
    for blocks in [(4,), (2, 2), (1, 3)]:
        assert excess(whole(h + 0.3), blocks) == pytest.approx(excess(whole(h), blocks), abs=1e-12)


@pytest.mark.parametrize("weights", [[0.25] * 4, [0.5, 0.3, 0.2], [0.1, 0.9]])
def test_mean_excess_averages_over_the_blocks_of_a_step_law(weights: list[float]) -> None:
    curve = whole([1.0, 0.7, 0.65, 0.4, 0.1])
    law = StepLaw.from_weights(_tensor(weights))
    chances = multinomials(5) * monomials(law.weights, 5)
    average = sum(
        float(chance) * excess(curve, blocks)
        for chance, blocks in zip(chances, compositions(5), strict=True)
    )
    assert mean_excess(curve, weights) == pytest.approx(average, abs=1e-13)


def _tensor(values: list[float]):  # type: ignore[no-untyped-def]
    import torch

    return torch.tensor(values, dtype=torch.float64)


# ── the best blocks ─────────────────────────────────────────────────────────────────────────────

curves = st.lists(st.floats(0, 5), min_size=1, max_size=9)


@given(curves, st.integers(1, 10), st.booleans())
def test_no_composition_is_better(losses: list[float], steps: int, sort: bool) -> None:
    """Falling curves and noisy ones, against all compositions of at most K parts."""
    curve = whole(sorted(losses, reverse=True) if sort else losses)
    found = best_blocks(curve, steps)
    assert len(found.blocks) <= steps
    assert sum(found.blocks) == curve.length
    everything = [excess(curve, a) for a in compositions(curve.length) if len(a) <= steps]
    assert found.excess == pytest.approx(min(everything), abs=1e-12)
    assert found.excess <= equal_blocks(curve, steps).excess + 1e-12


@settings(max_examples=25)
@given(st.integers(1, 400), st.integers(0, 10**6))
def test_both_minimisations_agree_on_falling_curves(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loss = np.sort(rng.exponential(size=d))[::-1]
    base = rng.exponential(size=d) * 3 - np.arange(d) * loss
    one, other = _minima(base, loss), _minima_of_falling(base, loss)
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12, atol=1e-12)


def test_the_quick_minimisation_is_wrong_where_curves_rise() -> None:
    """Why `best_blocks` looks first; and power of the comparison above."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(20):
        loss, base = rng.exponential(size=30), rng.exponential(size=30)
        wrong += not np.allclose(_minima(base, loss)[0], _minima_of_falling(base, loss)[0])
    assert wrong > 0


def test_long_curves_in_many_blocks() -> None:
    """d = 3000: more blocks never cost more, and K = d costs nothing."""
    d = 3000
    curve = whole(8 / (1 + np.arange(d) / 50))
    costs = [best_blocks(curve, K).excess for K in (1, 2, 30, 300)]
    assert costs == sorted(costs, reverse=True)
    assert best_blocks(curve, 10**6).blocks == (1,) * d
    assert best_blocks(curve, 30).excess < 0.6 * equal_blocks(curve, 30).excess


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────


def test_the_bound_holds_on_a_chain_that_is_known(chain: Target) -> None:
    """Loss measured at some places, above h: E5 from it is above the exact TV, E7 and E8 too."""
    h = profile(chain).information.numpy()
    curve = loss_curve([0, 2], [h[0] + 0.01, h[2] + 0.02], 4, 3)
    assert curve.label == "estimate"
    assert curve.bound_label == "bound"
    assert (curve.ceiling >= h).all()
    table = tables(chain, ExactDenoiser(chain))
    for steps in (1, 2, 5, 40):
        plan = plan_loss_curve(curve, 3, steps, 0.05)
        exact = total_variation(table.law(StepLaw.uniform(steps)), chain).value
        assert plan.bound is not None
        assert exact <= plan.bound <= 1
    for row in plan.rows:
        assert row.steps is not None
        assert total_variation(table.law(StepLaw.uniform(row.steps)), chain).value <= 0.05


def test_the_ceiling_uses_no_interpolation() -> None:
    """h falls in m: a measured loss bounds what comes after it, log S what comes before."""
    curve = loss_curve([2, 4], [1.0, 1.5], 6, 5)
    np.testing.assert_allclose(curve.ceiling, [math.log(5)] * 2 + [1.0] * 4)
    np.testing.assert_allclose(curve.losses, [1.0, 1.0, 1.0, 1.25, 1.5, 1.5])
    assert not curve.falls


def test_a_plan_without_vocabulary_and_its_json() -> None:
    plan = plan_loss_curve(whole([1.0, 0.7, 0.65, 0.4, 0.1]), steps=3, tv=0.1, score_error=0.02)
    content = plan.to_json()
    assert content["vocabulary"] is None
    assert content["best_blocks"]["label"] == "exact"
    assert content["tv_of_best_blocks"]["label"] == "estimate"
    assert {row["label"] for row in content["bounds"].values()} == {"bound"}
    assert set(content["bounds"]) == {"E5", "E7", "E8", "KL2"}
    assert content["fhs"]["calls"] == 5


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def test_counts_and_fractions_up_and_down_read_alike(tmp_path: Path) -> None:
    up = "masked,loss\n1,0.1\n2,0.4\n3,0.65\n4,1.0\n"
    lines = up.strip().split("\n")
    down = "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
    shares = "loss, masked ,note\n0.1,0.25,a\n0.4,0.5,b\n0.65,0.75,c\n1.0,1.0,d\n"
    for number, text in enumerate((up, down, "\ufeff" + up, shares, up + "\n")):
        curve = read_loss_curve(write(tmp_path / f"{number}.csv", text), 4)
        np.testing.assert_allclose(curve.losses, [1.0, 0.65, 0.4, 0.1])
        assert curve.label == "exact"


def test_a_fraction_between_whole_numbers_is_an_estimate(tmp_path: Path) -> None:
    text = "masked,loss\n0.3,0.1\n1.0,0.9\n"
    curve = read_loss_curve(write(tmp_path / "c.csv", text), 4)
    assert (curve.label, curve.bound_label) == ("estimate", "estimate")
    np.testing.assert_allclose(curve.losses, [0.9, 0.9 - 0.8 / 3, 0.9 - 1.6 / 3, 0.1])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "needs one column 'masked'"),
        ("masked\n1\n", "needs one column 'loss'"),
        ("masked,loss,loss\n1,2,3\n", "needs one column 'loss'"),
        ("masked,loss\n", "has a header and no rows"),
        ("masked,loss\n1,nan\n", "line 2: loss must be finite, got nan"),
        ("masked,loss\n1,0.5\n2,inf\n", "line 3: loss must be finite, got inf"),
        ("masked,loss\n1,-0.5\n", "line 2: loss must not be negative, got -0.5"),
        ("masked,loss\n1,0.1\n3,0.5\n2,0.4\n4,1\n", "line 4: 'masked' is not sorted"),
        ("masked,loss\n1,0.1\n1,0.1\n4,1\n", "line 3: 'masked' is not sorted, or repeats"),
        ("masked,loss\n1,0.1\n5,0.5\n", "line 3: masked must be a whole number in 1..4"),
        ("masked,loss\n1.5,0.1\n4,0.5\n", "line 2: masked must be a whole number in 1..4"),
        ("masked,loss\n0,0.1\n4,0.5\n", "line 2: masked must be a whole number in 1..4"),
        ("masked,loss\n0.01,0.1\n1,0.5\n", r"line 2: masked must be a fraction in \(0, 1\]"),
        ("masked,loss\n1\n", "line 2: has no value for 'loss'"),
        ("masked,loss\none,2\n", "line 2: masked 'one' is not a number"),
        ("masked,loss\n1,0.1\n3,0.5\n", "no loss with all tokens masked"),
    ],
)
def test_a_bad_file_gets_one_line(text: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        read_loss_curve(write(tmp_path / "c.csv", text), 4)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: cannot be read: No such file"):
        read_loss_curve(tmp_path / "none.csv", 4)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00masked")
    with pytest.raises(InputError, match="is not a CSV file in UTF-8"):
        read_loss_curve(binary, 4)
    with pytest.raises(InputError, match=r"length: must lie in 1\.\.1000000, got 0"):
        read_loss_curve(tmp_path / "none.csv", 0)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda c: excess(c, (1, 1)), "sum to d = 3"),
        (lambda c: excess(c, (0, 3)), "sizes must be at least 1"),
        (lambda c: best_blocks(c, 0), "steps: need K ≥ 1"),
        (lambda c: equal_blocks(c, 0), "steps: need K ≥ 1"),
        (lambda _: loss_curve([0, 0], [1.0, 1.0], 3), "must increase"),
        (lambda _: loss_curve([0], [1.0, 2.0], 3), "one loss a point"),
        (lambda _: loss_curve([0, 1], [1.0, math.nan], 3), "finite and not negative"),
        (lambda _: loss_curve([1], [1.0], 3), "--vocab"),
        (lambda _: loss_curve([0], [1.0], 3, 0), "vocab: must be at least 1"),
    ],
)
def test_bad_arguments_are_named(call, hint: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=hint):
        call(whole([1.0, 0.5, 0.2]))
