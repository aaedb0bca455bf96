"""How far a decoder is from orthogonal: penalties on pairs of different atoms, without an F × F matrix.

W_dec (F, D), F ≥ 2, holds atoms w_i as rows; u_i = w_i/‖w_i‖. With a_i either of them and G = Σ_i a_i a_iᵀ, D × D,

    Σ_{i≠j} ⟨a_i, a_j⟩² = ‖G‖_F² − Σ_i ‖a_i‖⁴,        its gradient by a_i:  4 (G a_i − ‖a_i‖² a_i),

because AᵀA and AAᵀ have one norm. The gradient by w_i is (I − u_i u_iᵀ)/‖w_i‖ times that by u_i. Both are sums over
chunks of atoms, so the squares need O(D²) memory. What is no polynomial of cosines, the maximum and the hinge, takes
them strip by strip: the cosines of a few atoms with all. All are differentiable, once.

All are means, over pairs or atoms, so that a weight means the same for any number of them. What papers call columns of
the decoder are its atoms, the rows of W_dec; numbers of atoms that are drawn keep that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import comb
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from sieve.dictionary.kernels import Codes, Pairs, products
from sieve.provenance import generator

Chunks = Sequence[Tensor]  # numbers of atoms

CHUNK = 1024  # atoms whose products are summed at once
STRIP = 2**22  # cosines that are held at once
LEAST = 1e-8  # a shorter atom has no direction: its cosines fade to 0


def mean_squared_cosine(W_dec: Tensor) -> Tensor:
    """μ = mean of cos² over pairs of different atoms of W_dec (F, D). Scale-free; its gradient only turns atoms."""
    found: Tensor = _MeanSquare.apply(W_dec, True)
    return found


def mean_squared_product(W_dec: Tensor) -> Tensor:
    """Mean of ⟨w_i, w_j⟩² over pairs of different atoms of W_dec (F, D).

    Shorter atoms lower it by the fourth power of their length, and a larger encoder makes up for that.
    """
    found: Tensor = _MeanSquare.apply(W_dec, False)
    return found


def sampled_squared_product(W_dec: Tensor, chunks: Chunks) -> Tensor:
    """`mean_squared_product` of the atoms whose numbers are in the first chunk; others get no gradient.

    The penalty of arXiv 2602.04718 is the sum over i < j instead, see `paper_lambda`. With uniformly drawn atoms value
    and gradient are, on average, those of all.
    """
    return mean_squared_product(W_dec[chunks[0]])


def max_squared_cosine(W_dec: Tensor, chunks: Chunks) -> Tensor:
    """Mean over the atoms of W_dec (F, D) of the largest cos² with another of the same chunk.

    The penalty of OrtSAE (arXiv 2509.22033). `chunks` hold every atom's number once. Among equals the first of the
    chunk counts; an atom alone in its chunk counts as 0. A mean over pairs can be at its floor although every atom has
    a twin; this one is 1 then, if twins share a chunk.
    """
    unit = _unit(W_dec)
    own = torch.arange(len(unit), device=unit.device)
    nearest = own.clone()
    for chunk in chunks:
        for start, strip in _strips(unit.detach()[chunk]):
            nearest[chunk[start : start + len(strip)]] = chunk[_nearest(start, strip)]
    squares = products(unit, unit, Pairs(own, nearest, (len(unit), len(unit)))).square()
    return torch.where(nearest == own, 0, squares).mean()


def hinged_cosine(W_dec: Tensor, tau: float = 0.1) -> Tensor:
    """Mean of relu(|cos| − τ)² over pairs of different atoms of W_dec (F, D): cosines up to τ are free. Our form."""
    found: Tensor = _Hinged.apply(_unit(W_dec), tau)
    return found


def coactive_squared_cosine(W_dec: Tensor, codes: Codes) -> Tensor:
    """Mean of cos² over pairs of different atoms of W_dec (F, D), each counted once per row of `codes` that has both.

    0 without such rows. Our form: `coactive_cos2` of `sieve.features.geometry`, of one batch. Which latents are
    active is taken as given. Memory grows with the squares of the numbers of active latents a row.
    """
    pairs, times = _coactive(codes.pairs)
    unit = _unit(W_dec)
    return (times * products(unit, unit, pairs).square()).sum() / times.sum().clamp_min(1)


# What params.yaml may name: (W_dec, the batch's codes, the step's random chunks of atoms) -> a scalar.
PENALTIES: dict[str, Callable[[Tensor, Codes, Chunks], Tensor]] = {
    "raw_sampled": lambda W_dec, _, chunks: sampled_squared_product(W_dec, chunks),
    "cosine_full": lambda W_dec, _, __: mean_squared_cosine(W_dec),
    "coactivation": lambda W_dec, codes, _: coactive_squared_cosine(W_dec, codes),
    "hinge": lambda W_dec, _, __: hinged_cosine(W_dec),
    "chunked_max": lambda W_dec, _, chunks: max_squared_cosine(W_dec, chunks),
}


def random_chunks(step: int, latents: int, columns: int, seed: int) -> tuple[Tensor, ...]:
    """The numbers of all atoms in random order, `columns` to a chunk; the last chunk may be smaller.

    They depend on the step and the seed and not on steps before, so that a resumed run draws what it would have drawn.
    """
    order = torch.randperm(latents, generator=generator(seed, "orthogonalize", "columns", step))
    return order.split(columns)


def paper_lambda(weight: float, columns: int) -> float:
    """λ of arXiv 2602.04718, on the sum over the n(n − 1)/2 pairs of n columns, for a weight on their mean."""
    return weight / comb(columns, 2)


def weight_of_lambda(value: float, columns: int) -> float:
    """The weight on the mean over pairs of n columns for a λ on their sum: `paper_lambda`'s inverse."""
    return value * comb(columns, 2)


