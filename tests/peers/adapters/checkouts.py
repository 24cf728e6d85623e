"""Samplers that are published as git repositories only: they run from a checkout that you have.

Name it in the environment, as SHARPRATES_LLADA, or by `--checkout LLADA=FOLDER` of `peers.run`.
Their training dependencies need not be installed: what is not found is replaced by empty stand-ins
while their file is read, since the samplers do not call it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import (
    EPS,
    LOG_LINEAR,
    carried_over,
    log_linear_noise,
    log_score,
    probabilities,
    seed_globals,
    with_mask_column,
)


class _AnyAttribute(type):
    """A class of which every attribute is such a class: base classes and decorators work."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _AnyAttribute(name, (), {"__init__": _ignore})


def _ignore(*_: object, **__: object) -> None:
    """An initialiser that takes anything."""


class _StandIn(types.ModuleType):
    """A module that is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # a package: its submodules may be stand-ins too

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_AnyAttribute("StandIn", (), {}), name)


def checkout(variable: str) -> Path:
    """The checkout that the environment names.

    Raises:
        InputError: if it names none, or no folder.
    """
    path = os.environ.get(variable)
    if not path or not Path(path).is_dir():
        raise InputError(f"{variable}: must name the folder of a checkout, got {path!r}")
    return Path(path)


@lru_cache
def load(variable: str, file: str, stand_ins: tuple[str, ...], own: tuple[str, ...] = ()) -> Any:
    """A module of a checkout.

    Args:
        variable: that names the checkout.
        file: path in it.
        stand_ins: modules to replace, whether installed or not.
        own: files of the checkout that the module imports, with their names, ``name=path``.
    """
    root = checkout(variable)
    names = [*stand_ins, *(one.partition("=")[0] for one in own)]
    before = {name: sys.modules.get(name) for name in names}
    try:
        for name in stand_ins:
            sys.modules[name] = _StandIn(name)
        for one in own:
            name, _, path = one.partition("=")
            sys.modules[name] = _read(name, root / path)
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], last, sys.modules[name])
        return _read(f"checkout_{variable.lower()}_{Path(file).stem}", root / file)
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _read(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: is not there; is this a checkout of the right project?")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their invalid escapes and old names
        spec.loader.exec_module(module)
    return module


_TRAINING = (
    "hydra",
    "hydra.utils",
    "lightning",
    "torchmetrics",
    "transformers",
    "dataloader",
    "models",
    "metrics",
    "utils",
    "omegaconf",
)


@dataclass(frozen=True)
class MDLM:
    """kuleshov-group/mdlm: `Diffusion._sample`, the loop around `_ddpm_update`.

    Attributes:
        last_step: what it is held to.
        eps: where its grid ends; its default 1e-5 leaves next to nothing for the last step.
        steps: K.
    """

    last_step: str = "argmax"
    eps: float = EPS
    steps: int = 3

    @property
    def declaration(self) -> Declaration:
        """Ancestral with log-linear noise, from 1 to eps; what remains by argmax."""
        return Declaration(
            f"MDLM _sample (ddpm), K = {self.steps}, eps = {self.eps:g}",
            "ancestral",
            LOG_LINEAR,
            self.steps,
            delta=self.eps,
            last_step=self.last_step,
            uniforms="float32",
        )

    def _module(self) -> Any:
        return load("SHARPRATES_MDLM", "diffusion.py", (*_TRAINING, "noise_schedule"))

    def _model(self, denoiser: OracleDenoiser, n: int) -> Any:
        module = self._module()
        noise = load("SHARPRATES_MDLM", "noise_schedule.py", ()).LogLinearNoise()
        S = denoiser.vocabulary

        def forward(x: Tensor, sigma: Tensor) -> Tensor:  # noqa: ARG001 - time-free
            return denoiser.watch(probabilities(denoiser, x).float().log())

        one = SimpleNamespace(
            config=SimpleNamespace(
                loader=SimpleNamespace(eval_batch_size=n),
                sampling=SimpleNamespace(steps=self.steps, noise_removal=True),
                model=SimpleNamespace(length=denoiser.length),
            ),
            parameterization="subs",
            sampler="ddpm",
            device="cpu",
            mask_index=S,
            noise=noise,
            forward=forward,
            _sample_prior=lambda *shape: torch.full(shape, S),
        )
        one._ddpm_update = types.MethodType(module.Diffusion._ddpm_update, one)
        return one

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)
        found: Tensor = self._module().Diffusion._sample(self._model(denoiser, n), eps=self.eps)
        return found

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Largest p / (ε − log(u + ε)), ε = 1e-10, nothing clamped, of equal ones the first."""
        seed_globals(generator)
        found: Tensor = self._module()._sample_categorical(p.float())
        return found


