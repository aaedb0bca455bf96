"""faults: kill long stages at random moments, again and again, and see whether a rerun ends where it would have ended.

    python -m bench.faults --kills 20 --into DIR

Makes a workspace of presets/faults, runs its chain of long stages undisturbed, then interrupts one after the other
at seeded moments: SIGKILL to the stage, to DVC alone or to both, and SIGTERM to DVC. After each, no process may be left
over, and the stage, run again, must end with the undisturbed dvc.lock. Then two `dvc repro` at once, and a flipped bit
in a checkpoint. One line each; status 1 when anything was not as it should be.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tools._project import call, dvc, project_root, run
from tools._statements import last_runs
from tools.preset import make

LONG = ("model", "activations", "train@topk", "orthogonalize@cosine_5", "adapt@adapted_5")
TARGET = LONG[-1]
WAYS = ("SIGKILL stage", "SIGKILL dvc", "SIGKILL both", "SIGTERM dvc")
IMPORTS = 2.0  # seconds from a stage's start until it begins to work
ENVIRONMENT = {"SIEVE_CHECKPOINT_SECONDS": "0.5"}


def prepare(project: Path, into: Path) -> Path:
    """A workspace of the preset with a cache of its own, so that nothing is restored that another run left."""
    make(project, "faults", into)
    dvc("config", "--local", "--unset", "cache.dir", folder=into)
    return into


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`dvc repro` in the background, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stage_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    """The stage that a `dvc repro` is running, once it has one."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if any(word.startswith("stages.") for word in child.cmdline()):
            return child
    return None


def interrupt(folder: Path, stage: str, way: str, after: float) -> tuple[bool, bool]:
    """Run one stage and end it `after` seconds from its start: (was it still running, is a process left over)."""
    process = start(folder, "--force", "--no-run-cache", "--single-item", stage)
    child = None
    while child is None and process.poll() is None:
        child = stage_of(process)
        time.sleep(0.02)
    time.sleep(after)
    running = process.poll() is None
    if running and child is not None:
        number = signal.SIGTERM if "TERM" in way else signal.SIGKILL
        for pid in {"stage": [child.pid], "dvc": [process.pid], "both": [process.pid, child.pid]}[way.split()[1]]:
            os.kill(pid, number)
    process.wait()
    left = child is not None and bool(psutil.wait_procs([child], timeout=3)[1])
    process.communicate()  # an orphan would hold the pipe, so only now
    return running, left


def finish(folder: Path, stage: str) -> str:
    """Run the stage to its end and return what was said. Forced: DVC would check out what an earlier run left."""
    done = start(folder, "--force", "--no-run-cache", "--single-item", stage)
    said, _ = done.communicate()
    return said if done.returncode == 0 else f"FAILED\n{said}"


def two_at_once(folder: Path) -> bool:
    """Of two `dvc repro` one works and the other ends at once with an error."""
    first = start(folder, "--force", "--no-run-cache", "--single-item", "model")
    while stage_of(first) is None and first.poll() is None:
        time.sleep(0.02)
    second = start(folder, "--force", "--no-run-cache", "--single-item", "model")
    second.communicate()
    alive = first.poll() is None
    first.communicate()
    return alive and second.returncode != 0 and first.returncode == 0


def flipped_checkpoint(folder: Path, seconds: float) -> bool:
    """A damaged checkpoint is named, and the stage ends as ever; `seconds` is what the model stage takes."""
    interrupt(folder, "model", "SIGKILL both", IMPORTS + 0.7 * seconds)
    kept = sorted(folder.glob(".work/model/*/checkpoint_*.safetensors"))
    if not kept:
        return False
    data = bytearray(kept[-1].read_bytes())
    data[len(data) // 2] ^= 1
    kept[-1].write_bytes(data)
    return f"{kept[-1].name} is damaged" in finish(folder, "model")


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    folder, draw = prepare(project_root(), given.into.resolve()), random.Random(given.seed)
    call(sys.executable, "-m", "dvc", "repro", TARGET, folder=folder)
    undisturbed, good, hit, resumed = (folder / "dvc.lock").read_bytes(), 0, 0, 0
    seconds = {stage: last_runs(folder)[stage].seconds for stage in LONG}
    for number in range(given.kills):
        stage, way = LONG[number % len(LONG)], draw.choice(WAYS)
        after = draw.uniform(0.0, 0.9) * (IMPORTS + seconds[stage])
        running, left = interrupt(folder, stage, way, after)
        pieces = len([p for p in folder.glob(f".work/{stage.split('@')[0]}/*/*") if p.name != "journal.jsonl"])
        said = finish(folder, stage)
        same = (folder / "dvc.lock").read_bytes() == undisturbed
        good, hit, resumed = good + (same and not left), hit + running, resumed + bool(pieces)
        print(
            f"{number + 1:3}  {stage:24} {way:14} after {after:5.1f} s  {'hit ' if running else 'over'} "
            f"{pieces} pieces kept  {'same' if same else 'OTHER'} dvc.lock{'  ORPHAN' if left else ''}"
            f"{'  ' + said[-300:] if 'FAILED' in said else ''}",
            flush=True,
        )
    both, flipped = two_at_once(folder), flipped_checkpoint(folder, seconds["model"])
    same = (folder / "dvc.lock").read_bytes() == undisturbed
    print(f"{good} of {given.kills} reruns ended with the undisturbed dvc.lock and no process left over")
    print(f"{hit} kills hit a running stage, {resumed} of them left pieces that the rerun went on from")
    print(f"two `dvc repro` at once: {'one worked, one failed at once' if both else 'NOT AS IT SHOULD BE'}")
    print(f"flipped bit in a checkpoint: {'named' if flipped else 'NOT NAMED'}, {'same' if same else 'OTHER'} dvc.lock")
    sys.exit(0 if good == given.kills and both and flipped and same else 1)


if __name__ == "__main__":
    run(main)
