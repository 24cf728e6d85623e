"""The frontier: known values are found, finds are exact, a killed hunt loses none of them."""

import io
import math
import signal
import subprocess
import sys
import time
from fractions import Fraction

import pytest
from hypothesis import given
from rich.console import Console
from sharprates.samplers.families import family
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import CLAIMS
from sharprates.verification import strategies, witness
from sharprates.verification.adversary import frontier
from sharprates.verification.adversary.frontier import FrontierEffort, FrontierTask, Hunt
from sharprates.verification.adversary.search import (
    instance_of,
)
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.reports.adversary import frontier_json, print_frontier
from sharprates.verification.verdict import Verdict

QUICK = FrontierEffort(starts=8, moves=150, steps=80)


def instance(text):
    return exact_experiment(family(text))


# --- the quantity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("copies:5:2", Fraction(5, 4)),
        ("parity:4:2", Fraction(1)),
        ("permutations:3:3", Fraction(5, 4)),
        ("permutations:6:3", Fraction(5, 2)),
        ("shared-symbols:3:2", Fraction(3, 2)),
        ("uniform:3:2", Fraction(0)),
    ],
)
def test_values_of_the_note(text, value):
    assert frontier.first_order_of(instance(text)) == value


def test_the_matchings_of_the_note():
    rows = [[int(x) for x in row] for row in ["0122", "1012", "2101", "2210", "1221", "0000"]]
    assert frontier.first_order_of(instance_of(rows, [1] * 6, 3)) == Fraction(5, 3)


def test_products_add_up():
    one, other = instance("permutations:3:3"), instance("copies:2:2")
    together = frontier.product_law(one, other)
    assert frontier.first_order_of(together) == frontier.first_order_of(
        one
    ) + frontier.first_order_of(other)


def test_bounds_of_a_row():
    line = frontier.row(instance("permutations:3:3"))
    assert (line.lower, line.conjecture, line.birthday) == (Fraction(5, 4), Fraction(5, 4), 3)
    assert line.entropy == pytest.approx(1.5 * math.log(3))
    assert line.attained
    assert not line.refutes
    assert line.binary is None
    assert frontier.row(instance("copies:3:2")).binary == Fraction(3, 4)


# --- the bound for short sequences ----------------------------------------------------------------


@given(strategies.laws(min_length=2, max_length=4))
def test_the_bound_for_short_sequences_holds(target):
    found = witness.decide_on(CLAIMS["E10"], exact_experiment(target))
    assert found.verdict is Verdict.HOLDS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("copies:2:3", Fraction(2, 3)),
        ("shared-symbols:3:2", Fraction(3, 2)),
        ("shared-symbols:3:3", Fraction(2)),
        ("shared-symbols:4:2", Fraction(3)),
    ],
)
def test_it_is_attained_exactly(text, value):
    line = frontier.row(instance(text))
    assert line.lower == value
    assert line.short == pytest.approx(float(value))
    assert line.closed
    tighter = {"E10.constant": Fraction(99, 100)}
    found = witness.decide_on(CLAIMS["E10"], instance(text), scale=tighter)
    assert found.verdict is Verdict.FAILS


def test_it_tends_to_the_birthday_bound_and_never_exceeds_it():
    for d in range(2, 9):
        values = [float(CLAIMS["E10"].value({"d": d, "S": 2**k}, FLOAT)) for k in range(1, 60)]
        assert values == sorted(values)
        assert values[-1] <= math.comb(d, 2)
        for k, value in enumerate(values, 1):
            assert value <= d / 2 * math.log(2**k)  # and it is never above E7's
    assert not frontier.row(instance("permutations:3:3")).closed


