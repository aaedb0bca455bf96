"""A dictionary's own seed: added to the seeds of start and order, for itself and for all that is made of it."""

import copy
from types import SimpleNamespace

import pytest

from sieve.activations.order import batch_rows
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.sae import Sae
from sieve.dictionary.variants import variant
from sieve.model.language_model import LanguageModel
from sieve.provenance import Work, digest_file, generator, read_json, write_json
from stages import adapt, orthogonalize, train
from stages._params import Seed, TrainSubject, load_params
from tests.conftest import ROOT, random_sae
from tests.dictionary.planted import world, write_store

PARAMS = load_params(ROOT / "tests/assets/params.yaml")
FEW = {"steps": 5, "batch": 64, "lr": 5.0e-3, "warmup": 0.05, "decay": 0.2}
SETTINGS = {"k": 2, "aux_weight": 0.03125, "dead_after": 4000, "precision": "fp32"}


@pytest.fixture
def store(tmp_path):
    """Raw activations of a site."""
    return write_store(tmp_path / "store", 37.0 * world(2000).rows)


def seeds(init, order):
    """Seeds of params.yaml."""
    return Seed(data=0, init=init, order=order)


def trained(folder, init, order, own):
    """Train a dictionary in `folder`; returns (digest of the Sae, convention)."""
    subject = TrainSubject(variant="topk", site="resid_post_1", latents=32, settings=SETTINGS, seed=own)
    params = SimpleNamespace(train=SimpleNamespace(fit=FEW, subjects={"it": subject}), seed=seeds(init, order))
    out = folder / f"{init} {order} {own}"
    train.main(
        params, Work(folder / f"work {out.name}", pytest.fail), "it", folder / "store", out, folder / "history.parquet"
    )
    return Sae.load(out / "sae.safetensors").digest, read_json(out / "convention.json")


def pulled(folder, order, own):
    """Pull apart a dictionary whose convention has the seed `own`; returns (digest of the Sae, convention)."""
    base = folder / "base"
    base.mkdir(exist_ok=True)
    random_sae(16, 32, 2, "resid_post_1", "digest").save(base / "sae.safetensors")
    write_json(base / "convention.json", {"scale": 1.0, "variant": "topk", "settings": {}} | own)
    subject = SimpleNamespace(penalty="raw_sampled", weight=5.0)
    params = SimpleNamespace(
        orthogonalize=PARAMS.orthogonalize.model_copy(update={"fit": FEW, "columns": 8, "subjects": {"it": subject}}),
        seed=seeds(9, order),
    )
    out, work = folder / f"{order} {own}", Work(folder / f"work {order} {own}", pytest.fail)
    orthogonalize.main(params, work, "it", base, folder / "store", out, folder / "history.parquet")
    return Sae.load(out / "sae.safetensors").digest, read_json(out / "convention.json")


def test_without_one_nothing_is_added(tmp_path, store):
    """Seed 0, which is that of a dictionary without one, gives the bits that the seeds of params.yaml alone give."""
    module, config = variant("topk"), FitConfig(**FEW)
    start = store.take(batch_rows(0, store.rows, store.rows, 4)) * store.scale
    alone = module.Variant(module.Settings(**SETTINGS), 32, start, generator(1, "train", "atoms"))
    fit(alone, lambda step: store.take(batch_rows(step, store.rows, 64, 4)) * store.scale, config, lambda *_: None)
    wanted = alone.freeze(store.site, store.model).rescaled(1 / store.scale).digest

    assert TrainSubject(variant="topk", site="s", latents=32, settings=SETTINGS).seed == 0
    assert trained(tmp_path, 1, 4, 0)[0] == wanted


def test_it_moves_start_and_order(tmp_path, store):
    """A dictionary with seed 2 is the one that both seeds of params.yaml, raised by 2, would give, and another one."""
    found, convention = trained(tmp_path, 1, 4, 2)

    assert found == trained(tmp_path, 3, 6, 0)[0]
    assert len({found, *(trained(tmp_path, *others, 0)[0] for others in ((1, 4), (3, 4), (1, 6)))}) == 4
    assert convention["seed"] == 2


def test_orthogonalisation_goes_on_with_it(tmp_path, store):
    """Rows and drawn columns come by the base's seed too; a convention without one has 0."""
    found, convention = pulled(tmp_path, 1, {"seed": 2})

    assert found == pulled(tmp_path, 3, {"seed": 0})[0] == pulled(tmp_path, 3, {})[0]
    assert found != pulled(tmp_path, 1, {})[0]
    assert convention["seed"] == 2


def test_adaptation_goes_on_with_it(tmp_path, lm, blocks, monkeypatch):
    """LoRA's start and the batches come by the base's seed too; a convention without one has 0."""
    few = [b for b in blocks if b.kind == "problem" and b.split == "train"][:12]
    monkeypatch.setattr(adapt, "load_blocks", lambda _: few)
    monkeypatch.setattr(
        adapt, "open_model", lambda *_: LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
    )
    small = {"steps": 2, "batch": 2, "rank": 2, "alpha": 4}
    own = PARAMS.adapt.model_copy(update={"fit": PARAMS.adapt.fit | small})

    def adapted(init, order, convention):
        base, out = tmp_path / "base", tmp_path / f"{init} {order} {convention}"
        base.mkdir(exist_ok=True)
        random_sae(lm.width, 64, 6, "resid_post_0", lm.digest).save(base / "sae.safetensors")
        write_json(base / "convention.json", convention)
        params = PARAMS.model_copy(update={"seed": seeds(init, order), "adapt": own})
        work, here = Work(tmp_path / f"work {out.name}", pytest.fail), tmp_path / "unread"
        adapt.main(params, work, base, here, here, here, out, tmp_path / "history.parquet")
        assert read_json(out / "convention.json").get("seed", 0) == convention.get("seed", 0)
        return digest_file(out / "adapter.safetensors"), digest_file(out / "sae.safetensors")

    found = adapted(1, 4, {"seed": 2})
    assert found == adapted(3, 6, {"seed": 0}) == adapted(3, 6, {})
    assert found[0] not in {adapted(init, order, {})[0] for init, order in ((1, 4), (3, 4), (1, 6))}
