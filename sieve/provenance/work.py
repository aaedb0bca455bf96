"""Unfinished work that is found again: one writer at a time, finished pieces in a journal, checkpoints.

A piece is written under another name, synced, renamed and then entered in the journal with its SHA-256. After a crash
at any moment a piece is trusted only if its bytes still have the digest that the journal says, so at most the
pieces in flight are lost. POSIX only: the lock is `flock`, which the system lets go when its holder dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sieve.provenance.canonical import read_tensors, write_tensors
from sieve.provenance.digests import digest_path
from sieve.provenance.publish import remove, rename

if TYPE_CHECKING:
    from torch import Tensor

Warn = Callable[[str], None]


class BusyError(OSError):
    """Somebody else is writing the same outputs."""


def open_work(project: Path) -> Path:
    """The project's folder for unfinished work, for its owner only: DVC keeps notes in it and opens them as pickles."""
    folder = project / ".work"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    return folder


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def lock(path: Path, who: str) -> Iterator[None]:
    """Hold the lock file `path` within the block. BusyError, at once, when another process does; it names that one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(f"{holder} is writing the same outputs; wait until it has ended, or stop it") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} ({who})\n")
        file.flush()
        yield


class Work:
    """A folder of finished pieces, each a file or a folder; `warn` is told of every piece that is damaged."""

    def __init__(self, folder: Path, warn: Warn) -> None:
        self.folder, self.warn = Path(folder), warn
        self.folder.mkdir(parents=True, exist_ok=True)
        self._journal = self.folder / "journal.jsonl"
        self._begun = time.time()
        self._runs: dict[float, tuple[float, int]] = {}
        self._digests: dict[str, str] = dict(self._read_journal())
        if self._journal.is_file() and not self._journal.read_bytes().endswith(b"\n"):
            with self._journal.open("a", encoding="utf-8") as journal:
                journal.write("\n")  # a line that was cut off must not swallow the next

    def _read_journal(self) -> Iterator[tuple[str, str]]:
        text = self._journal.read_text(encoding="utf-8", errors="replace") if self._journal.is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                entry = json.loads(line)
                self._runs[entry["begun"]] = entry["seconds"], entry["memory"]
                yield entry["piece"], entry["sha256"]
            except (ValueError, KeyError, TypeError):
                self.warn(f"{self._journal} line {number} can't be read; the piece that it spoke of is made again")

    def piece(self, name: str, make: Callable[[Path], None]) -> Path:
        """The piece `name` as it was finished before, if it is sound; else `make(path)` writes it anew."""
        if not self.sound(name):
            self.keep(name, make)
        return self.folder / name

    def sound(self, name: str) -> bool:
        """Whether the piece is finished and its bytes are those that were written then; damage is told to `warn`."""
        path, wanted = self.folder / name, self._digests.get(name)
        if wanted is None or not path.exists():
            return False
        found = digest_path(path)
        if found != wanted:
            self.warn(
                f"{path} is damaged: its SHA-256 was {wanted[:12]} when it was finished and is {found[:12]} now; "
                "it is not used"
            )
        return found == wanted

    def keep(self, name: str, make: Callable[[Path], None]) -> None:
        """Write a piece and enter it in the journal; from any thread, one piece at a time."""
        path = self.folder / name
        temporary = path.with_name(f".{path.name}.partial")
        remove(temporary)
        make(temporary)
        digest = digest_path(temporary)
        remove(path)
        rename(temporary, path)
        entry = {"piece": name, "sha256": digest, "begun": self._begun, "seconds": round(time.time() - self._begun, 1)}
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry | {"memory": peak_memory()}) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self._digests[name] = digest

    def digest(self, name: str) -> str:
        """Hex SHA-256 of a finished piece, taken when it was written."""
        return self._digests[name]

    @property
    def earlier(self) -> list[tuple[float, int]]:
        """(seconds, bytes of memory) of every interrupted run that left pieces, up to the last one that it finished."""
        return list(self._runs.values())

    def names(self) -> list[str]:
        """Every piece that the journal speaks of, in the order in which they were finished."""
        return list(self._digests)

    def drop(self, name: str) -> None:
        """Remove a piece that is no longer needed."""
        remove(self.folder / name)

    def clear(self) -> None:
        """Remove everything: the outputs have appeared."""
        remove(self.folder)


class Checkpoints:
    """The state of one training loop, kept every so many seconds; the last two are there, in case one is damaged.

    Every 15 seconds, or as the environment's SIEVE_CHECKPOINT_SECONDS says: no output depends on it.
    """

    def __init__(self, work: Work, seconds: float | None = None) -> None:
        self.work = work
        self.seconds = float(os.environ.get("SIEVE_CHECKPOINT_SECONDS", "15")) if seconds is None else seconds
        self._last = time.monotonic()

    def load(self) -> tuple[dict[str, Tensor], Any] | None:
        """(tensors, metadata) of the newest sound checkpoint, or None."""
        for name in sorted(self._names(), reverse=True):
            if self.work.sound(name):
                return read_tensors(self.work.folder / name)
            self.work.drop(name)
        return None

    def offer(self, step: int, state: Callable[[], tuple[dict[str, Tensor], Any]]) -> None:
        """Called after every step; keeps `state()` when enough time has gone by."""
        if time.monotonic() - self._last < self.seconds:
            return
        older = self._names()
        self.work.keep(f"checkpoint_{step:09d}.safetensors", lambda path: write_tensors(path, *state()))
        for name in sorted(older)[:-1]:
            self.work.drop(name)
        self._last = time.monotonic()

    def _names(self) -> list[str]:
        return [n for n in self.work.names() if n.startswith("checkpoint_") and (self.work.folder / n).exists()]
