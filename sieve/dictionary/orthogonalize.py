"""Pull a trained decoder's features apart: reconstruction plus a penalty on pairs (arXiv 2602.04718, first step).

As published, all four tensors are trained, the reconstruction term is the mean relative error, atoms have any length,
and the penalty is "raw_sampled"; λ is `paper_lambda` of the weight here, a sum in the place of a mean. That one can be
lowered by shrinking the atoms, which "unit" norms forbid; the others only turn atoms. Published for TopK; other
dictionaries go on being trained as they were, at the L0 that they had (`Sparsity` of `sieve.dictionary.variants`).
Atoms that are free are used with the length that they end with, whatever the variant, and start with length 1, as
`freeze` left them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import Threshold
from sieve.dictionary.penalties import PENALTIES, mean_squared_cosine, paper_lambda, random_chunks
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Error, HeldL0, assumed
from sieve.dictionary.variants import variant
from sieve.dictionary.weights import drop_parallel_gradient, normalise, spread

TENSORS = ("W_enc", "b_enc", "W_dec", "b_dec")
QUANTILES = {"norm_p5": 0.05, "norm_p50": 0.5, "norm_p95": 0.95}


def relative_error(rebuilt: Tensor, x: Tensor) -> Tensor:
    """Mean over rows of ‖x̂ − x‖ / ‖x‖, both (B, D)."""
    return ((rebuilt - x).norm(dim=1) / (x.norm(dim=1) + 1e-8)).mean()


def nmse(rebuilt: Tensor, x: Tensor) -> Tensor:
    """Σ ‖x̂ − x‖² over the batch's Σ ‖x − mean‖², both (B, D)."""
    return (rebuilt - x).square().sum() / spread(x)


# What params.yaml may name: (x̂, x) -> a scalar.
RECONSTRUCTIONS: dict[str, Error] = {"relative": relative_error, "nmse": nmse}
NORMS = ("free", "unit")


