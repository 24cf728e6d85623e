"""Audits from samples cover the exact TV, which another algorithm works out where it can."""

import math
from fractions import Fraction
from functools import cache

import pytest
import torch
from scipy.stats import binom
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import markov_chain
from sharprates.samplers.letters import SYMBOLS, counted, letters, letters_target
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import Rounds, trajectories
from sharprates.verification.empirical import Sampling
from sharprates.verification.sampled_audit import Drive, drives, sampled_audit
from sharprates.verification.statistics.bounded_mean import empirical_bernstein
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

CHECKS = ("letters:4", "letters:8", "8 kinds of letters", "no positive part")
SEEDS, LEVEL = 40, Fraction(1, 5)


def kinds(length: int) -> tuple[MarkovChain, Target]:
    """Letters as space, vowel or consonant: few enough symbols for eight to be listed."""
    kind = torch.tensor([0 if a == " " else 1 if a in "aeiou" else 2 for a in SYMBOLS])
    pairs = torch.zeros(3, 3, dtype=torch.int64)
    pairs.index_put_((kind[:, None].expand(27, 27), kind.expand(27, 27)), counted()[0], True)
    chain = MarkovChain.of(pairs / pairs.sum(1, keepdim=True).double(), length)
    rows = [[float(p) for p in row] for row in chain.transition]
    return chain, markov_chain([float(p) for p in chain.stationary], rows, length)


def missed(law: MarkovChain, denoiser: Denoiser, text: str, exact: float) -> int:
    """How many of `SEEDS` intervals do not hold the exact TV."""
    count = 0
    for seed in range(SEEDS):
        sampling = Sampling(300, 1000 * seed, LEVEL)
        (found,) = sampled_audit([("law", law, denoiser)], [text], sampling, Rounds())
        (result,) = found.results
        assert found.level == pytest.approx(float(LEVEL))
        assert result.tv.upper - result.tv.lower < 0.3
        count += not result.tv.lower <= exact <= result.tv.upper
    return count


def rarely(count: int, level: float) -> bool:
    """Whether so many misses are no contradiction to a chance of at most `LEVEL` each."""
    return float(binom.sf(count - 1, SEEDS, float(LEVEL))) >= level


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_intervals_cover_the_exact_tv_of_eight_tokens(noise: float, ledger: Ledger) -> None:
    chain, target = kinds(8)
    text = "confidence:2"
    exact_denoiser = ExactDenoiser(target)
    given = NoisyDenoiser(exact_denoiser, noise) if noise else exact_denoiser
    law = PolicySampler(8, policy(text)).law(target, given)
    exact = total_variation(law, target).value
    assert 0.05 < exact < 0.95
    law_denoiser = NoisyDenoiser(chain, noise) if noise else chain
    if not noise:
        assert rarely(missed(chain, law_denoiser, text, exact), ledger.take("8 kinds of letters"))
        return
    sampling = Sampling(4000, 0, Fraction(1, 10**6))
    (found,) = sampled_audit([("law", chain, law_denoiser)], [text], sampling, Rounds())
    assert found.results[0].tv.lower <= exact <= found.results[0].tv.upper


@cache
def exact_tv_of_four_letters() -> float:
    """By all 27^4 sequences, for left-to-right blocks of two."""
    target = letters_target(4)
    found = trajectories(policy("left-to-right:2"), letters(4), target.rows)
    return float(target.weights @ (1 - found.probability / target.weights).clamp(min=0))


def test_intervals_cover_the_exact_tv_of_all_27_symbols(ledger: Ledger) -> None:
    chain = letters(4)
    count = missed(chain, chain, "left-to-right:2", exact_tv_of_four_letters())
    assert rarely(count, ledger.take("letters:4"))


def pair_first(state: Tensor, predicted: Tensor, round: int) -> Tensor:
    """The first two tokens at once, then one by one from the left."""
    masked = state == predicted.shape[-1]
    return masked & (masked.cumsum(1) <= (2 if round == 0 else 1))


