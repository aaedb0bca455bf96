"""Pre-activations by a rough product, and how far off they can be: enough to leave out what is certainly too small.

A gate of the k largest needs few values, but has to look at all. With inputs and weights rounded to bfloat16 the
product is twice as fast, on machines that have one. What is left out is bounded, not guessed, and what remains gets its
value from sums of one fixed order: codes don't depend on which product found them.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sieve.dictionary.gates import Block

BLOCK = {"cpu": 2**24}  # bytes of pre-activations that are held at once: what a processor's cache can take
BLOCK_ELSEWHERE = 2**29
ATOMS = 1024  # latents that are rounded together, for the same reason
ROWS = 256  # with fewer, rounding the weights costs more than the product saves
SAFETY = 1.01  # for the rounding of the bounds themselves


def blocks(centred: Tensor, W_enc: Tensor, b_enc: Tensor) -> Iterator[Block]:
    """Pre-activations (R, F) of some rows at a time, in one buffer that is used again."""
    held = BLOCK.get(centred.device.type, BLOCK_ELSEWHERE) // centred.element_size()
    size = max(1, held // W_enc.shape[1])
    buffer = centred.new_empty(min(size, len(centred)), W_enc.shape[1])
    for start in range(0, max(1, len(centred)), size):
        rows = centred[start : start + size]
        yield start, torch.addmm(b_enc, rows, W_enc, out=buffer[: len(rows)])


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices of bfloat16 faster than those of float32, and sums in float32."""
    if device.type == "cuda":
        sums = not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
        return sums and torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def may_round() -> bool:
    """Whether torch may round what it multiplies in float32."""
    try:
        return torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:  # set by backend, not as a whole
        return True


class Screen:
    """Rough pre-activations of rows x − b_dec (B, D), as products of numbers rounded to `dtype`.

    With u the unit roundoff of `dtype`, x̂ and ŵ what x − b_dec and a column w of W_enc are rounded to, a rough value r
    differs from the true v by at most ‖x − x̂‖ ‖w‖ + ‖x̂‖ ‖w − ŵ‖ (Cauchy-Schwarz), and what sums (in x's own
    precision) and the rounding of product, bias and their sum can add: `error` (B, 1) + `relative` · |r|. A product
    that may round what it is given, as torch may where its float32 products aren't "highest", is taken to do so.
    """

    def __init__(self, centred: Tensor, W_enc: Tensor, b_enc: Tensor, dtype: torch.dtype | None = None) -> None:
        dtype = dtype or _fastest(centred)
        self.x, self.W, norm, rounding = centred.to(dtype), *_rounded(W_enc.T, dtype)
        self.b = b_enc.to(dtype)
        unit, sums = torch.finfo(dtype).eps / 2, len(W_enc) * torch.finfo(centred.dtype).eps
        lost = (len(W_enc) * torch.finfo(centred.dtype).tiny) ** 0.5  # of a length, where squares are too small
        length, change = (
            rows.norm(dim=1, keepdim=True) + lost for rows in (centred, centred - self.x.to(centred.dtype))
        )
        norm, rounding = norm + lost, rounding + lost
        if dtype == torch.float32 and may_round():
            unit = torch.finfo(torch.bfloat16).eps / 2
            change, rounding = unit * length, unit * norm
        error = change * norm + (length + change) * rounding + 2 * sums * length * norm + 3 * unit * b_enc.abs().max()
        if not bool(torch.isfinite(norm + b_enc.abs().max())):
            raise FloatingPointError("the encoder's weights are not finite; lower lr or look at the data for outliers")
        self.dtype, self.error, self.relative = dtype, (SAFETY * error).nan_to_num(nan=torch.inf), SAFETY * 2 * unit

    def blocks(self) -> Iterator[Block]:
        """The rough values of some rows at a time."""
        return blocks(self.x, self.W.T, self.b)

    def reach(self, rows: slice, floor: Tensor) -> Tensor:
        """See `Scores.reach`: down by the error to what `floor` may stand for, and again to what may stand for that."""
        error, value = self.error[rows], floor.to(self.error.dtype)
        sure = value - self.relative * value.abs() - error
        least = sure.clamp_min(torch.finfo(floor.dtype).tiny) - error
        least = least / (1 + self.relative * least.sign())
        rounded = least.to(floor.dtype)
        return torch.where(rounded > least, rounded.nextafter(torch.full_like(rounded, -torch.inf)), rounded)


def _fastest(centred: Tensor) -> torch.dtype:
    """The type of the rough product that costs least, its rounding included."""
    pays = centred.dtype == torch.float32 and len(centred) >= ROWS and has_bfloat16(centred.device)
    return torch.bfloat16 if pays else centred.dtype


def _rounded(atoms: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Atoms (F, D) in `dtype`; the greatest length of one, and the greatest length of what rounding takes from one."""
    if dtype == atoms.dtype:
        return atoms, atoms.norm(dim=1).max(), atoms.new_zeros(())
    rounded = torch.empty_like(atoms, dtype=dtype)
    lengths = []
    for own, part in zip(atoms.split(ATOMS), rounded.split(ATOMS)):
        part.copy_(own)
        lengths.append(torch.stack([own.norm(dim=1).max(), (own - part).norm(dim=1).max()]))
    norm, rounding = torch.stack(lengths).amax(0)
    return rounded, norm, rounding
