"""What stages share: a command line made from `main`, checked inputs, declared numerics, progress."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
import time
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

# Before torch is imported. Threads that spin for long while they wait slow a busy machine down; no bit changes.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from sieve.provenance import publish
from stages._params import Params, ParamsError, load_params

Input = Annotated[Path, "input"]
Output = Annotated[Path, "output"]

NUMERICS = Path("env/numerics.lock")
_EXPECTED = (OSError, ValueError, LookupError, FloatingPointError)


def run(main: Callable[..., None]) -> None:
    """Run a stage: `main(params, ...)` with one --option per further parameter, taken from its signature.

    Inputs must exist. Mistakes that a user can make end in one message on standard error and exit status 1.
    """
    try:
        arguments = _parse(main, sys.argv[1:])
        set_numerics(NUMERICS)
        params = load_params(Path("params.yaml"))
        main(params, **arguments)
    except (ParamsError, *_EXPECTED) as error:
        if os.environ.get("SIEVE_TRACEBACK"):
            raise
        stage = Path(inspect.getfile(main)).stem
        sys.exit(f"\nerror in stage {stage}: {error}")


def _parse(main: Callable[..., None], argv: list[str]) -> dict[str, Any]:
    hints = typing.get_type_hints(main, include_extras=True)
    parser = argparse.ArgumentParser(
        description=inspect.getdoc(inspect.getmodule(main)), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in inspect.signature(main).parameters if name != "params"]
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", required=True, type=str if hints[name] is str else Path)
    arguments = vars(parser.parse_args(argv))
    missing = [
        f"--{name.replace('_', '-')} {arguments[name]}"
        for name in names
        if hints[name] is Input and not arguments[name].exists()
    ]
    if missing:
        raise FileNotFoundError(
            f"missing input: {', '.join(missing)}; it is written by an earlier stage: "
            "run `dvc repro`, or that stage by hand"
        )
    return arguments


def set_numerics(lock: Path) -> None:
    """Set what can change bits as env/numerics.lock declares it: threads, matmul precision, deterministic kernels."""
    import torch

    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    declared = dict(re.findall(r"^# (threads|matmul): (\S+)", text, flags=re.M))
    torch.set_num_threads(int(declared.get("threads", 2)))
    torch.set_float32_matmul_precision(declared.get("matmul", "highest"))
    torch.use_deterministic_algorithms(True)


class Progress:
    """Watches a loop: a bar on a terminal, a plain line every ten seconds elsewhere; silent below two seconds."""

    def __init__(self, what: str, unit: str = "step") -> None:
        self.what, self.unit = what, unit
        self.start = self.shown = time.monotonic()
        self.bar: Any = None

    def __call__(self, done: int, total: int, figures: dict[str, float]) -> None:
        """Call after each step with what is done, what there is to do and figures worth seeing."""
        now = time.monotonic()
        if sys.stderr.isatty():
            self._draw(done, total, figures)
        elif now - self.start > 2 and (now - self.shown > 10 or done >= total):
            self.shown = now
            rate = done / (now - self.start)
            shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(
                f"{self.what}: {done:,}/{total:,}  {rate:,.0f} {self.unit}s/s  "
                f"{shown}  {(total - done) / rate:.0f} s left",
                flush=True,
            )

    def _draw(self, done: int, total: int, figures: dict[str, float]) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, desc=self.what, unit=self.unit, unit_scale=True, delay=2)
        self.bar.update(done - self.bar.n)
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in figures.items()}, refresh=False)
        if done >= total:
            self.bar.close()


def write_history(path: Path, stage: str, history: list[Any]) -> None:
    """The training curve: one row per logged step and figure."""
    import pyarrow as pa

    from sieve.provenance import write_table

    schema = pa.schema([("stage", pa.string()), ("step", pa.int64()), ("metric", pa.string()), ("value", pa.float64())])
    rows = [
        (stage, record.step, metric, value) for record in history for metric, value in sorted(record.figures.items())
    ]
    columns = dict(zip(schema.names, zip(*rows))) if rows else {name: [] for name in schema.names}
    with publish(path) as temporary:
        write_table(temporary, columns, schema)


__all__ = ["Input", "Output", "Params", "Progress", "publish", "run", "write_history"]
