"""Pairs of prompts that differ in one concept's value only: what swaps are asked to imitate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sieve.features.concepts import probe
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Pair:
    """A prompt about `source` and its twin about `target`.

    `places` and `twin_places` are the tokens of their mentions, in the same order. Where one word has more tokens than
    the other, its last ones count: the last token carries the whole word. `frame` is the prompt without words of any
    concept.
    """

    doc: str
    source: str
    target: str
    ids: tuple[int, ...]
    places: tuple[int, ...]
    twin_ids: tuple[int, ...]
    twin_places: tuple[int, ...]
    answer: str
    frame: tuple[int, ...]


def told(blocks: Sequence[Block], split: str) -> list[Block]:
    """The problems of a split, or its texts where it has no problems: where concepts are mentioned."""
    own = [block for block in blocks if block.split == split]
    return [block for block in own if block.kind == "problem"] or [block for block in own if block.kind == "text"]


def no_pairs(concept: str, values: int, split: str) -> str:
    """Why a split has no pairs of a concept of which training text names so many values."""
    if values < 2:
        return f"the training text names {values} value(s) of '{concept}'"
    return f"nothing in the {split} split mentions one value of '{concept}' twice"


def pairs(blocks: Sequence[Block], concept: str, words: dict[str, tuple[int, ...]], count: int) -> list[Pair]:
    """Up to `count` pairs, one per block; for each source the other values take turns as the target.

    `words` gives the tokens of each value. A prompt runs up to where the value is about to be said: a problem's up to
    the solution's first mention (of a name: the whole question), a text's up to its last. A target never occurs in its
    source. ValueError when there are fewer than two values.
    """
    values = sorted(words)
    if len(values) < 2:
        raise ValueError(
            f"concept '{concept}' has {len(values)} value(s) in the training text; a swap needs at least two"
        )
    found: list[Pair] = []
    turns = Counter[str]()
    for block in blocks:
        seen = probe(block, concept)
        if seen is None or seen.value not in words:
            continue
        here = {m.value for m in block.mentions if m.concept == concept}
        others = [value for value in values if value not in here]
        if not others:
            continue
        target = others[(values.index(seen.value) + turns[seen.value]) % len(others)]
        turns[seen.value] += 1
        found.append(_pair(block, concept, seen.value, target, seen.ids, words))
        if len(found) == count:
            break
    return found


def _pair(
    block: Block, concept: str, source: str, target: str, ids: tuple[int, ...], words: dict[str, tuple[int, ...]]
) -> Pair:
    """Write the target's tokens over each mention of the source and keep track of which tokens correspond."""
    twin: list[int] = []
    places: list[int] = []
    twin_places: list[int] = []
    at = 0
    for m in block.mentions:
        if m.concept == concept and m.value == source and m.last < len(ids):
            twin += [*ids[at : m.first], *words[target]]
            at = m.last + 1
            common = min(at - m.first, len(words[target]))
            places += range(at - common, at)
            twin_places += range(len(twin) - common, len(twin))
    twin += ids[at:]
    marked = {place for m in block.mentions for place in range(m.first, m.last + 1)}
    frame = tuple(token for place, token in enumerate(ids) if place not in marked)
    return Pair(block.doc, source, target, ids, tuple(places), tuple(twin), tuple(twin_places), block.answer, frame)
