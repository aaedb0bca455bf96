"""One door to everything that the stages wrote."""

from dataclasses import replace

import pytest
import torch

import sieve
from sieve.features.concepts import Concepts
from sieve.interventions.direction import Direction
from sieve.loading import open_folder
from sieve.model.language_model import model_digest
from sieve.model.pretrain import save_network, save_tokenizer
from sieve.provenance import write_tensors


@pytest.fixture(scope="module")
def home(lm, sae, tmp_path_factory):
    """A folder as the pipeline fills it: model/network, model/tokenizer and one subject that belongs to it."""
    home = tmp_path_factory.mktemp("data")
    save_network(home / "model/network", lm.network)
    save_tokenizer(home / "model/tokenizer", lm.tokenizer)
    replace(sae, model=model_digest(home / "model/network")).save(home / "topk/sae.safetensors")
    return home


def test_a_sae_file_is_a_sae(home, sae):
    """A Sae's file gives the Sae, without a model."""
    found = sieve.load(home / "topk/sae.safetensors")

    assert isinstance(found, sieve.Sae)
    assert torch.equal(found.W_dec, sae.W_dec)


def test_a_directions_file_is_a_direction(tmp_path):
    """A direction's file gives the direction."""
    made = Direction(torch.tensor([0.6, 0.8]), 3.5, "language es", "resid_post_1", "model", "sae")
    made.save(tmp_path / "es.safetensors")
    found = sieve.load(str(tmp_path / "es.safetensors"))

    assert isinstance(found, sieve.Direction)
    assert vars(found) | {"vector": None} == vars(made) | {"vector": None}
    assert torch.equal(found.vector, made.vector)


def test_a_concepts_file_is_the_concept(tmp_path):
    """A concept's file gives what was chosen for its values."""
    made = Concepts("name", "concept", "resid_post_1", "model", "sae", ())
    made.save(tmp_path / "name.json")

    assert sieve.load(tmp_path / "name.json") == made


def test_a_folder_is_a_subject(home, lm, sae, documents):
    """A subject's folder with its model's folder gives a subject that generates as the parts do."""
    found = sieve.load(home / "topk", model=home / "model")
    prompt = documents[0]["text"][:30]
    with found.spliced():
        continued = found.generate(prompt, 8)

    assert isinstance(found, sieve.Subject)
    with sieve.Subject(lm, sae, False).spliced():
        assert sieve.Subject(lm, sae, False).generate(prompt, 8) == continued


def test_a_folder_without_its_model_is_refused(home):
    """A subject's folder without a model is refused with what to give."""
    with pytest.raises(sieve.LineageError, match="give model="):
        sieve.load(home / "topk")


def test_a_model_may_be_one_folder(lm, home, tmp_path):
    """A model opens the same from the pipeline's two folders and from one Hugging Face folder."""
    save_tokenizer(tmp_path / "model", lm.tokenizer)
    save_network(tmp_path / "model", lm.network)
    together, apart = open_folder(tmp_path / "model"), open_folder(str(home / "model"))

    assert together.digest == apart.digest
    assert together.encode(["Anna"]) == apart.encode(["Anna"])


def test_another_model_is_refused(home, lm, tmp_path):
    """A subject on a model that it was not made with is refused."""
    save_tokenizer(tmp_path / "model", lm.tokenizer)
    save_network(tmp_path / "model", lm.network)
    (tmp_path / "model/config.json").write_text((tmp_path / "model/config.json").read_text() + "\n")
    with pytest.raises(sieve.LineageError, match="trained on model"):
        sieve.load(home / "topk", model=tmp_path / "model")


def test_nothing_there(tmp_path):
    """A path that does not exist is refused with what could be there."""
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; give a subject's folder"):
        sieve.load(tmp_path / "nowhere")


def test_other_files_are_refused(tmp_path):
    """A file of another kind, a foreign one and one that is no safetensors file are each a ValueError that names it."""
    write_tensors(tmp_path / "shard", {"rows": torch.ones(2, 2)}, {"kind": "activations"})
    write_tensors(tmp_path / "adapter", {"lora": torch.ones(2, 2)}, {"site": "resid_post_0"})
    (tmp_path / "garbage").write_text("hello")
    for name in ("shard", "adapter", "garbage"):
        with pytest.raises(ValueError, match=name):
            sieve.load(tmp_path / name)


@pytest.mark.parametrize("name", ["sae.pt", "weights.bin", "old.pkl"])
def test_a_pickle_is_never_opened(tmp_path, name):
    """A pickled file is refused before a byte of it is read, with the way to convert it."""
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(ValueError, match=r"pickled.*execute code.*safetensors\.torch\.save_file"):
        sieve.load(tmp_path / name)
