"""dvc.yaml tells the truth: each stage needs what it declares and nothing else, and gives the same bytes again."""

import shutil
import subprocess

import pytest

from sieve.provenance import digest_path
from stages._statement import file_digests
from tests.conftest import ROOT
from tests.sandbox import Sandbox, undeclared_files, undeclared_params, unused_params
from tools._project import pipeline
from tools._statements import statements

ONE_OF_EACH = [
    "dataset",
    "model",
    "tokens",
    "ceiling",
    "activations",
    "train@batchtopk",
    "orthogonalize@cosine_5",
    "match",
    "adapt@adapted_5",
    "filter@adapted_5",
    "evaluate@adapted_5",
    "report",
]


def can_trace() -> bool:
    """Whether strace is here and allowed to look."""
    trial = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"]
    return shutil.which("strace") is not None and subprocess.run(trial, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_stage_with_its_declared_inputs_only(toy_run, tmp_path, name):
    """In a folder that holds only its declared code and data a stage gives the same bytes as in the whole project.

    The params and code that it used are those declared, all of them; where strace is, so are the files that it opened.
    """
    traced = can_trace()
    sandbox = Sandbox.of(toy_run, name, tmp_path / "sandbox")
    done = sandbox.run(traced)
    assert done.returncode == 0, done.stderr
    for out in sandbox.stage.outs:
        assert digest_path(sandbox.folder / out) == digest_path(toy_run / out), out

    statement = sandbox.statement()
    assert undeclared_params(sandbox.stage, statement) == []
    assert unused_params(sandbox.stage, statement) == []
    own = {"seed", name.split("@")[0], *(["tokens"] if name.startswith("filter@") else [])}  # how its noise was drawn
    assert name == "report" or {p.split(".")[0] for p in statement.params} <= own
    code = {name for name in statement.deps if name.endswith(".py")}
    assert undeclared_files(sandbox.stage, code) == []
    assert [d for d in sandbox.stage.deps if d.endswith(".py") and d not in code] == []
    if traced:
        assert undeclared_files(sandbox.stage, sandbox.opened([sandbox.folder, toy_run, ROOT / "data"])) == []


def test_every_output_has_a_statement(toy_run):
    """Whatever a stage wrote is spoken of, with its digest, by the statement of a run of that stage."""
    told = statements(toy_run)
    for name, stage in pipeline(toy_run).items():
        found = {f for out in stage.outs for f in file_digests(toy_run / out).values()}
        assert any(s.item == name and found == set(s.outs.values()) for s in told), name
