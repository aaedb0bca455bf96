"""A language model written by hand, in which everything about copying a name is known before anything is measured.

Words are tokens, embeddings lie on axes, and no layer does anything but layer 1: it averages (uniform attention) the
names and digits of everything up to a token into the *copied* axes. The head says which kind of word comes next (a name
after ':', 'Answer:' after a name, a digit after 'Answer:', the end after a digit) and, within the kind, the most copied
one. So a name is read at its mentions before layer 1 and at the last token after it, and every name also carries a
*marker* that is twice as large as what is read and that nothing reads: more selective, and without any effect.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sieve.dictionary.sae import Sae
from sieve.evals.case import Case
from sieve.features.choosing import choose
from sieve.features.concepts import Concepts, Settings
from sieve.features.place import Place, Position
from sieve.model.adapter import adapter_parameters, inject
from sieve.model.language_model import LanguageModel
from sieve.model.skill import cross_entropy
from sieve.subject import Subject
from sieve.text.blocks import Block, Mention
from tests.conftest import identity_sae

NAMES = ("Anna", "Ben", "Cora", "Dan")
DIGITS = ("1", "2", "3", "4")
WORDS = ("<pad>", "<bos>", "<eos>", *NAMES, *DIGITS, ":", "Answer:", "has", "wins", "more", "coins", ".", "?")
WIDTH = 32
KIND, NAME, MARKER, DIGIT, SAID, COUNTED, FILLER = 0, 4, 8, 12, 16, 20, 24  # where each group of axes begins


def _embeddings() -> torch.Tensor:
    found = torch.zeros(len(WORDS), WIDTH)
    for row, word in enumerate(WORDS):
        if word in NAMES:
            i = NAMES.index(word)
            found[row, KIND + 1], found[row, NAME + i], found[row, MARKER + i] = 1, 1, 2
        elif word in DIGITS:
            found[row, KIND + 3], found[row, DIGIT + DIGITS.index(word)] = 1, 1
        elif word == ":":
            found[row, KIND] = 1
        elif word == "Answer:":
            found[row, KIND + 2] = 1
        else:
            found[row, FILLER + row % (WIDTH - FILLER)] = 1
    return found


def _head() -> torch.Tensor:
    found = torch.zeros(len(WORDS), WIDTH)
    for i, name in enumerate(NAMES):
        found[WORDS.index(name), KIND], found[WORDS.index(name), SAID + i] = 30, 1
    for i, digit in enumerate(DIGITS):
        found[WORDS.index(digit), KIND + 2], found[WORDS.index(digit), COUNTED + i] = 30, 1
    found[WORDS.index("Answer:"), KIND + 1] = 30
    found[WORDS.index("<eos>"), KIND + 3] = 30
    return found


def planted_lm() -> LanguageModel:
    """Three layers, width 32; logits are exact sums of what is described above."""
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        clean_up_tokenization_spaces=False,
    )
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=WIDTH, num_hidden_layers=3, num_attention_heads=1, num_key_value_heads=1,
        intermediate_size=4, max_position_embeddings=64, tie_word_embeddings=False, pad_token_id=0, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip
    network = LlamaForCausalLM(config).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.zero_()
    network.model.embed_tokens.weight.copy_(_embeddings())
    network.lm_head.weight.copy_(_head())
    network.model.norm = nn.Identity()
    for layer in network.model.layers:
        layer.input_layernorm = layer.post_attention_layernorm = nn.Identity()
    attention = network.model.layers[1].self_attn
    attention.v_proj.weight.copy_(torch.eye(WIDTH))
    for i in range(4):  # 20 · mean: with a dozen tokens one mention more is worth more than a nat
        attention.o_proj.weight[SAID + i, NAME + i] = 20.0
        attention.o_proj.weight[COUNTED + i, DIGIT + i] = 20.0
    return LanguageModel(network, tokenizer, "digest-of-the-planted-model")


def planted_problem(number: int, name: str, digit: str, split: str) -> Block:
    """'<bos> NAME has DIGIT coins . [NAME wins .] ? :' with the solution 'NAME Answer: DIGIT <eos>'."""
    question = ["<bos>", name, "has", digit, "coins", ".", *([name, "wins", "."] if number % 3 else []), name, "?", ":"]
    words = [*question, name, "Answer:", digit, "<eos>"]
    mentions = [Mention("name", name, i, i) for i, word in enumerate(words) if word == name]
    ids = tuple(WORDS.index(word) for word in words)
    return Block(f"p/{number}", "problem", "en", split, -1, len(question), digit, ids, tuple(mentions))


def planted_blocks(count: int = 36) -> list[Block]:
    """Problems over all names and digits, a third for each split."""
    splits = ("train", "valid", "test")
    return [planted_problem(n, NAMES[n % 4], DIGITS[(n // 4 + n) % 4], splits[3 * n // count]) for n in range(count)]


def planted_sae(lm: LanguageModel, site: str = "resid_post_0") -> Sae:
    """One latent per signed axis: NAME + i is name i, MARKER + i its marker; the splice changes nothing."""
    return identity_sae(WIDTH, site, lm.digest)


def planted_concepts(
    subject: Subject, blocks: list[Block], candidates: int = 2, position: Position = "concept"
) -> Concepts:
    """What is chosen for each name on the training split, one latent a name."""
    settings = Settings([], documents=99, candidates=candidates, probes=3, latents=1)
    place = Place("name", subject.site, position)
    return choose(subject, [b for b in blocks if b.split == "train"], place, settings, 8)[0]


def planted_case(site: str = "resid_post_0", position: Position = "concept", candidates: int = 2) -> Case:
    """The planted model with its dictionary, 36 problems, and the latents that are chosen for the names."""
    lm, blocks = planted_lm(), planted_blocks()
    subject = Subject(lm, planted_sae(lm, site), adapted=False)
    return Case(subject, blocks, {}, planted_concepts(subject, blocks, candidates, position), 0, 5)


def no_concepts(subject: Subject) -> Concepts:
    """For questions that do not ask about a concept."""
    return Concepts("name", "concept", subject.site, subject.lm.digest, subject.sae.digest, ())


def adapted(case: Case) -> Case:
    """The same case about the same subject with an adapter that matters, on a copy of its model."""
    lm = replace(case.subject.lm, network=copy.deepcopy(case.subject.lm.network))
    inject(lm.network, case.subject.site, ["v_proj", "down_proj"], rank=2, alpha=4, scope="after", seed=0)
    with torch.no_grad():
        for parameter in adapter_parameters(lm.network):
            parameter += 0.2
    lm.network.requires_grad_(False)
    return replace(case, subject=Subject(lm, case.subject.sae, adapted=True))


def nats_per_token(lm, sequences):
    """The model's cross-entropy over sequences, one at a time."""
    nats, tokens = cross_entropy(lm, sequences, 1)
    return nats / tokens
