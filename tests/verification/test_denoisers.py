"""The denoiser that a user names: what is taken, and what is refused in one line."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import ExactDenoiser, breaks, variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, pairs
from sharprates.samplers.letters import letters
from sharprates.samplers.network import NetworkShape, Training, checkpoint, train
from sharprates.samplers.target import Target
from sharprates.verification import denoisers as module
from sharprates.verification.denoisers import Checked, ContextTable, probe, resolve, resolve_for
from torch import Tensor, nn

from tests.samplers.perturbed import Mixed, Uniform, catalogue

TARGET = copies(3, 2)
STATES = Contexts.of(TARGET).states
MASKED = STATES == 2


def half(x: Tensor, t: object) -> Tensor:  # noqa: ARG001 - the protocol's
    return torch.full((*x.shape, 2), 0.5)


def checked(function: Callable[..., Any], normalised: bool = True) -> Checked:
    return Checked("mine", function, 2, time_free=True, normalised=normalised)


@pytest.mark.parametrize("name", catalogue(ExactDenoiser(TARGET)))
def test_good_answers_pass_unchanged(name: str) -> None:
    base = catalogue(ExactDenoiser(TARGET))[name]
    found = Checked("mine", base, 2, base.time_free, base.normalised)
    t = None if base.time_free else 0.5
    answer = found(STATES, t)
    assert torch.allclose(answer[MASKED], base(STATES, t)[MASKED], atol=1e-15)
    where = MASKED.nonzero().unbind(1)
    assert torch.equal(found(STATES, t, (where[0], where[1])), answer[where])
    assert found(STATES[:0], t).shape == (0, 3, 2)
    probe(found, TARGET)


def test_a_float32_softmax_is_normalised_exactly() -> None:
    logits = torch.randn(*STATES.shape, 2, generator=torch.Generator().manual_seed(0))
    answer = checked(lambda *_: torch.softmax(logits, -1))(STATES)
    assert answer.dtype == torch.float64
    assert float((answer[MASKED].sum(-1) - 1).abs().max()) < 1e-15
    grown = checked(lambda *_: torch.softmax(logits.requires_grad_(), -1))(STATES)
    assert not grown.requires_grad


def test_nothing_that_it_does_reaches_the_states() -> None:
    def spoils(x: Tensor, t: object) -> Tensor:
        x.zero_()
        return half(x, t)

    states = STATES.clone()
    checked(spoils)(states)
    assert torch.equal(states, STATES)


def raises(*_: object) -> Tensor:
    raise KeyError("one\ntwo")


def leaves(*_: object) -> Tensor:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, t: half(x, t)[0], r"returned shape \[3, 2\]"),
        (lambda x, t: half(x, t)[..., :1], "returned shape"),
        (lambda *_: [0.5, 0.5], "returned an object of type list"),
        (lambda *_: None, "of type NoneType"),
        (lambda x, t: half(x, t) * math.nan, "returned NaN"),
        (lambda x, t: half(x, t) * math.inf, "infinite"),
        (lambda x, t: -half(x, t), "negative value -0.5"),
        (lambda x, t: 1.5 * half(x, t), "claims to be normalised, but a prediction has mass 1.5"),
        (lambda x, t: 0 * half(x, t), "mass 0"),
        (lambda x, t: half(x, t) + 0j, "returned complex numbers"),
        (lambda x, t: half(x, t).to_sparse(), "no dense tensor"),
        (lambda x, t: half(x, t).to("meta"), "no dense tensor"),
        (raises, "raised KeyError"),
        (leaves, "raised SystemExit"),
        (lambda x: half(x, 0), "raised TypeError"),
    ],
)
def test_bad_answers_are_one_line(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        checked(function)(STATES)
    assert str(caught.value).startswith("denoiser mine: ")
    assert "\n" not in str(caught.value)


def test_only_masked_tokens_are_looked_at() -> None:
    def careless(x: Tensor, t: object) -> Tensor:
        return torch.where((x == 2)[:, :, None], half(x, t), math.nan)

    answer = checked(careless)(STATES)
    assert bool((answer[~MASKED] == 0).all())


def test_scores_need_no_mass_of_1() -> None:
    answer = checked(lambda x, t: 3 * half(x, t), normalised=False)(STATES)
    assert bool((answer[MASKED] == 1.5).all())
    for factor, words in [(-1, "negative"), (1e200, "scores of sum 1e[+]200")]:
        with pytest.raises(InputError, match=words):
            checked(lambda x, t, f=factor: f * half(x, t).double(), normalised=False)(STATES)


def test_randomness_is_found() -> None:
    noise = torch.Generator().manual_seed(0)
    noisy = checked(lambda x, _t: torch.softmax(torch.randn(*x.shape, 2, generator=noise), -1))
    with pytest.raises(InputError, match="dropout"):
        probe(noisy, TARGET)


def test_claims_to_be_time_free_and_batches_are_tried() -> None:
    def later(x: Tensor, t: float | None) -> Tensor:
        return torch.tensor([0.5, 0.5] if t is None else [t, 1 - t]).expand(*x.shape, 2)

    probe(Checked("mine", later, 2, time_free=False, normalised=True), TARGET)
    with pytest.raises(InputError, match="depends on t"):
        probe(checked(lambda x, t: later(x, 0.1 if t is None else t)), TARGET)
    with pytest.raises(InputError, match=r"in the batch.*eval"):
        probe(checked(lambda x, _: later(x, 1 / (1 + len(x)))), TARGET)


def test_the_probe_asks_at_every_number_of_revealed_tokens() -> None:
    seen: list[list[int]] = []

    def listening(x: Tensor, t: object) -> Tensor:
        seen.append((x < 2).sum(1).tolist())
        return half(x, t)

    probe(checked(listening), TARGET)
    assert seen[:2] == [[0, 1, 2]] * 2


def test_a_settled_denoiser_rounds_a_context_the_same_in_every_batch() -> None:
    """What a float32 network does to a row in another batch, made large."""

    def rounds(x: Tensor, t: float | None) -> Tensor:
        first = 0.5 + 1e-3 * x.sum(1) + 1e-5 * len(x) + (0.0 if t is None else 1e-2 * t)
        return torch.stack([first, 1 - first], -1)[:, None].expand(*x.shape, 2)

    for free, t in ((True, None), (False, 0.5)):
        base = Checked("mine", rounds, 2, free, normalised=True)
        one = ContextTable(base, TARGET)
        assert (one.vocabulary, one.time_free, one.normalised) == (2, free, True)
        whole = base(STATES, t)
        assert torch.equal(one(STATES, t), whole)
        order = torch.randperm(len(STATES), generator=torch.Generator().manual_seed(0))
        assert torch.equal(one(STATES[order[:5]], t), whole[order[:5]])
        assert not torch.equal(base(STATES[order[:5]], t), whole[order[:5]])
        row, column = torch.tensor([3, 1]), torch.tensor([0, 2])
        assert torch.equal(one(STATES, t, (row, column)), whole[row, column])
        # no context of copies: the base is asked
        others = torch.tensor([[0, 1, 2], [2, 2, 2], [1, 0, 2]])
        found = one(others, t)
        assert torch.equal(found[1], whole[0])
        assert torch.equal(found[[0, 2]], base(others[[0, 2]], t))
    assert not torch.equal(one(STATES, 0.5), one(STATES, 0.1))
    assert torch.equal(one(STATES, torch.full((15,), 0.5)), base(STATES, torch.full((15,), 0.5)))


# --- by name --------------------------------------------------------------------------------------


def test_exact_and_trained() -> None:
    assert isinstance(resolve("exact")(TARGET), ExactDenoiser)
    told: list[tuple[object, ...]] = []
    make = resolve(
        "trained",
        Training(steps=2, tokens=18),
        lambda *what: told.append(what[:3]),
    )
    assert make(TARGET).vocabulary == 2
    assert told == [("copies:3:2", 1, 2), ("copies:3:2", 2, 2)]


def test_a_checkpoint_must_fit(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    network = train(TARGET, Training(steps=1, tokens=9), NetworkShape(3, 2, 8, 1, 2))
    path.write_bytes(checkpoint(network))
    make = resolve(str(path))
    assert torch.allclose(make(TARGET)(STATES)[MASKED], network(STATES)[MASKED], atol=1e-15)
    with pytest.raises(InputError, match="trained for d = 3, S = 2; pairs:4:3 has d = 4, S = 3"):
        make(pairs(4, 3))


def test_a_checkpoint_that_overflows_is_found(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    network = train(TARGET, Training(steps=1, tokens=9), NetworkShape(3, 2, 8, 1, 2))
    network.network.symbol.weight.mul_(1e200)
    path.write_bytes(checkpoint(network))
    with pytest.raises(InputError, match="NaN"):
        probe(resolve(str(path))(TARGET), TARGET)


class Model(nn.Module):
    """A module with the denoiser's call."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return half(x, t)


