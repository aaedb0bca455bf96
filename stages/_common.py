"""What stages share: a command line made from `main`, checked inputs, declared numerics, progress."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import time
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

# Before torch is imported. Threads that spin for long while they wait slow a busy machine down; no bit changes.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from sieve.provenance import Work, digest_bytes, lock, open_work, publish
from stages._inputs import require_as_locked
from stages._numerics import keep_memory, set_numerics
from stages._params import Params, ParamsError, deciding, load_params
from stages._recorded import Recorded
from stages._statement import Run, file_digests

Input = Annotated[Path, "input"]
Inputs = Annotated[list[Path], "input"]
Output = Annotated[Path, "output"]

_EXPECTED = (OSError, ValueError, LookupError, FloatingPointError)


def run(main: Callable[..., None]) -> None:
    """Run a stage: `main(params, ...)` with one --option per further parameter, taken from its signature.

    Inputs must exist. A main that asks for `work` gets a folder in which unfinished work of the same inputs, params and
    code is found again. Mistakes that a user can make end in one message on standard error and exit status 1.
    """
    stage = Path(inspect.getfile(main)).stem
    try:
        arguments = _parse(main, sys.argv[1:])
        keep_memory()
        warnings = set_numerics()
        for line in warnings:
            _warn(line)
        _perform(main, stage, arguments, warnings)
    except (ParamsError, *_EXPECTED) as error:
        if os.environ.get("SIEVE_TRACEBACK"):
            raise
        sys.exit(f"\nerror in stage {stage}: {error}")


def _perform(main: Callable[..., None], stage: str, arguments: dict[str, Any], warnings: list[str]) -> None:
    """Load params, take the lock on the outputs, run, and state what was done."""
    params, read = load_params(Path("params.yaml")), dict[str, Any]()
    hints = typing.get_type_hints(main, include_extras=True)
    given = _inputs(arguments, hints)
    inputs = {
        name: {file: digest for path in paths for file, digest in file_digests(path).items()}
        for name, paths in given.items()
    }
    if "DVC_STAGE" in os.environ:
        require_as_locked([path for paths in given.values() for path in paths])
    words = {name: str(value) for name, value in arguments.items() if name not in inputs}
    program = Path(inspect.getfile(main)).resolve()
    job = Run(stage, program, program.parents[1], inputs, words, deciding(params, stage, words), warnings)
    outs = sorted(path for name, path in arguments.items() if hints[name] is Output)
    folder = open_work(Path()) / stage
    own = folder / f"{digest_bytes(' '.join(map(str, outs)).encode())[:16]}.lock"
    with lock(own, f"python -m stages.{stage} writing {', '.join(map(str, outs))}"):
        key = job.key  # of the code as it is before the work begins
        work = Work(folder / key[:16], _warn) if "work" in hints else None
        main(Recorded(params, "", read), **arguments, **({"work": work} if work else {}))
        for line in job.state(outs, read, work.earlier if work else []):
            _warn(line)
        if work:
            work.clear()


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr, flush=True)


def _inputs(arguments: dict[str, Any], hints: dict[str, Any]) -> dict[str, list[Path]]:
    """The paths that each option for an input names: one, or any number."""
    found = {Input: lambda path: [path], Inputs: list}
    return {name: found[hints[name]](value) for name, value in arguments.items() if hints[name] in found}


def _parse(main: Callable[..., None], argv: list[str]) -> dict[str, Any]:
    hints = typing.get_type_hints(main, include_extras=True)
    parser = argparse.ArgumentParser(
        description=inspect.getdoc(inspect.getmodule(main)), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in inspect.signature(main).parameters if name not in {"params", "work"}]
    for name in names:
        kind: dict[str, Any] = {"type": str if hints[name] is str else Path}
        kind |= {"nargs": "*"} if hints[name] is Inputs else {}
        parser.add_argument(f"--{name.replace('_', '-')}", required=True, **kind)
    arguments = vars(parser.parse_args(argv))
    missing = [
        f"--{name.replace('_', '-')} {path}"
        for name, paths in _inputs(arguments, hints).items()
        for path in paths
        if not path.exists()
    ]
    if missing:
        raise FileNotFoundError(
            f"missing input: {', '.join(missing)}; it is written by an earlier stage: "
            "run `dvc repro`, or that stage by hand"
        )
    return arguments


class Progress:
    """Watches a loop: a bar on a terminal, a plain line every ten seconds elsewhere; silent below two seconds."""

    def __init__(self, what: str, unit: str = "step") -> None:
        self.what, self.unit = what, unit
        self.start = self.shown = time.monotonic()
        self.first: int | None = None
        self.bar: Any = None

    def __call__(self, done: int, total: int, figures: dict[str, float]) -> None:
        """Call after each step with what is done, what there is to do and figures worth seeing."""
        now = time.monotonic()
        if self.first is None:
            self.first = done  # a resumed loop does not begin at 0
        if sys.stderr.isatty():
            self._draw(done, total, figures)
        elif now - self.start > 2 and (now - self.shown > 10 or done >= total):
            self.shown = now
            rate = max(done - self.first, 1) / (now - self.start)
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


__all__ = ["Input", "Inputs", "Output", "Params", "Progress", "publish", "run", "write_history"]
