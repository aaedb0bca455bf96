"""pin: declare this environment in env/numerics.lock.

    python -m tools.pin

Rewrites the version of every package that the lock names, and Python's, to what is installed. Threads and matmul stay:
they are choices. Every stage depends on the lock, so everything runs again.
"""

from __future__ import annotations

import re
import sys

from stages._numerics import NUMERICS, installed_version
from tools._project import project_root, run


def pinned(text: str) -> str:
    """The lock's text with the versions of this environment. ValueError for a package that isn't installed."""

    def now(match: re.Match[str]) -> str:
        found = installed_version(match[1])
        if not found:
            raise ValueError(f"{match[1]} is not installed; install it or take its line out of {NUMERICS}")
        return f"{match[1]}=={found}"

    text = re.sub(r"^([A-Za-z0-9_.-]+)==\S+$", now, text, flags=re.M)
    return re.sub(r"^# python: \S+$", f"# python: {sys.version_info.major}.{sys.version_info.minor}", text, flags=re.M)


def main() -> None:
    """The command line."""
    path = project_root() / NUMERICS
    old = path.read_text(encoding="utf-8")
    new = pinned(old)
    path.write_text(new, encoding="utf-8", newline="\n")
    changed = sorted(set(new.splitlines()) - set(old.splitlines()))
    print("\n".join(changed) if changed else f"{NUMERICS} says what is installed already")


if __name__ == "__main__":
    run(main)
