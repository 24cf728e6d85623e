"""Witness files: what is written is read back, replayed exactly, and tampering is found."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.samplers.schedule import Schedule
from sharprates.theory.claim import Claim, Kind, Relation
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.theory.symbols import symbol
from sharprates.verification import witness
from sharprates.verification.arithmetic import Interval
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows
from sharprates.verification.experiment import Experiment
from sharprates.verification.journal import VALUES
from sharprates.verification.verdict import Decision, Verdict
from sharprates.verification.witness import WitnessError

HALF = Fraction(1, 2)
FALSE_E3 = {"E3.constant": Fraction(99, 100)}


def copies(**schedule):
    return exact_experiment(family("copies:2:2"), **schedule)


def test_by_hand():
    # Two equal fair bits, both revealed in one step: half of the output mass is 01 and 10.
    found = witness.decide_on(CLAIMS["E3"], copies(steps=(Fraction(1),)))
    assert found.measured.lower == found.measured.upper == HALF
    assert found.bound.lower == found.bound.upper == 1
    assert found.verdict is Verdict.HOLDS


def shared():
    """Two tokens with one shared symbol of 128: E3's constant is nearly attained."""
    return exact_experiment(family("shared-symbols:2:128"), steps=(HALF, HALF))


def test_a_tightened_constant_fails_exactly():
    found = witness.decide_on(CLAIMS["E3"], shared(), scale=FALSE_E3)
    assert found.verdict is Verdict.FAILS
    assert found.measured.lower == Fraction(127, 256)
    assert found.bound.upper == Fraction(99, 200)
    assert witness.decide_on(CLAIMS["E3"], shared()).verdict is Verdict.HOLDS


def test_an_irrational_side_is_enclosed_and_equality_is_no_failure():
    # E5's log S form is attained by copies at K = 1: 1 − exp(−log 2) = 1/2.
    found = witness.decide_on(CLAIMS["E5"], copies(steps=(Fraction(1),)), variant="vocabulary")
    assert found.bound.lower < HALF < found.bound.upper
    assert found.bound.width < 1e-100
    assert found.verdict is Verdict.HOLDS
    scale = {"E5.constant": Fraction(10**9 - 1, 10**9)}
    tighter = witness.decide_on(
        CLAIMS["E5"], copies(steps=(Fraction(1),)), variant="vocabulary", scale=scale
    )
    assert tighter.verdict is Verdict.FAILS


def instances():
    prediction = {((2, 0), 0): (Fraction(1, 3), Fraction(2, 3))}
    return [
        ("E3", copies(steps=(Fraction(1, 3), Fraction(1, 2)))),
        ("E3", copies(steps=(Fraction(1, 7),) * 7, predictions=prediction)),
        ("E2", copies(grid=Schedule("euler", "constant", "uniform", 6, Fraction(5)))),
        (
            "E1",
            copies(
                grid=Schedule("ancestral", "cosine", "uniform", 5, Fraction(1), last_step="fill")
            ),
        ),
        ("H2", copies(blocks=(1, 1), predictions=prediction)),
        ("X1", exact_experiment(family("permutations:3:3"))),
        ("KL2", copies(steps=(HALF, HALF))),
    ]


@pytest.mark.parametrize(("claim", "instance"), instances())
def test_written_and_read_back(tmp_path, claim, instance):
    path = tmp_path / "one.witness"
    made = witness.make(CLAIMS[claim], instance, remark=("a line", "another"))
    witness.write(made, path)
    again = witness.read(path)
    assert again.experiment == instance
    assert again.remark == made.remark
    assert witness.to_text(again) == path.read_text()
    assert witness.replay(again).verdict is made.decision.verdict is Verdict.HOLDS


@cache
def refuting():
    return witness.to_text(witness.make(CLAIMS["E3"], shared(), scale=FALSE_E3))


def signed(text):
    """The text with a checksum that fits it, as a careful forger would write it."""
    body = text.rpartition("sha256: ")[0]
    return f"{body}sha256: {hashlib.sha256(body.encode()).hexdigest()}\n"


@given(st.data())
def test_any_changed_character_is_found(data):
    text = refuting()
    place = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.sampled_from([c for c in "0123456789 /#:=" if c != text[place]]))
    with pytest.raises(WitnessError, match=r"checksum|no witness"):
        witness.from_text(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("measured: 127/256", "measured: 128/256"),
        ("bound: 99/200", "bound: 98/200"),
        ("verdict: fails", "verdict: holds"),
        ("E3.constant=99/100", "E3.constant=98/100"),
        ("equal: 2", "equal: 3"),
    ],
)
def test_a_forged_checksum_does_not_help(old, new):
    text = refuting()
    assert old in text
    with pytest.raises(WitnessError, match=r"does not reproduce|its numbers say"):
        witness.replay(witness.from_text(signed(text.replace(old, new))))


