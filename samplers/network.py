"""A small masked-diffusion network: transformer, any-order training, checkpoints.

It is trained on the data law itself, so that its error is what remains of training, not of too few
data. Training is float32 on one thread, so that the same seed gives the same weights on any number
of cores; predictions are float64.
"""

from __future__ import annotations

import copy
import io
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.samplers.errors import InputError, check_time
from sharprates.samplers.reading import read_bytes
from sharprates.samplers.target import Target
from torch import Tensor, nn

_LARGEST = 1 << 16


@dataclass(frozen=True)
class NetworkShape:
    """What a network is made of.

    Attributes:
        length: d.
        vocabulary: S, without the mask.
        width: numbers a token, a multiple of `heads`.
        layers: transformer layers, at most 64.
        heads: attention heads.
    """

    length: int
    vocabulary: int
    width: int = 32
    layers: int = 4
    heads: int = 4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= _LARGEST:
                raise InputError(f"{name}: must be a whole number of 1..{_LARGEST}, got {value!r}")
        if self.width % self.heads:
            raise InputError(f"width: {self.width} is not a multiple of {self.heads} heads")
        if self.layers > 64:
            raise InputError(f"layers: must be at most 64, got {self.layers}")


class _Layer(nn.Module):
    """Attention over all positions, then a two-layer perceptron; normalised before each."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.before_hidden = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 4 * width)
        self.out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, d, width = x.shape
        split = self.attention(self.before_attention(x)).view(
            n, d, 3, self.heads, width // self.heads
        )
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each [n, heads, d, width/heads]
        weight = torch.softmax(query @ key.mT / math.sqrt(key.shape[-1]), -1)
        x = x + self.mixed((weight @ value).transpose(1, 2).reshape(n, d, width))
        y: Tensor = x + self.out(nn.functional.gelu(self.hidden(self.before_hidden(x))))
        return y


class Network(nn.Module):
    """From partial states int64 [B, d] to log-probabilities [B, d, S]."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.symbol = nn.Embedding(shape.vocabulary + 1, shape.width)
        self.place = nn.Embedding(shape.length, shape.width)
        self.layers = nn.ModuleList(_Layer(shape.width, shape.heads) for _ in range(shape.layers))
        self.before_out = nn.LayerNorm(shape.width)
        self.out = nn.Linear(shape.width, shape.vocabulary)

    @staticmethod
    def blank(shape: NetworkShape) -> Network:
        """A network without memory for its weights; building it draws no random numbers."""
        with torch.device("meta"):
            return Network(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities of every token's symbol given the revealed ones."""
        y = self.symbol(x) + self.place.weight
        for layer in self.layers:
            y = layer(y)
        return torch.log_softmax(self.out(self.before_out(y)), -1)


# Numbers in the widest layer that are worked out at a time: 2^17 of them are 1 MiB, for the cache.
_CELLS = 1 << 17


@dataclass(frozen=True, eq=False)
class NetworkDenoiser:
    """A network as a denoiser: time-free and normalised.

    Attributes:
        network: in float64.
    """

    network: Network
    _copies: dict[torch.device, Network] = field(default_factory=dict, init=False, repr=False)

    time_free = True
    normalised = True

    @property
    def length(self) -> int:
        """Sequence length d."""
        return self.network.shape.length

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.network.shape.vocabulary

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        shape = self.network.shape
        if x.ndim != 2 or x.shape[1] != shape.length:
            raise InputError(f"x: need partial states [B, {shape.length}], got {list(x.shape)}")
        size = max(1, _CELLS // (shape.length * (4 * shape.width + shape.vocabulary)))
        with torch.no_grad():
            parts = [self._on(x.device)(part).exp() for part in torch.split(x, size)]
        out = torch.cat(parts) if parts else x.new_zeros((0, shape.length, shape.vocabulary))
        return out if positions is None else out[positions]

    def _on(self, device: torch.device) -> Network:
        """The network on a device."""
        if next(self.network.parameters()).device == device:
            return self.network
        if device not in self._copies:
            self._copies[device] = copy.deepcopy(self.network).to(device)
        return self._copies[device]


# --- training -------------------------------------------------------------------------------------


_STEPS = 50
"""Steps of a small network's training that one core does in a second."""


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        steps: of the optimiser.
        tokens: in a step's batch, so that long and short sequences take alike long; the number of
            sequences, tokens/d, is rounded up to a multiple of d.
        rate: largest learning rate; it rises over the first twentieth and falls to 0 as a cosine.
        seed: of the first weights and of the batches.
    """

    steps: int = 2000
    tokens: int = 1440
    rate: float = 6e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.tokens < 1:
            raise InputError(f"training: needs steps, tokens ≥ 1, got {self.steps}, {self.tokens}")
        check_time(self.steps / _STEPS, f"{self.steps} steps of training", "take fewer")
        if not 0 < self.rate < 1:
            raise InputError(f"rate: must lie in (0, 1), got {self.rate}")


Progress = Callable[[int, float], None]
"""Called after each step with its number, from 1, and the loss of its batch in nats."""


def train(
    target: Target,
    training: Training | None = None,
    shape: NetworkShape | None = None,
    progress: Progress | None = None,
) -> NetworkDenoiser:
    """Train a network on a data law.

    Args:
        target: the data law; sequences are drawn with its weights.
        training: how long, by default `Training()`.
        shape: of the network, by default `NetworkShape(d, S)`.
        progress: told of every step.

    Returns:
        The denoiser; the same for the same arguments, whatever the number of threads.
    """
    how = training or Training()
    form = shape or NetworkShape(target.length, target.vocabulary)
    generator = torch.Generator().manual_seed(how.seed)
    batch = -(-how.tokens // target.length)
    with _one_thread():
        network = Network.blank(form).to_empty(device="cpu")
        _initialise(network, generator)
        optimiser = torch.optim.Adam(network.parameters(), lr=how.rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: _rate(k, how.steps))
        for step in range(how.steps):
            loss = any_order_loss(network, target, batch, generator)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types here
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, float(loss.detach()))
    return NetworkDenoiser(network.to(torch.float64).requires_grad_(False))


def any_order_loss(
    network: Network, target: Target, batch: int, generator: torch.Generator
) -> Tensor:
    """An unbiased estimate of the any-order NELBO, E Σ_n −log p̂_{σ_n}(x | x_{σ_1..σ_{n−1}}), nats.

    The number m of masked tokens is uniform in 1..d and the masked set uniform given m, so a row
    weighs its masked tokens by d/m. The batch holds each m equally often, which keeps the mean and
    lowers the variance.

    Args:
        network: log-probabilities.
        target: the data law.
        batch: rows, rounded up to a multiple of d.
        generator: the only source of randomness.

    Returns:
        A scalar with gradient.
    """
    d = target.length
    n = -(-batch // d) * d
    rows = target.rows[torch.multinomial(target.weights, n, True, generator=generator)]
    count = torch.arange(n)[:, None] % d + 1
    order = torch.rand((n, d), generator=generator).argsort(1).argsort(1)
    masked = order < count
    states = rows.masked_fill(masked, target.vocabulary)
    picked = network(states).gather(2, rows[:, :, None]).squeeze(2)
    loss: Tensor = -(picked * masked * d / count).sum() / n
    return loss


def _rate(step: int, steps: int) -> float:
    """Warm-up, then half a cosine down to 0."""
    warm = max(1, steps // 20)
    return min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * step / steps)))


def _initialise(network: Network, generator: torch.Generator) -> None:
    """Weights of variance 1/inputs, biases 0; layers that add to the stream start smaller.

    Embeddings have variance 1: smaller ones double the steps that twelve tokens need.
    """
    depth = 2 * len(network.layers)
    for name, weight in network.named_parameters():
        if weight.ndim == 2:
            embedding = name in ("symbol.weight", "place.weight")
            scale = 1.0 if embedding else 1 / math.sqrt(weight.shape[1])
            if name.endswith(("mixed.weight", "out.weight")):
                scale /= math.sqrt(depth)
            nn.init.normal_(weight, 0.0, scale, generator=generator)
        else:
            nn.init.constant_(weight, 0.0 if name.endswith("bias") else 1.0)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums that are split over threads round differently, and training amplifies it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# --- checkpoints ----------------------------------------------------------------------------------


def checkpoint(denoiser: NetworkDenoiser) -> bytes:
    """A file's content: ``{"config": the shape in ints, "state": the plain state dict}``."""
    buffer = io.BytesIO()
    state = dict(denoiser.network.state_dict())
    torch.save({"config": asdict(denoiser.network.shape), "state": state}, buffer)
    return buffer.getvalue()


def load_checkpoint(path: str | Path) -> NetworkDenoiser:
    """Read a checkpoint; nothing in the file is executed (``weights_only=True``).

    Args:
        path: written from `checkpoint`.

    Raises:
        InputError: in one line, if the file is anything else.
    """
    remedy = "save one with `sharprates audit --denoiser trained --out DIR`"
    data = read_bytes(Path(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces TorchScript archives and old formats
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception:  # the unpickler raises many types on what it refuses or cannot read
        raise InputError(f"{path}: is not a plain state dict of tensors; {remedy}") from None
    try:
        shape, state = _plain(content, len(data))
        network = Network.blank(shape)
        network.load_state_dict(state, assign=True)
    except InputError as error:
        raise InputError(f"{path}: {error}; {remedy}") from None
    except RuntimeError:
        raise InputError(f"{path}: its tensors do not fit its config; {remedy}") from None
    return NetworkDenoiser(network.requires_grad_(False))


def _plain(content: Any, size: int) -> tuple[NetworkShape, dict[str, Tensor]]:
    """The shape and the tensors of a checkpoint, if it is one."""
    if not isinstance(content, dict) or content.keys() != {"config", "state"}:
        raise InputError("needs a dict of 'config' and 'state'")
    config, state = content["config"], content["state"]
    names = {field.name for field in fields(NetworkShape)}
    if not isinstance(config, dict) or config.keys() != names:
        raise InputError(f"its config needs {', '.join(sorted(names))}")
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) and _is_plain(value)
        for name, value in state.items()
    ):
        raise InputError("its state is not a plain state dict of float tensors")
    if sum(value.numel() * value.element_size() for value in state.values()) > size:
        raise InputError("its tensors are larger than the file")  # one number, expanded
    for name, value in state.items():
        if not bool(torch.isfinite(value.to(torch.float64)).all()):
            raise InputError(f"its tensor {name} holds NaN or infinite numbers")
    return NetworkShape(**config), {name: value.to(torch.float64) for name, value in state.items()}


def _is_plain(value: Tensor) -> bool:
    return value.is_floating_point() and value.layout is torch.strided and not value.is_meta
