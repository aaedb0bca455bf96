"""The adapt stage: what is frozen keeps its bits in the file too, and what does not fit is refused before it writes."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sieve.dictionary.gates import Threshold
from sieve.dictionary.sae import LineageError, Sae
from sieve.loading import load
from sieve.model.language_model import model_digest
from sieve.model.pretrain import save_network, save_tokenizer
from sieve.model.sites import SiteError, observe
from sieve.provenance import Work, read_json, write_json
from sieve.text.blocks import save_blocks
from stages.adapt import main
from tests.conftest import random_sae

FIT = {
    "steps": 4, "batch": 4, "lr": 3.0e-3, "warmup": 0.1,
    "targets": ["q_proj", "v_proj"], "rank": 2, "alpha": 4, "scope": "after",
}  # fmt: skip
TENSORS = ("W_enc", "b_enc", "W_dec", "b_dec")


@pytest.fixture
def data(tmp_path, lm, blocks):
    """A folder with the tiny model, its blocks and a base dictionary with thresholds."""
    save_network(tmp_path / "model/network", lm.network)
    save_tokenizer(tmp_path / "model/tokenizer", lm.tokenizer)
    save_blocks(tmp_path / "blocks.parquet", [b for b in blocks if b.kind == "problem"])
    base(tmp_path, random_sae(lm.width, 64, 6, "resid_post_0", model_digest(tmp_path / "model/network")))
    return tmp_path


def base(data, sae) -> Sae:
    """Make `sae`, with thresholds, the dictionary to adapt to."""
    sae = replace(sae, gate=Threshold(torch.linspace(0.05, 0.3, sae.latents)))
    sae.save(data / "base/sae.safetensors")
    write_json(data / "base/convention.json", {"scale": 2.0, "variant": "jumprelu"})
    return sae


def run(data, fit=None, **options):
    """Run the stage; returns the base and the adapted Sae."""
    own = {"loss": "solutions", "freeze": "decoder_only", "specials": "bypass", "fit": FIT | (fit or {})}
    params = SimpleNamespace(adapt=SimpleNamespace(**own | options), seed=SimpleNamespace(init=0, order=0))
    work, model = Work(data / "work", pytest.fail), data / "model"
    paths = (model / "network", model / "tokenizer", data / "blocks.parquet", data / "out", data / "history.parquet")
    main(params, work, data / "base", *paths)
    return Sae.load(data / "base/sae.safetensors"), Sae.load(data / "out/sae.safetensors")


@pytest.mark.parametrize(("freeze", "frozen"), [("decoder_only", {"W_dec"}), ("all", {*TENSORS})])
def test_what_is_frozen_keeps_its_bits(data, freeze, frozen):
    """The written Sae has the atoms and thresholds of the base dictionary to the bit, and with `all` every tensor."""
    before, after = run(data, freeze=freeze)

    assert {name for name in TENSORS if torch.equal(getattr(before, name), getattr(after, name))} == frozen
    assert torch.equal(before.gate.theta, after.gate.theta)
    assert read_json(data / "out/convention.json") == {
        "scale": 2.0, "variant": "jumprelu", "adapted": "solutions", "freeze": freeze,
    }  # fmt: skip


def test_an_imported_dictionary_has_no_convention(data):
    """A Sae alone can be adapted to, and what is written says no more than how."""
    (data / "base/convention.json").unlink()
    run(data)

    assert read_json(data / "out/convention.json") == {"adapted": "solutions", "freeze": "decoder_only"}


@pytest.mark.parametrize("specials", ["bypass", "replace"])
def test_it_is_used_as_it_was_adapted(data, specials):
    """Opened by the library, the subject keeps BOS as it is or replaces it, as params said when it was made."""
    run(data, specials=specials)
    subject = load(data / "out", model=data / "model")
    batch = subject.lm.pad(subject.lm.encode(["Anna has 3 apples."]))
    plain = observe(subject.lm.network, [subject.site], *batch)[subject.site]
    with subject.spliced():
        found = observe(subject.lm.network, [subject.site], *batch)[subject.site]

    assert subject.adapted and batch[0][0, 0] == subject.lm.tokenizer.bos_token_id
    assert torch.equal(found[0, 0], plain[0, 0]) is (specials == "bypass")
    assert not torch.equal(found[0, 1], plain[0, 1])


@pytest.mark.parametrize(
    ("width", "site", "model", "error", "told"),
    [
        (32, "resid_post_0", "another", LineageError, "trained on model another"),
        (33, "resid_post_0", None, LineageError, "width 33, but the model's resid_post_0 has width 32"),
        (32, "resid_post_7", None, SiteError, "'resid_post_7' does not exist"),
        (32, "resid_post_2", None, ValueError, "nothing that could be adapted comes after site 'resid_post_2'"),
    ],
)
def test_a_dictionary_of_another_site_or_model(data, width, site, model, error, told):
    """It is refused by what it was made for, and nothing is written."""
    base(data, random_sae(width, 64, 6, site, model or model_digest(data / "model/network")))
    with pytest.raises(error, match=told):
        run(data)

    assert not (data / "out").exists() and not (data / "history.parquet").exists()


@pytest.mark.parametrize("targets", [["c_attn"], ["q_proj", "c_attn"]])
def test_targets_that_match_nothing(data, targets):
    """A target that is not there, alone or beside one that is, is refused with what is there; nothing is written."""
    with pytest.raises(ValueError, match=r"have no 'c_attn' to adapt; name some of: self_attn\.q_proj, "):
        run(data, {"targets": targets})

    assert not (data / "out").exists() and not (data / "history.parquet").exists()


def test_a_loss_without_its_text(data):
    """Divergence needs text; without any, the message names the other loss."""
    with pytest.raises(ValueError, match="needs training texts, and there are none; choose the other loss"):
        run(data, loss="divergence")