class Orthogonalizer(Dictionary):
    """A dictionary that is pulled apart: reconstruction + weight · penalty, by their names in params.yaml.

    "raw_sampled" draws `columns` atoms a step, and chunks of "chunked_max" have so many; which they are depends on the
    seed and the step alone. Atoms are free, or have length 1 after every step. `convention` is how it was trained
    (`variant`, `settings`), `assumed` of its gate if nobody knows; on `rows` (N, D) its L0 is measured, which TopK does
    without. ValueError for what cannot be.
    """

    def __init__(
        self,
        sae: Sae,
        weight: float,
        penalty: str = "cosine_full",
        columns: int = 1024,
        seed: int = 0,
        reconstruction: Literal["relative", "nmse"] = "relative",
        norms: Literal["free", "unit"] = "free",
        rows: Tensor | None = None,
        convention: Mapping[str, Any] | None = None,
    ) -> None:
        _known(penalty=(penalty, PENALTIES), reconstruction=(reconstruction, RECONSTRUCTIONS), norms=(norms, NORMS))
        _check(sae, weight, penalty, columns, norms)
        self.sae, self.weight, self.penalty, self.columns, self.seed = master(sae), weight, penalty, columns, seed
        self.reconstruction, self.norms = reconstruction, norms
        self.tensors = {name: nn.Parameter(getattr(self.sae, name).clone()) for name in TENSORS}
        known = convention or assumed(sae.gate)
        seen = self.sae.b_dec.new_empty(0, sae.width) if rows is None else rows
        error = RECONSTRUCTIONS[reconstruction]
        self.sparsity: HeldL0 = variant(known["variant"]).Sparsity(self.sae, known["settings"], seen, error)
        self.steps = 0

    @property
    def convention(self) -> dict[str, Any]:
        """How it is pulled apart, for a file beside it, with L0* and what the paper would write for the weight."""
        told = {name: getattr(self, name) for name in ("columns", "norms", "penalty", "reconstruction", "weight")}
        return told | {"l0": self.sparsity.l0, "paper_lambda": paper_lambda(self.weight, self.columns)}

    @property
    def _current(self) -> Sae:
        """The tensors as they are now, with the gate that came in."""
        return replace(self.sae, **self.tensors)  # type: ignore[arg-type]

    def parameters(self) -> list[Tensor]:
        return [*self.tensors.values(), *self.sparsity.parameters()]

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        W_dec = self.tensors["W_dec"]
        rebuilt, codes, price = self.sparsity.code(self._current, x)
        errors = {name: error(rebuilt, x) for name, error in RECONSTRUCTIONS.items()}
        chunks = [chunk.to(W_dec.device) for chunk in self._chunks()]
        atoms = W_dec if self.weight else W_dec.detach()  # weight 0 is no penalty, to the bit: a figure only
        penalty = PENALTIES[self.penalty](atoms, codes, chunks)
        cosine = penalty if self.penalty == "cosine_full" else mean_squared_cosine(W_dec.detach())
        told = {"relative_error": errors["relative"], "nmse": errors["nmse"], "penalty": penalty, "mean_cos2": cosine}
        figures = {name: value.item() for name, value in told.items()} | _norm_quantiles(W_dec.detach())
        return errors[self.reconstruction] + self.weight * penalty + price, figures | {"l0": codes.l0}

    def _chunks(self) -> tuple[Tensor, ...]:
        return random_chunks(self.steps, self.sae.latents, self.columns, self.seed)

    def before_step(self) -> None:
        if self.norms == "unit":
            drop_parallel_gradient(self.tensors["W_dec"])

    def after_step(self) -> None:
        if self.norms == "unit":
            normalise(self.tensors["W_dec"])
        self.steps += 1

    def counters(self) -> dict[str, Tensor]:
        return {"steps": torch.tensor(self.steps)} | self.sparsity.counters()

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.steps = int(counters["steps"])
        self.sparsity.restore(counters)

    def freeze(self, site: str, model: str) -> Sae:
        sae = self._current.detached()
        return replace(sae, gate=self.sparsity.gate(sae), site=site, model=model)


def master(sae: Sae) -> Sae:
    """The same numbers in fp32 at least: half a unit of bf16's last place is more than a step of training."""
    tensors = {name: getattr(sae, name) for name in TENSORS}
    exact = {name: value.to(torch.promote_types(value.dtype, torch.float32)) for name, value in tensors.items()}
    gate = sae.gate
    if isinstance(gate, Threshold):
        gate = Threshold(gate.theta.to(torch.promote_types(gate.theta.dtype, torch.float32)))
    return replace(sae, gate=gate, **exact)


def _norm_quantiles(W_dec: Tensor) -> dict[str, float]:
    """Of the atoms' lengths."""
    shares = W_dec.new_tensor(list(QUANTILES.values()))
    return dict(zip(QUANTILES, torch.quantile(W_dec.norm(dim=1), shares).tolist()))


def _known(**named: tuple[str, Collection[str]]) -> None:
    for what, (given, names) in named.items():
        if given not in names:
            raise ValueError(f"{what} is '{given}'; there are: {', '.join(names)}")


def _check(sae: Sae, weight: float, penalty: str, columns: int, norms: str) -> None:
    if not 0 <= weight < math.inf:
        raise ValueError(f"the penalty's weight is {weight}; give a finite number, 0 or more")
    if columns < 2:
        raise ValueError(f"columns is {columns}, but a pair needs 2; raise columns")
    if penalty == "raw_sampled" and columns > sae.latents:
        raise ValueError(
            f"raw_sampled draws {columns} columns, but there are only {sae.latents} latents; lower columns"
        )
    shortest, longest = sae.W_dec.norm(dim=1).aminmax()
    if norms == "unit" and not 0.999 < shortest <= longest < 1.001:
        raise ValueError(
            f"norms are 'unit', but the dictionary's atoms are {shortest:.3g} to {longest:.3g} long; "
            "give one with unit atoms, or leave them free"
        )
