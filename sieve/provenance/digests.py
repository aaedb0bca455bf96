"""SHA-256 of bytes, files and folders; of what a file says, whatever the version that wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PIECE = 1 << 24


class LineageError(ValueError):
    """Two files that were not made for each other."""


class DamageError(ValueError):
    """A file whose bytes are not those that were written."""


def require_digest(path: Path, sha256: str) -> None:
    """DamageError unless the file has this digest."""
    found = digest_file(path)
    if found != sha256:
        raise DamageError(
            f"{path} is damaged: its SHA-256 was {sha256[:12]} when it was written and is {found[:12]} now; "
            "remove it and run `dvc checkout` or `dvc repro` again"
        )


def inside(folder: Path, name: str) -> Path:
    """`folder / name`, if that is in the folder. ValueError for a path or a link that leads out of it."""
    path = Path(folder) / name
    if not path.resolve().is_relative_to(Path(folder).resolve()):
        raise ValueError(f"'{name}' leads out of {folder}; a manifest may only name files beside it")
    return path


def digest_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Hex SHA-256 of one file, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_folder(folder: Path, names: Iterable[str] | None = None) -> str:
    """Hex SHA-256 over (relative name, file digest) pairs in name order; `names` restricts it to those files."""
    folder = Path(folder)
    chosen = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    if names is not None:
        wanted = set(names)
        chosen = [name for name in chosen if name in wanted]
    lines = "".join(f"{name}\0{digest_file(folder / name)}\n" for name in chosen)
    return digest_bytes(lines.encode())


def digest_path(path: Path) -> str:
    """Hex SHA-256 of a file, or of a folder's files with their names."""
    return digest_folder(path) if Path(path).is_dir() else digest_file(path)


def content_digest(path: Path) -> str | None:
    """Hex SHA-256 of the values in a Parquet or safetensors file; None for other files.

    Equal content gives an equal digest even where another version of the writer gives other bytes.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _tensors_digest(path)
    return _table_digest(path) if path.suffix == ".parquet" else None


def _tensors_digest(path: Path) -> str:
    """Name, type, shape and bytes of each tensor in name order, and the metadata, as the format lays them down."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        whole.update(repr(sorted(header.pop("__metadata__", {}).items())).encode())
        for name, about in sorted(header.items()):
            begin, end = about["data_offsets"]
            whole.update(f"{name}|{about['dtype']}|{about['shape']}|".encode())
            file.seek(8 + size + begin)
            for start in range(begin, end, PIECE):
                whole.update(file.read(min(PIECE, end - start)))
    return whole.hexdigest()


def _table_digest(path: Path) -> str:
    import pyarrow.parquet as pq

    table, whole = pq.read_table(path), hashlib.sha256()
    for name in table.column_names:
        whole.update(f"{name}|{table.schema.field(name).type}|{table.num_rows}|".encode())
        _update(whole, table[name].combine_chunks())
    return whole.hexdigest()


def _update(whole: Any, values: Any) -> None:
    """Take in an Arrow array by its logical content: which are null, lengths of lists and texts, the values below."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole.update(values.is_null().to_numpy(zero_copy_only=False).tobytes())
    kind = values.type
    if pa.types.is_string(kind):
        whole.update(pc.fill_null(pc.binary_length(values), -1).to_numpy().tobytes())
        whole.update("".join(text for text in values.to_pylist() if text is not None).encode())
    elif pa.types.is_list(kind):
        whole.update(pc.fill_null(values.value_lengths(), -1).to_numpy().tobytes())
        _update(whole, values.flatten())
    elif pa.types.is_struct(kind):
        for field in values.flatten():
            _update(whole, field)
    else:
        whole.update(
            pc.fill_null(values, pa.scalar(0, kind) if not pa.types.is_boolean(kind) else False)
            .to_numpy(zero_copy_only=False)
            .tobytes()
        )
