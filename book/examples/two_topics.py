"""A law too long to enumerate: `sharprates plan book.examples.two_topics:LAW --tv 0.2`.

A text is about one of two topics; given the topic its 64 words are independent. Such a mixture is
its own exact denoiser, draws rows, and gives their probability, which is all that a plan asks for.
"""

import torch
from sharprates.samplers.markov import ProductMixture

WORDS, LENGTH = 8, 64

sport = torch.tensor([4, 4, 2, 2, 1, 1, 1, 1], dtype=torch.float64)
music = sport.flip(0)
topics = torch.stack([sport / sport.sum(), music / music.sum()])

LAW = ProductMixture.of(
    torch.tensor([0.5, 0.5], dtype=torch.float64), topics[:, None, :].expand(-1, LENGTH, -1)
)