# --- the methods ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "least"),
    [
        (FrontierTask((3, 2), "families"), Fraction(3, 4)),
        (FrontierTask((4, 4), "families"), Fraction(13, 6)),
        (FrontierTask((3, 3), "anneal", 6), Fraction(5, 4)),
        (FrontierTask((4, 3), "anneal", 6), Fraction(5, 3)),
        (FrontierTask((3, 3), "ascend", 27), Fraction(5, 4)),
    ],
)
def test_each_method_finds_what_it_can(task, least):
    effort = FrontierEffort(starts=16, moves=500, steps=150)
    found = frontier.run_task(task, effort)
    assert frontier.first_order_of(found) >= least
    assert frontier.run_task(task, effort) == found  # from its seed


def test_polishing_never_needs_to_start_over():
    start = instance_of([[0, 0, 0], [1, 1, 1]], [2, 1], 2)
    task = FrontierTask((3, 2), "polish", 4)
    found = frontier.run_task(task, QUICK, {(3, 2): start})
    assert frontier.first_order_of(found) > frontier.first_order_of(start)


# --- the hunt -------------------------------------------------------------------------------------


def test_a_hunt_finds_the_known_values_with_exact_witnesses(tmp_path):
    pairs = [(2, 2), (3, 2), (2, 3), (3, 3)]
    told = []
    hunt = Hunt(tmp_path, pairs, QUICK)
    expected = sum(len(frontier.tasks_of(pair, QUICK)) + QUICK.seeds for pair in pairs)
    rows = hunt.run(progress=told.append)
    assert len(told) == expected
    for line in rows:
        known = frontier.KNOWN.get((line.length, line.vocabulary), Fraction(0))
        assert known <= line.lower <= line.conjecture
        stored = witness.read(hunt.path((line.length, line.vocabulary)))
        assert witness.replay(stored).measured.lower == line.lower
    console = Console(record=True, width=120, file=io.StringIO())
    print_frontier(rows, console)
    assert "attained" in console.export_text()
    assert frontier_json(rows)[3]["lower"] == "5/4"


@pytest.mark.parametrize("pair", frontier.PAIRS)
def test_stored_finds_replay(pair):
    d, S = pair
    held = witness.read(frontier.STORED / f"frontier-{d}-{S}.witness")
    assert (held.experiment.length, held.experiment.vocabulary) == pair
    found = witness.replay(held)
    assert found.verdict is Verdict.HOLDS
    line = frontier.row(held.experiment)
    assert frontier.KNOWN.get(pair, 0) <= line.lower <= line.conjecture
    assert float(line.lower) <= line.short + 1e-12
    assert line.closed == (S == 2 or d == 2 or pair == (3, 4))


class StopError(Exception):
    """Stands for a kill between two tasks."""


def stopping(many):
    """Stops at so many tasks, those that were done already counted."""
    left = iter(range(1, many))

    def stop(text):
        if next(left, None) is None:
            raise StopError(text)

    return stop


def test_stopped_anywhere_and_resumed_it_loses_no_find(tmp_path):
    pairs = [(2, 3), (3, 2)]
    whole = Hunt(tmp_path / "whole", pairs, QUICK).run()

    seen = {}
    for many in range(1, 100):  # every run is stopped after one task more
        hunt = Hunt(tmp_path / "pieces", pairs, QUICK)
        for pair, old in seen.items():
            assert frontier.first_order_of(hunt.best[pair]) >= old
        seen = {pair: frontier.first_order_of(it) for pair, it in hunt.best.items()}
        try:
            pieces = hunt.run(progress=stopping(many))
            break
        except StopError:
            continue
    assert [(r.lower, r.instance) for r in pieces] == [(r.lower, r.instance) for r in whole]


SCRIPT = """
import sys
from pathlib import Path
from sharprates.verification.adversary.frontier import FrontierEffort, Hunt
Hunt(Path(sys.argv[1]), [(3, 3), (3, 4)], FrontierEffort(starts=8, moves=100000, steps=60)).run()
"""


def test_killed_without_warning(tmp_path):
    # The first task, the families, is done at once; the second would take minutes.
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    journal = tmp_path / "frontier.jsonl"
    for _ in range(600):
        if journal.exists() and journal.read_bytes().count(b"\n") > 3:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hunt = Hunt(tmp_path, [(3, 3), (3, 4)], FrontierEffort(starts=8, moves=100000, steps=60))
    with pytest.raises(StopError):
        hunt.run(progress=stopping(1))
    assert len(journal.read_bytes().splitlines()) == 4  # what it is, what was there, a find
    assert frontier.first_order_of(hunt.best[3, 3]) == Fraction(5, 4)


