"""cache: is everything in DVC's cache what its name says, and does nothing lead out of its folder?

    python -m tools.cache

DVC never asks: it checks out what lies in the cache. Run this after `dvc fetch` from a remote that you don't control
and before `dvc checkout`, or when a disk is in doubt. Every wrong object is named, with the outputs that use it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages._inputs import locked_outs
from tools._project import dvc, project_root, run


def wrong_objects(cache: Path) -> dict[str, str]:
    """{object's MD5: what is wrong with it} for all objects under `cache`/files/md5."""
    found = {}
    for path in sorted((cache / "files/md5").glob("??/*")):
        name = path.parent.name + path.name
        problem = _problem(path, name)
        if problem:
            found[name] = problem
    return found


def wrong_records(cache: Path) -> dict[Path, str]:
    """{record: what is wrong with it} for all records of earlier runs under `cache`/runs, which DVC restores from."""
    found = {}
    for path in sorted((cache / "runs").glob("??/*/*")):
        try:
            record = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
            outs = [out["path"] for out in record["outs"]]
            names = _name_of({**record, "outs": outs}), _name_of(record)
        except (ValueError, TypeError, KeyError, YAMLError):
            found[path] = "is no record of a run"
            continue
        leaving = [out for out in outs if leaves(out)]
        if leaving:
            found[path] = f"names outputs outside the project: {', '.join(leaving)}"
        elif names != (path.parent.name, path.name):
            found[path] = "does not hold what its name says"
    return found


def _name_of(record: dict[str, Any]) -> str:
    """What DVC calls a record, or, by its inputs and the names of its outputs, the folder of those that are alike."""
    from dvc.utils import dict_sha256

    return str(dict_sha256(record, exclude=["size", "nfiles"]))


def _problem(path: Path, name: str) -> str | None:
    if path.is_symlink() and not path.resolve().is_file():
        return "is a link to nothing"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    if digest != name.removesuffix(".dir"):
        return f"holds bytes whose MD5 is {digest}"
    if name.endswith(".dir"):
        try:
            leaving = [entry["relpath"] for entry in json.loads(path.read_bytes()) if leaves(entry["relpath"])]
        except (ValueError, TypeError, KeyError):
            return "is no list of files"
        if leaving:
            return f"names files outside its folder: {', '.join(leaving)}"
    return None


def leaves(relpath: str) -> bool:
    """Whether a path from a manifest could lead out of the folder it belongs to."""
    parts = PurePosixPath(relpath.replace("\\", "/")).parts
    return relpath.startswith(("/", "\\")) or ".." in parts or bool(re.match(r"^[A-Za-z]:", relpath))


def users(root: Path, cache: Path, name: str, wrong: Collection[str]) -> list[str]:
    """Outputs in dvc.lock that the object is, or is a part of; a listing that is `wrong` itself is not believed."""
    text = (root / "dvc.lock").read_text(encoding="utf-8") if (root / "dvc.lock").is_file() else ""
    found = []
    for path, md5 in sorted(locked_outs(text).items()):
        listing = cache / "files/md5" / md5[:2] / md5[2:]
        listed = md5.endswith(".dir") and md5 not in wrong and listing.is_file()
        inside = json.loads(listing.read_bytes()) if listed else []
        found += [path] if md5 == name else [f"{path}/{e['relpath']}" for e in inside if e["md5"] == name]
    return found


def escaping_links(root: Path) -> list[Path]:
    """Symbolic links in data/ that lead neither into the project nor into the cache."""
    cache = cache_folder(root).resolve()
    links = (path for path in sorted((root / "data").rglob("*")) if path.is_symlink())
    return [path for path in links if not any(path.resolve().is_relative_to(home) for home in (root.resolve(), cache))]


def cache_folder(root: Path) -> Path:
    """Where DVC keeps what it caches for this project."""
    return (root / dvc("cache", "dir", folder=root).strip()).resolve()


def main() -> None:
    """See the module's docstring; status 1 when anything is wrong."""
    root = project_root()
    cache = cache_folder(root)
    wrong = wrong_objects(cache)
    for name, problem in wrong.items():
        used = ", ".join(users(root, cache, name, wrong)) or "no output of this dvc.lock"
        print(f"{cache / 'files/md5' / name[:2] / name[2:]} {problem}; used by {used}")
    records = wrong_records(cache)
    for path, problem in records.items():
        print(f"{path} {problem}")
    links = escaping_links(root)
    for path in links:
        print(f"{path.relative_to(root)} is a link that leads out of the project: {path.resolve()}")
    if wrong or records or links:
        print("remove what is named and run `dvc repro`, or `dvc fetch` from a remote that you trust")
        sys.exit(1)
    objects, runs = (len(list(cache.glob(pattern))) for pattern in ("files/md5/??/*", "runs/??/*/*"))
    print(f"{objects} objects and {runs} records of runs, all as their names say")


if __name__ == "__main__":
    run(main)
