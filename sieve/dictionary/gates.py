"""From pre-activations to active latents. Active means `z != 0`, everywhere; ties go to the lower index, always.

B rows, F latents. A gate keeps the value of what it lets through and sets the rest to exactly zero. It is asked about a
few rows at a time (`Blocks`), so that no B × F matrix has to exist, and answers with pairs of row and latent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# Called, it goes through (number of the first row, pre-activations (R, F) of some rows); each is valid until the next.
Blocks = Callable[[], Iterator[tuple[int, Tensor]]]


class Chosen(NamedTuple):
    """Active pairs in row order: row, latent and value of each, all (N,)."""

    rows: Tensor
    latents: Tensor
    values: Tensor


@dataclass(frozen=True)
class TopK:
    """Keep the k largest positive pre-activations of each row (Gao et al., arXiv 2406.04093)."""

    k: int

    def choose(self, blocks: Blocks) -> Chosen:
        """At most k pairs a row, the strongest first."""
        found = []
        for start, pre in blocks():
            latents, values = top_k(pre, self.k)
            rows = torch.arange(start, start + len(pre), device=pre.device)[:, None].expand_as(latents)
            found.append(Chosen(rows.flatten(), latents.flatten(), values.flatten()))
        return _positive(*map(torch.cat, zip(*found)))


@dataclass(frozen=True)
class Threshold:
    """Keep what exceeds the latent's own threshold (JumpReLU form); a row's code does not depend on its batch."""

    theta: Tensor

    def choose(self, blocks: Blocks) -> Chosen:
        """All pairs above theta (F,), in order of latents within a row."""
        found = []
        for start, pre in blocks():
            rows, latents = (pre > self.theta.to(pre.dtype)).nonzero(as_tuple=True)
            found.append(Chosen(rows + start, latents, pre[rows, latents]))
        return Chosen(*map(torch.cat, zip(*found)))


Gate = TopK | Threshold

GROUPS = (16, 8, 4, 2)  # elements of a group
SPARE = {torch.float32: 1, torch.bfloat16: 8}  # groups beyond k that are looked at: rounded values are often equal


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(latents, values), each (R, k): the k largest of pre (R, F), strongest first, equals by index; 0 for negatives.

    Two levels. A group is of every (F/g)-th latent. Each of the k largest lies in one of the k groups with the largest
    maxima, so only some groups are sorted. A row in which equals could have been missed, or put in the wrong order, is
    sorted whole.
    """
    width, spare = pre.shape[1], SPARE.get(pre.dtype, 0)
    group = next((g for g in GROUPS if width % g == 0 and width // g >= 2 * (k + spare)), 1)
    if group == 1 or not spare:
        return _sorted(pre, k)
    heads = pre.view(len(pre), group, width // group).amax(1)
    top = heads.topk(k + spare, dim=1)
    latents = (top.indices[:, None] + torch.arange(group, device=pre.device)[:, None] * heads.shape[1]).flatten(1)
    values = pre.gather(1, latents)
    if pre.dtype == torch.float32:  # equals are rare: no need to sort by index where there are none
        found = values.topk(k + 1, dim=1)
        latents, values = latents.gather(1, found.indices[:, :k]), found.values[:, :k].relu()
        unsure = ((values == found.values[:, 1:]) & (values > 0)).any(1)
    else:
        latents, values = _strongest(values, latents, k)
        unsure = (values[:, -1] > 0) & (top.values[:, -1] >= values[:, -1])
    if bool(unsure.any()):
        latents[unsure], values[unsure] = _sorted(pre[unsure], k)
    return latents, values


def _strongest(values: Tensor, latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row: a positive float's bits, then the index, make one integer that sorts as it should."""
    bits = values.float().relu().view(torch.int32).long()
    keys = ((bits << 32) | (0xFFFFFFFF - latents)).topk(k, dim=1).values
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF), (keys >> 32).int().view(torch.float32)


def _sorted(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    if pre.dtype == torch.float64:
        found = pre.relu().sort(dim=1, descending=True, stable=True)
        return found.indices[:, :k], found.values[:, :k]
    return _strongest(pre, torch.arange(pre.shape[1], device=pre.device).expand_as(pre), k)


def _positive(rows: Tensor, latents: Tensor, values: Tensor) -> Chosen:
    """Without the pairs that are not active."""
    active = values > 0
    if bool(active.all()):
        return Chosen(rows, latents, values)
    return Chosen(rows[active], latents[active], values[active])


def batch_top_k(blocks: Blocks, budget: int, floor: float = 0.0) -> Chosen:
    """The `budget` largest positive pre-activations of a batch (Bussmann et al., arXiv 2412.06410). Training only.

    `floor` is a guess that the smallest of them is larger: it decides how much is looked at, never what is found.
    """
    kept = _largest_above(blocks, budget, floor)
    return _largest_above(blocks, budget, 0.0) if floor > 0 and len(kept.values) < budget else kept


def _largest_above(blocks: Blocks, budget: int, floor: float) -> Chosen:
    """The largest above `floor` so far, whenever there are far too many of them: then the floor rises."""
    kept: list[Chosen] = []
    for start, pre in blocks():
        kept.append(_above(start, pre, floor))
        if sum(len(part.values) for part in kept) > 2 * budget:
            kept = [_largest(kept, budget)]
            floor = max(floor, float(kept[0].values.min()))  # its equals in later rows would lose against it anyway
    return _largest(kept, budget)


def _above(start: int, pre: Tensor, floor: float) -> Chosen:
    """Pairs whose value is above `floor`, row by row, latents ascending."""
    rows, latents = (pre > floor).nonzero(as_tuple=True)
    return Chosen(rows + start, latents, pre[rows, latents])


def _largest(parts: list[Chosen], budget: int) -> Chosen:
    """The `budget` largest in row order; among equals those that come first."""
    rows, latents, values = map(torch.cat, zip(*parts))
    if len(values) <= budget:
        return Chosen(rows, latents, values)
    least = values.topk(budget).values[-1]
    larger, equal = values > least, values == least
    keep = larger | (equal & (equal.cumsum(0) <= budget - larger.sum()))
    return Chosen(rows[keep], latents[keep], values[keep])
