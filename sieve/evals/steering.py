"""Does a language's direction make the model write that language?

Prompts are the beginnings of held-out documents in the other languages. accuracy: share of greedy continuations that the
n-gram judge calls the target language (loops and scraps count as no language); ce: their cross-entropy under the unsteered
model, in nats per token, so that nonsense shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sieve.evals.case import Case, Row, not_applicable, proportion
from sieve.interventions.steer import steer
from sieve.model.generate import continue_ids
from sieve.text.blocks import Block
from sieve.text.identify import Identifier


@dataclass(frozen=True)
class Settings:
    """Prompts per target language, tokens of prompt and continuation, strengths in median activation norms, judge's training documents."""

    prompts: int
    prompt_tokens: int
    new_tokens: int
    strengths: list[float]
    judge_documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """accuracy and ce per 'language/strength'."""
    languages = sorted({b.language for b in case.pick("text", "test")} & set(case.languages))
    if len(languages) < 2:
        return not_applicable("steering", "accuracy", "the text is in one language")
    judge = Identifier({name: _texts(case, case.pick("text", "train", settings.judge_documents, name)) for name in languages})
    rows = []
    for target in languages:
        others = [b for name in languages if name != target for b in case.pick("text", "test", settings.prompts, name)]
        prompts = [list(b.ids[: settings.prompt_tokens]) for b in others[:: max(1, len(others) // settings.prompts)]][: settings.prompts]
        for strength in settings.strengths:
            rows += measure(case, settings, judge, target, strength, prompts)
    return rows


def _texts(case: Case, blocks: list[Block]) -> list[str]:
    return case.subject.lm.tokenizer.batch_decode([list(b.ids) for b in blocks], skip_special_tokens=True)


def measure(case: Case, settings: Settings, judge: Identifier, target: str, strength: float, prompts: list[list[int]]) -> list[Row]:
    """The two figures of one language and strength."""
    lm, direction = case.subject.lm, case.languages[target].direction
    name = f"{target}/{strength:g}"
    if direction is None:
        return [Row("steering", "accuracy", name, None, note=f"not applicable: no latent was kept for {target}")]
    found: list[list[int]] = []
    with case.subject.original():
        for start in range(0, len(prompts), case.batch):
            with steer(lm, direction, strength):
                found += continue_ids(lm, prompts[start : start + case.batch], settings.new_tokens)
        texts = lm.tokenizer.batch_decode(found)
        rows = [proportion("steering", "accuracy", name, [judge(text) == target for text in texts])]
        nats, tokens = surprise(case, prompts, found)
    return [*rows, Row("steering", "ce", name, nats / tokens if tokens else None, n=tokens, note="" if tokens else "nothing was generated")]


@torch.no_grad()
def surprise(case: Case, prompts: list[list[int]], found: list[list[int]]) -> tuple[float, int]:
    """(nats, tokens) of the continuations under whatever is in force."""
    lm, nats, tokens = case.subject.lm, 0.0, 0
    for start in range(0, len(prompts), case.batch):
        pieces = list(zip(prompts[start : start + case.batch], found[start : start + case.batch]))
        ids, mask = lm.pad([p + c for p, c in pieces])
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
        own = -logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0].double()
        for row, (p, c) in zip(own, pieces):
            nats += float(row[len(p) - 1 : len(p) + len(c) - 1].sum())
            tokens += len(c)
    return nats, tokens
