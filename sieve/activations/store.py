"""Cached activations of one site on disk: safetensors shards, a Parquet row index, a manifest that is written last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors import safe_open
from torch import Tensor

from sieve.provenance import digest_file, read_json, write_json, write_table, write_tensors

INDEX = pa.schema(
    [("shard", pa.int32()), ("row", pa.int32()), ("doc", pa.string()), ("position", pa.int32()), ("token", pa.int32())]
)


class Moments:
    """Mean (D,) and variance about it of a stream of rows, by Chan's update in float64: one pass, any batch size."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self.squares = torch.zeros(width, dtype=torch.float64)

    def update(self, rows: Tensor) -> None:
        """Take in rows (N, D)."""
        if len(rows) == 0:
            return
        rows = rows.double()
        count, mean = rows.shape[0], rows.mean(0)
        delta = mean - self.mean
        total = self.count + count
        self.squares += (rows - mean).square().sum(0) + delta.square() * (self.count * count / total)
        self.mean += delta * (count / total)
        self.count = total

    @property
    def variance(self) -> float:
        """Mean squared distance of a row to the mean row, Σ_d Var(x_d)."""
        return float(self.squares.sum()) / max(1, self.count)


class StoreWriter:
    """Writes one site's folder; `close` writes index and manifest, without which the folder is not a store."""

    def __init__(self, folder: Path, site: str, model: str, width: int) -> None:
        self.folder, self.site, self.model = folder, site, model
        self.moments = Moments(width)
        self.shards: list[dict[str, Any]] = []
        self.index: dict[str, list[Any]] = {name: [] for name in INDEX.names}

    def write(self, rows: Tensor, docs: list[str], positions: list[int], tokens: list[int]) -> None:
        """One shard: rows (N, D) fp32 with, for each, its document, position and token id."""
        number = len(self.shards)
        name = f"shard_{number:05d}.safetensors"
        write_tensors(
            self.folder / name, {"rows": rows}, {"kind": "activations", "model": self.model, "site": self.site}
        )
        self.shards.append({"file": name, "rows": rows.shape[0], "sha256": digest_file(self.folder / name)})
        self.moments.update(rows)
        self.index["shard"] += [number] * rows.shape[0]
        self.index["row"] += range(rows.shape[0])
        self.index["doc"] += docs
        self.index["position"] += positions
        self.index["token"] += tokens

    def close(self) -> None:
        """Write the row index, then the manifest."""
        write_table(self.folder / "rows.parquet", self.index, INDEX)
        manifest = {
            "mean": self.moments.mean.tolist(),
            "model": self.model,
            "rows": self.moments.count,
            "shards": self.shards,
            "site": self.site,
            "variance": self.moments.variance,
            "width": len(self.moments.mean),
        }
        write_json(self.folder / "manifest.json", manifest)


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
        """Open a finished folder; the shards are memory-mapped. FileNotFoundError when there is no manifest."""
        folder = Path(folder)
        if not (folder / "manifest.json").is_file():
            raise FileNotFoundError(
                f"{folder} has no manifest.json, so it is no finished activation cache; run the activations stage first"
            )
        manifest = read_json(folder / "manifest.json")
        shards = []
        for shard in manifest["shards"]:
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
        """Rows (N, D) by number (N,), in the order asked for."""
        found = torch.empty(len(rows), self.width)
        owner = torch.searchsorted(self.starts, rows, right=True) - 1
        for number in owner.unique().tolist():
            here = owner == number
            found[here] = self.shards[number].index_select(0, rows[here] - self.starts[number])
        return found
