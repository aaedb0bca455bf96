"""TopK with AuxK (Gao et al., arXiv 2406.04093): at most k latents a row, so the loss needs no sparsity term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import TopK
from sieve.dictionary.kernels import Precision
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Coded, Error, HeldL0
from sieve.dictionary.weights import DeadLatents, Weights, drop_parallel_gradient, normalise, spread


@dataclass(frozen=True)
class Settings:
    """k latents a row; AuxK's weight; rows without firing until a latent counts as dead; precision of choosing."""

    k: int
    aux_weight: float
    dead_after: int
    precision: Precision

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


class Variant(Dictionary):
    """See `sieve.dictionary.variants`."""

    def __init__(self, settings: Settings, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        self.settings = settings
        self.gate = TopK(settings.k)
        self.weights = Weights(latents, rows, generator)
        self.dead = DeadLatents(latents, settings.dead_after, rows.device)

    def parameters(self) -> list[Tensor]:
        return list(self.weights.parameters())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        codes = self.weights.encode(x, self.gate.choose, self.settings.precision)
        error = x - self.weights.decode(codes)
        fvu = error.square().sum() / spread(x)
        aux = self.dead.aux_loss(x, error, self.weights, self.settings.precision)
        self.dead.update(codes)
        figures = {"fvu": fvu.item(), "l0": codes.l0, "dead": float(self.dead.mask.sum())}
        return fvu + self.settings.aux_weight * aux, figures

    def before_step(self) -> None:
        drop_parallel_gradient(self.weights.W_dec)

    def after_step(self) -> None:
        normalise(self.weights.W_dec)

    def counters(self) -> dict[str, Tensor]:
        return {"silent": self.dead.silent}

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.dead.silent = counters["silent"].to(self.dead.silent.device)

    def freeze(self, site: str, model: str) -> Sae:
        w = self.weights
        return Sae(w.W_enc, w.b_enc, w.W_dec, w.b_dec, self.gate, site, model, self.settings.precision).detached()


class Sparsity(HeldL0):
    """k of each row, whatever the tensors: nothing has to be held."""

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        if not isinstance(sae.gate, TopK):
            raise ValueError(
                "the convention says 'topk', but the dictionary has thresholds; "
                "give the convention that belongs to it, or none"
            )
        self.l0 = float(sae.gate.k)

    def code(self, sae: Sae, x: Tensor) -> Coded:
        codes = sae.codes(x)
        return Coded(codes.decode(sae.W_dec, sae.b_dec), codes)
