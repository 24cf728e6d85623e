"""One more schedule on ready tables, beside the machine's copy bandwidth; a thousand at once."""

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.step_law import StepLaw

from tests.bench.conftest import Report, dense, in_turn

TITLE = "One more schedule on ready tables"


def test_share_of_copy_bandwidth(report: Report) -> None:
    """A schedule reads the tables once: bytes read a second, over bytes that a copy moves."""
    target = dense(12, 2)
    found = tables(target, ExactDenoiser(target))
    copy = torch.empty_like(found.table)
    size = found.table.numel() * 8
    laws = {K: StepLaw.equal(K) for K in (16, 64, 256)}
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
