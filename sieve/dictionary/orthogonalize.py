"""Pull a trained decoder's features apart: reconstruction plus a penalty on cosines (arXiv 2602.04718, first step).

As published, the reconstruction term is the mean relative error ‖x̂ − x‖ / ‖x‖ and all four tensors are trained. Unlike
the published penalty (a sum over sampled raw inner products) the default is the exact mean squared cosine over all
pairs: it cannot be lowered by shrinking the atoms. Weight w on it corresponds to the paper's λ = w / (n(n − 1)/2),
n = 1024.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.penalties import mean_squared_cosine
from sieve.dictionary.sae import Sae


class Orthogonalizer(Dictionary):
    """Unlike a variant's, its atoms have no constraint: the penalty does not see their norms."""

    def __init__(self, sae: Sae, weight: float) -> None:
        self.sae = sae
        self.weight = weight
        self.tensors = {name: nn.Parameter(getattr(sae, name).clone()) for name in ("W_enc", "b_enc", "W_dec", "b_dec")}

    def _current(self, site: str, model: str) -> Sae:
        return replace(self.sae, **self.tensors, site=site, model=model)  # type: ignore[arg-type]

    def parameters(self) -> list[Tensor]:
        return list(self.tensors.values())

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        rebuilt = self._current(self.sae.site, self.sae.model).reconstruct(x)
        relative = ((rebuilt - x).norm(dim=1) / (x.norm(dim=1) + 1e-8)).mean()
        penalty = mean_squared_cosine(self.tensors["W_dec"])
        return relative + self.weight * penalty, {"relative_error": relative.item(), "mean_cos2": penalty.item()}

    def freeze(self, site: str, model: str) -> Sae:
        return self._current(site, model).detached()
