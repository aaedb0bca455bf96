"""Who gets how much of a text: each language or source its share of what is kept, is learned from, and comes first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction

from sieve.provenance.randomness import seed_for


def balanced(names: Sequence[str], groups: Sequence[int], weights: Mapping[str, float], seed: int) -> list[int]:
    """Indices to keep, in order, so that each name has its weight's share of them to within one document.

    Which ones is drawn by `seed` and group, so that translations tend to be kept or left together. Every name must have
    a weight above 0 and the other way round.
    """
    there = Counter(names)
    shares = {name: Fraction(str(weights[name])) for name in sorted(there)}
    whole = sum(shares.values())
    total = min(Fraction(there[name]) / shares[name] for name in shares) * whole // 1
    quotas = {name: share * total / whole for name, share in shares.items()}
    counts = {name: int(quota) for name, quota in quotas.items()}
    by_rest = sorted(quotas, key=lambda name: (counts[name] - quotas[name], name))
    for name in by_rest[: int(total) - sum(counts.values())]:
        counts[name] += 1
    members = defaultdict(list)
    for index, name in enumerate(names):
        members[name].append(index)
    kept: list[int] = []
    for name, indices in members.items():
        indices.sort(key=lambda index: (seed_for(seed, "weights", groups[index]), index))
        kept += indices[: counts[name]]
    return sorted(kept)


def in_turn(names: Sequence[Hashable]) -> list[int]:
    """All indices, so ordered that names take turns: whoever looks at the first few sees each as often as among all.

    Those of one name keep their order, and one name alone is left as it is.
    """
    whole, before = Counter(names), Counter[Hashable]()
    places = []
    for index, name in enumerate(names):
        places.append(((2 * before[name] + 1) / whole[name], index))
        before[name] += 1
    return [index for _, index in sorted(places)]


def alike(names: Sequence[Hashable], most: int = 4) -> list[int]:
    """All indices, those of scarce names several times (`most` at most), so that names occur about equally often."""
    there = Counter(names)
    largest = max(there.values(), default=0)
    return [index for index, name in enumerate(names) for _ in range(min(most, round(largest / there[name])))]
