"""why: which stages `dvc repro` will run, because of what, and what that will want.

    python -m tools.why            every stage
    python -m tools.why STAGE      one stage, e.g. train@topk: its reasons, and everything that comes after it

Time, memory and disk are those of each stage's last run, where one was recorded. Ends with status 1 when the disk has
less room than that.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages._params import read_values
from tools._project import Stage, dvc, locked, needs, pipeline, project_root, run, within
from tools._statements import Statement, last_runs


@dataclass(frozen=True)
class Plan:
    """{stage: reasons} in the order in which they will run; a stage that only follows others names them."""

    reasons: dict[str, list[str]]
    estimates: dict[str, Statement]
    stages: dict[str, Stage]

    def total(self, figure: str) -> float:
        """Sum of `seconds` or `bytes` over the stages that have run before."""
        known = [self.estimates[name] for name in self.reasons if name in self.estimates]
        return sum(s.seconds if figure == "seconds" else sum(s.sizes.values()) for s in known)

    @property
    def memory(self) -> int:
        """The most that one of them took."""
        return max((self.estimates[name].memory for name in self.reasons if name in self.estimates), default=0)

    @property
    def unknown(self) -> list[str]:
        """Stages without a record."""
        return [name for name in self.reasons if name not in self.estimates]


def plan(root: Path) -> Plan:
    """What DVC sees as changed, and everything downstream (which its own dry run leaves out)."""
    stages, changed = pipeline(root), json.loads(dvc("status", "--json", folder=root))
    before = locked(root)
    reasons: dict[str, list[str]] = {}
    for name in stages:
        own = [reason for entry in changed.get(name, []) for reason in _told(entry, before.get(name, {}), root)]
        origins = [earlier for earlier in needs(stages, name) if earlier in reasons]
        own = [r for r in own if not _follows(r, origins, stages)]
        if own or origins:
            follows = f"comes after {', '.join(origins)}, unless they give the same bytes"
            reasons[name] = own + [follows] * bool(origins)
    return Plan(reasons, last_runs(root), stages)


def _told(entry: Any, before: dict[str, Any], root: Path) -> list[str]:
    """DVC's words for one change, with the params' old and new values."""
    if isinstance(entry, str):
        return [entry]
    lines = []
    for kind, things in entry.items():
        for thing, how in things.items():
            if isinstance(how, dict):
                values = read_values(root / thing)
                lines += [f"param {p}: {_old(before, thing, p)} -> {_value(values, p)}" for p in how]
            else:
                what = "output" if "outs" in kind else "code" if thing.endswith(".py") else "input"
                lines.append(f"{what} {thing}: {how}")
    return lines


def _old(before: dict[str, Any], file: str, name: str) -> Any:
    return before.get("params", {}).get(file, {}).get(name, "nothing")


def _value(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = values.get(part, "nothing") if isinstance(values, dict) else "nothing"
    return values


def _follows(reason: str, before: list[str], stages: dict[str, Stage]) -> bool:
    """Whether a missing or changed input is only what an earlier stage is about to write."""
    path = reason.removeprefix("input ").rsplit(": ", 1)[0]
    return reason.startswith("input ") and any(within(path, out) for name in before for out in stages[name].outs)


def after(found: Plan, wanted: str) -> Plan:
    """The plan of `wanted` and of what comes after it. ValueError when there is no such stage."""
    stages = found.stages
    chosen = [name for name in stages if name == wanted or name.startswith(f"{wanted}@")]
    if not chosen:
        raise ValueError(f"there is no stage '{wanted}'; there are: {', '.join(stages)}")
    for name in stages:
        if name not in chosen and set(needs(stages, name)) & set(chosen):
            chosen.append(name)
    return Plan({name: found.reasons[name] for name in chosen if name in found.reasons}, found.estimates, stages)


def show(found: Plan) -> str:
    """The plan as text."""
    if not found.reasons:
        return "nothing to run: every stage is up to date"
    lines = []
    for name, reasons in found.reasons.items():
        last = found.estimates.get(name)
        lines.append(f"{name}  ({_cost(last.seconds, last.memory, sum(last.sizes.values())) if last else 'no record'})")
        lines += [f"    {reason}" for reason in reasons]
    total = _cost(found.total("seconds"), found.memory, found.total("bytes"))
    missing = f", without {', '.join(found.unknown)}, of which nothing is recorded" if found.unknown else ""
    return "\n".join([*lines, f"{len(found.reasons)} stages, by their last runs: {total}{missing}"])


def _cost(seconds: float, memory: float, size: float) -> str:
    return f"{seconds:,.0f} s, {memory / 2**30:.1f} GiB memory, {size / 2**20:,.1f} MiB disk"


def require_room(found: Plan, free: int) -> None:
    """OSError when the last runs wrote more than is free."""
    if found.total("bytes") > free:
        wanted, room = (f"{size / 2**20:,.1f} MiB" for size in (found.total("bytes"), free))
        raise OSError(
            f"these stages wrote {wanted} when they last ran, but only {room} of disk are free; "
            "make room (`python -m tools.clean`, `dvc gc --workspace`) or move the cache (`dvc cache dir`)"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", nargs="?", metavar="STAGE")
    given, root = parser.parse_args(), project_root()
    found = plan(root)
    if given.stage:
        found = after(found, given.stage)
    print(show(found))
    require_room(found, shutil.disk_usage(root).free)
    sys.stdout.flush()


if __name__ == "__main__":
    run(main)