@dataclass(frozen=True)
class SEDD:
    """louaaron/Score-Entropy-Discrete-Diffusion: `get_pc_sampler` on the absorbing graph.

    Attributes:
        predictor: ``euler`` or ``analytic``.
        steps: K.
    """

    predictor: str = "euler"
    steps: int = 3

    @property
    def declaration(self) -> Declaration:
        """Euler or ancestral with log-linear noise, from 1 to 1e-5; what remains is drawn."""
        return Declaration(
            f"SEDD {self.predictor}, K = {self.steps}",
            "euler" if self.predictor == "euler" else "ancestral",
            LOG_LINEAR,
            self.steps,
            delta=EPS,
            last_step="fill",
            time=log_linear_noise,
            uniforms="float32",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)
        S, variable = denoiser.vocabulary, "SHARPRATES_SEDD"
        own = ("catsample=catsample.py",)
        sampling = load(variable, "sampling.py", ("model",), (*own, "model.utils=model/utils.py"))
        graph = load(variable, "graph_lib.py", (), own).Absorbing(S)
        noise = load(variable, "noise_lib.py", ()).LogLinearNoise()

        class Model(torch.nn.Module):
            """Logarithm of the concrete score."""

            def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
                return log_score(denoiser, x, sigma)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # their autocast is for a GPU
            run = sampling.get_pc_sampler(
                graph, noise, (n, denoiser.length), self.predictor, self.steps, eps=EPS
            )
            found: Tensor = run(Model())
        return found

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Largest p / (ε − log(u + ε)), ε = 1e-10, nothing clamped, of equal ones the first."""
        seed_globals(generator)
        found: Tensor = load("SHARPRATES_SEDD", "catsample.py", ()).sample_categorical(p.float())
        return found


@dataclass(frozen=True)
class BD3LM:
    """kuleshov-group/bd3lms: `_semi_ar_sampler` with first hitting, one block, batch 1."""

    @property
    def declaration(self) -> Declaration:
        """One token at a time, at uniformly random positions."""
        return Declaration("BD3-LM first_hitting, one block", "first-hitting")

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """Row by row: it takes batches of one."""
        seed_globals(generator)
        module = load("SHARPRATES_BD3LMS", "diffusion.py", (*_TRAINING, "noise_schedule", "tqdm"))
        module.tqdm = lambda items: items
        S, d = denoiser.vocabulary, denoiser.length

        def forward(x: Tensor, sigma: Tensor, sample_mode: bool = False) -> Tensor:  # noqa: ARG001 - the call that it makes
            # The first token of a sequence is a fixed start symbol.
            p = with_mask_column(denoiser(x[:, 1:]), 0.0)
            p = torch.cat([torch.ones_like(p[:, :1]), p], 1)
            return carried_over(p, x, S).log()

        one = SimpleNamespace(
            config=SimpleNamespace(
                algo=SimpleNamespace(name="bd3lm"),
                model=SimpleNamespace(length=d + 1),
                sampling=SimpleNamespace(first_hitting=True, kv_cache=False, nucleus_p=1.0),
                loader=SimpleNamespace(eval_batch_size=1),
            ),
            block_size=d + 1,
            dtype=torch.float64,
            device="cpu",
            mask_index=S,
            tokenizer=SimpleNamespace(bos_token_id=0),
            noise=lambda t: (None, t),
            forward=forward,
            _sigma_from_p=lambda p: p,
            _sample_prior=lambda *shape: torch.full(shape, S),
        )
        for name in ("_ddpm_caching_update", "_nucleus_sample"):
            setattr(one, name, types.MethodType(getattr(module.Diffusion, name), one))
        rows = [module.Diffusion._semi_ar_sampler(one, 1, 10 * d, 1, d + 1)[0] for _ in range(n)]
        return torch.cat(rows)[:, 1:]


@dataclass(frozen=True)
class LLaDA:
    """ML-GSAI/LLaDA: `generate` without a prompt, one token a step, temperature 1.

    Attributes:
        remasking: ``random`` or ``low_confidence``, its default.
        rule: what it is held to.
    """

    remasking: str
    rule: str | None

    @property
    def declaration(self) -> Declaration:
        """One token a step."""
        return Declaration(f"LLaDA generate, {self.remasking}, held to {self.rule}", self.rule)

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)
        module = load("SHARPRATES_LLADA", "generate.py", ("transformers",))
        S, d = denoiser.vocabulary, denoiser.length
        prompt = torch.zeros(n, 0, dtype=torch.int64)
        found: Tensor = module.generate(
            _language_model(denoiser),
            prompt,
            steps=d,
            gen_length=d,
            block_length=d,
            temperature=1.0,
            remasking=self.remasking,
            mask_id=S,
        )
        return found


@dataclass(frozen=True)
class FastDLLM:
    """NVlabs/Fast-dLLM: LLaDA's `generate` with a threshold, after a prompt; one row a call.

    Attributes:
        rule: what it is held to.
        threshold: handed to `generate`; its examples have 0.9, which small denoisers do not reach.
    """

    rule: str = "threshold:0.6"
    threshold: float = 0.6

    @property
    def declaration(self) -> Declaration:
        """At temperature 0, its default, nothing is drawn."""
        return Declaration(
            f"Fast-dLLM generate, threshold {self.threshold:g}, held to {self.rule}",
            self.rule,
            block_length=2,
            temperature=0,
            prompt="prefix",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """Row by row."""
        seed_globals(generator)
        stand_ins = ("transformers", "model", "model.modeling_llada")
        module = load("SHARPRATES_FAST_DLLM", "llada/generate.py", stand_ins)
        S = denoiser.vocabulary
        given = denoiser.prompt[denoiser.prompt < S][None]
        length = denoiser.length - given.shape[1]
        rows = [
            module.generate(
                _language_model(denoiser),
                given,
                steps=length,
                gen_length=length,
                block_length=2,
                mask_id=S,
                threshold=self.threshold,
            )[0]
            for _ in range(n)
        ]
        return torch.cat(rows)


def _language_model(denoiser: OracleDenoiser) -> Any:
    """What `generate` of LLaDA and of what is made of it reads off a language model."""

    class Model:
        device = "cpu"

        def __call__(self, x: Tensor, attention_mask: object = None) -> SimpleNamespace:  # noqa: ARG002 - as it is called
            logits = with_mask_column(denoiser.logits(x), -torch.inf)
            return SimpleNamespace(logits=denoiser.watch(logits))

    return Model()


@dataclass(frozen=True)
class ReMDM:
    """kuleshov-group/remdm: `Diffusion._sample` with `remdm-cap`, which masks tokens again.

    Attributes:
        rule: what it is held to; None for its own law, by the kernel.
        eta: the most probable remasking.
        steps: K.
    """

    rule: str | None = None
    eta: float = 0.3
    steps: int = 3

    @property
    def declaration(self) -> Declaration:
        """On the linear clock from 1 to 1e-5; what is still masked then by argmax."""
        return Declaration(
            f"ReMDM _sample (remdm-cap), η = {self.eta:g}, held to {self.rule or 'its own law'}",
            self.rule,
            times=tuple(torch.linspace(1, EPS, self.steps + 1, dtype=torch.float64).tolist()),
            kernel=self._kernel if self.rule is None else None,
            last_step="argmax",
            carry_over=False,
            time=log_linear_noise,
        )

    def _kernel(self, states: Tensor, predicted: Tensor, step: int) -> Tensor:
        """P(each token's next symbol): the posterior with remasking probability σ ≤ η."""
        times, mask = self.declaration.grid.tolist(), predicted.shape[-1]
        before, after = 1 - times[step], 1 - times[step + 1]
        again = min(self.eta, (1 - after) / before) if before else 0.0
        reveal = (after - (1 - again) * before) / (1 - before)
        stays = torch.full_like(predicted[..., :1], 1 - reveal)
        hidden = torch.cat([reveal * predicted, stays], -1)
        shown = (1 - again) * torch.nn.functional.one_hot(states, mask + 1).double()
        shown[..., mask] += again
        return torch.where((states == mask)[..., None], hidden, shown)

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)
        variable, S = "SHARPRATES_REMDM", denoiser.vocabulary
        module = load(variable, "diffusion.py", (*_TRAINING, "noise_schedule", "tqdm"))
        module.tqdm = iter
        one = SimpleNamespace(
            config=SimpleNamespace(
                loader=SimpleNamespace(eval_batch_size=n),
                sampling=SimpleNamespace(
                    steps=self.steps,
                    noise_removal=True,
                    sampler="remdm-cap",
                    eta=self.eta,
                    nucleus_p=1.0,
                    dfm=False,
                ),
                model=SimpleNamespace(length=denoiser.length),
                noise=SimpleNamespace(type="loglinear"),
            ),
            parameterization="subs",
            sampler="ddpm_cache",
            time_conditioning=True,
            device="cpu",
            mask_index=S,
            noise=load(variable, "noise_schedule.py", ()).LogLinearNoise(),
            forward=lambda x, sigma: denoiser.watch(
                probabilities(denoiser, x, sigma.flatten()).float().log()
            ),
            _sample_prior=lambda *shape: torch.full(shape, S),
        )
        one._ddpm_caching_update = types.MethodType(module.Diffusion._ddpm_caching_update, one)
        found: Tensor = module.Diffusion._sample(one, eps=EPS)
        return found


mdlm = MDLM()
mdlm_early = MDLM(eps=0.3)
mdlm_early_as_filled = MDLM(last_step="fill", eps=0.3)
"""Held to a last step that is drawn: must fail."""
sedd_euler = SEDD()
sedd_analytic = SEDD("analytic")
bd3lm = BD3LM()
llada_random = LLaDA("random", "first-hitting")
llada_low_confidence = LLaDA("low_confidence", "confidence:drawn")
fast_dllm = FastDLLM()
fast_dllm_one_a_step = FastDLLM("confidence:probability")
"""Held to one token a step: must fail."""
remdm = ReMDM()
remdm_as_mdlm = ReMDM("ancestral")
"""Held to a sampler that masks nothing again: must fail."""
llada_low_confidence_as_exact = LLaDA("low_confidence", "first-hitting")
"""Held to the model's law: must fail."""
