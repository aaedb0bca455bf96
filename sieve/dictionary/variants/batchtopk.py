"""BatchTopK with AuxK (Bussmann et al., arXiv 2412.06410): k latents a row on average, so hard rows may take more.

Training picks over the batch; use must not depend on the batch, so `freeze` gives a threshold: the running mean of the
smallest activation that was kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import Threshold, batch_top_k
from sieve.dictionary.kernels import Codes, Precision, encode
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Coded, Error, HeldL0, own_l0, thresholds
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


class Sparsity(HeldL0):
    """The k · B largest of each batch, and for use the threshold that so many of `rows` exceed: k a row on average.

    Not the running mean of training, which lags behind codes that grow while their atoms shrink. Without k in the
    settings it is the L0 that there was.
    """

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        least, most = (end.item() for end in thresholds(sae, "batchtopk").aminmax())
        if not 0 < least == most:
            raise ValueError(
                f"thresholds are {least:g} to {most:g}, but BatchTopK has one for all latents, above 0; "
                "give the convention that belongs to the dictionary"
            )
        self.rows, self.floor = rows, GUESS * most
        self.l0 = float(settings.get("k", own_l0(sae, rows)))

    def _largest(self, sae: Sae, x: Tensor) -> Codes:
        budget = round(self.l0 * len(x))
        choose = partial(batch_top_k, budget=budget, floor=self.floor)
        return encode(x, sae.W_enc, sae.b_enc, sae.b_dec, choose, sae.precision)

    def code(self, sae: Sae, x: Tensor) -> Coded:
        codes = self._largest(sae, x)
        return Coded(codes.decode(sae.W_dec, sae.b_dec), codes)

    @torch.no_grad()
    def gate(self, sae: Sae) -> Threshold:
        return Threshold(torch.full_like(sae.b_enc, self._largest(sae, self.rows).values.min().item()))
