"""The README and the project never disagree."""

import re
from pathlib import Path

import pytest

import sieve
from sieve.provenance import read_table
from tests.conftest import ROOT
from tests.readme import README, python_blocks, quick_start
from tools.findings import findings

TEXT = README.read_text(encoding="utf-8")


def test_quick_start_begins_with_exactly_two_commands():
    """The section holds two fenced bash blocks of one command line each, and nothing stands before the first."""
    commands = quick_start()

    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
    assert re.search(r"^## Quick start\n+```bash\n", TEXT, flags=re.M)


def test_each_command_makes_its_own_environment():
    """Each command makes a virtual environment, activates it for dvc, and installs with the lock as constraints."""
    main, tests = quick_start()

    for command in (main, tests):
        assert "-m venv" in command
        assert "activate" in command
        assert "-c env/numerics.lock" in command
    assert main.endswith("dvc repro")
    assert tests.endswith("pytest -n 2")


def test_paths_in_the_map_exist():
    """Every path that the map of the project names is there."""
    section = re.search(r"^## Map\n(.*?)(?=^## )", TEXT, flags=re.M | re.S)
    assert section
    named = re.findall(r"^(\S+?)  +\S", section[1], flags=re.M)

    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("folder", [".", "presets/stories260k"])
def test_figures_come_from_the_published_summaries(folder):
    """The README's tables of findings are what the published summaries say."""
    shown = re.search(
        rf"python -m tools.findings{'' if folder == '.' else ' ' + folder}\n```\n\n(.*?)\n\n", TEXT, flags=re.S
    )

    assert shown, f"README.md shows no table of {folder}"
    assert shown[1] == findings(ROOT / folder)


def test_language_example_runs(toy_run: Path, tmp_path, monkeypatch, capsys):
    """The lines that find a direction in sentences run as they stand, after those that load a subject."""
    example = next(block for block in python_blocks() if "language_direction" in block)
    assert len([line for line in example.splitlines() if line.strip()]) <= 8
    rows = read_table(toy_run / "data/dataset/texts.parquet").to_pylist()
    texts = [row["text"].replace("\n", " ") for row in rows if (row["language"], row["split"]) == ("es", "train")]
    (tmp_path / "spanish.txt").write_text("\n".join(texts), encoding="utf-8")

    monkeypatch.chdir(tmp_path)
    subject = sieve.load(toy_run / "data/subjects/topk", model=toy_run / "data/model")
    exec(compile(example, "README.md", "exec"), {"sieve": sieve, "subject": subject})

    assert "'sequences'" in capsys.readouterr().out


def test_library_example_is_short_and_runs(toy_run: Path, monkeypatch, capsys):
    """The ten lines that load and steer run as they stand, in a finished project."""
    example = next(block for block in python_blocks() if "import sieve" in block)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10

    monkeypatch.chdir(toy_run)
    exec(compile(example, "README.md", "exec"), {})

    assert capsys.readouterr().out
