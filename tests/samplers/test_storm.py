"""The output law by Storm, a probabilistic model checker: not our code, not our conditionals.

The sampler is given to Storm as a Markov chain over (step, partial state), with conditionals
summed by brute force from q_0 in exact fractions, and solved in exact rational arithmetic. The
probability of an output is the expected number of visits to its last state.
"""

import math
from fractions import Fraction
from itertools import product

import pytest
import torch
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.propagation import propagate
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target

stormpy = pytest.importorskip("stormpy", reason="Storm is an oracle for tests only")


def conditional(q, x, i, S) -> list[Fraction]:
    """q_0(x_i = a | revealed part of x), for each a; mask = S."""
    fit = [(y, w) for y, w in q.items() if all(a in (S, b) for a, b in zip(x, y, strict=True))]
    mass = [sum((w for y, w in fit if y[i] == a), Fraction(0)) for a in range(S)]
    # Off the support of q_0 a convention, the one of `ExactDenoiser` by default.
    return [m / sum(mass) for m in mass] if fit else [Fraction(1, S)] * S


def chain(q, d, S, hazards):
    """States (k, x) as numbered, and the rows of the transition matrix; the sink is last."""
    number, order = {(0, (S,) * d): 0}, [(0, (S,) * d)]
    rows = []
    for k, x in order:  # grows as states are met
        if k == len(hazards):
            rows.append(None)
            continue
        choices = []
        for i, a in enumerate(x):
            if a < S:
                choices.append([(a, Fraction(1))])
            else:
                jump = [(b, hazards[k] * p) for b, p in enumerate(conditional(q, x, i, S))]
                choices.append([c for c in [*jump, (S, 1 - hazards[k])] if c[1]])
        row = {}
        for picked in product(*choices):
            state = (k + 1, tuple(a for a, _ in picked))
            if state not in number:
                number[state] = len(order)
                order.append(state)
            row[number[state]] = math.prod(p for _, p in picked)
        rows.append(row)
    sink = len(order)
    return number, [row or {sink: Fraction(1)} for row in rows] + [{sink: Fraction(1)}]


def storm_law(q, d, S, hazards) -> dict[tuple[int, ...], Fraction]:
    """Probability of each output, masks included."""
    number, rows = chain(q, d, S, hazards)
    size = len(rows)
    builder = stormpy.datastructures.SparseMatrixBuilder[stormpy.Rational](rows=size, columns=size)
    for source, row in enumerate(rows):
        for column in sorted(row):
            builder.add_next_value(source, column, stormpy.Rational(str(row[column])))
    labels = stormpy.models.StateLabeling(size)
    labels.add_label("init")
    labels.add_label_to_state("init", 0)
    model = stormpy.models.SparseDtmc(
        stormpy.models.SparseModelComponents(
            transition_matrix=builder.build(), state_labeling=labels
        )
    )
    visits = stormpy.analysis.compute_expected_number_of_visits(
        model, environment=stormpy.environments.exact()
    )
    ends = {x: index for (k, x), index in number.items() if k == len(hazards)}
    return {x: Fraction(str(visits.get_value(index))) for x, index in ends.items()}


def instance(d: int, S: int, seed: int, density: float) -> Target:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randint(1, 10, (S,) * d, generator=generator)
    keep = torch.rand((S,) * d, generator=generator) < density
    keep.view(-1)[0] = True
    rows = keep.nonzero()
    return Target.from_rows(rows.tolist(), weights[keep].tolist(), S)


CASES = [
    pytest.param(3, 2, 1.0, ["1/3", "1/2"], id="dense-3-2"),
    pytest.param(3, 3, 0.4, ["1/3", "1/4", "1"], id="sparse-3-3"),
    pytest.param(4, 2, 0.5, ["1/4", "1/2", "1/5"], id="sparse-4-2"),
    pytest.param(4, 3, 1.0, ["2/5", "1"], id="dense-4-3"),
    pytest.param(5, 2, 1.0, ["1/3", "1/2", "1"], id="dense-5-2"),
    pytest.param(5, 3, 0.1, ["1/2", "2/3"], id="sparse-5-3"),
]


@pytest.mark.parametrize(("d", "S", "density", "hazards"), CASES)
def test_storm_finds_the_same_law(d, S, density, hazards):
    target = instance(d, S, seed=10 * d + S, density=density)
    q = dict(zip(map(tuple, target.rows.tolist()), target.fractions, strict=True))
    exact = [Fraction(r) for r in hazards]
    storm = storm_law(q, d, S, exact)
    assert sum(storm.values()) == 1

    steps = StepLaw.from_hazards(torch.tensor([float(r) for r in exact], dtype=torch.float64))
    denoiser = ExactDenoiser(target)
    for law in (tables(target, denoiser).law(steps), propagate(target, denoiser, steps)):
        wanted = [float(storm.get(tuple(x), Fraction(0))) for x in law.rows.tolist()]
        gap = law.probability - torch.tensor(wanted, dtype=torch.float64)
        assert float(gap.abs().sum()) <= 1e-12
        tv = sum(abs(storm.get(x, Fraction(0)) - q.get(x, Fraction(0))) for x in {*storm, *q}) / 2
        assert total_variation(law, target).value == pytest.approx(float(tv), abs=1e-12)


def test_storm_tells_samplers_apart():
    target = instance(3, 2, seed=1, density=1.0)
    q = dict(zip(map(tuple, target.rows.tolist()), target.fractions, strict=True))
    storm = storm_law(q, 3, 2, [Fraction(1, 3), Fraction(1)])
    law = tables(target, ExactDenoiser(target)).at(first_hitting(3))
    wanted = [float(storm[tuple(x)]) for x in law.rows.tolist()]
    assert float((law.probability - torch.tensor(wanted)).abs().sum()) > 1e-3
