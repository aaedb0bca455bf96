"""Planted truth: rows that are sparse sums of known atoms, and any variant set up to find them."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sieve.dictionary.fit import FitConfig, Record, fit
from sieve.dictionary.variants import variant
from sieve.provenance import generator

WIDTH, ATOMS, ACTIVE, LATENTS = 16, 20, 2, 32
VALUES = {"k": ACTIVE, "aux_weight": 0.03125, "dead_after": 4000, "threshold_decay": 0.99, "precision": "fp32"}
FIT = FitConfig(steps=900, batch=256, lr=4e-3, warmup=0.05, decay=0.3)


@dataclass(frozen=True)
class World:
    """Unit atoms (A, D) and rows (N, D): sums of two of them, with coefficients between 1 and 2, and an offset."""

    atoms: Tensor
    rows: Tensor


def world(count: int = 8192, seed: int = 0) -> World:
    """The planted world; the atoms are the same for every `seed`, the rows are not."""
    atoms = torch.nn.functional.normalize(torch.randn(ATOMS, WIDTH, generator=generator(0, "atoms")), dim=1)
    draw = generator(seed, "rows")
    chosen = torch.rand(count, ATOMS, generator=draw).topk(ACTIVE).indices
    codes = torch.zeros(count, ATOMS).scatter(1, chosen, 1 + torch.rand(count, ACTIVE, generator=draw))
    return World(atoms, codes @ atoms + torch.linspace(-0.3, 0.3, WIDTH))


def settings(name: str, **changes):
    """The settings of a variant; a new variant's own numbers get a value in VALUES."""
    known = VALUES | changes
    return variant(name).Settings(**{field.name: known[field.name] for field in fields(variant(name).Settings)})


def new(name: str, rows: Tensor, seed: int = 0, latents: int = LATENTS, **changes):
    """A fresh `Variant` of this name."""
    return variant(name).Variant(settings(name, **changes), latents, rows[:1024], generator(seed, "init"))


def train(subject, rows: Tensor, config: FitConfig = FIT) -> list[Record]:
    """Run the one training loop over consecutive slices of rows."""
    places = len(rows) // config.batch

    def batch_at(step: int) -> Tensor:
        start = step % places * config.batch
        return rows[start : start + config.batch]

    return fit(subject, batch_at, config, lambda *_: None)


def recovered(atoms: Tensor, W_dec: Tensor) -> float:
    """Mean over the planted atoms of the best cosine that any learned atom has with it."""
    return (atoms @ torch.nn.functional.normalize(W_dec.detach(), dim=1).T).max(1).values.mean().item()
