"""Swaps, pair by pair: a subject's curve over strengths, and its first pairs to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sieve.contrast import Curve
from sieve.provenance import read_table

SHOWN = 4  # pairs
CONDITIONS = {"none": "no swap", "swap": "swap", "random": "random latents"}  # as they are called for people


class Said(NamedTuple):
    """What was said of a pair under one condition, which goes by a name for people; kept is None without an answer."""

    condition: str
    text: str
    success: bool
    kept: bool | None


class Worked(NamedTuple):
    """One pair worked out: its prompt about `source`, and what was said under each of `CONDITIONS`."""

    source: str
    target: str
    prompt: str
    said: list[Said]


def read_swaps(path: Path, chosen: float | None) -> tuple[Curve | None, list[Worked]]:
    """The curve, and the test split's first pairs, whatever came of them, at the strength that was chosen.

    Nothing of either where nothing was swapped.
    """
    if chosen is None:
        return None, []
    rows = read_table(path).to_pylist()
    return Curve.of(rows, chosen), _worked(rows, chosen)


def _worked(rows: list[dict[str, Any]], chosen: float) -> list[Worked]:
    """A pair is one problem, so that a problem's id tells which rows belong together."""
    first = list(dict.fromkeys(row["doc"] for row in rows))[:SHOWN]
    shown = [row for row in rows if row["doc"] in first and _is_shown(row, chosen)]
    pairs = {doc: [row for row in shown if row["doc"] == doc] for doc in first}
    return [
        Worked(own[0]["source"], own[0]["target"], own[0]["prompt"], [_said(row) for row in own])
        for own in pairs.values()
    ]


def _is_shown(row: Mapping[str, Any], chosen: float) -> bool:
    return row["condition"] in CONDITIONS and row["strength"] in (None, chosen)


def _said(row: Mapping[str, Any]) -> Said:
    return Said(CONDITIONS[row["condition"]], row["said"], row["success"], row["kept"])
