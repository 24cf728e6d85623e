"""The adversary: attained bounds are reached, tightened ones refuted with replayable witnesses."""

import pickle
from dataclasses import replace
from fractions import Fraction

import cloudpickle  # what joblib sends tasks with
import pytest
from sharprates.samplers.schedule import Schedule
from sharprates.theory.claim import Relation
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.verification import witness
from sharprates.verification.adversary import hunt as adversary
from sharprates.verification.adversary.hunt import (
    Effort,
    Quest,
    Shape,
    Space,
    break_even,
    check_quest,
    hunt,
    threshold,
)
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.strategies import families
from sharprates.verification.verdict import Verdict
from sharprates.verification.witness import WitnessError

QUICK = Effort(starts=1, moves=3, steps=20, examples=12)
PAIR, TRIPLE = Shape(2, 2, 1), Shape(3, 2, 2)
TIGHT = Fraction(99, 100)


def copies(**schedule):
    return exact_experiment(families.family("copies:2:2"), **schedule)


# --- what is free ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "space"),
    [
        ("E3", Space("steps", leftover=True, erring=True)),
        ("E5", Space("steps", leftover=True)),
        ("E7", Space("equal")),
        ("E2", Space("grid", erring=True)),
        ("H2", Space("fhs", erring=True)),
        ("KL2", Space("steps")),
        ("X1", Space("none")),
    ],
)
def test_the_space_follows_from_the_hypotheses(claim, space):
    assert Quest.of(claim).space(Shape(3, 2, 4)) == space


def test_strict_leaves_nothing_to_leftover_and_errors():
    assert Quest.of("E3", strict=True).space(TRIPLE) == Space("steps")
    assert Quest.of("E2", strict=True).space(TRIPLE) == Space("grid")
    assert Quest.of("E9").space(Shape(3, 3, 2)) is None  # needs S = 2
    assert Quest.of("E7").space(Shape(4, 2, 2)) is None  # needs K ≥ d


@pytest.mark.parametrize("claim", adversary.HUNTED)
def test_all_hunted_claims_can_be_hunted(claim):
    check_quest(Quest.of(claim))
    assert CLAIMS[claim].relation in (Relation.UPPER, Relation.LOWER)


def test_what_cannot_be_hunted():
    with pytest.raises(ValueError, match="only an upper or a lower bound"):
        check_quest(Quest.of("L2"))
    with pytest.raises(ValueError, match="does not give leak"):
        check_quest(Quest.of("KL3"))
    with pytest.raises(ValueError, match="applies to nothing that is tried"):
        check_quest(Quest(replace(CLAIMS["E7"], measured=Measured.EPSILON_FHS)))


# --- attacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "shape", "way", "least"),
    [
        ("E3", PAIR, "climb", 1.0),
        ("E4", PAIR, "climb", 1.0),
        ("E5", PAIR, "climb", 1.0),
        ("E9", TRIPLE, "climb", 0.99),
        ("X1", Shape(3, 3, 1), "climb", 0.8),
        ("L0", PAIR, "climb", 1.0),
        ("H2", PAIR, "climb", 1.0),
        ("KL2", TRIPLE, "climb", 0.5),
        ("E2", PAIR, "climb", 0.3),
        ("E3", PAIR, "examples", 0.8),
        ("H2", PAIR, "examples", 0.8),
        ("E7", TRIPLE, "examples", 0.1),
    ],
)
def test_bounds_are_approached_but_hold(claim, shape, way, least):
    shape = replace(shape, steps=max(shape.steps, shape.length)) if claim == "E7" else shape
    found = adversary.attack(Quest.of(claim), shape, way, QUICK, seed=1)
    assert least - 1e-9 <= found.score <= 1 + 1e-9
    assert found.witness.decision.verdict is Verdict.HOLDS
    assert witness.replay(found.witness).verdict is Verdict.HOLDS


@pytest.mark.parametrize("claim", ["E3", "E4", "E5", "E8", "E9", "X1", "H2"])
def test_an_attained_bound_tightened_by_one_percent_is_refuted(claim):
    quest = Quest.of(claim, {f"{claim}.constant": TIGHT})
    found = adversary.attack(quest, PAIR, "climb", QUICK, seed=0)
    assert found.refuted
    assert found.score > 1
    assert witness.replay(found.witness).verdict is Verdict.FAILS
    # the same instance does not refute the claim as stated
    assert Quest.of(claim).decide(found.witness.experiment).verdict is Verdict.HOLDS


def test_a_raised_lower_bound_is_refuted():
    quest = Quest.of("L0", {"L0.constant": Fraction(101, 100)})
    assert adversary.attack(quest, PAIR, "climb", QUICK, seed=0).refuted


def test_same_seed_same_find():
    one, other = (
        adversary.attack(Quest.of("E5"), TRIPLE, "climb", QUICK, seed=3) for _ in range(2)
    )
    assert one.witness == other.witness


def test_scores():
    quest = Quest.of("E3")
    held = quest.decide(copies(steps=(Fraction(1),)))
    assert quest.score(held) == 0.5
    lower = Quest.of("L0").decide(copies(steps=(Fraction(1, 2),)))
    assert 0 < Quest.of("L0").score(lower) <= 1
    scaled = Quest.of("E3", {"E3.constant": Fraction(1, 4)})
    assert scaled.score(scaled.decide(copies(steps=(Fraction(1),)))) == 2
    assert scaled.name == "E3-E3.constant-1over4"


