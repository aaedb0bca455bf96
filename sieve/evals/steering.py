"""Does a language's direction make the model write that language, and does LangFIR's do so better than others'?

Prompts are the beginnings of held-out documents in the other languages. accuracy: share of greedy continuations that
the n-gram judge calls the target language (loops, scraps and gibberish are no language); ce: their cross-entropy under
the original model, unsteered, in nats per token, so that nonsense shows; fluent: share that are in the language and no
more surprising than nearly all real text in it. An adapted subject writes with its adapter on; the judges are the same
for all.

Every method of `sieve.methods` has the same strengths to choose from: the one with the most fluent continuations on
validation prompts, mean over languages, is tested once. LangFIR's whole curve is measured on test prompts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, clustered_proportion, not_applicable, proportion
from sieve.features.examples import token_text
from sieve.methods import method
from sieve.methods.material import Material, Push, Text
from sieve.model.generate import continue_ids
from sieve.text.identify import Identifier

SENTENCE_ENDS = tuple(".!?…。।؟")
USUAL = 0.95
"""Share of real text that is no more surprising than what still counts as fluent."""


@dataclass(frozen=True)
class Settings:
    """Prompts per target language, tokens of prompt and continuation, strengths in a method's own unit.

    `judge_documents` per language teach the judge. `methods` beside LangFIR find their directions in `documents` of
    each language; `draws` is how many random sets of latents there are.
    """

    prompts: int
    prompt_tokens: int
    new_tokens: int
    strengths: list[float]
    judge_documents: int
    methods: list[str]
    documents: int
    draws: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        for name in self.methods:
            method(name)
        if not any(strength > 0 for strength in self.strengths):
            raise ValueError(f"strengths are {self.strengths}; there must be one above 0 to choose")


class Judge(NamedTuple):
    """Which language a text is in, and above how many nats per token each language's text is not fluent."""

    language: Identifier
    limits: dict[str, float]


class Written(NamedTuple):
    """Of continuations (N,): in the target language, fluent besides, nats and tokens."""

    hits: list[bool]
    fluent: list[bool]
    nats: list[float]
    tokens: list[int]


def run(case: Case, settings: Settings) -> list[Row]:
    """accuracy and ce per 'language/strength', and of each method at the strength that validation prompts choose."""
    if not case.told:
        return not_applicable("steering", "accuracy", "the text is in one language")
    judge, data = taught(case, settings), material(case, settings)
    rows = []
    for language in case.told:
        (push,) = method("langfir").find(data, language) or [None]
        prompts = other_prompts(case, settings, "test", language)
        for strength in settings.strengths:
            rows += curve(case, settings, judge, language, strength, push, prompts)
    for name in dict.fromkeys(["langfir", *settings.methods]):
        found = {language: method(name).find(data, language) for language in case.told}
        rows += compared(case, settings, judge, name, {own: pushes for own, pushes in found.items() if pushes})
    return rows


def material(case: Case, settings: Settings) -> Material:
    """Training text of every language, and what the filter made of it."""
    texts = {}
    for name in case.told:
        blocks, found = case.pick("text", "train", settings.documents, name), case.languages[name]
        ids, parallel = [b.ids for b in blocks], [b.parallel for b in blocks]
        texts[name] = Text(ids, parallel, found.latents, found.filtered, found.direction)
    return Material(case.subject, texts, case.seed, case.batch, settings.draws)


def taught(case: Case, settings: Settings) -> Judge:
    """The judge, from training text; what is fluent, from the first tokens of validation text."""
    decode, start, limits = case.subject.lm.tokenizer.batch_decode, settings.prompt_tokens, {}
    samples = {name: case.pick("text", "train", settings.judge_documents, name) for name in case.told}
    for name in case.told:
        real = [list(b.ids[: start + settings.new_tokens]) for b in case.pick("text", "valid", None, name)]
        real = [ids for ids in real if len(ids) > start]
        nats, tokens = surprise(case, [ids[:start] for ids in real], [ids[start:] for ids in real])
        each = (nats / tokens.clamp_min(1)).sort().values
        limits[name] = float(each[min(len(each) - 1, int(USUAL * len(each)))]) if len(each) else float("inf")
    texts = {name: decode([list(b.ids) for b in some], skip_special_tokens=True) for name, some in samples.items()}
    return Judge(Identifier(texts), limits)


