"""The orthogonalize stage says what it did in both units, and refuses what cannot be before it writes anything."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from sieve.activations.store import Store, finish_store, write_shard
from sieve.dictionary.penalties import random_chunks, sampled_squared_product
from sieve.dictionary.sae import LineageError, Sae
from sieve.provenance import Work, read_json, read_table, write_json
from stages.orthogonalize import main
from tests.dictionary.planted import ACTIVE, CASES, LATENTS, new, settings, world

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


def test_both_weights_stand_beside_the_dictionary(data, monkeypatch):
    """The convention has the base dictionary's, what params said, and of the sampled penalty λ = w / (n(n − 1)/2)."""
    told = []
    monkeypatch.setattr("stages.orthogonalize.Progress", lambda label: told.append(label) or (lambda *_: None))
    sae, convention, curve = run(data)

    assert "(weight 5, the paper's lambda 0.179," in told[0]
    assert convention == read_json(data / "base/convention.json") | {
        "penalty": "raw_sampled", "weight": 5.0, "columns": 8, "paper_lambda": 5.0 / 28,
        "reconstruction": "relative", "norms": "free", "l0": ACTIVE,
    }  # fmt: skip
    assert sae.latents == LATENTS
    assert {"norm_p5", "norm_p95", "penalty", "mean_cos2", "relative_error", "nmse", "l0"} < curve.keys()


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
    assert convention["norms"] == "unit" and convention["paper_lambda"] == 5.0 / 28
    assert lengths.sub(1).abs().max() < 1e-5
    assert curve["norm_p5"] + curve["norm_p95"] == pytest.approx([1.0] * 4, rel=1e-5)


def test_more_columns_than_latents(data):
    """More sampled columns than latents are refused with both numbers before anything is written."""
    with pytest.raises(ValueError, match="draws 33 columns, but there are only 32 latents"):
        run(data, columns=LATENTS + 1)

    assert not (data / "out").exists() and not (data / "history.parquet").exists()


@pytest.mark.parametrize("case", CASES)
def test_every_variant_goes_on(data, case):
    """Whatever the variant, its convention passes as it stands; what is held is k, or L0 of all rows; the first batch
    has about that.
    """
    convention = read_json(data / "base/convention.json")
    raw = 37.0 * world(2000).rows
    base = new(case, raw * convention["scale"]).freeze("resid_post_1", "digest").rescaled(1 / convention["scale"])
    if case == "batchtopk":
        base = replace(base, gate=type(base.gate)(base.gate.theta + 1.0))  # untrained, it has none yet
    base.save(data / "base/sae.safetensors")
    write_json(
        data / "base/convention.json",
        convention | {"variant": CASES[case][0], "settings": asdict(settings(case))},
    )
    sae, told, curve = run(data, "cosine_full")

    assert told["variant"] == CASES[case][0] and told["settings"] == asdict(settings(case))
    assert told["l0"] == pytest.approx(ACTIVE if "topk" in case else base.codes(raw).l0, rel=1e-3)
    assert curve["l0"][0] == pytest.approx(told["l0"], rel=0.15)
    assert type(sae.gate) is type(base.gate)


def test_an_imported_dictionary_needs_no_convention(data):
    """Without convention.json it is trained where rows have unit variance, with unit atoms, as its gate suggests.

    What it was taken for stands beside the result. The base has unit atoms of raw activations, which is another length.
    """
    scale = read_json(data / "base/convention.json")["scale"]
    (data / "base/convention.json").unlink()
    base = Sae.load(data / "base/sae.safetensors")
    replace(base, W_enc=base.W_enc / scale, b_enc=base.b_enc / scale, W_dec=base.W_dec * scale).save(
        data / "base/sae.safetensors"
    )
    _, told, curve = run(data, norms="unit")

    assert told["variant"] == "topk" and told["settings"] == {} and told["scale"] == scale and told["l0"] == ACTIVE
    assert curve["norm_p5"] + curve["norm_p95"] == pytest.approx([1.0] * 4, rel=1e-5)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"site": "resid_post_0"}, "was trained at resid_post_0, but the activations given are of resid_post_1; give"),
        ({"model": "another"}, "trained on model another, but the model given is digest; give the model it"),
    ],
)
def test_a_dictionary_of_something_else(data, other, told):
    """A dictionary of another site or model than the activations' is refused before anything is written."""
    path = data / "base/sae.safetensors"
    replace(Sae.load(path), **other).save(path)
    with pytest.raises(LineageError, match=told):
        run(data)

    assert not (data / "out").exists() and not (data / "history.parquet").exists()
