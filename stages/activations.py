"""activations: the network's activations at every site, in one pass over training blocks that stops at the last site.

    python -m stages.activations --network data/model/network --tokenizer data/model/tokenizer --blocks … \\
        --site data/ceiling/site.json --out data/activations

Reads   the model, training blocks, which site the patch ceiling chose
Writes  one folder per site (that one's is called `chosen`): safetensors shards, Parquet row index, manifest (rows,
        digests, mean, variance)
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor

from sieve.activations.background import behind
from sieve.activations.capture import capture, text_tokens
from sieve.activations.store import finish_store, write_shard
from sieve.model.language_model import LanguageModel, open_model
from sieve.model.sites import site_width
from sieve.provenance import Work, generator, link, read_json
from sieve.text.blocks import Block, load_blocks
from stages._common import Input, Output, Params, Progress, publish, run
from stages._params import Activations

BYTES = 4  # of a number in a shard
CHOSEN = "chosen"  # the name, among sites, of the one that the patch ceiling chose


def main(params: Params, work: Work, network: Input, tokenizer: Input, blocks: Input, site: Input, out: Output) -> None:
    """A keyed shuffle of the training blocks, as many as give the rows asked for, sorted by length to save padding."""
    p = params.activations
    lm = open_model(network, tokenizer)
    sites = {name: read_json(site)["site"] if name == CHOSEN else name for name in p.sites}
    for own in sites.values():
        site_width(lm.network, own)  # refuses what the network does not have
    train = [b for b in load_blocks(blocks) if b.split == "train"]
    chosen = choose_blocks(lm, train, p.rows, params.seed.data)
    with publish(out) as folder:
        write(lm, chosen, sites, work, folder, p)


def choose_blocks(lm: LanguageModel, train: list[Block], rows: int, seed: int) -> list[Block]:
    """The first blocks of a keyed shuffle that hold `rows` text tokens. ValueError if there are not so many."""
    order = torch.randperm(len(train), generator=generator(seed, "activations")).tolist()
    special = set(lm.special_ids.tolist())
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
    lm: LanguageModel, blocks: list[Block], sites: dict[str, str], work: Work, folder: Path, p: Activations
) -> None:
    """A folder for each of {name: site}.

    A shard holds `shard_batches` forward passes and depends on its number only; the last is cut at `rows` rows. While
    one shard is written, the next is captured: at most two are in memory.
    """
    watch, done = Progress("capturing activations", "row"), 0
    row = sum(BYTES * site_width(lm.network, site) for site in sites.values())
    require_room(work.folder, p.rows * row - size_of(work.folder))

    def put(files: list[str], captured: dict[str, Tensor], count: int) -> None:
        """Finish the pieces of a shard, `count` rows of each site captured, and lay them out."""
        for site, file in zip(sites.values() if captured else (), files):
            work.keep(
                file,
                partial(write_shard, rows=captured[site][:count], site=site, model=lm.digest, precision=p.precision),
            )
        for file in files:
            link(work.folder / file, folder / file)

    distinct = list(dict.fromkeys(sites.values()))
    with behind() as give:
        for number, (part, own) in enumerate(shards(lm, blocks, p)):
            files = [f"{name}/{name_of(number)}" for name in sites]
            sound = all(work.sound(file) for file in files)
            captured = {} if sound else capture(lm, part, distinct, p.batch, p.precision)
            give(partial(put, files, captured, own.num_rows))
            done += own.num_rows
            watch(done, p.rows, {})
    for name in sites:
        digests = {name_of(n): work.digest(f"{name}/{name_of(n)}") for n in range(number + 1)}
        finish_store(folder / name, (own for _, own in shards(lm, blocks, p)), digests)


def shards(lm: LanguageModel, blocks: list[Block], p: Activations) -> Iterator[tuple[list[Block], pa.Table]]:
    """For each shard its blocks and what is to be kept of their text tokens, `rows` in all."""
    left, size = p.rows, p.batch * p.shard_batches
    for start in range(0, len(blocks), size):
        if left == 0:
            break
        part = blocks[start : start + size]
        own = text_tokens(lm, part)[:left]
        left -= own.num_rows
        yield part, own


def name_of(number: int) -> str:
    """A shard's file."""
    return f"shard_{number:05d}.safetensors"


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def require_room(folder: Path, size: int) -> None:
    """OSError when the disk has less room than `size` bytes: better before the first pass than after hours."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(
            f"the activations still to be written take {size / 2**30:.1f} GiB, but only {free / 2**30:.1f} GiB of disk "
            "are free; lower activations.rows, capture fewer sites, or make room (`dvc gc --workspace`)"
        )


if __name__ == "__main__":
    run(main)
