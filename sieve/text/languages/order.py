"""What the languages share: which adverbial opens a sentence, and which one waits for its end."""

from __future__ import annotations

from collections.abc import Mapping

from sieve.text.document import Mark, Piece
from sieve.text.meaning import Clause


def adverbials(clause: Clause, times: Mapping[str, str], place: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """(what opens the sentence, the place that comes later): the time opens, or the place, or nothing.

    The yes or no of an answer stands before all that and is not among it.
    """
    opening: list[Piece] = [Mark("time", clause.time, times[clause.time])] if clause.time else []
    return (place, []) if clause.place_first else (opening, place)
