"""Does a language's direction make the model write that language?

Prompts are the beginnings of held-out documents in the other languages. accuracy: share of greedy continuations that
the n-gram judge calls the target language (loops and scraps count as no language); ce: their cross-entropy under the
original model, unsteered, in nats per token, so that nonsense shows. An adapted subject writes with its adapter on; the
judges are the same for all.
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
    """Prompts per target language, tokens of prompt and continuation, strengths in median activation norms.

    `judge_documents` per language teach the judge.
    """

    prompts: int
    prompt_tokens: int
    new_tokens: int
    strengths: list[float]
    judge_documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """accuracy and ce per 'language/strength', and the strength that validation prompts choose for all languages."""
    languages = sorted({b.language for b in case.pick("text", "test")} & set(case.languages))
    if len(languages) < 2:
        return not_applicable("steering", "accuracy", "the text is in one language")
    judge = Identifier(
        {name: _texts(case, case.pick("text", "train", settings.judge_documents, name)) for name in languages}
    )
    rows = []
    for target in languages:
        prompts = other_prompts(case, settings, "test", target, languages)
        for strength in settings.strengths:
            rows += measure(case, settings, judge, target, strength, prompts)
    best = tune(case, settings, judge, languages)
    return rows if best is None else [*rows, Row("steering", "strength", "chosen", best)]


def other_prompts(case: Case, settings: Settings, split: str, target: str, languages: list[str]) -> list[list[int]]:
    """The beginnings of documents in every language but the target's, as evenly as they can be taken."""
    others = [b for name in languages if name != target for b in case.pick("text", split, settings.prompts, name)]
    step = max(1, len(others) // settings.prompts)
    return [list(b.ids[: settings.prompt_tokens]) for b in others[::step]][: settings.prompts]


def tune(case: Case, settings: Settings, judge: Identifier, languages: list[str]) -> float | None:
    """The strength above 0 with the highest accuracy on validation prompts, mean over languages; ties: the weaker."""
    steered = [name for name in languages if case.languages[name].direction is not None]
    prompts = {name: other_prompts(case, settings, "valid", name, languages) for name in steered}
    scores = {
        strength: sum(
            judge(text) == name for name in steered for text in write(case, settings, name, strength, prompts[name])[1]
        )
        for strength in sorted(settings.strengths)
        if strength > 0
    }
    return max(scores, key=lambda strength: (scores[strength], -strength)) if steered and scores else None


def write(
    case: Case, settings: Settings, target: str, strength: float, prompts: list[list[int]]
) -> tuple[list[list[int]], list[str]]:
    """Steered continuations of the prompts, as ids and as text (the language has a direction)."""
    lm, direction = case.subject.lm, case.languages[target].direction
    assert direction is not None
    found: list[list[int]] = []
    with steer(lm, direction, strength):
        for start in range(0, len(prompts), case.batch):
            found += continue_ids(lm, prompts[start : start + case.batch], settings.new_tokens)
    return found, lm.tokenizer.batch_decode(found)


def _texts(case: Case, blocks: list[Block]) -> list[str]:
    return case.subject.lm.tokenizer.batch_decode([list(b.ids) for b in blocks], skip_special_tokens=True)


def measure(
    case: Case, settings: Settings, judge: Identifier, target: str, strength: float, prompts: list[list[int]]
) -> list[Row]:
    """The two figures of one language and strength."""
    name = f"{target}/{strength:g}"
    if case.languages[target].direction is None:
        return not_applicable("steering", "accuracy", f"no latent was kept for {target}", name)
    found, texts = write(case, settings, target, strength, prompts)
    with case.subject.original():
        nats, tokens = surprise(case, prompts, found)
    note = "" if tokens else "nothing was generated"
    return [
        proportion("steering", "accuracy", name, [judge(text) == target for text in texts]),
        Row("steering", "ce", name, nats / tokens if tokens else None, n=tokens, note=note),
    ]


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
