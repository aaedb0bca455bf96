"""read: rows a second from a cache on disk, in training's order, beside what a training step takes.

    python -m bench read [--json FILE]

The cache's files are in the system's memory, for they have just been written and checked. Every epoch is shuffled anew.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from bench._memory import held
from bench._output import MIB, parser, table, write
from bench._problem import Shape, activations, start
from bench._timing import alternate, medians
from bench._worker import product
from bench.contender import Sieve
from bench.grow import cache
from sieve.activations.order import batch_rows
from sieve.activations.store import Store


def reading(store: Store, batch: int) -> Callable[[], Tensor]:
    """Each call gives the next batch."""
    numbers = itertools.count()
    return lambda: store.take(batch_rows(next(numbers), store.rows, batch, seed=0))


def stepping(shape: Shape, precision: str, rows: Tensor) -> Callable[[], None]:
    """Each call is one training step."""
    contender = Sieve(shape, start(shape, rows, seed=0), precision)  # type: ignore[arg-type]

    def run() -> None:
        with contender.numerics(None):
            contender.step(rows)

    return run


def main() -> None:
    """See the module's docstring."""
    found = parser(__doc__)
    for name, value in (
        ("rows", 1_000_000), ("width", 256), ("latents", 2048), ("batch", 4096), ("k", 32), ("samples", 10),
    ):  # fmt: skip
        found.add_argument(f"--{name}", type=int, default=value)
    given = found.parse_args()
    shape, epoch = Shape(given.width, given.latents, given.batch, given.k), given.rows // given.batch
    with tempfile.TemporaryDirectory() as folder:
        cache(Path(folder) / "store", given.rows, given.width)
        store = Store.open(Path(folder) / "store")
        read = reading(store, given.batch)
        before = held("RssAnon")
        during = [held("RssAnon") for _ in range(epoch) if read() is not None]
        rows = activations(given.width, given.batch, seed=0)
        ways: dict[str, Callable[[], object]] = {"read": lambda: [read() for _ in range(epoch)]}
        ways |= {f"step {precision}": stepping(shape, precision, rows) for precision in ("fp32", "bf16")}
        seconds = medians(alternate(ways, product(shape, "highest"), given.samples))
    counted = {"read": epoch * given.batch, "step fp32": given.batch, "step bf16": given.batch}
    rates = {name: counted[name] / seconds[name] if name in seconds else None for name in counted}
    memory = max(d for d in during if d) - before if before else None
    print(f"{given.rows:,} rows of {given.width}, batch {given.batch}, steps to {given.latents} latents\n")
    print(table(["", "rows/s"], [[name, f"{rate:,.0f}" if rate else "—"] for name, rate in rates.items()]))
    print(f"\nanonymous memory while reading: {memory / MIB:+,.1f} MiB" if memory is not None else "")
    ratio = rates["read"] / rates["step fp32"] if rates["read"] and rates["step fp32"] else None
    write(given.json, "read", {"rows_per_second": rates, "anonymous": memory}, {"read_over_step": ratio})
