"""The orthogonalize stage says what it did in both units, and refuses what cannot be before it writes anything."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from sieve.activations.store import Store, finish_store, write_shard
from sieve.dictionary.penalties import random_chunks, sampled_squared_product
from sieve.dictionary.sae import Sae
from sieve.provenance import Work, read_json, read_table, write_json
from stages.orthogonalize import main
from tests.dictionary.planted import LATENTS, new, world

FEW = {"steps": 11, "batch": 64, "lr": 5.0e-3, "warmup": 0.05, "decay": 0.2}


@pytest.fixture
def data(tmp_path):
    """A folder with raw activations and a base dictionary of theirs."""
    rows = world(2000).rows
    (tmp_path / "store").mkdir()
    write_shard(tmp_path / "store/shard_00000.safetensors", 37.0 * rows, "resid_post_1", "digest", "fp32")
    places = list(range(len(rows)))
    finish_store(tmp_path / "store", [pa.table({"doc": ["d"] * len(rows), "position": places, "token": places})])
    scale = Store.open(tmp_path / "store").scale
    (tmp_path / "base").mkdir()
    new("topk", rows).freeze("resid_post_1", "digest").rescaled(1 / scale).save(tmp_path / "base/sae.safetensors")
    write_json(tmp_path / "base/convention.json", {"scale": scale, "settings": {}, "variant": "topk"})
    return tmp_path


def run(data, penalty="raw_sampled", **options):
    """Run the stage; returns (Sae, convention, training curve by figure)."""
    subject = SimpleNamespace(penalty=penalty, weight=5.0)
    own = {"fit": FEW, "subjects": {"it": subject}, "reconstruction": "relative", "norms": "free", "columns": 8}
    params = SimpleNamespace(orthogonalize=SimpleNamespace(**own | options), seed=SimpleNamespace(order=3))
    work = Work(data / "work", pytest.fail)
    main(params, work, "it", data / "base", data / "store", data / "out", data / "history.parquet")
    curve = {}
    for point in read_table(data / "history.parquet").to_pylist():
        curve.setdefault(point["metric"], []).append(point["value"])
    return Sae.load(data / "out/sae.safetensors"), read_json(data / "out/convention.json"), curve


def test_both_weights_stand_beside_the_dictionary(data):
    """The convention has the base dictionary's, what params said, and of the sampled penalty λ = w / (n(n − 1)/2)."""
    sae, convention, curve = run(data)

    assert convention == read_json(data / "base/convention.json") | {
        "penalty": "raw_sampled", "weight": 5.0, "columns": 8, "paper_lambda": 5.0 / 28,
        "reconstruction": "relative", "norms": "free",
    }  # fmt: skip
    assert sae.latents == LATENTS
    assert {"norm_p5", "norm_p50", "norm_p95", "penalty", "mean_cos2", "relative_error", "nmse"} < curve.keys()


def test_columns_are_drawn_by_the_seed_of_the_order(data):
    """The first step's penalty is that of the columns which seed.order draws for step 0, at the scale of training."""
    base = Sae.load(data / "base/sae.safetensors").rescaled(read_json(data / "base/convention.json")["scale"])
    _, _, curve = run(data)
    wanted = sampled_squared_product(base.W_dec, random_chunks(0, LATENTS, 8, seed=3))

    assert curve["penalty"][0] == pytest.approx(wanted.item(), rel=1e-5)


def test_unit_atoms_are_unit_at_the_scale_of_training(data):
    """With unit norms all atoms are as long as the base dictionary's are, which is 1 where rows have unit variance."""
    sae, convention, curve = run(data, "cosine_full", norms="unit", reconstruction="nmse")

    lengths = sae.W_dec.norm(dim=1) * convention["scale"]
    assert convention["norms"] == "unit" and "paper_lambda" not in convention
    assert lengths.sub(1).abs().max() < 1e-5
    assert curve["norm_p5"] + curve["norm_p95"] == pytest.approx([1.0] * 4, rel=1e-5)


def test_more_columns_than_latents(data):
    """More sampled columns than latents are refused with both numbers before anything is written."""
    with pytest.raises(ValueError, match="draws 33 columns, but there are only 32 latents"):
        run(data, columns=LATENTS + 1)

    assert not (data / "out").exists() and not (data / "history.parquet").exists()
