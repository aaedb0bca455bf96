"""What one thing changes: subjects that differ in it alone, on the same swaps, at equal off-slot divergence.

A stronger swap says the new word more often and disturbs more of the text, so two subjects are compared where they
disturb it equally (KL off the slots, nats per token): at the divergence that the *reference* has at its own chosen
strength, or, if the other's strengths don't reach from below to above that, at the nearest that they do. Success there
is read off the curves over strengths, item by item, by linear interpolation between two strengths next to each other
whose divergences enclose it, the weakest such two. So the reference's is measured and the other's interpolated: where
success bends with divergence, the chord lies beside the curve, and that alone gives a difference. The roles exchanged,
it has the other sign: a gain that is one stands both ways round, and in the mean of both, which is *balanced*, most of
what the chords add is gone.

Every item is its own control: what counts is the difference. Its interval is over items that share a value or a
calculation (`sieve.clusters`), and knows that the divergences which are made equal are estimates from the same items:
one with more of it moves the strength at which a curve is read. (Where the level is the end of a curve, items might
have made it another's: the interval takes it for this one's.) Seeds are too few to resample: they are averaged, item by
item, so the interval is about these seeds, and each one's own difference stands beside the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

from sieve.clusters import Roles, fewest_clusters, reach
from sieve.intervals import Z

Key = tuple[str, str, str]
ROUNDING = 1e-12


class Item(NamedTuple):
    """One swap: which problem, which words, and what came of it; `kl` is a sum over so many `tokens`.

    frame: the prompt without its words, which problems with one calculation share.
    """

    doc: str
    source: str
    target: str
    frame: str
    success: float
    kept: float | None
    kl: float
    tokens: int

    @property
    def key(self) -> Key:
        """What the same item of another subject has too."""
        return self.doc, self.source, self.target


class Level(NamedTuple):
    """A divergence, in nats per token, and by how much each item moves it, in sum 0."""

    value: float
    moved: Mapping[Key, float]


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

    def only(self, keys: Container[Key]) -> Curve:
        """The same curve over fewer items."""
        found = {strength: [item for item in items if item.key in keys] for strength, items in self.items.items()}
        return Curve(found, self.chosen)

    def level(self, strength: float) -> Level:
        """The divergence at a strength of this curve."""
        items = self.items[strength]
        tokens = max(1, sum(item.tokens for item in items))
        value = sum(item.kl for item in items) / tokens
        return Level(value, {item.key: (item.kl - value * item.tokens) / tokens for item in items})

    def nearest(self, level: Level) -> Level:
        """The same level, if two of this curve's strengths enclose it; else the nearest that it has."""
        own = sorted((self.level(strength) for strength in self.items), key=lambda found: found.value)
        return own[0] if level.value < own[0].value else own[-1] if level.value > own[-1].value else level


class Reading(NamedTuple):
    """What a curve has at a level: each item's value, and by how much it moves their mean besides, by the level."""

    values: Mapping[Key, float]
    moved: Mapping[Key, float]


def read(curve: Curve, level: Level, metric: str) -> Reading:
    """`metric` ("success" or "kept") of each item, between the weakest two strengths that enclose `level`.

    ValueError where none do: ask for `Curve.nearest` first.
    """
    found = {strength: curve.level(strength) for strength in curve.items}
    for strength, own in found.items():
        if own == level:  # the level is this curve's own, and moves with it
            return Reading(_values(curve, strength, metric), {})
    for (first, low), (second, high) in pairwise(found.items()):
        if low.value != high.value and min(low.value, high.value) <= level.value <= max(low.value, high.value):
            share = (level.value - low.value) / (high.value - low.value)
            a, b = _values(curve, first, metric), _values(curve, second, metric)
            values = {key: (1 - share) * a[key] + share * b[key] for key in b}
            slope = fmean(b[key] - a[key] for key in b) / (high.value - low.value)
            own_moved = {key: (1 - share) * low.moved[key] + share * high.moved[key] for key in b}
            return Reading(values, {key: slope * (level.moved[key] - own_moved[key]) for key in b})
    raise ValueError(f"no strengths enclose {level.value:g} nats; they have {[own.value for own in found.values()]}")


