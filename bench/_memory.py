"""What a process holds and has held in memory, in bytes. Linux only; elsewhere nothing is known."""

from __future__ import annotations

from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def held(kind: str) -> int | None:
    """One of VmRSS (all memory), RssAnon (without mapped files), VmHWM (the most since `forget_peak`)."""
    if not STATUS.is_file():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="ascii").splitlines())
    return int(lines[kind].split()[0]) * 1024


def forget_peak() -> None:
    """From now on VmHWM counts anew."""
    if CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")
