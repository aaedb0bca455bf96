"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file to the disk, or a folder's list of names: a rename is only then sure to outlive the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(source: Path, target: Path) -> None:
    """Let a finished file or folder take a free name, or a file's place, with all its bytes on the disk before."""
    for path in [*sorted(source.rglob("*")), source]:
        sync(path)
    source.replace(target)
    sync(target.parent)


@contextmanager
def publish(path: Path) -> Iterator[Path]:
    """Give a sibling of `path` to write to (a file, or a folder that the caller makes); rename it at success.

    After an exception, or when nothing was written (FileNotFoundError), nothing is left behind and an older `path` is
    untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, older = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.older")
    remove(temporary)
    remove(older)
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"nothing was written for {path}, which stays as it was")
        if path.is_dir() or (temporary.is_dir() and path.exists()):
            path.rename(older)  # only a file can be replaced in one step; a folder half removed must never be seen
        rename(temporary, path)
    finally:
        remove(temporary)
        remove(older)


def link(source: Path, target: Path) -> None:
    """Let `target` be the same file as `source`, without a copy where the file system can do so."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
