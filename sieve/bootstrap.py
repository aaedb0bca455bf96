"""Bootstrap intervals (95 %, percentiles) for means of items that come in clusters, such as tokens in documents."""

from __future__ import annotations

import torch
from torch import Tensor

DRAWS = 1000


def bootstrap(sums: Tensor, weights: Tensor, rng: torch.Generator) -> tuple[float, float]:
    """The interval of Σ sums / Σ weights over clusters (C,), of which DRAWS samples are drawn with replacement."""
    draw = torch.randint(len(sums), (DRAWS, len(sums)), generator=rng)
    means = (sums[draw].sum(1) / weights[draw].sum(1)).sort().values
    return float(means[24]), float(means[974])