class OfTarget(Mixed):
    """A class of one argument."""

    def __init__(self, target: Target) -> None:
        super().__init__(ExactDenoiser(target), Uniform(target.vocabulary), 0.1)


def scores(x: Tensor, t: object) -> Tensor:
    return 3 * half(x, t)


scores.normalised = False
scores.time_free = True


@pytest.mark.parametrize(
    ("found", "time_free", "normalised"),
    [
        (half, False, True),
        (scores, True, False),
        (Model(), False, True),
        (OfTarget, True, True),
        (lambda target: OfTarget(target), True, True),
        (lambda _target: half, False, True),
        (Uniform(2), True, True),
    ],
)
def test_own_objects_of_every_kind(
    monkeypatch: pytest.MonkeyPatch, found: object, time_free: bool, normalised: bool
) -> None:
    monkeypatch.setattr(module, "load_object", lambda *_: found)
    made = resolve("my:own")(TARGET)
    assert (made.vocabulary, made.time_free, made.normalised) == (2, time_free, normalised)
    probe(made, TARGET)


def claims_late(x: Tensor, t: object) -> Tensor:
    return half(x, t)


claims_late.time_free = "yes"


class Breaks:
    """One of its claims raises."""

    @property
    def vocabulary(self) -> int:
        raise RuntimeError("boom")

    __call__ = staticmethod(half)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (7, "object of type int, which is no denoiser"),
        (Uniform(5), "vocabulary 5"),
        (claims_late, "needs True or False as time_free, normalised; got yes, True"),
        (Breaks(), "raised RuntimeError: boom"),
        (lambda x: half(x, 0), "a denoiser takes two, x and t"),
        (lambda _target: 7, "made an object of type int"),
        (lambda _target: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_own_objects_that_are_none(
    monkeypatch: pytest.MonkeyPatch, found: object, words: str
) -> None:
    monkeypatch.setattr(module, "load_object", lambda *_: found)
    with pytest.raises(InputError, match=words):
        resolve("my:own")(TARGET)


def test_an_unknown_name() -> None:
    with pytest.raises(
        InputError, match="exact, noisy:ε, trained, the path of a checkpoint, or MODULE"
    ):
        resolve("perfect")
    with pytest.raises(InputError, match="cannot be read"):
        resolve("nothing.pt")
    with pytest.raises(InputError, match="write it as noisy:ε"):
        resolve("noisy:much")


def test_a_noisy_denoiser_errs_by_its_share() -> None:
    noisy, exact = resolve("noisy:0.1")(TARGET), resolve("exact")(TARGET)
    x = torch.full((1, TARGET.length), TARGET.vocabulary)
    assert torch.allclose(noisy(x), 0.9 * exact(x) + 0.1 / TARGET.vocabulary)


def test_denoisers_for_laws_that_are_not_listed() -> None:
    law = letters(16)
    assert resolve_for(law, "letters:16", "exact") is law
    x = torch.full((1, 16), 27)
    assert torch.allclose(resolve_for(law, "l", "noisy:0.1")(x), 0.9 * law(x) + 0.1 / 27)
    with pytest.raises(InputError, match="letters:16 is too long a law to be listed"):
        resolve_for(law, "letters:16", "trained")


def test_what_a_denoiser_says_of_its_dependence_on_time_is_passed_on() -> None:
    def silent(x: Tensor, t: float) -> Tensor:
        return half(x, t)

    one = Checked("mine", silent, 2, time_free=False, normalised=True)
    for asked in (one, ContextTable(one, TARGET)):
        assert (breaks(asked), variation(asked, 0.2, 0.4)) == (None, 1)
    silent.breaks = [0.25, 0.5]
    for asked in (one, ContextTable(one, TARGET)):
        assert breaks(asked) == (0.25, 0.5)
        assert [variation(asked, *ends) for ends in [(0.25, 0.5), (0.2, 0.3), (0, 1)]] == [0, 1, 1]
    silent.variation = lambda early, late: late - early
    for asked in (one, ContextTable(one, TARGET)):
        assert [variation(asked, *ends) for ends in [(0.25, 0.5), (0.2, 0.3)]] == [0.25, 1]
        assert variation(asked, 0.5, math.inf) == 1
    silent.variation = lambda *_: math.nan
    assert variation(one, 0.25, 0.5) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("breaks", 0.5, "give a tuple of times"),
        ("variation", lambda *_: -1, "return a bound, which is ≥ 0"),
        ("variation", lambda *_: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_wrong_statement_about_time_is_an_error(name: str, value: object, words: str) -> None:
    def wrong(x: Tensor, t: float) -> Tensor:
        return half(x, t)

    setattr(wrong, name, value)
    with pytest.raises(InputError, match=words):
        variation(Checked("mine", wrong, 2, time_free=False, normalised=True), 0.0, 1.0)
