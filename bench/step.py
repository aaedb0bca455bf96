"""step: one training step, sieve's beside other projects', each at its defaults and with every trick.

    python -m bench step [--json FILE]         time, memory and quality of all contenders
    python -m bench step --grow [--json FILE]  sieve alone, with more and more latents, and more and more rows

A contender is run as its users run it, then with all that can be set from outside: an allocator that keeps its memory,
the fastest matrix product that still is fp32. Those that are not installed say so (bench/README.md has the command).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import torch

from bench._output import MIB, parser, table, write
from bench._problem import Shape
from bench._ratios import best_backend, ratios
from bench._timing import Sample, by_turns, medians, quiet
from bench.contender import Sieve
from bench.grow import grow
from bench.peers import CONTENDERS, OURS, PEERS

TRICKS = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**28),
}
EVERYWHERE = {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"}  # nobody asks a network while time is taken
JUDGED = 1024  # rows a step, at most, where quality is compared
ROOT = Path(__file__).parents[1]


@contextmanager
def process(kind: str, shape: Shape, threads: int, tricks: bool = False, **more: Any) -> Iterator[Callable[[str], Any]]:
    """One job of `bench._worker` in a process of its own: a function that gives its answer to a line."""
    job = {"work": kind, "shape": asdict(shape), "threads": threads, **more}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "bench._worker", json.dumps(job)],
        env={**plain, **EVERYWHERE, **(TRICKS if tricks else {}), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        asked, answers = cast(IO[str], worker.stdin), cast(IO[str], worker.stdout)

        def ask(line: str) -> Any:
            print(line, file=asked, flush=True)
            answer = answers.readline()
            if not answer:
                raise RuntimeError(f"the process that measures {kind} of {shape} has ended; what it said is above")
            return json.loads(answer)

        yield ask


def work(kind: str, shape: Shape, threads: int, **more: Any) -> Any:
    """Do one job of `bench._worker` in a process of its own and return what it found."""
    with process(kind, shape, threads, **more) as ask:
        return ask("")


def steps(shape: Shape, given: Namespace, tricks: bool, best: str) -> tuple[dict[str, str], list[Sample]]:
    """(who is absent and why, samples of the others by turns). Ours and the peers have a process each."""
    matmul = best if tricks else None
    absent, take = dict[str, str](), dict[str, Callable[[], Sample]]()
    with ExitStack() as stack:
        for names in (OURS, PEERS):
            job = process("steps", shape, given.threads, tricks, names=list(names), probe=best, matmul=matmul)
            ask = stack.enter_context(job)
            found = ask("")
            absent |= found["absent"]
            take |= {name: partial(_sampled, ask, name) for name in found["here"]}
        return absent, by_turns(take, given.samples)


def _sampled(ask: Callable[[str], Any], name: str) -> Sample:
    return Sample(**ask(name))


def measure(shape: Shape, given: Namespace) -> dict[str, Any]:
    """Everything about one shape: backends, samples in both settings, memory."""
    _tell(f"{shape}: matrix products")
    backends = work("matmul", replace(shape, aux=False), given.threads, samples=given.samples)
    best, found = best_backend(backends), {"backends": backends, "absent": {}, "memory": {}}
    for setting in ("defaults", "tricks"):
        _tell(f"{shape}: steps, {setting}")
        absent, samples = steps(shape, given, setting == "tricks", best)
        found["absent"] |= absent
        found[setting] = [asdict(sample) for sample in samples]
    for name in [name for name in CONTENDERS if name not in found["absent"]]:
        _tell(f"{shape}: memory of {name}")
        found["memory"][name] = work("memory", shape, given.threads, name=name)
    return found


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def rates(shape: Shape, found: dict[str, Any]) -> list[list[str]]:
    """One line per contender: rows a second in both settings with quiet samples of all, memory in MiB."""
    lines = []
    for name in CONTENDERS:
        if name in found["absent"]:
            lines.append([name, "— not installed", *["—"] * 5])
            continue
        line = [name]
        for setting in ("defaults", "tricks"):
            samples = [Sample(**sample) for sample in found[setting]]
            seconds, kept = medians(samples).get(name), sum(s.name == name for s in quiet(samples))
            line += [f"{shape.batch / seconds:,.0f}" if seconds else "—"]
            line += [f"{kept}/{sum(s.name == name for s in samples)}"]
        known = found["memory"].get(name, {})
        line += [f"{known['peak'] / MIB:,.0f}" if known.get("peak") else "—"]
        line += [f"{(known['peak'] - known['before'] - known['optimiser']) / MIB:,.0f}" if known.get("peak") else "—"]
        lines.append(line)
    return lines


def show(shape: Shape, found: dict[str, Any], quality: dict[str, float], held_out: str) -> str:
    """A shape's table and the matrix products that it is judged by."""
    head = ["contender", "rows/s", "quiet", "with tricks", "quiet", "peak MiB", "in a step MiB", f"FVU {held_out}"]
    rows = [[*line, f"{quality[line[0]]:.4f}" if line[0] in quality else "—"] for line in rates(shape, found)]
    speeds = {name: f"{b['rate'] / 1e9:,.0f}" if b["rate"] else "—" for name, b in found["backends"].items()}
    products = ", ".join(
        f"{name} {speeds[name]} GFLOP/s error {b['error']:.1e}" for name, b in found["backends"].items()
    )
    aux = "a quarter of the latents dead, AuxK on" if shape.aux else "AuxK off"
    return (
        f"\n{shape.width} -> {shape.latents}, batch {shape.batch}, k {shape.k}, {aux}\n"
        f"fp32 products: {products}; sieve's default is {Sieve.matmul}\n\n{table(head, rows)}"
    )


