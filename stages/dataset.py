"""dataset: documents with their language, split and concept spans, and word problems; generated, or read from files.

    python -m stages.dataset --text data/input/text --texts data/dataset/texts.parquet \\
        --problems data/dataset/problems.parquet --card data/dataset/card.json

Reads   .txt and .jsonl files in --text (kind: files), or nothing (kind: generated)
Writes  texts, problems (typed and empty if there are none), and a card of counts
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from sieve.provenance import write_json, write_table
from sieve.text.document import Document, Span
from sieve.text.files import read_documents
from sieve.text.problems import Problem, generate_problems, problem_key, split_of
from sieve.text.world import generate_documents
from stages._common import Input, Output, Params, publish, run

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
    """Documents that say the same in several languages, and problems of one template and numbers, stay in one split."""
    p, seed = params.dataset, params.seed.data
    made: list[Problem] = []
    if p.kind == "generated":

        def training(group: int) -> bool:
            return split_of(("document", group), seed, p.valid, p.test) == "train"

        documents = generate_documents(p.groups, (p.sentences[0], p.sentences[1]), seed, p.languages, training)
        made = generate_problems(p.problems, seed)
    else:
        documents = read_documents(text, p.column, p.language, p.words)

    text_splits = [split_of(("document", d.parallel), seed, p.valid, p.test) for d in documents]
    problem_splits = [split_of(problem_key(q), seed, p.valid, p.test) for q in made]
    counts = Counter(("texts", d.language, split) for d, split in zip(documents, text_splits))
    counts.update(("problems", q.language, split) for q, split in zip(made, problem_splits))

    with publish(texts) as path:
        write_table(path, _text_columns(documents, text_splits), TEXTS)
    with publish(problems) as path:
        columns: dict[str, list[Any]] = {
            name: [getattr(q, name) for q in made] for name in ("doc", "prompt", "solution", "answer", "language")
        }
        write_table(path, columns | {"split": problem_splits, "concepts": [_spans(q.concepts) for q in made]}, PROBLEMS)
    with publish(card) as path:
        write_json(path, {".".join(key): n for key, n in sorted(counts.items())})


def _text_columns(documents: list[Document], splits: list[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(d, name) for d in documents] for name in ("doc", "text", "language", "parallel")
    }
    return columns | {"split": splits, "concepts": [_spans(d.concepts) for d in documents]}


def _spans(spans: tuple[Span, ...]) -> list[dict[str, Any]]:
    return [vars(span) for span in spans]


if __name__ == "__main__":
    run(main)
