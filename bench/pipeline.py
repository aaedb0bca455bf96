"""pipeline: seconds and memory of a finished run, stage by stage, and how much of it was start-up.

    python -m bench pipeline [FOLDER] [--json FILE]

Seconds and memory are those that each stage of the run in FOLDER stated when it last ran, from the moment at which its
work began. What came before, Python and the stage's imports, is taken now: once per program, with `--help`. Modules
that a stage imports only later, such as transformers, count as work.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench._output import MIB, parser, table, write
from tools._statements import last_runs

ROOT = Path(__file__).parents[1]


def start_up(stage: str, times: int) -> float:
    """Seconds until a stage has read its command line; the median of some."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        found.append(time.perf_counter() - begun)
    return median(found)


def main() -> None:
    """See the module's docstring."""
    found = parser(__doc__)
    found.add_argument("folder", nargs="?", type=Path, default=Path())
    found.add_argument("--times", type=int, default=3, help="starts of each program, of which the median counts")
    given = found.parse_args()
    runs = sorted(last_runs(given.folder).values(), key=lambda run: run.finished)
    if not runs:
        raise FileNotFoundError(f"{given.folder} has no statements of stages; run `dvc repro` there first")
    starts = {stage: start_up(stage, given.times) for stage in sorted({run.stage for run in runs})}
    rows = [[run.item, f"{run.seconds:,.1f}", f"{starts[run.stage]:.1f}", f"{run.memory / MIB:,.0f}"] for run in runs]
    work, before = sum(run.seconds for run in runs), sum(starts[run.stage] for run in runs)
    rows.append(["all", f"{work:,.1f}", f"{before:,.1f}", f"{max(run.memory for run in runs) / MIB:,.0f}"])
    share = before / (work + before)
    print(table(["stage", "s", "start-up s", "peak MiB"], rows))
    print(f"\n{len(runs)} stages, {work + before:,.0f} s one after the other, of which start-up {share:.0%}")
    stages = {run.item: {"seconds": run.seconds, "memory": run.memory, "start_up": starts[run.stage]} for run in runs}
    write(given.json, "pipeline", stages, {"start_up_share": share})
