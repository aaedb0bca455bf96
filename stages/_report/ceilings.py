"""Patch ceilings as tables: where a concept can be turned at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stages._report.subjects import Row, Subject


def ceilings(subjects: Iterable[Subject]) -> list[dict[str, Any]]:
    """Tables of patch ceilings, concept and position set × site; subjects of one model and site share a table."""
    groups: dict[tuple[Any, ...], list[Subject]] = {}
    for subject in subjects:
        cases = {case: row for case, row in subject.cases("ceiling", "success").items() if case != "subject"}
        if cases:
            groups.setdefault((subject.line.site, *cases.items()), []).append(subject)
    return [_ceiling_table(key[0], dict(key[1:]), members) for key, members in groups.items()]


def _ceiling_table(chosen: str, cases: dict[str, Row], members: list[Subject]) -> dict[str, Any]:
    tested = cases.pop("chosen", None)
    own = cases.get(tested.note) if tested else None
    places = [case.split("/") for case in cases]
    concept = tested.note.split("/")[0] if tested else ""
    rivals = [(row.value or 0.0, case) for case, row in cases.items() if case.startswith(f"{concept}/")]
    best = max(rivals, default=None)
    higher = cases[best[1]] if best and own and best[0] > (own.value or 0.0) else None
    return {
        "names": [member.name for member in members],
        "chosen": chosen,
        "sites": list(dict.fromkeys(site for _, site, _ in places)),
        "concepts": list(dict.fromkeys(concept for concept, _, _ in places)),
        "positions": list(dict.fromkeys(position for _, _, position in places)),
        "cases": cases,
        "own": own,
        "tested": tested,
        "higher": higher,
        "higher_case": best[1] if best else "",
        "unclear": higher and own and None not in (higher.low, own.high) and (higher.low or 0.0) <= (own.high or 0.0),
        "through": [(m.name, m.row("ceiling", "success", "subject")) for m in members],
    }
