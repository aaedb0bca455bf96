"""Row order is arithmetic: which rows make batch s depends on the seed and s, never on what was read before."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from sieve.provenance import generator


@lru_cache(maxsize=2)
def _epoch(rows: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(rows, generator=generator(seed, "rows", epoch))


def batch_rows(step: int, rows: int, batch: int, seed: int) -> Tensor:
    """Row numbers (batch,) of training step `step`.

    Each epoch is one permutation, and a remainder shorter than a batch is left out. ValueError when a batch is larger
    than the data.
    """
    per_epoch = rows // batch
    if per_epoch == 0:
        raise ValueError(
            f"a batch of {batch} rows was asked for, but only {rows} rows exist; lower the batch or cache more rows"
        )
    epoch, place = divmod(step, per_epoch)
    return _epoch(rows, seed, epoch)[place * batch : (place + 1) * batch].clone()  # the permutation itself is shared
