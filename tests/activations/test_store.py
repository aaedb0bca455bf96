"""Cached activations on disk."""

import math
import re
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from sieve.activations.order import batch_rows
from sieve.activations.store import Moments, Store, finish_store, write_shard
from sieve.provenance import DamageError, digest_file, generator, read_json, read_table, read_tensors

WIDTH = 5
ORIGIN = "resid_post_1", "digest", "bf16"


STATUS = Path("/proc/self/status")


def held(kind: str) -> int:
    """Bytes of memory of a kind that this process holds: RssAnon is its own, RssFile can be read again from files."""
    return int(re.search(rf"{kind}:\s+(\d+) kB", STATUS.read_text())[1]) << 10


def rows_of(count: int, seed: int = 0) -> torch.Tensor:
    """Rows (N, 5) far from the origin, with very different spreads."""
    noise = torch.randn(count, WIDTH, generator=generator(seed, "test rows"))
    return noise * torch.tensor([1e-3, 1.0, 10.0, 0.0, 5.0]) + torch.tensor([1e3, -7.0, 0.0, 3.0, 1e2])


def write(folder, sizes=(4, 1, 7), seed=0):
    """A store of three uneven shards; returns its rows in order."""
    rows, start = rows_of(sum(sizes), seed), 0
    for number, size in enumerate(sizes):
        write_shard(folder / f"shard_{number:05d}.safetensors", rows[start : start + size], *ORIGIN)
        start += size
    finish_store(folder, index_of(sizes))
    return rows


def index_of(sizes):
    """A table for each shard; every row's entry can be told from every other's."""
    numbers = torch.arange(sum(sizes)).split(list(sizes))
    return [
        pa.table({
            "doc": pa.array([f"doc {i}" for i in part.tolist()], pa.string()),
            "position": (part + 1).numpy(),
            "token": (part * 2).numpy(),
        })
        for part in numbers
    ]  # fmt: skip


@pytest.mark.parametrize("sizes", [(12,), (1,) * 12, (5, 7), (0, 3, 0, 9, 0), (11, 1)])
def test_moments_are_those_of_two_passes(sizes):
    """Mean and variance of a stream are those of two passes over all rows in float64, for any batching."""
    rows = rows_of(12)
    moments = Moments(WIDTH)
    for part in rows.split(list(sizes)):
        moments.update(part)
    mean = rows.double().mean(0)
    variance = (rows.double() - mean).square().sum(1).mean()

    assert moments.count == 12
    torch.testing.assert_close(moments.mean, mean, rtol=1e-13, atol=0)
    assert math.isclose(moments.variance, variance, rel_tol=1e-10)


def test_moments_of_nothing():
    """A stream without rows has no variance, and that is no error."""
    assert Moments(WIDTH).variance == 0.0


def test_take_keeps_the_order_asked_for(tmp_path):
    """Rows come in the order in which they were asked for, across shards, repetitions included."""
    rows = write(tmp_path)
    store = Store.open(tmp_path)
    for wanted in (
        torch.arange(12),
        torch.arange(11, -1, -1),
        torch.tensor([5, 0, 11, 4, 4, 3, 0]),
        torch.tensor([], dtype=torch.long),
    ):
        assert torch.equal(store.take(wanted), rows[wanted])


def test_every_permutation_of_a_store(tmp_path):
    """A keyed shuffle of all rows takes each of them to its place."""
    rows = write(tmp_path, sizes=(3, 2, 5, 1, 1))
    order = torch.randperm(12, generator=generator(1))

    assert torch.equal(Store.open(tmp_path).take(order), rows[order])


@pytest.mark.parametrize("row", [12, 100, -1])
def test_a_row_that_does_not_exist(tmp_path, row):
    """A row number beyond the data is an error that says how many there are, not another row."""
    write(tmp_path)
    with pytest.raises(IndexError, match="but there are 12, from 0 on"):
        Store.open(tmp_path).take(torch.tensor([0, row]))


