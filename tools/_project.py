"""What tools share: the project that they are run in, other programs, and mistakes told in one message."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sieve.provenance import open_work


class CallError(ValueError):
    """Another program said no."""


def project_root() -> Path:
    """The project is the current folder, as for `dvc repro`. FileNotFoundError when it is none."""
    root = Path.cwd()
    if not (root / "dvc.yaml").is_file():
        raise FileNotFoundError(f"{root} holds no dvc.yaml; run this from the project's root")
    open_work(root)
    return root


def call(*command: str, folder: Path) -> str:
    """Run a program in `folder` and return what it printed. CallError carries its own words."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CallError(f"`{' '.join(command)}` failed in {folder} with status {done.returncode}:\n{said}")
    return done.stdout


def dvc(*arguments: str, folder: Path) -> str:
    """Run the DVC of this environment."""
    return call(sys.executable, "-m", "dvc", *arguments, folder=folder)


def run(main: Callable[[], None]) -> None:
    """Run a tool's main; mistakes that a user can make end in one message on standard error and exit status 1."""
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


@dataclass(frozen=True)
class Stage:
    """One expanded stage as dvc.yaml has it: what it reads, which params, what it writes (paths from the root)."""

    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]


def locked(root: Path) -> dict[str, Any]:
    """What dvc.lock says of each stage; nothing when there is none."""
    from ruamel.yaml import YAML

    path = root / "dvc.lock"
    values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) if path.is_file() else None
    return (values or {}).get("stages", {})


def pipeline(root: Path) -> dict[str, Stage]:
    """{stage or stage@subject: what it declares}, every stage after those it needs."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    found: dict[str, Stage] = {}
    with Repo(str(root)) as repo:
        for stage in repo.index.stages:
            params = [name for d in stage.deps if isinstance(d, ParamsDependency) for name in d.params]
            deps = [d.def_path for d in stage.deps if not isinstance(d, ParamsDependency)]
            found[stage.name] = Stage(tuple(deps), tuple(params), tuple(o.def_path for o in stage.outs))
    return {name: found[name] for name in _in_order(found)}


def needs(stages: dict[str, Stage], name: str) -> list[str]:
    """The stages that write what stage `name` reads."""
    return [other for other, s in stages.items() if any(within(d, o) for d in stages[name].deps for o in s.outs)]


def within(path: str, other: str) -> bool:
    """Whether one path is the other, or lies in it."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _in_order(stages: dict[str, Stage]) -> list[str]:
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for earlier in needs(stages, name):
                visit(earlier)
            ordered.append(name)

    for name in stages:
        visit(name)
    return ordered
