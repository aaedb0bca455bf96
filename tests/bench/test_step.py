"""The comparison of training steps: what is compared is what the library does, and ratios say what they say."""

import sys
from contextlib import contextmanager

import pytest
import torch

from bench import _ratios, _timing, _worker, peers, step
from bench._problem import DEAD_AFTER, Shape, activations, start
from bench._ratios import best_backend, ratios
from bench.contender import Contender, Sieve
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.variants import topk
from sieve.provenance import generator, read_json

TINY = Shape(width=16, latents=64, batch=32, k=4)


def sample(name, seconds):
    return {"name": name, "seconds": seconds, "probe": 1.0, "others": 0.0}


def planted(memory):
    """What was measured of one shape: ours takes 1 s (0.5 s with tricks), peers 2 s and 6 s (1 s and 3 s)."""
    times = {"ours": 1.0, "ours bf16": 0.5, "SAELens": 6.0, "other": 2.0}
    return {
        "backends": {"highest": {"error": 1e-7, "rate": TINY.flop / 0.25}, "medium": {"error": 1e-3, "rate": 1e15}},
        "defaults": [sample(name, seconds) for name, seconds in times.items()],
        "tricks": [sample(name, seconds / 2) for name, seconds in times.items()],
        "memory": memory,
    }


def test_ratios_are_of_medians_and_of_the_best_peer():
    """Planted times give the ratios that one would work out by hand."""
    held = {"ours": 10, "SAELens": 90, "other": 40}
    memory = {name: {"before": 100, "optimiser": 7, "peak": 107 + extra} for name, extra in held.items()}

    found = ratios({TINY: planted(memory)}, ["ours", "ours bf16"], ["SAELens", "other", "absent"], "highest")

    assert {name: value["16x64"] for name, value in found.items()} == {
        "best_default_fp32": 2.0,
        "best_tricks_fp32": 2.0,
        "best_default_bf16": 4.0,
        "best_tricks_bf16": 4.0,
        "saelens_fp32": 6.0,
        "roofline_fp32": 0.25,
        "memory": 0.25,
    }


def test_no_ratio_without_peers():
    """What was not measured has no ratio, and nothing breaks."""
    found = ratios({TINY: planted({})}, ["ours", "ours bf16"], ["absent"], "highest")

    assert found["best_default_fp32"] == {"16x64": None}
    assert found["memory"] == {"16x64": None}
    assert found["roofline_fp32"] == {"16x64": 0.25}


def test_a_faster_product_that_is_no_fp32_is_not_taken():
    """bf16 in disguise would make every figure a lie."""
    backends = planted({})["backends"]

    assert best_backend(backends) == "highest"
    assert backends["medium"]["error"] > _ratios.FULL


def test_a_default_that_is_no_fp32_is_not_called_so():
    """With bf16 products declared there is no fp32 figure at our defaults; with tricks and for bf16 there is."""
    found = ratios({TINY: planted({})}, ["ours", "ours bf16"], ["other"], "medium")

    assert found["best_default_fp32"] == found["roofline_fp32"] == {"16x64": None}
    assert found["best_tricks_fp32"] == {"16x64": 2.0}
    assert found["best_default_bf16"] == {"16x64": 4.0}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_our_step_is_the_librarys(precision):
    """Steps taken one by one end with the bits of `fit`, from the same start."""
    rows = activations(TINY.width, 5 * TINY.batch, seed=0)
    begin = start(TINY, rows, seed=0)
    contender = Sieve(TINY, begin, precision)
    settings = topk.Settings(k=TINY.k, aux_weight=0.0, dead_after=DEAD_AFTER, precision=precision)
    expected = topk.Variant(settings, TINY.latents, rows, generator(0, "test"))
    with torch.no_grad():
        for name, value in zip(("W_dec", "W_enc", "b_dec"), begin):
            getattr(expected.weights, name).copy_(value)

    batches = rows.split(TINY.batch)
    config = FitConfig(steps=5, batch=TINY.batch, lr=TINY.lr, warmup=0.0, decay=0.0)
    fit(expected, lambda number: batches[number], config, lambda *_: None)
    for batch in batches:
        contender.step(batch)

    for ours, theirs in zip(contender.variant.parameters(), expected.parameters()):
        assert torch.equal(ours, theirs)


def test_dead_latents_stay_dead_and_learn():
    """With AuxK on a quarter of the latents is dead in every step, and their atoms move."""
    shape = Shape(16, 64, 32, 4, aux=True)
    rows = activations(shape.width, 5 * shape.batch, seed=0)
    begin = start(shape, rows, seed=0)
    contender = Sieve(shape, begin)
    for batch in rows.split(shape.batch):
        contender.step(batch)

    assert torch.equal(contender.variant.dead.mask, begin.dead)
    assert begin.dead.sum() == 16
    moved = (contender.variant.weights.W_dec - begin.atoms).abs().sum(1) > 0
    assert bool(moved[begin.dead].any())


class Broken(Contender):
    """A peer whose package is not there."""

    def __init__(self, shape, start):
        raise ImportError("no such package")


def test_peers_that_are_not_installed_get_a_line(monkeypatch, capsys, tmp_path):
    """The command runs from shapes to file on a machine that has sieve alone."""
    monkeypatch.setattr(_timing, "OTHERS", float("inf"))
    monkeypatch.setattr(_timing, "SLOW", float("inf"))
    monkeypatch.setattr(_worker, "PROBE", 1e5)
    for name in peers.PEERS:
        monkeypatch.setitem(peers.CONTENDERS, name, Broken)
    monkeypatch.setattr(_worker, "keep_memory", lambda: None)

    @contextmanager
    def here(kind, shape, _threads, _tricks=False, **more):
        found = _worker.WORK[kind](shape, **more)
        yield found if callable(found) else lambda _: found

    monkeypatch.setattr(step, "process", here)
    into, matmul = tmp_path / "found.json", torch.get_float32_matmul_precision()
    words = ["--shapes", "16x64", "--quality", "16x64", "--steps", "3", "--batch", "32", "--k", "4", "--samples", "1"]
    monkeypatch.setattr(sys, "argv", ["step", *words, "--json", str(into)])

    step.main()
    torch.set_float32_matmul_precision(matmul)
    torch.use_deterministic_algorithms(True)

    said, found = capsys.readouterr().out, read_json(into)
    assert said.count("— not installed") == 2 * len(peers.PEERS)
    assert set(found["ratios"]) == {
        "best_default_fp32", "best_tricks_fp32", "best_default_bf16", "best_tricks_bf16", "saelens_fp32",
        "roofline_fp32", "memory",
    }  # fmt: skip
    assert found["ratios"]["best_default_fp32"] == {"16x64": None, "16x64+auxk": None}
    assert found["ratios"]["roofline_fp32"]["16x64"] > 0
    assert set(found["step"]["quality"]) == set(peers.OURS)