def test_shards_without_rows(tmp_path):
    """Shards that hold nothing, at the start, in between and at the end, shift no row."""
    rows = write(tmp_path, sizes=(0, 5, 0, 0, 7, 0))

    assert torch.equal(Store.open(tmp_path).take(torch.arange(11, -1, -1)), rows.flip(0))


@pytest.mark.skipif(not STATUS.is_file(), reason="needs Linux's account of a process's memory")
def test_reading_takes_no_memory_of_its_own(tmp_path):
    """Once every row of 64 MiB has been read, the process holds hardly more than before, but for mapped files."""
    for number in range(16):
        write_shard(tmp_path / f"shard_{number:05d}.safetensors", torch.full((4096, 256), float(number)), *ORIGIN)
    finish_store(tmp_path, index_of((4096,) * 16))
    before = held("RssAnon"), held("RssFile")
    store = Store.open(tmp_path)
    total = sum(float(store.take(batch_rows(step, store.rows, 1024, 0))[:, 0].sum()) for step in range(64))
    after = held("RssAnon"), held("RssFile")

    assert total == 4096 * sum(range(16))
    assert after[0] - before[0] < 16 << 20
    assert after[1] - before[1] > 60 << 20


def test_a_store_says_what_it_is(tmp_path):
    """An open store knows its rows, width, site, model, mean and variance; its manifest the precision of the passes."""
    rows = write(tmp_path)
    store = Store.open(tmp_path)

    assert (store.rows, store.width, store.site, store.model) == (12, WIDTH, "resid_post_1", "digest")
    assert read_json(tmp_path / "manifest.json")["precision"] == "bf16"
    torch.testing.assert_close(store.mean, rows.double().mean(0).float())
    assert math.isclose(store.variance, float(rows.double().var(0, correction=0).sum()), rel_tol=1e-10)


def test_scaled_rows_have_unit_variance(tmp_path):
    """Times `scale`, the rows have a variance of 1 per dimension on average."""
    rows = write(tmp_path).double()

    assert math.isclose(float((rows * Store.open(tmp_path).scale).var(0, correction=0).mean()), 1.0, rel_tol=1e-9)


def test_the_index_finds_every_row(tmp_path):
    """The row index names each row's shard, place, document, position and token, in order."""
    rows = write(tmp_path)
    index = read_table(tmp_path / "rows.parquet").to_pylist()
    shards = [read_tensors(tmp_path / s["file"])[0]["rows"] for s in read_json(tmp_path / "manifest.json")["shards"]]

    assert len(index) == 12
    for number, entry in enumerate(index):
        assert torch.equal(shards[entry["shard"]][entry["row"]], rows[number])
        assert (entry["doc"], entry["position"], entry["token"]) == (f"doc {number}", number + 1, number * 2)


def test_the_manifest_names_every_shards_bytes(tmp_path):
    """The manifest holds each shard's digest, and lists every shard file there is."""
    write(tmp_path)
    shards = read_json(tmp_path / "manifest.json")["shards"]

    assert [s["file"] for s in shards] == sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert all(s["sha256"] == digest_file(tmp_path / s["file"]) for s in shards)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    """The same rows in the same shards are the same files."""
    write(tmp_path / "a")
    write(tmp_path / "b")

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_an_unfinished_folder_is_no_store(tmp_path):
    """Shards without a manifest are no store."""
    write_shard(tmp_path / "shard_00000.safetensors", rows_of(2), *ORIGIN)
    with pytest.raises(FileNotFoundError, match=r"no manifest\.json"):
        Store.open(tmp_path)


def test_any_flipped_bit_of_a_manifest_is_found(tmp_path):
    """Wherever in its manifest a bit is turned, whatever that makes of the JSON, the store says that it is damaged."""
    write(tmp_path)
    path = tmp_path / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << place % 8
        path.write_bytes(harmed)
        with pytest.raises(DamageError, match=r"manifest\.json is damaged"):
            Store.open(tmp_path)
