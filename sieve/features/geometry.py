"""How a decoder's atoms lie to each other: all pairs, pairs of live latents, pairs that fire together, and the tail.

A mean cannot promise that codes are unique. μ, the mean of cos² over pairs, is least for any tight frame, and copies of
one orthonormal basis are one: μ stands on Welch's floor while every atom has a twin and no code is unique. What counts
is the *largest* |cos|, M: the least number of dependent atoms, the spark, is at least 1 + 1/M, and a code of k
latents is the only one of at most k that gives its reconstruction if k < ½ (1 + 1/M) (Donoho & Elad, 2003). That
suffices and is not necessary, and F atoms in D dimensions have M² ≥ (F − D)/(D (F − 1)) (Welch, 1974).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.dictionary.kernels import Codes, Pairs
from sieve.dictionary.penalties import LEAST, STRIP, coactive_squared_cosine, mean_squared_cosine, welch_floor


@torch.no_grad()
def geometry(W_dec: Tensor, codes: Iterable[Tensor]) -> dict[str, float | None]:
    """Figures of the atoms of W_dec (F, D), F ≥ 2; `codes` are batches (B, F) of rows that show which latents fire.

    Mean cos² over all pairs (mean_cos2), its Welch floor and what it has above it (excess_cos2); over pairs of latents
    that fire somewhere in the rows (alive_cos2), and the floor of so many (alive_welch_floor); and over pairs that fire
    in one row, once for each such row (coactive_cos2): None where there is no such pair. 99th percentile and maximum of
    |cos| over all pairs, in fp32. unique_below: ½ (1 + 1/M), at most F + 1, which all codes are below. The share of
    latents that fire in no row (None without rows), and quantiles (5, 50, 95 %) of the atoms' norms; of two neighbours
    a quantile is the lower.

    Exact, with a strip of the F × F cosines in memory, or the co-active pairs of some rows.
    """
    rows, fired, coactive = _firing(W_dec, codes)
    alive = W_dec[fired]
    p99, largest = _tail(W_dec, 0.99)
    mean, floor = float(mean_squared_cosine(W_dec)), welch_floor(*W_dec.shape)
    shares = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64, device=W_dec.device)
    p05, median, p95 = W_dec.norm(dim=1).double().quantile(shares, interpolation="lower").tolist()
    return {
        "alive_cos2": float(mean_squared_cosine(alive)) if len(alive) > 1 else None,
        "alive_welch_floor": welch_floor(*alive.shape) if len(alive) > 1 else None,
        "coactive_cos2": coactive,
        "dead_share": 1 - len(alive) / len(W_dec) if rows else None,
        "decoder_norm_median": median,
        "decoder_norm_p05": p05,
        "decoder_norm_p95": p95,
        "excess_cos2": mean - floor,
        "max_abs_cos": largest,
        "mean_cos2": mean,
        "p99_abs_cos": p99,
        "unique_below": 0.5 * (1 + 1 / max(largest, 1 / (2 * len(W_dec) + 1))),
        "welch_floor": floor,
    }


def _firing(W_dec: Tensor, codes: Iterable[Tensor]) -> tuple[int, Tensor, float | None]:
    """How many rows there are, which latents fire in any (F,), and the mean cos² of pairs that fire in one."""
    fired = torch.zeros(len(W_dec), dtype=torch.bool, device=W_dec.device)
    count, total, times = 0, 0.0, 0
    for z in _few_pairs(codes):
        rows, latents = z.nonzero(as_tuple=True)
        fired[latents] = True
        count += len(z)
        each = torch.bincount(rows)
        pairs = int((each * (each - 1) // 2).sum())
        if pairs:
            together = Codes(Pairs(rows, latents, (len(z), len(W_dec))), z[rows, latents])
            total += pairs * float(coactive_squared_cosine(W_dec, together))
            times += pairs
    return count, fired, total / times if times else None


def _few_pairs(codes: Iterable[Tensor]) -> Iterator[Tensor]:
    """The same rows, so few at a time that they have no more co-active pairs than a strip has cosines, or one row."""
    for z in codes:
        most = int((z != 0).sum(1).max()) if len(z) else 0
        yield from z.split(max(1, STRIP // max(1, most) ** 2))


def _tail(W_dec: Tensor, share: float) -> tuple[float, float]:
    """The `share` quantile of |cos| over pairs i < j of atoms, the lower of two neighbours, and the maximum.

    Floats that are not negative are in the order of their bits. So one pass over the cosines counts their upper halves
    and finds that of the quantile, a second counts the lower halves of those that have it: no value has to be kept,
    however many are equal.
    """
    unit = F.normalize(W_dec.float(), dim=1, eps=LEAST)
    upper, lower = (torch.zeros(2**16, dtype=torch.int64, device=unit.device) for _ in range(2))
    largest = 0
    for bits in _cosines(unit):
        upper += torch.bincount(bits >> 16, minlength=2**16)
        largest = max(largest, int(bits.max()))
    head, rank = _bin(upper, int(share * (int(upper.sum()) - 1)))
    for bits in _cosines(unit):
        lower += torch.bincount(bits[bits >> 16 == head] & 0xFFFF, minlength=2**16)
    tail, _ = _bin(lower, rank)
    quantile, maximum = torch.tensor([head << 16 | tail, largest], dtype=torch.int32).view(torch.float32).tolist()
    return quantile, maximum


def _cosines(unit: Tensor) -> Iterator[Tensor]:
    """The bits of |cos| of all pairs i < j of unit atoms (F, D), those of a few i at a time."""
    size = max(1, STRIP // len(unit))
    for start in range(0, len(unit) - 1, size):
        strip = (unit[start : start + size] @ unit[start:].T).abs_()
        later = torch.ones_like(strip, dtype=torch.bool).triu_(1)
        yield strip[later].view(torch.int32)


def _bin(counts: Tensor, rank: int) -> tuple[int, int]:
    """The bin that holds the element of this rank, and its rank within."""
    ends = counts.cumsum(0)
    found = int(torch.searchsorted(ends, rank, right=True))
    return found, rank - int(ends[found] - counts[found])
