"""One writer each for JSON, Parquet and safetensors, so that equal content is equal bytes.

safetensors keeps its metadata in an unordered map: with more than one key the bytes differ from run to run. All
metadata therefore lives in ONE key, as sorted JSON. Parquet is written with a fixed schema, row-group size and codec.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

METADATA_KEY = "sieve"
ROW_GROUP = 65_536
LARGEST_HEADER = 100_000_000


def to_json(value: Any) -> str:
    """Canonical JSON text: sorted keys, two-space indent, one final newline; NaN and infinity are a ValueError."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as canonical JSON."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(to_json(value), encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """Read one JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(path: Path, rows: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
    """Write columns as Parquet. `rows` maps every column of `schema` to a sequence of one common length."""
    import pyarrow as pa

    columns = {name: pa.array(rows[name], type=schema.field(name).type) for name in schema.names}
    write_tables(path, [pa.table(columns, schema=schema)], schema)


def write_tables(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables, one after the other, into one Parquet file; one at a time is in memory."""
    import pyarrow.parquet as pq

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROW_GROUP)


def require_sane(path: Path) -> None:
    """ValueError when a Parquet footer or a safetensors header claims to be longer than its file, or absurdly long.

    Asked before a reader takes the memory that the claim asks for. Other files pass.
    """
    path = Path(path)
    size, parquet = path.stat().st_size, path.suffix == ".parquet"
    if size < 8 or not (parquet or path.suffix == ".safetensors"):
        return
    with path.open("rb") as file:
        file.seek(-8 if parquet else 0, os.SEEK_END if parquet else os.SEEK_SET)
        claimed = int.from_bytes(file.read(4 if parquet else 8), "little")
    if claimed > min(size - 8, LARGEST_HEADER):
        raise ValueError(
            f"{path} says that its {'footer' if parquet else 'header'} takes {claimed:,} of its {size:,} bytes; "
            "it is damaged, made to do harm, or was not written by sieve"
        )


def read_table(path: Path) -> pa.Table:
    """Read one Parquet file."""
    import pyarrow.parquet as pq

    require_sane(path)
    return pq.read_table(path)


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Any) -> None:
    """Write tensors as safetensors, with `metadata` (anything JSON can hold) under one key. OSError on a full disk."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    ordered = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        save_file(ordered, path, metadata={METADATA_KEY: text})
    except SafetensorError as error:
        raise OSError(f"{path} can't be written: {error}") from None


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], Any]:
    """Read a safetensors file of ours: (tensors, metadata). Any other file is a ValueError."""
    from safetensors import SafetensorError, safe_open

    require_sane(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            if METADATA_KEY in header:
                return {name: file.get_tensor(name) for name in sorted(file.keys())}, json.loads(header[METADATA_KEY])
            problem = f"carries no '{METADATA_KEY}' metadata"
    except SafetensorError as error:
        problem = f"is not a safetensors file ({error})"
    raise ValueError(f"{path} {problem}, so it was not written by sieve; give a file that one of the stages wrote")
