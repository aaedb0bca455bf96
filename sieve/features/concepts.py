"""A concept's values in text: how they are written, where they are looked for, and what was chosen for each.

A *probe* is a text cut just before a later mention of a value. Its *places* are the last tokens of the earlier mentions
(position `concept`), or the last token, where the value is about to be said (position `last`). Which of the two holds
the information at a site, the patch ceiling tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sieve.interventions.swap import Feature
from sieve.model.language_model import LanguageModel
from sieve.provenance import read_json, write_json
from sieve.text.blocks import Block

Position = Literal["concept", "last"]


@dataclass(frozen=True)
class Settings:
    """Which concept, where it is looked for, and how its latents are chosen.

    `documents` to look at; `candidates` per value, each tried on `probes` texts; up to `latents` per value.
    """

    concept: str
    position: Position
    documents: int
    candidates: int
    probes: int
    latents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


@dataclass(frozen=True)
class Choice:
    """What was chosen for one value, and how good it is on the training text that it was chosen by.

    `ids` are the value's own tokens, `effect` is in nats; recall is the share of labelled tokens on which its first
    latent fires, precision the share of that latent's firings, anywhere, which are on labelled tokens. (At position
    `last` a document labels one token, so a latent that is active before every mention stays well below 1.)
    """

    feature: Feature
    ids: tuple[int, ...]
    effect: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Concepts:
    """A concept's values, what was chosen for each, and which subject it was chosen for (digests of model and Sae)."""

    concept: str
    position: Position
    site: str
    model: str
    sae: str
    choices: tuple[Choice, ...]

    def __getitem__(self, value: str) -> Feature:
        """The feature of one value. KeyError lists the values."""
        for choice in self.choices:
            if choice.feature.name == value:
                return choice.feature
        known = ", ".join(choice.feature.name for choice in self.choices) or "none"
        raise KeyError(f"'{value}' is no value of '{self.concept}'; there are: {known}")

    @property
    def words(self) -> dict[str, tuple[int, ...]]:
        """{value: its token ids}."""
        return {choice.feature.name: choice.ids for choice in self.choices}

    def save(self, path: Path) -> None:
        """Write canonical JSON."""
        rows = [{**vars(c), "feature": vars(c.feature)} for c in self.choices]
        write_json(path, {"kind": "concepts", **vars(self), "choices": rows})

    @classmethod
    def load(cls, path: Path) -> Concepts:
        """Read a file written by `save`. ValueError when it is something else."""
        values = read_json(path)
        if not isinstance(values, dict) or values.pop("kind", None) != "concepts":
            raise ValueError(f"{path} holds no concepts; give the concepts.json that the filter stage wrote")
        choices = [
            Choice(Feature(f["name"], tuple(f["latents"]), tuple(f["typical"])), tuple(row.pop("ids")), **row)
            for row in values.pop("choices")
            for f in [row.pop("feature")]
        ]
        return cls(**values, choices=tuple(choices))


@dataclass(frozen=True)
class Probe:
    """`ids` end just before a mention of `value`; `places` are where the value is looked for, per position."""

    doc: str
    value: str
    ids: tuple[int, ...]
    places: tuple[int, ...]


def surfaces(blocks: Sequence[Block], concept: str) -> dict[str, tuple[int, ...]]:
    """The commonest token sequence of each value of `concept`, values sorted; ties go to the smaller ids."""
    seen: dict[str, Counter[tuple[int, ...]]] = {}
    for block in blocks:
        for m in block.mentions:
            if m.concept == concept:
                seen.setdefault(m.value, Counter())[block.ids[m.first : m.last + 1]] += 1
    return {value: min(seen[value], key=lambda ids: (-seen[value][ids], ids)) for value in sorted(seen)}


def written(lm: LanguageModel, words: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """How each value reads in text, which need not be its key: {'apple': 'apples'}."""
    return {value: lm.tokenizer.decode(list(ids)).strip() for value, ids in words.items()}


def probe(block: Block, concept: str, position: Position = "concept") -> Probe | None:
    """The block cut before its solution's first mention (a problem) or its last mention (text) of a value.

    None when there is no such place, or no earlier mention of that value.
    """
    mentions = [m for m in block.mentions if m.concept == concept]
    late = [m for m in mentions if m.first >= block.prompt] if block.kind == "problem" else mentions[-1:]
    if not late:
        return None
    end = late[0]
    earlier = tuple(m.last for m in mentions if m.value == end.value and m.last < end.first)
    places = earlier if position == "concept" else (end.first - 1,)
    return Probe(block.doc, end.value, block.ids[: end.first], places) if earlier else None


def labelled(block: Block, concept: str, position: Position) -> list[tuple[str, int]]:
    """(value, token) wherever `position` says that the value is to be found in this block."""
    if position == "concept":
        return [(m.value, m.last) for m in block.mentions if m.concept == concept]
    seen = probe(block, concept, position)
    return [(seen.value, seen.places[0])] if seen else []
