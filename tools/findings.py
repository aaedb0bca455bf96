"""The README's table of findings, from a summary.

python -m tools.findings [data/summary.json]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sieve.provenance import read_json

COLUMNS = {
    "FVU": "fvu",
    "L0": "l0",
    "CE recovered": "ce_recovered",
    "answers": "answers",
    "mean cos²": "mean_cos2",
    "ceiling": "ceiling",
    "swap success": "swap_success",
    "random control": "swap_random",
    "answer kept": "swap_kept",
}


def table(summary: dict[str, Any]) -> str:
    """One line per subject, in the order of the summary's first appearance; — where a question does not apply."""
    subjects = list(dict.fromkeys(key.split(".")[0] for key in summary))
    lines = ["| subject | " + " | ".join(COLUMNS) + " |", "|---|" + "--:|" * len(COLUMNS)]
    for subject in subjects:
        cells = [_cell(summary.get(f"{subject}.{key}")) for key in COLUMNS.values()]
        lines.append(f"| {subject} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.4f}" if abs(value) < 0.05 and value != 0 else f"{value:.2f}"


if __name__ == "__main__":
    print(table(read_json(Path(sys.argv[1] if len(sys.argv) > 1 else "data/summary.json"))))
