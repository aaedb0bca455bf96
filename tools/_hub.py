"""A hub's text and models at a pinned revision. The network is used here and nowhere else, and only when asked."""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMIT = re.compile(r"[0-9a-f]{40}")
NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
SECONDS = 20


@dataclass(frozen=True)
class Pinned:
    """A repository of a hub (`kind` datasets or models) at one commit. ValueError for what may change."""

    kind: str
    name: str
    revision: str

    def __post_init__(self) -> None:
        """See the class."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"'{self.name}' is no name of a hub's repository; give owner/name")
        if not COMMIT.fullmatch(self.revision):
            page = f"https://huggingface.co/{'datasets/' * (self.kind == 'datasets')}{self.name}"
            given = f"'{self.revision}' may change" if self.revision else "no --revision was given"
            raise ValueError(
                f"{self.name}: {given}; give --revision a full commit, 40 digits of 0-9 and a-f: "
                f"see {page}/commits/main, or `git ls-remote {page} main`"
            )

    def __str__(self) -> str:
        return f"{self.name} at {self.revision[:12]}"


def hub_rows(
    source: Pinned, config: str | None, split: str, columns: Sequence[str], distinct: str | None, count: int
) -> Iterator[str]:
    """The first `count` rows of a dataset's split as lines of JSON, streamed; `columns` (none: all) in their order.

    `distinct` names a column, each value of which is taken once (None: every row).
    """
    _reach(source)
    with tempfile.TemporaryDirectory() as cache, _told(source):
        from datasets import load_dataset

        # hf://: never a folder here that happens to have that name; an empty cache: never another revision's rows
        whole = load_dataset(
            f"hf://datasets/{source.name}",
            config,
            split=split,
            revision=source.revision,
            streaming=True,
            cache_dir=cache,
        )
        rows = ((row, f"{source}, row {number}") for number, row in enumerate(whole, start=1))
        for row, where in itertools.islice(_distinct(rows, distinct) if distinct else rows, count):
            yield _line(row, columns, where)


def hub_model(source: Pinned, patterns: Sequence[str], folder: Path) -> None:
    """Download the files of a model that match `patterns` into `folder`."""
    _reach(source)
    with _told(source):
        from huggingface_hub import snapshot_download

        snapshot_download(
            source.name,
            revision=source.revision,
            allow_patterns=list(patterns),
            ignore_patterns=["*/*"],  # what lies deeper is another format of the same weights
            local_dir=folder,
        )


def _reach(source: Pinned) -> None:
    """One quick question, because downloads try again for long; and the commit must be the one that was asked for."""
    with _told(source):
        from huggingface_hub import HfApi

        kind = source.kind.removesuffix("s")
        found = HfApi().repo_info(source.name, repo_type=kind, revision=source.revision, timeout=SECONDS).sha
    if found != source.revision:
        raise ValueError(f"{source.name}: the hub answers with commit {found}, not {source.revision}; give a commit")


@contextmanager
def _told(source: Pinned) -> Iterator[None]:
    """Whatever a hub's client raises, in one line."""
    try:
        yield
    except ImportError as error:
        raise ValueError(f"{error}; a hub needs `pip install -c env/numerics.lock -e '.[pipeline]'`") from None
    except _Refused:
        raise
    except Exception as error:  # httpx, fsspec, pyarrow and the hub's own: there is no common class
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        raise ConnectionError(
            f"{hub} did not give {source} ({what}); check the name, the commit and the network, or get the files "
            "in another way and give them with --text or --model"
        ) from None


class _Refused(ValueError):
    """Something of ours is wrong with what the hub gave."""


def _distinct(rows: Iterator[tuple[dict[str, Any], str]], column: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The first row of each value of a column, in order."""
    seen = set()
    for row, where in rows:
        value = _line(row, [column], where)
        if value not in seen:
            seen.add(value)
            yield row, where


def _line(row: dict[str, Any], columns: Sequence[str], where: str) -> str:
    missing = [name for name in columns if name not in row]
    if missing:
        raise _Refused(f"{where} has no '{missing[0]}'; its columns are: {', '.join(row)}; give one as --column")
    chosen = {name: row[name] for name in columns or row}
    for name, value in chosen.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise _Refused(f"{where}: '{name}' is a {kind}, which is no text; choose others with --column") from None
    return json.dumps(chosen, ensure_ascii=False) + "\n"
