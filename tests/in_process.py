"""The whole pipeline in this process: every command that dvc.yaml gives for some params, without a start for each.

The commands are resolved by DVC and split by a shell, so the wiring is the one that `dvc repro` follows; what is left
out is DVC's own work (that is `toy_run`'s) and the imports of 25 processes.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML

from sieve.provenance import read_json
from stages._common import run
from stages._numerics import NUMERICS
from tests.conftest import ROOT, run_in
from tools._project import pipeline
from tools.wire import wired


def make_project(folder: Path, params: dict[str, Any]) -> Path:
    """A project with these params and with empty doors; its code is a link to this checkout's.

    It declares one thread: matrices are so small here that a second one costs more than it gives.
    """
    for inside in ("data/input/text", "data/input/model", ".dvc", NUMERICS.parent):
        (folder / inside).mkdir(parents=True)
    for name in ("sieve", "stages"):
        (folder / name).symlink_to(ROOT / name)
    declared = (ROOT / NUMERICS).read_text(encoding="utf-8")
    (folder / NUMERICS).write_text(re.sub("# threads: .*", "# threads: 1", declared), encoding="utf-8")
    config = (ROOT / ".dvc/config").read_text(encoding="utf-8").replace("[core]", "[core]\n    no_scm = true")
    (folder / ".dvc/config").write_text(config, encoding="utf-8")
    YAML(typ="safe", pure=True).dump(params, folder / "params.yaml")
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    (folder / "dvc.yaml").write_text(wired(text, folder), encoding="utf-8")
    return folder


def commands(folder: Path) -> dict[str, list[str]]:
    """{stage: [module, *arguments]}, every stage after those that it needs."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        told = {stage.name: stage.cmd.replace("exec python -m ", "printf '%s\\n' ") for stage in repo.index.stages}
    return {
        name: run_in(folder, "/bin/sh", "-c", told[name], DVC_STAGE=name).stdout.splitlines()
        for name in pipeline(folder)
    }


def run_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run every stage in its turn, as its command says; returns data/summary.json. A stage that fails ends the test."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    threads = torch.get_num_threads()
    try:
        for module, *arguments in commands(folder).values():
            stage = importlib.import_module(module)
            monkeypatch.setattr("sys.argv", [stage.__file__, *arguments])
            run(stage.main)
    finally:
        torch.set_num_threads(threads)
    return read_json(folder / "data/summary.json")
