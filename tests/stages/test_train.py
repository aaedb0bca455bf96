"""The train stage takes any variant."""

from dataclasses import asdict
from types import SimpleNamespace

import pyarrow as pa
import pytest

from sieve.activations.store import finish_store, write_shard
from sieve.dictionary.sae import Sae
from sieve.provenance import Work, read_json
from stages.train import main
from tests.dictionary.planted import CASES, settings, world

FIT = {"steps": 60, "batch": 64, "lr": 5.0e-3, "warmup": 0.05, "decay": 0.2}


@pytest.fixture(scope="module")
def raw():
    """Rows (2000, 16) at the scale of some site."""
    return 37.0 * world(2000).rows


@pytest.mark.parametrize("case", CASES)
def test_a_dictionary_takes_raw_activations(tmp_path, raw, case):
    """Whatever the variant, its settings pass as they stand in params.yaml and its Sae explains raw activations."""
    (tmp_path / "store").mkdir()
    write_shard(tmp_path / "store/shard_00000.safetensors", raw, "resid_post_1", "digest", "fp32")
    places = list(range(len(raw)))
    finish_store(tmp_path / "store", [pa.table({"doc": ["d"] * len(raw), "position": places, "token": places})])
    own = asdict(settings(case))
    subject = SimpleNamespace(variant=CASES[case][0], settings=own, latents=32, seed=0)
    train = SimpleNamespace(subjects={"it": subject}, fit=FIT)
    params = SimpleNamespace(train=train, seed=SimpleNamespace(init=0, order=0))
    work = Work(tmp_path / "work", pytest.fail)
    main(params, work, "it", tmp_path / "store", tmp_path / "out", tmp_path / "history.parquet")

    sae = Sae.load(tmp_path / "out/sae.safetensors")
    error = (sae.reconstruct(raw) - raw).square().sum() / (raw - raw.mean(0)).square().sum()
    assert error < 0.5
    assert read_json(tmp_path / "out/convention.json")["settings"] == own
