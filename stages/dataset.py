"""dataset: documents with their language, split and concept spans, and word problems; generated, or read from files.

    python -m stages.dataset --text data/input/text --texts data/dataset/texts.parquet \\
        --problems data/dataset/problems.parquet --card data/dataset/card.json

Reads   the files in --text (kind: files), or nothing (kind: generated)
Writes  texts, problems (typed and empty if there are none), and a card: counts and characters per language and split,
        licence, digests of both tables, copies, and held-out text that copies training text; of files also their
        digests, what was left out, near copies and leakage
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from sieve.provenance import digest_file, write_json, write_table
from sieve.text.document import Document, Span
from sieve.text.duplicates import exact_key, leakage
from sieve.text.entries import FilesConfig, question
from sieve.text.files import Found, read_files
from sieve.text.problems import generate_problems, problem_key, split_of
from sieve.text.world import generate_documents
from stages._common import Input, Output, Params, publish, run
from stages._params import settings

SPAN = pa.struct([("concept", pa.string()), ("value", pa.string()), ("start", pa.int32()), ("end", pa.int32())])
TEXTS = pa.schema(
    [
        ("doc", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("split", pa.string()),
        ("parallel", pa.int64()),
        ("concepts", pa.list_(SPAN)),
    ]
)
PROBLEMS = pa.schema(
    [(name, pa.string()) for name in ("doc", "prompt", "solution", "answer", "language", "split")]
    + [("concepts", pa.list_(SPAN))]
)


def main(params: Params, text: Input, texts: Output, problems: Output, card: Output) -> None:
    """What says the same, and problems of one template and numbers, stay in one split."""
    p, seed = params.dataset, params.seed.data
    if p.kind == "generated":
        licence = "MIT, as the project: all of it was written for it"

        def training(group: int) -> bool:
            return split_of(("document", group), seed, p.valid, p.test) == "train"

        documents = generate_documents(p.groups, (p.sentences[0], p.sentences[1]), seed, p.languages, training)
        made = generate_problems(p.problems, seed)
        found = Found(documents, made, groups=[], card={"licence": licence}, held=[])
        problem_splits = [split_of(problem_key(q), seed, p.valid, p.test) for q in made]
    else:
        found = read_files(text, settings(FilesConfig, p.files, "dataset.files"), seed)
        documents, made = found.documents, found.problems
        problem_splits = [split_of(("document", number), seed, p.valid, p.test) for number in found.groups]
    text_splits = [split_of(("document", d.parallel), seed, p.valid, p.test) for d in documents]
    figures = _counts(found, text_splits, problem_splits)
    if p.kind == "files":
        _require_splits(figures, p.valid, p.test)
    figures |= _copied(found, [*text_splits, *problem_splits]) | found.card
    figures |= _leaked(found, text_splits, problem_splits)

    with publish(texts) as path:
        write_table(path, _text_columns(documents, text_splits), TEXTS)
    with publish(problems) as path:
        columns: dict[str, list[Any]] = {
            name: [getattr(q, name) for q in made] for name in ("doc", "prompt", "solution", "answer", "language")
        }
        write_table(path, columns | {"split": problem_splits, "concepts": [_spans(q.concepts) for q in made]}, PROBLEMS)
    figures |= {"digest.texts": digest_file(texts), "digest.problems": digest_file(problems)}
    with publish(card) as path:
        write_json(path, figures)


def _counts(found: Found, text_splits: list[str], problem_splits: list[str]) -> dict[str, int | str]:
    """Entries and characters per table, language and split."""
    counts: Counter[str] = Counter()
    sizes = [("texts", d.language, split, len(d.text)) for d, split in zip(found.documents, text_splits)]
    for q, split in zip(found.problems, problem_splits):
        sizes.append(("problems", q.language, split, len(q.prompt + q.solution)))
    for table, language, split, size in sizes:
        counts[f"{table}.{language}.{split}"] += 1
        counts[f"characters.{table}.{language}.{split}"] += size
    return dict(counts)


def _require_splits(figures: dict[str, int | str], valid: float, test: float) -> None:
    """Every language of each table must be in every split that has a share, or later figures would be of nothing."""
    wanted = {"train": 1.0, "valid": valid, "test": test}
    kinds = dict.fromkeys(key.rpartition(".")[0] for key in figures if not key.startswith("characters."))
    wrong = []
    for kind in kinds:
        there = {split: figures.get(f"{kind}.{split}", 0) for split in wanted}
        if any(share > 0 and not there[split] for split, share in wanted.items()):
            wrong.append(f"{kind} has " + ", ".join(f"{count} in {split}" for split, count in there.items()))
    if wrong:
        raise ValueError(
            f"too little text for every split: {'; '.join(wrong)}; what says the same stays together, so a language "
            "needs some groups per split: add text, raise dataset.valid or dataset.test (0: no such split), or take "
            "the language out of dataset.files.languages"
        )


def _copied(found: Found, splits: list[str]) -> dict[str, int | str]:
    """Entries that copy an earlier one, white space aside, and held-out ones that copy one of the training text."""
    said = [exact_key(text) for text in (*(d.text for d in found.documents), *map(question, found.problems))]
    training = {text for text, split in zip(said, splits) if split == "train"}
    held = sum(split != "train" and text in training for text, split in zip(said, splits))
    return {"duplicates.exact": len(said) - len(set(said)), "leakage.held_out": held}


def _leaked(found: Found, text_splits: list[str], problem_splits: list[str]) -> dict[str, int]:
    """How much of the test file occurs in what is trained on."""
    if not found.held:
        return {}
    training = [d.text for d, split in zip(found.documents, text_splits) if split == "train"]
    training += [question(q) for q, split in zip(found.problems, problem_splits) if split == "train"]
    exact, near = leakage(found.held, training)
    return {"leakage.texts": len(found.held), "leakage.exact": exact, "leakage.near": near}


def _text_columns(documents: list[Document], splits: list[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(d, name) for d in documents] for name in ("doc", "text", "language", "parallel")
    }
    return columns | {"split": splits, "concepts": [_spans(d.concepts) for d in documents]}


def _spans(spans: tuple[Span, ...]) -> list[dict[str, Any]]:
    return [vars(span) for span in spans]


if __name__ == "__main__":
    run(main)
