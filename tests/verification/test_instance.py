"""An instance from its text: read back as it was, and decided in every form that says something."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.theory.registry import CLAIMS
from sharprates.verification import strategies
from sharprates.verification.decide import decide
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.instance import open_instance, opens, read_instance, values
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import Verdict

ANY = st.one_of(
    strategies.instances(erring=True),
    strategies.one_by_one(),
    strategies.laws().map(exact_experiment),
    st.tuples(strategies.laws(), strategies.grids()).map(
        lambda pair: exact_experiment(pair[0], grid=pair[1])
    ),
)


@given(ANY)
def test_what_is_written_is_read(experiment: Experiment) -> None:
    text = str(experiment)
    again = read_instance(text)
    assert str(again) == text
    if again.target.family is not None:  # of some families the name alone is no member
        again_family = again.target.family.name
        assert experiment.target.family is not None
        assert again_family == experiment.target.family.name
    for part in ("rows", "weights", "steps", "blocks", "grid", "predictions"):
        assert getattr(again, part) == getattr(experiment, part)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("copies:2:3 equal K=2", "copies:2:3"),
        ("d=2 S=3 copies equal K=2", "copies:2:3"),
        ("d=2 S=2 uniform equal K=2", "uniform:2:2"),
        ("d=3 S=4 shared-symbols blocks=(1 2)", "shared-symbols:3:2"),
        ("d=4 S=2 groups w=(1/2 1/2)", "groups:4:2"),
        ("d=2 S=128 copies q0=[uniform on 128 rows] equal K=2, b=128", "copies:2:128"),
        ("d=3 S=2 mds equal K=3, family=mds:3:1:2, k=1", "mds:3:1:2"),
        ("parity:3:2 euler constant T=3 K=4 fill", "parity:3:2"),
    ],
)
def test_a_family_is_known_by_its_name(text: str, name: str) -> None:
    target = read_instance(text).target
    assert str(target.family) == name
    assert target.fractions == family(name).fractions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no data law"),
        ("equal K=3", "has no data law"),
        ("S=2 q0=[0:1]", "has no d"),
        ("d=1 q0=[0:1]", "has no S"),
        ("d=1 S=2 q0=[0:1", "not closed"),
        ("d=1 S=2 q0=[0:1/2 1:1/3]", "sum to 1"),
        ("d=1 S=2 q0=[0:1/2 0:1/2]", "distinct rows"),
        ("d=2 S=2 q0=[0:1]", "rows of d = 2 digits"),
        ("d=1 S=2 q0=[2:1]", "must lie in 0..1"),
        ("d=1 S=2 q0=[0:1/0]", "division by zero"),
        ("d=1 S=11 q0=[0:1]", "S = 11 symbols are not"),
        ("d=2 S=2 q0=[uniform on 4 rows]", "which rows"),
        ("d=3 S=2 mds equal K=3", "names 3 laws"),
        ("d=2 S=2 nonsense equal K=3", "names 0 laws"),
        ("nonsense:2:2", "no family is called 'nonsense'"),
        ("copies:2:2 equal K=0", "1 to 100000 steps"),
        ("copies:2:2 equal K=1000000", "1 to 100000 steps"),
        ("copies:2:2 K=3", "'equal' before"),
        ("copies:2:2 euler T=1 K=3", "a rule and a clock"),
        ("copies:2:2 euler sundial T=1 K=3", "sundial"),
        ("copies:2:2 w=(2/3 2/3)", "at most 1"),
        ("copies:2:2 w=(1/2 1/2) blocks=(1 1)", "one of steps"),
        ("copies:2:2 w=(1) w=(1)", "cannot read 'w=(1)'"),
        ("copies:2:2 x=3", "cannot read 'x=3'"),
        ("copies:2:2 pairs:2:2", "cannot read 'copies:2:2 pairs:2:2'"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=r"^instance ") as caught:
        read_instance(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


COPIES = read_instance("copies:2:2 equal K=3")


def test_both_sides_are_those_of_the_claim() -> None:
    found = {one.variant: one for one in open_instance(CLAIMS["E3"], COPIES)}
    main = found[None].decision
    assert main is not None
    # by hand: both tokens share a step with chance 1/3 and are then wrong half the time
    assert (main.measured.lower, main.bound.lower) == (Fraction(1, 6), Fraction(1, 3))
    assert main.verdict is Verdict.HOLDS
    assert decide(CLAIMS["E3"], lambda: ExactQuantities(COPIES)).sides == main.sides
    numbers = values(CLAIMS["E3"], COPIES, list(found.values()))
    assert numbers["K"] == 3


def test_a_tightened_constant_fails() -> None:
    (main, *_) = open_instance(CLAIMS["E5"], COPIES, {"E5.constant": Fraction(1, 10)})
    assert main.decision is not None
    assert main.decision.verdict is Verdict.FAILS


def test_the_parameters_of_a_family_are_known() -> None:
    (main, *_) = open_instance(CLAIMS["L6"], read_instance("groups:4:2 equal K=3"))
    assert main.decision is not None
    assert main.decision.verdict is Verdict.HOLDS


@pytest.mark.parametrize(
    ("claim", "text", "message"),
    [
        ("F1", "copies:2:2", "which one instance alone does not have"),
        ("P1", "copies:2:2 equal K=2", "is about policies"),
        ("H3", "point-mass:2:2 blocks=(1 1)", "asks for eta"),
        ("E5", "copies:2:2", "needs steps"),
        ("E5", "uniform:6:8 equal K=2", "too much to decide exactly"),
    ],
)
def test_a_claim_that_says_nothing_says_why(claim: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_instance(CLAIMS[claim], read_instance(text))


def test_what_opens() -> None:
    assert opens(CLAIMS["E9"], "copies:2:2")
    assert not opens(CLAIMS["E9"], "copies:2:3")
    assert not opens(CLAIMS["E7"], "S=256")


SMALL = st.one_of(
    strategies.instances(strategies.laws(max_length=3), erring=True),
    strategies.one_by_one(),
    strategies.laws(max_length=3).map(exact_experiment),
    st.tuples(strategies.laws(max_length=3), strategies.grids(max_steps=3)).map(
        lambda pair: exact_experiment(pair[0], grid=pair[1])
    ),
)
"""Of each kind that a text can name."""


@pytest.mark.parametrize("claim_id", CLAIMS)
@settings(max_examples=20, deadline=None)
@given(experiment=SMALL)
def test_no_claim_fails_where_it_says_that_it_applies(
    claim_id: str, experiment: Experiment
) -> None:
    try:
        found = open_instance(CLAIMS[claim_id], experiment)
    except InputError:
        return
    for one in found:
        assert one.decision is None or one.decision.verdict is Verdict.HOLDS, one
