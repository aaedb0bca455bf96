"""lineage: where a file came from, back to its sources, every step checked.

    python -m tools.lineage FILE              as text
    python -m tools.lineage FILE --mermaid    as a Mermaid flowchart

A file is found by its bytes in the statements that stages leave in data/provenance. What no statement speaks of is a
source (a user's text or model) or came from somewhere else, such as a remote; both are said.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sieve.provenance import digest_bytes, digest_file, to_json
from tools._project import project_root, run
from tools._statements import Statement, statements


@dataclass(frozen=True)
class Step:
    """One run in the chain, the data that it read, and the steps that wrote that data."""

    statement: Statement
    sources: dict[str, str]
    steps: tuple[Step, ...]

    @property
    def code(self) -> str:
        """One digest for all code that could have had a say."""
        own = {name: digest for name, digest in self.statement.deps.items() if name.endswith(".py")}
        return digest_bytes(to_json(own).encode())


Agree = Callable[[Statement], int]  # how many of the files that a run read are as they were


def trace(root: Path, file: Path) -> Step:
    """The chain that ends in `file`. ValueError when no statement speaks of these bytes."""
    digest, told = digest_file(file), statements(root)
    agree = _agreement(root)
    wrote = [s for s in told if digest in s.outs.values()]
    if not wrote:
        raise ValueError(
            f"no run of a stage is known that wrote {file} as it is now (SHA-256 {digest[:12]}): it was changed, or it "
            "came from a remote or the run cache; `dvc repro --force` on its stage makes a statement"
        )
    return _step(_likeliest(wrote, agree), told, agree, {})


def _agreement(root: Path) -> Agree:
    """Compares with the files as they are now, each of which is read once at most."""

    @cache
    def now(name: str) -> str:
        return digest_file(root / name) if (root / name).is_file() else ""

    return lambda statement: sum(now(name) == digest for name, digest in _data(statement))


def _data(statement: Statement) -> set[tuple[str, str]]:
    """What a run read, without its code."""
    return {(name, digest) for name, digest in statement.deps.items() if not name.endswith((".py", ".lock"))}


def _likeliest(wrote: list[Statement], agree: Agree) -> Statement:
    """Of runs that wrote the same, the one that read most of what is there now; of equals the newest."""
    return wrote[0] if len(wrote) == 1 else max(wrote, key=lambda s: (agree(s), s.finished))


def _step(statement: Statement, told: list[Statement], agree: Agree, done: dict[Path, Step]) -> Step:
    if statement.path not in done:
        makers, sources = _makers(_data(statement), told, agree)
        steps = tuple(_step(maker, told, agree, done) for maker in makers)
        done[statement.path] = Step(statement, sources, steps)
    return done[statement.path]


def _makers(data: set[tuple[str, str]], told: list[Statement], agree: Agree) -> tuple[list[Statement], dict[str, str]]:
    """The runs that wrote `data` (names with digests), and what nobody wrote.

    Several runs may have written one file alike, from other inputs; the run that explains most of what is left is
    taken, of equals the likeliest.
    """
    makers: list[Statement] = []
    while data and told:
        most = max(len(data & s.outs.items()) for s in told)
        if not most:
            break
        best = _likeliest([s for s in told if len(data & s.outs.items()) == most], agree)
        makers.append(best)
        data = data - best.outs.items()
    return sorted(makers, key=lambda s: (s.finished, s.path)), dict(sorted(data))


def check(root: Path, step: Step) -> list[str]:
    """Which files are no longer as the chain has them: a statement is trusted only as far as bytes agree."""
    wrong: dict[str, None] = {}
    for one in flat(step):
        for name, digest in (one.statement.outs | one.statement.deps).items():
            found = digest_file(root / name)[:12] if (root / name).is_file() else "gone"
            if found != digest[:12]:
                wrong[f"{name} is {found} now, but was {digest[:12]}"] = None
    return list(wrong)


def flat(step: Step) -> list[Step]:
    """Every step once, the earliest first."""
    found: dict[Path, Step] = {}

    def visit(one: Step) -> None:
        for earlier in one.steps:
            visit(earlier)
        found.setdefault(one.statement.path, one)

    visit(step)
    return list(found.values())


def as_text(root: Path, file: Path, step: Step) -> str:
    """The chain from the sources to the file, and what does not agree with it any more."""
    lines = []
    for one in flat(step):
        s = one.statement
        lines.append(f"{s.item}  ran {s.finished}, code {one.code[:12]}, run {s.key[:12]}")
        lines += [f"    param {name} = {json.dumps(value)}" for name, value in sorted(s.params.items())]
        lines += [f"    read  {name}  {digest[:12]}  (source)" for name, digest in one.sources.items()]
        lines += [f"    wrote {name}  {digest[:12]}" for name, digest in sorted(s.outs.items())]
    wrong = check(root, step)
    lines.append(f"{file}: {len(flat(step))} runs back to its sources; " + ("all bytes agree" if not wrong else "but:"))
    return "\n".join(lines + [f"    {line}" for line in wrong])


def as_mermaid(file: Path, step: Step) -> str:
    """The chain as a Mermaid flowchart."""
    steps = flat(step)
    number = {one.statement.path: i for i, one in enumerate(steps)}
    lines = ["flowchart LR"]
    for i, one in enumerate(steps):
        lines.append(f'  s{i}["{one.statement.item}<br/>{one.statement.key[:12]}"]')
        lines += [f"  s{number[earlier.statement.path]} --> s{i}" for earlier in one.steps]
        lines += [f'  d{i}_{j}(["{name}"]) --> s{i}' for j, name in enumerate(one.sources)]
    return "\n".join([*lines, f'  s{len(steps) - 1} --> out(["{file.as_posix()}"])'])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--mermaid", action="store_true")
    given, root = parser.parse_args(), project_root()
    if not given.file.is_file():
        raise FileNotFoundError(f"{given.file} is no file; give one file, e.g. data/subjects/topk/sae.safetensors")
    step = trace(root, given.file)
    print(as_mermaid(given.file, step) if given.mermaid else as_text(root, given.file, step))


if __name__ == "__main__":
    run(main)
