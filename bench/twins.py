"""twins: the same pipeline at two paths, in two environments that differ in all that should not matter.

    python -m bench.twins --preset toy --into DIR

Threads asked for, locale, time zone, umask, hash seed, terminal and temporary folder differ; lock and summary must not.
Status 1 when they do.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools._project import dvc, project_root, run
from tools.preset import make

TWINS = {
    "one": {"OMP_NUM_THREADS": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0", "umask": "022"},
    "another one": {
        "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4711", "COLUMNS": "40", "umask": "077",
    },
}  # fmt: skip


def grow(project: Path, preset: str, folder: Path, environment: dict[str, str]) -> dict[str, bytes]:
    """Run the preset in `folder` with a cache of its own; returns the files to compare."""
    make(project, preset, folder)
    dvc("config", "--local", "--unset", "cache.dir", folder=folder)
    (folder / "dvc.lock").unlink(missing_ok=True)
    temporary = folder.parent / f"tmp of {folder.name}"
    temporary.mkdir()
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--quiet"],
        cwd=folder,
        env={**os.environ, **environment, "TMPDIR": str(temporary)},
        umask=int(environment["umask"], 8),
        check=True,
    )
    return {name: (folder / name).read_bytes() for name in ("dvc.lock", "data/summary.json")}


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="toy")
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    given.into.mkdir(parents=True)
    one, other = (
        grow(project_root(), given.preset, given.into.resolve() / name, environment)
        for name, environment in TWINS.items()
    )
    for name in one:
        print(f"{name}: {'byte-identical' if one[name] == other[name] else 'DIFFERENT'}")
    sys.exit(one != other)


if __name__ == "__main__":
    run(main)