def test_a_widened_enclosure_does_not_help():
    # E5's bound is irrational: an interval that holds it, and more, is not what was written
    text = witness.to_text(witness.make(CLAIMS["E5"], copies(steps=(HALF, HALF))))
    (line,) = (line for line in text.splitlines() if line.startswith("bound: "))
    forged = witness.from_text(signed(text.replace(line, f"{line.rpartition(' ')[0]} 0.9")))
    with pytest.raises(WitnessError, match="does not reproduce"):
        witness.replay(forged)


def test_an_instance_to_which_the_claim_does_not_apply_shows_nothing():
    found = witness.make(CLAIMS["E9"], exact_experiment(family("copies:2:3")))
    assert found.decision.verdict is Verdict.FAILS
    with pytest.raises(WitnessError, match="needs S = 2"):
        witness.replay(found)


def test_another_left_side_shows_nothing():
    found = replace(witness.make(CLAIMS["E9"], copies()), measure="score-error")
    with pytest.raises(WitnessError, match="not the left side of E9"):
        witness.replay(found)


GOOD = witness.to_text(witness.make(CLAIMS["E3"], copies(steps=(HALF, HALF))))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no witness file"),
        ("sharprates-witness 2\nsha256: 0\n", "no witness file"),
        (signed(GOOD.replace("witness 1", "witness 10")), "no witness file"),
        (b"\xff\xfe\x00", "not a text file"),
        (signed(GOOD.replace("E3", "Z9").replace("relation: upper\n", "")), "an older version's"),
        (signed(GOOD.replace("claim: E3\n", "")), "one line 'claim'"),
        (signed(GOOD.replace("claim: E3\n", "claim: E3\nfoo: 1\n")), "cannot read the line"),
        (signed(GOOD.replace("= 1/2", "= 1/0")), "0"),
        (signed(GOOD.replace("= 1/2", "= x")), "x"),
        (signed(GOOD.replace("= 1/2", "= 1/" + "9" * 30_000)), "of 30002 characters"),
        (signed(GOOD.replace("0 0 = 1/2", "0 0 = 0").replace("= 1/2", "= 1")), "must be positive"),
        (signed(GOOD.replace("= 1/2", "= 1/3")), "sum to 1"),
        (signed(GOOD.replace("row: 0 0 =", "row: 0 5 =")), "must lie in 0..1"),
        (signed(GOOD.replace("row: 0 0 =", "row: 1 1 =")), "distinct rows"),
        (signed(GOOD.replace("vocabulary: 2", "vocabulary: two")), "two"),
        (signed(GOOD.replace("equal: 2", "grid: euler 3")), "unpack"),
        (signed(GOOD.replace("equal: 2", "equal: 2\nblocks: 2")), "one of steps"),
        (signed(GOOD.replace("equal: 2", "steps: 2 -1")), "sum at most 1"),
        (signed(GOOD.replace("equal: 2", "equal: 999999999999")), "100000 steps"),
        (
            signed(GOOD.replace("equal: 2", "grid: euler linear 1 999999999999 leave")),
            "100000 steps",
        ),
        (signed(GOOD.replace("equal: 2", "steps: 1e-999999999")), "power of ten"),
        (signed(GOOD.replace("measured: 1/4", "measured: ")), "one number or two"),
        ("#" * (1 << 21), "longer"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, content, message):
    path = tmp_path / "bad"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WitnessError, match=message) as caught:
        witness.read(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(WitnessError, match="no such file"):
        witness.read(tmp_path / "none")


def mine(bound):
    return Claim(
        id="MINE",
        title="TV of copies",
        statement="",
        measured=Measured.TV,
        kind=Kind.CONJECTURE,
        relation=Relation.UPPER,
        expression=bound,
    )


def test_a_claim_of_ones_own_is_needed_again():
    own = mine(1 / (2 * symbol("K")) + sympy.Integer(0))
    made = witness.make(own, copies(steps=(HALF, HALF)))
    assert made.decision.verdict is Verdict.HOLDS
    with pytest.raises(WitnessError, match="--claim"):
        witness.replay(made)
    assert witness.replay(made, own).verdict is Verdict.HOLDS


def test_a_left_side_of_ones_own_is_needed_again():
    own = replace(mine(1 / (2 * symbol("K")) + sympy.Integer(0)), measured=Measured.OWN)

    def left(numbers):
        return numbers.tv

    made = witness.make(own, copies(steps=(HALF, HALF)), left=left)
    assert made.measure == "own"
    with pytest.raises(WitnessError, match="the left side of MINE is not known here"):
        witness.replay(made, own)
    assert witness.replay(made, own, left).verdict is Verdict.HOLDS


def test_an_instance_that_is_too_large():
    with pytest.raises(ValueError, match="fewer or shorter rows"):
        witness.decide_on(
            CLAIMS["E3"], exact_experiment(family("copies:16:2"), steps=(Fraction(1),))
        )
    many = experiment_on_rows(10**11, ((0, 0),), (Fraction(1),), steps=(Fraction(1),))
    with pytest.raises(ValueError, match="fewer symbols"):
        witness.decide_on(CLAIMS["E3"], many)


def test_a_value_that_no_instance_has():
    with pytest.raises(ValueError, match="does not give"):
        witness.decide_on(CLAIMS["F1"], copies())


def test_reading_witnesses_loads_neither_networks_nor_audits_nor_tables() -> None:
    code = (
        "import sys; import sharprates.verification.witness\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] == 'rich' or name in "
        "('sharprates.samplers.network', 'sharprates.verification.audit')]\n"
        "assert not loaded, loaded"
    )
    path = os.pathsep.join(filter(os.path.isabs, sys.path))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def forged(family_line: str, weights: str = "1/4") -> str:
    rows = "".join(f"row: {a} {b} = {weights}\n" for a in (0, 1) for b in (0, 1))
    body = f"{witness.HEADER}\nclaim: L1\nmeasure: tv\nvocabulary: 2\n{rows}{family_line}equal: 1\n"
    return signed(f"{body}measured: 0\nbound: 1/2\nverdict: fails\nsha256: \n")


def test_a_family_is_not_believed():
    """Uniform rows that call themselves copies would refute what holds for copies alone."""
    with pytest.raises(WitnessError, match="not those of the family copies:2:2"):
        witness.from_text(forged("family: copies d=2 S=2\n"))
    with pytest.raises(WitnessError, match="not those of the family copies:3:2"):
        witness.from_text(forged("family: copies d=3 S=2\n"))
    # no member of a family: then nothing is claimed of it
    for line in ("family: copies\n", "family: copies d=0 S=2\n", "family: nobody d=2 S=2\n"):
        assert witness.from_text(forged(line)).experiment.target.family is None
    assert str(witness.from_text(forged("family: uniform d=2 S=2\n")).experiment.target.family)


def test_a_scale_is_one_positive_factor():
    for lines in ("scale: E3.constant=0\n", "scale: E3.constant=1\nscale: E3.constant=1/2\n"):
        text = refuting().replace("scale: E3.constant=99/100\n", lines)
        with pytest.raises(WitnessError, match="one positive factor"):
            witness.from_text(signed(text))


def test_steps_with_long_denominators_are_too_much_work():
    steps = tuple(Fraction(1, 40_000 + k) for k in range(2_000))
    with pytest.raises(ValueError, match="steps with these denominators are too many"):
        witness.decide_on(CLAIMS["E3"], exact_experiment(family("copies:5:2"), steps=steps))


def jagged(digits, d, count):
    """A law of many rows, half of them with a denominator of their own, and one step."""
    weights = []
    for place in range(count // 2):
        small = Fraction(1, 10**digits + 2 * place + 1)
        weights += [Fraction(1, count) + small, Fraction(1, count) - small]
    rows = [tuple(number >> place & 1 for place in range(d)) for number in range(count)]
    return experiment_on_rows(2, rows, weights, steps=(Fraction(1),))


def test_weights_with_long_denominators_are_too_much_work(tmp_path):
    """64 rows of 2000 digits take minutes, and would be replayed without a word."""
    large = jagged(1_900, 6, 64)
    with pytest.raises(ValueError, match=r"with fractions of [0-9]+ bits"):
        witness.decide_on(CLAIMS["E3"], large)
    decided = witness.make(CLAIMS["E3"], jagged(3, 6, 64))
    witness.write(replace(decided, experiment=large), tmp_path / "long")
    with pytest.raises(WitnessError, match=f"{tmp_path}/long: experiment: 64 rows"):
        witness.recall(tmp_path / "long")


def test_a_measured_number_beyond_all_digits_is_enclosed(tmp_path):
    made = witness.make(CLAIMS["E3"], jagged(1_900, 2, 4))
    assert made.decision.measured.lower == made.decision.measured.upper
    witness.write(made, tmp_path / "long")
    assert witness.recall(tmp_path / "long")[1].verdict is Verdict.HOLDS
    assert "q0=[00:≈0.25 01:≈0.25" in str(made.experiment)


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WitnessError, match="not a regular file"):
        witness.read(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(WitnessError, match="longer than any witness"):
        witness.read(tmp_path / "sparse")


def test_an_enclosure_must_reach_over_the_whole_number():
    text = witness.to_text(witness.make(CLAIMS["E5"], copies(steps=(HALF, HALF))))
    (line,) = (line for line in text.splitlines() if line.startswith("bound: "))
    for end in line.split()[1:]:
        forged = witness.from_text(signed(text.replace(line, f"bound: {end}")))
        with pytest.raises(WitnessError, match="does not reproduce: bound"):
            witness.replay(forged)


def test_numbers_that_leave_the_verdict_open_do_not_stand_for_one():
    own = mine(sympy.Rational(1, 4) - sympy.Rational(1, 10**40))
    made = witness.make(own, copies(steps=(HALF, HALF)))
    assert made.decision.verdict is Verdict.FAILS  # 1/4 against a little less
    wide = Interval(Fraction(1, 4) - Fraction(1, 10**30), Fraction(1, 4))
    open_ = replace(made, decision=Decision(Relation.UPPER, ((wide, wide),)))
    assert open_.decision.verdict is not Verdict.FAILS
    with pytest.raises(WitnessError, match="the verdict is fails"):
        witness.replay(open_, own)


def test_what_is_just_allowed_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(witness, "MOST_STEPS", 50)
    for steps in (50, 51):
        for line in (f"equal: {steps}", f"grid: euler linear 1 {steps} leave"):
            text = signed(GOOD.replace("equal: 2", line))
            if steps == 50:
                assert witness.from_text(text).experiment.setting().steps == 50
            else:
                with pytest.raises(WitnessError, match="needs 1 to 50 steps"):
                    witness.from_text(text)
    with pytest.raises(InputError, match="distinct rows of one length"):
        witness.from_text(signed(GOOD.replace("row: 0 0 =", "row: 0 0 0 =")))
    # a file of a mebibyte, and one of a byte more
    for size, longer in ((1 << 20, False), ((1 << 20) + 1, True)):
        padding = "# " + "x" * (size - len(GOOD.encode()) - 3) + "\n"
        head = f"{witness.HEADER}\n"
        path = tmp_path / str(size)
        path.write_text(signed(GOOD.replace(head, head + padding, 1)), encoding="utf-8")
        assert path.stat().st_size == size
        if longer:
            with pytest.raises(WitnessError, match="longer than any witness"):
                witness.read(path)
        else:
            assert witness.read(path).claim == "E3"


def test_a_form_and_its_relation_stand_on_lines_of_their_own():
    made = witness.make(CLAIMS["E3"], copies(steps=(HALF, HALF)), variant="linear")
    text = witness.to_text(made)
    assert {"variant: linear", "relation: upper"} <= set(text.splitlines())
    assert text.splitlines()[-1].startswith("sha256: ")
    read = witness.from_text(text)
    assert read.variant == "linear"
    assert witness.replay(read).verdict is made.decision.verdict


def test_the_work_on_an_instance_is_counted(monkeypatch):
    monkeypatch.setattr(witness, "LARGEST_WORK", 1000)
    for symbols in (125, 126):  # 2² · 2 products a symbol
        one = experiment_on_rows(symbols, ((0, 0),), (Fraction(1),), steps=(Fraction(1),))
        if symbols == 125:
            assert witness.decide_on(CLAIMS["E3"], one).verdict is Verdict.HOLDS
        else:
            with pytest.raises(ValueError, match="fewer symbols"):
                witness.decide_on(CLAIMS["E3"], one)
    for steps in (250, 251):  # 2² each
        one = copies(steps=(Fraction(1, 256),) * steps)
        if steps == 250:
            assert witness.decide_on(CLAIMS["E3"], one).verdict is Verdict.HOLDS
        else:
            with pytest.raises(ValueError, match="steps with these denominators are too many"):
                witness.decide_on(CLAIMS["E3"], one)


def test_a_journal_holds_experiments_as_these_lines():
    experiment = copies(steps=(HALF, HALF))
    lines = VALUES.unstructure(experiment)
    assert lines == witness.experiment_lines(experiment)
    assert VALUES.structure(lines, Experiment).steps == experiment.steps


THIRD, LITTLE = Fraction(1, 3), Fraction(1, 10**9)


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((THIRD - LITTLE, THIRD + LITTLE), f"0.{'3' * 8}2{'3' * 21} 0.{'3' * 8}4{'3' * 20}4"),
        ((-THIRD, Fraction(0)), f"-0.{'3' * 29}4 0.{'0' * 30}"),
        ((Fraction(0), Fraction(125, 3)), f"0.{'0' * 30} 41.{'6' * 29}7"),
    ],
)
def test_an_enclosure_is_rounded_outwards_to_thirty_places(ends, shown):
    """Hand computation: 1/3 ± 10⁻⁹, −1/3 and 125/3, the nearest decimals below and above."""
    made = witness.make(CLAIMS["E3"], copies(steps=(HALF, HALF)))
    sides = ((Interval.exact(HALF), Interval(*ends)),)
    text = witness.to_text(replace(made, decision=Decision(Relation.UPPER, sides)))
    assert f"bound: {shown}" in text.splitlines()
    assert "measured: 1/2" in text.splitlines()


