"""What evaluate, filter and training wrote about each subject, checked to be complete and easy to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sieve.contrast import Curve
from sieve.provenance import read_table
from stages._report.swaps import Worked, read_swaps

if TYPE_CHECKING:
    from stages._params import Params


class Lineage(NamedTuple):
    """Where a subject comes from: the stage that made it, the penalty weight it carries, its parent, its site.

    And which penalty that is, the seed of the base dictionary, which all that is made of it goes on with, and its kind:
    the first base dictionary that is like it but for its seed.
    """

    subject: str
    stage: str
    weight: float | None
    parent: str | None
    site: str
    penalty: str | None = None
    seed: int = 0
    kind: str = ""

    @property
    def label(self) -> str:
        """The subject's id with what tells it from others of its stage: 'cosine_5 (cosine_full 5, seed 1)'."""
        told = [f"{self.penalty} {self.weight:g}"] if self.penalty else []
        told += [f"seed {self.seed}"] if self.seed else []
        return f"{self.subject} ({', '.join(told)})" if told else self.subject

    @property
    def order(self) -> tuple[str, float, int]:
        """By penalty, weight and seed; what has no penalty comes first."""
        return self.penalty or "", self.weight or 0.0, self.seed


class Row(NamedTuple):
    """One answer: a value with its 95 % interval, the items behind it and, if it has no value, the reason."""

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    note: str


RANDOM = "random"
"""The control that the language filter goes by."""

NO_ROW = Row(None, None, None, None, "")


@dataclass(frozen=True)
class Subject:
    """One subject's lineage and tables. `rows` maps (question, metric, case) to an answer, in the order of the file.

    counts: what the language filter left after each step; controls: the same against other controls than random tokens.
    curve, worked: its swaps over strengths, None where nothing was swapped, and the first of them to be read.
    reference: the subject that differs from it in its weight alone, which is 0; itself, if that is its own; or None.
    """

    line: Lineage
    rows: Mapping[tuple[str, str, str], Row]
    examples: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    features: list[dict[str, Any]]
    history: list[dict[str, Any]]
    controls: Sequence[dict[str, Any]] = ()
    curve: Curve | None = None
    worked: Sequence[Worked] = ()
    reference: Subject | None = None

    @property
    def name(self) -> str:
        """The subject's id."""
        return self.line.subject

    def row(self, question: str, metric: str, *cases: str) -> Row:
        """The first of `cases` that has a value; an empty row if none has."""
        found = (self.rows.get((question, metric, case), NO_ROW) for case in cases)
        return next((row for row in found if row.value is not None), NO_ROW)

    def cases(self, question: str, metric: str, prefix: str = "") -> dict[str, Row]:
        """Every case of one metric that starts with `prefix` and has a value, in the order of the file."""
        return {
            case: row
            for (asked, measured, case), row in self.rows.items()
            if asked == question and measured == metric and case.startswith(prefix) and row.value is not None
        }

    def reasons(self, question: str) -> list[str]:
        """Why (parts of) a question have no value; empty when every row has one."""
        rows = [row for (asked, _, _), row in self.rows.items() if asked == question]
        if not rows:
            return ["the evaluation holds no row for this question"]
        notes = [row.note.removeprefix("not applicable: ") for row in rows if row.value is None]
        return list(dict.fromkeys(note or "no reason was recorded" for note in notes))


def lineage(params: Params, chosen: str) -> list[Lineage]:
    """The lineage of every subject in `params.subjects`, in that order; an adapted model has its dictionary's weight.

    chosen: the site that the patch ceiling chose, which params call so. ValueError for a subject that no stage makes.
    """
    trained, orthogonalized = params.train.subjects, params.orthogonalize.subjects
    adapted = params.adapt.subjects
    sites = {name: chosen if own.site == "chosen" else own.site for name, own in trained.items()}
    looks = {name: [own.variant, sites[name], own.latents, own.settings] for name, own in trained.items()}
    kind = {name: next(first for first, own in looks.items() if own == look) for name, look in looks.items()}

    def line(subject: str) -> Lineage:
        if subject in trained:
            return Lineage(subject, "train", None, None, sites[subject], None, trained[subject].seed, kind[subject])
        if subject in orthogonalized:
            pull = orthogonalized[subject]
            base = line(pull.sae)
            made = base._replace(subject=subject, stage="orthogonalize", parent=pull.sae)
            return made._replace(weight=pull.weight, penalty=pull.penalty)
        if subject in adapted:
            parent = line(adapted[subject].sae)
            return parent._replace(subject=subject, stage="adapt", parent=parent.subject)
        known = sorted({*trained, *orthogonalized, *adapted})
        raise ValueError(
            f"no stage makes the subject '{subject}'; train, orthogonalize and adapt make {', '.join(known)}. "
            "Name one of these, or add the subject to the stage that should make it"
        )

    return [line(subject) for subject in params.subjects]


