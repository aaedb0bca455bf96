"""Equal content is equal bytes, whatever the order in which it was put together and the run that writes it."""

import json
import struct
import subprocess
import sys

import pyarrow as pa
import pytest
import torch

from sieve.provenance import read_json, read_table, read_tensors, write_json, write_table, write_tensors
from sieve.provenance.canonical import METADATA_KEY, to_json
from tests.conftest import ROOT

SCHEMA = pa.schema([("doc", pa.string()), ("value", pa.float64()), ("ids", pa.list_(pa.int32()))])
COLUMNS = {"doc": ["a", "ü", ""], "value": [1.5, None, -0.0], "ids": [[1, 2], [], [3]]}
METADATA = {"b": [1, 2.5, None], "a": {"z": "ü", "y": True}}
TENSORS = {"w": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2]), "h": torch.ones(2, dtype=torch.bfloat16)}

WRITE_ALL = """
import sys; from pathlib import Path; import torch; import pyarrow as pa
from sieve.provenance import write_json, write_table, write_tensors
names = set("alpha beta gamma delta epsilon zeta eta theta".split())
folder = Path(sys.argv[1])
write_json(folder / "x.json", {name: len(name) for name in names})
write_tensors(folder / "x.safetensors", {n: torch.full((3,), float(len(n))) for n in names}, {n: len(n) for n in names})
write_table(folder / "x.parquet", {n: [len(n)] for n in names}, pa.schema([(n, pa.int64()) for n in sorted(names)]))
"""


def header(path) -> dict:
    """The JSON header of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])


def reverse(mapping: dict) -> dict:
    """The same mapping, put together in the other order, at every level."""
    return {k: reverse(v) if isinstance(v, dict) else v for k, v in reversed(mapping.items())}


def test_order_of_insertion_is_not_written(tmp_path):
    """JSON, Parquet and safetensors files do not depend on the order in which a mapping was filled."""
    for folder, turn in (("a", lambda m: m), ("b", reverse)):
        write_json(tmp_path / folder / "x.json", turn(METADATA))
        write_table(tmp_path / folder / "x.parquet", turn(COLUMNS), SCHEMA)
        write_tensors(tmp_path / folder / "x.safetensors", turn(TENSORS), turn(METADATA))

    for name in ("x.json", "x.parquet", "x.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_hash_seed_is_not_written(tmp_path):
    """Two interpreters with different hash seeds write the same bytes, even from sets."""
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        subprocess.run(
            [sys.executable, "-c", WRITE_ALL, str(tmp_path / seed)],
            check=True, cwd=ROOT, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    for name in ("x.json", "x.parquet", "x.safetensors"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_one_metadata_key(tmp_path):
    """All metadata of a safetensors file lives under one key, because the order of several is not fixed."""
    write_tensors(tmp_path / "x.safetensors", TENSORS, METADATA)

    assert list(header(tmp_path / "x.safetensors")["__metadata__"]) == [METADATA_KEY]


def test_tensors_come_back(tmp_path):
    """Tensors of every layout and type, and the metadata, are read as they were written."""
    tensors = TENSORS | {
        "turned": TENSORS["w"].T,
        "slice": torch.arange(10.0)[3:5],
        "graph": torch.ones(2, requires_grad=True),
    }
    write_tensors(tmp_path / "x.safetensors", tensors, METADATA)
    found, metadata = read_tensors(tmp_path / "x.safetensors")

    assert metadata == METADATA
    assert sorted(found) == sorted(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_table_comes_back(tmp_path):
    """A table is read with exactly its schema and values, nulls and empty lists included."""
    write_table(tmp_path / "x.parquet", COLUMNS, SCHEMA)
    table = read_table(tmp_path / "x.parquet")

    assert table.schema == SCHEMA
    assert table.to_pydict() == COLUMNS


def test_an_empty_table_is_typed(tmp_path):
    """A table without rows keeps its types."""
    write_table(tmp_path / "x.parquet", {name: [] for name in SCHEMA.names}, SCHEMA)

    assert read_table(tmp_path / "x.parquet").schema == SCHEMA


def test_json_comes_back(tmp_path):
    """JSON is read as it was written, in UTF-8 and with one final newline."""
    write_json(tmp_path / "x.json", METADATA)

    assert read_json(tmp_path / "x.json") == METADATA
    text = (tmp_path / "x.json").read_bytes().decode("utf-8")
    assert "ü" in text and text.endswith("}\n") and "\r" not in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_holds_numbers_only(value, tmp_path):
    """NaN and infinity, which are no JSON, are refused by both writers that write JSON."""
    with pytest.raises(ValueError, match="JSON"):
        to_json({"x": [value]})
    with pytest.raises(ValueError, match="JSON"):
        write_tensors(tmp_path / "x.safetensors", TENSORS, {"x": value})
    assert list(tmp_path.iterdir()) == []


def test_foreign_files_are_named(tmp_path):
    """A safetensors file of somebody else, and a file that is none at all, are refused by name."""
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "foreign.safetensors", metadata={"format": "pt"})
    (tmp_path / "garbage.safetensors").write_bytes(b"this is not a tensor")

    for name in ("foreign", "garbage"):
        with pytest.raises(ValueError, match=rf"{name}\.safetensors .*not written by sieve"):
            read_tensors(tmp_path / f"{name}.safetensors")
