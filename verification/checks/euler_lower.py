"""Checks of L0–L7 and X1."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import torch
from hypothesis import strategies as st

from samplers import families, structured
from samplers.step_law import StepLaw
from theory.claim import Relation
from verification import strategies as some
from verification.arithmetic import Interval, ball, interval
from verification.checks.check import (
    Check,
    Evaluate,
    Example,
    Method,
    Mutant,
    Trial,
    changed,
    formula,
    on_instances,
    tightened,
)
from verification.checks.torch_runs import on_scenarios
from verification.instance import Exact, Instance

Parameters = dict[str, int]
Members = dict[str, Parameters]


def of_family(text: str, parameters: Parameters) -> Callable[[Any], Example]:
    """A step law → an example on the family, with the parameters that its formula asks for."""
    target = families.family(text)
    return lambda w: Example(Instance.of(target, steps=w), {"family": text, **parameters})


def family_examples(
    members: Members, leftover: bool = True, uniform: bool = False
) -> st.SearchStrategy[Example]:
    """Members of a family with random step laws."""
    steps = some.uniform_steps(8) if uniform else some.step_weights(6, leftover)
    return st.one_of(*(steps.map(of_family(text, them)) for text, them in members.items()))


def on_family(claim_id: str, variant: str | None, *names: str) -> Evaluate:
    """The exact value on a family: an equality there; `names` are its parameters."""
    return on_instances(
        claim_id,
        Exact.total_variation,
        variant,
        relation=Relation.EQUALITY,
        extra=lambda example, _: {name: example[name] for name in names},
    )


def every_law(claim_id: str, variant: str, *names: str) -> Evaluate:
    """The bound for every step law, on the family that has it."""
    return on_instances(
        claim_id,
        Exact.total_variation,
        variant,
        extra=lambda example, _: {name: example[name] for name in names},
    )


MORE_SYMBOLS = changed("S + 1 for S", S=lambda S: S + 1)
LEFTOVER_FORGOTTEN = changed("leftover forgotten", w=lambda w: [x / (sum(w) or 1) for x in w])
BACKWARDS = changed("the steps in reverse order", w=lambda w: w[::-1])

# --- at any length --------------------------------------------------------------------------------


def _long(claim_id: str, variant: str | None = None) -> Evaluate:
    """The recursion over steps of `samplers.structured` against the formula, at any length."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        w = random_law(example["seed"], example["K"], example["left"])
        found = structured.structured_tv(example["family"], w).tv
        values = {**example["_values"], "w": [ball(x) for x in w.weights.tolist()]}
        value = interval(formula(claim_id, variant, values, mutant))
        measured = Interval.around(found, 1e-10 * found)
        return Trial(example, Relation.EQUALITY, ((measured, value),), found > 0)

    return trial


def random_law(seed: int, steps: int, left: float) -> StepLaw:
    """A step law with exponential weights, of which a share is left over."""
    rng = random.Random(seed)
    raw = [rng.expovariate(1) for _ in range(steps)]
    weights = torch.tensor([(1 - left) * x / sum(raw) for x in raw], dtype=torch.float64)
    return StepLaw.from_weights(weights)


def long_examples(members: Members, steps: int = 40) -> Callable[[int], Iterator[Example]]:
    """Long members of a family, each with and without leftover."""

    def examples(_: int) -> Iterator[Example]:
        for number, (text, values) in enumerate(members.items()):
            for left in (0.0, 0.01):
                yield Example.of(family=text, _values=values, K=steps, seed=number, left=left)

    return examples