def families(subjects: Iterable[Subject]) -> dict[str, list[Subject]]:
    """Subjects by the trained dictionary they descend from."""
    listed = list(subjects)
    parents = {subject.name: subject.line.parent for subject in listed}
    found: dict[str, list[Subject]] = {}
    for subject in listed:
        base = subject.name
        while parent := parents.get(base):
            base = parent
        found.setdefault(base, []).append(subject)
    return found


def first_seeds(subjects: Iterable[Subject]) -> list[Subject]:
    """Of each kind of base dictionary, what descends from the one with the least seed."""
    listed = list(subjects)
    least = {kind: min(s.line.seed for s in listed if s.line.kind == kind) for kind in {s.line.kind for s in listed}}
    return [subject for subject in listed if subject.line.seed == least[subject.line.kind]]


def by_penalty(subjects: Iterable[Subject]) -> dict[tuple[str, str], list[Subject]]:
    """Subjects by base dictionary and penalty, lightest first; before them those of the base without a penalty.

    Weight 0 is no penalty, so that of another penalty will do.
    """
    found = {}
    for base, family in families(subjects).items():
        ordered = sorted(family, key=lambda s: s.line.order)
        for penalty in dict.fromkeys(s.line.penalty for s in ordered if s.line.penalty):
            own = [s for s in ordered if s.line.penalty in (None, penalty)]
            free = {s.line.stage: s.line.penalty for s in reversed(ordered) if s.line.weight == 0}
            free |= {s.line.stage: penalty for s in own if s.line.weight == 0}
            lent = [s for s in ordered if s.line.weight == 0 and s.line.penalty == free[s.line.stage] != penalty]
            found[base, penalty] = sorted([*own, *lent], key=lambda s: (bool(s.line.penalty), s.line.weight or 0.0))
    return found


def referred(subjects: list[Subject]) -> list[Subject]:
    """The same subjects with their references. Weight 0 is no penalty, so that of another penalty will do."""
    found = {}
    for family in families(subjects).values():
        for own in family:
            free = [s for s in family if s.line.stage == own.line.stage and s.line.weight == 0]
            same = [s for s in free if s.line.penalty == own.line.penalty]
            found[own.name] = next(iter([*same, *free]), None)
    return [replace(subject, reference=found[subject.name]) for subject in subjects]


def _mismatches(folder: Path, expected: list[str]) -> list[str]:
    """Sentences about what `folder` lacks and what nobody asked for. Hidden files (DVC's .gitignore) do not count."""
    there = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    missing = [f"{folder / name} is missing" for name in expected if name not in there]
    return missing + [f"{folder / name} belongs to no subject" for name in sorted(there - set(expected))]


def read_subjects(lines: list[Lineage], evaluate: Path, filter: Path, history: Path) -> list[Subject]:
    """Read every subject's tables. Raises ValueError naming all missing and all extra folders at once."""
    names = [line.subject for line in lines]
    wrong = [
        *_mismatches(evaluate, names),
        *_mismatches(filter, names),
        *_mismatches(history, [f"{name}.parquet" for name in names]),
    ]
    if wrong:
        raise ValueError(
            f"the report is about exactly the subjects {', '.join(names)}, but:\n  "
            + "\n  ".join(wrong)
            + "\nRun the stages of a missing subject, delete what a removed subject left behind, "
            "or correct `subjects` in params.yaml"
        )
    return referred([_read(line, evaluate / line.subject, filter / line.subject, history) for line in lines])


def _read(line: Lineage, evaluate: Path, filter: Path, history: Path) -> Subject:
    listed = read_table(evaluate / "rows.parquet").to_pylist()
    rows = {(row["question"], row["metric"], row["case"]): Row(*map(row.get, Row._fields)) for row in listed}
    counts = read_table(filter / "counts.parquet").to_pylist()
    curve, worked = read_swaps(evaluate / "items.parquet", rows.get(("swap", "strength", "chosen"), NO_ROW).value)
    return Subject(
        line=line,
        rows=rows,
        curve=curve,
        worked=worked,
        examples=read_table(evaluate / "examples.parquet").to_pylist(),
        counts=[row for row in counts if row["control"] == RANDOM],
        controls=[row for row in counts if row["control"] != RANDOM],
        features=read_table(filter / "features.parquet").to_pylist(),
        history=read_table(history / f"{line.subject}.parquet").to_pylist(),
    )
