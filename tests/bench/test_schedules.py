"""One more schedule on ready tables, beside the machine's copy bandwidth; a thousand at once."""

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import total_variation
from sharprates.samplers.step_law import StepLaw

from tests.bench.conftest import Report, dense, in_turn

TITLE = "One more schedule on ready tables"


def test_share_of_copy_bandwidth(report: Report) -> None:
    """A schedule reads the tables once: bytes read a second, over bytes that a copy moves."""
    target = dense(12, 2)
    found = tables(target, ExactDenoiser(target))
    copy = torch.empty_like(found.table)
    size = found.table.numel() * 8
    laws = {K: StepLaw.uniform(K) for K in (16, 64, 256)}
    runs = {
        f"K = {K}": lambda law=law: total_variation(found.law(law), target).value
        for K, law in laws.items()
    }
    times = in_turn({"copy": lambda: copy.copy_(found.table), **runs}, rounds=15)
    for name in runs:
        report.add(
            TITLE,
            what=f"d = 12, S = 2, {name}: tables of {size >> 20} MiB",
            time=times[name],
            copy_of_the_tables=times["copy"],
            copies_over_schedule=times["copy"].over(times[name]),
        )
    assert times["copy"].median >= 0.5 * times["K = 64"].median


def test_a_thousand_schedules(report: Report) -> None:
    target = dense(8, 2)
    found = tables(target, ExactDenoiser(target))
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(1000, 64, generator=generator, dtype=torch.float64)
    weights /= weights.sum(1, keepdim=True)
    some = StepLaw.uniform(64)
    times = in_turn(
        {
            "together": lambda: found.total_variations(weights, target),
            "one": lambda: total_variation(found.law(some), target),
        }
    )
    report.add(TITLE, what="d = 8, S = 2, K = 64: a thousand schedules", time=times["together"])
    report.add(TITLE, what="d = 8, S = 2, K = 64: one", time=times["one"])
    assert times["together"].median <= 1