def _values(curve: Curve, strength: float, metric: str) -> dict[Key, float]:
    return {item.key: float(getattr(item, metric)) for item in curve.items[strength]}


class Estimate(NamedTuple):
    """A mean over items and seeds, its 95 % interval, the items behind it, and each seed's own mean."""

    mean: float
    low: float
    high: float
    n: int
    seeds: tuple[float, ...]


Pair = tuple[Curve, Curve]


def equal_level(curve: Curve, reference: Curve) -> Level | None:
    """Where the two are compared; None where the divergences of one all lie above those of the other."""
    level = curve.nearest(reference.level(reference.chosen))
    return level if reference.nearest(level) == level else None


Term = tuple[float, Curve, Level]
"""What is read off a curve at a level, times a factor."""


def contrast(pairs: Sequence[Pair], metric: str) -> Estimate | None:
    """`metric` of the first of each pair, less that of its reference, at equal divergence; a pair per seed.

    Items that a subject lacks, or that have no value, are left out; None if none is left.
    """
    return _estimate(pairs, metric, _gain, -1.0)


def balanced(pairs: Sequence[Pair], metric: str) -> Estimate | None:
    """The mean of `contrast` and of the same with the roles exchanged: either side is once read at its own strength."""
    return _estimate(pairs, metric, _both_ways, -1.0)


def height(pairs: Sequence[Pair], metric: str) -> Estimate | None:
    """What the references have at their own strength, and the balanced gain of the first of each pair on top of it."""
    return _estimate(pairs, metric, _on_top, 0.0)


def _gain(curve: Curve, reference: Curve) -> list[Term]:
    level = equal_level(curve, reference)
    return [(1.0, curve, level), (-1.0, reference, level)] if level else []


def _both_ways(curve: Curve, reference: Curve) -> list[Term]:
    there, back = _gain(curve, reference), _gain(reference, curve)
    return [*((0.5 * by, own, at) for by, own, at in there), *((-0.5 * by, own, at) for by, own, at in back)]


def _on_top(curve: Curve, reference: Curve) -> list[Term]:
    gain = _both_ways(curve, reference)
    return [(1.0, reference, reference.level(reference.chosen)), *gain] if gain else []


def common(pairs: Sequence[Pair], metric: str) -> list[Pair]:
    """The same curves over the items that all of them have, with a value, at every strength."""
    told = [items for pair in pairs for curve in pair for items in curve.items.values()]
    valued = [{item.key for item in items if getattr(item, metric) is not None} for items in told]
    keys = set.intersection(*valued) if valued else set()
    return [(curve.only(keys), reference.only(keys)) for curve, reference in pairs] if keys else []


def _estimate(
    pairs: Sequence[Pair], metric: str, terms: Callable[[Curve, Curve], list[Term]], least: float
) -> Estimate | None:
    """The sum of what `terms` says is read of each pair, mean over pairs; it is no less than `least`."""
    pairs = common(pairs, metric)
    asked = [terms(*pair) for pair in pairs]
    if not pairs or not all(asked):
        return None
    items = pairs[0][0].items[pairs[0][0].chosen]
    influence, seeds = [0.0] * len(items), []
    for own_terms in asked:
        readings = [(by, read(curve, level, metric)) for by, curve, level in own_terms]
        own = [sum(by * found.values[item.key] for by, found in readings) for item in items]
        moved = [sum(by * found.moved.get(item.key, 0.0) for by, found in readings) for item in items]
        seeds.append(fmean(own))
        steps = [(value - seeds[-1]) / len(items) + more for value, more in zip(own, moved)]
        influence = [sum_ + step / len(pairs) for sum_, step in zip(influence, steps)]
    roles: Roles = [[x.source for x in items], [x.target for x in items], [(x.frame,) for x in items]]
    # items that all agree know no difference: then as far as Wilson's interval of a share of 0 reaches, a cluster each
    apart = max(map(abs, influence)) > ROUNDING
    half = reach(influence, roles) if apart else Z**2 / (fewest_clusters(roles) + Z**2)
    mean = fmean(seeds)
    return Estimate(mean, max(mean - half, least), min(mean + half, 1.0), len(items), tuple(seeds))
