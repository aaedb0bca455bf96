"""What tests of tools share."""

import pytest


@pytest.fixture
def project(tmp_path):
    """A project with doors that hold their explanations and something old."""
    root = tmp_path / "project"
    for door in ("text", "model"):
        folder = root / "data/input" / door
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(f"about {door}")
        (folder / "old.txt").write_text("Old.")
    (root / "dvc.yaml").touch()
    return root
