"""What the README tells a reader to type. `python -m tests.readme tests` prints the test command."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def quick_start() -> list[str]:
    """The two commands of `## Quick start`: the main job, then the tests."""
    section = re.search(r"^## Quick start\n(.*?)(?=^## )", README.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert section, "README.md has no section '## Quick start'"
    return [block.strip() for block in re.findall(r"^```bash\n(.*?)^```", section[1], flags=re.M | re.S)]


def python_blocks() -> list[str]:
    """Every fenced Python block."""
    return re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.M | re.S)


if __name__ == "__main__":
    print(quick_start()[["repro", "tests"].index(sys.argv[1])])
