import itertools
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.families import FAMILIES, family
from sharprates.samplers.target import Target

Row = tuple[int, ...]


def law(target: Target) -> dict[Row, Fraction]:
    assert target.fractions is not None
    return dict(zip(map(tuple, target.rows.tolist()), target.fractions, strict=True))


def marginal(target: Target, positions: tuple[int, ...]) -> dict[Row, Fraction]:
    result: dict[Row, Fraction] = {}
    for row, p in law(target).items():
        key = tuple(row[i] for i in positions)
        result[key] = result.get(key, Fraction(0)) + p
    return result


def is_uniform(values: dict[Row, Fraction], size: int) -> bool:
    return len(values) == size and set(values.values()) == {Fraction(1, size)}


def digits(value: int, base: int, count: int) -> list[int]:
    return [value // base**i % base for i in reversed(range(count))]


def shares(row: Row, b: int) -> bool:
    """Do tokens i and j carry the same b_ij? Token i lists its own by the other token's number."""
    d = len(row)
    carried = [digits(token, b, d - 1) for token in row]
    return all(carried[i][j - 1] == carried[j][i] for i, j in itertools.combinations(range(d), 2))


Predicate = Callable[[Row], bool]


def anything(row: Row) -> bool:
    return len(row) > 0


def only_zeros(row: Row) -> bool:
    return not any(row)


def has_pairs(row: Row) -> bool:
    return all(row[i] == row[i + 1] for i in range(0, len(row) - 1, 2))


def sums_to_zero(S: int) -> Predicate:
    return lambda row: sum(row) % S == 0


def shared(b: int) -> Predicate:
    return lambda row: shares(row, b)


def permuted(S: int) -> Predicate:
    return lambda row: all(len(set(row[i : i + S])) == S for i in range(0, len(row), S))


# Each family against its definition, read off all S^d sequences: (text, S, which are possible).
UNIFORM_FAMILIES: list[tuple[str, int, Predicate]] = [
    *((f"uniform:{d}:{S}", S, anything) for d in (1, 3) for S in (1, 3)),
    *((f"point-mass:{d}:{S}", S, only_zeros) for d in (1, 3) for S in (1, 3)),
    *((f"copies:{d}:{S}", S, lambda row: len(set(row)) == 1) for d in (1, 4) for S in (1, 3)),
    *((f"pairs:{d}:{S}", S, has_pairs) for d in (1, 2, 5, 6) for S in (1, 2, 3)),
    *((f"parity:{d}:{S}", S, sums_to_zero(S)) for d in (1, 5) for S in (1, 2, 3)),
    *(
        (f"shared-symbols:{d}:{b}", b ** (d - 1), shared(b))
        for d, b in [(1, 3), (2, 3), (3, 2), (3, 3), (4, 2)]
    ),
    ("groups:4:2", 2, has_pairs),
    ("groups:5:2", 2, lambda row: has_pairs(row) and row[4] == 0),
    ("groups:5:3", 4, lambda row: shares(row[:3], 2) and row[3:] == (0, 0)),
    ("groups:6:3", 4, lambda row: shares(row[:3], 2) and shares(row[3:], 2)),
    *(
        (f"permutations:{d}:{S}", S, permuted(S))
        for d, S in [(2, 1), (2, 2), (4, 2), (3, 3), (6, 3), (4, 4)]
    ),
]


@pytest.mark.parametrize(
    ("text", "S", "possible"), UNIFORM_FAMILIES, ids=[entry[0] for entry in UNIFORM_FAMILIES]
)
def test_a_family_is_uniform_on_the_sequences_of_its_definition(
    text: str, S: int, possible: Predicate
) -> None:
    target = family(text)
    expected = [row for row in itertools.product(range(S), repeat=target.length) if possible(row)]
    assert target.vocabulary == S
    assert [tuple(row) for row in target.rows.tolist()] == expected
    assert is_uniform(law(target), len(expected))
    assert str(target.family) == text
    assert target.name == text


@pytest.mark.parametrize(
    ("text", "support"),
    [
        ("uniform:6:4", 4**6),
        ("copies:9:7", 7),
        ("pairs:9:3", 3**5),
        ("shared-symbols:5:2", 2**10),
        ("shared-symbols:3:7", 7**3),
        ("groups:8:3", 8**2),
        ("parity:7:3", 3**6),
        ("mds:7:3:7", 7**3),
        ("permutations:8:4", 24**2),
        ("sparse-dirichlet:40:50257:100", 100),
    ],
)
def test_support_sizes(text: str, support: int) -> None:
    assert family(text).support == support


@pytest.mark.parametrize("target", [family("shared-symbols:4:2"), family("shared-symbols:3:3")])
def test_single_tokens_of_shared_symbols_are_uniform(target: Target) -> None:
    for i in range(target.length):
        assert is_uniform(marginal(target, (i,)), target.vocabulary)


def is_mds(target: Target, k: int) -> bool:
    """Uniform on S^k words, and any k tokens are uniform: the definition of an MDS code's law."""
    S = target.vocabulary
    return is_uniform(law(target), S**k) and all(
        is_uniform(marginal(target, places), S**k)
        for places in itertools.combinations(range(target.length), k)
    )


@pytest.mark.parametrize(
    ("d", "k", "S"),
    [
        (1, 1, 2),
        (2, 1, 2),
        (3, 2, 2),
        (3, 1, 3),
        (4, 2, 3),
        (4, 3, 3),
        (5, 2, 5),
        (6, 3, 5),
        (5, 4, 5),
    ],
)
def test_any_k_tokens_of_an_mds_code_are_uniform(d: int, k: int, S: int) -> None:
    assert is_mds(families.mds(d, k, S), k)


def test_the_mds_check_rejects_another_code() -> None:
    assert not is_mds(families.pairs(4, 3), 2)
    assert not is_mds(families.mds(4, 2, 3), 1)


def test_any_tokens_but_all_of_parity_are_independent() -> None:
    target = families.parity(4, 3)
    for places in itertools.combinations(range(4), 3):
        assert is_uniform(marginal(target, places), 27)
    assert is_mds(target, 3)


@given(st.integers(1, 3), st.integers(1, 3), st.data())
def test_a_markov_chain_has_the_products_of_its_steps(d: int, S: int, data: st.DataObject) -> None:
    vector = st.lists(st.integers(0, 4), min_size=S, max_size=S).filter(any)
    initial, *transition = (
        [Fraction(v, sum(row)) for v in row] for row in (data.draw(vector) for _ in range(S + 1))
    )
    expected = {
        row: math.prod(
            (transition[a][b] for a, b in itertools.pairwise(row)), start=initial[row[0]]
        )
        for row in itertools.product(range(S), repeat=d)
    }
    exact = families.markov_chain(initial, transition, d)
    assert law(exact) == {row: p for row, p in expected.items() if p}
    rounded = families.markov_chain(
        [float(p) for p in initial], [[float(p) for p in row] for row in transition], d
    )
    assert rounded.fractions is None
    assert torch.equal(rounded.rows, exact.rows)
    assert torch.allclose(rounded.weights, exact.weights, rtol=1e-14, atol=0)
    spelled = [",".join(map(str, row)) for row in [initial, *transition]]
    assert law(family(":".join(["markov", str(d), *spelled]))) == law(exact)


@given(st.integers(1, 3), st.integers(1, 3), st.data())
def test_a_product_has_the_products_of_its_marginals(d: int, S: int, data: st.DataObject) -> None:
    vector = st.lists(st.integers(0, 4), min_size=S, max_size=S).filter(any)
    marginals = [
        [Fraction(v, sum(row)) for v in row] for row in (data.draw(vector) for _ in range(d))
    ]
    target = families.product(marginals)
    expected = {
        row: math.prod(p[a] for p, a in zip(marginals, row, strict=True))
        for row in itertools.product(range(S), repeat=d)
    }
    assert law(target) == {row: p for row, p in expected.items() if p}
    spelled = [",".join(map(str, row)) for row in marginals]
    assert law(family(":".join(["product", *spelled]))) == law(target)


def test_a_sparse_chain_is_listed_whatever_its_length() -> None:
    cycle = families.markov_chain([1, 0], [[0, 1], [1, 0]], 500)
    assert cycle.rows.tolist() == [[0, 1] * 250]


@pytest.mark.parametrize(
    ("graph", "edges"),
    [
        ("chain", [(0, 1), (1, 2), (2, 3)]),
        ("ring", [(0, 1), (1, 2), (2, 3), (3, 0)]),
        ("complete", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
    ],
)
def test_ising_weights(graph: families.Graph, edges: list[tuple[int, int]]) -> None:
    target = families.ising(4, 0.7, -0.2, graph)
    unnormalised = {}
    for row in itertools.product((0, 1), repeat=4):
        spin = [1 if a else -1 for a in row]
        unnormalised[row] = math.exp(
            0.7 * sum(spin[i] * spin[j] for i, j in edges) - 0.2 * sum(spin)
        )
    total = math.fsum(unnormalised.values())
    assert target.support == 16
    for row, weight in zip(target.rows.tolist(), target.weights.tolist(), strict=True):
        assert weight == pytest.approx(unnormalised[tuple(row)] / total, rel=1e-13)


def test_a_ring_of_two_spins_has_one_edge() -> None:
    ring, chain = (families.ising(2, 1.0, graph=graph) for graph in ("ring", "chain"))
    assert torch.equal(ring.weights, chain.weights)


def test_a_strong_ising_model_does_not_overflow() -> None:
    target = families.ising(4, 1e6, 0.0, "complete")
    assert target.rows.tolist() == [[0] * 4, [1] * 4]
    assert target.weights.tolist() == [0.5, 0.5]


def test_dirichlet_is_a_function_of_its_seed() -> None:
    one, same, other = (families.dirichlet(3, 2, 1.0, seed) for seed in (1, 1, 2))
    assert torch.equal(one.weights, same.weights)
    assert not torch.allclose(one.weights, other.weights)
    assert one.support == 8


@pytest.mark.parametrize("concentration", [0.05, 1.0, 20.0])
def test_dirichlet_weights_have_the_second_moment_of_their_law(concentration: float) -> None:
    n, draws = 8, 400

    def second_moment(c: float) -> float:
        """E Σ p² of n weights of a symmetric Dirichlet law."""
        return (c + 1) / (n * c + 1)

    squares = torch.tensor(
        [
            float((families.dirichlet(3, 2, concentration, seed).weights ** 2).sum())
            for seed in range(draws)
        ]
    )
    # The seeds are fixed, so this cannot flicker; the second line says that it has power.
    tolerance = 4 * float(squares.std()) / draws**0.5
    assert abs(float(squares.mean()) - second_moment(concentration)) < tolerance
    assert abs(float(squares.mean()) - second_moment(2 * concentration)) > tolerance


def test_a_tiny_concentration_leaves_mass() -> None:
    target = families.dirichlet(4, 3, 1e-6, seed=3)
    assert float(target.weights.sum()) == pytest.approx(1)
    assert float(target.weights.max()) > 0.99


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 5), st.data())
def test_sparse_dirichlet(d: int, S: int, seed: int, data: st.DataObject) -> None:
    support = data.draw(st.integers(1, S**d))
    target = families.sparse_dirichlet(d, S, support, seed=seed)
    assert (target.length, target.vocabulary, target.support) == (d, S, support)
    assert float(target.weights.sum()) == pytest.approx(1, abs=1e-14)
    again = families.sparse_dirichlet(d, S, support, seed=seed)
    assert torch.equal(target.rows, again.rows)
    assert torch.equal(target.weights, again.weights)


