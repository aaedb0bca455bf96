"""Where a concept is to be turned: its name, a site, and which tokens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sieve.provenance import read_json, write_json

Position = Literal["concept", "last"]
"""At the concept's mentions, or at the token before it is said."""


@dataclass(frozen=True)
class Place:
    """A concept, a site, and the tokens at which it is looked for. `sieve.features.ceiling` says how one is chosen."""

    concept: str
    site: str
    position: Position

    def save(self, path: Path) -> None:
        """Write canonical JSON."""
        write_json(path, {"kind": "place", **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> Place:
        """Read a file written by `save`. ValueError when it is something else."""
        values = read_json(path)
        if not isinstance(values, dict) or values.pop("kind", None) != "place":
            raise ValueError(f"{path} names no place; give the place.json that the ceiling stage wrote")
        return cls(**values)
