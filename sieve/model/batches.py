"""Which sequences share a batch. Padding costs as much as text, so those should that are about equally long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized

WINDOW = 64
"""Batches whose sequences may change places: what comes first is seen among the first, however many there are."""


def alike(sequences: Sequence[Sized], size: int) -> Iterator[list[int]]:
    """Numbers of all `sequences`, at most `size` at a time, those of about equal length together."""
    step = size * WINDOW
    for first in range(0, len(sequences), step):
        order = sorted(range(first, min(first + step, len(sequences))), key=lambda i: len(sequences[i]))
        yield from (order[start : start + size] for start in range(0, len(order), size))