# --- hunts ----------------------------------------------------------------------------------------


def test_a_hunt_keeps_the_worst_and_can_be_stopped(tmp_path):
    quests = [Quest.of("E3"), Quest.of("E3", strict=True)]
    shapes = (Shape(2, 3, 1),)

    class StopError(Exception):
        pass

    def stopping(many):
        left = iter(range(1, many))

        def stop(_):
            if next(left, None) is None:
                raise StopError

        return stop

    seen = 0.0
    for many in range(1, 20):
        try:
            found = hunt(quests, tmp_path, QUICK, shapes=shapes, progress=stopping(many))
            break
        except StopError:
            kept = [witness.read(path) for path in tmp_path.glob("*.witness")]
            best = max(Quest.of("E3").score(witness.replay(one)) for one in kept)
            assert best >= seen
            seen = best
    assert [one.quest.strict for one in found] == [False, True]
    assert found[0].score == pytest.approx(1)
    assert found[1].score == pytest.approx(2 / 3)  # shared symbols of three: 1 − 1/3
    whole = hunt(quests, tmp_path / "whole", QUICK, shapes=shapes)
    assert [one.score for one in whole] == [one.score for one in found]
    # nothing is left to do, and nothing is lost
    before = (tmp_path / "adversary.jsonl").read_bytes()
    again = hunt(quests, tmp_path, QUICK, shapes=shapes)
    assert (tmp_path / "adversary.jsonl").read_bytes() == before
    assert [one.witness for one in again] == [one.witness for one in found]


def test_processes_and_resuming_find_the_same(tmp_path):
    """Among equals it is the first task's find, whoever was done first."""
    quests = [Quest.of("H2"), Quest.of("L0")]
    shapes = (PAIR, Shape(2, 3, 1))
    for name, jobs in (("one", 1), ("two", 2)):
        hunt(quests, tmp_path / name, QUICK, shapes=shapes, jobs=jobs)
    files = sorted(path.name for path in (tmp_path / "one").glob("*.witness"))
    assert len(files) == 2
    for name in files:
        first, second = ((tmp_path / one / name).read_bytes() for one in ("one", "two"))
        assert first == second
        (tmp_path / "two" / name).unlink()
    hunt(quests, tmp_path / "two", QUICK, shapes=shapes)
    for name in files:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_tasks_can_be_sent_to_other_processes():
    (task, _) = adversary.hunt_tasks([Quest.of("E3")], (PAIR,), 0)
    work, sent = pickle.loads(cloudpickle.dumps((adversary._work, task)))
    assert sent.key == task.key
    assert work(sent, QUICK) == adversary._work(task, QUICK)


def test_a_tampered_find_is_refused(tmp_path):
    hunt([Quest.of("E3")], tmp_path, QUICK, shapes=(PAIR,))
    (path,) = tmp_path.glob("worst-E3.witness")
    path.write_text(path.read_text().replace("verdict: holds", "verdict: fails"))
    with pytest.raises(WitnessError, match="changed"):
        hunt([Quest.of("E3")], tmp_path, QUICK, shapes=(PAIR,))


def test_a_find_under_another_name_is_refused(tmp_path):
    # E3 with half its constant fails: no find of E3 itself
    half = Quest.of("E3", {"E3.constant": Fraction(1, 2)})
    hunt([half], tmp_path, QUICK, shapes=(PAIR,))
    (path,) = tmp_path.glob("*.witness")
    path.rename(tmp_path / "worst-E3.witness")
    with pytest.raises(WitnessError, match="something else than its name says"):
        hunt([Quest.of("E3")], tmp_path, QUICK, shapes=(PAIR,))


# --- constants ------------------------------------------------------------------------------------


def test_threshold_by_hand():
    # copies of two bits in one step: TV = 1/2, E3 says 1
    quest = Quest.of("E3")
    assert threshold(quest, "E3.constant", copies(steps=(Fraction(1),))) == Fraction(2047, 4096)
    assert threshold(quest, "E3.constant", copies(steps=(Fraction(1, 2), Fraction(1, 2)))) > 0
    one_token = exact_experiment(families.family("uniform:1:2"), steps=(Fraction(1),))
    assert threshold(quest, "E3.constant", one_token) == 0


def test_break_even_of_an_inner_constant():
    found = break_even(Quest.of("E2"), "E2.clock", QUICK, shapes=(Shape(1, 2, 1),))
    assert 0 < found.factor < 1
    assert witness.replay(found.witness).verdict is Verdict.FAILS
    higher = {"E2.clock": Fraction(found.factor) + Fraction(1, 4096)}
    held = replace(Quest.of("E2"), scale=higher).decide(found.witness.experiment)
    assert held.verdict is Verdict.HOLDS


def test_grids_are_rounded_to_horizons():
    found = adversary.attack(Quest.of("E1"), PAIR, "climb", QUICK, seed=0)
    assert isinstance(found.witness.experiment.grid, Schedule)
    assert found.witness.experiment.grid.horizon.denominator <= 240