def test_an_enclosure_holds_both_ends_of_what_is_found_and_no_more_than_four_units():
    made = witness.make(CLAIMS["E5"], copies(steps=(HALF, HALF)))
    low, high = made.decision.bound.lower, made.decision.bound.upper
    unit = Fraction(1, 10**30)
    for ends, enough in (
        ((low, high), True),
        ((low - unit, low), False),
        ((high, high + unit), False),
        ((low, low + 4 * unit), True),
        ((low, low + 5 * unit), False),
    ):
        held = ((made.decision.measured, Interval(*ends)),)
        said = replace(made, decision=Decision(Relation.UPPER, held))
        if enough:
            assert witness.replay(said).verdict is Verdict.HOLDS
        else:
            with pytest.raises(WitnessError, match="does not reproduce: bound"):
                witness.replay(said)


def test_another_claim_is_not_the_one_of_the_file():
    made = witness.make(CLAIMS["E3"], copies(steps=(HALF, HALF)))
    with pytest.raises(WitnessError, match="claim 'E3' is not known here"):
        witness.replay(made, CLAIMS["E5"])


def test_a_side_is_one_number_or_two():
    with pytest.raises(WitnessError, match="one number or two"):
        witness.from_text(signed(GOOD.replace("measured: 1/4", "measured: 1/4 1/4 1/4")))