PAIRS: Members = {f"pairs:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (5, 2))}
COPIES: Members = {f"copies:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 3), (5, 2))}
SHARED: Members = {
    f"shared-symbols:{d}:{b}": {"b": b} for d, b in ((2, 2), (3, 2), (2, 5), (3, 3), (4, 2))
}
CODES: Members = {
    f"mds:{d}:{k}:{S}": {"k": k} for d, k, S in ((3, 2, 2), (4, 2, 3), (3, 1, 2), (4, 3, 3))
}
PARITY: Members = {f"parity:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 2), (3, 3), (5, 2))}

CHECKS = (
    Check(
        "L0",
        "any law, any denoiser, steps with leftover",
        Method.CERTIFIED,
        on_instances("L0", Exact.total_variation),
        some.instances(steps=st.one_of(some.random_steps(), some.mostly_left()), erring=True).map(
            Example.of
        ),
        mutants=(tightened("L0"),),
    ),
    Check(
        "L0",
        "every clock, grid and rule",
        Method.TESTED,
        on_scenarios("L0"),
        some.scenarios(time_free=True).map(lambda it: Example.of(scenario=it)),
        mutants=(tightened("L0"),),
    ),
    Check(
        "L1",
        "pairs, any step law",
        Method.CERTIFIED,
        on_family("L1", None),
        family_examples(PAIRS),
        mutants=(MORE_SYMBOLS, LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L1",
        "pairs: the bound for every step law",
        Method.CERTIFIED,
        every_law("L1", "every-law"),
        family_examples(PAIRS),
        mutants=(
            Mutant("L1.constant × 1.01", {"L1.constant": Fraction(101, 100)}),
            changed("K − 1 for K", K=lambda K: max(1, K - 1)),
        ),
    ),
    Check(
        "L1",
        "pairs up to d = 4096",
        Method.TESTED,
        _long("L1"),
        long_examples(
            {f"pairs:{d}:{S}": {"d": d, "S": S} for d, S in ((64, 2), (65, 50257), (4096, 7))}
        ),
        mutants=(MORE_SYMBOLS, LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L2",
        "copies, any step law",
        Method.CERTIFIED,
        on_family("L2", None),
        family_examples(COPIES),
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L2",
        "copies up to d = 1024",
        Method.TESTED,
        _long("L2"),
        long_examples(
            {f"copies:{d}:{S}": {"d": d, "S": S} for d, S in ((64, 2), (65, 97), (1024, 3))}
        ),
        mutants=(BACKWARDS,),
    ),
    Check(
        "L3",
        "shared symbols, any step law",
        Method.CERTIFIED,
        on_family("L3", None, "b"),
        family_examples(SHARED),
        mutants=(changed("b + 1 for b", b=lambda b: b + 1), LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L3",
        "shared symbols: the closed form at the uniform law",
        Method.CERTIFIED,
        on_family("L3", "uniform", "b"),
        family_examples(SHARED, uniform=True),
        mutants=(changed("K + 1 for K", K=lambda K: K + 1),),
    ),
    Check(
        "L3",
        "shared symbols: the bound for every step law",
        Method.CERTIFIED,
        every_law("L3", "every-law", "b"),
        family_examples(SHARED),
        mutants=(Mutant("L3.constant × 1.01", {"L3.constant": Fraction(101, 100)}),),
    ),
    Check(
        "L3",
        "shared symbols up to d = 64",
        Method.TESTED,
        _long("L3"),
        long_examples(
            {
                f"shared-symbols:{d}:{b}": {"d": d, "b": b}
                for d, b in ((8, 2), (16, 3), (64, 2), (64, 100))
            }
        ),
        mutants=(LEFTOVER_FORGOTTEN,),
    ),
    Check(
        "L4",
        "MDS codes, any step law",
        Method.CERTIFIED,
        on_family("L4", None, "k"),
        family_examples(CODES),
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L4",
        "parity, any step law without leftover",
        Method.CERTIFIED,
        on_family("L4", "parity"),
        family_examples(PARITY, leftover=False),
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L4",
        "MDS codes up to d = 64",
        Method.TESTED,
        _long("L4"),
        long_examples(
            {
                f"mds:{d}:{k}:{S}": {"d": d, "k": k, "S": S}
                for d, k, S in ((16, 8, 17), (32, 31, 2), (64, 16, 67))
            },
            steps=24,
        ),
        mutants=(BACKWARDS,),
    ),
)