def welch_floor(latents: int, width: int) -> float:
    """The least mean squared cosine that F unit vectors in D dimensions can have (Welch, 1974).

    (F − D) / (D (F − 1)), and 0 when F ≤ D.
    """
    return max(0.0, (latents - width) / (width * (latents - 1)))


def _lengths(W: Tensor) -> Tensor:
    return W.norm(dim=1, keepdim=True).clamp_min(LEAST)


def _unit(W: Tensor) -> Tensor:
    return W / _lengths(W)


class _MeanSquare(torch.autograd.Function):
    """Mean of ⟨a_i, a_j⟩² over i ≠ j, for a = u (unit) or a = w; formulas at the top."""

    @staticmethod
    def forward(ctx: Any, W_dec: Tensor, unit: bool) -> Tensor:
        latents, width = W_dec.shape
        # From 2D unit atoms on ‖G‖² is at least twice F (Welch), so rounded products do; else the difference cancels.
        precision = W_dec.dtype if unit and latents >= 2 * width else torch.float64
        gram = W_dec.new_zeros(width, width, dtype=torch.float64)
        fourth = gram.new_zeros(())
        for chunk in W_dec.split(CHUNK):
            atoms = _unit(chunk.to(precision)) if unit else chunk.to(precision)
            gram += atoms.T @ atoms
            fourth += atoms.square().sum(1).square().sum(dtype=torch.float64)
        ctx.unit, ctx.pairs = unit, latents * (latents - 1)
        ctx.save_for_backward(W_dec, gram.to(precision))
        return ((gram.square().sum() - fourth) / ctx.pairs).to(W_dec.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        W_dec, gram = ctx.saved_tensors
        found = torch.empty_like(W_dec)
        for chunk, into in zip(W_dec.split(CHUNK), found.split(CHUNK)):
            exact = chunk.to(gram.dtype)
            atoms = _unit(exact) if ctx.unit else exact
            along = (atoms @ gram).addcmul_(atoms.square().sum(1, keepdim=True), atoms, value=-1)
            if ctx.unit:
                along = along.addcmul_((along * atoms).sum(1, keepdim=True), atoms, value=-1).div_(_lengths(exact))
            into.copy_(along.mul_(4 * gradient / ctx.pairs))
        return found, None


def _strips(unit: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(number of the first, cosines (R, F) with all) of some atoms at a time, in one buffer that is used again."""
    size = max(1, STRIP // len(unit))
    buffer = unit.new_empty(min(size, len(unit)), len(unit))
    for start in range(0, len(unit), size):
        atoms = unit[start : start + size]
        yield start, torch.mm(atoms, unit.T, out=buffer[: len(atoms)])


def _nearest(start: int, strip: Tensor) -> Tensor:
    """The other atom with the largest |cos| (R,), the first of equals; itself if alone. Changes the strip."""
    strip.abs_().diagonal(start).fill_(-1)
    return strip.argmax(1)


class _Hinged(torch.autograd.Function):
    """Mean of s(c_ij)² over i ≠ j, with s(c) = sign(c) relu(|c| − τ) and c = UUᵀ; by u_i: 4 Σ_j s(c_ij) u_j.

    A strip holds all that one atom's gradient needs, so it is taken at once and no strip is kept or made again.
    """

    @staticmethod
    def forward(ctx: Any, unit: Tensor, tau: float) -> Tensor:
        total = unit.new_zeros((), dtype=torch.float64)
        slope = torch.empty_like(unit) if ctx.needs_input_grad[0] else None
        for start, strip in _strips(unit):
            strip.diagonal(start).zero_()
            beyond = F.softshrink(strip, tau)
            total += beyond.square().sum(dtype=torch.float64)
            if slope is not None:
                torch.mm(beyond, unit, out=slope[start : start + len(strip)])
        ctx.pairs = len(unit) * (len(unit) - 1)
        if slope is not None:
            ctx.save_for_backward(slope)
        return (total / ctx.pairs).to(unit.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * (4 * gradient / ctx.pairs), None


def _coactive(active: Pairs) -> tuple[Pairs, Tensor]:
    """The pairs of latents i < j that are active in one row, sorted, and the number of such rows, both (N,)."""
    latents, count = active.latents, active.shape[1]
    partners = torch.bincount(active.rows, minlength=active.shape[0])[active.rows]  # in its row, itself among them
    first = latents.repeat_interleave(partners)
    # the n-th entry of `first` is paired with that place of its row which n has among the entries of its latent
    skipped = active.starts[active.rows] - (partners.cumsum(0) - partners)
    second = latents[skipped.repeat_interleave(partners) + torch.arange(len(first), device=latents.device)]
    keys, times = (first * count + second)[first < second].unique(return_counts=True)
    return Pairs(keys // count, keys % count, (count, count)), times
