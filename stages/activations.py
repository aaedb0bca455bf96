"""activations: the network's activations at every site, in one pass over training blocks that stops at the last site.

    python -m stages.activations --network data/model/network --tokenizer data/model/tokenizer --blocks … \\
        --out data/activations

Reads   the model, training blocks
Writes  one folder per site: safetensors shards, Parquet row index, manifest (rows, digests, mean, variance)
"""

from __future__ import annotations

from pathlib import Path

import torch

from sieve.activations.capture import Captured, capture
from sieve.activations.store import StoreWriter
from sieve.model.language_model import LanguageModel, open_model
from sieve.model.sites import site_module
from sieve.provenance import generator
from sieve.text.blocks import Block, load_blocks
from stages._common import Input, Output, Params, Progress, publish, run


def main(params: Params, network: Input, tokenizer: Input, blocks: Input, out: Output) -> None:
    """A keyed shuffle of the training blocks, as many as give the rows asked for, sorted by length to save padding."""
    p = params.activations
    lm = open_model(network, tokenizer)
    for site in p.sites:
        site_module(lm.network, site)
    train = [b for b in load_blocks(blocks) if b.split == "train"]
    chosen = choose_blocks(lm, train, p.rows, params.seed.data)
    with publish(out) as folder:
        write(lm, chosen, folder, p.sites, p.rows, p.batch, p.shard_batches)


def choose_blocks(lm: LanguageModel, train: list[Block], rows: int, seed: int) -> list[Block]:
    """The first blocks of a keyed shuffle that hold `rows` text tokens. ValueError if there are not so many."""
    special = set(lm.special_ids.tolist())
    order = torch.randperm(len(train), generator=generator(seed, "activations")).tolist()
    chosen, found = [], 0
    for i in order:
        if found >= rows:
            break
        chosen.append(train[i])
        found += sum(token not in special for token in train[i].ids)
    if found < rows:
        raise ValueError(
            f"activations.rows asks for {rows:,} rows, but the training text has {found:,} tokens; lower it or add text"
        )
    return sorted(chosen, key=lambda b: len(b.ids))


def write(
    lm: LanguageModel, blocks: list[Block], folder: Path, sites: list[str], rows: int, batch: int, shard_batches: int
) -> None:
    """A shard holds `shard_batches` forward passes and depends on its number only; the last is cut to fit `rows`."""
    writers = [StoreWriter(folder / site, site, lm.digest, lm.width) for site in sites]
    watch, left = Progress("capturing activations", "row"), rows
    pending: list[Captured] = []
    passes = -(-len(blocks) // batch)
    for number, captured in enumerate(capture(lm, blocks, sites, batch), start=1):
        pending.append(captured)
        if number % shard_batches == 0 or number == passes:
            left -= _write_shard(writers, pending, left)
            pending = []
            watch(rows - left, rows, {})
    for writer in writers:
        writer.close()


def _write_shard(writers: list[StoreWriter], pending: list[Captured], limit: int) -> int:
    docs = [doc for c in pending for doc in c.docs][:limit]
    positions = [p for c in pending for p in c.positions][:limit]
    tokens = [t for c in pending for t in c.tokens][:limit]
    if docs:
        for writer in writers:
            writer.write(torch.cat([c.rows[writer.site] for c in pending])[:limit], docs, positions, tokens)
    return len(docs)


if __name__ == "__main__":
    run(main)
