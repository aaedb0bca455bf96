"""activations: the network's activations at every site, in one pass over training blocks that stops at the last site.

    python -m stages.activations --network data/model/network --tokenizer data/model/tokenizer --blocks … \\
        --out data/activations

Reads   the model, training blocks
Writes  one folder per site: safetensors shards, Parquet row index, manifest (rows, digests, mean, variance)
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from sieve.activations.background import behind
from sieve.activations.capture import capture, text_tokens
from sieve.activations.store import Precision, finish_store, write_shard
from sieve.model.language_model import LanguageModel, open_model
from sieve.model.sites import site_width
from sieve.provenance import Work, generator, link
from sieve.text.blocks import Block, load_blocks
from stages._common import Input, Output, Params, Progress, publish, run
from stages._params import Activations


def main(params: Params, work: Work, network: Input, tokenizer: Input, blocks: Input, out: Output) -> None:
    """A keyed shuffle of the training blocks, as many as give the rows asked for, sorted by length to save padding."""
    p = params.activations
    lm = open_model(network, tokenizer)
    for site in p.sites:
        site_width(lm.network, site)  # refuses what the network does not have
    train = [b for b in load_blocks(blocks) if b.split == "train"]
    chosen = choose_blocks(lm, train, p.rows, params.seed.data)
    with publish(out) as folder:
        write(lm, chosen, work, folder, p)


def choose_blocks(lm: LanguageModel, train: list[Block], rows: int, seed: int) -> list[Block]:
    """The first blocks of a keyed shuffle that hold `rows` text tokens. ValueError if there are not so many."""
    order = torch.randperm(len(train), generator=generator(seed, "activations")).tolist()
    chosen, found = [], 0
    for i in order:
        if found >= rows:
            break
        chosen.append(train[i])
        found += len(text_tokens(lm, train[i : i + 1]))
    if found < rows:
        raise ValueError(
            f"activations.rows asks for {rows:,} rows, but the training text has {found:,} tokens; lower it or add text"
        )
    return sorted(chosen, key=lambda b: len(b.ids))


def write(lm: LanguageModel, blocks: list[Block], work: Work, folder: Path, p: Activations) -> None:
    """A shard holds `shard_batches` forward passes and depends on its number only; the last is cut at `rows` rows.

    While one shard is written, the next is captured: at most two are in memory.
    """
    watch = Progress("capturing activations", "row")
    index: list[tuple[str, int, int]] = []
    size = p.batch * p.shard_batches

    def put(number: int, captured: list[dict[str, Tensor]], count: int) -> None:
        """Finish a piece of `count` rows, unless nothing was captured because it is finished, and lay out its files."""
        piece = work.folder / name_of(number)
        if captured:
            work.keep(piece.name, lambda path: write_piece(path, captured, count, lm.digest, p.precision))
        for site in p.sites:
            link(piece / f"{site}.safetensors", folder / site / f"{piece.name}.safetensors")
        if number == 0:
            require_room(work.folder, size_of(piece) * p.rows // count - size_of(work.folder))

    with behind() as give:
        for number, start in enumerate(range(0, len(blocks), size)):
            if len(index) >= p.rows:
                break
            part = blocks[start : start + size]
            own = text_tokens(lm, part)[: p.rows - len(index)]
            missing = [] if work.sound(name_of(number)) else part
            give(partial(put, number, list(capture(lm, missing, p.sites, p.batch, p.precision)), len(own)))
            index += own
            watch(len(index), p.rows, {})
    columns = dict(zip(("doc", "position", "token"), zip(*index)))
    for site in p.sites:
        finish_store(folder / site, columns)


def name_of(number: int) -> str:
    """The piece of a shard of every site."""
    return f"shard_{number:05d}"


def write_piece(folder: Path, captured: list[dict[str, Tensor]], count: int, model: str, precision: Precision) -> None:
    """One shard per site, of the first `count` rows."""
    for site in captured[0]:
        rows = torch.cat([found[site] for found in captured])[:count]
        write_shard(folder / f"{site}.safetensors", rows, site, model, precision)


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def require_room(folder: Path, size: int) -> None:
    """OSError when the disk has less room than `size` bytes: better after the first shard than after hours."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(
            f"the activations still to be written take {size / 2**30:.1f} GiB, but only {free / 2**30:.1f} GiB of disk "
            "are free; lower activations.rows, capture fewer sites, or make room (`dvc gc --workspace`)"
        )


if __name__ == "__main__":
    run(main)
