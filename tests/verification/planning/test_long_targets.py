"""Plans without enumeration: against enumeration where both go, and against what is known."""

import itertools
import json
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family, structured_tv
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.information import KL1
from sharprates.verification.cli import app
from sharprates.verification.planning import long_targets
from sharprates.verification.planning.large_targets import chain_information
from sharprates.verification.planning.long_targets import (
    long_target,
    plan_structured,
    plan_tractable,
)
from sharprates.verification.planning.planner import Options, plan_target

from book.examples.two_topics import LAW

STICKY = "0.5,0.5:0.9,0.1:0.1,0.9"
LINEAR = Options(clocks=("linear",), rules=("ancestral", "tau-leaping"))


@pytest.mark.parametrize("text", ["pairs:6:3", "parity:5:2", "permutations:6:3", "copies:4:3"])
def test_the_recursion_finds_the_steps_that_enumeration_finds(text: str) -> None:
    long = plan_structured(text, 0.05, options=LINEAR)
    short = plan_target(family(text), 0.05, options=LINEAR)
    assert {one.schedule: one.steps for one in long.exact} == {
        one.schedule: one.steps for one in short.exact
    }
    assert long.target == text


def test_pairs_of_four_thousand_tokens() -> None:
    """The count that L1 has in closed form: TV(K) ≤ ε just if (1 − 1/(2K))^2048 ≥ 1 − ε."""
    (found,) = plan_structured("pairs:4096:2", 0.05).exact
    assert found.steps is not None
    for K, inside in ((found.steps, True), (found.steps - 1, False)):
        assert ((1 - 1 / (2 * K)) ** 2048 >= 0.95) is inside
        assert (structured_tv("pairs:4096:2", StepLaw.uniform(K)).tv <= 0.05) is inside


def test_a_vocabulary_too_large_to_write_down() -> None:
    found = plan_structured("shared-symbols:80:3", 0.2)
    assert found.ask.vocabulary is None
    assert found.enough is not None
    assert found.exact[0].steps is not None
    assert found.exact[0].steps <= (found.enough.steps or 0)


def test_a_score_error_takes_part_of_epsilon() -> None:
    (plain,) = plan_structured("pairs:64:2", 0.05).exact
    (less,) = plan_structured("pairs:64:2", 0.05, 0.02).exact
    (same,) = plan_structured("pairs:64:2", 0.03).exact
    assert plain.steps is not None
    assert less.steps is not None
    assert less.steps == same.steps > plain.steps


def test_a_chain_uses_its_own_information_and_samples() -> None:
    chain = long_target(f"markov:40:{STICKY}")
    assert chain is not None
    assert not isinstance(chain, str)
    asked: list[str] = []
    found = plan_tractable(chain, "chain", 0.1, samples=300, progress=asked.append)
    curve = chain_information(chain)  # type: ignore[arg-type]  # it is a chain
    assert found.known.curve == pytest.approx(curve.tolist(), abs=1e-11)
    # half the steps each time, down to a TV that is certainly above ε
    steps = [one.steps for one in found.estimates]
    assert steps[0] == found.enough.steps  # type: ignore[union-attr]
    assert all(b == -(-a // 2) for a, b in itertools.pairwise(steps))
    assert asked == [f"K = {K}" for K in steps]
    last = found.estimates[-1]
    assert last.found.tv_lower > 0.1 or last.steps == 1
    # every limit is paid for out of one level
    assert sum(one.found.level for one in found.estimates) <= found.level == 1e-6
    assert found.sampled is not None
    assert found.sampled.found.tv_upper <= 0.1
    json.dumps(found.to_json(), allow_nan=False)


def test_a_mixture_has_no_curve_but_samples() -> None:
    found = plan_tractable(LAW, "topics", 0.3, samples=300)
    assert found.known.curve is None
    assert found.estimates[0].found.tv_upper < found.estimates[-1].found.tv_upper


def test_no_room_for_error_means_no_sampling() -> None:
    found = plan_tractable(LAW, "topics", 0.1, 0.1, samples=300)
    assert found.estimates == ()
    assert found.sampled is None


def test_what_a_text_names() -> None:
    assert long_target("pairs:13:2") == "pairs:13:2"
    assert long_target("blocks:16:3:2") == "blocks:16:3:2"
    assert long_target("book.examples.two_topics:LAW") is LAW
    for text in ("pairs:12:2", "blocks:6:3:2", f"markov:12:{STICKY}", "dirichlet:20:2", "my.csv"):
        assert long_target(text) is None, text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("markov:40:0.4,0.6:0.9,0.1:0.1,0.9", "from its stationary law: write 0.5,0.5"),
        ("markov:40:0.5,0.5:0.9,0.1", "needs 2 rows of 2"),
        ("markov:40:0.5,0.5:0.9,0.2:0.1,0.9", "must sum to 1"),
        ("markov:forty", "write it as markov:d"),
        ("book.examples.two_topics:WORDS", "has no 'length'"),
        ("book.examples.two_topics:NONE", "has no 'NONE'"),
        ("nowhere:LAW", "cannot import nowhere"),
    ],
)
def test_a_bad_text_is_named_in_one_line(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        long_target(text)
    assert "\n" not in str(caught.value)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        app(list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    place, picture = tmp_path / "p.json", tmp_path / "p.svg"
    shown = run("plan", "pairs:400:2", "--clock", "linear", "--rule", "ancestral", "--tv", "0.1")
    assert "uniform law: smallest K found 950" in shown
    options = ("--samples", "300", "--json", str(place), "--plot", str(picture))
    shown = run("plan", f"markov:30:{STICKY}", "--tv", "0.2", *options)
    assert "probability ≥ 1 − 1e-06" in shown
    content = json.loads(place.read_text())
    assert content["bounds"]["E5"]["steps"] == content["estimates"][0]["steps"]
    assert content["estimates_level"] == 1e-6
    assert "limits from samples" in picture.read_text()


def test_a_wrong_curve_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power: with a curve that falls too little, samples show a divergence above the claimed."""
    chain = long_target(f"markov:40:{STICKY}")
    monkeypatch.setattr(
        long_targets, "chain_information", lambda c: 0.25 * chain_information(c) + 0.3
    )
    wrong = plan_tractable(chain, "chain", 0.1, samples=300)  # type: ignore[arg-type]
    curve, first = wrong.known.curve, wrong.estimates[0]
    assert curve is not None
    assert first.found.divergence is not None
    values = {"d": 40, "w": [1 / first.steps] * first.steps, "h": list(curve)}
    claimed = KL1.value(values, FLOAT, variant="average")
    assert first.found.divergence.lower > float(claimed)
