"""A text with marked spans: the one definition of `Span`, of `Document`, and of how pieces become a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Span:
    """`text[start:end]` is a surface form of `value` (an English key, the same in every language) of `concept`."""

    concept: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """One text. Documents with the same `parallel` number say the same in different languages."""

    doc: str
    text: str
    language: str
    parallel: int
    concepts: tuple[Span, ...]


class Mark(NamedTuple):
    """Words of a sentence that express `value` of `concept`; everything else in a sentence is a plain string."""

    concept: str
    value: str
    surface: str


Piece = str | Mark


class Sentence(NamedTuple):
    """Pieces in order, and the marks before and after them."""

    pieces: Sequence[Piece]
    before: str = ""
    after: str = "."


def compose(sentences: Iterable[Sentence]) -> tuple[str, tuple[Span, ...]]:
    """Join pieces by spaces (none after an apostrophe or before a hyphen) into capitalised sentences; return the text
    and its spans.
    """
    text, spans = "", []
    for pieces, before, after in sentences:
        text += f" {before}" if text else before
        for index, piece in enumerate(pieces):
            surface = piece.surface if isinstance(piece, Mark) else piece
            surface = surface if index else capitalise(surface)
            joined = text.endswith("'") or surface.startswith("-")
            text += " " if index and not joined else ""
            if isinstance(piece, Mark):
                spans.append(Span(piece.concept, piece.value, len(text), len(text) + len(surface)))
            text += surface
        text += after
    return text, tuple(spans)


def capitalise(word: str) -> str:
    """The word with a capital: one letter for one, so that spans keep their length (Turkish writes its own İ)."""
    return word[0].upper() + word[1:]
