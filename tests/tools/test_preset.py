"""tools.preset: a workspace is made whole or not at all, and brings back only what is proved."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools._project import call, dvc
from tools.preset import bring_back, main, make, without_others

PIPELINE = """
stages:
  report:
    cmd: cp params.yaml data/summary.json
    deps: [params.yaml, data/input/text]
    metrics:
      - data/summary.json: {cache: false}
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "params.yaml": '{"world": "default"}\n',
    "dvc.lock": "schema: '2.0'\n",
    "data/summary.json": '{"world": "default"}\n',
    "data/input/text/README.md": "about text\n",
    "presets/other/params.yaml": '{"world": "other"}\n',
    "presets/proved/params.yaml": '{"world": "proved"}\n',
    "presets/proved/dvc.lock": "schema: '2.0'\nstages: {}\n",
    "presets/proved/summary.json": '{"world": "proved"}\n',
    "tools/__init__.py": "",
    "tools/wire.py": "open('wired', 'w').write(open('params.yaml').read())\n",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "data/input/*/README.md\n.work\n",
    ".gitignore": "data/input/*/*\n!data/input/*/README.md\n.work/\n__pycache__/\nwired\n",
}


def commit(root: Path) -> None:
    call("git", "add", "--all", folder=root)
    call("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "x", folder=root)


@pytest.fixture
def project(tmp_path):
    """A small project under git and DVC, with one commit."""
    root = tmp_path / "project"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    call("git", "init", "--quiet", str(root), folder=root)
    commit(root)
    return root


def test_workspace_holds_the_presets_world(project, tmp_path):
    """The clone has the preset's params, its wires are written anew for them, and the cache is shared."""
    into = tmp_path / "made/other"
    make(project, "other", into)
    assert (into / "params.yaml").read_text() == FILES["presets/other/params.yaml"]
    assert (into / "wired").read_text() == FILES["presets/other/params.yaml"]
    assert dvc("cache", "dir", folder=into).strip() == str(project / ".dvc/cache")


def test_workspace_starts_without_the_defaults_results(project, tmp_path):
    """Lock and summary are the preset's, or none if it has none; never those of the default."""
    for name in ("other", "proved"):
        make(project, name, tmp_path / name)
    assert not (tmp_path / "other/dvc.lock").exists() and not (tmp_path / "other/data/summary.json").exists()
    assert (tmp_path / "proved/dvc.lock").read_text() == FILES["presets/proved/dvc.lock"]
    assert (tmp_path / "proved/data/summary.json").read_text() == FILES["presets/proved/summary.json"]


def test_a_preset_may_be_called_as_a_model_is(project, tmp_path):
    """Hyphens and dots in its name do no harm, on the way out and on the way back."""
    (project / "presets/model-1.5b").mkdir()
    (project / "presets/model-1.5b/params.yaml").write_text('{"world": "model"}\n')
    into = tmp_path / "model-1.5b"
    make(project, "model-1.5b", into)
    dvc("repro", "--quiet", folder=into)
    assert bring_back(into)[1] == project / "presets/model-1.5b/summary.json"


def test_doors_are_copied(project, tmp_path):
    """What a user put into the project's doors lies in the workspace's too, as a copy of its own."""
    source = project / "data/input/text/deep/a.txt"
    source.parent.mkdir()
    source.write_text("One.")
    make(project, "other", tmp_path / "other")
    copy = tmp_path / "other/data/input/text/deep/a.txt"
    assert copy.read_text() == "One." and not copy.samefile(source)
    assert call("git", "status", "--porcelain", "data/input", folder=tmp_path / "other") == ""


def test_unknown_preset_lists_the_known(project, tmp_path):
    """The message lists the presets that exist."""
    with pytest.raises(ValueError, match="no preset 'nothing'; there are: other, proved"):
        make(project, "nothing", tmp_path / "other")


def test_only_into_a_new_folder(project, tmp_path):
    """A folder with something in it is refused and left alone."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        make(project, "other", tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_project_without_a_commit(project, tmp_path):
    """There is nothing to clone before the first commit."""
    call("git", "update-ref", "-d", "HEAD", folder=project)
    with pytest.raises(ValueError, match="commit first"):
        make(project, "other", tmp_path / "other")


def test_failure_leaves_nothing_behind(project, tmp_path):
    """When a step fails, its own words are told and no half-made workspace stays."""
    (project / "tools/wire.py").write_text("raise SystemExit('the wires are loose')")
    commit(project)
    with pytest.raises(ValueError, match="the wires are loose"):
        make(project, "other", tmp_path / "made/other")
    assert list((tmp_path / "made").iterdir()) == []


def test_command_line_warns_of_uncommitted_changes(project, tmp_path, monkeypatch, capsys):
    """The clone has the last commit only, which is said where it matters; what to do next is said always."""
    monkeypatch.chdir(project)
    monkeypatch.setattr("sys.argv", ["preset", "other", "--into", str(tmp_path / "clean")])
    main()
    told = capsys.readouterr()
    assert told.err == "" and f"cd {tmp_path / 'clean'}\n  dvc repro\n" in told.out
    (project / "new.py").touch()
    monkeypatch.setattr("sys.argv", ["preset", "other", "--into", str(tmp_path / "changed")])
    main()
    assert "1 uncommitted change;" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["other"], ["--into", "x"], ["other", "--publish"], ["--into", "x", "--publish"]])
def test_command_line_takes_one_of_two_forms(argv, monkeypatch):
    """NAME goes with --into, and --publish stands alone."""
    monkeypatch.setattr("sys.argv", ["preset", *argv])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2


def test_publish_brings_back_what_was_proved(project, tmp_path):
    """Publishing is refused before `dvc repro`; after it, lock and summary prove a new workspace."""
    first, second = tmp_path / "first", tmp_path / "second"
    make(project, "other", first)
    with pytest.raises(ValueError, match="out of date: report; run `dvc repro` first"):
        bring_back(first)
    assert sorted(path.name for path in (project / "presets/other").iterdir()) == ["params.yaml"]
    dvc("repro", "--quiet", folder=first)
    assert bring_back(first) == [project / "presets/other/dvc.lock", project / "presets/other/summary.json"]
    assert json.loads((project / "presets/other/summary.json").read_text()) == {"world": "other"}
    make(project, "other", second)
    assert json.loads(dvc("status", "--json", folder=second)) == {}


def test_a_lock_holds_the_stages_that_there_are():
    """What an older pipeline had is left out, however its entry looks; the rest stays as it was, to the byte."""
    kept = "schema: '2.0'\nstages:\n  model:\n    cmd: make\n    outs:\n    - path: data\n  train@a_1:\n    cmd: fit\n"
    lock = kept.replace("  train@a_1", "  train@a:\n    cmd: fit\n    deps:\n    - path: x y\n  train@a_1")
    assert without_others(lock, {"model", "train@a_1"}) == kept
    assert without_others(lock, {"model", "train@a", "train@a_1"}) == lock


def test_publish_refuses_other_params(project, tmp_path):
    """Results of params that are not the preset's would prove nothing."""
    make(project, "other", tmp_path / "other")
    (tmp_path / "other/params.yaml").write_text("{}")
    with pytest.raises(ValueError, match=r"params\.yaml is not that of"):
        bring_back(tmp_path / "other")


def test_publish_only_from_a_workspace(project):
    """The project itself is no workspace; the command ends in one message and status 1."""
    root = Path(__file__).parents[2]
    command = [sys.executable, str(root / "tools/preset.py"), "--publish"]
    environment = {"PYTHONPATH": str(root), "PATH": ""}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "is no preset's workspace" in done.stderr
