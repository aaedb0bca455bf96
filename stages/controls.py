"""controls: sequences that carry no language, as long as real documents of each.

    python -m stages.controls --blocks data/tokens/blocks.parquet --tokenizer data/model/tokenizer \\
        --sequences data/controls/sequences.parquet

Reads   blocks (for lengths), the tokenizer (for which ids are text)
Writes  per language random tokens, and for comparison its own shuffled, and random ones as frequent as its own
"""

from __future__ import annotations

import pyarrow as pa

from sieve.model.language_model import open_tokenizer
from sieve.provenance import write_table
from sieve.text.blocks import load_blocks
from sieve.text.controls import random_sequences, shuffled, unigram, usable_ids
from stages._common import Input, Output, Params, publish, run

SEQUENCES = pa.schema([("language", pa.string()), ("kind", pa.string()), ("ids", pa.list_(pa.int32()))])


def main(params: Params, blocks: Input, tokenizer: Input, sequences: Output) -> None:
    """The same length histogram and the same special tokens in front as the target text has."""
    loaded = open_tokenizer(tokenizer)
    special, ids = set(loaded.all_special_ids), usable_ids(loaded, params.controls.exclude_bytes)
    train = [b for b in load_blocks(blocks) if b.kind == "text" and b.split == "train"]
    columns: dict[str, list[object]] = {name: [] for name in SEQUENCES.names}
    for language in sorted({b.language for b in train}):
        chosen = [b for b in train if b.language == language][: params.controls.sequences]
        prefix = [i for i in chosen[0].ids[:1] if i in special]
        texts = [list(b.ids[len(prefix) :]) for b in chosen]
        made = {
            "random": random_sequences([len(t) for t in texts], prefix, ids, params.seed.data, language),
            "shuffled": [prefix + s for s in shuffled(texts, params.seed.data, language)],
            "unigram": [prefix + s for s in unigram(texts, params.seed.data, language)],
        }
        for kind, found in made.items():
            columns["language"] += [language] * len(found)
            columns["kind"] += [kind] * len(found)
            columns["ids"] += found
    with publish(sequences) as path:
        write_table(path, columns, SEQUENCES)


if __name__ == "__main__":
    run(main)
