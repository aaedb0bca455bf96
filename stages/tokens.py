"""tokens: every document and problem as one block of token ids, with its mentions of concepts located in tokens.

    python -m stages.tokens --texts … --problems … --tokenizer data/model/tokenizer \\
        --blocks data/tokens/blocks.parquet --controls data/tokens/controls.parquet

Reads   texts, problems, the model's tokenizer
Writes  blocks; controls: sequences that carry no language, as long as real documents of each: random tokens, and for
        comparison its own shuffled, and random ones as frequent as its own
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sieve.model.language_model import open_tokenizer
from sieve.provenance import read_table, write_table
from sieve.text.blocks import Block, save_blocks, tokenize
from sieve.text.controls import random_sequences, shuffled, unigram, usable_ids
from stages._common import Input, Output, Params, publish, run

CONTROLS = pa.schema([("language", pa.string()), ("kind", pa.string()), ("ids", pa.list_(pa.int32()))])


def main(params: Params, texts: Input, problems: Input, tokenizer: Input, blocks: Output, controls: Output) -> None:
    """Texts first, then problems, each in the order of its table."""
    loaded, context = open_tokenizer(tokenizer), params.tokens.context
    made = tokenize(loaded, read_table(texts).to_pylist(), "text", context)
    drawn = noise(params, loaded, [b for b in made if b.split == "train"])
    made += tokenize(loaded, read_table(problems).to_pylist(), "problem", context)
    with publish(blocks) as path:
        save_blocks(path, made)
    with publish(controls) as path:
        write_table(path, drawn, CONTROLS)


def noise(params: Params, tokenizer: Any, train: list[Block]) -> dict[str, list[object]]:
    """The columns of controls: the same length histogram and the same special tokens in front as the text has."""
    own, seed = params.tokens.controls, params.seed.data
    special, ids = set(tokenizer.all_special_ids), usable_ids(tokenizer, own.exclude_bytes)
    columns: dict[str, list[object]] = {name: [] for name in CONTROLS.names}
    for language in sorted({b.language for b in train}):
        chosen = [b for b in train if b.language == language][: own.sequences]
        prefix = [i for i in chosen[0].ids[:1] if i in special]
        texts = [list(b.ids[len(prefix) :]) for b in chosen]
        made = {
            "random": random_sequences([len(t) for t in texts], prefix, ids, seed, language),
            "shuffled": [prefix + s for s in shuffled(texts, seed, language)],
            "unigram": [prefix + s for s in unigram(texts, seed, language)],
        }
        for kind, found in made.items():
            columns["language"] += [language] * len(found)
            columns["kind"] += [kind] * len(found)
            columns["ids"] += found
    return columns


if __name__ == "__main__":
    run(main)
