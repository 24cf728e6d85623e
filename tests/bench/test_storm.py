"""Our exact law beside Storm, a probabilistic model checker, and beside propagation.

Storm gets the sampler as an explicit Markov chain over (step, partial state) and answers in float64
with its solver for acyclic models, the fastest for these. Its model is built here in numpy, which
is timed apart and enters no ratio.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.propagation import propagate
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states

from tests.bench.conftest import FLOORS, Report, dense, floors, in_turn, peak_mib

stormpy = pytest.importorskip("stormpy")

TITLE = "Exact output law: Storm, propagation, ours"


@dataclass(frozen=True)
class Chain:
    """A sampler as a Markov chain from state 0, all masked, and the numbers of its last states."""

    source: np.ndarray
    column: np.ndarray
    chance: np.ndarray
    size: int
    ends: list[int]

    @classmethod
    def of(cls, target: Target, law: StepLaw) -> "Chain":
        """Numbers are 1 + (step − 1)·(S + 1)^d + the partial state in base S + 1."""
        d, S = target.length, target.vocabulary
        states = all_states(d, S + 1)
        count = len(states)
        hidden = (states == S).numpy()
        p = ExactDenoiser(target)(states).numpy()
        powers = (S + 1) ** np.arange(d - 1, -1, -1)
        sources, columns, chances = [], [], []
        for k, r in enumerate(law.hazards.tolist()):
            # each masked token: one of S symbols, or it stays
            index = np.arange(count) if k else np.array([count - 1])
            column, chance = np.zeros(len(index), int), np.ones(len(index))
            for i in range(d):
                choices = []
                for a in range(S + 1):
                    x = states[:, i].numpy()[index]
                    masked = hidden[index, i]
                    stay = np.where(masked, 1 - r, 1.0) if a == S else 0.0
                    move = r * p[index, i, min(a, S - 1)] if a < S else stay
                    here = np.where(masked, move, (x == a) * 1.0)
                    keep = here > 0
                    choices.append(
                        (index[keep], column[keep] + a * powers[i], (chance * here)[keep])
                    )
                index, column, chance = (
                    np.concatenate(part) for part in zip(*choices, strict=True)
                )
            sources.append(1 + (k - 1) * count + index if k else 0 * index)
            columns.append(1 + k * count + column)
            chances.append(chance)
        last = 1 + (len(law.hazards) - 1) * count
        # the last states stay where they are
        end = last + np.arange(count)
        sources.append(end)
        columns.append(end)
        chances.append(np.ones(count))
        source, column, chance = map(np.concatenate, (sources, columns, chances))
        order = np.lexsort((column, source))
        ends = [last + int(number) for number in (target.rows.numpy() * powers).sum(1)]
        return cls(source[order], column[order], chance[order], last + count, ends)

    def storm(self, sink: bool) -> object:
        """Storm's model; with a sink, last states go there, so that visits are finite."""
        size = self.size + sink
        builder = stormpy.datastructures.SparseMatrixBuilder[float](rows=size, columns=size)
        column = self.column
        if sink:
            column = np.where(self.source == self.column, self.size, self.column)
        for triple in zip(self.source.tolist(), column.tolist(), self.chance.tolist(), strict=True):
            builder.add_next_value(*triple)
        if sink:
            builder.add_next_value(self.size, self.size, 1.0)
        labels = stormpy.models.StateLabeling(size)
        labels.add_label("init")
        labels.add_label_to_state("init", 0)
        for number, end in enumerate(self.ends):
            labels.add_label(f"x{number}")
            labels.add_label_to_state(f"x{number}", end)
        parts = stormpy.models.SparseModelComponents(
            transition_matrix=builder.build(), state_labeling=labels
        )
        return stormpy.models.SparseDtmc(parts)


def acyclic() -> object:
    """The settings of Storm that are fastest here: floats, and the solver for acyclic models."""
    environment = stormpy.Environment()
    environment.solver().set_linear_equation_solver_type(
        stormpy.environments.EquationSolverType.ACYCLIC
    )
    return environment


CASES = [(4, 2, 32), (5, 2, 32), (6, 2, 8), (6, 2, 32), (6, 2, 64), (4, 3, 32)]


@pytest.mark.parametrize(("d", "S", "K"), CASES)
def test_exact_law(report: Report, d: int, S: int, K: int) -> None:
    target, law = dense(d, S), StepLaw.equal(K)
    denoiser = ExactDenoiser(target)
    chain = Chain.of(target, law)
    models: dict[bool, object] = {}

    def build() -> None:
        models[False] = chain.storm(False)

    models[True] = chain.storm(True)
    environment = acyclic()
    formulas = [stormpy.parse_properties(f'P=? [F "x{i}"]')[0] for i in range(S**d)]

    def checks() -> list[float]:
        found = (
            stormpy.model_checking(
                models[False], one, environment=environment, only_initial_states=True
            )
            for one in formulas
        )
        return [one.get_value(0) for one in found]

    def visits() -> list[float]:
        # its solver for acyclic models refuses this question
        found = stormpy.analysis.compute_expected_number_of_visits(
            models[True], environment=stormpy.Environment()
        )
        return [found.get_value(end) for end in chain.ends]

    def propagated() -> list[float]:
        return propagate(target, denoiser, law).probability.tolist()

    def scratch() -> list[float]:
        return tables(target, denoiser).law(law).probability.tolist()

    ready = tables(target, denoiser)
    runs: dict[str, Callable[[], list[float] | None]] = {
        "build": build,
        "checks": checks,
        "visits": visits,
        "propagation": propagated,
        "scratch": scratch,
        "ready": lambda: ready.law(law).probability.tolist(),
    }
    times = in_turn({**runs, **FLOORS})
    ours = scratch()
    for name in ("checks", "visits", "propagation", "ready"):
        other = runs[name]()
        assert other is not None
        assert max(abs(a - b) for a, b in zip(ours, other, strict=True)) <= 1e-12
    report.add(
        TITLE,
        d=d,
        S=S,
        K=K,
        states=chain.size,
        transitions=len(chain.source),
        Storm_builds=times["build"],
        Storm_checks=times["checks"],
        Storm_visits=times["visits"],
        propagation=times["propagation"],
        ours=times["scratch"],
        ready_tables=times["ready"],
        checks_over_ours=times["checks"].over(times["scratch"]),
        ours_over_arithmetic=times["scratch"].over(floors(target, times)["arithmetic"]),
        visits_over_ours=times["visits"].over(times["scratch"]),
        checks_over_ready=times["checks"].over(times["ready"]),
        visits_over_ready=times["visits"].over(times["ready"]),
        MiB_Storm=f"{peak_mib(build):.1f}",
        MiB_ours=f"{peak_mib(scratch):.1f}",
    )
    assert times["checks"].median > times["scratch"].median
    assert times["visits"].median > times["scratch"].median
    if (d, S, K) == (6, 2, 32):
        assert times["checks"].median >= 20 * times["scratch"].median
        assert times["checks"].median >= 1000 * times["ready"].median
