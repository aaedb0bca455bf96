"""filter: the latents that carry a language and not any text (LangFIR), and those that carry a value of a concept.

    python -m stages.filter --subject data/subjects/topk --network … --tokenizer … --blocks … \\
        --controls … --out data/filter/topk

Reads   a subject and its model, training text, random-token sequences
Writes  features.parquet (every consistent latent with its figures), counts.parquet (every intermediate
        count), directions/LANGUAGE.safetensors, concepts.json (the latents of each value, by their effect),
        also/CONCEPT.json (the same of other concepts)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from sieve.features.choosing import choose
from sieve.features.concepts import Settings as ConceptSettings
from sieve.features.langfir import Activity, Selection, activity, language_direction, select
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
    [("language", pa.string())]
    + [(name, pa.int64()) for name in ("sequences", "tokens", "active", "consistent", "random", "kept")]
    + [("vocabulary_share", pa.float64()), ("note", pa.string())]
)


def main(
    params: Params, subject: Input, network: Input, tokenizer: Input, blocks: Input, controls: Input, out: Output
) -> None:
    """Everything is chosen on the training split."""
    concepts = settings(ConceptSettings, params.filter.concepts, "filter.concepts")
    who = load_subject(subject, open_model(network, tokenizer))
    train = [b for b in load_blocks(blocks) if b.split == "train"]
    kind = "problem" if any(b.kind == "problem" for b in train) else "text"
    shown = [b for b in train if b.kind == kind][: concepts.documents]
    with publish(out) as folder:
        sift(params, who, [b for b in train if b.kind == "text"], read_table(controls).to_pylist(), folder)
        judged, *others = choose(who, shown, concepts, params.filter.batch)
        judged.save(folder / "concepts.json")
        for other in others:
            other.save(folder / "also" / f"{other.concept}.json")


def sift(params: Params, who: Subject, texts: list[Block], noise: list[dict[str, Any]], folder: Path) -> None:
    """Languages one by one; text in a single language is not filtered, because there is nothing to tell it from."""
    p = params.filter
    languages = sorted({b.language for b in texts})
    features: dict[str, list[Any]] = {name: [] for name in FEATURES.names}
    counts: dict[str, list[Any]] = {name: [] for name in COUNTS.names}
    for language in languages if len(languages) > 1 else []:
        own = [b for b in texts if b.language == language][: p.sequences]
        target = activity(who, [b.ids for b in own], p.batch)
        random = activity(who, _noise(noise, language, len(own)), p.batch)
        found = select(target, random, p.tau, p.kappa)
        _add_features(features, language, target, random, found)
        _add_counts(counts, language, target, found, _vocabulary_share(who, own))
        _save_direction(who, target, found, language, folder)
    write_table(folder / "features.parquet", features, FEATURES)
    write_table(folder / "counts.parquet", counts, COUNTS)


def _noise(rows: list[dict[str, Any]], language: str, count: int) -> list[list[int]]:
    """As many random sequences as there are texts, the i-th as long as the i-th text."""
    found = [row["ids"] for row in rows if row["language"] == language][:count]
    if len(found) < count:
        raise ValueError(
            f"filter.sequences asks for {count} random sequences for '{language}', "
            f"but controls.sequences gave {len(found)}; raise it"
        )
    return found


def _add_features(
    columns: dict[str, list[Any]], language: str, target: Activity, random: Activity, found: Selection
) -> None:
    for j in found.consistent.nonzero().flatten().tolist():
        columns["language"].append(language)
        columns["latent"].append(j)
        columns["consistency"].append(float(target.consistency[j]))
        columns["rate_target"].append(float(target.rate[j]))
        columns["rate_random"].append(float(random.rate[j]))
        columns["mean_target"].append(float(target.mean[j]))
        columns["mean_random"].append(float(random.mean[j]))
        columns["kept"].append(bool(found.kept[j]))


def _add_counts(columns: dict[str, list[Any]], language: str, target: Activity, found: Selection, share: float) -> None:
    steps = {name: int(getattr(found, name).sum()) for name in ("active", "consistent", "random", "kept")}
    note = ""
    if not steps["kept"]:
        note = (
            "no latent fires in enough documents"
            if not steps["consistent"]
            else "every consistent latent fires on random tokens too"
        )
    row = {
        "language": language,
        "sequences": target.sequences,
        "tokens": target.tokens,
        "vocabulary_share": share,
        "note": note,
        **steps,
    }
    for name, value in row.items():
        columns[name].append(value)


def _vocabulary_share(who: Subject, texts: list[Block]) -> float:
    """Share of all ids that occur in the target text: how often a random token belongs to the language by chance."""
    return len({i for b in texts for i in b.ids}) / len(who.lm.tokenizer)


def _save_direction(who: Subject, target: Activity, found: Selection, language: str, folder: Path) -> None:
    direction = language_direction(who, target, found.kept, language)
    if direction is not None:
        direction.save(folder / "directions" / f"{language}.safetensors")


if __name__ == "__main__":
    run(main)
