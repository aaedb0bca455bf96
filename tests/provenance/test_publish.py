"""Outputs appear whole or not at all."""

import pytest

from sieve.provenance import publish


def make(path, content: str, folder: bool) -> None:
    """A file, or a folder with two files."""
    if folder:
        path.mkdir()
        (path / "a").write_text(content)
        (path / "b").write_text(content)
    else:
        path.write_text(content)


def content(path) -> list[str]:
    """What a file, or each file of a folder, holds."""
    return [p.read_text() for p in sorted(path.iterdir())] if path.is_dir() else [path.read_text()]


@pytest.mark.parametrize("before", [None, False, True], ids=["nothing", "file", "folder"])
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_new_replaces_old(tmp_path, before, folder):
    """After success the new output stands alone in the place of whatever was there, and nothing else is left."""
    if before is not None:
        make(tmp_path / "out", "old", before)
    with publish(tmp_path / "out") as temporary:
        make(temporary, "new", folder)

    assert content(tmp_path / "out") == ["new"] * (2 if folder else 1)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_an_exception_leaves_everything_as_it_was(tmp_path, folder):
    """After an exception nothing is left behind and an older output is untouched."""
    make(tmp_path / "out", "old", folder)
    before = content(tmp_path / "out")
    with pytest.raises(RuntimeError, match="stop"), publish(tmp_path / "out") as temporary:
        make(temporary, "new", folder)
        raise RuntimeError("stop")

    assert content(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_exception_before_there_was_anything(tmp_path):
    """After an exception there is no output where there was none."""
    with pytest.raises(RuntimeError), publish(tmp_path / "out") as temporary:
        make(temporary, "new", folder=True)
        raise RuntimeError

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_writing_nothing_keeps_the_older_output(tmp_path, folder):
    """A block that writes nothing is an error, and it does not cost the older output."""
    make(tmp_path / "out", "old", folder)
    before = content(tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nothing was written"), publish(tmp_path / "out"):
        pass

    assert content(tmp_path / "out") == before


def test_leftovers_of_a_killed_run_do_not_mix_in(tmp_path):
    """What a killed run left in the temporary place is gone before the next one writes there."""
    with publish(tmp_path / "out") as temporary:
        place = temporary
        make(temporary, "new", folder=True)
    place.mkdir()
    (place / "half").write_text("half")
    with publish(tmp_path / "out") as temporary:
        make(temporary, "newer", folder=True)

    assert content(tmp_path / "out") == ["newer", "newer"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_older_output_stands_while_the_new_one_is_written(tmp_path):
    """Until the block ends, a reader sees the older output."""
    make(tmp_path / "out", "old", folder=True)
    with publish(tmp_path / "out") as temporary:
        make(temporary, "new", folder=True)
        assert content(tmp_path / "out") == ["old", "old"]


def test_missing_folders_above_are_made(tmp_path):
    """The folders above an output need not exist."""
    with publish(tmp_path / "a/b/out") as temporary:
        make(temporary, "new", folder=False)

    assert content(tmp_path / "a/b/out") == ["new"]