def test_a_sparse_support_is_a_uniform_subset() -> None:
    draws = 600
    counts = Counter(
        str(families.sparse_dirichlet(2, 2, 2, seed=seed).rows.tolist()) for seed in range(draws)
    )
    assert len(counts) == math.comb(4, 2)
    # Four standard deviations of a count, at fixed seeds.
    assert all(abs(n - draws / 6) < 4 * (draws * 5 / 36) ** 0.5 for n in counts.values())


def test_a_mixture_adds_the_laws() -> None:
    parts = [families.copies(2, 2), families.uniform(2, 2)]
    mixed = families.mixture(parts, [Fraction(1), Fraction(3)], name="m")
    assert law(mixed) == {
        (0, 0): Fraction(5, 16),
        (0, 1): Fraction(3, 16),
        (1, 0): Fraction(3, 16),
        (1, 1): Fraction(5, 16),
    }
    rounded = families.mixture(parts, [0.25, 0.75], name="m")
    assert rounded.fractions is None
    assert torch.allclose(rounded.weights, mixed.weights, rtol=1e-15, atol=0)


EXAMPLES = {
    "uniform": "uniform:3:2",
    "point-mass": "point-mass:3:2",
    "product": "product:0.25,0.75:1/3,2/3",
    "blocks": "blocks:5:3:2",
    "copies": "copies:3:2",
    "pairs": "pairs:3:2",
    "shared-symbols": "shared-symbols:3:2",
    "groups": "groups:4:2",
    "parity": "parity:3:2",
    "mds": "mds:3:2:3",
    "permutations": "permutations:4:2",
    "markov": "markov:3:0.5,0.5:0.9,0.1:0.2,0.8",
    "letters": "letters:2:2",
    "ising": "ising:3:0.5:0.1:ring",
    "dirichlet": "dirichlet:3:2:0.5:7",
    "sparse-dirichlet": "sparse-dirichlet:5:3:4:0.5:7",
}


