"""The pipeline: a stage reads, calls the library and writes. Nobody imports a stage.

Under DVC a stage ends when DVC ends, however that is: DVC leaves its children alone, and two would write one output.
That is arranged here, before anything slow is imported. Linux only; elsewhere the lock on the outputs keeps a second
writer away.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

if sys.platform == "linux" and "DVC_STAGE" in os.environ:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    orphan = parent == 1 and b"dvc" not in Path("/proc/1/cmdline").read_bytes()
    if orphan or os.getppid() != parent:  # DVC ended before the line above
        sys.exit(1)