def compare(given: Namespace) -> None:
    """All shapes, AuxK off and on, then quality once."""
    shapes = [Shape.of(size, given.batch, given.k, aux) for size in given.shapes for aux in (False, True)]
    held_out = f"{given.quality}, {given.steps} steps"
    _tell(f"quality: {held_out}")
    judged = Shape.of(given.quality, min(given.batch, JUDGED), given.k)
    tried = work("quality", judged, given.threads, names=list(CONTENDERS), count=given.steps)
    quality = {name: min(fvus.values()) for name, fvus in tried.items()}
    found = {shape: measure(shape, given) for shape in shapes}
    for shape in shapes:
        print(show(shape, found[shape], quality, held_out))
    ours = ratios(found, list(OURS), list(PEERS), Sieve.matmul)
    print("\n" + table(["ratio", *map(str, shapes)], [[name, *_cells(ours[name], shapes)] for name in ours]))
    figures = {"quality": tried, "shapes": {str(shape): found[shape] for shape in shapes}}
    write(given.json, "step", figures, ours)


def _cells(ratio: dict[str, float | None], shapes: list[Shape]) -> list[str]:
    return ["—" if (value := ratio[str(shape)]) is None else f"{value:.2f}" for shape in shapes]


def main() -> None:
    """See the module's docstring."""
    found = parser(__doc__)
    found.add_argument("--shapes", nargs="+", default=["256x8192", "768x24576"], metavar="DxF")
    found.add_argument("--batch", type=int, default=4096, help="rows a step")
    found.add_argument("--k", type=int, default=32, help="active latents a row")
    found.add_argument("--samples", type=int, default=6, help="undisturbed steps of each contender that are wanted")
    found.add_argument("--threads", type=int, default=torch.get_num_threads())
    found.add_argument("--quality", default="256x2048", metavar="DxF", help="the shape at which FVU is compared")
    found.add_argument("--steps", type=int, default=400, help="equal steps after which FVU is compared")
    found.add_argument("--grow", action="store_true", help="sieve alone, growing")
    found.add_argument("--latents", type=int, nargs="+", default=[2048, 8192, 32768, 131072], help="for --grow")
    found.add_argument("--rows", type=float, nargs="+", default=[1e5, 1e6], help="for --grow; 1e7 take 10 GB of disk")
    found.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()), help="where --grow puts its caches")
    given = found.parse_args()
    if given.grow:
        grow(given, work)
    else:
        compare(given)
