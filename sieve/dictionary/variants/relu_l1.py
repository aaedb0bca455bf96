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

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Coded, Error, HeldL0, coded, lengths, own_l0, pre_activations, thresholds
from sieve.dictionary.weights import DeadLatents, Weights, drop_parallel_gradient, normalise, ramp, spread

AT_ONCE, IN_TIME = 10.0, 0.1  # how λ answers to an L0 that is off: in the same step, and in each that comes
LEAST = 1e-3  # of the error, what all codes together cost at first at least


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


class Sparsity(HeldL0):
    """λ Σ_i z_i ‖W_dec,i‖, mean over rows, where λ follows L0 as a thermostat follows the temperature.

    λ = λ_0 exp(10 e + 0.1 Σ e), with e = L0/L0* − 1 of this batch, at most 1, summed over those before it: the first
    term holds L0 near L0*, the second takes away the distance that is left. λ_0 is what the dictionary paid: that at
    which it neither gains nor loses if all codes grow alike, −dE/ds = λ_0 Σ z ‖W_dec‖ for x̂ = b_dec + (1 + s) z W_dec,
    in the units of whatever error E is minimised. Lengths count, be atoms free or not: else long atoms would make codes
    cheap.
    """

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        theta = thresholds(sae, "relu_l1")
        if theta.any():
            raise ValueError(
                f"thresholds go up to {theta.abs().max():g}, but ReLU's are all 0; "
                "give the convention that belongs to the dictionary"
            )
        self.l0 = own_l0(sae, rows)
        self.start, self.excess = _price_paid(sae, rows, error), 0.0

    def code(self, sae: Sae, x: Tensor) -> Coded:
        z = pre_activations(sae, x).relu()
        paid = (z * lengths(sae)).sum() / len(x)
        found = coded(sae, z, paid)
        now = min(1.0, found.codes.l0 / self.l0 - 1)
        price = self.start * math.exp(AT_ONCE * now + IN_TIME * self.excess)
        self.excess += now
        return found._replace(price=price * paid)

    def counters(self) -> dict[str, Tensor]:
        return {"excess": torch.tensor(self.excess, dtype=torch.float64)}

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.excess = counters["excess"].item()


def _price_paid(sae: Sae, rows: Tensor, error: Error) -> float:
    """λ_0 of `Sparsity`, on rows (N, D)."""
    codes = sae.codes(rows)
    rebuilt, stretch = codes.decode(sae.W_dec, sae.b_dec), rows.new_zeros((), requires_grad=True)
    missed = error(rebuilt + stretch * (rebuilt - sae.b_dec), rows)
    gained = -torch.autograd.grad(missed, stretch)[0]
    paid = (codes.values * lengths(sae)[codes.pairs.latents]).sum() / len(rows)
    return max(gained.item(), LEAST * missed.item()) / paid.item()
