"""The network: an unbiased loss, training that helps and repeats, checkpoints that run nothing."""

import math
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet
from sharprates.samplers.network import (
    NetworkDenoiser,
    NetworkShape,
    Training,
    any_order_loss,
    checkpoint,
    load_checkpoint,
    train,
)
from sharprates.samplers.target import Target

TARGET = Target.from_rows([[0, 0, 1], [1, 0, 0], [2, 2, 2], [1, 1, 1]], [4, 3, 2, 1], 3)
SMALL = NetworkShape(3, 3, width=16, layers=1, heads=2)


def trained(steps: int, seed: int = 0) -> NetworkDenoiser:
    return train(TARGET, Training(steps=steps, tokens=144, seed=seed), SMALL)


def errors(denoiser: NetworkDenoiser, target: Target = TARGET) -> tuple[float, float]:
    """(NELBO, ε_FHS), summed over contexts one by one."""
    contexts = Contexts.of(target)
    p, q = ExactDenoiser(target)(contexts.states), denoiser(contexts.states)
    nelbo = distance = 0.0
    d = target.length
    for c, state in enumerate(contexts.states.tolist()):
        u = int(contexts.revealed[c])
        for i in range(d):
            if state[i] == target.vocabulary:
                weight = float(contexts.mass[c]) / (math.comb(d, u) * (d - u))
                nelbo -= weight * float((p[c, i] * q[c, i].log()).sum())
                distance += weight * float((p[c, i] - q[c, i]).abs().sum()) / 2
    return nelbo, distance


def test_predictions_are_probabilities_at_any_batch_and_position() -> None:
    denoiser = trained(2)
    states = Contexts.of(TARGET).states
    found = denoiser(states)
    assert found.dtype == torch.float64
    assert found.shape == (len(states), 3, 3)
    assert float((found.sum(-1) - 1).abs().max()) < 1e-14
    row, column = (states == 3).nonzero().unbind(1)
    assert torch.equal(denoiser(states, 0.3, (row, column)), found[row, column])
    assert torch.allclose(denoiser(states[5:7]), found[5:7], atol=1e-14)
    assert denoiser(states[:0]).shape == (0, 3, 3)
    with pytest.raises(InputError, match=r"\[B, 3\]"):
        denoiser(states[:, :2])


def test_the_loss_is_unbiased_for_the_any_order_nelbo() -> None:
    denoiser = trained(1)
    nelbo, _ = errors(denoiser)
    generator = torch.Generator().manual_seed(0)
    losses = [float(any_order_loss(denoiser.network, TARGET, 999, generator)) for _ in range(40)]
    mean = sum(losses) / len(losses)
    spread = (sum((x - mean) ** 2 for x in losses) / (len(losses) - 1)) ** 0.5
    assert abs(mean - nelbo) < 5 * spread / math.sqrt(len(losses))
    assert spread < 0.1 * nelbo


@pytest.mark.parametrize("target", [TARGET, dirichlet(3, 3, 0.3, seed=1)])
def test_training_longer_lowers_nelbo_and_error(target: Target) -> None:
    runs = [
        errors(train(target, Training(steps=steps, tokens=144), SMALL), target)
        for steps in (5, 40, 400)
    ]
    entropy = -float((target.weights * target.weights.log()).sum())
    for (nelbo, distance), (later_nelbo, later_distance) in pairwise(runs):
        assert later_nelbo < nelbo
        assert later_distance < distance
    assert entropy < runs[-1][0] < entropy + 0.3


