"""A folder that holds what one stage declares and nothing else, and what came of running the stage in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import run_in
from tools._project import Stage, locked, pipeline, within
from tools._statements import Statement, statements


@cache
def declared(project: Path) -> dict[str, Stage]:
    """What the stages of a project declare, asked once."""
    return pipeline(project)


@dataclass
class Sandbox:
    """One stage of a finished pipeline in a folder of its own."""

    name: str
    folder: Path
    stage: Stage
    command: str

    @classmethod
    def of(cls, project: Path, name: str, folder: Path) -> Sandbox:
        """Copy the declared dependencies of a stage, as they are after `dvc repro`, and params.yaml."""
        stage = declared(project)[name]
        for dep in stage.deps:
            (folder / dep).parent.mkdir(parents=True, exist_ok=True)
            if (project / dep).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(project / dep, folder / dep, copy_function=shutil.copyfile, ignore=ignored)
            else:
                shutil.copyfile(project / dep, folder / dep)
        shutil.copyfile(project / "params.yaml", folder / "params.yaml")
        for out in stage.outs:
            (folder / out).parent.mkdir(parents=True, exist_ok=True)
        return cls(name, folder, stage, locked(project)[name]["cmd"])

    def run(self, traced: bool = False) -> subprocess.CompletedProcess:
        """Run the stage's command as DVC would, but for its parent's life; perhaps under strace."""
        command = self.command.replace("${DVC_STAGE#*@}", self.name.split("@")[-1])
        if traced:
            command = command.replace(
                "exec python", "exec strace -f --seccomp-bpf -qq -e trace=openat,open -o trace.log python"
            )
        return run_in(self.folder, "/bin/sh", "-c", command, check=False, PYTHONDONTWRITEBYTECODE="1")

    def statement(self) -> Statement:
        """What the run said of itself."""
        return statements(self.folder)[-1]

    def opened(self, roots: list[Path]) -> set[str]:
        """Files below `roots` that were opened for reading, by strace's word, relative to their root."""
        found = set()
        text = (self.folder / "trace.log").read_text(encoding="utf-8", errors="replace")
        for line in _whole(text.splitlines()):
            match = re.search(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", ([A-Z_|]+).*\) = \d+', line)
            if match and "O_DIRECTORY" not in match[2] and "O_WRONLY" not in match[2]:
                path = Path(os.path.normpath(self.folder / match[1]))
                found |= {path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)}
        return found


def _whole(lines: list[str]) -> Iterator[str]:
    """strace's lines, with calls that it printed in two parts (another thread's came between) put together."""
    begun: dict[str, str] = {}
    for line in lines:
        thread = line.split(maxsplit=1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            yield begun.pop(thread, "") + line.split("resumed>", 1)[1]
        else:
            yield line


def undeclared_params(stage: Stage, statement: Statement) -> list[str]:
    """Params that were read and that dvc.yaml does not declare."""
    return [p for p in statement.params if not any(p == d or p.startswith(f"{d}.") for d in stage.params)]


def unused_params(stage: Stage, statement: Statement) -> list[str]:
    """Params that dvc.yaml declares and that were not read."""
    return [d for d in stage.params if not any(p == d or p.startswith(f"{d}.") for p in statement.params)]


def undeclared_files(stage: Stage, files: set[str]) -> list[str]:
    """Which of `files` no declared dependency is or holds, and the stage does not write itself."""
    own = (*stage.deps, *stage.outs, "params.yaml", ".work", "data/provenance", "trace.log")
    writes = {Path(out).parent.as_posix() for out in stage.outs}  # an out appears under another name first
    return sorted(
        f
        for f in files
        if not any(within(f, d) for d in own)
        and not (Path(f).name.startswith(".") or any(part.startswith(".") for part in Path(f).parts))
        and Path(f).parent.as_posix() not in writes
    )
