"""Eight languages that say the same: each module holds one lexicon and `realise(clause) -> pieces`.

Adding a language: one module, its line in `LANGUAGES`, and its paradigms in `tests/text/languages/`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from sieve.text.document import Piece, Sentence
from sieve.text.languages import de, el, en, es, fr, pt, ru, tr
from sieve.text.meaning import Clause

LANGUAGES: dict[str, ModuleType] = {"en": en, "de": de, "es": es, "pt": pt, "fr": fr, "ru": ru, "el": el, "tr": tr}
QUESTION_MARKS = {"es": ("¿", "?"), "el": ("", ";"), "fr": ("", " ?")}


def sentence(language: str, clause: Clause) -> Sentence:
    """A clause in a language, with the marks that open and close it."""
    realise: Callable[[Clause], list[Piece]] = LANGUAGES[language].realise
    if clause.mood == "ask":
        return Sentence(realise(clause), *QUESTION_MARKS.get(language, ("", "?")))
    return Sentence(realise(clause))
