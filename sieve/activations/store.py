"""Cached activations of one site on disk: safetensors shards, a Parquet row index, a manifest that is written last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from safetensors import safe_open
from torch import Tensor

from sieve.provenance import (
    DamageError,
    digest_bytes,
    digest_file,
    inside,
    read_json,
    read_tensors,
    require_digest,
    to_json,
    write_json,
    write_tables,
    write_tensors,
)

Precision = Literal["fp32", "bf16"]

INDEX = pa.schema(
    [("shard", pa.int32()), ("row", pa.int32()), ("doc", pa.string()), ("position", pa.int32()), ("token", pa.int32())]
)


class Moments:
    """Mean (D,) and variance about it of a stream of rows, by Chan's update in float64: one pass, any batch size."""

    PART = 1024  # rows that are taken in at once: a processor's cache holds them

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self.squares = torch.zeros(width, dtype=torch.float64)

    def update(self, rows: Tensor) -> None:
        """Take in rows (N, D)."""
        for part in rows.split(self.PART) if len(rows) else ():
            if self.count == 0:
                self.mean = part[0].double()
            self.count += len(part)
            away = part - self.mean  # of the rows so far, whose mean moves by the sum of this over the new count
            moved = away.sum(0)
            self.squares += away.square_().sum(0) - moved.square() / self.count
            self.mean += moved / self.count

    @property
    def variance(self) -> float:
        """Mean squared distance of a row to the mean row, Σ_d Var(x_d)."""
        return float(self.squares.sum()) / max(1, self.count)


def write_shard(path: Path, rows: Tensor, site: str, model: str, precision: Precision) -> None:
    """One shard: rows (N, D) fp32, made by a forward pass of that precision."""
    meta = {"kind": "activations", "model": model, "precision": precision, "site": site}
    write_tensors(path, {"rows": rows}, meta)


def finish_store(folder: Path, index: Iterable[pa.Table], digests: Mapping[str, str] | None = None) -> None:
    """Write row index and manifest of the shards in `folder`; without the manifest the folder is not a store.

    index: for each shard a table with doc, position and token of its rows, in order. digests: {file: SHA-256} of
    shards of which it is known. All else is read from the shards, so it does not matter who wrote them or when.
    ValueError when the index doesn't have one entry a row.
    """
    moments: Moments | None = None
    shards: list[dict[str, Any]] = []
    meta: dict[str, Any] = {}
    for path in sorted(folder.glob("shard_*.safetensors")):
        tensors, meta = read_tensors(path)
        moments = moments or Moments(tensors["rows"].shape[1])
        moments.update(tensors["rows"])
        sha256 = (digests or {}).get(path.name) or digest_file(path)
        shards.append({"file": path.name, "rows": len(tensors["rows"]), "sha256": sha256})
    if moments is None:
        raise ValueError(f"{folder} has no shards, so there is no store to finish")
    write_tables(folder / "rows.parquet", _placed(folder, index, [shard["rows"] for shard in shards]), INDEX)
    manifest = {
        "index_sha256": digest_file(folder / "rows.parquet"),
        "mean": moments.mean.tolist(),
        "model": meta["model"],
        "precision": meta["precision"],
        "rows": moments.count,
        "shards": shards,
        "site": meta["site"],
        "variance": moments.variance,
        "width": len(moments.mean),
    }
    write_json(folder / "manifest.json", manifest | {"manifest_sha256": digest_bytes(to_json(manifest).encode())})


def _placed(folder: Path, index: Iterable[pa.Table], rows: list[int]) -> Iterator[pa.Table]:
    """The index's tables with each row's shard and number in it. ValueError unless they have as many `rows`."""
    for number, (held, table) in enumerate(zip_longest(rows, index)):
        indexed = None if table is None else table.num_rows
        if indexed != held:
            raise ValueError(f"{folder}: shard {number} holds {held} rows, but {indexed} are indexed")
        places = {"shard": np.full(held, number, np.int32), "row": np.arange(held, dtype=np.int32)}
        columns = {**places, **{name: table[name] for name in ("doc", "position", "token")}}
        yield pa.table(columns).cast(INDEX)


@dataclass
class Store:
    """One site's cached activations, read by row number."""

    site: str
    model: str
    width: int
    variance: float
    mean: Tensor
    starts: Tensor
    shards: list[Tensor]

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open a finished folder. Its shards are memory-mapped: what was read is the kernel's to keep or to forget.

        FileNotFoundError when there is no manifest, DamageError when a file is not as it was when it was written.
        """
        folder = Path(folder)
        if not (folder / "manifest.json").is_file():
            raise FileNotFoundError(
                f"{folder} has no manifest.json, so it is no finished activation cache; run the activations stage first"
            )
        try:
            manifest = read_json(folder / "manifest.json")
            canonical = to_json(manifest).encode() == (folder / "manifest.json").read_bytes()
            sound = manifest.pop("manifest_sha256") == digest_bytes(to_json(manifest).encode()) and canonical
        except (ValueError, LookupError, TypeError, AttributeError):  # no JSON any more, or no mapping with a digest
            sound = False
        if not sound:
            raise DamageError(f"{folder / 'manifest.json'} is damaged: it doesn't have the digest that it gives itself")
        require_digest(folder / "rows.parquet", manifest["index_sha256"])
        shards = []
        for shard in manifest["shards"]:
            require_digest(inside(folder, shard["file"]), shard["sha256"])
            with safe_open(str(folder / shard["file"]), framework="pt") as file:
                shards.append(file.get_tensor("rows"))
        starts = torch.tensor([0, *(shard["rows"] for shard in manifest["shards"])]).cumsum(0)
        return cls(
            manifest["site"], manifest["model"], manifest["width"], manifest["variance"],
            torch.tensor(manifest["mean"], dtype=torch.float32), starts, shards,
        )  # fmt: skip

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.starts[-1])

    @property
    def scale(self) -> float:
        """The factor that gives rows a variance of 1 per dimension on average: one learning rate suits every site."""
        return float((self.width / self.variance) ** 0.5)

    def take(self, rows: Tensor) -> Tensor:
        """Rows (N, D) by number (N,), in the order asked for; read in the order in which they lie on disk.

        IndexError when a row does not exist.
        """
        ascending, order = rows.sort()
        if len(rows) and not 0 <= int(ascending[0]) <= int(ascending[-1]) < self.rows:
            raise IndexError(
                f"rows {int(ascending[0])} to {int(ascending[-1])} were asked for, but there are {self.rows}, from 0 on"
            )
        owners = torch.searchsorted(self.starts, ascending, right=True) - 1
        places = ascending - self.starts[owners]
        numbers, counts = (found.tolist() for found in owners.unique_consecutive(return_counts=True))
        read = torch.empty(len(rows), self.width)
        for number, here, into in zip(numbers, places.split(counts), read.split(counts)):
            torch.index_select(self.shards[number], 0, here, out=into)
        return torch.empty_like(read).index_copy_(0, order, read)
