"""A concept's values in text: how they are written, where they are looked for, and what was chosen for each.

A *probe* is a text cut just before a later mention of a value. Its *places* are the last tokens of the earlier mentions
(position `concept`), or the last token, where the value is about to be said (position `last`). Which of the two holds
the information at a site, the patch ceiling tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sieve.dictionary.sae import LineageError
from sieve.features.place import Position
from sieve.interventions.swap import Feature
from sieve.model.language_model import LanguageModel
from sieve.provenance import read_json, write_json
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Settings:
    """How the latents of concepts are chosen: those of the one that is to be turned, and by the same numbers of `also`.

    `documents` to look at; `candidates` per value, each tried on `probes` texts; up to `latents` per value.
    """

    also: list[str]
    documents: int
    candidates: int
    probes: int
    latents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all that does not fit together."""
        if wrong := list(self._mistakes()):
            raise ValueError("; ".join(wrong))

    def _mistakes(self) -> Iterator[str]:
        for name in ("documents", "candidates", "probes", "latents"):
            if getattr(self, name) < 1:
                yield f"{name} is {getattr(self, name)}; must be at least 1"
        if self.candidates < self.latents:
            yield f"candidates is {self.candidates}, but latents {self.latents} of them may be taken; raise candidates"
        if len(set(self.also)) < len(self.also):
            yield f"also names {', '.join(self.also)}; name each concept once"


@dataclass(frozen=True)
class Pick:
    """Latents of one value, and how good they are on the training text that they were picked by.

    `effect`, of all of them together, is in nats. Recall is the share of labelled tokens on which the first latent
    fires, precision the share of that latent's firings, anywhere, which are on labelled tokens. (At position `last` a
    document labels one token, so a latent that is active before every mention stays well below 1.)
    """

    feature: Feature
    effect: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Choice:
    """What was chosen for one value: the causal pick, which is used, and beside it the most selective latent.

    `ids` are the value's own tokens. No latent is the causal pick of two values; one may be selective of several.
    """

    ids: tuple[int, ...]
    causal: Pick
    selective: Pick

    @property
    def feature(self) -> Feature:
        """The latents that are used: those of the causal pick."""
        return self.causal.feature


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

    def require(self, model: str, sae: str) -> None:
        """LineageError unless the latents were chosen in this model and this Sae (digests)."""
        for what, own, given in (("model", self.model, model), ("SAE", self.sae, sae)):
            if own != given:
                raise LineageError(
                    f"the latents of '{self.concept}' were chosen in the {what} {own[:12]}, but the {what} given is "
                    f"{given[:12]}; give the concepts.json of this subject"
                )

    def save(self, path: Path) -> None:
        """Write canonical JSON."""
        values = asdict(self)
        for pick in (choice[kind] for choice in values["choices"] for kind in ("causal", "selective")):
            del pick["feature"]["sae"]  # said once, for all of them
        write_json(path, {"kind": "concepts", **values})

    @classmethod
    def load(cls, path: Path) -> Concepts:
        """Read a file written by `save`. ValueError when it is something else."""
        values = read_json(path)
        if not isinstance(values, dict) or values.pop("kind", None) != "concepts":
            raise ValueError(f"{path} holds no concepts; give the concepts.json that the filter stage wrote")
        sae = values["sae"]
        choices = [
            Choice(tuple(row["ids"]), _pick(row["causal"], sae), _pick(row["selective"], sae))
            for row in values.pop("choices")
        ]
        return cls(**values, choices=tuple(choices))


def _pick(row: dict[str, Any], sae: str) -> Pick:
    """A pick as `save` wrote it, of that Sae."""
    f = row.pop("feature")
    return Pick(Feature(f["name"], tuple(f["latents"]), tuple(f["typical"]), sae), **row)


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


def values_of(blocks: Sequence[Block], concept: str) -> dict[str, tuple[int, ...]]:
    """The `surfaces` of a concept in training text; none where nothing at all is marked.

    ValueError where other concepts are marked: this one is misspelt, or too few documents were looked at.
    """
    words, marked = surfaces(blocks, concept), sorted({m.concept for b in blocks for m in b.mentions})
    if marked and not words:
        raise ValueError(
            f"no value of '{concept}' is marked in the {len(blocks)} training documents looked at; marked are: "
            f"{', '.join(marked)}; name one of these (ceiling.concept, filter.concepts.also), raise "
            f"filter.concepts.documents, or mark words of '{concept}' (dataset.files.words)"
        )
    return words


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
