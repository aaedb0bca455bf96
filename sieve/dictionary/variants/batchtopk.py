"""BatchTopK with AuxK (Bussmann et al., arXiv 2412.06410): k latents a row on average, so hard rows may take more.

Training picks over the batch; use must not depend on the batch, so `freeze` gives a threshold: the running mean of the
smallest activation that was kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import Threshold, batch_top_k
from sieve.dictionary.kernels import Precision
from sieve.dictionary.sae import Sae
from sieve.dictionary.weights import DeadLatents, Weights, drop_parallel_gradient, normalise, spread

GUESS = 0.9  # what is certainly kept of the running mean; a wrong guess costs time and changes nothing


@dataclass(frozen=True)
class Settings:
    """k latents a row on average; AuxK's weight; rows without firing after which a latent counts as dead; decay of the
    threshold's running mean; precision of choosing.
    """

    k: int
    aux_weight: float
    dead_after: int
    precision: Precision
    threshold_decay: float

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


class Variant(Dictionary):
    """See `sieve.dictionary.variants`."""

    def __init__(self, settings: Settings, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        self.settings = settings
        self.weights = Weights(latents, rows, generator)
        self.dead = DeadLatents(latents, settings.dead_after, rows.device)
        self.theta: float | None = None

    def parameters(self) -> list[Tensor]:
        return list(self.weights.parameters())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        budget, floor = self.settings.k * len(x), GUESS * (self.theta or 0.0)
        codes = self.weights.encode(x, lambda scores: batch_top_k(scores, budget, floor), self.settings.precision)
        error = x - self.weights.decode(codes)
        fvu = error.square().sum() / spread(x)
        aux = self.dead.aux_loss(x, error, self.weights, self.settings.precision)
        self.dead.update(codes)
        self._track(codes.values.detach())
        figures = {"fvu": fvu.item(), "l0": codes.l0, "dead": float(self.dead.mask.sum())}
        return fvu + self.settings.aux_weight * aux, figures

    def _track(self, values: Tensor) -> None:
        kept = values[values > 0]
        if kept.numel():
            smallest, decay = kept.min().item(), self.settings.threshold_decay
            self.theta = smallest if self.theta is None else decay * self.theta + (1 - decay) * smallest

    def before_step(self) -> None:
        drop_parallel_gradient(self.weights.W_dec)

    def after_step(self) -> None:
        normalise(self.weights.W_dec)

    def counters(self) -> dict[str, Tensor]:
        theta = float("nan") if self.theta is None else self.theta
        return {"silent": self.dead.silent, "theta": torch.tensor(theta, dtype=torch.float64)}

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.dead.silent = counters["silent"].to(self.dead.silent.device)
        theta = counters["theta"].item()
        self.theta = None if math.isnan(theta) else theta

    def freeze(self, site: str, model: str) -> Sae:
        w = self.weights
        theta = torch.full_like(w.b_enc, self.theta or 0.0)
        return Sae(
            w.W_enc, w.b_enc, w.W_dec, w.b_dec, Threshold(theta), site, model, self.settings.precision
        ).detached()