def test_finds_survive_another_effort_and_are_only_replaced_by_better_ones(tmp_path):
    hunt = Hunt(tmp_path, [(3, 2)], QUICK)
    assert hunt.keep((3, 2), instance("copies:3:2"))
    assert not hunt.keep((3, 2), instance("uniform:3:2"))
    again = Hunt(tmp_path, [(3, 2)], FrontierEffort())
    assert frontier.first_order_of(again.best[3, 2]) == Fraction(3, 4)


def test_another_effort_is_another_hunt(tmp_path):
    Hunt(tmp_path, [(2, 2)], FrontierEffort(2, 2, 2)).run()
    with pytest.raises(ValueError, match="differs in moves"):
        Hunt(tmp_path, [(2, 2)], FrontierEffort(2, 3, 2)).run()
    assert Hunt(tmp_path, [(2, 2)], FrontierEffort(2, 3, 2), fresh=True).run()


def test_a_tampered_find_is_refused(tmp_path):
    hunt = Hunt(tmp_path, [(3, 2)], QUICK)
    hunt.keep((3, 2), instance("copies:3:2"))
    path = hunt.path((3, 2))
    path.write_text(path.read_text().replace("3/4", "4/4"))
    with pytest.raises(witness.WitnessError, match="changed"):
        Hunt(tmp_path, [(3, 2)], QUICK)


def test_a_find_of_another_pair_is_refused(tmp_path):
    hunt = Hunt(tmp_path, [(3, 2)], QUICK)
    hunt.keep((3, 2), instance("copies:4:2"))
    with pytest.raises(ValueError, match="another length or vocabulary"):
        Hunt(tmp_path, [(3, 2)], QUICK)


def test_bad_folders_and_pairs(tmp_path):
    (tmp_path / "frontier.jsonl").write_text("{}")
    with pytest.raises(ValueError, match="no journal"):
        Hunt(tmp_path, [(3, 2)]).run()
    with pytest.raises(ValueError, match=r"2 ≤ d ≤ 6"):
        Hunt(tmp_path / "other", [(7, 2)])
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be used"):
        Hunt(tmp_path / "file" / "below", [(3, 2)]).run()


def test_a_law_beyond_the_conjecture_would_be_told(tmp_path):
    # Mutant: a left side twice as large must come out as a refutation, not as a find.
    it = instance("permutations:3:3")
    found = witness.decide_on(CLAIMS["X1"], it, left=lambda e: 2 * e.first_order)
    assert found.verdict.value == "fails"
    stored = witness.make(CLAIMS["X1"], it)
    witness.write(stored, tmp_path / "w")
    assert witness.replay(witness.read(tmp_path / "w")).verdict.value == "holds"


def test_the_least_proved_bound_of_each_pair() -> None:
    """X3 wins where sequences are long for their vocabulary, E10 where they are short."""
    paths = sorted(frontier.STORED.glob("frontier-*.witness"))
    rows = {}
    for path in paths:
        line = frontier.row(witness.read(path).experiment)
        rows[line.length, line.vocabulary] = line
        assert float(line.lower) <= line.upper[1] + 1e-12
    least = {pair: line.upper[0] for pair, line in rows.items()}
    wins = {pair for pair, claim in least.items() if claim == "X3"}
    assert wins == {(4, 3), (5, 3), (6, 3), (5, 4), (6, 4), (6, 5)}
    assert {claim for pair, claim in least.items() if pair[0] > 2 < pair[1]} == {"X3", "E10"}
    assert {claim for pair, claim in least.items() if pair[0] > 2 == pair[1]} == {"E9"}
    assert rows[4, 3].upper[1] == pytest.approx(1.71311, abs=1e-5)
