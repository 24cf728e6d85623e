"""All hunts in one run: what is attacked, what is printed, what JSON holds."""

import io
import json
from fractions import Fraction

import pytest
from rich.console import Console
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.verification.adversary import campaign, frontier
from sharprates.verification.adversary import hunt as adversary
from sharprates.verification.adversary.campaign import Campaign
from sharprates.verification.adversary.hunt import BreakEven, Effort, Quest, Shape
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.files import to_json
from sharprates.verification.reports.adversary import adversary_json, print_campaign
from sharprates.verification.verdict import Verdict

QUICK = Effort(starts=1, moves=1, steps=5, examples=5)


def test_what_is_attacked():
    names = [quest.name for quest in campaign.quests()]
    assert len(names) == len(set(names))
    assert {"E3", "E3-strict", "X1", "H2"} <= set(names)
    assert [q.name for q in campaign.quests(["e7"])] == ["E7"]
    scales = {"E3.constant": Fraction(99, 100), "E5.constant": Fraction(2)}
    scaled = campaign.quests(["E3"], scales)
    assert all(quest.scale == {"E3.constant": Fraction(99, 100)} for quest in scaled)
    assert campaign.count_hunts(scaled, deep=True) > campaign.count_hunts(scaled, deep=False)


@pytest.mark.parametrize("claim", ["L2", "F4"])
def test_what_is_no_bound(claim):
    with pytest.raises(ValueError, match=claim):
        campaign.quests([claim])


def test_an_unknown_constant():
    with pytest.raises(ValueError, match="E3 has"):
        campaign.quests(None, {"E3.nonsense": Fraction(1)})


def test_tables_and_json():
    worst = adversary.attack(Quest.of("E3"), Shape(2, 2, 1), "climb", QUICK, 0)
    constants = (
        BreakEven("E8", "E8.root", 0.0, None),
        BreakEven("E2", "E2.clock", 0.5, worst.witness),
    )
    found = Campaign(
        (worst,),
        constants,
        (frontier.row(exact_experiment(family("permutations:3:3"))),),
    )
    assert found.verdict is Verdict.HOLDS
    stream = io.StringIO()
    parts = (found.worst, found.constants, found.frontier)
    print_campaign(*parts, Console(file=stream, width=220))
    for words in ("attained", "tried needs it", "fails below ×0.5"):
        assert words in stream.getvalue()
    content = json.loads(to_json(adversary_json(*parts, 0)))
    assert content["frontier"][0]["lower"] == "5/4"


def test_a_refutation_is_the_verdict():
    quest = Quest.of("E3", {"E3.constant": Fraction(1, 8)})
    worst = adversary.attack(quest, Shape(2, 2, 1), "climb", QUICK, 0)
    assert Campaign((worst,), (), ()).verdict is Verdict.FAILS


class StoppedError(Exception):
    """Something stops a run."""


@pytest.fixture
def small(monkeypatch):
    """The whole run, small: two claims with ties, one constant, two pairs of the frontier."""
    monkeypatch.setattr(adversary, "Effort", lambda **_: QUICK)
    monkeypatch.setattr(adversary, "SHAPES", (Shape(2, 2, 1), Shape(2, 3, 1)))
    monkeypatch.setattr(
        adversary.hunt,
        "__kwdefaults__",
        {**adversary.hunt.__kwdefaults__, "shapes": adversary.SHAPES},
    )
    monkeypatch.setattr(campaign, "_pairs", lambda _: [(2, 2), (2, 3)])
    effort = frontier.FrontierEffort(starts=2, moves=20, steps=5)
    monkeypatch.setattr(campaign, "_effort", lambda _: effort)
    monkeypatch.setattr(campaign, "INNER", ())
    return campaign.quests(["H2", "L0"])


def content(found):
    made = adversary_json(found.worst, found.constants, found.frontier, 0)
    return to_json({name: made[name] for name in ("worst", "break_even", "frontier")})


def test_a_run_that_goes_on_ends_as_if_it_had_not_been_stopped(small, tmp_path):
    """Also over an earlier run's finds, and whoever does the work."""
    whole = content(campaign.run_campaign(small, tmp_path / "whole"))
    assert content(campaign.run_campaign(small, tmp_path / "two", jobs=2)) == whole
    campaign.run_campaign(small, tmp_path / "old", seed=1)
    over = content(campaign.run_campaign(small, tmp_path / "old"))
    campaign.run_campaign(small, tmp_path / "stopped", seed=1)
    for many in (3, 12):
        left = iter(range(many))

        def stop(_, left=left):
            if next(left, None) is None:
                raise StoppedError

        with pytest.raises(StoppedError):
            campaign.run_campaign(small, tmp_path / "stopped", fresh=many == 3, progress=stop)
    again = campaign.run_campaign(small, tmp_path / "stopped", fresh=False)
    assert content(again) == over
    files = sorted(path.name for path in (tmp_path / "old").glob("*.witness"))
    for name in files:
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "old" / name).read_text()


def test_one_run_at_a_time_works_in_a_folder(small, tmp_path):
    def second(_):
        with pytest.raises(InputError, match="in use by another run"):
            campaign.run_campaign(small, tmp_path)

    campaign.run_campaign(small, tmp_path, progress=second)
