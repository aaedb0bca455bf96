"""What may be opened as a language model, and what it is then."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from sieve.model.generate import continue_ids, continue_text
from sieve.model.language_model import LanguageModel, ModelFolderError, check_folder, model_digest, open_model
from sieve.model.pretrain import save_network, save_tokenizer
from sieve.provenance import read_json, write_json
from tests.networks import CONTEXT, FAMILIES, GEMMA, WITH_BOS, family_lm, tokenizer_of


@pytest.fixture
def folder(lm, tmp_path):
    """The tiny model as a Hugging Face folder with its tokenizer inside."""
    save_tokenizer(tmp_path / "model", lm.tokenizer)
    save_network(tmp_path / "model", lm.network)
    return tmp_path / "model"


def refusal(*folders) -> str:
    """What both doors say to a folder that they do not open."""
    said = []
    for door in (check_folder, open_model):
        with pytest.raises(ModelFolderError) as caught:
            door(*folders)
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


def test_opening_gives_the_same_network(lm, folder, blocks):
    """A saved network opens with the same logits, in fp32, in evaluation mode and without gradients."""
    opened = open_model(folder)
    ids, mask = lm.pad([list(b.ids) for b in blocks[:3]])

    assert torch.equal(opened.network(ids, mask).logits, lm.network(ids, mask).logits)
    assert not opened.network.training
    assert {(p.dtype, p.requires_grad) for p in opened.network.parameters()} == {(torch.float32, False)}
    assert (opened.width, opened.context) == (lm.width, lm.context)


def test_opening_gives_the_same_tokenizer(lm, folder, documents, problems):
    """A saved tokenizer opens with the same ids, offsets and special tokens."""
    texts = (
        [r["text"] for r in documents] + [r["prompt"] + r["solution"] for r in problems] + ["", "ß ñ é 日本\n\t 12.50"]
    )
    opened = open_model(folder).tokenizer

    assert opened.all_special_ids == lm.tokenizer.all_special_ids
    for key in ("input_ids", "offset_mapping"):
        assert opened(texts, return_offsets_mapping=True)[key] == lm.tokenizer(texts, return_offsets_mapping=True)[key]
    ids = lm.encode(texts)
    assert opened.batch_decode(ids) == lm.tokenizer.batch_decode(ids)


def test_files_name_no_version(folder):
    """Neither network nor tokenizer is saved with a library's version, a path or anything that executes."""
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
    for path in folder.glob("*.json"):
        text = path.read_text()
        assert "transformers_version" not in text and "name_or_path" not in text and str(folder.parent) not in text, (
            path
        )


def test_saving_twice_gives_the_same_bytes(lm, folder, tmp_path):
    """Weights, config and tokenizer, saved again after being opened, are the same bytes."""
    opened = open_model(folder)
    save_tokenizer(tmp_path / "again", opened.tokenizer)
    save_network(tmp_path / "again", opened.network)

    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_tokenizer_kept_apart(lm, folder, tmp_path):
    """The tokenizer may lie in a folder of its own."""
    shutil.move(folder / "tokenizer.json", tmp_path / "tokenizer.json")
    shutil.move(folder / "tokenizer_config.json", tmp_path / "tokenizer_config.json")

    assert open_model(folder, tmp_path).encode(["Anna"]) == lm.encode(["Anna"])


def test_pickled_weights_are_refused(folder):
    """A folder whose weights are only pickled is refused by their name, and they are not opened."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    assert "pytorch_model.bin" in refusal(folder)


def test_missing_parts_are_named(folder, tmp_path):
    """A folder without weights, config or tokenizer is refused with what is missing; so is one that does not exist."""
    for missing, words in (
        ("tokenizer.json", "no tokenizer.json"),
        ("model.safetensors", "no weights"),
        ("config.json", "no config.json"),
    ):
        (folder / missing).unlink()
        assert words in refusal(folder)
    assert "no config.json" in refusal(tmp_path / "nowhere")


def test_a_tokenizer_folder_is_checked_too(folder, tmp_path):
    """With a tokenizer's folder given, the tokenizer is looked for there and nowhere else."""
    assert str(tmp_path) in refusal(folder, tmp_path)


