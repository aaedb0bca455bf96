"""What is written into dvc.yaml."""

import re
import shutil

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tools.wire import wired


@pytest.fixture
def stage():
    """The match stage as dvc.yaml has it, by the default's params."""
    return YAML(typ="safe").load(wired((ROOT / "dvc.yaml").read_text(encoding="utf-8"), ROOT))["stages"]["match"]


def test_what_is_matched_is_what_is_not_adapted(stage):
    """Every base and orthogonalised dictionary, and no adapted one, is a dependency and a word of the command."""
    wanted = [f"data/subjects/{name}" for name in ("topk", "batchtopk", "cosine_0", "cosine_5")]

    assert [dep for dep in stage["deps"] if dep.startswith("data/subjects")] == wanted
    assert re.findall(r"'([^']*)'", stage["cmd"]) == wanted
    assert stage["cmd"].endswith(f"--subjects '{wanted[0]}' '{wanted[1]}' '{wanted[2]}' '{wanted[3]}'")


def test_subjects_come_and_go(tmp_path):
    """A list that was written for other params is written anew, not added to."""
    for name in ("sieve", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    shutil.copyfile(ROOT / "presets/toy/params.yaml", tmp_path / "params.yaml")
    toy = wired(text, tmp_path)

    assert toy != text and "--subjects 'data/subjects/topk' 'data/subjects/batchtopk' 'data/subjects/cosine_5'\n" in toy
    assert wired(toy, tmp_path) == toy and wired(toy, ROOT) == wired(text, ROOT)
