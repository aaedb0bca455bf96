"""Sparse codes and their gradients: exact, in a fixed order of sums, and never a matrix of B × F.

B rows, D width, F latents, N active pairs (row, latent). Encoding is one matrix product, taken a few rows at a time, of
which only what the gate chooses is kept. Everything after it goes through the N pairs: decoding sums atoms row by row,
the gradients of both matrices sum rows latent by latent. Each of these sums has one writer and a fixed order, on any
device and with any number of threads; the product's bits are its library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.dictionary.gates import Block, Chosen, Scores
from sieve.dictionary.screen import Screen, blocks

Precision = Literal["fp32", "bf16"]
ALIGNED = 64  # bytes


class ByLatent(NamedTuple):
    """Numbers, rows and latents (N,) of pairs sorted by latent; where each latent's begin (F,)."""

    order: Tensor
    rows: Tensor
    latents: Tensor
    starts: Tensor

    @classmethod
    def of(cls, rows: Tensor, latents: Tensor, count: int) -> ByLatent:
        """Pairs in any order, of so many latents; those of a latent stay as they come."""
        ordered, order = latents.int().sort(stable=True)  # fewer bytes to sort
        ordered = ordered.long()
        return cls(order, rows.index_select(0, order), ordered, _starts(ordered, count))


class Pairs:
    """Which latents are active in which rows: rows and latents (N,), sorted by row, of a matrix of shape (B, F)."""

    def __init__(self, rows: Tensor, latents: Tensor, shape: tuple[int, int]) -> None:
        self.rows, self.latents, self.shape = rows, latents, shape

    @cached_property
    def starts(self) -> Tensor:
        """Where each row's pairs begin, (B,)."""
        return _starts(self.rows, self.shape[0])

    @cached_property
    def by_latent(self) -> ByLatent:
        """The same pairs, latent by latent, and by row within."""
        return ByLatent.of(self.rows, self.latents, self.shape[1])


def _starts(owners: Tensor, count: int) -> Tensor:
    return torch.searchsorted(owners, torch.arange(count, device=owners.device))


@dataclass(frozen=True)
class Codes:
    """z (B, F) as its non-zeros: pairs and their values (N,)."""

    pairs: Pairs
    values: Tensor

    def decode(self, W_dec: Tensor, b_dec: Tensor | None = None) -> Tensor:
        """x̂ (B, D) = z W_dec + b_dec."""
        found: Tensor = _Decode.apply(self.values, W_dec, self.pairs)
        return found if b_dec is None else found + b_dec

    def dense(self) -> Tensor:
        """z (B, F)."""
        z = self.values.new_zeros(self.pairs.shape)
        return z.index_put((self.pairs.rows, self.pairs.latents), self.values)

    @property
    def l0(self) -> float:
        """Active latents a row, on average."""
        return len(self.values) / max(1, self.pairs.shape[0])


class Products(Scores):
    """(x − b_dec) W_enc + b_enc of centred rows x − b_dec (B, D), for gates to choose from.

    With "bf16" rounded products decide. With "fp32" they only rule out, and exact sums decide.
    """

    def __init__(
        self, centred: Tensor, W_enc: Tensor, b_enc: Tensor, precision: Precision, dtype: torch.dtype | None = None
    ) -> None:
        self.centred, self.W_enc, self.b_enc, self.precision = centred, W_enc, b_enc, precision
        self.count, self.dtype = len(centred), dtype

    def blocks(self) -> Iterator[Block]:
        if self.precision == "bf16":
            return blocks(self.centred.bfloat16(), self.W_enc.bfloat16(), self.b_enc.bfloat16())
        return blocks(self.centred, self.W_enc, self.b_enc)

    @cached_property
    def screen(self) -> Screen:
        """Where rough values come from that only rule out."""
        return Screen(self.centred, self.W_enc, self.b_enc, self.dtype)

    def rough(self) -> Iterator[Block]:
        return self.blocks() if self.precision == "bf16" else self.screen.blocks()

    def reach(self, rows: slice, floor: Tensor) -> Tensor:
        return super().reach(rows, floor) if self.precision == "bf16" else self.screen.reach(rows, floor)

    def finer(self, rows: slice) -> Products | None:
        own = self.centred.dtype
        if self.precision == "bf16" or self.screen.dtype == own:
            return None
        return Products(self.centred[rows], self.W_enc, self.b_enc, self.precision, own)

    def exact(self, pairs: Chosen) -> Chosen:
        if self.precision == "bf16":
            return pairs
        own = ByLatent.of(pairs.rows, pairs.latents, len(self.b_enc))
        values = _dots(self.centred, self.W_enc.T, own) + self.b_enc.index_select(0, own.latents)
        return Chosen(own.rows, own.latents, values)