def test_the_digest_is_config_and_weights(folder):
    """The digest changes with a weight or a size, and not with a README or the tokenizer."""
    before = model_digest(folder)
    (folder / "README.md").write_text("hello")
    (folder / "tokenizer_config.json").write_text("{}")
    assert model_digest(folder) == before

    weights = load_file(folder / "model.safetensors")
    save_file(
        weights | {"model.norm.weight": weights["model.norm.weight"] + 1e-3},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    changed = model_digest(folder)
    assert changed != before
    write_json(folder / "config.json", read_json(folder / "config.json") | {"rms_norm_eps": 0.5})
    assert model_digest(folder) not in (before, changed)


def test_greedy_is_greedy(lm, folder, blocks):
    """The taste in sampling that a folder brings along does not change what a greedy continuation says."""
    taste = {"repetition_penalty": 5.0, "do_sample": True, "temperature": 0.5, "num_beams": 3, "min_new_tokens": 4}
    taste |= {"no_repeat_ngram_size": 1, "suppress_tokens": [5, 6, 7, 8]}
    write_json(folder / "generation_config.json", read_json(folder / "generation_config.json") | taste)
    prompts = [list(b.ids[:9]) for b in blocks[:4]]
    opened = open_model(folder)

    assert continue_ids(opened, prompts, 8) == continue_ids(lm, prompts, 8)
    assert opened.network.generation_config.eos_token_id == lm.tokenizer.eos_token_id


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding(lm, side):
    """Padding is special, masked and on the side asked for; what is not masked are the sequences."""
    sequences = [[1, 5, 6], [1], [1, 7]]
    ids, mask = lm.pad(sequences, side, width=5)

    assert ids.shape == mask.shape == (3, 5)
    assert [row[m.bool()].tolist() for row, m in zip(ids, mask)] == sequences
    assert not lm.is_text(ids[mask == 0]).any()
    edge = mask[:, 0 if side == "right" else -1]
    assert edge.all()


def test_padding_on_the_left_changes_no_answer(lm, blocks):
    """The last token's logits are the same alone and left-padded in a batch."""
    sequences = [list(b.ids[:n]) for b, n in zip(blocks[::5], (4, 11, 7))]
    ids, mask = lm.pad(sequences, "left")
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    together = lm.network(ids, mask, position_ids=positions).logits[:, -1]
    alone = torch.stack([lm.network(torch.tensor([s])).logits[0, -1] for s in sequences])

    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_text_is_what_is_not_special(lm):
    """Every special id, and no other, is not text."""
    ids = torch.arange(len(lm.tokenizer)).view(2, -1)

    assert ids[~lm.is_text(ids)].tolist() == sorted(lm.tokenizer.all_special_ids)
    assert lm.tokenizer.convert_tokens_to_ids(["<bos>", "<eos>", "<pad>"]) == [1, 2, 0]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_opens(family, tmp_path):
    """A saved network of any family opens with the same logits, its width, its context and its way with BOS."""
    lm, ids = family_lm(family), torch.arange(3, 14)[None]
    save_tokenizer(tmp_path / "model", lm.tokenizer)
    save_network(tmp_path / "model", lm.network)
    opened = open_model(tmp_path / "model")

    assert torch.equal(opened.network(ids).logits, lm.network(ids).logits)
    assert (opened.width, opened.context) == (24, CONTEXT)
    assert opened.encode(["w5 w6"]) == [[1, 5, 6] if family in WITH_BOS else [5, 6]]


def test_a_network_with_a_part_missing_is_refused(lm, folder):
    """A weight that the file lacks is named: it would be made up at random. A tied head is not missing."""
    weights = load_file(folder / "model.safetensors")
    assert "lm_head.weight" not in weights and open_model(folder)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"no weights for model\.layers\.1\.mlp\.up_proj\.weight, 1 in all"):
        open_model(folder)


def test_a_model_of_text_and_images_is_refused(tmp_path):
    """It is refused with how to take out its text model, and what is taken out so says the same."""
    from transformers import Gemma3Config, Gemma3ForCausalLM, Gemma3ForConditionalGeneration, SiglipVisionConfig

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = SiglipVisionConfig(**sizes, image_size=28, patch_size=14).to_dict()
    config = Gemma3Config(text_config=GEMMA | {"final_logit_softcapping": None}, vision_config=vision)
    whole, ids = Gemma3ForConditionalGeneration(config).eval(), torch.arange(3, 14)[None]
    save_tokenizer(tmp_path / "whole", tokenizer_of(bos=True))
    shutil.copytree(tmp_path / "whole", tmp_path / "text")
    whole.save_pretrained(tmp_path / "whole")
    assert "Gemma3ForCausalLM made from config.text_config" in refusal(tmp_path / "whole")

    text = Gemma3ForCausalLM(config.text_config).eval()
    text.model, text.lm_head = whole.model.language_model, whole.lm_head
    save_network(tmp_path / "text", text)
    assert torch.equal(open_model(tmp_path / "text").network(ids).logits, whole(ids).logits)


def test_padding_is_a_special_token_that_the_network_knows():
    """Without PAD it is EOS, also where that is id 0; a PAD beyond the embeddings is passed over; none is refused."""
    lm = family_lm("gpt2")
    lm.tokenizer.pad_token = None
    assert lm.pad_id == lm.tokenizer.eos_token_id == 2
    lm.tokenizer.eos_token = "<pad>"
    assert lm.pad_id == lm.tokenizer.eos_token_id == 0
    lm.tokenizer.add_special_tokens({"pad_token": "<beyond>"})
    assert (lm.tokenizer.pad_token_id, lm.pad_id) == (64, 0)

    bare = LanguageModel(lm.network, tokenizer_of(bos=False, special=False), "digest")
    assert bare.encode(["w0 w7"]) == [[0, 7]]
    with pytest.raises(ValueError, match=r"id below 64.* has none: make a token .* its pad_token"):
        bare.pad([[5]])
    bare.tokenizer.pad_token = "w0"
    assert bare.pad([[5]], width=2)[0].tolist() == [[5, 0]]


def test_a_prompt_without_a_token_is_refused():
    """An empty text is BOS where one is added, and nothing to go on from where none is."""
    assert family_lm("llama").encode([""]) == [[1]]
    with pytest.raises(ValueError, match="prompt 1 has no token to go on from"):
        continue_text(family_lm("gpt2"), ["w3", ""], 4)
