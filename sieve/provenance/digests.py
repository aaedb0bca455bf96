"""SHA-256 of bytes, files and folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


class LineageError(ValueError):
    """Two files that were not made for each other."""


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
