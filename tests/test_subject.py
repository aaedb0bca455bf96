"""A subject: what is read is what is spliced, and what is turned on is turned off again."""

import copy
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.sae import LineageError
from sieve.model.adapter import adapter_parameters, inject, save_adapter
from sieve.model.language_model import LanguageModel
from sieve.model.sites import SiteError, observe
from sieve.provenance import read_tensors
from sieve.subject import Subject, load_subject
from tests.conftest import identity_sae, random_sae


@pytest.fixture(scope="module")
def batch(lm, blocks):
    """Ids and mask of three blocks of different lengths."""
    return lm.pad([list(b.ids) for b in (blocks[0], blocks[6], blocks[-1])])


@torch.no_grad()
def logits(lm, batch):
    """(B, T, V)"""
    return lm.network(*batch).logits


def save_adapted(folder, lm, sae) -> LanguageModel:
    """Write a subject with a trained adapter into a folder; returns the adapted model."""
    own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
    settings = inject(own.network, sae.site, ["v_proj"], rank=2, alpha=4, scope="after", seed=0)
    with torch.no_grad():
        for parameter in adapter_parameters(own.network):
            parameter += 0.2
    sae.save(folder / "sae.safetensors")
    save_adapter(folder / "adapter.safetensors", own.network, settings, lm.digest, sae.site, sae.digest)
    return own


def test_reading_is_observing_and_encoding(lm, sae, subject, batch):
    """A reading holds the site's rows of text tokens, their codes, and where they stand."""
    reading = subject.read(*batch)
    hidden = observe(lm.network, [sae.site], *batch)[sae.site]

    assert torch.equal(reading.text, lm.is_text(batch[0]) & batch[1].bool())
    assert torch.equal(reading.rows, hidden[reading.text])
    assert torch.equal(reading.z, sae.encode(reading.rows))


def test_a_splice_sees_what_is_read(lm, subject, batch):
    """The codes handed to an edit are bit for bit the codes that are read from the same batch, each with its place."""
    reading, seen = subject.read(*batch), []
    with subject.spliced(lambda z, where: seen.append((z, where)) or z):
        logits(lm, batch)

    [(z, where)] = seen
    assert torch.equal(z, reading.z)
    assert torch.equal(where, reading.text.nonzero())


def test_an_edit_reaches_the_stream(lm, sae, subject, batch):
    """Edited codes are decoded into the stream: no codes leave b_dec at every text token."""
    with subject.spliced(lambda z, _: torch.zeros_like(z)):
        hidden = observe(lm.network, [sae.site], *batch)[sae.site]
        edited = logits(lm, batch)

    text = lm.is_text(batch[0])
    assert torch.equal(hidden[text], sae.b_dec.expand(int(text.sum()), -1))
    assert not torch.allclose(edited, logits(lm, batch))


def test_special_tokens_are_spliced_where_the_sae_says_so(lm, sae, batch, tmp_path):
    """A Sae that a model was adapted to with special tokens replaced says so in its file, and its subject is spliced so
    whoever opens it; it has another name, and what the others are called has not changed.
    """
    own = replace(sae, specials=True)
    own.save(tmp_path / "sae.safetensors")
    subject = load_subject(tmp_path, lm)
    before = observe(lm.network, [sae.site], *batch)[sae.site]
    with subject.spliced():
        inside = observe(lm.network, [sae.site], *batch)[sae.site]
    with Subject(lm, sae, adapted=False).spliced():
        outside = observe(lm.network, [sae.site], *batch)[sae.site]
    text, real = lm.is_text(batch[0]), batch[1].bool()

    assert subject.sae.specials and own.digest == subject.sae.digest != sae.digest
    torch.testing.assert_close(inside[text], outside[text])
    torch.testing.assert_close(inside[real & ~text], sae.reconstruct(before[real & ~text]))
    assert torch.equal(outside[~text], before[~text])
    sae.save(tmp_path / "sae.safetensors")
    assert "specials" not in read_tensors(tmp_path / "sae.safetensors")[1]


