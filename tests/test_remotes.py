"""What was pushed is enough for an empty clone."""

import shutil

from tests.conftest import run_in
from tests.test_pipeline import executed


def test_push_and_pull_through_a_folder(toy_run, tmp_path):
    """After push, clone and pull nothing is left to execute, and every byte is what its name says."""
    project = shutil.copytree(toy_run, tmp_path / "project", symlinks=True)
    run_in(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    run_in(project, "git", "add", "--all")
    run_in(project, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "run")
    run_in(project, "dvc", "push")
    run_in(tmp_path, "git", "clone", "-q", str(project), "clone")
    clone = tmp_path / "clone"
    run_in(clone, "dvc", "pull")
    assert "all as their names say" in run_in(clone, "python", "-m", "tools.cache").stdout
    assert executed(run_in(clone, "dvc", "repro").stdout) == []
    assert (clone / "dvc.lock").read_bytes() == (project / "dvc.lock").read_bytes()
    assert run_in(clone, "git", "status", "--porcelain").stdout == ""
