"""Is what a stage is about to read what an earlier stage wrote? DVC trusts times and sizes; this reads the bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from sieve.provenance import DamageError


def require_as_locked(paths: Iterable[Path], lock: Path = Path("dvc.lock")) -> None:
    """DamageError when an input differs from the output that dvc.lock records under its path.

    Inputs that are part of an output (one site's activations) carry digests of their own. Only true while DVC is
    running: by hand, dvc.lock may speak of another run.
    """
    locked = locked_outs(lock.read_text(encoding="utf-8")) if lock.is_file() else {}
    for path in paths:
        wanted = locked.get(path.as_posix())
        found = md5_of(path) if wanted else None
        if found != wanted:
            raise DamageError(
                f"{path} is not what was written: its MD5 was {wanted} in dvc.lock and is {found} now, so it was "
                "changed or damaged behind DVC's back. `python -m tools.cache` says whether the cached copy is sound; "
                f"if so, remove {path} and run `dvc checkout`, else remove both and run `dvc repro` again"
            )


def locked_outs(text: str) -> dict[str, str]:
    """{path: MD5} of every output in a dvc.lock. DVC writes it in one form; a YAML parser would take seconds."""
    blocks = re.findall(r"^    outs:\n((?:^    [ -].*\n)+)", text, flags=re.M)
    return dict(re.findall(r"^    - path: (.+)\n      hash: md5\n      md5: (\S+)$", "".join(blocks), flags=re.M))


def md5_of(path: Path) -> str:
    """DVC's name for a file's bytes, or for a folder's: the MD5 of its JSON list of files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    listed = [{"md5": md5_of(path / name), "relpath": name} for name in files]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
