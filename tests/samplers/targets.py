"""What every running sampler is tried on: a law of each family, a mixture, and the real sets."""

from sharprates.samplers.datasets import builtin
from sharprates.samplers.families import family, markov_chain, mixture
from sharprates.samplers.target import Target

FAMILIES = (
    "uniform:3:2",
    "point-mass:3:3",
    "product:1/2,1/2:1/5,4/5:2/3,1/3",
    "copies:3:3",
    "blocks:5:3:2",
    "pairs:5:2",
    "shared-symbols:3:2",
    "groups:6:3",
    "parity:4:2",
    "mds:4:2:3",
    "permutations:4:4",
    "markov:4:1/3,2/3:9/10,1/10:1/20,19/20",
    "letters:2",
    "ising:5:0.7:0.2",
    "dirichlet:3:4",
    "sparse-dirichlet:5:4:30",
    "mixture",
)
REAL = ("words4", "patterns12")


def target(name: str) -> Target:
    """One of `FAMILIES` or `REAL`."""
    if name in REAL:
        return builtin(name)
    if name == "mixture":
        chain = markov_chain([0.5, 0.5], [[0.8, 0.2], [0.4, 0.6]], 3)
        return mixture([family("copies:3:2"), chain], [0.3, 0.7], name=name)
    return family(name)
