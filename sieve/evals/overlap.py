"""Is what steering makes a model write like the translation of what came next? BLEU and chrF, between two marks.

The prompt is the first whole sentences of a held-out document in another language, at least one; the reference is what
follows as many sentences in the target language's own telling of it. Overlap means something only between two marks:
'native', the unsteered continuation of the target language's own sentences, which is what this model could reach, and
'another text', the reference of another document, which is what comes of the language alone. Where the first is not
above the second with its interval, a note says so, and nothing should be read from the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NamedTuple

import torch

from sieve.evals.case import Case, Row, not_applicable
from sieve.features.examples import token_text
from sieve.model.language_model import LanguageModel
from sieve.provenance import generator

SENTENCE_ENDS = {"": tuple(".!?…。।؟\u037e"), "el": (";",)}
"""Of all languages, and what ends a sentence, as a question mark, in one."""
RESAMPLES = 1000
ENDS = torch.tensor([0.025, 0.975], dtype=torch.float64)
MARKS = NATIVE, OTHER = "native", "another text"


class Told(NamedTuple):
    """Token ids of a prompt in another language, of as many sentences in the target's, and of what follows those."""

    prompt: list[int]
    native: list[int]
    reference: list[int]


class Score(NamedTuple):
    """From 0 to 100, with the ends of a 95 % bootstrap interval over texts; the signature says how it was made."""

    interval: tuple[float, float, float]
    signature: str


def sentence_ends(lm: LanguageModel, ids: Sequence[int], language: str) -> list[int]:
    """Places before which a whole sentence ends: the next token starts a word, this one ends with its mark."""
    text, marks = [token_text(lm, i) for i in ids], (*SENTENCE_ENDS[""], *SENTENCE_ENDS.get(language, ()))
    whole = (place for place in range(2, len(text)) if text[place][:1].isspace())
    return [place for place in whole if text[place - 1].rstrip()[-1:] in marks]


def translations(case: Case, language: str, count: int, prompt_tokens: int, new_tokens: int) -> list[Told]:
    """Up to `count` held-out documents of `language` that another language tells too; the others take turns."""
    lm = case.subject.lm
    found: list[Told] = []
    others: dict[int, list[tuple[list[int], int]]] = {}
    for name in case.told:
        for block in case.pick("text", "test", None, name):
            if name != language and block.parallel >= 0:
                ends = sentence_ends(lm, block.ids, name)
                whole = sum(end <= prompt_tokens for end in ends) or 1
                if ends:
                    others.setdefault(block.parallel, []).append((list(block.ids[: ends[whole - 1]]), whole))
    for block in case.pick("text", "test", None, language):
        sources = others.get(block.parallel, [])
        if len(found) == count or not sources:
            continue
        prompt, whole = sources[len(found) % len(sources)]
        own = sentence_ends(lm, block.ids, language)
        if len(own) >= whole:
            cut = own[whole - 1]
            found.append(Told(prompt, list(block.ids[:cut]), list(block.ids[cut : cut + new_tokens])))
    return found


def marks(case: Case, language: str, told: Sequence[Told], native: Sequence[list[int]]) -> list[Row]:
    """Overlap of what the model writes after the language's own sentences, and of another document."""
    if len(told) < 2:
        why = f"{len(told)} held-out documents have a translation, and a sentence of both to begin with"
        return not_applicable("steering", "chrf", why, language)
    references = [one.reference for one in told]
    rows = overlap(case, f"{NATIVE}/{language}", native, references)
    other = overlap(case, f"{OTHER}/{language}", [*references[1:], references[0]], references)
    for row, floor in zip(list(rows), other):
        assert row.low is not None and floor.high is not None
        if row.low <= floor.high:
            note = f"native continuations do not overlap more than {OTHER}: nothing to be read from {row.metric} here"
            rows.append(Row("steering", f"{row.metric}_left_out", language, None, note=note))
    return rows + other


def overlap(case: Case, name: str, found: Sequence[list[int]], references: Sequence[list[int]]) -> list[Row]:
    """BLEU and chrF of continuations against references, both as token ids; the note is sacrebleu's signature."""
    texts, wanted = (
        case.subject.lm.tokenizer.batch_decode([list(ids) for ids in some], skip_special_tokens=True)
        for some in (found, references)
    )
    scored = scores(texts, wanted, case.seed)
    return [Row("steering", metric, name, *own.interval, len(texts), own.signature) for metric, own in scored.items()]


def scores(texts: Sequence[str], references: Sequence[str], seed: int) -> dict[str, Score]:
    """{"bleu", "chrf": corpus scores}.

    Papineni et al. 2002, Popović 2015. ValueError without texts, or where there are not as many references.
    """
    if not texts or len(texts) != len(references):
        raise ValueError(
            f"{len(texts)} texts and {len(references)} references; every text needs one, and there must be some"
        )
    try:
        metrics = importlib.import_module("sacrebleu.metrics")
    except ImportError as missing:
        raise ImportError("BLEU and chrF come from sacrebleu: pip install -e '.[languages]'") from missing
    found = {}
    drawn = torch.randint(len(texts), (RESAMPLES, len(texts)), generator=generator(seed, "overlap")).tolist()
    for name, metric in (("bleu", metrics.BLEU()), ("chrf", metrics.CHRF())):
        value = metric.corpus_score(list(texts), [list(references)]).score
        # its own bootstrap (2.6.0) stops at a resample without any match; these are the sums that it would draw from
        sums = metric._extract_corpus_statistics(list(texts), [list(references)])
        scored = [float(metric._aggregate_and_compute([sums[i] for i in draw]).score) for draw in drawn]
        low, high = torch.tensor(scored, dtype=torch.float64).quantile(ENDS).tolist()
        found[name] = Score((float(value), low, high), str(metric.get_signature()))
    return found
