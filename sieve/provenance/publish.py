"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def publish(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write to (a file, or a folder that the caller makes); rename it onto `path` at success.

    After an exception nothing is left behind and an older `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    _remove(temporary)
    try:
        yield temporary
        _remove(path)
        os.rename(temporary, path)
    finally:
        _remove(temporary)
