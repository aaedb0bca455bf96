"""Token blocks: one document each, so that no token sees another, with every mention of a concept located in tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sieve.provenance import read_table, write_table

MENTION = pa.struct([("concept", pa.string()), ("value", pa.string()), ("first", pa.int32()), ("last", pa.int32())])
BLOCKS = pa.schema(
    [
        ("doc", pa.string()),
        ("kind", pa.string()),
        ("language", pa.string()),
        ("split", pa.string()),
        ("parallel", pa.int64()),
        ("prompt", pa.int32()),
        ("answer", pa.string()),
        ("ids", pa.list_(pa.int32())),
        ("mentions", pa.list_(MENTION)),
    ]
)


@dataclass(frozen=True)
class Mention:
    """One occurrence of a concept's value: tokens `first` to `last`, both included. The last carries the whole word."""

    concept: str
    value: str
    first: int
    last: int


@dataclass(frozen=True)
class Block:
    """The ids of one document. kind: text or problem; prompt: how many tokens a problem's question takes (text: 0)."""

    doc: str
    kind: str
    language: str
    split: str
    parallel: int
    prompt: int
    answer: str
    ids: tuple[int, ...]
    mentions: tuple[Mention, ...]


def locate(spans: list[dict[str, Any]], offsets: list[tuple[int, int]], text: str) -> list[Mention]:
    """Character spans of `text` -> token mentions, by the tokenizer's character offsets [(start, end)] of each token.

    Leading spaces belong to a token but not to the word, so tokens are matched by overlap; a space that is a token of
    its own is taken in, so that one value's tokens can replace another's. A span cut off by the context is left out.
    """
    found = []
    for span in spans:
        inside = [
            i for i, (start, end) in enumerate(offsets) if start < span["end"] and end > span["start"] and end > start
        ]
        if inside and offsets[inside[-1]][1] >= span["end"]:
            first = inside[0]
            if first > 0 and text[slice(*offsets[first - 1])] == " ":
                first -= 1
            found.append(Mention(span["concept"], span["value"], first, inside[-1]))
    return found


def one_token(tokenizer: Any, rows: list[dict[str, Any]], concept: str) -> list[bool]:
    """For each mention of `concept` in rows of problems.parquet: whether it is one token, with the space before it."""
    texts = [row["prompt"] + row["solution"] for row in rows]
    offsets = tokenizer(texts, return_offsets_mapping=True)["offset_mapping"] if texts else []
    return [
        mention.first == mention.last
        for row, text, where in zip(rows, texts, offsets)
        for mention in locate([span for span in row["concepts"] if span["concept"] == concept], where, text)
    ]


def tokenize(tokenizer: Any, rows: list[dict[str, Any]], kind: str, context: int) -> list[Block]:
    """One block per document of texts.parquet or problems.parquet, cut at `context` tokens.

    ValueError when a problem does not fit: half a solution is no solution.
    """
    texts = [row["prompt"] + row["solution"] if kind == "problem" else row["text"] for row in rows]
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=True, return_offsets_mapping=True)
    blocks = []
    for row, text, ids, offsets in zip(rows, texts, encoded["input_ids"], encoded["offset_mapping"]):
        prompt = 0
        if kind == "problem":
            if len(ids) > context:
                raise ValueError(
                    f"problem '{row['doc']}' takes {len(ids)} tokens, but the context is {context}; "
                    "raise tokens.context or leave it out"
                )
            prompt = next((i for i, (_, end) in enumerate(offsets) if end > len(row["prompt"])), len(offsets))
        mentions = [m for m in locate(row["concepts"], offsets, text) if m.last < context]
        blocks.append(
            Block(
                row["doc"],
                kind,
                row["language"],
                row["split"],
                row.get("parallel", -1),
                prompt,
                row.get("answer", ""),
                tuple(ids[:context]),
                tuple(mentions),
            )
        )
    return blocks


def save_blocks(path: Path, blocks: list[Block]) -> None:
    """Write blocks as Parquet, in the given order."""
    columns: dict[str, list[Any]] = {
        name: [getattr(block, name) for block in blocks] for name in BLOCKS.names if name != "mentions"
    }
    columns["mentions"] = [[vars(mention) for mention in block.mentions] for block in blocks]
    write_table(path, columns, BLOCKS)


def load_blocks(path: Path) -> list[Block]:
    """Read blocks written by `save_blocks`."""
    table = read_table(path)
    plain = [table[name].to_pylist() for name in BLOCKS.names if name not in {"ids", "mentions"}]
    ids = _lists(table["ids"], lambda values: values.to_numpy().tolist())
    mentions = _lists(table["mentions"], lambda values: list(map(Mention, *(f.to_pylist() for f in values.flatten()))))
    return list(map(Block, *plain, ids, mentions))


def _lists(column: pa.ChunkedArray, read: Callable[[pa.Array], list[Any]]) -> list[tuple[Any, ...]]:
    """A column of lists as tuples. All values are read at once: one by one takes several times as long."""
    found: list[tuple[Any, ...]] = []
    for chunk in column.chunks:
        values, ends = read(chunk.flatten()), chunk.value_lengths().to_numpy().cumsum().tolist()
        found += [tuple(values[start:end]) for start, end in zip([0, *ends], ends)]
    return found
