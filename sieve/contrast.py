"""What one thing changes: subjects that differ in it alone, on the same swaps, at equal off-slot divergence.

A stronger swap says the new word more often and disturbs more of the text, so two subjects are compared where they
disturb it equally: at the divergence (KL off the slots, nats per token) that the *reference* has at its own chosen
strength. The other's success there is read off its curve over strengths, by linear interpolation between the two whose
divergences enclose it, item by item. Every item is its own control: what counts is the difference, and the interval is
over sources and over targets, as that of a single subject's swaps (`sieve.evals.swap` says why). Seeds are too few to
resample: they are averaged, item by item, and each one's own difference stands beside the mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from sieve.bootstrap import two_way_bootstrap

Key = tuple[str, str, str]


class Item(NamedTuple):
    """One swap: which problem, which words, and what came of it; `kl` is a sum over so many `tokens`."""

    doc: str
    source: str
    target: str
    success: float
    kept: float | None
    kl: float
    tokens: int

    @property
    def key(self) -> Key:
        """What the same item of another subject has too."""
        return self.doc, self.source, self.target


@dataclass(frozen=True)
class Curve:
    """One subject's swaps: the items at each strength, strengths ascending, and the one that validation pairs chose."""

    items: Mapping[float, Sequence[Item]]
    chosen: float

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], chosen: float) -> Curve:
        """From the rows of an `items.parquet`; only those of condition `swap` count. ValueError without any."""
        found: dict[float, list[Item]] = {}
        for row in rows:
            if row["condition"] == "swap":
                found.setdefault(row["strength"], []).append(Item(*(row[name] for name in Item._fields)))
        if chosen not in found:
            raise ValueError(f"there are no swaps at the chosen strength {chosen:g}; there are: {sorted(found)}")
        return cls(dict(sorted(found.items())), chosen)

    def divergence(self, strength: float) -> float:
        """Nats per token off the slots."""
        items = self.items[strength]
        return sum(item.kl for item in items) / max(1, sum(item.tokens for item in items))

    def at(self, divergence: float) -> dict[Key, Item]:
        """Each item as it would be where the curve has this divergence; at its end, if it does not get there."""
        strengths = list(self.items)
        found = [self.divergence(strength) for strength in strengths]
        above = next((i for i, value in enumerate(found) if value >= divergence), len(found) - 1)
        below = max(0, above - 1)
        span = found[above] - found[below]
        share = min(1.0, max(0.0, (divergence - found[below]) / span)) if span > 0 else 1.0
        first = {item.key: item for item in self.items[strengths[below]]}
        return {item.key: _between(first[item.key], item, share) for item in self.items[strengths[above]]}


def _between(first: Item, second: Item, share: float) -> Item:
    def mix(a: float, b: float) -> float:
        return (1 - share) * a + share * b

    kept = None if first.kept is None or second.kept is None else mix(first.kept, second.kept)
    return second._replace(success=mix(first.success, second.success), kept=kept, kl=mix(first.kl, second.kl))


class Estimate(NamedTuple):
    """A mean over items and seeds, its 95 % interval, the items behind it, and each seed's own mean."""

    mean: float
    low: float
    high: float
    n: int
    seeds: tuple[float, ...]


Pair = tuple[Curve, Curve]


def contrast(pairs: Sequence[Pair], metric: str, seed: int) -> Estimate | None:
    """`metric` ("success" or "kept") of the first of each pair, less that of its reference, at equal divergence.

    A pair per seed. Items that a subject lacks in either, or that have no value, are left out; None if none is left.
    """
    return _estimate([{key: a - b for key, (a, b) in _values(*pair, metric).items()} for pair in pairs], metric, seed)


def level(pairs: Sequence[Pair], metric: str, seed: int) -> Estimate | None:
    """`metric` of the first of each pair where its divergence is the reference's: what `contrast` compares."""
    return _estimate([{key: a for key, (a, _) in _values(*pair, metric).items()} for pair in pairs], metric, seed)


def _values(curve: Curve, reference: Curve, metric: str) -> dict[Key, tuple[float, float]]:
    """Each item's value on the curve and on its reference, where both have one."""
    there = {item.key: item for item in reference.items[reference.chosen]}
    values = {
        key: (getattr(item, metric), getattr(there[key], metric))
        for key, item in curve.at(reference.divergence(reference.chosen)).items()
        if key in there
    }
    return {key: (a, b) for key, (a, b) in values.items() if a is not None and b is not None}


def _estimate(own: Sequence[Mapping[Key, float]], metric: str, seed: int) -> Estimate | None:
    common = [key for key in own[0] if all(key in found for found in own)] if own else []
    if not common:
        return None
    means = [fmean(found[key] for found in own) for key in common]
    sources, targets = [key[1] for key in common], [key[2] for key in common]
    mean, low, high = two_way_bootstrap(means, sources, targets, seed, "contrast", metric)
    return Estimate(mean, low, high, len(common), tuple(fmean(found[key] for key in common) for found in own))