def test_every_family_can_be_written() -> None:
    assert set(EXAMPLES) == set(FAMILIES)


@pytest.mark.parametrize("text", EXAMPLES.values())
def test_a_text_builds_a_law(text: str) -> None:
    target = family(text)
    assert target.name == text
    assert target.family is not None
    assert target.family.name == text.split(":")[0]
    assert float(target.weights.sum()) == pytest.approx(1, abs=1e-14)
    if target.fractions is not None:
        assert sum(target.fractions) == 1
        assert target.weights.tolist() == [float(p) for p in target.fractions]
    rational = not text.startswith(("ising", "letters", "dirichlet", "sparse-dirichlet"))
    assert (target.fractions is not None) == rational


def test_optional_parameters_have_defaults() -> None:
    assert torch.equal(family("ising:3:0.5").weights, families.ising(3, 0.5).weights)
    assert torch.equal(family("dirichlet:2:2").weights, families.dirichlet(2, 2, 1.0, 0).weights)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("copes:3:2", "no family is called 'copes': did you mean copies"),
        ("zzz", "no family is called 'zzz': known are uniform, point-mass"),
        ("copies", "write it as copies:d:S"),
        ("copies:3", "write it as copies:d:S"),
        ("copies:3:2:1", "write it as copies:d:S"),
        ("copies:3:x", "write it as copies:d:S"),
        ("copies:0:2", "'copies:0:2': d: must be at least 1, got 0"),
        ("uniform:2:-1", "S: must be at least 1, got -1"),
        ("product", "needs at least one marginal"),
        ("product:0.5,0.6", r"marginal 1: must sum to 1, sums to 1\.1"),
        ("product:0.5,0.5:1", "marginal 2: need 2 probabilities, got 1"),
        ("product:1.5,-0.5", r"marginal 1: probabilities must lie in \[0, 1\]"),
        ("product:0.5,nan", "write it as product:P"),
        ("groups:3:4", "the group size must lie in 2..3, got 4"),
        ("mds:3:2:4", "S must be a prime, got 4"),
        ("mds:3:2:1", "S must be a prime, got 1"),
        ("mds:5:2:3", r"d can be at most S\+1 = 4, got 5"),
        ("mds:3:4:5", "k must lie in 1..3, got 4"),
        ("mds:3:0:5", "k must lie in 1..3, got 0"),
        ("permutations:5:2", "d must be a multiple of S, got d=5, S=2"),
        ("markov:3:1/2,1/2:1,0", "need 2 transition rows, one a symbol, got 1"),
        ("markov:3:1/2,1/2:1,0:1/2,1/3", "transition row 2: must sum to 1"),
        ("ising:3:nan", "coupling and field must be finite"),
        ("ising:3:1:0:star", "graph must be one of chain, ring, complete, got 'star'"),
        ("dirichlet:2:2:0", "concentration: must be positive and finite, got 0.0"),
        ("dirichlet:2:2:nan", "concentration: must be positive and finite, got nan"),
        ("sparse-dirichlet:2:2:5", r"support: there are only 2\^2 = 4 sequences, got 5"),
        ("sparse-dirichlet:2:2:0", "support: must be at least 1, got 0"),
    ],
)
def test_a_bad_text_gets_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        family(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "uniform:99999999999:2",
        "uniform:1000:50257",
        "uniform:99999999999999:1",
        "copies:99999999999999:2",
        "copies:2:99999999999999",
        "pairs:200:2",
        "parity:200:2",
        "mds:100:50:101",
        "shared-symbols:99999999:2",
        "shared-symbols:99999999:1",
        "groups:99999999:2",
        "permutations:99999999:99999999",
        "product:" + ":".join(["1/2,1/2"] * 200),
        "markov:200:1/2,1/2:1/2,1/2:1/2,1/2",
        "ising:64:1",
        "dirichlet:64:2",
        "sparse-dirichlet:64:2:9999999999999",
    ],
)
def test_too_large_is_an_error_before_anything_is_built(text: str) -> None:
    with pytest.raises(TooLargeError, match=r"take smaller parameters") as caught:
        family(text)
    assert "\n" not in str(caught.value)


def test_mixtures_need_one_shape() -> None:
    with pytest.raises(InputError, match=r"one \(length, vocabulary\), got \[\(2, 2\), \(3, 2\)\]"):
        families.mixture([families.copies(2, 2), families.copies(3, 2)], [1, 1], name="m")
    with pytest.raises(InputError, match="1 targets and 2 weights"):
        families.mixture([families.copies(2, 2)], [1, 1], name="m")
    with pytest.raises(InputError, match="finite and not negative"):
        families.mixture([families.copies(2, 2)], [math.nan], name="m")
