"""The capture: writing shards beside the forward passes changes no bit and keeps every promise."""

import shutil
import threading

import pytest
import torch

from sieve.activations.capture import capture, text_tokens
from sieve.activations.store import Store
from sieve.provenance import Work, digest_folder
from stages import activations
from stages._params import Activations

SITES = ["resid_post_1", "resid_post_0"]
FOLDERS = {"chosen": "resid_post_1", "resid_post_0": "resid_post_0", "resid_post_1": "resid_post_1"}
FIRST_TWO = [f"{name}/shard_{number:05d}.safetensors" for number in (0, 1) for name in FOLDERS]
P = Activations(sites=list(FOLDERS), rows=3000, batch=3, shard_batches=2, precision="fp32")


@pytest.fixture(scope="module")
def chosen(lm, blocks):
    """Blocks with some more rows than are asked for, sorted by length."""
    return activations.choose_blocks(lm, blocks, P.rows, seed=0)


@pytest.fixture
def captured(lm, chosen, tmp_path):
    """Run `write` with one work folder; returns (digest of everything written, forward passes)."""
    passes = []

    def run(name="out") -> tuple[str, int]:
        passes.clear()
        handle = lm.network.model.embed_tokens.register_forward_pre_hook(lambda *_: passes.append(1))
        try:
            activations.write(lm, chosen, FOLDERS, Work(tmp_path / "work", pytest.fail), tmp_path / name, P)
        finally:
            handle.remove()
        return digest_folder(tmp_path / name), len(passes)

    return run


def spoil(monkeypatch, number: int, error: Exception) -> list[str]:
    """Let the writing of one shard fail; returns the names of the threads that wrote."""
    threads, write_shard = [], activations.write_shard

    def failing(path, **given):
        threads.append(threading.current_thread().name)
        if f"shard_{number:05d}" in str(path):
            raise error
        write_shard(path, **given)

    monkeypatch.setattr(activations, "write_shard", failing)
    return threads


def test_rows_and_index_are_those_of_one_pass(lm, chosen, captured, tmp_path):
    """The shards of each site, the chosen one's too, hold in a row what `capture` gives, cut at the rows asked for."""
    captured()
    found = capture(lm, chosen, SITES, P.batch)
    for name, site in FOLDERS.items():
        store = Store.open(tmp_path / "out" / name)
        assert store.site == site and store.rows == P.rows < text_tokens(lm, chosen).num_rows
        assert len(store.shards) > 3
        assert torch.equal(store.take(torch.arange(P.rows)), found[site][: P.rows])


def test_batches_are_of_like_length(chosen):
    """Blocks come by length, so that a batch has little padding."""
    lengths = [len(block.ids) for block in chosen]
    assert lengths == sorted(lengths) and lengths[0] < lengths[-1]


def test_finished_shards_are_not_captured_again(captured):
    """A second run of the same work writes the same bytes without a forward pass."""
    first, passes = captured()
    again, none = captured("again")

    assert first == again and passes > 0 and none == 0


def test_a_failed_write_stops_the_capture(captured, monkeypatch, tmp_path):
    """What the writer raises is raised; earlier shards are kept, no later one is, and a rerun gives the same bits."""
    undisturbed, passes = captured()
    shutil.rmtree(tmp_path / "work")
    with monkeypatch.context() as patched:
        threads = spoil(patched, 2, OSError("the disk is full"))
        with pytest.raises(OSError, match="the disk is full"):
            captured("failed")
    kept = Work(tmp_path / "work", pytest.fail)

    assert threading.current_thread().name not in threads
    assert kept.names() == FIRST_TWO and all(map(kept.sound, kept.names()))
    assert not (tmp_path / "failed/chosen/manifest.json").exists()
    assert captured("rerun") == (undisturbed, passes - 2 * P.shard_batches)


def test_a_failed_pass_keeps_the_shard_that_is_being_written(captured, lm, monkeypatch, tmp_path):
    """An exception in a forward pass is raised once the shard before it is in the journal."""
    calls = []

    def failing(*args):
        calls.append(args)
        if len(calls) == 3:
            raise FloatingPointError("not finite")
        return capture(*args)

    monkeypatch.setattr(activations, "capture", failing)
    with pytest.raises(FloatingPointError):
        captured()

    assert Work(tmp_path / "work", pytest.fail).names() == FIRST_TWO
