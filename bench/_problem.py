"""What all contenders are given: shape, data, start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.dictionary.weights import geometric_median
from sieve.provenance import generator

DEAD_AFTER = 10_000_000  # rows without firing after which a latent is dead: two peers' fixed number, so everybody's
FAINT = 0.1  # dead latents' encoder columns are this long: they stay positive for half of the rows and never win
FEATURES, ACTIVE = 4, 24  # features of the data per dimension, and active ones a row


@dataclass(frozen=True)
class Shape:
    """D × F, rows a step, active latents a row; whether a quarter of the latents are dead, so that AuxK has work.

    `haste` multiplies everybody's learning rate.
    """

    width: int
    latents: int
    batch: int
    k: int
    aux: bool = False
    haste: float = 1.0

    @classmethod
    def of(cls, size: str, batch: int, k: int, aux: bool = False) -> Shape:
        """From '256x8192'. ValueError for anything else."""
        parts = size.split("x")
        if len(parts) != 2 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"'{size}' is no shape; give width and latents, e.g. 256x8192")
        return cls(int(parts[0]), int(parts[1]), batch, k, aux)

    def __str__(self) -> str:
        return f"{self.width}x{self.latents}{'+auxk' * self.aux}"

    @property
    def flop(self) -> int:
        """Of the one dense product that an exact TopK step cannot do without."""
        return 2 * self.batch * self.width * self.latents

    @property
    def lr(self) -> float:
        """Adam's learning rate by the law of arXiv 2406.04093, figure 3, which two peers have as their default."""
        return self.haste * 2e-4 / (self.latents / 2**14) ** 0.5


class Start(NamedTuple):
    """Where everybody begins: unit atoms (F, D), encoder (D, F), decoder bias (D,), which latents are dead (F,)."""

    atoms: Tensor
    encoder: Tensor
    centre: Tensor
    dead: Tensor


def start(shape: Shape, rows: Tensor, seed: int) -> Start:
    """Random atoms, the encoder as their transpose, the bias at the geometric median of rows (N, D)."""
    atoms = F.normalize(torch.randn(shape.latents, shape.width, generator=generator(seed, "bench", "atoms")), dim=1)
    dead = torch.arange(shape.latents) % 4 == 0 if shape.aux else torch.zeros(shape.latents, dtype=torch.bool)
    encoder = torch.where(dead[:, None], FAINT * atoms, atoms).T
    return Start(atoms, encoder, geometric_median(rows), dead)


def activations(width: int, rows: int, seed: int) -> Tensor:
    """(rows, width): sparse sums of features of which few are frequent, an offset, noise; variance 1 a dimension."""
    draw = generator(seed, "bench", "activations")
    features = F.normalize(torch.randn(FEATURES * width, width, generator=draw), dim=1)
    frequency = 1 / torch.arange(10.0, 10.0 + len(features))
    chosen = torch.multinomial(frequency, rows * ACTIVE, replacement=True, generator=draw).view(rows, ACTIVE)
    weights = -torch.rand(chosen.shape, generator=draw).clamp_min(1e-6).log()
    found = F.embedding_bag(chosen, features, mode="sum", per_sample_weights=weights)
    found += 0.1 * torch.randn(width, generator=draw) + 0.05 * torch.randn(found.shape, generator=draw)
    return found / (found - found.mean(0)).square().mean().sqrt()
