"""Greedy continuations."""

import copy
from itertools import pairwise

import pytest
import torch

from sieve.model.generate import continue_ids, continue_text
from sieve.model.language_model import LanguageModel


def oracle(lm, prompt: list[int], new_tokens: int) -> list[int]:
    """One token at a time from plain forward passes, stopped at the first special token."""
    ids = list(prompt)
    for _ in range(new_tokens):
        with torch.no_grad():
            following = int(lm.network(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        if following in lm.tokenizer.all_special_ids:
            break
        ids.append(following)
    return ids[len(prompt) :]


@pytest.fixture(scope="module")
def prompts(blocks):
    """Beginnings of documents, of different lengths."""
    return [list(b.ids[:n]) for b, n in zip(blocks[::9], (3, 8, 15, 5, 11))]


def ending(lm, prompts) -> LanguageModel:
    """A copy of the model whose EOS is a token that a continuation reaches on its way and goes on from."""
    other = LanguageModel(copy.deepcopy(lm.network), copy.deepcopy(lm.tokenizer), lm.digest)
    continuations = [oracle(lm, prompt, 8) for prompt in prompts]
    token = next(a for c in continuations for a, b in pairwise(c) if a != b)
    other.tokenizer.eos_token = other.tokenizer.convert_ids_to_tokens(token)
    other.network.generation_config.eos_token_id = token
    return other


def test_greedy_is_the_argmax_of_every_step(lm, prompts):
    """A batch's continuations are those that plain forward passes give to each prompt alone."""
    assert continue_ids(lm, prompts, 8) == [oracle(lm, prompt, 8) for prompt in prompts]


@pytest.mark.parametrize("stops", [True, False], ids=["EOS", "another"])
def test_a_continuation_ends_before_the_first_special_token(lm, prompts, stops):
    """A sequence is cut at a special token, whether the network stops there or goes on; its batch's others go on."""
    other = ending(lm, prompts)
    if not stops:
        other.network.generation_config.eos_token_id = None
    found = continue_ids(other, prompts, 8)

    assert found == [oracle(other, prompt, 8) for prompt in prompts]
    assert min(len(c) for c in found) < 7 < max(len(c) for c in found) == 8


def test_text_is_the_decoded_ids(lm, documents):
    """Continuing texts is encoding, continuing and decoding them, in order, whatever the batch size."""
    texts = [r["text"][:n] for r, n in zip(documents, (20, 31, 9, 44, 25))]
    found = continue_text(lm, texts, 6)

    assert found == [lm.tokenizer.decode(continue_ids(lm, lm.encode([text]), 6)[0]) for text in texts]
    assert found == continue_text(lm, texts, 6, batch_size=2)


def test_nothing_to_continue(lm):
    """No prompts have no continuations."""
    assert continue_ids(lm, [], 5) == []
    assert continue_text(lm, [], 5) == []
