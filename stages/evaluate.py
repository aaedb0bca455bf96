"""evaluate: ask one subject every question.

    python -m stages.evaluate --subject data/subjects/topk --network … --tokenizer … --blocks … \\
        --features data/filter/topk --out data/evaluate/topk

Reads   a subject and its model, held-out blocks (training blocks only to choose latents and to train the language
        judge), its features
Writes  rows.parquet (one number a row), items.parquet (one pair under one condition of a swap a row), examples.parquet
        (where chosen latents are strongest)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sieve.evals import question
from sieve.evals.case import Case, Item, Language, Row
from sieve.features.concepts import Concepts
from sieve.features.examples import top_examples
from sieve.interventions.direction import Direction
from sieve.model.language_model import open_model
from sieve.provenance import read_table, write_table
from sieve.subject import Subject, load_subject
from sieve.text.blocks import load_blocks
from stages._common import Input, Output, Params, Progress, publish, run
from stages._params import settings

ROWS = pa.schema(
    [(name, pa.string()) for name in ("question", "metric", "case")]
    + [(name, pa.float64()) for name in ("value", "low", "high")]
    + [("n", pa.int64()), ("note", pa.string())]
)
ITEMS = pa.schema(
    [("condition", pa.string()), ("strength", pa.float64())]
    + [(name, pa.string()) for name in ("doc", "source", "target", "frame", "prompt", "said")]
    + [(name, pa.bool_()) for name in ("success", "named", "dropped", "kept", "exact")]
    + [("rouge_l", pa.float64()), ("kl", pa.float64()), ("tokens", pa.int32()), ("others", pa.float64()),
       ("acted", pa.int32())]
)  # fmt: skip
EXAMPLES = pa.schema(
    [("latent", pa.int32()), ("label", pa.string()), ("rank", pa.int32()), ("doc", pa.string()),
     ("tokens", pa.list_(pa.string())), ("activations", pa.list_(pa.float32()))]
)  # fmt: skip


def main(
    params: Params, subject: Input, network: Input, tokenizer: Input, blocks: Input, features: Input, out: Output
) -> None:
    """The model is loaded once; questions do not see each other."""
    p = params.evaluate
    modules = {
        name: (question(name), settings(question(name).Settings, own, f"evaluate.questions.{name}"))
        for name, own in p.questions.items()
    }
    who = load_subject(subject, open_model(network, tokenizer))
    also = sorted((features / "also").glob("*.json"))
    concepts, *others = [Concepts.load(path) for path in (features / "concepts.json", *also)]
    for chosen in (concepts, *others):
        chosen.require(who.lm.digest, who.sae.digest)
    case = Case(who, load_blocks(blocks), read_languages(features, who), concepts, params.seed.data, p.batch, others)
    found: list[Row | Item] = []
    watch = Progress(f"evaluating {subject.name}", "question")
    for number, (module, own) in enumerate(modules.values(), start=1):
        found += module.run(case, own)
        watch(number, len(modules), {})
    rows = [row for row in found if isinstance(row, Row)]
    items = [item for item in found if isinstance(item, Item)]
    with publish(out) as folder:
        write_table(folder / "rows.parquet", columns(rows, ROWS), ROWS)
        write_table(folder / "items.parquet", columns(items, ITEMS), ITEMS)
        write_table(folder / "examples.parquet", examples(case, params), EXAMPLES)


def columns(records: Sequence[Row] | Sequence[Item], schema: pa.Schema) -> dict[str, list[Any]]:
    """What `write_table` takes, from records with an attribute for each column."""
    return {name: [getattr(record, name) for record in records] for name in schema.names}


def read_languages(features: Path, who: Subject) -> dict[str, Language]:
    """What the filter kept and dropped, by language, strongest first; LineageError if with another model or SAE."""
    found = {}
    rows = read_table(features / "features.parquet").to_pylist()
    for language in dict.fromkeys(read_table(features / "counts.parquet")["language"].to_pylist()):
        own = sorted((r for r in rows if r["language"] == language), key=lambda r: (-r["mean_target"], r["latent"]))
        kept, filtered = (tuple(r["latent"] for r in own if r["kept"] == side) for side in (True, False))
        path = features / "directions" / f"{language}.safetensors"
        direction = Direction.load(path) if path.is_file() else None
        if direction is not None:
            direction.require(who.lm.digest, who.sae.digest)
        found[language] = Language(kept, direction, filtered)
    return found


def examples(case: Case, params: Params) -> dict[str, list[Any]]:
    """Where each language's first latents, and the concept's latents with the largest effect, are strongest."""
    p = params.evaluate.examples
    labels = {f"language {name}": language.latents[: p.latents] for name, language in case.languages.items()}
    named = [choice.causal for choice in case.concepts.choices if choice.feature.latents]
    for pick in sorted(named, key=lambda pick: (-pick.effect, pick.feature.name))[: 2 * p.latents]:
        labels[f"{case.concepts.concept} {pick.feature.name}"] = pick.feature.latents[:1]
    blocks = case.pick("text", "test", p.documents) + case.pick("problem", "test", p.documents)
    wanted = sorted({latent for latents in labels.values() for latent in latents})
    found = top_examples(case.subject, blocks, wanted, p.per_latent, case.batch)
    filled: dict[str, list[Any]] = {name: [] for name in EXAMPLES.names}
    for label, latents in labels.items():
        for example in (e for latent in latents for e in found if e.latent == latent):
            for name in EXAMPLES.names:
                filled[name].append(label if name == "label" else getattr(example, name))
    return filled


if __name__ == "__main__":
    run(main)
