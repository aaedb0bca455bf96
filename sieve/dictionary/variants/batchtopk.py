"""BatchTopK with AuxK (Bussmann et al., arXiv 2412.06410): k latents a row on average, so hard rows may take more.

Training picks over the batch; use must not depend on the batch, so `freeze` gives a threshold: the running mean of the
smallest activation that was kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import Chosen, Scores, Threshold, batch_top_k
from sieve.dictionary.kernels import Precision, encode
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Coded, Error, own_l0, thresholds
from sieve.dictionary.sparsity import Sparsity as Held
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


class BatchGate:
    """The k · B largest of a batch, and the threshold that stands for them: None before the first batch."""

    def __init__(self, k: float, decay: float, theta: float | None = None) -> None:
        self.k, self.decay, self.theta = k, decay, theta

    def choose(self, scores: Scores) -> Chosen:
        return batch_top_k(scores, round(self.k * scores.count), GUESS * (self.theta or 0.0))

    def track(self, values: Tensor) -> None:
        """Take the smallest of the values (N,) that were kept of a batch into the running mean."""
        kept = values[values > 0]
        if kept.numel():
            smallest = kept.min().item()
            self.theta = smallest if self.theta is None else self.decay * self.theta + (1 - self.decay) * smallest

    def frozen(self, b_enc: Tensor) -> Threshold:
        """One threshold for all latents, as many and where b_enc (F,) is."""
        return Threshold(torch.full_like(b_enc, self.theta or 0.0, requires_grad=False))

    def counters(self) -> dict[str, Tensor]:
        return {"theta": torch.tensor(float("nan") if self.theta is None else self.theta, dtype=torch.float64)}

    def restore(self, counters: dict[str, Tensor]) -> None:
        theta = counters["theta"].item()
        self.theta = None if math.isnan(theta) else theta


class Variant(Dictionary):
    """See `sieve.dictionary.variants`."""

    def __init__(self, settings: Settings, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        self.settings = settings
        self.weights = Weights(latents, rows, generator)
        self.dead = DeadLatents(latents, settings.dead_after, rows.device)
        self.gate = BatchGate(settings.k, settings.threshold_decay)

    def parameters(self) -> list[Tensor]:
        return list(self.weights.parameters())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        codes = self.weights.encode(x, self.gate.choose, self.settings.precision)
        error = x - self.weights.decode(codes)
        fvu = error.square().sum() / spread(x)
        aux = self.dead.aux_loss(x, error, self.weights, self.settings.precision)
        self.dead.update(codes)
        self.gate.track(codes.values.detach())
        figures = {"fvu": fvu.item(), "l0": codes.l0, "dead": float(self.dead.mask.sum())}
        return fvu + self.settings.aux_weight * aux, figures

    def before_step(self) -> None:
        drop_parallel_gradient(self.weights.W_dec)

    def after_step(self) -> None:
        normalise(self.weights.W_dec)

    def counters(self) -> dict[str, Tensor]:
        return {"silent": self.dead.silent} | self.gate.counters()

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.dead.silent = counters["silent"].to(self.dead.silent.device)
        self.gate.restore(counters)

    def freeze(self, site: str, model: str) -> Sae:
        w = self.weights
        gate = self.gate.frozen(w.b_enc)
        return Sae(w.W_enc, w.b_enc, w.W_dec, w.b_dec, gate, site, model, self.settings.precision).detached()


class Sparsity(Held):
    """The k · B largest of each batch; the threshold goes on from what it was. Without k in the settings it is L0."""

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        least, most = (end.item() for end in thresholds(sae, "batchtopk").aminmax())
        if not 0 < least == most:
            raise ValueError(
                f"thresholds are {least:g} to {most:g}, but BatchTopK has one for all latents, above 0; "
                "give the convention that belongs to the dictionary"
            )
        self.l0 = float(settings["k"]) if "k" in settings else own_l0(sae, rows)
        self.like = sae.b_enc
        self.batch = BatchGate(self.l0, settings["threshold_decay"], most)

    def code(self, sae: Sae, x: Tensor) -> Coded:
        codes = encode(x, sae.W_enc, sae.b_enc, sae.b_dec, self.batch.choose, sae.precision)
        self.batch.track(codes.values.detach())
        return Coded(codes.decode(sae.W_dec, sae.b_dec), codes)

    def gate(self) -> Threshold:
        return self.batch.frozen(self.like)

    def counters(self) -> dict[str, Tensor]:
        return self.batch.counters()

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.batch.restore(counters)
