"""Unfinished work: found again, trusted only while its bytes are as they were, written by one process at a time."""

import subprocess
import sys

import pytest

from sieve.provenance import BusyError, Work, lock


def written(text):
    """A maker that writes `text`."""
    return lambda path: path.write_text(text)


def refused(path):
    """A maker that must not be asked."""
    pytest.fail(f"{path} was made again")


def test_a_finished_piece_is_found_again(tmp_path):
    """A piece, file or folder, is made once and read by whoever comes later with the same folder."""
    first = Work(tmp_path, pytest.fail)
    first.piece("a", written("one"))

    def folder(path):
        path.mkdir()
        (path / "x").write_text("two")

    first.piece("b", folder)
    again = Work(tmp_path, pytest.fail)
    assert again.piece("a", refused).read_text() == "one"
    assert (again.piece("b", refused) / "x").read_text() == "two"
    assert again.names() == ["a", "b"]


@pytest.mark.parametrize("harm", ["flip", "cut", "grow"])
def test_a_damaged_piece_is_named_and_made_again(tmp_path, harm):
    """A flipped bit, a missing end or a byte too many is told with the piece's path, and the piece is made anew."""
    path = Work(tmp_path, pytest.fail).piece("a", written("hello"))
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[2] ^= 1
    path.write_bytes({"flip": data, "cut": data[:-1], "grow": data + b"!"}[harm])
    told = []
    assert Work(tmp_path, told.append).piece("a", written("hello")).read_text() == "hello"
    assert len(told) == 1 and str(path) in told[0]
    assert Work(tmp_path, pytest.fail).sound("a")


def test_a_piece_in_flight_is_not_trusted(tmp_path):
    """What a killed process was writing has no entry: it is made again, quietly; so is a piece whose file is gone."""

    def dies(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Work(tmp_path, pytest.fail).piece("a", dies)
    assert not (tmp_path / "a").exists()
    work = Work(tmp_path, pytest.fail)
    (tmp_path / "a").write_text("not in the journal")
    assert work.piece("a", written("whole")).read_text() == "whole"
    (tmp_path / "a").unlink()
    assert Work(tmp_path, pytest.fail).piece("a", written("whole")).read_text() == "whole"


def test_a_torn_journal_costs_its_last_piece(tmp_path):
    """A journal cut off in the middle of a line still speaks for the lines before."""
    work = Work(tmp_path, pytest.fail)
    for name in "ab":
        work.piece(name, written(name))
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    told = []
    again = Work(tmp_path, told.append)
    assert again.sound("a") and not again.sound("b")
    assert len(told) == 1 and "line 2" in told[0]
    again.piece("c", written("c"))
    assert Work(tmp_path, told.append).sound("c")


def test_interrupted_runs_are_remembered(tmp_path):
    """Time and memory of the runs before this one are known, each up to the last piece that it finished."""
    for names in ("ab", "c"):
        work = Work(tmp_path, pytest.fail)
        for name in names:
            work.piece(name, written(name))
    assert work.earlier == Work(tmp_path, pytest.fail).earlier[:1]
    assert len(Work(tmp_path, pytest.fail).earlier) == 2
    assert all(seconds >= 0 and memory > 2**20 for seconds, memory in work.earlier)


def test_the_second_writer_fails_at_once_and_names_the_first(tmp_path):
    """While a process holds the lock another is refused, with the first one's number and words; then it is free."""
    program = (
        "import sys; from pathlib import Path; from sieve.provenance import lock\n"
        f"with lock(Path({str(tmp_path / 'l')!r}), 'train topk'):\n print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match=rf"process {holder.pid} \(train topk\)"), lock(tmp_path / "l", "me"):
        pass
    holder.kill()
    holder.wait()
    with lock(tmp_path / "l", "me"):
        pass
