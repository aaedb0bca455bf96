"""A real pretrained model, opened and run by our own code."""

import torch

from sieve.model.generate import continue_ids
from sieve.model.language_model import open_model
from sieve.model.sites import observe
from sieve.model.splice import splice
from tests.conftest import identity_sae, shared


def test_greedy_text_is_reproduced():
    """The published 200 greedy tokens come out of our generation letter by letter, with and without cache."""
    folder = shared("models/stories260K")
    expected = (folder / "greedy_200_tokens.txt").read_text(encoding="utf-8").strip()
    lm = open_model(folder)
    start = [lm.tokenizer.bos_token_id]

    for use_cache in (True, False):
        ids = continue_ids(lm, [start], new_tokens=200, use_cache=use_cache)[0]
        assert lm.tokenizer.decode(ids, skip_special_tokens=True).strip() == expected


def test_identity_splice_changes_no_greedy_token():
    """With a reconstruction that loses nothing, the real model writes the same text through the splice."""
    lm = open_model(shared("models/stories260K"))
    sae = identity_sae(lm.width, "resid_post_2", lm.digest)
    prompts = lm.encode(["Once upon a time, there was a dog", "Tom and Lily"])
    plain = continue_ids(lm, prompts, new_tokens=40)

    with splice(lm, sae.site, lambda rows, _: sae.reconstruct(rows)):
        spliced = continue_ids(lm, prompts, new_tokens=40)

    assert spliced == plain


def test_sites_are_hidden_states():
    """Our definition of a site is the library's hidden state after that layer, on a real model."""
    lm = open_model(shared("models/stories260K"))
    ids, mask = lm.pad(lm.encode(["Lily went to the park with Tom."]))
    hidden = lm.network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states

    for layer in range(4):
        site = f"resid_post_{layer}"
        assert torch.equal(observe(lm.network, [site], ids, mask)[site], hidden[layer + 1])
