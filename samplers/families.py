"""Built-in families of data laws, each also written as a short text such as ``copies:3:2``.

In all of them d ≥ 1 is the length and S ≥ 1 the vocabulary size.
"""

from __future__ import annotations

import difflib
import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import torch
from sharprates.samplers.errors import (
    InputError,
    TooLargeError,
    check_memory,
    check_positive,
    check_time,
)
from sharprates.samplers.family import Family
from sharprates.samplers.letters import letters_target
from sharprates.samplers.rational import read_rational
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.structured import (
    StructuredTV,
    blocks_tv,
    groups_tv,
    mds_tv,
    parity_tv,
    permutations_tv,
    product_tv,
)
from sharprates.samplers.target import Target, all_states
from torch import Tensor

Weight = float | Fraction
Graph = Literal["chain", "ring", "complete"]


# Memory that building one support row takes at its peak, beside 32 bytes a token (measured on all
# families: at most 700).
_BYTES_A_ROW = 750


def uniform(d: int, S: int) -> Target:
    """Independent uniform tokens."""
    check_positive(d=d, S=S)
    return _uniform_on(_product_rows(d, S), S, "uniform", d=d, S=S)


def point_mass(d: int, S: int) -> Target:
    """The single sequence 0…0.

    Source:
        Claim H3 uses it.
    """
    check_positive(d=d, S=S)
    _require_rows(0.0, d)
    return _uniform_on(torch.zeros((1, d), dtype=torch.int64), S, "point-mass", d=d, S=S)


def product(marginals: Sequence[Sequence[Weight]]) -> Target:
    """Independent tokens with the given laws.

    Args:
        marginals: d rows of S probabilities; each row sums to 1. Exact if all are rational.

    Raises:
        InputError: if rows differ in length, or one is not a probability vector.
    """
    if not marginals:
        raise InputError("product: needs at least one marginal")
    S = len(marginals[0])
    laws = [_distribution(f"marginal {i + 1}", row, S) for i, row in enumerate(marginals)]
    support = [math.log2(sum(p > 0 for p in row)) for row in laws]
    _require_rows(sum(support), len(laws))
    rows, weights = _walk(laws[0], [[row] * S for row in laws[1:]])
    return _named(rows, weights, S, "product", d=len(laws), S=S)


def blocks(d: int, size: int, S: int) -> Target:
    """⌊d/size⌋ independent blocks of equal uniform tokens; tokens left over are uniform.

    Args:
        d: length.
        size: tokens in a block, 1 ≤ size ≤ d.
        S: vocabulary size.
    """
    return _uniform_on(_block_rows(d, size, S), S, "blocks", d=d, size=size, S=S)


def copies(d: int, S: int) -> Target:
    """All d tokens equal, their common symbol uniform.

    Source:
        Claim L2.
    """
    return _uniform_on(_block_rows(d, d, S), S, "copies", d=d, S=S)


def pairs(d: int, S: int) -> Target:
    """⌊d/2⌋ independent pairs of equal uniform tokens (1,2), (3,4), …; an odd last one is uniform.

    Source:
        Claim L1.
    """
    return _uniform_on(_block_rows(d, min(2, d), S), S, "pairs", d=d, S=S)


def _block_rows(d: int, size: int, S: int) -> Tensor:
    """Support of `blocks`: the free tokens, each as often as its block is long."""
    check_positive(d=d, S=S)
    if not 1 <= size <= d:
        raise InputError(f"size: a block has 1..{d} tokens, got {size}")
    count, rest = divmod(d, size)
    free = _product_rows(count + rest, S, length=d)
    return torch.cat([free[:, :count].repeat_interleave(size, dim=1), free[:, count:]], 1)


def shared_symbols(d: int, b: int) -> Target:
    """Every two tokens share one uniform symbol of [b]; token i carries all that it shares.

    Args:
        d: length.
        b: size of a shared symbol's alphabet; the vocabulary is S = b^(d−1).

    Source:
        Claim L3.
    """
    check_positive(d=d, b=b)
    rows = _shared_rows(d, b, length=d)
    return _uniform_on(rows, b ** (d - 1), "shared-symbols", d=d, b=b)


