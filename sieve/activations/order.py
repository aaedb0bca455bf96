"""Row order is arithmetic: which rows make batch s depends on the seed and s, never on what was read before.

Rows that lie together on disk are read together, in blocks. An epoch permutes the blocks and cuts that order into
windows of equally many; within a window all rows are permuted. So a cache much larger than memory is read a window at a
time, and a batch still mixes rows of hundreds of blocks; data that fit into one window are permuted whole.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from sieve.provenance import generator

BLOCK = 256  # consecutive rows; the last block may be shorter
WINDOW = 512  # most blocks of a window: 131,072 rows


@lru_cache(maxsize=1)
def _epoch(rows: int, seed: int, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
    """The blocks in their order, and for each window, and the end, its first place among blocks and among rows."""
    count = -(-rows // BLOCK)
    blocks = torch.randperm(count, generator=generator(seed, "blocks", epoch))
    windows = -(-count // WINDOW)
    bounds = torch.arange(windows + 1) * count // windows
    behind_last = bounds > (blocks == count - 1).nonzero()[0]
    return blocks, bounds, bounds * BLOCK - behind_last * (count * BLOCK - rows)


@lru_cache(maxsize=1)
def _window(rows: int, seed: int, epoch: int, number: int) -> Tensor:
    """The row numbers of one window in their order."""
    blocks, bounds, _ = _epoch(rows, seed, epoch)
    own = blocks[bounds[number] : bounds[number + 1], None] * BLOCK + torch.arange(BLOCK)
    own = own[own < rows]
    return own[torch.randperm(len(own), generator=generator(seed, "rows", epoch, number))]


def batch_rows(step: int, rows: int, batch: int, seed: int) -> Tensor:
    """Row numbers (batch,) of training step `step`.

    Each epoch is one permutation, and a remainder shorter than a batch is left out. What is remembered between calls is
    one window and one number a block. ValueError when a batch is larger than the data.
    """
    per_epoch = rows // batch
    if per_epoch == 0:
        raise ValueError(
            f"a batch of {batch} rows was asked for, but only {rows} rows exist; lower the batch or cache more rows"
        )
    epoch, place = divmod(step, per_epoch)
    _, _, starts = _epoch(rows, seed, epoch)
    first, last = place * batch, (place + 1) * batch
    number = int(torch.searchsorted(starts, first, right=True)) - 1
    parts = []
    while first < last:
        begin = int(starts[number])
        parts.append(_window(rows, seed, epoch, number)[first - begin : last - begin])
        first, number = first + len(parts[-1]), number + 1
    return torch.cat(parts)  # a copy: the window itself is shared
