"""What tools share: the project that they are run in, other programs, and mistakes told in one message."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


class CallError(ValueError):
    """Another program said no."""


def project_root() -> Path:
    """The project is the current folder, as for `dvc repro`. FileNotFoundError when it is none."""
    root = Path.cwd()
    if not (root / "dvc.yaml").is_file():
        raise FileNotFoundError(f"{root} holds no dvc.yaml; run this from the project's root")
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
