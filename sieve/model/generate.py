"""Greedy continuations, batched with left padding; hooks on the network act on every step, cached or not."""

from __future__ import annotations

import torch

from sieve.model.language_model import LanguageModel


@torch.no_grad()
def continue_ids(
    lm: LanguageModel, prompts: list[list[int]], new_tokens: int, use_cache: bool = True
) -> list[list[int]]:
    """The greedy continuation of each prompt (its ids only), up to `new_tokens` and cut at the first special token.

    ValueError for a prompt without a token, which an empty text is where no BOS is added.
    """
    if not prompts:
        return []
    if not all(prompts):
        raise ValueError(
            f"prompt {next(i for i, p in enumerate(prompts) if not p)} has no token to go on from, and this model's "
            "tokenizer adds none; give it some text"
        )
    ids, mask = lm.pad(prompts, side="left")
    output = lm.network.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=new_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=use_cache,
        pad_token_id=lm.pad_id,
    )
    continuations = output[:, ids.shape[1] :]
    ends = lm.is_text(continuations).long().cumprod(dim=1).sum(dim=1)
    return [row[:end].tolist() for row, end in zip(continuations, ends.tolist())]


def continue_text(
    lm: LanguageModel, prompts: list[str], new_tokens: int, use_cache: bool = True, batch_size: int = 128
) -> list[str]:
    """The greedy continuation of each text, as text, without the prompt."""
    encoded = lm.encode(prompts)
    found: list[str] = []
    for start in range(0, len(encoded), batch_size):
        rows = continue_ids(lm, encoded[start : start + batch_size], new_tokens, use_cache)
        found.extend(lm.tokenizer.batch_decode(rows, skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return found
