"""The pipeline as a whole, through DVC, on the toy preset."""

import json
import re
import sys

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, run_in

LEGAL_ID = r"[a-z0-9_]+"


def executed(output: str) -> list[str]:
    """The stages that `dvc repro` ran, from what it printed."""
    return re.findall(r"^Running stage '([^']+)'", output, flags=re.M)


def set_weight(project, weight: float) -> None:
    """Change one penalty weight in params.yaml."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["orthogonalize"]["subjects"]["cosine_5"]["weight"] = weight
    yaml.dump(params, project / "params.yaml")


def test_dvc_yaml_is_wired():
    """The lists of dvc.yaml that can be derived from code and params are what the code and params say."""
    done = run_in(ROOT, sys.executable, "-m", "tools.wire", "--check")

    assert "up to date" in done.stdout


def test_yaml_parser_in_c():
    """DVC finds the YAML parser in C: in Python, reading dvc.lock is a third of a rerun in which nothing changed."""
    import ruamel.yaml

    assert ruamel.yaml.__with_libyaml__


def test_at_most_25_stages():
    """Expanded, the default pipeline has at most 25 stages, each with a legal id."""
    names = [line.split()[0] for line in run_in(ROOT, "dvc", "stage", "list", "--all").stdout.splitlines()]

    assert 11 <= len(names) <= 25
    assert all(re.fullmatch(rf"{LEGAL_ID}(@{LEGAL_ID})?", name) for name in names)


def test_a_finished_run_is_up_to_date(toy_run):
    """After `dvc repro` there is nothing left to do."""
    assert "up to date" in run_in(toy_run, "dvc", "status").stdout
    assert executed(run_in(toy_run, "dvc", "repro").stdout) == []


def test_metrics_show_the_summary(toy_run):
    """`dvc metrics show` gives the numbers of data/summary.json (those that apply: DVC leaves out nulls)."""
    summary = json.loads((toy_run / "data/summary.json").read_text(encoding="utf-8"))
    shown = json.loads(run_in(toy_run, "dvc", "metrics", "show", "--json").stdout)

    assert shown[""]["data"]["data/summary.json"]["data"] == {k: v for k, v in summary.items() if v is not None}


def test_plots_show_offline(toy_run, tmp_path):
    """`dvc plots show` makes a page that shows the report's own pictures and names no address."""
    run_in(toy_run, "dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text(encoding="utf-8")

    assert "://" not in page
    assert len(re.findall(r"<img ", page)) == len(list((toy_run / "data/report/plots").glob("*.svg")))


def test_a_changed_weight_wakes_only_its_own(toy_run):
    """A new penalty weight re-runs its subject, its heir, what is asked of them and report; going back runs nothing."""
    before = (toy_run / "dvc.lock").read_bytes()
    set_weight(toy_run, 6.0)
    changed = executed(run_in(toy_run, "dvc", "repro").stdout)
    set_weight(toy_run, 5.0)
    reverted = run_in(toy_run, "dvc", "repro").stdout

    own = {f"{stage}@{s}" for s in ("cosine_5", "adapted_5") for stage in ("filter", "evaluate")}
    assert set(changed) == own | {"orthogonalize@cosine_5", "adapt@adapted_5", "match", "report"}
    assert executed(reverted) == []
    assert (toy_run / "dvc.lock").read_bytes() == before


@pytest.mark.parametrize("stage", ["model", "evaluate"])
def test_a_stage_by_hand_says_what_is_missing(stage, tmp_path):
    """A stage started by hand with a missing input names the input and what makes it."""
    done = run_in(ROOT, sys.executable, "-m", f"stages.{stage}", "--help")
    options = re.findall(r"(--[a-z-]+) [A-Z_]+", done.stdout)
    arguments = [word for option in dict.fromkeys(options) for word in (option, str(tmp_path / "nothing"))]
    failed = run_in(ROOT, sys.executable, "-m", f"stages.{stage}", *arguments, check=False)

    assert failed.returncode == 1
    assert "missing input" in failed.stderr
    assert "dvc repro" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_every_subject_has_one_shape(toy_run):
    """Base, orthogonalised and adapted subjects load the same way and generate."""
    import sieve

    for name in ("topk", "batchtopk", "cosine_5", "adapted_5"):
        subject = sieve.load(toy_run / "data/subjects" / name, model=toy_run / "data/model")
        with subject.spliced():
            assert isinstance(subject.generate("Problem: Anna has 3 apples.", 5), str)


def test_another_model_is_refused(toy_run, tmp_path):
    """A subject loaded with a model that it was not made with is refused by name."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    import sieve
    from sieve.provenance import read_json

    other = tmp_path / "model"
    shutil.copytree(toy_run / "data/model/network", other)
    shutil.copytree(toy_run / "data/model/tokenizer", other, dirs_exist_ok=True)
    weights = load_file(other / "model.safetensors")
    name = sorted(weights)[0]
    (other / "model.safetensors").unlink()
    save_file(
        weights | {name: weights[name] + torch.ones_like(weights[name])}, other / "model.safetensors", {"format": "pt"}
    )

    with pytest.raises(sieve.LineageError, match="trained on model"):
        sieve.load(toy_run / "data/subjects/topk", model=other)
    assert read_json(toy_run / "data/model/card.json")["digest"]
