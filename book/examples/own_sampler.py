"""A sampler of your own.

Run `sharprates check book.examples.own_sampler:sampler`.
"""

import torch
from sharprates import Declaration


class TwoSteps:
    """Ancestral sampling on the linear clock, in two steps."""

    declaration = Declaration(
        "my sampler",
        rule="ancestral",
        clock="linear",
        steps=2,
    )

    def sample(self, denoiser, n, generator):
        """Rows [n, d]; the mask is the symbol S."""
        mask = denoiser.vocabulary
        x = torch.full((n, denoiser.length), mask)
        for chance in (0.5, 1.0):
            p = denoiser(x).flatten(0, 1)  # [n·d, S]
            values = torch.multinomial(p, 1, generator=generator).view_as(x)
            hit = torch.rand(x.shape, generator=generator) < chance
            x = torch.where((x == mask) & hit, values, x)
        return x


sampler = TwoSteps()
