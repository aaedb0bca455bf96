"""filter: the latents that carry a language and not any text (LangFIR), and those that carry a value of a concept.

    python -m stages.filter --subject data/subjects/topk --network … --tokenizer … --blocks … \\
        --controls … --place data/ceiling/place.json --out data/filter/topk

Reads   a subject and its model, training text, sequences that carry no language, which concept is to be turned where
Writes  features.parquet (every consistent latent with its figures), counts.parquet (every intermediate count, against
        each control; what is kept is what random tokens leave), directions/LANGUAGE.safetensors, concepts.json (the
        latents of each value, by their effect), also/CONCEPT.json (the same of other concepts)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from sieve.features.activity import Activity, activity
from sieve.features.choosing import choose
from sieve.features.concepts import Settings as ConceptSettings
from sieve.features.counterfactual import told
from sieve.features.langfir import (
    FEWEST,
    Noise,
    Selection,
    Settings,
    direction_of,
    explain,
    require_rare,
    select,
    vocabulary_share,
)
from sieve.features.place import Place
from sieve.model.language_model import open_model
from sieve.provenance import read_table, write_table
from sieve.subject import Subject, load_subject
from sieve.text.blocks import Block, load_blocks
from stages._common import Input, Output, Params, publish, run
from stages._params import settings

FEATURES = pa.schema(
    [("language", pa.string()), ("latent", pa.int32())]
    + [(name, pa.float64()) for name in ("consistency", "rate_target", "rate_random", "mean_target", "mean_random")]
    + [("kept", pa.bool_())]
)
COUNTS = pa.schema(
    [("language", pa.string()), ("control", pa.string())]
    + [(name, pa.int64()) for name in ("sequences", "tokens", "active", "consistent", "random", "kept")]
    + [(name, pa.float64()) for name in ("vocabulary_share", "fvu_target", "fvu_control")]
    + [("note", pa.string())]
)
RANDOM = "random"
CONTROLS = {
    RANDOM: "random tokens",
    "shuffled": "its own tokens, shuffled,",
    "unigram": "random tokens of its frequencies",
}


def main(
    params: Params,
    subject: Input,
    network: Input,
    tokenizer: Input,
    blocks: Input,
    controls: Input,
    place: Input,
    out: Output,
) -> None:
    """Everything is chosen on the training split."""
    languages = settings(Settings, params.filter.languages, "filter.languages")
    concepts = settings(ConceptSettings, params.filter.concepts, "filter.concepts")
    who = load_subject(subject, open_model(network, tokenizer))
    train = [b for b in load_blocks(blocks) if b.split == "train"]
    shown = told(train, "train")[: concepts.documents]
    with publish(out) as folder:
        sift(params, languages, who, [b for b in train if b.kind == "text"], read_table(controls).to_pylist(), folder)
        judged, *others = choose(who, shown, Place.load(place), concepts, params.filter.batch)
        judged.save(folder / "concepts.json")
        for other in others:
            other.save(folder / "also" / f"{other.concept}.json")


def sift(
    params: Params, how: Settings, who: Subject, texts: list[Block], noise: list[dict[str, Any]], folder: Path
) -> None:
    """Languages one by one; text in a single language is not filtered, because there is nothing to tell it from."""
    names = sorted({b.language for b in texts})
    features: dict[str, list[Any]] = {name: [] for name in FEATURES.names}
    counts: dict[str, list[Any]] = {name: [] for name in COUNTS.names}
    for language in names if len(names) > 1 else []:
        own = [b.ids for b in texts if b.language == language][: how.sequences]
        share = vocabulary_share(who.lm, own, params.tokens.controls.exclude_bytes)
        if len(own) < FEWEST:
            _add(counts, _too_few(language, len(own), share))
            continue
        if how.mode == "sample":
            require_rare(share, sum(map(len, own)) / len(own), language)
        target = activity(who, own, params.filter.batch)
        if target.sequences < FEWEST:
            _add(counts, _too_few(language, target.sequences, share))
            continue
        against = {
            control: activity(who, rows[: len(own)], params.filter.batch)
            for control, rows in _noise(noise, language, len(own)).items()
        }
        for control, activities in against.items():
            _add(counts, _counted(language, control, target, activities, share, how))
        random = against[RANDOM]
        found = select(target, random, how)
        for row in _features(language, target, random, found):
            _add(features, row)
        drawn = Noise(params.seed.data, params.tokens.controls.exclude_bytes)
        direction = direction_of(who, target, random, found.kept, language, how, drawn)
        if direction is not None:
            direction.save(folder / "directions" / f"{language}.safetensors")
    write_table(folder / "features.parquet", features, FEATURES)
    write_table(folder / "counts.parquet", counts, COUNTS)


def _noise(rows: list[dict[str, Any]], language: str, count: int) -> dict[str, list[list[int]]]:
    """{control: its sequences}, the i-th as long as the i-th text; random tokens come first."""
    found: dict[str, list[list[int]]] = {RANDOM: []}
    for row in rows:
        if row["language"] == language:
            found.setdefault(row["kind"], []).append(row["ids"])
    if len(found[RANDOM]) < count:
        raise ValueError(
            f"filter.languages.sequences asks for {count} random sequences for '{language}', "
            f"but tokens.controls.sequences gave {len(found[RANDOM])}; raise it"
        )
    return found


def _features(language: str, target: Activity, random: Activity, found: Selection) -> list[dict[str, Any]]:
    """A row for every consistent latent."""
    return [
        {
            "language": language,
            "latent": j,
            "consistency": float(target.consistency[j]),
            "rate_target": float(target.rate[j]),
            "rate_random": float(random.rate[j]),
            "mean_target": float(target.mean[j]),
            "mean_random": float(random.mean[j]),
            "kept": bool(found.kept[j]),
        }
        for j in found.consistent.nonzero().flatten().tolist()
    ]


def _counted(
    language: str, control: str, target: Activity, against: Activity, share: float, how: Settings
) -> dict[str, Any]:
    """Every intermediate count against one control."""
    found = select(target, against, how)
    return {
        "language": language,
        "control": control,
        "sequences": target.sequences,
        "tokens": target.tokens,
        **{name: int(getattr(found, name).sum()) for name in ("active", "consistent", "random", "kept")},
        "vocabulary_share": share,
        "fvu_target": target.fvu,
        "fvu_control": against.fvu,
        "note": explain(target, against, found, share, how, CONTROLS[control]),
    }


def _too_few(language: str, sequences: int, share: float) -> dict[str, Any]:
    """The one row of a language that is not sifted: what is found in so little text is chance."""
    note = (
        f"there are {sequences} training documents of two tokens or more; at least {FEWEST} are needed, about 100 for "
        "stable sets"
    )
    steps = dict.fromkeys(("tokens", "active", "consistent", "random", "kept"), 0)
    unknown = dict.fromkeys(("fvu_target", "fvu_control"))
    row = {"language": language, "control": RANDOM, "sequences": sequences, **steps, **unknown}
    return row | {"vocabulary_share": share, "note": note}


def _add(columns: dict[str, list[Any]], row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        columns[name].append(value)


if __name__ == "__main__":
    run(main)
