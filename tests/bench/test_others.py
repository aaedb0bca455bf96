"""Capture, reading and whole runs: the commands do what they say, on little."""

import sys

import pytest
import torch

from bench import _timing, capture, pipeline, read, sift
from bench._output import table, write
from bench.grow import cache
from sieve.activations.store import Store
from sieve.provenance import read_json, write_json


@pytest.fixture(autouse=True)
def _anything_counts(monkeypatch):
    """No sample is dropped: tests run beside one another, and their times mean nothing."""
    monkeypatch.setattr(_timing, "OTHERS", float("inf"))
    monkeypatch.setattr(_timing, "SLOW", float("inf"))
    monkeypatch.setattr("bench._worker.PROBE", 1e5)
    matmul = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(matmul)
    torch.use_deterministic_algorithms(True)


def command(monkeypatch, module, words):
    monkeypatch.setattr(sys, "argv", [module.__name__, *words.split()])
    module.main()


def test_capture_is_compared_with_bare_passes(monkeypatch, tmp_path, capsys):
    """All three ways are timed on the same tokens, and both ratios are there."""
    sizes = "--hidden 16 --layers 2 --heads 2 --vocabulary 300 --context 16 --blocks 8 --batch 4 --samples 1"
    command(monkeypatch, capture, f"{sizes} --json {tmp_path}/found.json")

    found = read_json(tmp_path / "found.json")
    assert set(found["capture"]["seconds"]) == set(capture.NAMES)
    assert found["ratios"]["capture_stopped"] > 0
    assert found["ratios"]["capture_hidden_states"] > 0
    assert "tokens/s" in capsys.readouterr().out


def test_reading_is_compared_with_a_step(monkeypatch, tmp_path):
    """Rows a second of both, and memory."""
    sizes = "--rows 300 --width 8 --latents 32 --batch 64 --k 2 --samples 1"
    command(monkeypatch, read, f"{sizes} --json {tmp_path}/found.json")

    found = read_json(tmp_path / "found.json")
    assert set(found["read"]["rows_per_second"]) == {"read", "step fp32", "step bf16"}
    assert found["ratios"]["read_over_step"] > 0


def test_sifting_is_timed_for_every_size(monkeypatch, tmp_path):
    """Each number of latents with each number of tokens; what is asked for again is made again, the same."""
    command(monkeypatch, sift, f"--tokens 128 1280 --latents 64 256 --json {tmp_path}/found.json")

    found = read_json(tmp_path / "found.json")["sift"]
    assert set(found) == {"64/128", "64/1280", "256/128", "256/1280"}
    assert all(own["seconds"] > 0 for own in found.values())
    assert sift.Noise(4)[3] == sift.Noise(9)[3] != sift.Noise(9)[4]


def test_the_cache_that_is_read_is_a_real_one(tmp_path):
    """`Store` opens it, and it has the rows asked for."""
    cache(tmp_path / "store", 70_000, 4)

    assert Store.open(tmp_path / "store").rows == 70_000


def statement(folder, stage, item, seconds, memory):
    figures = {"dvc_stage": item, "seconds": seconds, "peak_memory_bytes": memory}
    predicate = {
        "buildDefinition": {
            "externalParameters": {"stage": stage, "params": {}}, "resolvedDependencies": [],
        },
        "runDetails": {
            "metadata": {"finishedOn": "2026-01-01T00:00:00Z", "invocationId": "0"},
            "byproducts": [{"annotations": figures}],
        },
    }  # fmt: skip
    path = folder / "data/provenance" / stage / f"{item.replace('@', '-')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"subject": [], "predicate": predicate})


def test_a_run_is_read_from_its_statements(monkeypatch, tmp_path, capsys):
    """Stages of 10 s and 20 s with start-ups of 5 s each: 40 s in all, a quarter of it start-up."""
    statement(tmp_path, "train", "train@a", 10.0, 2**20)
    statement(tmp_path, "train", "train@b", 20.0, 2**21)
    monkeypatch.setattr(pipeline, "start_up", lambda stage, times: 5.0)

    command(monkeypatch, pipeline, f"{tmp_path} --json {tmp_path}/found.json")

    assert "2 stages, 40 s one after the other, of which start-up 25%" in capsys.readouterr().out
    assert read_json(tmp_path / "found.json")["ratios"] == {"start_up_share": 0.25}


def test_a_folder_without_statements_is_refused(monkeypatch, tmp_path):
    """The message says what to do."""
    with pytest.raises(FileNotFoundError, match="run `dvc repro` there first"):
        command(monkeypatch, pipeline, str(tmp_path))


def test_commands_share_a_file(tmp_path):
    """One command's ratios stand beside another's, and a repeated command replaces its own."""
    for value in (1.0, 2.0):
        write(tmp_path / "found.json", "one", {"a": value}, {"first": value})
        write(tmp_path / "found.json", "two", {}, {"second": 3.0})

    found = read_json(tmp_path / "found.json")
    assert found["ratios"] == {"first": 2.0, "second": 3.0}
    assert found["one"] == {"a": 2.0}


def test_tables_are_markdown():
    """Columns are as wide as their widest cell."""
    assert table(["", "rows"], [["a", "1,000"]]).splitlines() == [
        "|     |  rows |",
        "| --- | ----: |",
        "| a   | 1,000 |",
    ]
