"""Which of our files a program can come to import, found by reading imports and not by running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path


def imports(path: Path, root: Path, packages: Iterable[str]) -> set[Path]:
    """Files of `packages` that `path` imports, wherever in it the import stands; a package brings its `__init__`s.

    An `__init__` that lists its own folder (with pkgutil) is a registry: any module in it may be loaded.
    """
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            found |= _files(name, root, packages)
    return found | registered(path)


def registered(path: Path) -> set[Path]:
    """The modules of the registry whose `__init__` is `path`; nothing for any other file."""
    is_registry = path.name == "__init__.py" and "pkgutil" in path.read_text(encoding="utf-8")
    return set(path.parent.glob("*.py")) if is_registry else set()


def _files(name: str, root: Path, packages: Iterable[str]) -> set[Path]:
    parts = name.split(".")
    if parts[0] not in packages:
        return set()
    above = {root.joinpath(*parts[:i], "__init__.py") for i in range(1, len(parts) + 1)}
    return {path for path in above | {root.joinpath(*parts).with_suffix(".py")} if path.is_file()}


def closure(start: Path, root: Path, packages: Iterable[str]) -> list[Path]:
    """Every file of `packages`, folders of `root`, that the program `start` can come to import, itself included."""
    waiting = [start, *(path for name in packages if (path := root / name / "__init__.py").is_file())]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += imports(path, root, packages) - seen
    return sorted(seen)
