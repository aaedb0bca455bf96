"""Measurements against others and oneself.

    python -m bench step | capture | read | sift | pipeline [OPTION ...]

step      a training step beside other projects' steps: time, memory, quality; with --grow alone, larger and larger
capture   tokens a second of the activations stage, beside bare forward passes
read      rows a second from a cache on disk, beside what a training step takes
sift      seconds and memory of the language filter's pass over text
pipeline  seconds and memory of a finished run, stage by stage, and what of it was start-up

Each says more with --help. Also: python -m bench.faults, bench.overhead, bench.twins.
"""

from __future__ import annotations

import importlib
import sys

from tools._project import run

COMMANDS = ("step", "capture", "read", "sift", "pipeline")


def main() -> None:
    """See the module's docstring."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.argv[0:2] = [f"python -m bench {sys.argv[1]}"]
    importlib.import_module(f"bench.{sys.argv[0].split()[-1]}").main()


if __name__ == "__main__":
    run(main)
