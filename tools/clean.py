"""clean: remove unfinished work that nobody continued for a while, and what stages left that no stage owns any more.

    python -m tools.clean              remove them, and say what
    python -m tools.clean --dry-run    only say what
    python -m tools.clean --days 0     work of any age: the next `dvc repro` then begins from the start

Looks only into the folders that stages write to (data/subjects, data/evaluate, …) and into .work; whatever git tracks,
your own files elsewhere in data/, and the work of a stage that is running stay.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sieve.provenance import BusyError, lock
from sieve.provenance.publish import remove
from tools._project import call, pipeline, project_root, run, within


@contextmanager
def idle(root: Path) -> Iterator[list[Path]]:
    """The work folders of stages that are not running, which cannot start either while the block lasts."""
    with ExitStack() as held:
        found = []
        for folder in sorted(path for path in (root / ".work").glob("*") if path.is_dir()):
            locks = sorted(folder.glob("*.lock"))  # .work/site, DVC's own notes, has none
            try:
                for path in locks:
                    held.enter_context(lock(path, "python -m tools.clean"))
            except BusyError:
                continue
            found += [folder] * bool(locks)
        yield found


def old_work(folders: list[Path], days: float) -> list[Path]:
    """Work in these folders that was last written to more than `days` ago."""
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir() and _age(path) > days]


def _age(folder: Path) -> float:
    newest = max((path.stat().st_mtime for path in [folder, *folder.rglob("*")]), default=0.0)
    return (time.time() - newest) / 86_400


def orphans(root: Path) -> list[Path]:
    """What lies beside the outputs of stages that have a folder for many, and is no output, nor tracked by git."""
    owned = [out for stage in pipeline(root).values() for out in stage.outs]
    tracked = call("git", "ls-files", "-z", "data", folder=root).split("\0")[:-1]
    shelves = {Path(out).parent for out in owned} - {Path("data")}
    return [
        path
        for shelf in sorted(shelves)
        for path in sorted((root / shelf).glob("[!.]*"))
        if not any(within(path.relative_to(root).as_posix(), name) for name in [*owned, *tracked])
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--days", type=float, default=7.0)
    given, root = parser.parse_args(), project_root()
    left = orphans(root)
    with idle(root) as folders:
        for path in [*old_work(folders, given.days), *left]:
            print(f"{'would remove' if given.dry_run else 'removed'} {path.relative_to(root)}")
            if not given.dry_run:
                remove(path)


if __name__ == "__main__":
    run(main)