def test_an_identity_subject_generates_the_same(lm, documents):
    """Spliced with a dictionary that rebuilds everything, a subject continues a text as the model does."""
    subject = Subject(lm, identity_sae(lm.width, "resid_post_1", lm.digest), adapted=False)
    prompt = documents[0]["text"][:30]
    plain = subject.generate(prompt, 10)
    with subject.spliced():
        assert subject.generate(prompt, 10) == plain
    with subject.spliced(lambda z, _: torch.zeros_like(z)):
        assert subject.generate(prompt, 10) != plain


def test_a_subject_is_opened_from_its_folder(lm, sae, batch, tmp_path):
    """A folder with a Sae alone gives a subject without adapter that reads the same."""
    sae.save(tmp_path / "sae.safetensors")
    subject = load_subject(tmp_path, lm)

    assert not subject.adapted and subject.site == sae.site
    assert torch.equal(subject.read(*batch).z, Subject(lm, sae, False).read(*batch).z)
    with subject.original():
        assert torch.equal(logits(lm, batch), logits(lm, batch))


def test_an_adapted_subject_is_opened_with_its_adapter(lm, sae, batch, tmp_path):
    """A folder with an adapter gives the adapted model's logits, and within `original` those of the original."""
    adapted = save_adapted(tmp_path, lm, sae)
    own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
    subject = load_subject(tmp_path, own)

    assert subject.adapted
    assert torch.equal(logits(own, batch), logits(adapted, batch))
    assert not torch.equal(logits(own, batch), logits(lm, batch))
    with subject.original():
        assert torch.equal(logits(own, batch), logits(lm, batch))
    assert torch.equal(logits(own, batch), logits(adapted, batch))


def test_a_subject_of_another_model_is_refused(lm, sae, tmp_path):
    """A Sae of another model, another width or a site that is not there is refused before the network is touched."""
    save_adapted(tmp_path, lm, sae)
    own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, "another model")
    with pytest.raises(LineageError, match="trained on model digest-of-t"):
        load_subject(tmp_path, own)
    own.digest = lm.digest
    random_sae(lm.width + 1, 8, 2, sae.site, lm.digest).save(tmp_path / "sae.safetensors")
    with pytest.raises(LineageError, match="width 33"):
        load_subject(tmp_path, own)
    random_sae(lm.width, 8, 2, "resid_post_9", lm.digest).save(tmp_path / "sae.safetensors")
    with pytest.raises(SiteError, match="resid_post_9"):
        load_subject(tmp_path, own)

    assert adapter_parameters(own.network) == []


def test_a_subject_is_as_wide_as_its_site(lm, batch, tmp_path):
    """A Sae of the MLP's neurons opens with their width, reads them and generates; the stream's width is refused."""
    random_sae(48, 64, 6, "mlp_act_1", lm.digest).save(tmp_path / "sae.safetensors")
    subject = load_subject(tmp_path, lm)
    reading = subject.read(*batch)
    assert torch.equal(reading.rows, observe(lm.network, ["mlp_act_1"], *batch)["mlp_act_1"][reading.text])
    plain = logits(lm, batch)
    with subject.spliced():
        assert not torch.allclose(logits(lm, batch), plain)

    random_sae(lm.width, 64, 6, "mlp_act_1", lm.digest).save(tmp_path / "sae.safetensors")
    with pytest.raises(LineageError, match="width 32, but the model's mlp_act_1 has width 48"):
        load_subject(tmp_path, lm)


def test_an_adapter_made_around_another_sae_is_refused(lm, sae, tmp_path):
    """A Sae and an adapter that were not made for each other are refused."""
    save_adapted(tmp_path, lm, sae)
    random_sae(lm.width, 8, 2, "resid_post_0", lm.digest).save(tmp_path / "sae.safetensors")
    with pytest.raises(LineageError, match="trained around SAE"):
        load_subject(tmp_path, LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest))


def test_a_folder_without_a_sae(lm, tmp_path):
    """A folder that holds no Sae is refused with the file that is missing."""
    with pytest.raises(FileNotFoundError, match=r"sae\.safetensors"):
        load_subject(tmp_path, lm)
