"""Which of a few languages is a text in? Character n-grams and Bayes' rule.

Trained on text of the candidate languages, never on generations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise


def _grams(text: str) -> Iterator[str]:
    text = f" {' '.join(text.lower().split())} "
    for size in (1, 2, 3):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


class Identifier:
    """Naive Bayes over 1- to 3-grams with add-one smoothing."""

    def __init__(self, samples: Mapping[str, Sequence[str]]) -> None:
        """samples: {language: texts}. ValueError with fewer than two languages."""
        if len(samples) < 2:
            raise ValueError(f"language identification needs at least two languages, got {sorted(samples)}")
        self.counts = {
            language: Counter(g for text in samples[language] for g in _grams(text)) for language in sorted(samples)
        }
        self.totals = {language: sum(counts.values()) for language, counts in self.counts.items()}
        self.kinds = len(set().union(*self.counts.values()))

    def __call__(self, text: str) -> str | None:
        """The likeliest language; None for fewer than 10 letters or a text that repeats itself (no language loops)."""
        words = text.split()
        if sum(c.isalpha() for c in text) < 10 or (len(words) >= 8 and len(set(pairwise(words))) < len(words) / 3):
            return None
        grams = Counter(_grams(text))
        scores = {
            language: sum(
                n * math.log((counts[g] + 1) / (self.totals[language] + self.kinds)) for g, n in grams.items()
            )
            for language, counts in self.counts.items()
        }
        return max(scores, key=lambda language: (scores[language], language))