def test_a_remark_needs_no_blank_and_a_file_no_folder(tmp_path):
    made = witness.make(CLAIMS["E3"], copies(steps=(HALF, HALF)), remark=("near",))
    text = witness.to_text(made)
    assert witness.from_text(signed(text.replace("# near", "#near"))).remark == ("near",)
    witness.write(made, tmp_path / "new" / "one")
    assert (tmp_path / "new" / "one").read_text(encoding="utf-8") == text


def works():
    """Experiments, the work on each counted by hand, and what a refusal says."""
    once = (Fraction(1),)
    # two rows of two bits are 2·2²·2·2 = 32 products, of one word to 31 bits, two to 63
    for power, words in ((30, 1), (31, 2), (61, 2), (63, 3)):
        small = Fraction(1, 2**power)
        law = experiment_on_rows(2, ((0, 0), (1, 1)), (small, 1 - small), steps=once)
        yield law, 32 * words, f"fractions of {power + 1} bits"
    # sixteen steps over two places are 64 products, of one word to 63 bits, two to 127
    for power, words in ((62, 1), (63, 2), (125, 2), (127, 3)):
        yield copies(steps=(Fraction(1, 2**power),) * 16), 64 * words, "16 steps"
    # two rows of three bits are 2·2³·3·2 products
    yield exact_experiment(family("copies:3:2"), steps=once), 96, "2 rows of length 3"
    # of one symbol the 3² pairs of sets are more than 2²·2 products
    yield experiment_on_rows(1, ((0, 0),), once, steps=once), 9, "1 rows of length 2"


@pytest.mark.parametrize(("experiment", "work", "words"), list(works()))
def test_long_fractions_are_counted_as_several_words(monkeypatch, experiment, work, words):
    monkeypatch.setattr(witness, "LARGEST_WORK", work)
    witness.decide_on(CLAIMS["E3"], experiment)
    monkeypatch.setattr(witness, "LARGEST_WORK", work - 1)
    with pytest.raises(ValueError, match=words):
        witness.decide_on(CLAIMS["E3"], experiment)
