"""What every way of training on a finished dictionary shares: as many latents stay active as there were.

Each variant has its own `Sparsity`, because a dictionary goes on being trained as it was. L0*, the mean number of
active latents of a row that is held, is the dictionary's own before the first step (k, where there is one): so it is
the same whatever else is asked of the training, such as a penalty of any weight. What revives dead latents is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sieve.dictionary.gates import Gate, Threshold, TopK
from sieve.dictionary.kernels import Codes, Pairs
from sieve.dictionary.sae import Sae

Error = Callable[[Tensor, Tensor], Tensor]  # of x̂ and x, both (B, D): a scalar, about 1 where nothing is explained


class Coded(NamedTuple):
    """x̂ (B, D), the codes of x, and what they add to the loss."""

    rebuilt: Tensor
    codes: Codes
    price: Tensor | float = 0.0


class HeldL0:
    """What holds `l0` active latents a row of a Sae whose tensors are turned; see `sieve.dictionary.variants`."""

    l0: float

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        raise NotImplementedError

    def parameters(self) -> list[Tensor]:
        """What the optimiser turns besides the four tensors."""
        return []

    def code(self, sae: Sae, x: Tensor) -> Coded:
        """A batch x (B, D) by the tensors of `sae` as they are now, differentiably."""
        raise NotImplementedError

    def gate(self, sae: Sae) -> Gate:
        """With which the tensors of `sae`, as they are now, are to be used: its own, if that does not change."""
        return sae.gate

    def counters(self) -> dict[str, Tensor]:
        """Tensors other than parameters that decide the steps to come, for checkpoints."""
        return {}

    def restore(self, counters: dict[str, Tensor]) -> None:
        """Take such tensors back."""


def own_l0(sae: Sae, rows: Tensor) -> float:
    """Active latents a row, on rows (N, D). ValueError where none is active."""
    l0 = sae.codes(rows).l0 if len(rows) else 0.0
    if l0 == 0:
        raise ValueError(
            f"no latent is active on the {len(rows)} rows given, so there is no L0 to hold; "
            "give rows of activations at the scale that the dictionary takes"
        )
    return l0


def thresholds(sae: Sae, variant: str) -> Tensor:
    """theta (F,). ValueError where latents are chosen by their rank instead."""
    if not isinstance(sae.gate, Threshold):
        raise ValueError(
            f"the convention says '{variant}', but the dictionary keeps the {sae.gate.k} largest of a row; "
            "give the convention that belongs to it, or none"
        )
    return sae.gate.theta


def lengths(sae: Sae) -> Tensor:
    """Of the atoms (F,)."""
    return sae.W_dec.norm(dim=1).clamp_min(1e-8)


def pre_activations(sae: Sae, x: Tensor) -> Tensor:
    """All of (x − b_dec) W_enc + b_enc, (B, F)."""
    return torch.addmm(sae.b_enc, x - sae.b_dec, sae.W_enc)


def coded(sae: Sae, z: Tensor, price: Tensor) -> Coded:
    """From all of z (B, F), so that gradients reach inactive latents too."""
    rows, latents = z.nonzero(as_tuple=True)
    codes = Codes(Pairs(rows, latents, (z.shape[0], z.shape[1])), z[rows, latents])
    return Coded(z @ sae.W_dec + sae.b_dec, codes, price)


def assumed(gate: Gate) -> dict[str, Any]:
    """The convention of a dictionary that came without one, by its gate.

    The k largest of a row: topk. Thresholds that are all 0: relu_l1. One threshold for all latents: batchtopk, whose k
    is the L0 that it has. Different ones: jumprelu, with the published bandwidth.
    """
    if isinstance(gate, TopK):
        return {"variant": "topk", "settings": {}}
    least, most = gate.theta.aminmax()
    if least < most:
        return {"variant": "jumprelu", "settings": {"bandwidth": 2.0}}
    return {"variant": "batchtopk" if most != 0 else "relu_l1", "settings": {}}


def adopted(sae: Sae) -> tuple[Sae, dict[str, Any]]:
    """A dictionary that came without a convention as the variants would have it, atoms with length 1; and `assumed`.

    It is to take rows with a variance of 1 per dimension. Encoder, bias and threshold take over the atoms' lengths,
    which is exact. Where latents compete for k places their ranks must stay as they are, so only the mean length of all
    atoms can be taken over.
    """
    convention = assumed(sae.gate)
    taken = lengths(sae)
    if convention["variant"] in {"topk", "batchtopk"}:
        taken = taken.mean().expand_as(taken)
    gate = Threshold(sae.gate.theta * taken) if isinstance(sae.gate, Threshold) else sae.gate
    W_enc, b_enc, W_dec = sae.W_enc * taken, sae.b_enc * taken, sae.W_dec / taken[:, None]
    return replace(sae, W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, gate=gate), convention
