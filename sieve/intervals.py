"""Intervals for shares."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

Z = 1.959964
"""Of 95 % intervals."""


def wilson(hits: Sequence[bool], z: float = Z) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927), 95 % by default. ValueError without items."""
    if not hits:
        raise ValueError("there are no items, so there is no share and no interval")
    n, share = len(hits), sum(hits) / len(hits)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_upper(shares: Tensor, items: int, z: float = Z) -> Tensor:
    """The upper end of Wilson's interval of each of `shares`, of as many items each."""
    half = z * (shares * (1 - shares) / items + z * z / (4 * items * items)).sqrt()
    return (shares + z * z / (2 * items) + half) / (1 + z * z / items)
