"""In which language a continuation is, and whether it is fluent: n-grams, a second opinion, the model itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, proportion
from sieve.text.identify import Identifier, repeats, second_opinion

USUAL = 0.95
"""Share of real text that is no more surprising than what still counts as fluent."""


class Judge(NamedTuple):
    """Which language a text is in, and above how many nats per token each language's text is not fluent.

    second: another opinion of the language, if there is one. taught: a note on the documents that a language is known
    by, where they are not as was asked for.
    """

    language: Callable[[str], str | None]
    limits: dict[str, float]
    second: Callable[[str], str | None] | None = None
    taught: Mapping[str, str] = MappingProxyType({})


class Written(NamedTuple):
    """Of continuations (N,): in the target language, by the second opinion too (or none), fluent, nats and tokens.

    none: in no language at all; loops: those of them that say the same over and over.
    """

    hits: list[bool]
    second: list[bool]
    fluent: list[bool]
    none: list[bool]
    loops: list[bool]
    nats: list[float]
    tokens: list[int]


def taught(case: Case, documents: int, second: bool, start: int, length: int, seen: int) -> Judge:
    """The judge, from so many training documents a language; what is fluent, from tokens `start` on of validation text.

    `length`: tokens of what will be judged. The first `seen` documents, in which directions were found, are left out
    where there are others.
    """
    decode, limits = case.subject.lm.tokenizer.batch_decode, {}
    train = {name: case.pick("text", "train", None, name) for name in case.told}
    samples = {name: (some[seen:] or some)[:documents] for name, some in train.items()}
    for name in case.told:
        real = [list(b.ids[: start + length]) for b in case.pick("text", "valid", None, name) if len(b.ids) > start]
        # the mean of a short piece varies more: only where there are no others
        real = [ids for ids in real if len(ids) == start + length] or real
        nats, tokens = surprise(case, [ids[:start] for ids in real], [ids[start:] for ids in real])
        each = (nats / tokens.clamp_min(1)).sort().values
        limits[name] = float(each[min(len(each) - 1, int(USUAL * len(each)))])
    texts = {name: decode([list(b.ids) for b in some], skip_special_tokens=True) for name, some in samples.items()}
    notes = {name: _lacking(len(train[name]), len(some), documents, seen) for name, some in samples.items()}
    return Judge(Identifier(texts), limits, second_opinion(case.told) if second else None, notes)


def _lacking(there: int, taken: int, documents: int, seen: int) -> str:
    """What is to be said of a judge that took so many of the documents that are there; nothing if all is as asked."""
    if there <= seen:
        return f"taught by the {taken} documents in which directions were found, there are no others"
    return f"taught by {taken} documents, there are no others beside those of directions" if taken < documents else ""


def judged(case: Case, judge: Judge, start: int, length: int) -> list[Row]:
    """The share of held-out text, from where prompts end and as long as continuations, that is called its language."""
    rows, stop = [], start + length
    for name in case.told:
        pieces = [list(b.ids[start:stop]) for b in case.pick("text", "test", None, name) if len(b.ids) >= stop]
        texts = case.subject.lm.tokenizer.batch_decode(pieces)
        for opinion, ask in (("ngrams", judge.language), ("py3langid", judge.second)):
            if ask is not None and texts:
                hits = [ask(text) == name for text in texts]
                note = judge.taught.get(name, "") if opinion == "ngrams" else ""
                rows.append(replace(proportion("steering", "judged", f"{opinion}/{name}", hits), note=note))
    return rows


def verdict(case: Case, judge: Judge, language: str, prompts: Sequence[list[int]], found: list[list[int]]) -> Written:
    """What the judge makes of continuations that should be in `language`; ValueError for one that it was not taught."""
    if language not in judge.limits:
        raise ValueError(
            f"the judge knows {', '.join(sorted(judge.limits))}, not '{language}'; teach it that language too"
        )
    texts = case.subject.lm.tokenizer.batch_decode(found)
    said = [judge.language(text) for text in texts]
    hits, none = [found == language for found in said], [found is None for found in said]
    second = [judge.second(text) == language for text in texts] if judge.second else []
    nats, tokens = surprise(case, prompts, found)
    usual = (nats <= judge.limits[language] * tokens).tolist()
    fluent, loops = [a and b for a, b in zip(hits, usual)], [repeats(text) for text in texts]
    return Written(hits, second, fluent, none, loops, nats.tolist(), tokens.tolist())


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
