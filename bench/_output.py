"""What measurements share when they tell what they found: a table, a file, and how the machine is described."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sieve.provenance import read_json, write_json

MIB = 2**20


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line with the option that all measurements have."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--json", type=Path, metavar="FILE", help="write figures there, beside those of other commands")
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, first column to the left, aligned for the terminal too."""
    widths = [max(3, *(len(cell) for cell in column)) for column in zip(head, *rows)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]) + " |"

    return "\n".join([line(head), line(rule), *map(line, rows)])


def write(path: Path | None, name: str, figures: Any, ratios: dict[str, Any]) -> None:
    """Enter one command's figures under `name`, and its ratios under `ratios`, in a file that may hold others'."""
    if path is None:
        return
    found = read_json(path) if path.is_file() else {}
    found |= {name: figures, "machine": machine(), "ratios": found.get("ratios", {}) | ratios}
    write_json(path, found)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    import torch

    return {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
