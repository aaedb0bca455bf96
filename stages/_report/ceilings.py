"""Patch ceilings as a table: where a concept can be turned at all, by what was asked before anything was trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sieve.features.place import Place
from sieve.provenance import read_table
from stages._report.subjects import Lineage, Row, Subject

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Ceilings:
    """The place that was chosen, every ceiling by (concept, site, position), and why other concepts have none."""

    place: Place
    rows: Mapping[Key, Row]
    reasons: tuple[str, ...]

    @classmethod
    def read(cls, rows: Path, place: Path) -> Ceilings:
        """What the ceiling stage wrote."""
        listed = [(row, Row(row["success"], *map(row.get, Row._fields[1:]))) for row in read_table(rows).to_pylist()]
        found = {(own["concept"], own["site"], own["position"]): row for own, row in listed if row.value is not None}
        notes = dict.fromkeys(row.note.removeprefix("not applicable: ") for _, row in listed if row.value is None)
        return cls(Place.load(place), found, tuple(notes))

    @property
    def concepts(self) -> list[str]:
        """That were asked about, the one that is to be turned first."""
        return list(dict.fromkeys(concept for concept, _, _ in self.rows))

    @property
    def sites(self) -> list[str]:
        """In the order in which data flows."""
        return list(dict.fromkeys(site for _, site, _ in self.rows))

    @property
    def positions(self) -> list[str]:
        """Mentions before the last token."""
        return list(dict.fromkeys(position for _, _, position in self.rows))

    @property
    def chosen(self) -> Key:
        """The key of the place."""
        return self.place.concept, self.place.site, self.place.position

    @property
    def higher(self) -> Key | None:
        """Where the ceiling of the same concept is the highest, if that is not the place itself.

        Params may have named the place, or so few pairs could not tell the two apart. None
        where there is no such place, or where no ceiling was measured at the one that was named.
        """
        own = self.rows.get(self.chosen)
        rivals = [(row.value or 0.0, key) for key, row in self.rows.items() if key[0] == self.place.concept]
        best = max(rivals, key=lambda rival: rival[0], default=None)
        return best[1] if best and own and best[0] > (own.value or 0.0) else None

    @property
    def unclear(self) -> bool:
        """Whether the interval of the higher one overlaps with that of the place."""
        own, other = self.rows.get(self.chosen), self.rows.get(self.higher) if self.higher else None
        return bool(own and other and (other.low or 0.0) <= (own.high or 0.0))

    def figures(self) -> dict[str, float | None]:
        """`ceiling.chosen`, on validation pairs at the place, and `ceiling.highest`, at any of the concept's."""
        own, best = self.rows.get(self.chosen), self.rows.get(self.higher or self.chosen)
        return {"ceiling.chosen": own.value if own else None, "ceiling.highest": best.value if best else None}


def patched(subjects: Iterable[Subject]) -> list[tuple[Lineage, Row, Row]]:
    """Of every subject that was asked: the ceiling on test pairs at its own site, and the same through its SAE."""
    rows = [(s.line, s.row("ceiling", "success", "patched"), s.row("ceiling", "success", "subject")) for s in subjects]
    return [own for own in rows if own[1].value is not None]
