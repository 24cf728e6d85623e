"""The cheapest number of a rule, against laws on which it is known."""

import re

import pytest
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.target import Target
from sharprates.verification.planning import policy_plan
from sharprates.verification.planning.policy_plan import plan_policy

# Two copies that are 0 with probability 9/10: at once they are wrong with 9/50.
COPIES = Target.from_rows([[0, 0], [1, 1]], [9, 1], 2)


def test_the_border_of_a_threshold_is_bisected() -> None:
    found = plan_policy(COPIES, "threshold", 0.1)
    assert found.search == "bisection"
    assert found.chosen is not None
    # rules round to nine decimals, so the last threshold that takes both is 9/10
    assert found.chosen.policy == "threshold:0.9001"
    assert found.chosen.rounds.mean == found.chosen.rounds.most == 2
    assert found.chosen.settled == 0
    at_once = plan_policy(COPIES, "threshold", 0.181)
    assert at_once.chosen is not None
    assert at_once.chosen.policy == "threshold:0"
    assert at_once.chosen.tv.value == pytest.approx(0.18)


def test_the_chosen_one_is_as_the_audit_has_it() -> None:
    q = dirichlet(4, 3, 0.3, seed=2)
    for rule in ("threshold", "entropy-bounded", "factor", "left-to-right:2:threshold"):
        found = plan_policy(q, rule, 0.05)
        assert found.chosen is not None
        sampler = PolicySampler(4, policy(found.chosen.policy))
        law = sampler.law(q, ExactDenoiser(q))
        assert total_variation(law, q) == found.chosen.tv
        assert found.chosen.within(0.05)
        cheaper = [one for one in found.tried if one.rounds.mean < found.chosen.rounds.mean]
        assert cheaper
        assert not any(one.within(0.05) for one in cheaper)


def test_whole_numbers_are_all_tried() -> None:
    q = family("pairs:4:2")
    for rule, tried in (("confidence", [4, 3, 2, 1]), ("left-to-right", [4, 2, 1])):
        found = plan_policy(q, rule, 0.0)
        assert found.search == "all"
        assert [one.policy for one in found.tried] == [f"{rule}:{k}" for k in tried]
    inside = plan_policy(q, "left-to-right:2:confidence", 0.1)
    assert [one.policy.split(":")[-1] for one in inside.tried] == ["2", "1"]


def test_where_tv_does_not_fall_a_finer_scan_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    right = policy_plan.total_variation
    calls = []

    def wavering(law, target):  # type: ignore[no-untyped-def]  # as the function it stands for
        calls.append(1)
        value, error = right(law, target)
        return type(right(law, target))(value + 0.01 * (len(calls) % 2), error)

    monkeypatch.setattr(policy_plan, "total_variation", wavering)
    monkeypatch.setattr(policy_plan, "FINE_SCAN", 50)
    found = plan_policy(COPIES, "threshold", 0.1)
    assert found.search == "scan"
    assert len(found.tried) == 21 + 51 - 11  # multiples of 500, of 200, and of both


def test_one_token_a_round_reaches_zero() -> None:
    found = plan_policy(COPIES, "confidence", 0.0)
    assert found.chosen is not None
    assert found.chosen.policy == "confidence:1"


def test_nothing_reaches_what_is_out_of_reach() -> None:
    class Blind(ExactDenoiser):
        """Knows the marginals only."""

        def __call__(self, x, t=None, positions=None):  # type: ignore[no-untyped-def]  # as its base
            return super().__call__(x * 0 + self.vocabulary, t, positions)

    found = plan_policy(COPIES, "confidence", 0.1, Blind(COPIES))
    assert found.chosen is None
    assert found.to_json()["policy"]["chosen"] is None


@pytest.mark.parametrize(
    ("rule", "tv", "words"),
    [
        ("bisection", 0.1, "tries the number of a rule"),
        ("threshold:0.9", 0.1, "tries the number of a rule"),
        ("margin:2:threshold", 0.1, "left-to-right:B:rule"),
        ("left-to-right:3:threshold", 0.1, "do not divide 2"),
        ("threshold", -1.0, "in [0, 1]"),
    ],
)
def test_what_is_refused(rule: str, tv: float, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        plan_policy(COPIES, rule, tv)
