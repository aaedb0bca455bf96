"""The statements that stages left: what each run read and wrote, found by the digest of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sieve.provenance import read_json
from stages._statement import STATEMENTS


@dataclass(frozen=True)
class Statement:
    """One run of one stage."""

    path: Path
    stage: str
    item: str
    finished: str
    outs: dict[str, str]
    deps: dict[str, str]
    sizes: dict[str, int]
    params: dict[str, Any]
    seconds: float
    memory: int
    key: str

    @classmethod
    def load(cls, path: Path) -> Statement:
        """Read one statement. ValueError when the file is none."""
        value = read_json(path)
        try:
            build, run = value["predicate"]["buildDefinition"], value["predicate"]["runDetails"]
            figures = run["byproducts"][0]["annotations"]
            return cls(
                path=path,
                stage=build["externalParameters"]["stage"],
                item=figures["dvc_stage"] or build["externalParameters"]["stage"],
                finished=run["metadata"]["finishedOn"],
                outs={s["name"]: s["digest"]["sha256"] for s in value["subject"]},
                deps={d["name"]: d["digest"]["sha256"] for d in build["resolvedDependencies"]},
                sizes={s["name"]: s["annotations"]["bytes"] for s in value["subject"]},
                params=build["externalParameters"]["params"],
                seconds=figures["seconds"],
                memory=figures["peak_memory_bytes"],
                key=run["metadata"]["invocationId"],
            )
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{path} is no statement of a stage ({error}); remove it") from None


def statements(root: Path) -> list[Statement]:
    """All statements, the newest last."""
    found = [Statement.load(path) for path in sorted((root / STATEMENTS).glob("*/*.json"))]
    return sorted(found, key=lambda s: (s.finished, s.path))


def last_runs(root: Path) -> dict[str, Statement]:
    """{stage or stage@subject: its newest statement}."""
    return {statement.item: statement for statement in statements(root)}
