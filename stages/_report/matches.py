"""What the match stage found: for every group of dictionaries that are alike but for their seed, how alike they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from sieve.provenance import read_table
from stages._report.subjects import NO_ROW, Lineage, Row, Subject

KINDS = {"atoms": "", "live atoms": "live_", "codes": "codes_"}  # what is matched: how keys of the summary begin
METRICS = {  # heading: the stage's metrics, whose mean it is
    "mcc": ("mcc",),
    "mmcs": ("mmcs_first", "mmcs_second"),
    "above_70": ("matched_above_70",),
    "above_90": ("matched_above_90",),
}
ENOUGH = 3  # pairs that have a range
Pair = tuple[str | None, str | None]
NOBODY: Pair = (None, None)  # random atoms


class Group(NamedTuple):
    """A group goes by the name of its first dictionary, of which `line` is the lineage.

    found: (what is matched, metric) to its mean over pairs, with their least and most for three pairs or more. chance:
    the same of random atoms.
    """

    name: str
    line: Lineage
    members: list[str]
    pairs: int
    found: Mapping[tuple[str, str], Row]
    chance: Mapping[tuple[str, str], Row]

    def figures(self) -> dict[str, float | None]:
        """Keys of the summary: pairs; MCC and MMCS of atoms, live atoms and codes, and what random atoms have there."""
        values: dict[str, float | None] = {"pairs": self.pairs}
        for of, prefix in KINDS.items():
            for metric in ("mcc", "mmcs"):
                values[f"{prefix}{metric}"] = self.found[of, metric].value
                values[f"{prefix}{metric}_random"] = self.chance[of, metric].value
        return values


def read_groups(path: Path, subjects: Iterable[Subject]) -> list[Group]:
    """The groups of the match stage's table, in its order. ValueError when it is about other subjects."""
    lines = {subject.name: subject.line for subject in subjects}
    rows = [row for row in read_table(path).to_pylist() if row["group"] is not None]
    named = dict.fromkeys(row[side] for row in rows for side in ("group", "first", "second") if row[side])
    if strange := [name for name in named if name not in lines]:
        raise ValueError(f"{path} compares {', '.join(strange)}, which is no subject; run the match stage again")
    return [
        _group(name, lines[name], [row for row in rows if row["group"] == name])
        for name in dict.fromkeys(row["group"] for row in rows)
    ]


def _group(name: str, line: Lineage, rows: list[dict[str, Any]]) -> Group:
    figures = {((row["first"], row["second"]), row["of"], row["metric"]): row["value"] for row in rows}
    pairs = [pair for pair in dict.fromkeys(pair for pair, _, _ in figures) if pair != NOBODY]
    members = list(dict.fromkeys(side for pair in pairs for side in pair))
    found, chance = (
        {(of, metric): _spread(figures, own, of, metric) for of in KINDS for metric in METRICS}
        for own in (pairs, [NOBODY])
    )
    return Group(name, line, members, len(pairs), found, chance)


def _spread(figures: Mapping[tuple[Pair, str, str], float | None], pairs: list[Pair], of: str, metric: str) -> Row:
    """Mean, least and most over pairs; those in which nothing could be matched have no value and do not count."""
    values = [[figures[pair, of, part] for part in METRICS[metric]] for pair in pairs]
    means = [fmean(value for value in own if value is not None) for own in values if None not in own]
    if not means:
        return NO_ROW
    low, high = (min(means), max(means)) if len(means) >= ENOUGH else (None, None)
    return Row(fmean(means), low, high, len(means), "")
