"""ReLU with an L1 penalty, the oldest way: few latents because every activation has its price.

L = ‖x − x̂‖² + λ Σ_i z_i ‖W_dec,i‖, summed over D and F, mean over rows. "unit" atoms are held at length 1, so the sum
is ‖z‖₁ (Bricken et al., transformer-circuits.pub/2023/monosemantic-features). "free" atoms are not, which is why their
lengths count (Conerly et al., transformer-circuits.pub/2024/april-update); `freeze` moves these into the codes.

Rows have a variance of 1 per dimension, so a length of about √D, and the first term is about D where nothing is
explained. A latent that alone explains its row is shrunk by λ/2, and one below λ/2 is not worth its price: λ is twice a
length, to be compared with √D. All codes are pulled down like that, so x̂ is too short: what the other gates avoid.
Trained with all B × F pre-activations in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.sae import Sae
from sieve.dictionary.weights import DeadLatents, Weights, drop_parallel_gradient, normalise, ramp, spread


@dataclass(frozen=True)
class Settings:
    """Atoms of unit length or free; λ, and over how many steps it rises from 0; rows without firing after which a
    latent counts as dead (a figure only: nothing revives it).
    """

    atoms: Literal["unit", "free"]
    l1: float
    ramp_steps: int
    dead_after: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


class Variant(Dictionary):
    """See `sieve.dictionary.variants`."""

    def __init__(self, settings: Settings, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        self.settings = settings
        self.weights = Weights(latents, rows, generator)
        self.dead = DeadLatents(latents, settings.dead_after, rows.device)
        self.steps = 0

    def parameters(self) -> list[Tensor]:
        return list(self.weights.parameters())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        w = self.weights
        z = w.pre_activations(x).relu()
        error = (x - z @ w.W_dec - w.b_dec).square().sum()
        price = z if self.settings.atoms == "unit" else z * w.W_dec.norm(dim=1)
        active = z != 0
        self.dead.count(active.any(0), len(x))
        figures = {
            "fvu": (error / spread(x)).item(),
            "l0": (active.sum() / len(x)).item(),
            "dead": float(self.dead.mask.sum()),
        }
        return (error + self.settings.l1 * ramp(self.steps, self.settings.ramp_steps) * price.sum()) / len(x), figures

    def before_step(self) -> None:
        if self.settings.atoms == "unit":
            drop_parallel_gradient(self.weights.W_dec)

    def after_step(self) -> None:
        if self.settings.atoms == "unit":
            normalise(self.weights.W_dec)
        self.steps += 1

    def counters(self) -> dict[str, Tensor]:
        return {"silent": self.dead.silent, "steps": torch.tensor(self.steps)}

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.dead.silent = counters["silent"].to(self.dead.silent.device)
        self.steps = int(counters["steps"])

    def freeze(self, site: str, model: str) -> Sae:
        return self.weights.folded(torch.zeros_like(self.weights.b_enc), site, model)
