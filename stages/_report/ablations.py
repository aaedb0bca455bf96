"""What the loss of a language's latents costs: every way of removing them, and each way's matrix with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stages._report.languages import Value, diagonal_share, mean_of_all, same_kind
from stages._report.readings import ablation_rows, ablations
from stages._report.subjects import Row, Subject

CONTROLLED = {
    "random": "control: random",
    "consistent": "control: no filter",
    "filtered": "control: filtered out",
    "unshared": "kept for no other",
}
"""What cases of `language_ablation` begin with that are no way of removing what is kept; `_WAY` follows in others."""


class Removal(NamedTuple):
    """What one way of removing kept latents, or one control, costs the language and the others, in nats per token.

    worst: the share of languages that suffer most from the loss of their own.
    """

    name: str
    own: Value
    others: Value
    worst: Value


class Matrix(NamedTuple):
    """One way's costs: whose latents go -> the row of each text, in the order of `texts`."""

    name: str
    texts: list[str]
    lines: dict[str, list[Row]]


def removals(subjects: Sequence[Subject]) -> list[Removal]:
    """Of the first group of subjects: all ways in which kept latents were removed, and the controls; means over seeds.

    None where one seed has no such figure. Fewer than two, with nothing to compare, are none.
    """
    group = same_kind(subjects)[0]
    found = []
    for kind, name in _kinds(group).items():
        tables = [ablations(subject, kind) for subject in group]
        own, others = (
            mean_of_all([mean_of_all([v for (a, b), v in table.items() if (a == b) is same]) for table in tables])
            for same in (True, False)
        )
        found.append(Removal(name, own, others, mean_of_all([diagonal_share(s, kind) for s in group])))
    return found if len(found) > 1 else []


def matrices(subject: Subject) -> list[Matrix]:
    """One subject's costs, a matrix for each way and control."""
    texts = list(subject.cases("language_ablation", "ce"))
    found = []
    for kind, name in _kinds([subject]).items():
        rows = ablation_rows(subject, kind)
        lines = {own: [rows[own, text] for text in texts] for own in texts if (own, texts[0]) in rows}
        found.append(Matrix(name, texts, lines))
    return found


def _kinds(group: Sequence[Subject]) -> dict[str, str]:
    """What cases begin with, and what it is called: `kept, project, later`. Without a figure, or a name, it is none."""
    cases = dict.fromkeys(case.split()[0] for one in group for case in one.cases("language_ablation", "delta_ce"))
    found = {}
    for kind in cases:
        ways = [row.note for one in group for row in ablation_rows(one, kind).values() if row.value is not None]
        if ways:
            control, _, way = kind.partition("_")
            name = (
                f"kept, {ways[0]}" if control not in CONTROLLED else CONTROLLED[control] + (f", {way}" if way else "")
            )
            found[kind] = name.replace("_", ", ")
    return found
