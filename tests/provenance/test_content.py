"""Digests of what files say, and files that claim too much."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from sieve.provenance import content_digest, digest_file, inside, read_table, read_tensors

VALUES = {
    "number": [1.5, None, -2.0],
    "count": [1, 2, None],
    "flag": [True, None, False],
    "text": ["a", None, "bc"],
    "list": [[1, 2], [], None],
    "things": [[{"v": "x", "n": 1}], [], [{"v": None, "n": 2}]],
}


def table(path, values, **options):
    """Write one Parquet file."""
    pq.write_table(pa.table(values), path, **options)
    return path


def test_equal_tables_in_other_bytes(tmp_path):
    """Another codec or row-group size gives other bytes and the same content digest."""
    a = table(tmp_path / "a.parquet", VALUES, compression="zstd")
    b = table(tmp_path / "b.parquet", VALUES, compression="none", row_group_size=1)
    assert digest_file(a) != digest_file(b)
    assert content_digest(a) == content_digest(b)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("number", [1.5, 0.0, -2.0]),
        ("count", [1, 2, 3]),
        ("flag", [True, False, False]),
        ("text", ["a", "", "bc"]),
        ("text", ["ab", None, "c"]),
        ("list", [[1], [2], None]),
        ("list", [[1, 2], None, []]),
        ("things", [[{"v": "x", "n": 1}], [], [{"v": "", "n": 2}]]),
    ],
)
def test_every_change_of_a_value_shows(tmp_path, column, values):
    """A null is not a zero, nor an empty text or list; where one value ends and the next begins counts."""
    a = content_digest(table(tmp_path / "a.parquet", VALUES))
    assert content_digest(table(tmp_path / "b.parquet", VALUES | {column: values})) != a


def test_tensors_by_value(tmp_path):
    """Names, types, shapes and bits count; the order in which they were given does not."""
    one, two = torch.arange(6.0), torch.ones(2)
    files = {}
    for name, tensors in {
        "a": {"x": one, "y": two},
        "b": {"y": two, "x": one},
        "c": {"x": one.view(2, 3), "y": two},
        "d": {"x": two, "y": one},
        "e": {"x": one.int(), "y": two},
    }.items():
        save_file(tensors, tmp_path / f"{name}.safetensors", {"sieve": "{}"})
        files[name] = content_digest(tmp_path / f"{name}.safetensors")
    assert files["a"] == files["b"]
    assert len(set(files.values())) == 4
    assert content_digest(tmp_path) is None
    save_file({"x": one.bfloat16()}, tmp_path / "half.safetensors")  # a type that numpy doesn't know
    assert content_digest(tmp_path / "half.safetensors") not in files.values()


def test_a_header_longer_than_its_file_is_refused(tmp_path):
    """A safetensors header or a Parquet footer that claims more than there is is refused before anything is read."""
    tensors, rows = tmp_path / "a.safetensors", tmp_path / "a.parquet"
    tensors.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    rows.write_bytes(b"PAR1" + b"x" * 20 + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(ValueError, match="header takes 1,099,511,627,776 of its 10 bytes"):
        read_tensors(tensors)
    with pytest.raises(ValueError, match="footer takes 2,147,483,647"):
        read_table(rows)


def test_a_path_that_leaves_its_folder_is_refused(tmp_path):
    """Neither `..`, nor an absolute path, nor a link leads out of a manifest's folder."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store/link").symlink_to(tmp_path)
    assert inside(tmp_path / "store", "shard") == tmp_path / "store/shard"
    for name in ("../secret", "/etc/passwd", "link/secret"):
        with pytest.raises(ValueError, match="leads out of"):
            inside(tmp_path / "store", name)
