"""preset: a workspace for another world, beside this one.

    python -m tools.preset NAME --into DIR   make it: a clone with presets/NAME/params.yaml; then say `dvc repro` in it
    python -m tools.preset --publish         in a workspace: bring what it found back into presets/NAME

A workspace shares the project's DVC cache and starts with a copy of what lies in its doors data/input/text and
data/input/model. presets/NAME is read as it is now, everything else as it was last committed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from sieve.provenance import publish, read_json, write_json
from tools._project import call, dvc, project_root, run

MEMORY = Path(".work/preset.json")
RESULTS = {"dvc.lock": Path("dvc.lock"), "summary.json": Path("data/summary.json")}  # in the preset: in the workspace
DOORS = ("data/input/text", "data/input/model")


def make(project: Path, name: str, into: Path) -> None:
    """Make a workspace of preset `name` at `into`, which must not exist or be empty; whole or not at all."""
    preset, into = find(project, name), into.resolve()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FileExistsError(f"{into} is not empty; give a new folder")
    if not call("git", "rev-list", "--max-count=1", "--all", folder=project):
        raise ValueError(f"{project} has no commit that could be cloned; commit first")
    with publish(into) as workspace:
        call("git", "clone", "--quiet", str(project), str(workspace), folder=project)
        shutil.copyfile(preset / "params.yaml", workspace / "params.yaml")
        for kept, place in RESULTS.items():
            (workspace / place).unlink(missing_ok=True)
            if (preset / kept).is_file():
                shutil.copyfile(preset / kept, workspace / place)
        for door in DOORS:
            _copy_door(project / door, workspace / door)
        if (workspace / "tools/wire.py").is_file():
            call(sys.executable, "-m", "tools.wire", folder=workspace)
        dvc("config", "--local", "cache.dir", str(project / ".dvc/cache"), folder=workspace)
        write_json(workspace / MEMORY, {"name": name, "origin": str(project)})


def find(project: Path, name: str) -> Path:
    """The folder of a preset. ValueError lists those that exist."""
    known = sorted(path.parent.name for path in (project / "presets").glob("*/params.yaml"))
    if name not in known:
        raise ValueError(f"there is no preset '{name}'; there are: {', '.join(known) or 'none'}")
    return project / "presets" / name


def _copy_door(source: Path, target: Path) -> None:
    # README.md is the project's own and comes with the clone; plain copies, because DVC makes what it links read-only
    ignored = shutil.ignore_patterns("README.md")
    if source.is_dir():
        shutil.copytree(source, target, ignore=ignored, copy_function=shutil.copyfile, dirs_exist_ok=True)


def bring_back(workspace: Path) -> list[Path]:
    """Copy lock and summary into the preset that the workspace was made from; returns the files that were written.

    ValueError when the workspace is none, when its params are not the preset's, or when a result is out of date.
    """
    if not (workspace / MEMORY).is_file():
        raise ValueError(f"{workspace} is no preset's workspace; make one: `python -m tools.preset NAME --into DIR`")
    memory = read_json(workspace / MEMORY)
    preset = find(Path(memory["origin"]), memory["name"])
    if (workspace / "params.yaml").read_bytes() != (preset / "params.yaml").read_bytes():
        raise ValueError(f"params.yaml is not that of {preset}; copy it there first, if it is to be the preset")
    stale = sorted(json.loads(dvc("status", "--json", folder=workspace)))
    if stale:
        raise ValueError(f"out of date: {', '.join(stale)}; run `dvc repro` first")
    for kept, place in RESULTS.items():
        with publish(preset / kept) as path:
            shutil.copyfile(workspace / place, path)
    stages = set(dvc("stage", "list", "--name-only", folder=workspace).split())
    lock = preset / "dvc.lock"
    lock.write_text(without_others(lock.read_text(encoding="utf-8"), stages), encoding="utf-8")
    return [preset / kept for kept in RESULTS]


def without_others(lock: str, stages: Collection[str]) -> str:
    """The text of a dvc.lock with these stages only: DVC keeps in it what an older dvc.yaml had."""
    head, *blocks = re.split(r"^(?=  \S)", lock, flags=re.MULTILINE)
    return head + "".join(block for block in blocks if block.split(":\n", 1)[0].strip() in stages)


def _advise(project: Path, name: str, into: Path) -> None:
    changed = call("git", "status", "--porcelain", folder=project).splitlines()
    if changed:
        changes = f"{len(changed)} uncommitted change{'s' * (len(changed) > 1)}"
        print(f"warning: {project} has {changes}; the workspace holds the last commit only", file=sys.stderr)
    print(f"preset '{name}' is set up in {into}; next:\n  cd {into}")
    if (project / "presets" / name / "README.md").is_file():
        print(f"  less presets/{name}/README.md      # what belongs into data/input")
    print("  dvc repro\n  python -m tools.preset --publish   # brings the summary and dvc.lock back")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--into", type=Path, metavar="DIR")
    parser.add_argument("--publish", action="store_true")
    given = parser.parse_args()
    if given.publish == bool(given.name) or bool(given.into) != bool(given.name):
        parser.error("give NAME --into DIR, or --publish alone")
    project = project_root()
    if given.publish:
        for path in bring_back(project):
            print(f"wrote {path}")
    else:
        make(project, given.name, given.into)
        _advise(project, given.name, given.into)


if __name__ == "__main__":
    run(main)
