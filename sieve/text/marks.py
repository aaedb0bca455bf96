"""Words of a text that are marked as a concept's values, where no spans are given."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from sieve.text.document import Span


def mark(text: str, words: Mapping[str, Sequence[str]]) -> tuple[Span, ...]:
    """Every whole-word occurrence, letter case included, sorted by where it starts."""
    spans = [
        Span(concept, word, start, start + len(word))
        for concept, values in words.items()
        for word in dict.fromkeys(values)
        for start in _occurrences(text, word)
    ]
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _occurrences(text: str, word: str) -> Iterator[int]:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_in_word(text[start - 1 : start]) or _in_word(text[end : end + 1])):
            yield start
        start = text.find(word, start + 1)


def _in_word(letter: str) -> bool:
    """Whether one character (or none, at an end of the text) belongs to a word; combining marks do, unlike in `\\w`."""
    return bool(letter) and (letter.isalnum() or letter == "_" or unicodedata.category(letter).startswith("M"))
