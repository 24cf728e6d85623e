"""What a check is said to have tried is what its examples were."""

from fractions import Fraction

from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import Schedule
from sharprates.theory.claim import Relation
from sharprates.verification.checks.check import Check, formula, run_check, trial_of
from sharprates.verification.checks.choices import SurestFirst
from sharprates.verification.checks.reach import Tally, asked
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Reach
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.strategies import Perturbed

HALF = Fraction(1, 2)


def reach_of(*examples: Example) -> Reach:
    tally = Tally("E3")
    for example in examples:
        tally.add(example.experiment, example.parameters)
    return tally.reach()


def test_sizes_and_kinds_of_instances() -> None:
    copies, point = families.family("copies:3:2"), families.family("point-mass:1:4")
    found = reach_of(
        Example.of(exact_experiment(copies, steps=(HALF, HALF))),
        Example.of(exact_experiment(point, steps=(Fraction(1, 3),)), seed=7, eta=HALF),
    )
    assert found.sizes == {"d": (1, 3), "S": (2, 4), "K": (1, 2), "eta": (0.5, 0.5)}
    assert found.kinds["q_0"] == ("copies", "point-mass")
    assert found.kinds["denoiser"] == ("exact",)
    assert found.kinds["steps"] == ("equal", "unequal", "with leftover", "without leftover")


def test_a_law_without_a_sampler_has_no_steps() -> None:
    found = reach_of(Example.of(exact_experiment(families.family("parity:3:2"))))
    assert found.kinds == {"q_0": ("parity",)}


def test_scenarios_tell_clock_rule_and_how_the_denoiser_errs() -> None:
    target = families.family("copies:2:2")
    erring = Perturbed(ExactDenoiser(target), mass=0.5, slope=3.0)
    schedule = Schedule("euler", "cosine", "uniform", 5, delta=0.125)
    found = reach_of(Example.of(Experiment(target, erring, ParallelSampler(2, schedule))))
    assert found.kinds["denoiser"] == ("errs", "unnormalised", "varies in time")
    assert found.kinds["clock"] == ("cosine",)
    assert found.kinds["rule"] == ("euler",)
    assert found.sizes["K"] == (5, 5)


def test_parameters() -> None:
    found = reach_of(
        Example.of(family="pairs:64:7", _values={"d": 64, "S": 7}, left=0.01, K=40),
        Example.of(w=(HALF, HALF), pi=(HALF, HALF), convention="first", zero=True),
        Example.of(rules=("threshold", SurestFirst())),
    )
    assert found.sizes == {
        **{"d": (64, 64), "S": (7, 7), "left": (0.01, 0.01), "K": (2, 40)},
        "number of pi": (2, 2),
    }
    assert found.kinds == {
        "q_0": ("pairs",),
        "convention": ("first",),
        "zero": ("True",),
        "rules": ("SurestFirst", "threshold"),
    }


def test_forms_are_those_of_the_claim_that_were_evaluated() -> None:
    def trial(example: Example, mutant: Mutant) -> Trial:
        formula("E6", None, {"d": 2, "K": 4}, mutant)  # of another claim
        value = formula("E7", "rank-distance", {"d": 2, "K": example["K"]}, mutant)
        return trial_of(example, Relation.UPPER, [(0, value)], counts=True)

    check = Check("E7", "a part", lambda _: [Example.of(K=K) for K in (4, 9)], trial)
    found = run_check(check)
    assert found.reach.forms == ("rank-distance",)
    assert found.reach.sizes == {"K": (4, 9)}
    asked("E7", None)  # outside a check nobody listens
