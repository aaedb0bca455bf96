"""Timing on a machine that may have other work: contenders by turns, and samples that were disturbed left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

SLOW = 1.1  # a probe that takes this many times its median says that something else was going on
OTHERS = 0.05  # share of the cores that other processes may take during a sample
PATIENCE = 3  # rounds that are tried for each that is wanted
TICK = 1 / os.sysconf("SC_CLK_TCK")  # what the system's own count of busy time is rounded to, in seconds


@dataclass(frozen=True)
class Sample:
    """One run of one contender: its seconds, those of the slower probe beside it, what others took of the cores."""

    name: str
    seconds: float
    probe: float
    others: float


def quiet(samples: Sequence[Sample]) -> list[Sample]:
    """The samples during which the probe was as fast as ever and nobody else used the cores."""
    usual = median(sample.probe for sample in samples)
    return [s for s in samples if s.probe <= SLOW * usual and s.others <= OTHERS]


def medians(samples: Sequence[Sample]) -> dict[str, float]:
    """{contender: median seconds of its quiet samples}, of those that have any."""
    seconds: dict[str, list[float]] = {}
    for sample in quiet(samples):
        seconds.setdefault(sample.name, []).append(sample.seconds)
    return {name: median(values) for name, values in seconds.items()}


def sample(name: str, run: Callable[[], object], probe: Callable[[], object]) -> Sample:
    """One run, with `probe`, a fixed piece of work of a few hundredths of a second, before and after it."""
    before = _timed(probe)[0]
    seconds, others = _timed(run)
    return Sample(name, seconds, max(before, _timed(probe)[0]), others)


def alternate(contenders: Mapping[str, Callable[[], object]], probe: Callable[[], object], wanted: int) -> list[Sample]:
    """Samples of what runs in this process, by turns."""
    return by_turns({name: partial(sample, name, run, probe) for name, run in contenders.items()}, wanted)


def by_turns(take: Mapping[str, Callable[[], Sample]], wanted: int) -> list[Sample]:
    """Take samples until each has `wanted` quiet ones, or patience ends; what is taken first of each does not count.

    Whoever comes first in one round comes last in the next.
    """
    names = list(take)
    for name in names:
        take[name]()
    samples: list[Sample] = []
    for turn in range(PATIENCE * wanted):
        samples += [take[name]() for name in names[turn % len(names) :] + names[: turn % len(names)]]
        found = [sample.name for sample in quiet(samples)]
        if min(found.count(name) for name in names) >= wanted:
            break
    return samples


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """(seconds, share of the cores that other processes took meanwhile)."""
    busy, own, begun = _busy(), time.process_time(), time.perf_counter()
    work()
    seconds, own = time.perf_counter() - begun, time.process_time() - own
    cores = len(_cores())
    return seconds, max(0.0, _busy() - busy - own - cores * TICK) / (cores * seconds)


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _busy() -> float:
    """Seconds that the cores open to this process have been busy since the machine started; 0 where nobody counts."""
    counts = Path("/proc/stat")
    if not counts.is_file():
        return 0.0
    own = {f"cpu{core}" for core in _cores()}
    lines = [line.split() for line in counts.read_text(encoding="ascii").splitlines()]
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user
    return sum(sum(map(int, words[1:4] + words[6:9])) for words in lines if words[0] in own) * TICK
