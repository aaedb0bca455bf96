"""The cards of the dataset and the model as tables for people: every figure of a card stands in exactly one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

Card = Mapping[str, Any]
SPLITS = ("train", "valid", "test")
COUNT = re.compile(rf"(?:characters\.)?(texts|problems)\.(.+)\.({'|'.join(SPLITS)})")
FILE = re.compile(r"(source|licence|leakage)\.(.+)")
FILES = {"source": "text", "licence": "licence", "leakage": "looked for in the training text"}
MEASURES = {
    "bits_per_byte": "Bits per byte",
    "ngram.bits_per_byte": "n-grams’",
    "continuation_language_accuracy": "Continuations",
}
MEASURE = re.compile(rf"({'|'.join(map(re.escape, MEASURES))})\.(.+)")
DATASET = {
    "licence": "Licence",
    "digest.texts": "Documents, SHA-256",
    "digest.problems": "Problems, SHA-256",
    "duplicates.exact": "Copies of an earlier entry",
    "duplicates.near": "Near copies of an earlier entry",
    "duplicates.largest_group": "Most entries that say the same",
    "leakage.held_out": "Held-out entries that copy training text",
    "leakage.texts": "Texts of the test file",
    "leakage.exact": "of these in the training text",
    "leakage.near": "of these nearly in the training text",
    "left_out.by_weight": "Left out by weight",
}
MODEL = {
    "parameters": "Parameters",
    "vocabulary": "Vocabulary",
    "digest": "Weights, SHA-256",
    "problem_accuracy": "Problems solved, test split",
    "name_accuracy": "Right name in the solution, test split",
    "answers": "Problems solved, validation split",
    "copied_names": "Right name in the solution, validation split",
    "continuation_language_accuracy": "Continuations that stay in their language",
}


class Fact(NamedTuple):
    """One figure of a card: what it is, its value, and the ends of its 95 % interval, if it has one."""

    label: str
    value: Any
    low: float | None
    high: float | None


class Count(NamedTuple):
    """One language of texts or problems: (entries, characters) per split, and its share of the training characters."""

    table: str
    language: str
    splits: tuple[tuple[int, int], ...]
    share: float | None


def counts(card: Card) -> list[Count]:
    """A row per table and language, texts first."""
    found = dict.fromkeys(hit.groups()[:2] for hit in map(COUNT.fullmatch, card) if hit)
    whole = sum(card.get(f"characters.{table}.{language}.train", 0) for table, language in found)
    rows = []
    for table, language in sorted(found, key=lambda pair: (pair[0] != "texts", pair[1])):
        keys = [f"{table}.{language}.{split}" for split in SPLITS]
        sizes = tuple((card.get(key, 0), card.get(f"characters.{key}", 0)) for key in keys)
        rows.append(Count(table, language, sizes, sizes[0][1] / whole if whole else None))
    return rows


def files(card: Card) -> list[tuple[str, str, str]]:
    """(file, what it is, SHA-256) of everything that the text was read from."""
    found = [(hit[2], FILES[hit[1]], value) for hit, value in _hits(FILE, card) if isinstance(value, str)]
    return sorted(found, key=lambda row: (list(FILES.values()).index(row[1]), row[0]))


def languages(card: Card) -> dict[str, list[float | None]]:
    """Language -> the model's MEASURES in it, None for one that was not taken."""
    found = dict.fromkeys(hit[2] for hit, _ in _hits(MEASURE, card))
    return {language: [card.get(f"{measure}.{language}") for measure in MEASURES] for language in found}


def dataset_facts(card: Card) -> list[Fact]:
    """What stands in no other table of the dataset's card."""
    placed = {hit[0] for hit, _ in _hits(COUNT, card)}
    placed |= {hit[0] for hit, value in _hits(FILE, card) if isinstance(value, str)}
    return _facts(card, placed, DATASET)


def model_facts(card: Card) -> list[Fact]:
    """What stands in no other table of the model's card."""
    return _facts(card, {hit[0] for hit, _ in _hits(MEASURE, card)}, MODEL)


def _facts(card: Card, placed: set[str], labels: Mapping[str, str]) -> list[Fact]:
    """In the order of their labels; what has none comes last, by its key."""
    ends = {f"{key}_{end}" for key in card for end in ("low", "high")}
    left = [key for key in card if key not in placed | ends]
    return [
        Fact(labels.get(key) or _label(key), card[key], card.get(f"{key}_low"), card.get(f"{key}_high"))
        for key in sorted(left, key=lambda key: (list(labels).index(key) if key in labels else len(labels), key))
    ]


def _label(key: str) -> str:
    """'left_out.fr.txt' -> 'Left out: fr.txt'."""
    what, _, whose = key.partition(".")
    return what.replace("_", " ").capitalize() + (f": {whose}" if whose else "")


def _hits(pattern: re.Pattern[str], card: Card) -> list[tuple[re.Match[str], Any]]:
    return [(hit, value) for key, value in card.items() if (hit := pattern.fullmatch(key))]
