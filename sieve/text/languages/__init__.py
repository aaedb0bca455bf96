"""Four languages that say the same: each module holds one lexicon and `realise(clause) -> pieces`."""

from __future__ import annotations

from collections.abc import Callable

from sieve.text.document import Piece
from sieve.text.languages import de, en, es, ru
from sieve.text.meaning import Clause

REALISERS: dict[str, Callable[[Clause], list[Piece]]] = {
    "en": en.realise,
    "de": de.realise,
    "es": es.realise,
    "ru": ru.realise,
}
