"""A claim of one's own: the true example stands, the false one falls by a witness for the hand."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import sympy
from flint import arb, fmpq
from rich.console import Console
from sharprates.samplers.families import family
from sharprates.theory.claim import Claim, Kind, Relation
from sharprates.theory.hypotheses import EQUAL_STEPS, EXACT, FIRST_HITTING, NO_LEFTOVER, STEP_LAW
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import constant, symbol
from sharprates.verification import user_claim, witness
from sharprates.verification.adversary.hunt import Effort
from sharprates.verification.cli import app
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.reports.verify import explain
from sharprates.verification.status import read_evidence, write_claims
from sharprates.verification.user_claim import Bound, load_claim, property_check, verify_own
from sharprates.verification.verdict import Verdict
from typer.testing import CliRunner

QUICK = Effort(starts=1, moves=2, steps=10, examples=8)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def claim(**changes):
    fields = {
        "id": "MINE",
        "title": "made up",
        "statement": "",
        "measured": Measured.TV,
        "kind": Kind.CONJECTURE,
        "relation": Relation.UPPER,
        "expression": symbol("d") / symbol("K"),
        "hypotheses": (STEP_LAW, EXACT, EQUAL_STEPS),
    }
    return Claim(**{**fields, **changes})


def test_the_true_example_stands(tmp_path):
    found = verify_own(
        load_claim("book.examples.true_claim:UNION"), tmp_path, instances=60, effort=QUICK
    )
    (status,) = found.statuses
    assert status.status.value == "certified"
    assert found.verdict is Verdict.HOLDS
    assert 0.3 < status.worst.ratio <= 1
    assert status.n_counting >= 20
    stream = io.StringIO()
    explain(found, "book.examples.true_claim:UNION", Console(file=stream, width=200))
    assert "no instance refutes it" in stream.getvalue()


def test_the_false_example_falls_by_hand(tmp_path):
    bound = load_claim("book.examples.false_claim:QUARTER")
    found = verify_own(bound, tmp_path, instances=60, effort=QUICK)
    assert found.verdict is Verdict.FAILS
    assert found.statuses[0].status.value == "refuted"
    path = tmp_path / "refutes-QUARTER.witness"
    held = witness.read(path)
    # Two equal symbols of three, both drawn in one step: they agree with probability 1/3, so
    # TV = 2/3, and d/(4K) = 1/2.
    it = held.experiment
    assert it.length == 2
    assert it.vocabulary == 3
    assert len(it.rows) == 3
    assert it.steps == (Fraction(1),)
    assert held.decision.measured.lower == Fraction(2, 3)
    assert held.decision.bound.upper == Fraction(1, 2)
    assert witness.replay(held, bound.claim).verdict is Verdict.FAILS
    with pytest.raises(witness.WitnessError, match="--claim"):
        witness.replay(held)
    stream = io.StringIO()
    explain(found, "a:B", Console(file=stream, width=200))
    assert "2/3" in stream.getvalue()


def test_a_left_side_of_ones_own(tmp_path):
    # 4·TV ≤ d/K is false: copies of three symbols at d = 2, K = 1 have 4·2/3 > 2.
    def fourfold(exact):
        return 4 * exact.tv

    bound = Bound(claim(measured=Measured.OWN), fourfold)
    found = verify_own(bound, tmp_path, instances=60, effort=replace(QUICK, examples=30))
    assert found.verdict is Verdict.FAILS
    held = witness.read(tmp_path / "refutes-MINE.witness")
    assert held.measure == "own"
    assert witness.replay(held, *user_claim.sides(bound)).verdict is Verdict.FAILS
    with pytest.raises(witness.WitnessError, match="left side"):
        witness.replay(held, bound.claim)


def test_constants_have_a_break_even_and_can_be_scaled(tmp_path):
    found = verify_own(Bound(claim()), tmp_path, instances=20, effort=QUICK)
    factor = found.statuses[0].break_even["constant"]
    assert 0 < factor < 1
    scaled = Bound(claim(), scale={"MINE.constant": Fraction(1, 8)})
    assert verify_own(scaled, tmp_path / "s", instances=60, effort=QUICK).verdict is Verdict.FAILS


def test_equalities_need_no_adversary(tmp_path):
    exact = claim(
        relation=Relation.EQUALITY,
        expression=symbol("epsilon_FHS") * 0,
        hypotheses=(FIRST_HITTING,),
    )
    bound = Bound(exact)
    assert user_claim.count(bound) == 1
    found = verify_own(bound, tmp_path, instances=30)  # an erring denoiser has TV > 0
    assert found.verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("measured", "hypotheses"),
    [
        (Measured.FIRST_ORDER, (EXACT,)),
        (Measured.EPSILON_FHS, (FIRST_HITTING,)),
        (Measured.KL, (STEP_LAW, EXACT, NO_LEFTOVER)),
    ],
)
def test_instances_are_of_the_kind_that_the_claim_is_about(measured, hypotheses):
    changes = {"measured": measured, "hypotheses": hypotheses}
    bound = Bound(claim(**changes, expression=symbol("d")))
    seen = user_claim.run_check(property_check(bound), 10)
    assert seen.n == 10
    assert seen.failure is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "MODULE:OBJECT"),
        ("no_such_module:X", "cannot import"),
        ("book.examples.true_claim:NONE", "has no"),
        ("book.examples.true_claim:sympy", "must be a sharprates.theory.claim.Claim"),
        ("sharprates.theory.registry:CLAIMS", "must be a sharprates.theory.claim.Claim"),
        ("sharprates.theory.euler_lower:L2", "worst-case"),
        ("sharprates.theory.forward:F1", "does not give"),
    ],
)
def test_bad_claims_are_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_claim(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "a/../b"}, "names files"),
        ({"id": "E3"}, "the suite has a claim of that id"),
        ({"title": None}, "title is a NoneType"),
        ({"kind": "conjecture"}, "kind is a str"),
        ({"relation": "upper"}, "relation is a str"),
        ({"expression": 1}, "expression is a int"),
        ({"hypotheses": ("exact",)}, "hypothesis is a str"),
        ({"constants": {"constant": 0.5}}, "constant constant is a float"),
        ({"constants": {"half": sympy.Rational(1, 2)}}, "its formula has no MINE.half"),
        ({"constants": {"constant": sympy.Rational(1, 2)}}, "leave MINE.constant out"),
        ({"expression": constant("MINE") * symbol("d")}, "leave MINE.constant out"),
        ({"expression": sympy.Symbol("foo")}, "does not give foo"),
    ],
)
def test_malformed_claims(monkeypatch, changes, message):
    monkeypatch.setattr("book.examples.true_claim.UNION", claim(**changes))
    with pytest.raises(ValueError, match=message):
        load_claim("book.examples.true_claim:UNION")


def test_a_bound_without_a_claim(monkeypatch):
    monkeypatch.setattr("book.examples.true_claim.UNION", Bound("text"))
    with pytest.raises(ValueError, match=r"needs a sharprates\.theory\.claim\.Claim"):
        load_claim("book.examples.true_claim:UNION")


def test_a_scale_of_ones_own_is_kept(monkeypatch):
    third = Bound(claim(), scale={"MINE.constant": Fraction(1, 3)})
    monkeypatch.setattr("book.examples.true_claim.UNION", third)
    assert load_claim("book.examples.true_claim:UNION").scale == third.scale
    half = {"MINE.constant": Fraction(1, 2)}
    assert load_claim("book.examples.true_claim:UNION", half).scale == half


OWN = claim(measured=Measured.OWN)


def raising(_):
    raise RuntimeError("boom\nand more")


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (raising, "its left side raises RuntimeError: boom at d="),
        (lambda _: float("nan"), "left side is a float; it must be exact"),
        (lambda _: None, "left side is a NoneType"),
        (lambda _: arb("nan"), "a side has no value"),
    ],
)
def test_a_left_side_that_fails_is_one_line(tmp_path, measure, message):
    with pytest.raises(ValueError, match=message) as caught:
        verify_own(Bound(OWN, measure), tmp_path, instances=5, effort=QUICK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (1 / (symbol("K") - 1), "a side has no value .*K=1"),
        (sympy.log(symbol("K") - 1), "a side has no value .*K=1"),
        (sympy.sqrt(symbol("d") - 9), "square root of -"),
        (symbol("w") / symbol("K"), "cannot be evaluated"),
    ],
)
def test_a_formula_without_a_value_is_one_line(tmp_path, expression, message):
    bound = Bound(claim(expression=expression))
    with pytest.raises(ValueError, match=message):
        verify_own(bound, tmp_path, instances=20, effort=QUICK)


def test_a_fraction_is_taken_exactly():
    left = Bound(OWN, lambda _: Fraction(1, 3)).left
    assert left(ExactQuantities(exact_experiment(family("copies:2:2")))) == fmpq(1, 3)


def test_a_trivial_bound_shows_nothing(tmp_path):
    trivial = Bound(claim(expression=2 * symbol("d")))
    found = verify_own(trivial, tmp_path, instances=10, effort=QUICK)
    assert found.statuses[0].status.value == "untested"
    assert found.verdict is Verdict.UNDECIDED
    stream = io.StringIO()
    explain(found, "a:B", Console(file=stream, width=200))
    assert "says nothing on any" in stream.getvalue()


def test_an_infinite_divergence_refutes():
    hypotheses = (STEP_LAW, EXACT)
    bound = Bound(claim(measured=Measured.KL, expression=symbol("d"), hypotheses=hypotheses))
    never = exact_experiment(family("copies:2:2"), steps=(Fraction(0),))
    held = witness.from_text(witness.to_text(user_claim._witness(bound, never)))
    assert held.decision.measured.lower == float("inf")
    assert witness.replay(held, bound.claim).verdict is Verdict.FAILS


def test_an_infinite_ratio_can_be_written(tmp_path):
    nothing = Bound(claim(expression=0 * symbol("d")))
    found = verify_own(nothing, tmp_path, instances=20, effort=QUICK)
    write_claims(tmp_path / "claims.json", found.statuses, found.manifest)
    assert read_evidence(tmp_path / "claims.json")[-1].ratio is None


def test_a_changed_claim_takes_over_the_instance_alone(tmp_path):
    first = verify_own(Bound(claim()), tmp_path, instances=5, effort=QUICK)
    halved = Bound(claim(expression=symbol("d") / symbol("K") / 2))
    second = verify_own(halved, tmp_path, instances=5, effort=QUICK, fresh=False)
    before, after = (one.statuses[0].evidence[-1].ratio for one in (first, second))
    assert after >= 2 * before * (1 - 1e-9)
    held = witness.read(tmp_path / "worst-MINE.witness")
    witness.replay(held, halved.claim)


def test_unknown_scales():
    with pytest.raises(ValueError, match="no constant of UNION"):
        load_claim("book.examples.true_claim:UNION", {"UNION.factor": Fraction(1)})


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (Bound(claim(measured="TV")), r"measured is a str; it must be a .*\.Measured"),
        (Bound(claim(), "nonsense"), r"a Bound has a function `measure` if .* Measured\.TV"),
        (Bound(claim(), lambda _: 1), "a Bound has a function `measure` if"),
        (Bound(claim(measured=Measured.OWN)), "a Bound has a function `measure` if"),
        (
            Bound(claim(measured=Measured.SCORE)),
            "does not give Measured.SCORE, but",
        ),
    ],
)
def test_unknown_left_sides(monkeypatch, bound, message):
    monkeypatch.setattr("book.examples.true_claim.UNION", bound)
    with pytest.raises(ValueError, match=message):
        load_claim("book.examples.true_claim:UNION")


def test_a_claim_that_applies_to_nothing():
    never = claim(hypotheses=(FIRST_HITTING, EQUAL_STEPS))
    with pytest.raises(ValueError, match="applies to nothing"):
        user_claim.examples(Bound(never))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--claim a:B --adversary", "--claim: has no use for --adversary"),
        ("--claim a:B --claims E3 --deep", "--claim: has no use for --claims, --deep"),
        ("--witness w --scale E3.constant=2", "--witness: has no use for --scale"),
        ("--resume", "verify: has no use for --resume"),
    ],
)
def test_options_that_would_do_nothing(options, message):
    run = CliRunner().invoke(app, ["verify", *options.split()])
    assert isinstance(run.exception, ValueError)
    assert message in str(run.exception)


def test_command_line(tmp_path):
    runner = CliRunner()
    out = str(tmp_path / "out")
    text = "book.examples.false_claim:QUARTER"
    json = tmp_path / "claim.json"
    run = runner.invoke(app, ["verify", "--claim", text, "--out", out, "--json", str(json)])
    assert run.exit_code == 1
    assert "Check by hand" in run.output
    assert json.exists()
    path = f"{out}/refutes-QUARTER.witness"
    run = runner.invoke(app, ["verify", "--claim", text, "--witness", path])
    assert run.exit_code == 1
    assert "fails" in run.output
