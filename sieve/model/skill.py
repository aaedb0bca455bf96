"""What a model can do before anybody asks about its insides: bits per byte, problems solved, the language it keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from sieve.model.generate import continue_ids
from sieve.model.language_model import LanguageModel
from sieve.text.answers import mentions, parse_answer
from sieve.text.identify import Identifier

LOGITS = 2**28
"""No more logits than these are held at a time, 1 GiB of them: 128 texts of 512 tokens in a vocabulary of 4,096."""


def solve(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[str],
    names: Sequence[str],
    new_tokens: int,
    batch: int,
) -> tuple[list[bool], list[bool]]:
    """(answer right, name copied) for each prompt's greedy continuation. A name counts as a whole word only."""
    texts: list[str] = []
    for start in range(0, len(prompts), batch):
        texts += lm.tokenizer.batch_decode(
            continue_ids(lm, [list(p) for p in prompts[start : start + batch]], new_tokens)
        )
    return [parse_answer(t) == a for t, a in zip(texts, answers)], [mentions(t, n) for t, n in zip(texts, names)]


@torch.no_grad()
def cross_entropy(lm: LanguageModel, sequences: Sequence[Sequence[int]], batch: int) -> tuple[float, int]:
    """(nats, tokens) of all text tokens but the first id of each sequence, which nothing predicts.

    At most `batch` sequences at a time; fewer where they are long and the vocabulary is large.
    """
    nats, tokens = 0.0, 0
    longest = max((len(s) for s in sequences), default=1)
    batch = max(1, min(batch, LOGITS // (longest * int(lm.network.config.vocab_size))))
    for start in range(0, len(sequences), batch):
        ids, mask = lm.pad([list(s) for s in sequences[start : start + batch]])
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
        judged = (lm.is_text(ids) & mask.bool())[:, 1:]
        nats -= float(logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0][judged].double().sum())
        tokens += int(judged.sum())
    return nats, tokens


def bits_per_byte(lm: LanguageModel, texts: Sequence[str], batch: int) -> float:
    """What documents cost in bits, by their UTF-8 bytes: comparable between tokenizers, and with characters.

    Of a document longer than the model's context the part that fits in counts.
    """
    sequences = [ids[: lm.context] for ids in lm.encode(list(texts))]
    said = lm.tokenizer.batch_decode([ids[1:] for ids in sequences], skip_special_tokens=True)
    return cross_entropy(lm, sequences, batch)[0] / math.log(2) / sum(len(text.encode("utf-8")) for text in said)


def languages_kept(
    lm: LanguageModel, prompts: Sequence[tuple[str, str]], judge: Identifier, prompt: int, new: int, batch: int
) -> list[bool]:
    """Whether `new` greedy tokens after the first `prompt` tokens of each (language, text) stay in its language."""
    begun = [ids[:prompt] for ids in lm.encode([text for _, text in prompts])]
    texts: list[str] = []
    for start in range(0, len(begun), batch):
        texts += lm.tokenizer.batch_decode(
            continue_ids(lm, begun[start : start + batch], new), skip_special_tokens=True
        )
    return [judge(text) == language for (language, _), text in zip(prompts, texts)]
