"""The README's table of findings, from the summary of a run.

python -m tools.findings                        of the default
python -m tools.findings presets/stories260k    of a preset, as published
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sieve.provenance import read_json
from stages._params import load_params

COLUMNS = {
    "FVU": "fvu",
    "L0": "l0",
    "CE recovered": "ce_recovered",
    "answers": "answers",
    "mean cos²": "mean_cos2",
    "ceiling": "ceiling",
    "strength": "swap_strength",
    "swap success": "swap_success",
    "… and answer kept": "swap_success_and_kept",
    "at strength 1": "swap_success_at_1",
    "random latent": "swap_random",
    "other name's latent": "swap_other",
    "own language": "ablation_diagonal",
    "other languages": "ablation_off_diagonal",
}


def table(summary: dict[str, Any], subjects: list[str]) -> str:
    """One line per subject; — where a question does not apply."""
    lines = ["| subject | " + " | ".join(COLUMNS) + " |", "|---|" + "--:|" * len(COLUMNS)]
    for subject in subjects:
        cells = [_cell(summary[f"{subject}.{key}"]) for key in COLUMNS.values()]
        lines.append(f"| {subject} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def findings(folder: Path) -> str:
    """The table of the run in `folder`: the project itself, or a preset's folder."""
    inside = folder / "data" / "summary.json"
    summary = read_json(inside if inside.is_file() else folder / "summary.json")
    return table(summary, load_params(folder / "params.yaml").subjects)


def _cell(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.4f}" if 0 < abs(value) < 0.05 else f"{value:.2f}"


if __name__ == "__main__":
    print(findings(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
