"""What a run of a stage was: an in-toto Statement with SLSA's provenance predicate, kept beside the outputs.

It is never an output itself: times, memory and warnings differ from run to run. Specifications: in-toto Statement v1
(https://in-toto.io/Statement/v1), SLSA provenance v1 (https://slsa.dev/provenance/v1).
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sieve.provenance import (
    content_digest,
    digest_bytes,
    digest_file,
    peak_memory,
    publish,
    read_json,
    to_json,
    write_json,
)
from sieve.provenance.code import closure, registered
from stages._numerics import NUMERICS

STATEMENTS = Path("data/provenance")
OWN = ("sieve", "stages")
TEMPLATES = {".css", ".j2"}


def file_digests(path: Path) -> dict[str, str]:
    """{file: SHA-256} of a file, or of every file in a folder, in name order; a door's own README.md is no input."""
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.name != "README.md") if path.is_dir() else [path]
    return {file.as_posix(): digest_file(file) for file in files}


def code_digests(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """{file: SHA-256} of code, by paths from `root`, sorted."""
    return {path.relative_to(root).as_posix(): digest_file(path) for path in sorted(paths)}


def imported(root: Path) -> set[Path]:
    """The files of ours that this process has imported."""
    files = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    return {file for file in files if any(file.is_relative_to(root / name) for name in OWN)}


@dataclass
class Run:
    """One run of a stage on its way: what went in, and, at the end, what came out."""

    stage: str
    program: Path
    root: Path
    inputs: dict[str, dict[str, str]]
    words: dict[str, str]
    params: Mapping[str, Any]
    warnings: list[str]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def code(self) -> dict[str, str]:
        """{file: SHA-256} of all our code that the stage can come to import, and of the templates beside it."""
        paths = set(closure(self.program, self.root, OWN))
        beside = {file for path in paths for file in path.parent.iterdir() if file.suffix in TEMPLATES}
        return code_digests(paths | beside, self.root)

    @cached_property
    def numerics(self) -> dict[str, str]:
        """The environment as it is declared (the lock's digest), and the kind of processor."""
        return {**file_digests(NUMERICS), "machine": platform.machine()}

    @cached_property
    def key(self) -> str:
        """Hex SHA-256 of all that may decide the outputs: inputs, options, params, code, environment."""
        parts = [self.stage, self.inputs, self.words, self.params, self.code, self.numerics, self.warnings]
        return digest_bytes(to_json(parts).encode())

    @property
    def used_code(self) -> dict[str, str]:
        """`code` without the modules of a registry that were not loaded, and with whatever else was."""
        loaded = code_digests(imported(self.root), self.root)
        passed_by = {
            module.relative_to(self.root).as_posix()
            for name in self.code
            for module in registered(self.root / name)
            if module.name != "__init__.py"
        } - loaded.keys()
        return {name: digest for name, digest in (loaded | self.code).items() if name not in passed_by}

    def state(self, outs: list[Path], read: Mapping[str, Any], earlier: list[tuple[float, int]]) -> list[str]:
        """Write the statement of a finished run that read the params `read`; returns what is wrong with it.

        `earlier`: seconds and memory of the interrupted runs that it went on from; their time and memory count too.
        An earlier run with the same key must have given the same bytes, else the stage is not deterministic.
        """
        found = {name: digest for out in outs if out.exists() for name, digest in file_digests(out).items()}
        folder = STATEMENTS / self.stage
        name = f"{self.key[:16]}-{digest_bytes(to_json(found).encode())[:16]}.json"
        others = [path for path in sorted(folder.glob(f"{self.key[:16]}-*.json")) if path.name != name]
        if "DVC_STAGE" in os.environ or not (folder / name).exists():  # by hand, a repetition has nothing to add
            with publish(folder / name) as path:
                write_json(path, self._statement(found, read, earlier))
        return [self._differing(path, found) for path in others]

    def _differing(self, path: Path, found: dict[str, str]) -> str:
        before = {subject["name"]: subject["digest"]["sha256"] for subject in read_json(path)["subject"]}
        names = sorted(name for name in before.keys() | found.keys() if before.get(name) != found.get(name))
        return f"stage {self.stage} is not deterministic: the same inputs once gave other bytes for {', '.join(names)}"

    def _statement(
        self, found: dict[str, str], read: Mapping[str, Any], earlier: list[tuple[float, int]]
    ) -> dict[str, Any]:
        used = {name: digest for files in self.inputs.values() for name, digest in files.items()}
        used |= self.used_code | {NUMERICS.as_posix(): self.numerics[NUMERICS.as_posix()]}
        seconds = (datetime.now(UTC) - self.started).total_seconds() + sum(seconds for seconds, _ in earlier)
        return {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [_resource(name, digest, out=True) for name, digest in sorted(found.items())],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": "urn:sieve:stage:v1",
                    "externalParameters": {"stage": self.stage, "options": self.words, "params": dict(read)},
                    "resolvedDependencies": [_resource(name, digest) for name, digest in sorted(used.items())],
                },
                "runDetails": {
                    "builder": {"id": "urn:sieve:local"},
                    "metadata": {
                        "invocationId": self.key,
                        "startedOn": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "finishedOn": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    },
                    "byproducts": [
                        {
                            "name": "run",
                            "annotations": {
                                "dvc_stage": os.environ.get("DVC_STAGE", ""),
                                "interruptions": len(earlier),
                                "peak_memory_bytes": max([peak_memory(), *(memory for _, memory in earlier)]),
                                "seconds": round(seconds, 1),
                                "warnings": self.warnings,
                            },
                        }
                    ],
                },
            },
        }


def _resource(name: str, digest: str, out: bool = False) -> dict[str, Any]:
    """in-toto's ResourceDescriptor; an output says its size too, and what it holds whatever the writer's version."""
    found: dict[str, Any] = {"name": name, "digest": {"sha256": digest}}
    if out:
        found["annotations"] = {"bytes": Path(name).stat().st_size}
        content = content_digest(Path(name))
        if content:
            found["digest"]["sieveContent"] = content
    return found