def test_training_tells_every_step_and_leaves_the_global_generator_alone() -> None:
    told: list[tuple[int, float]] = []
    before = torch.get_rng_state()
    threads = torch.get_num_threads()
    train(TARGET, Training(steps=3, tokens=18), SMALL, lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == [1, 2, 3]
    assert all(0 < loss < 20 for _, loss in told)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_the_same_seed_gives_the_same_network_on_any_number_of_threads() -> None:
    states = Contexts.of(TARGET).states
    first, again, other = trained(25)(states), trained(25)(states), trained(25, seed=1)(states)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)
    program = (
        "import torch; torch.set_num_threads(3)\n"
        "from sharprates.samplers.contexts import Contexts\n"
        "from sharprates.samplers.network import NetworkShape, Training, train\n"
        "from sharprates.samplers.target import Target\n"
        "t = Target.from_rows([[0,0,1],[1,0,0],[2,2,2],[1,1,1]], [4,3,2,1], 3)\n"
        "q = train(t, Training(steps=25, tokens=144), NetworkShape(3, 3, 16, 1, 2))\n"
        "print(q(Contexts.of(t).states).flatten().tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    elsewhere = torch.tensor(eval(done.stdout), dtype=torch.float64)
    assert float((elsewhere - first.flatten()).abs().max()) < 1e-12


# --- checkpoints ----------------------------------------------------------------------------------


def test_a_checkpoint_brings_the_network_back(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    denoiser = trained(3)
    path.write_bytes(checkpoint(denoiser))
    found = load_checkpoint(path)
    states = Contexts.of(TARGET).states
    assert torch.equal(found(states), denoiser(states))
    assert (found.length, found.vocabulary) == (3, 3)
    # also from a file in float32
    content = torch.load(path, weights_only=True)
    content["state"] = {name: value.float() for name, value in content["state"].items()}
    torch.save(content, path)
    assert torch.allclose(load_checkpoint(path)(states), denoiser(states), atol=1e-5)


def pickled(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


class Evil:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize(
    "save", [torch.save, lambda obj, path: path.write_bytes(pickle.dumps(obj))]
)
@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: {"config": {}, "state": evil}])
def test_nothing_in_a_file_is_executed(tmp_path: Path, save, wrap) -> None:
    path, marker = tmp_path / "evil.pt", tmp_path / "executed"
    save(wrap(Evil(marker)), path)
    with pytest.raises(InputError, match=r"evil\.pt: is not a plain state dict") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    good = torch.load(_written(tmp_path / "good.pt"), weights_only=True)
    config, state = good["config"], good["state"]
    name = next(iter(state))
    for content, words in [
        (trained(1).network, "plain state dict"),
        (state, "'config' and 'state'"),
        ([1, 2], "'config' and 'state'"),
        ({"config": config, "state": [1]}, "plain state dict of float tensors"),
        ({"config": config, "state": {**state, name: 1.0}}, "plain state dict"),
        ({"config": config, "state": {**state, name: state[name].to_sparse()}}, "plain state dict"),
        ({"config": config, "state": {**state, name: state[name].to("meta")}}, "plain state dict"),
        ({"config": config, "state": {**state, name: state[name] * math.nan}}, f"{name} holds NaN"),
        ({"config": {"length": 3}, "state": state}, "config needs"),
        ({"config": {**config, "width": 17}, "state": state}, "multiple"),
        ({"config": {**config, "width": 32}, "state": state}, "do not fit"),
        ({"config": {**config, "layers": 2}, "state": state}, "do not fit"),
        ({"config": {**config, "layers": 10**6}, "state": state}, "1..65536"),
        ({"config": {**config, "layers": 1000}, "state": state}, "at most 64"),
        ({"config": {**config, "heads": "2"}, "state": state}, "whole number"),
        ({"config": config, "state": {name: state[name]}}, "do not fit"),
        # one number in the file, four billion in memory
        ({"config": config, "state": {name: torch.ones(1).expand(2**16, 2**16)}}, "larger than"),
    ]:
        torch.save(content, path)
        with pytest.raises(InputError, match=words) as caught:
            load_checkpoint(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    whole = (tmp_path / "good.pt").read_bytes()
    for data in (b"", b"not a checkpoint", whole[:2000], whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="plain state dict"):
            load_checkpoint(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_checkpoint(tmp_path / "nothing.pt")


def _written(path: Path) -> Path:
    path.write_bytes(checkpoint(trained(1)))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NetworkShape(0, 2), "length"),
        (lambda: NetworkShape(2, 2, width=10, heads=4), "multiple"),
        (lambda: Training(steps=0), "steps"),
        (lambda: Training(rate=0.0), "rate"),
    ],
)
def test_impossible_arguments(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_a_network_for_one_token_and_one_symbol() -> None:
    target = copies(1, 1)
    denoiser = train(target, Training(steps=1, tokens=1), NetworkShape(1, 1, 4, 1, 1))
    assert denoiser(torch.tensor([[1]])).tolist() == [[[1.0]]]