def groups(d: int, g: int) -> Target:
    """⌊d/g⌋ independent groups of g tokens with shared symbols (b = 2); left-over tokens are 0.

    Args:
        d: length.
        g: size of a group, 2 ≤ g ≤ d; the vocabulary is S = 2^(g−1).

    Source:
        Claim L6 (a).
    """
    check_positive(d=d)
    if not 2 <= g <= d:
        raise InputError(f"groups: the group size must lie in 2..{d}, got {g}")
    count = d // g
    _require_rows(count * math.comb(g, 2), d)
    rows = _combine([_shared_rows(g, 2, length=d)] * count)
    constant = torch.zeros((rows.shape[0], d - count * g), dtype=torch.int64)
    return _uniform_on(torch.cat([rows, constant], 1), 2 ** (g - 1), "groups", d=d, g=g)


def parity(d: int, S: int) -> Target:
    """All tokens but one are free; the sum of all is 0 mod S.

    Source:
        Claim L4.
    """
    check_positive(d=d, S=S)
    free = _product_rows(d - 1, S, length=d)
    last = -free.sum(1, keepdim=True) % S
    return _uniform_on(torch.cat([free, last], 1), S, "parity", d=d, S=S)


def mds(d: int, k: int, S: int) -> Target:
    """A uniform codeword of the Reed–Solomon code of dimension k: any k tokens are free.

    A codeword lists the values of a polynomial of degree below k at 0, 1, …, and at d = S+1 also
    its leading coefficient (the value at infinity).

    Args:
        d: length, at most S+1.
        k: dimension, 1 ≤ k ≤ d.
        S: vocabulary size, a prime.

    Raises:
        InputError: if S is not prime, or d or k is out of range.

    Source:
        Claim L4.
    """
    check_positive(d=d, S=S)
    if S < 2 or any(S % p == 0 for p in range(2, math.isqrt(S) + 1)):
        raise InputError(f"mds: S must be a prime, got {S}")
    if d > S + 1:
        raise InputError(f"mds: d can be at most S+1 = {S + 1}, got {d}: take a larger prime S")
    if not 1 <= k <= d:
        raise InputError(f"mds: the dimension k must lie in 1..{d}, got {k}")
    coefficients = _product_rows(k, S, length=d)  # highest degree first
    points = torch.arange(min(d, S))
    values = torch.zeros((coefficients.shape[0], len(points)), dtype=torch.int64)
    for j in range(k):  # Horner, reduced at each step so that int64 cannot overflow
        values = (values * points + coefficients[:, j : j + 1]) % S
    infinity = coefficients[:, : d - len(points)]
    return _uniform_on(torch.cat([values, infinity], 1), S, "mds", d=d, k=k, S=S)


