"""The known laws, each by a second algorithm, and the denoisers that tell them apart."""

import itertools
from dataclasses import dataclass, replace

import pytest
import torch
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.policies import MostConfident
from sharprates.samplers.propagation import PartialStates, move_law, trajectory
from sharprates.samplers.reached_law import reached_law
from sharprates.samplers.target import all_states
from sharprates.verification.conformance.denoiser_table import (
    DenoiserTable,
    order_dependent_denoiser,
)
from sharprates.verification.conformance.design import design
from sharprates.verification.conformance.findings import FAST
from sharprates.verification.conformance.known_laws import (
    ByCount,
    ByHazard,
    tv_between,
)
from sharprates.verification.conformance.protocol import Declaration
from torch import Tensor

TAU = Declaration("τ", "tau-leaping", "polynomial:2", last_step="fill")


def codes(rows: Tensor, S: int) -> Tensor:
    d = rows.shape[1]
    return (rows * torch.tensor([(S + 1) ** i for i in range(d - 1, -1, -1)])).sum(1)


@pytest.mark.parametrize("rule", ["euler", "tau-leaping", "ancestral"])
@pytest.mark.parametrize("last", ["leave", "fill"])
def test_laws_by_hazard_agree_with_propagation(rule: str, last: str) -> None:
    instance = order_dependent_denoiser(3, 2, 5)
    declared = replace(TAU, rule=rule, last_step=last)
    states = PartialStates.below(all_states(3, 2), 2)
    rates = [*declared.hazards(rule), *([1.0] if last == "fill" else [])]

    def kernel(x: Tensor, step: int) -> Tensor:
        return move_law(instance.table[codes(x, 2)], rates[step], normalised=True)

    *_, expected = trajectory(states, kernel, len(rates))
    assert tv_between(ByHazard(rule, last).law(instance, declared), expected) < 1e-12


@pytest.mark.parametrize("measure", ["probability", "margin", "entropy", "drawn"])
def test_laws_by_confidence_agree_with_the_sampler_room(measure: str) -> None:
    instance = order_dependent_denoiser(3, 3, 2)
    for count in (1, 2):
        if measure == "drawn":
            rows, mass = KeptDraws(3, count).reached(Table(instance))
        else:
            rule = "confidence" if measure == "probability" else measure
            reached = reached_law(MostConfident(rule, count), Table(instance), 3)
            rows, mass = reached.rows, reached.mass
        found = ByCount(measure, count).law(instance, TAU)
        assert torch.allclose(found[codes(rows, 3)], mass, atol=1e-13)
        assert float(found.sum()) == pytest.approx(1)


def test_first_hitting_is_the_average_over_orders() -> None:
    instance = order_dependent_denoiser(3, 2, 1)
    expected = torch.zeros(27, dtype=torch.float64)
    for order in itertools.permutations(range(3)):
        for full in itertools.product(range(2), repeat=3):
            state, chance = [2, 2, 2], 1 / 6
            for i in order:
                chance *= float(instance.table[int(codes(torch.tensor([state]), 2)), i, full[i]])
                state[i] = full[i]
            expected[int(codes(torch.tensor([full]), 2))] += chance
    assert tv_between(ByCount("uniform").law(instance, TAU), expected) < 1e-12


def test_a_design_separates_and_says_what_coincides() -> None:
    # With κ = t, Euler and ancestral are one rule; with another clock they are not.
    euler, ancestral = ByHazard("euler", "leave"), ByHazard("ancestral", "leave")
    linear = design(replace(TAU, rule="euler", clock="linear", last_step="leave"), FAST)
    assert {euler, ancestral} <= set(linear.group(euler))
    bent = design(replace(TAU, rule="euler", last_step="leave"), FAST)
    assert ancestral not in bent.group(euler)
    assert bent.separation > 0.01
    # Under an exact denoiser the order does not matter; the second one is there to show it.
    p, q = bent.laws[ByCount("uniform")], bent.laws[ByCount("left-to-right")]
    assert tv_between(p[0], q[0]) < 0.03 < 0.1 < tv_between(p[1], q[1])


@dataclass(frozen=True, eq=False)
class Table:
    """An instance as a denoiser of the sampler room."""

    instance: DenoiserTable

    time_free = normalised = True

    @property
    def vocabulary(self) -> int:
        return self.instance.vocabulary

    def __call__(self, x, t=None, positions=None):  # noqa: ARG002 - the protocol's
        found = self.instance.table[codes(x, self.vocabulary)]
        return found if positions is None else found[positions]
