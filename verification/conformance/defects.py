"""Samplers with one seeded defect each, and the named check that must catch it.

The power of `conformance.checker`: a checker that passes a defective sampler is worth nothing.
The defects are of kinds met in published samplers or in reports about them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from sharprates.samplers.sampling import draw
from sharprates.verification.conformance.findings import FAST, Settings
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

Draw = Callable[[Tensor, torch.Generator], Tensor]


def inverse_cdf(p: Tensor, generator: torch.Generator) -> Tensor:
    """One symbol a row of [..., S], by inverse CDF in float64."""
    flat = p.reshape(-1, p.shape[-1])
    u = torch.rand(len(flat), generator=generator, dtype=torch.float64)
    return draw(flat, u).view(p.shape[:-1])


def gumbel32(p: Tensor, generator: torch.Generator) -> Tensor:
    """One symbol a row of [..., S], by Gumbel noise in float32."""
    u = torch.rand(p.shape, generator=generator, dtype=torch.float32).clamp(min=2.0**-24)
    return (p.to(torch.float32).log() - torch.log(-torch.log(u))).argmax(-1)


@dataclass(frozen=True)
class Stepwise:
    """Plain parallel unmasking, with places for a defect.

    Attributes:
        declaration: what it says; the rule has hazards.
        defect: name of a defect; empty for none.
    """

    declaration: Declaration
    defect: str = ""

    @property
    def _hazards(self) -> list[float]:
        declared = self.declaration
        r = declared.hazards(str(declared.rule))
        if self.defect == "another rule":
            r = declared.hazards("euler" if declared.rule != "euler" else "tau-leaping")
        if self.defect == "grid off by one":
            r = [*r[1:], r[-1]]
        if self.defect == "time reversed":
            r = r[::-1]
        if self.defect == "half the step size":
            r = [hazard / 2 for hazard in r]
        return r

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """The categorical draw."""
        if self.defect == "float32 Gumbel noise":
            return gumbel32(p, generator)
        return inverse_cdf(p, generator)

    def _predict(self, x: Tensor, t: float, denoiser: OracleDenoiser) -> Tensor:
        logits = denoiser.logits(x, t)
        if self.defect == "logits divided in place":
            logits /= 1.0000001
        p = (logits / self.declaration.temperature).exp()
        if self.defect == "nucleus":
            first = p.argmin(-1, keepdim=True)
            p = p.scatter(-1, first, 0.0)
        return p / p.sum(-1, keepdim=True)

    def _move(
        self, x: Tensor, t: float, k: int, denoiser: OracleDenoiser, generator: torch.Generator
    ) -> Tensor:
        S, r = denoiser.vocabulary, self._hazards[k]
        p = self._predict(x, t, denoiser)
        if self.defect == "temperature on weights not renormalised":
            weight = (denoiser.logits(x, t) / self.declaration.temperature).exp().sum(-1)
            chance = weight * r / (weight * r + 1 - r)
        elif self.defect == "top-k over the batch":
            chance = torch.zeros(x.shape, dtype=torch.float64)
            sure = (p.amax(-1) * (x == S)).flatten()
            chance.view(-1)[sure.topk(int(r * (x == S).sum())).indices] = 1.0
        else:
            chance = torch.full(x.shape, r, dtype=torch.float64)
        coin = torch.rand(x.shape, generator=generator, dtype=torch.float64)
        if self.defect == "one coin for the row":
            coin = coin[:, :1].expand_as(coin)
        if self.defect == "one draw for the row":
            u = torch.rand(len(x), 1, generator=generator, dtype=torch.float64).expand(x.shape)
            values = draw(p.reshape(-1, S), u.flatten()).view(x.shape)
        else:
            values = self.draw(p, generator)
        hit = coin < chance
        if self.defect != "no carry-over":
            hit = hit & (x == S)
        if self.defect == "tokens one by one":
            x = x.clone()
            for i in range(x.shape[1]):
                values = self.draw(self._predict(x, t, denoiser), generator)
                x[:, i] = torch.where(hit[:, i], values[:, i], x[:, i])
            return x
        if self.defect == "works in place":
            x[hit] = values[hit]
            return x
        return torch.where(hit, values, x)

    def step(
        self,
        x: Tensor,
        t: float,
        s: float,  # noqa: ARG002 - the protocol's; the grid knows it
        denoiser: OracleDenoiser,
        generator: torch.Generator,
    ) -> Tensor:
        """One step from time t."""
        k = int((self.declaration.grid - t).abs().argmin())
        return self._move(x, t, k, denoiser, generator)

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps, then the last one."""
        S, d = denoiser.vocabulary, denoiser.length
        if self.defect == "global random state":
            generator = torch.default_generator
        if self.defect == "seed ignored":
            generator = torch.Generator().manual_seed(0)
        rows = n if self.defect != "batches repeat" else -(-n // 2)
        x = torch.full((rows, d), S)
        times = self.declaration.grid.tolist()
        for k, t in enumerate(times[:-1]):
            x = self._move(x, t, k, denoiser, generator)
        last = "leave" if self.defect == "masks returned" else self.declaration.last_step
        if self.defect == "argmax at the end":
            last = "argmax"
        if self.defect == "leftover set to 0":
            return torch.where(x == S, 0, x)
        if last != "leave":
            p = self._predict(x, times[-1], denoiser)
            values = p.argmax(-1) if last == "argmax" else self.draw(p, generator)
            x = torch.where(x == S, values, x)
        return x if rows == n else x.repeat(2, 1)[:n]


@dataclass(frozen=True)
class Blockwise:
    """Plain unmasking of a fixed number of tokens a step, with places for a defect.

    Attributes:
        declaration: rule ``first-hitting`` or ``blocks``.
        defect: name of a defect; empty for none.
    """

    declaration: Declaration
    defect: str = ""

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps."""
        S, d = denoiser.vocabulary, denoiser.length
        c = self.declaration.counts(d)[0]
        x = torch.full((n, d), S)
        order = torch.rand(n, d, generator=generator, dtype=torch.float64).argsort(1)
        if self.defect == "one order for the batch":
            order = order[:1].expand(n, d)
        if self.defect == "left to right":
            order = torch.arange(d).expand(n, d)
        for start in range(0, d, c):
            p = denoiser(x)
            values = inverse_cdf(p, generator)
            columns = order[:, start : start + c]
            if self.defect == "keeps the surest draws":
                sure = p.gather(-1, values[..., None]).squeeze(-1)
                columns = torch.where(x == S, sure, -1.0).topk(min(c, d - start), 1).indices
            x = x.scatter(1, columns, values.gather(1, columns))
        return x


@dataclass(frozen=True)
class Defect:
    """A defect and who catches it.

    Attributes:
        declaration: of a right sampler; the name is replaced.
        name: of the defect.
        caught_by: name of the check (`conformance.findings.ORDER`) that must report it first.
    """

    declaration: Declaration
    name: str
    caught_by: str

    @property
    def sampler(self) -> Stepwise | Blockwise:
        """The sampler with the defect."""
        kind = Stepwise if self.declaration.by_hazard else Blockwise
        return kind(replace(self.declaration, name=self.name), self.name)

    @property
    def settings(self) -> Settings:
        """As much work as it takes; what the rows of a call share shows only over many of them."""
        rows = 4_000 if self.caught_by == "rows independent" else FAST.rows
        return replace(FAST, rows=rows, walk=self.caught_by == "rare tokens")


_TAU = Declaration("τ-leaping", "tau-leaping", "polynomial:2", last_step="fill")
_LEAVE = Declaration("τ-leaping", "tau-leaping", "polynomial:2")
_ANCESTRAL = Declaration("ancestral", "ancestral", "cosine", delta=0.2, last_step="fill")
_EARLY = replace(_ANCESTRAL, delta=0.6)
_COLD = replace(_ANCESTRAL, name="ancestral, cold", temperature=0.5)
_RANDOM = Declaration("one a step", "first-hitting")
_PAIRS = Declaration("two a step", "blocks", tokens_a_step=2)

RIGHT: tuple[Stepwise | Blockwise, ...] = (
    Stepwise(_TAU),
    Stepwise(_LEAVE),
    Stepwise(_ANCESTRAL),
    Stepwise(_COLD),
    Blockwise(_RANDOM),
    Blockwise(_PAIRS),
)
"""Without a defect: each must conform."""


DEFECTS = (
    Defect(_TAU, "another rule", "unmask probability"),
    Defect(_TAU, "grid off by one", "unmask probability"),
    Defect(_TAU, "time reversed", "unmask probability"),
    Defect(_TAU, "half the step size", "unmask probability"),
    Defect(_COLD, "temperature on weights not renormalised", "unmask probability"),
    Defect(_TAU, "one coin for the row", "unmask pattern"),
    Defect(_TAU, "one draw for the row", "values independent"),
    Defect(_TAU, "tokens one by one", "token conditionals"),
    Defect(_TAU, "nucleus", "token conditionals"),
    Defect(_TAU, "no carry-over", "carry-over"),
    Defect(_TAU, "works in place", "inputs not mutated"),
    Defect(_TAU, "logits divided in place", "inputs not mutated"),
    Defect(_TAU, "global random state", "reproducible by seed"),
    Defect(_TAU, "seed ignored", "reproducible by seed"),
    Defect(_TAU, "batches repeat", "rows independent"),
    Defect(_TAU, "masks returned", "output"),
    Defect(_LEAVE, "leftover set to 0", "leftover"),
    Defect(_EARLY, "argmax at the end", "values by context"),
    Defect(_TAU, "top-k over the batch", "rows independent"),
    Defect(_TAU, "float32 Gumbel noise", "rare tokens"),
    Defect(_RANDOM, "one order for the batch", "rows independent"),
    Defect(_RANDOM, "left to right", "law, order-dependent denoiser"),
    Defect(_RANDOM, "keeps the surest draws", "values by context"),
)
