"""Which of a few languages is a text in, if in any? Character n-grams and Bayes' rule.

Trained on text of the candidate languages, never on generations.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence


def _grams(text: str) -> Iterator[str]:
    text = f" {' '.join(text.lower().split())} "
    for size in (1, 2, 3):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


PIECE, UNLIKELY, FEWEST = 60, 0.01, 20
"""Characters of pieces of held-out text, share of them below which nothing is of the language, fewest that can tell."""
LETTERS = 10
"""Fewest letters of a text that is in some language."""
AGAIN, SHORTEST, BREAK = 0.25, 10, 2
"""Share of a text, and least number of characters, that a loop at its end says again; most signs between two rounds."""


def repeats(text: str) -> bool:
    """Whether a text says the same over and over: all of it, or from somewhere on to its end.

    All of it: fewer than half of its runs of six characters are different. To its end: a quarter of its characters or
    more say again what stands right before them (once or often, a word or a sentence).
    """
    text = " ".join(text.split())
    runs = [text[i : i + 6] for i in range(len(text) - 5)]
    return (len(runs) > 6 and len(set(runs)) < len(runs) / 2) or said_again(text) >= max(SHORTEST, AGAIN * len(text))


def said_again(text: str) -> int:
    """How many characters at a text's end say again what stands right before them: 6 of 'ab cd cd cd'.

    Between the first round and the second up to two signs may stand, such as a full stop and a space.
    """
    most = 0
    for period in range(1, (len(text) + BREAK) // 2 + 1):
        pairs = zip(reversed(text), reversed(text[:-period]))
        again = next((place for place, (one, before) in enumerate(pairs) if one != before), len(text) - period)
        most = max(most, again if again >= period - BREAK else 0)
    return most


def scrap(text: str) -> bool:
    """Whether a text has too few letters to be in a language, or says the same over and over."""
    return sum(c.isalpha() for c in text) < LETTERS or repeats(text)


def second_opinion(languages: Sequence[str]) -> Callable[[str], str | None]:
    """py3langid, which has learned from other text than ours, choosing among `languages`; scraps and loops are none.

    ImportError without it. ValueError with fewer than two languages, or with one that it does not know.
    """
    if len(languages) < 2:
        raise ValueError(f"language identification needs at least two languages, got {sorted(languages)}")
    try:
        langid = importlib.import_module("py3langid.langid")
    except ImportError as missing:
        raise ImportError("the second opinion comes from py3langid: pip install -e '.[languages]'") from missing
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    identifier.set_languages(sorted(languages))
    return lambda text: None if scrap(text) else identifier.classify(text)[0]


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
        # all count as much as the smallest: what nobody has seen must not look like the language with the least text
        kinds, size = len(set().union(*counts.values())), min(own.total() for own in counts.values())
        self.unseen = -math.log(size + kinds)
        self.seen = {
            name: {g: math.log(n * size / max(1, own.total()) + 1) + self.unseen for g, n in own.items()}
            for name, own in counts.items()
        }
        floors = {name: self._floor(name, samples[name][4::5]) for name in names}
        lowest = min((floor for floor in floors.values() if floor is not None), default=-math.inf)
        self.floors = {name: lowest if floor is None else floor for name, floor in floors.items()}

    def __call__(self, text: str) -> str | None:
        """The likeliest language; None for no language.

        That is: a scrap or a loop, or a text less likely than nearly all text of the language (its n-grams' mean
        log-likelihood).
        """
        if scrap(text):
            return None
        grams = Counter(_grams(text))
        scores = {language: self._likelihood(language, grams) for language in self.seen}
        best = max(scores, key=lambda language: (scores[language], language))
        return best if scores[best] >= self.floors[best] else None

    def _likelihood(self, language: str, grams: Counter[str]) -> float:
        """Mean log-likelihood of n-grams, in nats."""
        seen = self.seen[language]
        return sum(n * seen.get(g, self.unseen) for g, n in grams.items()) / max(1, grams.total())

    def _floor(self, language: str, texts: Sequence[str]) -> float | None:
        """What nearly all pieces of held-out text reach; None where there are too few to tell."""
        pieces = [text[i : i + PIECE] for text in texts for i in range(0, len(text) - PIECE + 1, PIECE)]
        found = sorted(self._likelihood(language, Counter(_grams(piece))) for piece in pieces)
        return found[int(UNLIKELY * len(found))] if len(found) >= FEWEST else None
