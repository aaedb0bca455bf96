"""From pre-activations to active latents. Active means `z != 0`, everywhere; ties go to the lower index, always.

B rows, F latents. A gate keeps the value of what it lets through and sets the rest to exactly zero. It is asked about a
few rows at a time (`Scores`), so that no B × F matrix has to exist, and answers with pairs of row and latent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

Block = tuple[int, Tensor]  # number of the first row, pre-activations (R, F) of some rows; valid until the next


class Chosen(NamedTuple):
    """Active pairs in row order: row, latent and value of each, all (N,)."""

    rows: Tensor
    latents: Tensor
    values: Tensor


class Scores:
    """Pre-activations of `count` rows. A gate that needs few may look at rough ones and ask what those stand for."""

    count: int

    def blocks(self) -> Iterator[Block]:
        """All of them."""
        raise NotImplementedError

    def rough(self) -> Iterator[Block]:
        """All of them, roughly."""
        return self.blocks()

    def reach(self, rows: slice, floor: Tensor) -> Tensor:
        """The least rough value that something positive may have that is no less than what has `floor`, both (R, 1)."""
        return floor.clamp_min(torch.finfo(floor.dtype).tiny)

    def finer(self, rows: slice) -> Scores | None:
        """These rows, less roughly, if that is possible."""
        return None

    def exact(self, pairs: Chosen) -> Chosen:
        """The same pairs, in any order, with what their rough values stand for."""
        return pairs


@dataclass(frozen=True)
class TopK:
    """Keep the k largest positive pre-activations of each row (Gao et al., arXiv 2406.04093)."""

    k: int

    def choose(self, scores: Scores) -> Chosen:
        """At most k pairs a row, the strongest first.

        Whatever could be among them is found by its rough value; exact values decide.
        """
        decided, waiting = [], []
        for start, pre in scores.rough():
            waiting.append(self._candidates(scores, start, pre))
            if sum(len(part.rows) for part in waiting) > MANY * self.k * scores.count:
                decided.append(self._decide(scores, waiting))
                waiting = []
        return _together([*decided, self._decide(scores, waiting)] if waiting else decided)

    def _candidates(self, scores: Scores, start: int, pre: Tensor) -> Chosen:
        """What could be among the k largest of the rows from `start` on; looked at more closely if that is too much."""
        rows = slice(start, start + len(pre))
        heads = _heads(pre, self.k)
        least = scores.reach(rows, _kth(heads, self.k))
        if bool((least <= 0).any()):
            heads = _heads(pre, self.k, positive=False)
        found = _at_least(start, pre, heads, least)
        finer = scores.finer(rows) if len(found.rows) > MANY * self.k * len(pre) else None
        if finer is None:
            return found
        found = _together([self._candidates(finer, first, part) for first, part in finer.rough()])
        return found._replace(rows=found.rows + start)

    def _decide(self, scores: Scores, candidates: list[Chosen]) -> Chosen:
        return _strongest(scores.exact(_together(candidates)), self.k, scores.count)


@dataclass(frozen=True)
class Threshold:
    """Keep what exceeds the latent's own threshold (JumpReLU form); a row's code does not depend on its batch."""

    theta: Tensor

    def choose(self, scores: Scores) -> Chosen:
        """All pairs above theta (F,), in order of latents within a row."""
        found = []
        for start, pre in scores.blocks():
            rows, latents = (pre > self.theta.to(pre.dtype)).nonzero(as_tuple=True)
            found.append(Chosen(rows + start, latents, pre[rows, latents]))
        return _together(found)


Gate = TopK | Threshold

GROUP = 16  # latents of a group; a group is of every (F/16)-th
BITS = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}
MANY = 8  # times k candidates a row; usual are less than twice k


def _together(parts: list[Chosen]) -> Chosen:
    return Chosen(*map(torch.cat, zip(*parts)))


def _heads(pre: Tensor, k: int, positive: bool = True) -> Tensor:
    """The largest of each group (R, F // g), in groups of g ≤ 16 that are many beside k.

    If only `positive` ones are asked for, a group of others may have 0. What is left over is in no group. There are at
    least g groups, so that is fewer latents than there are groups.
    """
    group = GROUP
    while group > 1 and pre.shape[1] < max(4 * k, group) * group:
        group //= 2
    count = pre.shape[1] // group
    if group == 1:
        return pre
    if not positive:
        return pre[:, : group * count].unflatten(1, (group, count)).amax(1)
    whole = BITS[pre.dtype]  # numbers with the same bits sort as positive floats do, and several times as fast
    return pre.view(whole)[:, : group * count].unflatten(1, (group, count)).amax(1).clamp_min_(0).view(pre.dtype)


def _kth(heads: Tensor, k: int) -> Tensor:
    """A value (R, 1) that at least k of a row reach: positive, or as low as can be.

    Heads are grouped again while that costs little precision.
    """
    while heads.shape[1] >= 8 * k and heads.shape[1] % 2 == 0:
        heads = torch.maximum(*heads.chunk(2, dim=1))
    if heads.shape[1] < k:
        return heads.new_full((len(heads), 1), -torch.inf)
    least = heads.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    return least.masked_fill(least <= 0, -torch.inf)  # heads of what is not positive are not its own


def _at_least(start: int, pre: Tensor, heads: Tensor, least: Tensor) -> Chosen:
    """Pairs of pre (R, F) that are no less than their row's `least` (R, 1); only groups with such a one are read."""
    width, count = pre.shape[1], heads.shape[1]
    rows, groups = (heads >= least).nonzero(as_tuple=True)
    if count == width:
        return Chosen(rows + start, groups, pre[rows, groups])
    grouped = width // count * count
    members = pre[:, :grouped].unflatten(1, (-1, count))[rows, :, groups]
    found, place = (members >= least.index_select(0, rows)).nonzero(as_tuple=True)
    latents = groups.index_select(0, found) + place * count
    pairs = Chosen(rows.index_select(0, found) + start, latents, members[found, place])
    if grouped == width:
        return pairs
    rest = pre[:, grouped:]
    others = _at_least(start, rest, rest, least)
    return _together([pairs, others._replace(latents=others.latents + grouped)])


def _strongest(pairs: Chosen, k: int, count: int) -> Chosen:
    """The k largest positive values of each of `count` rows, the strongest first, of pairs in any order.

    One sort of whole numbers: row, falling value and latent, from the highest bit down.
    """
    rows, latents, values = pairs
    positive = values > 0
    if not bool(positive.all()):
        rows, latents, values = rows[positive], latents[positive], values[positive]
    whole = BITS[values.dtype]
    most, low = torch.iinfo(whole).max, int(latents.max()).bit_length() if len(latents) else 0
    ranked = most.bit_length() + low + count.bit_length() > 63
    if ranked:  # too long for one number: their ranks instead
        levels, numbers = values.unique(return_inverse=True)
        most = len(levels)
    else:
        levels, numbers = values, values.view(whole)
    high = low + most.bit_length()
    if high + count.bit_length() > 63:
        raise ValueError(f"{len(values)} candidates in {count} rows are too many to sort; encode fewer rows at a time")
    keys = (rows << high | (most - numbers.long()) << low | latents).sort().values
    edges = torch.searchsorted(keys, torch.arange(count + 1, device=keys.device) << high)
    first = edges[:-1, None] + torch.arange(k, device=keys.device)
    keys = keys.index_select(0, first[first < edges[1:, None]])
    numbers = most - (keys >> low & (1 << high - low) - 1)
    values = levels[numbers] if ranked else numbers.to(whole).view(values.dtype)
    return Chosen(keys >> high, keys & (1 << low) - 1, values)


def batch_top_k(scores: Scores, budget: int, floor: float = 0.0) -> Chosen:
    """The `budget` largest positive pre-activations of a batch (Bussmann et al., arXiv 2412.06410). Training only.

    `floor` is a guess that the smallest of them is larger: it decides how much is looked at, never what is found.
    """
    kept = _largest_above(scores, budget, floor)
    return _largest_above(scores, budget, 0.0) if floor > 0 and len(kept.values) < budget else kept


def _largest_above(scores: Scores, budget: int, floor: float) -> Chosen:
    """The largest above `floor` so far, whenever there are far too many of them: then the floor rises."""
    kept: list[Chosen] = []
    for start, pre in scores.blocks():
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
    rows, latents, values = _together(parts)
    if len(values) <= budget:
        return Chosen(rows, latents, values)
    least = values.topk(budget).values[-1]
    larger, equal = values > least, values == least
    keep = larger | (equal & (equal.cumsum(0) <= budget - larger.sum()))
    return Chosen(rows[keep], latents[keep], values[keep])
