"""The search's numbers are those of the exact quantities, and it climbs."""

from fractions import Fraction

import pytest
import torch
from sharprates.samplers.target import Target
from sharprates.theory.registry import CLAIMS
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.erring import ErringQuantities
from studies.score_search import Batch, climb, open_ratio, second_order

WORDS = [(a, b, c) for a in range(2) for b in range(2) for c in range(2)]
WEIGHTS = [Fraction(x, 36) for x in range(1, 9)]
STEPS = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))


def test_a_batch_of_one_against_fractions() -> None:
    law = Target.from_rows(WORDS, WEIGHTS, 2)
    # p̂_3 given x_1 = a: the odds of p times e^{log 2} where x_3 = 1
    plain = ErringQuantities(exact_experiment(law, steps=STEPS))
    wrong = {}
    for a in range(2):
        p = plain.conditional((a, 2, 2), 2)
        q = [Fraction(int(x.p), int(x.q)) * (1 + k) for k, x in enumerate(p)]
        wrong[(a, 2, 2), 2] = tuple(x / sum(q) for x in q)
    it = ErringQuantities(exact_experiment(law, steps=STEPS, predictions=wrong))

    q = torch.tensor([float(x) for x in WEIGHTS], dtype=torch.float64).reshape(1, 2, 2, 2)
    ratios = torch.log(torch.tensor([1.0, 2.0], dtype=torch.float64)).expand(2, 1, 2)[None]
    w = torch.tensor([[float(x) for x in STEPS]], dtype=torch.float64)
    batch = Batch(q, {((0,), 2): ratios}, w)
    assert float(batch.tv()) == pytest.approx(float(it.tv), abs=1e-14)
    assert float(batch.tv(exact=True)) == pytest.approx(float(plain.tv), abs=1e-14)
    assert float(batch.error) == pytest.approx(float(it.epsilon_w), abs=1e-14)
    bound = float(plain.bound(CLAIMS["E5"]))
    assert float(batch.entropy_bound) == pytest.approx(bound, abs=1e-12)


def test_it_climbs_towards_copies_in_one_step() -> None:
    low, _ = climb(open_ratio, 2, 2, 2, starts=4, rounds=1)
    high, found = climb(open_ratio, 2, 2, 2, starts=4, rounds=120)
    assert low < high < 1
    assert high > 0.9
    assert float(open_ratio(found)) == pytest.approx(high, abs=1e-12)
    assert float(found.w.max()) > 0.9


def test_two_tokens_on_two_symbols_never_pass_first_order() -> None:
    best, found = climb(second_order, 2, 2, 3, errs=False, uniform=True, starts=4, rounds=60)
    assert -0.1 < best <= 1e-12
    assert torch.equal(found.w, torch.full((1, 3), 1 / 3, dtype=torch.float64))
