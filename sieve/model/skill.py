"""What a model can do before anybody asks about its insides: held-out loss, problems solved, names copied."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sieve.model.generate import continue_ids
from sieve.model.language_model import LanguageModel
from sieve.text.answers import mentions, parse_answer


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
def held_out_loss(lm: LanguageModel, sequences: Sequence[Sequence[int]], batch: int) -> float:
    """Cross-entropy in nats per text token, over documents that were not trained on."""
    nats, tokens = 0.0, 0
    for start in range(0, len(sequences), batch):
        ids, mask = lm.pad([list(s) for s in sequences[start : start + batch]])
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
        judged = (lm.is_text(ids) & mask.bool())[:, 1:]
        nats -= float(logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0][judged].double().sum())
        tokens += int(judged.sum())
    return nats / tokens
