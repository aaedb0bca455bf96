"""Pull a trained decoder's features apart: reconstruction plus a penalty on pairs (arXiv 2602.04718, first step).

As published, the reconstruction term is the mean relative error ‖x̂ − x‖ / ‖x‖ and all four tensors are trained. The
published penalty, a sum over sampled raw inner products, is "product" here, as an exact mean over all pairs: weight w
on it corresponds to the paper's λ = w / (n(n − 1)/2), n = 1024. Only "product" can be lowered by shrinking the atoms.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.penalties import PENALTIES, mean_squared_cosine
from sieve.dictionary.sae import Sae


class Orthogonalizer(Dictionary):
    """`penalty` is a name in `sieve.dictionary.penalties`. Unlike a variant's, its atoms have no constraint."""

    def __init__(self, sae: Sae, weight: float, penalty: str = "cosine") -> None:
        self.sae = sae
        self.weight = weight
        self.penalty = PENALTIES[penalty]
        self.tensors = {name: nn.Parameter(getattr(sae, name).clone()) for name in ("W_enc", "b_enc", "W_dec", "b_dec")}

    def _current(self, site: str, model: str) -> Sae:
        return replace(self.sae, **self.tensors, site=site, model=model)  # type: ignore[arg-type]

    def parameters(self) -> list[Tensor]:
        return list(self.tensors.values())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        W_dec, b_dec = self.tensors["W_dec"], self.tensors["b_dec"]
        codes = self._current(self.sae.site, self.sae.model).codes(x)
        rebuilt = codes.decode(W_dec, b_dec)
        relative = ((rebuilt - x).norm(dim=1) / (x.norm(dim=1) + 1e-8)).mean()
        penalty = self.penalty(W_dec, codes)
        cosine = penalty if self.penalty is PENALTIES["cosine"] else mean_squared_cosine(W_dec.detach())
        figures = {"relative_error": relative, "penalty": penalty, "mean_cos2": cosine}
        return relative + self.weight * penalty, {name: value.item() for name, value in figures.items()}

    def freeze(self, site: str, model: str) -> Sae:
        return self._current(site, model).detached()
