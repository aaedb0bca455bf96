"""why, lineage and clean on a finished toy run."""

import fcntl
import json
import re
import shutil

import pytest

from sieve.provenance import read_json
from stages._statement import STATEMENTS
from tests.conftest import run_in
from tools.clean import idle, old_work, orphans
from tools.lineage import as_mermaid, flat, trace
from tools.why import Plan, after, plan, require_room, show


def edit(project, old, new):
    """Change params.yaml; returns how it was."""
    path = project / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text


def test_nothing_to_run(toy_run):
    """After `dvc repro` there is no reason to run anything."""
    assert plan(toy_run).reasons == {}
    assert "nothing to run" in run_in(toy_run, "python", "-m", "tools.why").stdout


def test_a_changed_param_is_told_with_everything_downstream(toy_run):
    """The stage whose param changed says old and new value; all that comes after it follows, and nothing else."""
    before = edit(toy_run, "weight: 5.0", "weight: 6.0")
    try:
        found = plan(toy_run)
    finally:
        (toy_run / "params.yaml").write_text(before, encoding="utf-8")
    own = {f"{stage}@{s}" for s in ("cosine_5", "adapted_5") for stage in ("filter", "evaluate")}
    assert set(found.reasons) == own | {"orthogonalize@cosine_5", "adapt@adapted_5", "match", "report"}
    (reason,) = found.reasons["orthogonalize@cosine_5"]
    assert "orthogonalize.subjects.cosine_5" in reason and "5.0" in reason and "6.0" in reason
    assert found.reasons["adapt@adapted_5"] == ["comes after orthogonalize@cosine_5, unless they give the same bytes"]
    assert set(after(found, "filter@cosine_5").reasons) == {"filter@cosine_5", "evaluate@cosine_5", "report"}
    assert found.total("seconds") > 0 and found.total("bytes") > 0 and found.memory > 2**26
    assert re.search(r"8 stages, by their last runs: \d+ s, [\d.]+ GiB memory, [\d.]+ MiB disk", show(found))
    with pytest.raises(OSError, match="MiB of disk are free"):
        require_room(found, 10)
    require_room(found, 2**40)
    with pytest.raises(ValueError, match="there is no stage 'trian'; there are: dataset"):
        after(found, "trian")


def test_changed_code_and_a_missing_output_are_told(toy_run, tmp_path):
    """Code, an output that is gone, and a stage of which nothing is recorded are reasons too."""
    project = shutil.copytree(toy_run, tmp_path / "project", symlinks=True)
    (project / "sieve/text/controls.py").open("a").write("\n")
    (project / "data/evaluate/topk/rows.parquet").unlink()
    shutil.rmtree(project / STATEMENTS / "evaluate")
    found = plan(project)
    assert found.reasons["tokens"] == ["code sieve/text/controls.py: modified"]
    assert any(reason.startswith("output data/evaluate/topk: ") for reason in found.reasons["evaluate@topk"])
    assert "evaluate@topk" in found.unknown and "evaluate@topk  (no record)" in show(found)
    assert isinstance(found, Plan)


def test_lineage_leads_back_to_the_sources(toy_run):
    """From a report's summary to the dataset, every run once, in order, each with code and params."""
    step = trace(toy_run, toy_run / "data/summary.json")
    items = [one.statement.item for one in flat(step)]
    assert items[0] == "dataset" and items[-1] == "report" and len(items) == len(set(items)) == 19
    done = run_in(toy_run, "python", "-m", "tools.lineage", "data/subjects/cosine_5/sae.safetensors").stdout
    assert "param orthogonalize.subjects.cosine_5.weight = 5.0" in done
    assert "runs back to its sources; all bytes agree" in done
    assert "train@topk" in done and "train@batchtopk" not in done
    chart = as_mermaid(toy_run / "data/summary.json", step)
    assert chart.startswith("flowchart LR") and chart.count("-->") >= 18


def test_lineage_says_what_no_longer_agrees(toy_run, tmp_path):
    """An input that was changed after the run is named."""
    project = shutil.copytree(toy_run, tmp_path / "project", symlinks=True)
    (project / "sieve/text/controls.py").open("a").write("\n")
    done = run_in(project, "python", "-m", "tools.lineage", "data/filter/topk/concepts.json").stdout
    assert "but:" in done and "sieve/text/controls.py is" in done


def test_statements_follow_the_specifications(toy_run):
    """Every statement is an in-toto Statement v1 with SLSA's provenance v1, by the specifications' schema."""
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    paths = sorted((toy_run / STATEMENTS).glob("*/*.json"))
    assert len(paths) >= 19
    for path in paths:
        value = read_json(path)
        parsed = ParseDict(value, statement_pb2.Statement())
        Statement.copy_from_pb(parsed).validate()
        predicate = ParseDict(value["predicate"], provenance_pb2.Provenance())
        assert predicate.build_definition.build_type and predicate.run_details.builder.id
        assert all(re.fullmatch("[0-9a-f]{64}", s["digest"]["sha256"]) for s in value["subject"])


def test_statements_are_no_outputs(toy_run):
    """Nothing that DVC hashes, nor git keeps, holds a time, a duration or a host."""
    assert "data/provenance" not in (toy_run / "dvc.lock").read_text(encoding="utf-8")
    assert run_in(toy_run, "git", "status", "--porcelain", "data/provenance").stdout == ""
    json.dumps(read_json(toy_run / "data/summary.json"))


def test_clean_finds_old_work_and_orphans_only(toy_run, tmp_path):
    """Work of a stage that is not running, and what lies among outputs; not a user's files, statements, DVC's notes."""
    project = shutil.copytree(toy_run, tmp_path / "project", symlinks=True)
    left = project / ".work/model/0123456789abcdef"
    left.mkdir()
    for name in ("data/subjects/old", "data/raw", "data/subjects/.topk.partial"):
        (project / name).mkdir()
    for name in ("data/notes.txt", "data/input/text/mine.txt", "data/évaluation.txt"):
        (project / name).write_text("mine")
    assert orphans(project) == [project / "data/subjects/old"]
    with idle(project) as folders:
        assert old_work(folders, 0) == [left] and old_work(folders, 1) == []
        with idle(project) as again:
            assert again == []  # whoever cleans keeps stages, and other cleaners, away
    (lock,) = (project / ".work/model").glob("*.lock")
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with idle(project) as folders:
            assert project / ".work/model" not in folders
