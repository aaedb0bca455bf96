"""Bootstrap intervals (95 %, percentiles) for means of items that come in clusters."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from sieve.provenance import generator

DRAWS = 1000


def cluster_sums(
    values: Sequence[float], clusters: Sequence[Hashable], weights: Sequence[float] | None = None
) -> tuple[Tensor, Tensor]:
    """Sum and weight (or number) of the items of each cluster, (C,) each; clusters in order of their first item."""
    number = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    owner = torch.tensor([number[cluster] for cluster in clusters], dtype=torch.long)
    sums, counts = torch.zeros(2, len(number), dtype=torch.float64)
    sums.index_add_(0, owner, torch.tensor(values, dtype=torch.float64))
    counts.index_add_(0, owner, torch.tensor(weights or [1.0] * len(owner), dtype=torch.float64))
    return sums, counts


def bootstrap(sums: Tensor, weights: Tensor, rng: torch.Generator) -> tuple[float, float]:
    """The interval of Σ sums / Σ weights over clusters (C,), of which DRAWS samples are drawn with replacement."""
    draw = torch.randint(len(sums), (DRAWS, len(sums)), generator=rng)
    means = (sums[draw].sum(1) / weights[draw].sum(1)).sort().values
    return float(means[24]), float(means[974])


def two_way_bootstrap(
    values: Sequence[float],
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    seed: int,
    *purpose: str,
    weights: Sequence[float] | None = None,
) -> tuple[float, float, float]:
    """(mean, low, high) of items (N,), each in a cluster of `first` and in one of `second`: a problem, a pair of names.

    For the difference of two conditions on the same items give the differences: what the conditions share cancels. With
    `weights` (N,), all above 0, items are sums, and the mean is Σ values / Σ weights: nats per token, for instance.

    Clusters of `first`, of `second` and of both (the items that share the two) are resampled, each on its own, and the
    three reaches a, b and c from the mean are combined as Cameron, Gelbach & Miller combine variances (2011, "Robust
    inference with multiway clustering", Journal of Business & Economic Statistics 29): √(a² + b² − c²), but never less
    than a or b. The three draw alike (keyed by `seed` and `purpose`), so that items which are all alone get the plain
    bootstrap. Resampling both ways at once (Owen 2007, "The pigeonhole bootstrap") would take up to three times the
    variance where most clusters are small. As with any bootstrap few clusters make it too narrow: 20 reach some 92 %.
    No end lies beyond the smallest or the largest item. ValueError without items.
    """
    if not values:
        raise ValueError("there are no items, so there is no mean and no interval")
    each = list(weights or [1.0] * len(values))
    mean, items = sum(values) / sum(each), [value / weight for value, weight in zip(values, each)]
    reach = []
    for clusters in (first, second, list(zip(first, second))):
        low, high = bootstrap(*cluster_sums(values, clusters, each), generator(seed, "two-way bootstrap", *purpose))
        reach.append((mean - low, high - mean))
    down, up = (max(a, b, max(0.0, a * a + b * b - both * both) ** 0.5) for a, b, both in zip(*reach))
    return mean, max(mean - down, min(items)), min(mean + up, max(items))