def other_prompts(case: Case, settings: Settings, split: str, target: str) -> list[list[int]]:
    """The beginnings of documents in every language but the target's, as evenly as they can be taken."""
    others = [b for name in case.told if name != target for b in case.pick("text", split, settings.prompts, name)]
    count = min(settings.prompts, len(others))
    evenly = [others[i * len(others) // count] for i in range(count)]
    return [beginning(case, b.ids, settings.prompt_tokens) for b in evenly]


def beginning(case: Case, ids: Sequence[int], most: int) -> list[int]:
    """Up to `most` tokens of a document, as far as its last whole sentence among them, else its last whole word.

    Nobody changes language within a word: a prompt that ends in one asks for its rest first.
    """
    text = [token_text(case.subject.lm, i) for i in ids[: most + 1]]
    ends = [place for place in range(2, len(text)) if text[place][:1].isspace()]
    sentences = [place for place in ends if text[place - 1].rstrip()[-1:] in SENTENCE_ENDS]
    return list(ids[: (sentences or ends or [most])[-1]])


def curve(
    case: Case,
    settings: Settings,
    judge: Judge,
    language: str,
    strength: float,
    push: Push | None,
    prompts: list[list[int]],
) -> list[Row]:
    """The figures of one language and strength."""
    name = f"{language}/{strength:g}"
    if push is None:
        return not_applicable("steering", "accuracy", f"no latent was kept for {language}", name)
    found = write(case, settings, judge, language, push, strength, prompts)
    tokens = sum(found.tokens)
    note = "" if tokens else "nothing was generated"
    return [
        proportion("steering", "accuracy", name, found.hits),
        proportion("steering", "fluent", name, found.fluent),
        Row("steering", "ce", name, sum(found.nats) / tokens if tokens else None, n=tokens, note=note),
    ]


def compared(case: Case, settings: Settings, judge: Judge, name: str, pushes: dict[str, list[Push]]) -> list[Row]:
    """A method at the strength that it does best with on validation prompts, over languages and for each.

    Languages for which it finds nothing count as failures: `reached` says how many there are.
    """
    if not pushes:
        return not_applicable("steering", "method_accuracy", f"{name} finds nothing here", name)
    strength = tune(case, settings, judge, pushes)
    rows = [Row("steering", "method_strength", name, strength), Row("steering", "reached", name, float(len(pushes)))]
    every: list[tuple[str, Written]] = []
    draws = max(map(len, pushes.values()))
    for language in case.told:
        prompts = other_prompts(case, settings, "test", language)
        for push in pushes.get(language, []):
            every.append((language, write(case, settings, judge, language, push, strength, prompts)))
        if language not in pushes:
            missed = [False] * len(prompts) * draws
            every.append((language, Written(missed, missed, [], [])))
    for language in case.told:
        hits = [hit for own, found in every if own == language for hit in found.hits]
        rows.append(proportion("steering", "method_accuracy", f"{name}/{language}", hits))
    return [*rows, *overall(name, every)]


def overall(name: str, every: Sequence[tuple[str, Written]]) -> list[Row]:
    """Shares over all languages, with intervals over languages, as each has one direction; nats per token."""
    tokens = sum(sum(found.tokens) for _, found in every)
    rows = []
    for metric, field in (("method_accuracy", "hits"), ("method_fluent", "fluent")):
        hits = [(hit, own) for own, found in every for hit in getattr(found, field)]
        rows.append(clustered_proportion("steering", metric, name, [h for h, _ in hits], [[own for _, own in hits]]))
    nats = sum(sum(found.nats) for _, found in every)
    return [*rows, Row("steering", "method_ce", name, nats / tokens if tokens else None, n=tokens)]


def tune(case: Case, settings: Settings, judge: Judge, pushes: dict[str, list[Push]]) -> float:
    """The strength above 0 with the most fluent continuations of validation prompts, mean over languages.

    Of equals the one with more in the language, then the weaker.
    """
    scores = {}
    for strength in sorted(s for s in settings.strengths if s > 0):
        fluent, hits = 0.0, 0.0
        for language, own in pushes.items():
            prompts = other_prompts(case, settings, "valid", language)
            for push in own:
                found = write(case, settings, judge, language, push, strength, prompts)
                fluent, hits = fluent + sum(found.fluent) / len(own), hits + sum(found.hits) / len(own)
        scores[strength] = fluent, hits
    return max(scores, key=lambda strength: (*scores[strength], -strength))


def write(
    case: Case,
    settings: Settings,
    judge: Judge,
    language: str,
    push: Push,
    strength: float,
    prompts: list[list[int]],
) -> Written:
    """Continuations of the prompts under a push, judged; at strength 0 nothing is pushed."""
    lm = case.subject.lm
    found: list[list[int]] = []
    for start in range(0, len(prompts), case.batch):
        group = prompts[start : start + case.batch]
        if strength:
            with push(strength):
                found += continue_ids(lm, group, settings.new_tokens)
        else:
            found += continue_ids(lm, group, settings.new_tokens)
    hits = [judge.language(text) == language for text in lm.tokenizer.batch_decode(found)]
    nats, tokens = surprise(case, prompts, found)
    usual = (nats <= judge.limits[language] * tokens).tolist()
    return Written(hits, [a and b for a, b in zip(hits, usual)], nats.tolist(), tokens.tolist())


@torch.no_grad()
def surprise(case: Case, prompts: Sequence[list[int]], found: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """(nats (N,) float64, tokens (N,)) of each continuation of a prompt, under the original model."""
    lm, nats = case.subject.lm, []
    with case.subject.original():
        for start in range(0, len(prompts), case.batch):
            pieces = list(zip(prompts[start : start + case.batch], found[start : start + case.batch]))
            ids, mask = lm.pad([p + c for p, c in pieces])
            logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
            own = -logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0].double()
            nats += [float(row[len(p) - 1 : len(p) + len(c) - 1].sum()) for row, (p, c) in zip(own, pieces)]
    return torch.tensor(nats, dtype=torch.float64), torch.tensor([len(c) for c in found], dtype=torch.float64)
