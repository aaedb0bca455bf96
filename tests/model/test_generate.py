"""Greedy continuations."""

import copy

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


def ending(lm, prompts, steps: int) -> LanguageModel:
    """A copy of the model whose EOS is the token that the first prompt's continuation reaches after `steps`."""
    other = LanguageModel(copy.deepcopy(lm.network), copy.deepcopy(lm.tokenizer), lm.digest)
    token = oracle(lm, prompts[0], steps + 1)[steps]
    other.tokenizer.eos_token = other.tokenizer.convert_ids_to_tokens(token)
    other.network.generation_config.eos_token_id = token
    return other


def test_greedy_is_the_argmax_of_every_step(lm, prompts):
    """A batch's continuations are those that plain forward passes give to each prompt alone."""
    assert continue_ids(lm, prompts, 8) == [oracle(lm, prompt, 8) for prompt in prompts]


def test_a_continuation_ends_before_the_first_special_token(lm, prompts):
    """A sequence that reaches EOS is cut there, without EOS or padding; the others of its batch go on."""
    other = ending(lm, prompts, 3)
    found = continue_ids(other, prompts, 8)

    assert found == [oracle(other, prompt, 8) for prompt in prompts]
    assert len(found[0]) <= 3 < max(len(c) for c in found)


def test_any_special_token_ends_a_continuation(lm, prompts):
    """A special token that does not stop the network cuts the continuation too, whatever is said after it."""
    other = ending(lm, prompts, 3)
    other.network.generation_config.eos_token_id = None
    found = continue_ids(other, prompts, 8)

    assert found == [oracle(other, prompt, 8) for prompt in prompts]
    assert len(found[0]) <= 3


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
