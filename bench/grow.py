"""How time and memory of a training step grow with latents, and with rows in the cache."""

from __future__ import annotations

import shutil
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from bench._output import MIB, table, write
from bench._problem import Shape
from sieve.activations.store import finish_store, write_shard
from sieve.provenance import generator

WIDTH, SHARD = 256, 65536
FEW = 100_000  # rows of the cache on which latents grow
SPARE = 2**30  # bytes of disk that are left alone


def cache(folder: Path, rows: int, width: int) -> None:
    """A finished store of random rows. OSError when the disk has no room for it."""
    need, free = rows * width * 4 + SPARE, shutil.disk_usage(folder.parent).free
    if need > free:
        raise OSError(f"{rows:,} rows take {need / MIB:,.0f} MiB, but {folder.parent} has {free / MIB:,.0f} MiB free")
    folder.mkdir()
    draw = generator(0, "bench", "cache")
    for number, start in enumerate(range(0, rows, SHARD)):
        part = torch.randn(min(SHARD, rows - start), width, generator=draw)
        write_shard(folder / f"shard_{number:05d}.safetensors", part, "bench", "none", "fp32")
    finish_store(folder, (index(min(SHARD, rows - start)) for start in range(0, rows, SHARD)))


def index(rows: int) -> pa.Table:
    """One document's tokens."""
    places = np.arange(rows, dtype=np.int32)
    return pa.table({"doc": pa.repeat(pa.scalar("bench"), rows), "position": places, "token": places})


def grow(given: Namespace, work: Callable[..., Any]) -> None:
    """Measure and print; `work` runs one job in a process of its own."""
    rows, few = [int(number) for number in given.rows], FEW
    plans = [(few, latents) for latents in given.latents] + [(n, given.latents[0]) for n in rows if n != few]
    lines, figures = [], []
    with tempfile.TemporaryDirectory(dir=given.into) as folder:
        for number, latents in plans:
            store = Path(folder) / str(number)
            if not store.is_dir():
                cache(store, number, WIDTH)
            shape = Shape(WIDTH, latents, min(given.batch, number), given.k)
            found = work("grow", shape, given.threads, store=str(store), samples=given.samples)
            figures.append({"rows": number, "latents": latents, **found})
            lines.append([f"{latents:,}", f"{number:,}", *_cells(found, shape.batch)])
    print(
        f"sieve fp32, {WIDTH} -> latents, batch {given.batch}, k {given.k}\n\n"
        + table(["latents", "rows cached", "ms a step", "rows/s", "s to open", "own MiB", "peak MiB with files"], lines)
    )
    write(given.json, "grow", figures, {})


def _cells(found: dict[str, Any], batch: int) -> list[str]:
    step = found.get("step")
    return [
        f"{1000 * step:,.1f}" if step else "—",
        f"{batch / step:,.0f}" if step else "—",
        f"{found['open']:.2f}",
        *(f"{found[kind] / MIB:,.0f}" if found[kind] else "—" for kind in ("anonymous", "peak")),
    ]