def encode(
    x: Tensor,
    W_enc: Tensor,
    b_enc: Tensor,
    b_dec: Tensor,
    choose: Callable[[Scores], Chosen],
    precision: Precision = "fp32",
) -> Codes:
    """What `choose` takes of (x − b_dec) W_enc + b_enc, for x (B, D), W_enc (D, F), b_enc (F,), b_dec (D,).

    With "bf16" it sees the pre-activations of a bf16 product; the values of what it takes are computed anew in fp32,
    and what is not positive then is left out.
    """
    with torch.no_grad():
        centred = x - b_dec
        chosen = choose(Products(centred, W_enc, b_enc, precision))
        pairs = Pairs(chosen.rows, chosen.latents, (len(x), len(b_enc)))
        values = chosen.values
        if precision == "bf16":
            values = _products(centred, W_enc.T, pairs) + b_enc.index_select(0, pairs.latents)
            positive = values > 0  # of what is nearly 0 rounding can turn the sign
            if not bool(positive.all()):
                pairs = Pairs(chosen.rows[positive], chosen.latents[positive], pairs.shape)
                values = values[positive]
    return Codes(pairs, _Encode.apply(x, W_enc, b_enc, b_dec, values, pairs))


def products(rows: Tensor, atoms: Tensor, pairs: Pairs) -> Tensor:
    """rows[r] · atoms[f] of each pair (N,), for rows (B, D) and atoms (F, D)."""
    found: Tensor = _Products.apply(rows, atoms, pairs)
    return found


class _Encode(torch.autograd.Function):
    """v_n = (x_r − b_dec) · W_enc[:, f] + b_enc[f] for each pair n = (r, f); the values are known already."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor, values: Tensor, pairs: Pairs
    ) -> Tensor:
        ctx.save_for_backward(x, W_enc, b_dec)
        ctx.pairs = pairs
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, W_enc, b_dec = ctx.saved_tensors
        own = ctx.pairs.by_latent
        sorted_gradient = gradient.index_select(0, own.order)
        of_W = _sums(own.rows, own.starts, x - b_dec, sorted_gradient).T
        ends = torch.cat([own.starts, own.starts.new_tensor([len(gradient)])])
        of_b = torch.segment_reduce(sorted_gradient, "sum", offsets=ends, initial=0)
        of_x = _sums(ctx.pairs.latents, ctx.pairs.starts, W_enc.T, gradient) if ctx.needs_input_grad[0] else None
        return of_x, of_W, of_b, -(W_enc @ of_b), None, None


class _Decode(torch.autograd.Function):
    """x̂_r = Σ_{n of row r} v_n W_dec[f_n]."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, W_dec: Tensor, pairs: Pairs) -> Tensor:
        ctx.save_for_backward(values, W_dec)
        ctx.pairs = pairs
        return _sums(pairs.latents, pairs.starts, W_dec, values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        values, W_dec = ctx.saved_tensors
        of_W = None
        if ctx.needs_input_grad[1]:
            own = ctx.pairs.by_latent
            of_W = _sums(own.rows, own.starts, gradient, values.index_select(0, own.order))
        return _products(gradient, W_dec, ctx.pairs), of_W, None


class _Products(torch.autograd.Function):
    """p_n = rows[r_n] · atoms[f_n]."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, atoms: Tensor, pairs: Pairs) -> Tensor:
        ctx.save_for_backward(rows, atoms)
        ctx.pairs = pairs
        return _products(rows, atoms, pairs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        rows, atoms = ctx.saved_tensors
        own = ctx.pairs.by_latent
        of_rows = _sums(ctx.pairs.latents, ctx.pairs.starts, atoms, gradient)
        return of_rows, _sums(own.rows, own.starts, rows, gradient.index_select(0, own.order)), None


def _sums(numbers: Tensor, starts: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """For each segment of `numbers` (N,) the sum of those rows (·, D), times their weights (N,); in order."""
    return F.embedding_bag(numbers, rows.contiguous(), starts, mode="sum", per_sample_weights=weights)


def _products(rows: Tensor, atoms: Tensor, pairs: Pairs) -> Tensor:
    """rows[r] · atoms[f] of each pair, (N,); latent by latent, so an atom is read once."""
    own = pairs.by_latent
    found = _dots(rows, atoms, own)
    return torch.empty_like(found).index_copy_(0, own.order, found)


def _dots(rows: Tensor, atoms: Tensor, pairs: ByLatent) -> Tensor:
    """rows[r] · atoms[f] of each pair, (N,)."""
    found: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        _aligned(atoms), _aligned(rows), pairs.rows, pairs.starts, pairs.latents, 0
    )
    return found


def _aligned(rows: Tensor) -> Tensor:
    """Rows (N, D) that each begin at a multiple of 64 bytes: the order of a sum may depend on where it begins."""
    size = rows.element_size()
    if rows.is_contiguous() and rows.data_ptr() % ALIGNED == 0 and rows.shape[1] * size % ALIGNED == 0:
        return rows
    return F.pad(rows, (0, -rows.shape[1] % (ALIGNED // size))).contiguous()
