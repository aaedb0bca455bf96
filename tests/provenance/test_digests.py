"""SHA-256 of bytes, files and folders."""

import hashlib
from pathlib import Path

from sieve.provenance import digest_bytes, digest_file, digest_folder

FILES = {"a": b"1", "sub/b": b"22", "sub/c": b""}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_file_is_its_bytes(tmp_path):
    """A file's digest is the plain SHA-256 of its content."""
    data = bytes(range(256)) * 1000
    (tmp_path / "x").write_bytes(data)

    assert digest_file(tmp_path / "x") == digest_bytes(data) == hashlib.sha256(data).hexdigest()


def test_a_folder_is_its_names_and_bytes(tmp_path):
    """A folder's digest ignores where it lies and in which order it was filled, and sees every name and byte."""
    folder = digest_folder(fill(tmp_path / "x", FILES))

    assert digest_folder(fill(tmp_path / "other/place", dict(reversed(FILES.items())))) == folder
    different = [
        {**FILES, "a": b"2"}, {**FILES, "d": b""}, {"a": b"1", "sub/b": b"22"},
        {"A": b"1", "sub/b": b"22", "sub/c": b""}, {"a": b"22", "sub/b": b"1", "sub/c": b""},
    ]  # fmt: skip
    for number, files in enumerate(different):
        assert digest_folder(fill(tmp_path / str(number), files)) != folder, files


def test_names_restrict(tmp_path):
    """With `names`, other files do not count."""
    fill(tmp_path / "x", FILES)
    fill(tmp_path / "y", {**FILES, "README": b"hello"})

    assert digest_folder(tmp_path / "y", FILES) == digest_folder(tmp_path / "x")
    assert digest_folder(tmp_path / "y", ["a"]) != digest_folder(tmp_path / "y", FILES)
