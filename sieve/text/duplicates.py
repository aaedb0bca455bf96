"""Texts that say the same: copies, near copies and translations, joined into groups that get one split each.

Copies differ at most in white space. Near copies share most of their 5-character shingles (case, white space and
Unicode composition aside): an estimated Jaccard similarity of at least `ALIKE`. The estimate is MinHash (Broder, 1997):
128 keyed hashes per text whatever its length, right to about ±0.04. Texts are compared where they agree in one of 32
bands of four hashes, which 0.9998 of the pairs at the threshold do. Characters, not words, because not every language
puts spaces between words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sieve.provenance.randomness import seed_for

ALIKE = 0.7
SHINGLE = 5
BANDS, BAND = 32, 4
HASHES = BANDS * BAND
PIECE = 4096  # shingles hashed at a time: the memory that a text takes does not grow with it
ODD = np.uint64(0x9E3779B97F4A7C15)
# keyed by purpose and not by a run's seed: whether two texts are alike is no matter of chance
FACTORS = np.array([[2 * seed_for(0, "minhash factor", i) + 1] for i in range(HASHES)], dtype=np.uint64)
OFFSETS = np.array([[seed_for(0, "minhash offset", i)] for i in range(HASHES)], dtype=np.uint64)


class Groups(NamedTuple):
    """Each text's group, numbered as they appear; how many texts copy an earlier one, exactly and nearly."""

    numbers: list[int]
    exact: int
    near: int


def exact_key(text: str) -> str:
    """Equal for texts that differ at most in white space."""
    return " ".join(text.split())


def group(texts: Sequence[str], keys: Sequence[str | None]) -> Groups:
    """Groups of texts that are copies or near copies or have equal keys (None: no key), directly or in a chain."""
    parents = list(range(len(texts)))
    first: dict[str, int] = {}
    translated: dict[str, int] = {}
    for index, (text, key) in enumerate(zip(texts, keys)):
        _join(parents, first.setdefault(exact_key(text), index), index)
        if key is not None:
            _join(parents, translated.setdefault(key, index), index)
    distinct, near = list(first.values()), set[int]()
    for one, others in _pairs(signatures([texts[index] for index in distinct])):
        near.update(others.tolist())
        for other in others:
            _join(parents, distinct[one], distinct[other])
    numbers: dict[int, int] = {}
    found = [numbers.setdefault(_root(parents, index), len(numbers)) for index in range(len(texts))]
    return Groups(found, len(texts) - len(distinct), len(near))


def leakage(asked: Sequence[str], known: Sequence[str]) -> tuple[int, int]:
    """How many of the texts `asked` occur in `known` exactly, and how many of the others nearly."""
    there = {exact_key(text): text for text in known}
    rest = [text for text in asked if exact_key(text) not in there]
    marks, found, size = signatures([*there.values(), *rest]), set[int](), len(there)
    for bucket in _buckets(marks):
        old = bucket[bucket < size]
        for new in bucket[bucket >= size] if len(old) else ():
            if new not in found and _alike(marks[old], marks[new]).any():
                found.add(int(new))
    return len(asked) - len(rest), len(found)


def signatures(texts: Sequence[str]) -> np.ndarray:
    """(texts, 128) uint32: the least of each keyed hash over a text's shingles."""
    return np.array([_signature(text) for text in texts], dtype=np.uint32).reshape(len(texts), HASHES)


def _signature(text: str) -> np.ndarray:
    plain = exact_key(unicodedata.normalize("NFKC", text).casefold()).ljust(SHINGLE)
    codes = np.frombuffer(plain.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    lowest = np.full(HASHES, np.iinfo(np.uint32).max, dtype=np.uint64)
    count = len(codes) - SHINGLE + 1
    for start in range(0, count, PIECE):
        end = min(start + PIECE, count)
        mixed = np.zeros(end - start, dtype=np.uint64)
        for offset in range(SHINGLE):
            mixed = mixed * ODD + codes[start + offset : end + offset]
        mixed = (mixed ^ (mixed >> np.uint64(31))) * ODD
        mixed = np.unique(mixed ^ (mixed >> np.uint64(29)))
        lowest = np.minimum(lowest, ((FACTORS * mixed + OFFSETS) >> np.uint64(32)).min(axis=1))
    return lowest


def _pairs(marks: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(one, the later ones alike to it). Who is alike to the first of a bucket is not compared with the rest again."""
    for bucket in _buckets(marks):
        while len(bucket) > 1:
            one, rest = int(bucket[0]), bucket[1:]
            same = _alike(marks[rest], marks[one])
            if same.any():
                yield one, rest[same]
            bucket = rest[~same]


def _buckets(marks: np.ndarray) -> Iterator[np.ndarray]:
    """Indices, in order, of texts that agree in a whole band."""
    for band in range(BANDS):
        halves = np.ascontiguousarray(marks[:, band * BAND : (band + 1) * BAND]).view(np.uint64)
        keys = halves[:, 0] * ODD + halves[:, 1]
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        starts, ends = [0, *edges.tolist()], [*edges.tolist(), len(order)]
        yield from (order[start:end] for start, end in zip(starts, ends) if end - start > 1)


def _alike(marks: np.ndarray, one: np.ndarray) -> np.ndarray:
    return (marks == one).mean(axis=1) >= ALIKE


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _join(parents: list[int], one: int, other: int) -> None:
    """The lower root stays, so that a group's number does not depend on the order of joining."""
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low
