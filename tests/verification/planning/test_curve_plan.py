"""Plans by a loss curve: bounds that hold, labels, JSON."""

import numpy as np
import pytest
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import markov_chain
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.planning.curve_plan import plan_loss_curve
from sharprates.verification.planning.loss_curve import LossCurve, loss_curve
from sharprates.verification.profile import profile


@pytest.fixture(scope="module")
def chain() -> Target:
    return markov_chain([0.5, 0.3, 0.2], [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.3, 0.1, 0.6]], 4)


def whole(losses: list[float] | np.ndarray) -> LossCurve:
    return loss_curve(range(len(losses)), list(losses), len(losses))


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
        exact = total_variation(table.law(StepLaw.equal(steps)), chain).value
        assert plan.bound is not None
        assert exact <= plan.bound <= 1
    for row in plan.counts:
        assert row.steps is not None
        assert total_variation(table.law(StepLaw.equal(row.steps)), chain).value <= 0.05


def test_a_plan_without_vocabulary_and_its_json() -> None:
    plan = plan_loss_curve(whole([1.0, 0.7, 0.65, 0.4, 0.1]), steps=3, tv=0.1, score_error=0.02)
    content = plan.to_json()
    assert content["vocabulary"] is None
    assert content["best_blocks"]["label"] == "exact"
    assert content["tv_of_best_blocks"]["label"] == "estimate"
    assert {row["label"] for row in content["bounds"].values()} == {"bound"}
    assert set(content["bounds"]) == {"E5", "E7", "E8", "KL2", "KL7"}
    assert content["fhs"]["calls"] == 5
