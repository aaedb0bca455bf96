"""Reading what a model wrote: its answer, and whether it names somebody."""

from __future__ import annotations

import re


def parse_answer(text: str) -> str | None:
    """The number after "Answer:", or else the last number in the text, or else None."""
    number = r"(?<![0-9])-?[0-9]+(?:\.[0-9]+)?"
    stated = re.search(rf"Answer:\s*({number})", text)
    if stated:
        return stated[1]
    found = re.findall(number, text)
    return found[-1] if found else None


def mentions(text: str, word: str) -> bool:
    """Whether `word` occurs in `text` as a whole word, letter case included: 'Rob' is not in 'Robin'."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