def test_intervals_cover_the_exact_tv_of_eight_letters(ledger: Ledger) -> None:
    """Only the pair can err, so the TV is that of its law and the product of its marginals."""
    chain = letters(8)
    pair = chain.stationary[:, None] * chain.transition
    exact = float((pair - pair.sum(1, keepdim=True) * pair.sum(0)).clamp(min=0).sum())
    assert 0.1 < exact < 0.9
    count = missed(chain, chain, f"{__name__}:pair_first", exact)
    assert rarely(count, ledger.take("letters:8"))


def test_an_estimator_without_the_positive_part_is_found_out(ledger: Ledger) -> None:
    """The mutant: the mean of 1 − r is 0 whatever the TV is."""
    chain, rule, count = letters(4), policy("left-to-right:2"), 0
    for seed in range(SEEDS):
        rows = chain.sample(3000, torch.Generator().manual_seed(seed))
        found = trajectories(rule, chain, rows).log_probability - chain.log_probability(rows)
        limits = empirical_bernstein((1 - found.exp()).clamp(-1, 1), -1.0, 1.0, float(LEVEL))
        count += not limits.lower <= exact_tv_of_four_letters() <= limits.upper
    assert not rarely(count, ledger.take("no positive part"))


def test_one_token_a_round_and_bisection_lose_nothing_at_any_length() -> None:
    law = letters(1024)
    sampling = Sampling(20, 0, Fraction(1, 100))
    (found,) = sampled_audit([("l", law, law)], ["confidence:1", "bisection"], sampling, Rounds())
    for result, rounds in zip(found.results, (1024, 11), strict=True):
        assert result.most_rounds == rounds
        assert result.tv.mean < 1e-9
        assert result.tv.lower == 0
        assert result.kl is not None
        assert abs(result.kl.mean) < 1e-9
    assert found.results[0].bounds == {"P9": 0}


def test_bounds_are_those_of_the_claims_at_the_means() -> None:
    law = letters(64)
    rules = ["threshold:0.3", "entropy-bounded:2"]
    (found,) = sampled_audit([("l", law, law)], rules, Sampling(200), Rounds())
    threshold, entropy = found.results
    assert threshold.bounds.keys() == {"P9", "P3"}
    assert threshold.bounds["P3"] == pytest.approx(0.7 * threshold.together.mean)
    # one token of each block is left out
    assert 0 < threshold.bounds["P9"] < threshold.together.mean
    assert entropy.bounds["P10"] == pytest.approx(entropy.bounds["P4"] / math.log(2))
    noisy = NoisyDenoiser(law, 0.1)
    (found,) = sampled_audit([("l", law, noisy)], rules, Sampling(20), Rounds())
    assert all(one.bounds.keys() == {"P9"} for one in found.results)


def test_what_a_policy_never_puts_out_counts_in_full() -> None:
    law = letters(12)
    capped = Rounds(1, "leave")
    sampling = Sampling(50, 0, Fraction(1, 100))
    (found,) = sampled_audit([("l", law, law)], ["confidence:4"], sampling, capped)
    (result,) = found.results
    assert result.kl is None
    assert (result.tv.mean, result.tv.upper) == (1, 1)


def test_every_policy_gets_the_same_sequences() -> None:
    work = drives(1, ["a", "b"], Sampling(2500, 7))
    assert work[:3] == [Drive(0, "a", 1000, 7), Drive(0, "a", 1000, 8), Drive(0, "a", 500, 9)]
    assert [(one.samples, one.seed) for one in work[3:]] == [
        (one.samples, one.seed) for one in work[:3]
    ]


def test_the_budget_is_shared_by_all_intervals() -> None:
    law = letters(6)
    laws = [("one", law, law), ("two", law, law)]
    found = sampled_audit(
        laws, ["confidence:1", "bisection"], Sampling(10, 0, Fraction(1, 10)), Rounds()
    )
    assert math.fsum(one.level * len(one.results) for one in found) <= 0.1
    assert found[0].level == pytest.approx(0.025)


def test_a_rule_with_a_seed_is_refused() -> None:
    law = letters(16)
    with pytest.raises(InputError, match="in a random order"):
        sampled_audit([("l", law, law)], ["random:2"], Sampling(10), Rounds())
