"""A trained network's loss curve, the schedules it ranks, and the exact divergences beside them.

Run `python book/examples/loss_curve.py [DATA [STEPS [CSV]]]`: it trains the network of this project
on a data set (words4), writes the mean loss by number of masked tokens, and checks what
`sharprates plan --loss-curve CSV` says of every block schedule by enumerating orders and sequences.
"""

import itertools
import math
import sys
from pathlib import Path

import torch
from sharprates.samplers import datasets
from sharprates.samplers.compositions import compositions
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.network import Training, train
from sharprates.verification.planning.block_schedule import excess
from sharprates.verification.planning.loss_curve import read_loss_curve
from sharprates.verification.reports.audit import loss_curve_csv
from sharprates.verification.score_error import Comparison, order_error


def log_conditionals(target, denoiser):
    """log p̂(x_i | x_U) for each U as a bit set, support row x and token i: [2^d, N, d]."""
    d, found = target.length, []
    for known in range(2**d):
        hidden = torch.tensor([not known >> i & 1 for i in range(d)])
        p = denoiser(target.rows.masked_fill(hidden, target.vocabulary))
        picked = p.gather(2, target.rows[:, :, None])[:, :, 0]
        found.append(torch.where(hidden, picked.log(), 0.0))
    return torch.stack(found)


def mean_divergence(target, logs, blocks):
    """E_σ KL(q_0 ‖ P_{a,σ}) over all orders σ, by the definition."""
    orders, total = list(itertools.permutations(range(target.length))), 0.0
    for order in orders:
        left, known = iter(order), 0
        log_p = torch.zeros(target.support, dtype=torch.float64)
        for size in blocks:
            block = list(itertools.islice(left, size))
            log_p += logs[known][:, block].sum(1)
            known |= sum(1 << i for i in block)
        total += float(target.weights @ (target.weights.log() - log_p))
    return total / len(orders)


def main(data="words4", steps="250", csv=None):
    """Train, write the curve, compare."""
    target = datasets.builtin(data)
    d, path = target.length, Path(csv or f"{data}-losses.csv")
    network = train(target, Training(steps=int(steps)))
    comparison = Comparison.of(target)
    path.write_text(loss_curve_csv(order_error(comparison, comparison.sums(network))))
    print(f"wrote {path}; now: sharprates plan --loss-curve {path} --length {d}")
    if d > 6:
        return
    curve = read_loss_curve(path, d, target.vocabulary)
    logs, laws = log_conditionals(target, network), tables(target, network)
    single = mean_divergence(target, logs, (1,) * d)
    q = target.weights
    print("blocks     excess by the curve   exact KL excess   KL(q_0‖p_out)   TV      √(excess/2)")
    for blocks in sorted(compositions(d), key=lambda a: (len(a), excess(curve, a))):
        by_curve, out = excess(curve, blocks), laws.at(blocks)
        exact = mean_divergence(target, logs, blocks) - single
        kl = float((q * (q / out.probability).log()).sum())
        tv, guess = total_variation(out, target).value, math.sqrt(max(by_curve, 0) / 2)
        name = " ".join(map(str, blocks))
        print(f"{name:10} {by_curve:19.6f} {exact:17.6f} {kl:15.6f}   {tv:.4f}  {guess:.4f}")
        assert abs(by_curve - exact) < 1e-5  # the CSV's digits


if __name__ == "__main__":
    main(*sys.argv[1:])
