"""One process of a measurement, told by JSON what to do: `python -m bench._worker JOB`. A line in, a line of JSON out.

Memory settings are a process's own, so each set of them needs one; so does a peak that is one's own.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench._memory import forget_peak, held
from bench._problem import Shape, activations, start
from bench._timing import alternate, medians, sample
from bench.contender import Contender, Sieve
from bench.peers import CONTENDERS, OURS
from sieve.activations.order import batch_rows
from sieve.activations.store import Store
from stages._numerics import keep_memory

BATCHES = 4  # that are gone through again and again while time is taken
POOL = 16  # batches to learn from
STEPS = 3  # after which memory has been as high as it gets
PROBE = 1e10  # floating-point operations of the piece of work beside each sample, at least
HASTE = (1.0, 4.0, 16.0)  # learning rates that are tried, in units of the usual one: the best counts
DIVERGED = 1e9  # the FVU of a dictionary that is not finite
BACKENDS = ("highest", "high", "medium")


def make(name: str, shape: Shape, rows: Tensor) -> Contender | str:
    """A contender, or why it cannot take part."""
    try:
        return CONTENDERS[name](shape, start(shape, rows, seed=0))
    except ImportError as error:
        return f"not installed ({error})"


def settle(names: Iterable[str]) -> None:
    """If all these are ours, begin as our stages do. What the others begin with is their users' affair."""
    if set(names) <= set(OURS):
        keep_memory()


def product(shape: Shape, backend: str) -> Callable[[], float]:
    """The encoder's product of some rows, into memory that is there already, until it has taken a while.

    Returns floating-point operations.
    """
    rows = min(shape.batch, max(512, int(PROBE / 2 / shape.width / shape.latents)))
    x, w = torch.randn(rows, shape.width), torch.randn(shape.width, shape.latents)
    out = x.new_empty(rows, shape.latents)
    flop = 2.0 * out.numel() * shape.width

    def run() -> float:
        torch.set_float32_matmul_precision(backend)
        times = math.ceil(PROBE / flop)
        for _ in range(times):
            torch.mm(x, w, out=out)
        return times * flop

    return run


def matmul(shape: Shape, samples: int) -> dict[str, Any]:
    """{backend: flop a second, and error beside float64, relative in the 2-norm} of the encoder's product."""
    products = {backend: product(shape, backend) for backend in BACKENDS}
    seconds = medians(alternate(products, products["highest"], samples))
    x, w = torch.randn(256, shape.width), torch.randn(shape.width, shape.latents)
    exact, found = x.double() @ w.double(), {}
    for backend, run in products.items():
        flop = run()
        error = float(((x @ w).double() - exact).norm() / exact.norm())
        found[backend] = {"error": error, "rate": flop / seconds[backend] if backend in seconds else None}
    return found


def steps(shape: Shape, names: list[str], probe: str, matmul: str | None) -> Callable[[str], Any]:
    """Answers with a sample of one training step of the contender that is named; with who is here if none is."""
    settle(names)
    rows = activations(shape.width, BATCHES * shape.batch, seed=0)
    made = {name: make(name, shape, rows) for name in names}
    here = {name: contender for name, contender in made.items() if isinstance(contender, Contender)}

    def stepping(contender: Contender) -> Callable[[], None]:
        batches = itertools.cycle(rows.split(shape.batch))

        def run() -> None:
            with contender.numerics(matmul):
                contender.step(next(batches))

        return run

    runs = {name: stepping(contender) for name, contender in here.items()}
    beside = product(shape, probe)
    absent = {name: why for name, why in made.items() if isinstance(why, str)}
    return lambda name: asdict(sample(name, runs[name], beside)) if name else {"here": list(here), "absent": absent}


def memory(shape: Shape, name: str) -> dict[str, Any]:
    """Bytes: held with parameters and data, the most within steps, and what of it the optimiser remembers.

    Freed memory is given back here, also by ours: what is kept from before would hide what a step takes.
    """
    rows = activations(shape.width, shape.batch, seed=0)
    contender = make(name, shape, rows)
    if isinstance(contender, str):
        return {}
    forget_peak()
    before = held("VmRSS")
    with contender.numerics(None):
        for _ in range(STEPS):
            contender.step(rows)
    return {"before": before, "peak": held("VmHWM"), "optimiser": contender.optimiser_bytes}


def quality(shape: Shape, names: list[str], count: int) -> dict[str, dict[str, float]]:
    """{contender: {haste: FVU of rows that it has not seen}} after `count` steps from one start on the same batches."""
    rows = activations(shape.width, (POOL + 1) * shape.batch, seed=1)
    seen, unseen = rows[: POOL * shape.batch], rows[POOL * shape.batch :]
    found: dict[str, dict[str, float]] = {}
    for name, haste in itertools.product(names, HASTE):
        contender = make(name, replace(shape, haste=haste), seen[: 2 * shape.batch])
        if isinstance(contender, str):
            continue
        with contender.numerics(None):
            for step in range(count):
                contender.step(seen[batch_rows(step, len(seen), shape.batch, seed=0)])
            fvu = contender.fvu(unseen)
        found.setdefault(name, {})[f"{haste:g}"] = fvu if math.isfinite(fvu) else DIVERGED
    return found


def grow(shape: Shape, store: str, samples: int) -> dict[str, Any]:
    """Seconds of opening a cache and of a training step on it, with the read; memory without files, and at most."""
    keep_memory()
    begun = time.perf_counter()
    opened = Store.open(Path(store))
    seconds = {"open": time.perf_counter() - begun}
    contender = Sieve(shape, start(shape, opened.take(torch.arange(min(8192, opened.rows))), seed=0))
    numbers = itertools.count()

    def run() -> None:
        with contender.numerics(None):
            contender.step(opened.take(batch_rows(next(numbers), opened.rows, shape.batch, seed=0)))

    forget_peak()
    for _ in range(STEPS):
        run()
    memory = {"anonymous": held("RssAnon"), "peak": held("VmHWM")}
    return {**seconds, **medians(alternate({"step": run}, product(shape, contender.matmul), samples)), **memory}


WORK = {work.__name__: work for work in (matmul, steps, memory, quality, grow)}


def main() -> None:
    """Do one job and answer, line by line, with what was found."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # some peers talk
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job.pop("threads"))
    torch.manual_seed(0)
    found = WORK[job.pop("work")](Shape(**job.pop("shape")), **job)
    for line in sys.stdin:
        print(json.dumps(found(line.strip()) if callable(found) else found), file=answers, flush=True)


if __name__ == "__main__":
    main()