def permutations(d: int, S: int) -> Target:
    """Independent groups of S consecutive tokens, each a uniform permutation of the S symbols.

    Raises:
        InputError: if S does not divide d.

    Source:
        Claim L6 (b).
    """
    check_positive(d=d, S=S)
    if d % S:
        raise InputError(f"permutations: d must be a multiple of S, got d={d}, S={S}")
    _require_rows(d // S * math.lgamma(S + 1) / math.log(2), d)
    one = torch.tensor(list(itertools.permutations(range(S))))
    return _uniform_on(_combine([one] * (d // S)), S, "permutations", d=d, S=S)


def markov_chain(
    initial: Sequence[Weight], transition: Sequence[Sequence[Weight]], d: int
) -> Target:
    """A Markov chain run for d tokens.

    Args:
        initial: S probabilities of the first token.
        transition: S rows of S probabilities, row a for the token after symbol a. The weights are
            exact if all numbers are rational.
        d: length.

    Raises:
        InputError: if a row is not a probability vector, or the sizes disagree.
    """
    check_positive(d=d)
    S = len(initial)
    first = _distribution("initial", initial, S)
    if len(transition) != S:
        raise InputError(f"markov: need {S} transition rows, one a symbol, got {len(transition)}")
    step = [_distribution(f"transition row {a + 1}", row, S) for a, row in enumerate(transition)]
    # Paths are counted before they are listed: a sparse chain has far fewer than S^d.
    paths = [int(p > 0) for p in first]
    for _ in range(d - 1):
        paths = [sum(n for n, row in zip(paths, step, strict=True) if row[b] > 0) for b in range(S)]
        _require_rows(math.log2(sum(paths)), d)
    rows, weights = _walk(first, [step] * (d - 1))
    return _named(rows, weights, S, "markov", d=d, S=S)


def ising(d: int, coupling: float, field: float = 0.0, graph: Graph = "chain") -> Target:
    """The Ising model: probability ∝ exp(coupling·Σ_edges s_i s_j + field·Σ s_i), s = ±1.

    Symbol 1 is spin +1, symbol 0 is spin −1.

    Args:
        d: length, the number of spins.
        coupling: per edge, in units of the temperature; positive favours equal neighbours.
        field: per spin, in units of the temperature.
        graph: which spins are neighbours.

    Raises:
        InputError: if a parameter is not finite or the graph is unknown.
    """
    check_positive(d=d)
    if not (math.isfinite(coupling) and math.isfinite(field)):
        raise InputError(f"ising: coupling and field must be finite, got {coupling}, {field}")
    edges = {
        "chain": [(i, i + 1) for i in range(d - 1)],
        # A ring of two is one edge, not two.
        "ring": [(i, (i + 1) % d) for i in range(d if d > 2 else d - 1)],
        "complete": list(itertools.combinations(range(d), 2)),
    }
    if graph not in edges:
        raise InputError(f"ising: the graph must be one of {', '.join(edges)}, got {graph!r}")
    rows = _product_rows(d, 2)
    spin = (2 * rows - 1).to(torch.float64)
    energy = field * spin.sum(1)
    for i, j in edges[graph]:
        energy += coupling * spin[:, i] * spin[:, j]
    weights = torch.softmax(energy, 0)
    return _named(rows, weights, 2, "ising", d=d, coupling=coupling, field=field, graph=graph)


def dirichlet(d: int, S: int, concentration: float = 1.0, seed: int = 0) -> Target:
    """A random law on all S^d sequences, its weights drawn from a symmetric Dirichlet law.

    Args:
        d: length.
        S: vocabulary size.
        concentration: positive; 1 is uniform on the simplex, near 0 a few sequences carry all.
            A weight below the range of float64 leaves the support.
        seed: of the draw.
    """
    check_positive(d=d, S=S)
    rows = _product_rows(d, S)
    weights = _dirichlet_weights(rows.shape[0], concentration, random.Random(seed))
    random_law = {"concentration": concentration, "seed": seed}
    return _named(rows, weights, S, "dirichlet", d=d, S=S, **random_law)


def sparse_dirichlet(
    d: int, S: int, support: int, concentration: float = 1.0, seed: int = 0
) -> Target:
    """A random law on a uniformly random set of sequences, its weights symmetric Dirichlet.

    Args:
        d: length.
        S: vocabulary size.
        support: how many sequences, 1 ≤ support ≤ S^d.
        concentration: positive, as in `dirichlet`.
        seed: of the draw.

    Raises:
        InputError: if there are fewer than `support` sequences.
    """
    check_positive(d=d, S=S, support=support)
    # Logarithms first: S^d itself may be too long a number to write down.
    if d * math.log2(S) < math.log2(support) + 1 and support > S**d:
        raise InputError(f"support: there are only {S}^{d} = {S**d} sequences, got {support}")
    _require_rows(math.log2(support), d)
    check_time(  # a number of d digits is taken apart digit by digit
        support * d * (1e-7 + d * math.log2(S) * 1e-10),
        f"{support} sequences of length {d}",
        "take smaller parameters",
    )
    rng = random.Random(seed)
    # Floyd's algorithm: a uniform subset of range(S^d), however long S^d is, in `support` draws.
    chosen: set[int] = set()
    for j in range(S**d - support, S**d):
        draw = rng.randrange(j + 1)
        chosen.add(j if draw in chosen else draw)
    rows = [_digits(code, d, S) for code in sorted(chosen)]
    weights = _dirichlet_weights(support, concentration, rng)
    random_law = {"support": support, "concentration": concentration, "seed": seed}
    return _named(torch.tensor(rows), weights, S, "sparse-dirichlet", d=d, S=S, **random_law)


def _digits(code: int, count: int, base: int) -> list[int]:
    """The last digits of a number, the first of them first."""
    digits = []
    for _ in range(count):
        code, digit = divmod(code, base)
        digits.append(digit)
    return digits[::-1]


def mixture(targets: Sequence[Target], weights: Sequence[Weight], *, name: str) -> Target:
    """A mixture of laws of one length and vocabulary.

    Args:
        targets: the components.
        weights: one a component, non-negative, positive sum; normalised here. The mixture is exact
            if they and all components are.
        name: what a report calls it.

    Raises:
        InputError: if the components differ in shape, or the numbers of both arguments differ.
    """
    if not targets or len(targets) != len(weights):
        raise InputError(f"mixture: got {len(targets)} targets and {len(weights)} weights")
    shapes = sorted({(target.length, target.vocabulary) for target in targets})
    if len(shapes) > 1:
        raise InputError(f"mixture: all need one (length, vocabulary), got {shapes}")
    if not all(0 <= w < math.inf for w in weights):
        raise InputError("mixture: weights must be finite and not negative")
    exact = _rational(weights) and all(target.fractions is not None for target in targets)
    parts: list[Weight] = []
    for target, weight in zip(targets, weights, strict=True):
        law: Sequence[Weight] = (
            target.fractions if exact and target.fractions else target.weights.tolist()
        )
        parts += [weight * p for p in law]
    rows = torch.cat([target.rows for target in targets])
    return Target.from_rows(rows, parts, targets[0].vocabulary, name=name, family=Family("mixture"))


@dataclass(frozen=True)
class FamilyForm:
    """How the members of a family are written, built, and measured where a closed form is known.

    Attributes:
        usage: the parameters as text, joined by colons; optional ones in brackets.
        build: the parameters → the target.
        closed_form: a step law and the parameters → the exact TV, without the support.
        kinds: how each parameter is read, in order; whole numbers by default.
        optional: how many of the last ones may be left out.
        rest: how each further parameter is read; all of these are given to `build` as one list.
    """

    usage: str
    build: Callable[..., Target]
    closed_form: Callable[..., StructuredTV] | None = None
    kinds: tuple[Callable[[str], Any], ...] | None = None
    optional: int = 0
    rest: Callable[[str], Any] | None = None

    def read(self, parts: Sequence[str]) -> list[Any]:
        """The arguments of `build`; ValueError if they cannot be read."""
        whole: tuple[Callable[[str], Any], ...] = (int,) * (self.usage.count(":") + 1)
        kinds = whole if self.kinds is None else self.kinds
        n = len(kinds)
        if not n - self.optional <= len(parts) or (len(parts) > n and self.rest is None):
            raise ValueError
        arguments = [kind(part) for kind, part in zip(kinds, parts, strict=False)]
        if self.rest is not None:
            arguments.append([self.rest(part) for part in parts[n:]])
        return arguments


def _numbers(text: str) -> list[Fraction]:
    return [read_rational(part) for part in text.split(",")]


FAMILIES: dict[str, FamilyForm] = {
    "uniform": FamilyForm("d:S", uniform, lambda law, d, _: product_tv(law, d)),
    "point-mass": FamilyForm("d:S", point_mass),
    "product": FamilyForm("P:P:… (a token each, P like 0.5,0.5)", product, kinds=(), rest=_numbers),
    "blocks": FamilyForm("d:size:S", blocks, blocks_tv),
    "copies": FamilyForm("d:S", copies, lambda law, d, S: blocks_tv(law, d, d, S)),
    "pairs": FamilyForm("d:S", pairs, lambda law, d, S: blocks_tv(law, d, min(2, d), S)),
    "shared-symbols": FamilyForm("d:b", shared_symbols, lambda law, d, b: groups_tv(law, d, d, b)),
    "groups": FamilyForm("d:g", groups, groups_tv),
    "parity": FamilyForm("d:S", parity, parity_tv),
    "mds": FamilyForm("d:k:S", mds, mds_tv),
    "permutations": FamilyForm("d:S", permutations, permutations_tv),
    "markov": FamilyForm(
        "d:INITIAL:ROW:ROW:… (a row a symbol, like 0.9,0.1)",
        lambda d, initial, transition: markov_chain(initial, transition, d),
        kinds=(int, _numbers),
        rest=_numbers,
    ),
    "letters": FamilyForm("d[:order]", letters_target, kinds=(int, int), optional=1),
    "ising": FamilyForm(
        "d:coupling[:field[:graph]]", ising, kinds=(int, float, float, str), optional=2
    ),
    "dirichlet": FamilyForm(
        "d:S[:concentration[:seed]]", dirichlet, kinds=(int, int, float, int), optional=2
    ),
    "sparse-dirichlet": FamilyForm(
        "d:S:support[:concentration[:seed]]",
        sparse_dirichlet,
        kinds=(int, int, int, float, int),
        optional=2,
    ),
}
"""The families that a text can name; a new one is a constructor and its line here."""


def family(text: str) -> Target:
    """Build a target from a text like ``copies:3:2``: a family and its parameters.

    Args:
        text: name and parameters, joined by colons; see `FAMILIES` for each form.

    Returns:
        The target; it is named by the text.

    Raises:
        InputError: if the family is unknown or a parameter is bad.
    """
    form, arguments = _read(text)
    try:
        return replace(form.build(*arguments), name=text)
    except TooLargeError:
        raise
    except InputError as error:
        raise InputError(f"{text!r}: {error}") from None


def _read(text: str) -> tuple[FamilyForm, list[Any]]:
    """The form of the family that a text names, and the parameters."""
    name, *parts = text.split(":")
    form = FAMILIES.get(name)
    if form is None:
        near = difflib.get_close_matches(name, FAMILIES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(FAMILIES)}"
        raise InputError(f"{text!r}: no family is called {name!r}: {hint}")
    try:
        return form, form.read(parts)
    except ValueError:
        raise InputError(f"{text!r}: write it as {name}:{form.usage}") from None


def structured_family(text: str) -> Family:
    """The member that a text names of a family with a closed form, at any length.

    Args:
        text: e.g. ``pairs:4096:2``; nothing is built.

    Raises:
        InputError: if the family is unknown, has no closed form, or a number cannot be read.
    """
    form, arguments = _read(text)
    if form.closed_form is None:
        known = [name for name, other in FAMILIES.items() if other.closed_form]
        raise InputError(
            f"{text!r}: has no closed form: at any length there are {', '.join(known)}"
        )
    return Family(text.split(":")[0], dict(zip(form.usage.split(":"), arguments, strict=True)))


def structured_tv(member: Family | str, law: StepLaw) -> StructuredTV:
    """The exact TV on a member of a family with a closed form, e.g. ``pairs:4096:2``.

    Args:
        member: of any length, or the text that names it.
        law: the step law.

    Raises:
        InputError: if the family has no closed form, or a number is wrong.
    """
    chosen = structured_family(member) if isinstance(member, str) else member
    closed_form = FAMILIES[chosen.name].closed_form
    if closed_form is None:
        raise InputError(f"family {chosen}: has no closed form; enumerate it")
    return closed_form(law, *chosen.parameters.values())


def _require_rows(log2_count: float, d: int) -> None:
    """Check that 2^log2_count support rows of length d fit into memory.

    It takes the logarithm because the count itself can be too long a number to compute.
    """
    if log2_count > 62:
        raise TooLargeError(
            f"the support would have about 2^{log2_count:.0f} sequences, too many to list: "
            "take smaller parameters"
        )
    count = round(2**log2_count)
    check_memory(
        count * (_BYTES_A_ROW + 32 * d),
        f"a support of {count} sequences",
        "take smaller parameters",
    )


def _product_rows(n: int, S: int, length: int | None = None) -> Tensor:
    """All of [S]^n, int64 [S^n, n], once rows of `length` (default n) are known to fit."""
    _require_rows(n * math.log2(S), n if length is None else length)
    return all_states(n, S) if n else torch.zeros((1, 0), dtype=torch.int64)


def _shared_rows(d: int, b: int, length: int) -> Tensor:
    """Support of `shared_symbols`: token i reads b_ij over j ≠ i as digits in base b."""
    symbols = _product_rows(math.comb(d, 2), b, length=max(length, math.comb(d, 2)))
    edges = itertools.combinations(range(d), 2)
    rows = torch.zeros((symbols.shape[0], d), dtype=torch.int64)
    for column, (i, j) in enumerate(edges):
        for token in (i, j):
            rows[:, token] = rows[:, token] * b + symbols[:, column]
    return rows


def _combine(blocks: Sequence[Tensor]) -> Tensor:
    """Rows of independent blocks side by side: every combination, int64."""
    rows = blocks[0]
    for block in blocks[1:]:
        n, m = rows.shape[0], block.shape[0]
        rows = torch.cat([rows.repeat_interleave(m, 0), block.repeat(n, 1)], 1)
    return rows


def _walk(
    first: Sequence[Weight], steps: Sequence[Sequence[Sequence[Weight]]]
) -> tuple[list[list[int]], list[Weight]]:
    """All paths of positive probability, and their probabilities; steps[n][a] follows symbol a."""
    paths = [([a], p) for a, p in enumerate(first) if p > 0]
    for step in steps:
        paths = [
            ([*path, b], weight * p)
            for path, weight in paths
            for b, p in enumerate(step[path[-1]])
            if p > 0
        ]
    return [path for path, _ in paths], [weight for _, weight in paths]


def _rational(numbers: Sequence[Weight]) -> bool:
    return all(isinstance(v, (Fraction, int)) for v in numbers)


def _distribution(what: str, law: Sequence[Weight], S: int) -> list[Weight]:
    """Check a probability vector of length S; rationals must sum to 1 exactly."""
    if len(law) != S or S == 0:
        raise InputError(f"{what}: need {max(S, 1)} probabilities, got {len(law)}")
    if not all(0 <= p <= 1 for p in law):
        raise InputError(f"{what}: probabilities must lie in [0, 1]")
    total = sum((Fraction(p) for p in law), Fraction(0))
    if abs(total - 1) > (0 if _rational(law) else 1e-9):
        raise InputError(f"{what}: must sum to 1, sums to {float(total):.12g}")
    return list(law)


def _dirichlet_weights(n: int, concentration: float, rng: random.Random) -> Tensor:
    """Symmetric Dirichlet weights, float64 [n]."""
    if not 0 < concentration < math.inf:
        raise InputError(f"concentration: must be positive and finite, got {concentration}")
    # Logarithms, and G(c) = G(c+1)·U^(1/c) in law: at a small concentration c a gamma variable
    # itself is 0 in float64, and all of them together would leave no mass.
    logs = [
        math.log(rng.gammavariate(concentration + 1, 1))
        + math.log(1 - rng.random()) / concentration
        for _ in range(n)
    ]
    return torch.softmax(torch.tensor(logs, dtype=torch.float64), 0)


def _uniform_on(rows: Tensor, vocabulary: int, family: str, /, **parameters: int) -> Target:
    return _named(rows, [1] * rows.shape[0], vocabulary, family, **parameters)


def _named(
    rows: Tensor | list[list[int]],
    weights: Tensor | Sequence[Weight],
    vocabulary: int,
    family: str,
    /,
    **parameters: Any,
) -> Target:
    """A target of a family, named by its parameters."""
    member = Family(family, parameters)
    return Target.from_rows(rows, weights, vocabulary, name=str(member), family=member)
