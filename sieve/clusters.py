"""Intervals for means of items that belong to several clusters at once, such as a pair's source, target and problem.

Two items that share any cluster may stand or fall together, so every product of two such items' deviations counts
(Cameron, Gelbach & Miller 2011, "Robust inference with multiway clustering"; Aronow, Samii & Assenova 2015,
"Cluster-robust variance estimation for dyadic data"). A value that is one item's source and another's target is one
cluster: a bootstrap over sources and over targets would take the two roles for different values, and reach too little.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

Roles = Sequence[Sequence[Hashable]]
"""For each role the cluster that every item has in it, R lists of N. Equal labels of two roles are one cluster."""


def mean_interval(
    values: Sequence[float], roles: Roles, weights: Sequence[float] | None = None
) -> tuple[float, float, float]:
    """(mean, low, high) of items (N,), 95 %; no end lies beyond the smallest or the largest item.

    For the difference of two conditions on the same items give the differences: what the conditions share cancels. With
    `weights` (N,), all above 0, items are sums, and the mean is Σ values / Σ weights: nats per token, for instance.
    ValueError without items.
    """
    if not values:
        raise ValueError("there are no items, so there is no mean and no interval")
    each = list(weights or [1.0] * len(values))
    mean, total = sum(values) / sum(each), sum(each)
    half = reach([(value - mean * weight) / total for value, weight in zip(values, each)], roles)
    items = [value / weight for value, weight in zip(values, each)]
    return mean, max(mean - half, min(items)), min(mean + half, max(items))


def reach(influence: Sequence[float], roles: Roles) -> float:
    """Half the width of the 95 % interval of an estimate from what each item moves it by, (N,), in sum 0.

    The variance is that of clusters in any role, or in one role alone, whichever is largest: where clusters are few,
    as with three values, nearly all items share one, and the first says nothing. It is widened for the number of
    clusters in the role with the fewest, G: by G/(G − 1), and Student's t with G − 1 degrees of freedom in place of
    1.96. In simulations with 12 values such an interval holds the true mean in .91 to .99 of runs.
    """
    moved = torch.tensor(influence, dtype=torch.float64)
    clustered = [_numbered(labels) for labels in roles if len(set(labels)) > 1]
    variances = (
        [float(moved @ moved), float(moved @ _share_any(roles) @ moved)] if clustered else [float(moved @ moved)]
    )
    for owner in clustered:
        sums = torch.zeros(int(owner.max()) + 1, dtype=torch.float64).index_add_(0, owner, moved)
        variances.append(float(sums @ sums))
    fewest = min((int(owner.max()) + 1 for owner in clustered), default=len(moved))
    if fewest < 2:
        return 0.0
    return student(fewest - 1) * (max(variances) * fewest / (fewest - 1)) ** 0.5


def student(freedom: int) -> float:
    """Student's t that leaves 2.5 % above, to .03 from 2 degrees of freedom on (Abramowitz & Stegun 1964, 26.7.5)."""
    z = 1.959964
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**n for n, term in enumerate(terms, 1))


def _numbered(labels: Sequence[Hashable]) -> Tensor:
    """Each item's cluster as a number, (N,), in order of their first items."""
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return torch.tensor([number[label] for label in labels])


def _share_any(roles: Roles) -> Tensor:
    """1 where two items share a cluster in any role, whichever role each has it in, (N, N). A role of one is none."""
    told = [labels for labels in roles if len(set(labels)) > 1]
    owner = _numbered([label for labels in told for label in labels]).view(len(told), -1)
    member = torch.zeros(owner.shape[1], int(owner.max()) + 1)
    member.scatter_(1, owner.T, 1.0)
    return (member @ member.T > 0).double()
