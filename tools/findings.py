"""The README's table of findings, from the summary of a run.

python -m tools.findings                                         of the default
python -m tools.findings presets/stories260k                     of a preset, as published
python -m tools.findings presets/controls presets/untrained      of several runs in one table
"""

from __future__ import annotations

import sys
from pathlib import Path

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


def findings(*folders: Path) -> str:
    """The table of the runs in `folders` (the project itself, presets' folders), one line per subject.

    Of several runs each line names its own. A question that does not apply is a —.
    """
    lines = ["| subject | " + " | ".join(COLUMNS) + " |", "|---|" + "--:|" * len(COLUMNS)]
    for folder in folders:
        inside = folder / "data" / "summary.json"
        summary = read_json(inside if inside.is_file() else folder / "summary.json")
        for subject in load_params(folder / "params.yaml").subjects:
            cells = [_cell(summary[f"{subject}.{key}"]) for key in COLUMNS.values()]
            cells.insert(0, f"{folder.name or 'default'}: {subject}" if len(folders) > 1 else subject)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.4f}" if 0 < abs(value) < 0.05 else f"{value:.2f}"


if __name__ == "__main__":
    print(findings(*map(Path, sys.argv[1:] or ["."])))
