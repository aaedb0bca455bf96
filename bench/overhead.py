"""overhead: what provenance and resumability cost, stage by stage, on and off in one run.

    python -m bench.overhead [--rounds N] [STAGE ...]

In a project whose `dvc repro` has finished: runs each stage's command as it is and with digests, key, lock, journal,
checkpoints and statement taken out, by turns, and compares. The outputs are the same bytes either way.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tools._project import locked, pipeline, project_root, run

# Runs a stage without whatever only serves provenance: the same program with these functions doing nothing.
OFF = """
import contextlib, runpy, sys
import sieve.provenance.work as work, sieve.activations.store as store
import stages._common as common, stages._statement as statement
work.Checkpoints.offer = lambda *a: None
work.Work.keep = lambda self, name, make: make(self.folder / name)
store.require_digest = lambda *a: None
common.file_digests = lambda path: {}
common.require_as_locked = lambda *a: None
common.lock = lambda *a: contextlib.nullcontext()
statement.Run.key = "off"
statement.Run.state = lambda *a: []
stage = sys.argv.pop(1)
sys.argv[0] = stage
runpy.run_module("stages." + stage, run_name="__main__")
"""


def seconds(name: str, command: list[str], folder: Path) -> float:
    """Wall time of one run, as under DVC. CalledProcessError when it fails."""
    begun = time.monotonic()
    environment = {**os.environ, "DVC_STAGE": name}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.monotonic() - begun


def words(command: str, name: str) -> list[str]:
    """The arguments of a stage's command in dvc.lock, after `python -m stages.`."""
    text = command.replace("$key", name.split("@")[-1]).split("python -m stages.")[1]
    return text.replace('"', "").replace("'", "").split()


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each stage each way")
    given, root = parser.parse_args(), project_root()
    known = locked(root)
    total = {"on": 0.0, "off": 0.0}
    for number, name in enumerate(given.stages or pipeline(root)):
        stage, *arguments = words(known[name]["cmd"], name)
        commands = {
            "on": [sys.executable, "-m", f"stages.{stage}", *arguments],
            "off": [sys.executable, "-c", OFF, stage, *arguments],
        }
        found = {"on": 0.0, "off": 0.0}
        for turn in range(given.rounds):  # whoever comes second finds the files in memory
            for way in ("on", "off") if (number + turn) % 2 else ("off", "on"):
                found[way] += seconds(name, commands[way], root) / given.rounds
        total = {way: total[way] + found[way] for way in total}
        print(f"{name:24} on {found['on']:6.1f} s  off {found['off']:6.1f} s", flush=True)
    share = total["on"] / total["off"] - 1
    print(f"{'all':24} on {total['on']:6.1f} s  off {total['off']:6.1f} s  {share:+.1%}")


if __name__ == "__main__":
    run(main)
