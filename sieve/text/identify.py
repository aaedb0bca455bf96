"""Which of a few languages is a text in, if in any? Character n-grams and Bayes' rule.

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


PIECE, UNLIKELY, FEWEST = 60, 0.01, 20
"""Characters of pieces of held-out text, share of them below which nothing is of the language, fewest that can tell."""


class Identifier:
    """Naive Bayes over 1- to 3-grams with add-one smoothing."""

    def __init__(self, samples: Mapping[str, Sequence[str]]) -> None:
        """samples: {language: texts}; every fifth only says how likely real text is. ValueError with one language."""
        if len(samples) < 2:
            raise ValueError(f"language identification needs at least two languages, got {sorted(samples)}")
        names = sorted(samples)
        counts = {
            name: Counter(g for i, text in enumerate(samples[name]) if i % 5 != 4 for g in _grams(text))
            for name in names
        }
        kinds = len(set().union(*counts.values()))
        self.unseen = {name: -math.log(own.total() + kinds) for name, own in counts.items()}
        self.seen = {
            name: {g: math.log(n + 1) + self.unseen[name] for g, n in own.items()} for name, own in counts.items()
        }
        self.floors = {name: self._floor(name, samples[name][4::5]) for name in names}

    def __call__(self, text: str) -> str | None:
        """The likeliest language; None for no language.

        That is: fewer than 10 letters, a text that repeats itself, or one less likely than nearly all text of the
        language (its n-grams' mean log-likelihood).
        """
        words = text.split()
        if sum(c.isalpha() for c in text) < 10 or (len(words) >= 8 and len(set(pairwise(words))) < len(words) / 3):
            return None
        grams = Counter(_grams(text))
        scores = {language: self._likelihood(language, grams) for language in self.seen}
        best = max(scores, key=lambda language: (scores[language], language))
        return best if scores[best] >= self.floors[best] else None

    def _likelihood(self, language: str, grams: Counter[str]) -> float:
        """Mean log-likelihood of n-grams, in nats."""
        seen, unseen = self.seen[language], self.unseen[language]
        return sum(n * seen.get(g, unseen) for g, n in grams.items()) / max(1, grams.total())

    def _floor(self, language: str, texts: Sequence[str]) -> float:
        """What nearly all pieces of held-out text reach; nothing is asked where there are too few to tell."""
        pieces = [text[i : i + PIECE] for text in texts for i in range(0, len(text) - PIECE + 1, PIECE)]
        found = sorted(self._likelihood(language, Counter(_grams(piece))) for piece in pieces)
        return found[int(UNLIKELY * len(found))] if len(found) >= FEWEST else -math.inf
