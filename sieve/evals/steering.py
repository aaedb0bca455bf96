"""Does a language's direction make the model write that language, and does LangFIR's do so better than others'?

Prompts are the beginnings of held-out documents in the other languages. accuracy: share of greedy continuations that
the n-gram judge calls the target language (loops, scraps and gibberish are no language); ce: their cross-entropy under
the original model, unsteered, in nats per token, so that nonsense shows; fluent: share that are in the language and no
more surprising than nearly all real text in it; none and loops: share in no language, and those of them that say the
same over and over. An adapted subject writes with its adapter on; the judges are the same
for all.

Every method of `sieve.methods` that pushes has as many strengths to choose from, the same but for its unit: the one
with the most fluent continuations on validation prompts, mean over languages, is tested once; a note says where it is
at an end of what was tried. LangFIR's whole curve is measured on test prompts too.

How good the judges are is said beside: `judged`, the share of real held-out text, as long, that each calls its own
language. Where text is told in several languages, `sieve.evals.overlap` compares continuations with translations.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from sieve.evals import overlap
from sieve.evals.case import Case, Row, clustered_proportion, not_applicable, proportion
from sieve.evals.judge import Judge, Written, judged, taught, verdict
from sieve.evals.overlap import Told, sentence_ends
from sieve.features.examples import token_text
from sieve.methods import method
from sieve.methods.material import Material, Push, Text
from sieve.model.generate import continue_ids


@dataclass(frozen=True)
class Settings:
    """Prompts per target language, tokens of prompt and continuation, strengths in a method's own unit.

    `judge_documents` per language teach the judge; with `second_opinion` py3langid is asked too. `methods` beside
    LangFIR find their directions in `documents` of each language; `draws` is how many random sets of latents there
    are. `translations`: documents a language on which BLEU and chrF are measured; 0: not at all.
    """

    prompts: int
    prompt_tokens: int
    new_tokens: int
    strengths: list[float]
    judge_documents: int
    methods: list[str]
    documents: int
    draws: int
    second_opinion: bool
    translations: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        for name in self.methods:
            method(name)
        if not any(strength > 0 for strength in self.strengths):
            raise ValueError(f"strengths are {self.strengths}; there must be one above 0 to choose")


def run(case: Case, settings: Settings) -> list[Row]:
    """accuracy and ce per 'language/strength', and of each method at the strength that validation prompts choose."""
    if not case.told:
        return not_applicable("steering", "accuracy", "the text is in one language")
    start, length = settings.prompt_tokens, settings.new_tokens
    for name in case.told:
        if not any(len(b.ids) > start for b in case.pick("text", "valid", None, name)):
            why = f"no validation text in {name} of over {start} tokens: it chooses strengths and says what is fluent"
            return not_applicable("steering", "accuracy", why)
    judge = taught(case, settings.judge_documents, settings.second_opinion, start, length, settings.documents)
    data, rows = material(case, settings), judged(case, judge, start, length)
    for language in case.told:
        (push,) = method("langfir").find(data, language) or [None]
        prompts = other_prompts(case, settings, "test", language)
        for strength in settings.strengths:
            rows += curve(case, settings, judge, language, strength, push, prompts)
    told = {name: told_elsewhere(case, settings, name) for name in case.told}
    for name, own in told.items():
        rows += between(case, settings, name, own)
    for name in dict.fromkeys(["langfir", *settings.methods]):
        found = {language: method(name).find(data, language) for language in case.told}
        pushes = {own: some for own, some in found.items() if some}
        if not pushes:
            rows += not_applicable("steering", "method_accuracy", f"{name} finds nothing here", name)
            continue
        grid = sorted({method(name).UNIT.times * strength for strength in settings.strengths if strength > 0})
        strength = tune(case, settings, judge, pushes, grid)
        rows.append(Row("steering", "method_strength", name, strength, note=at_the_end(strength, grid)))
        rows += compared(case, settings, judge, name, pushes, strength)
        for language, some in pushes.items():
            rows += like_translations(case, settings, f"{name}/{language}", told[language], some[0], strength)
    return rows


def material(case: Case, settings: Settings) -> Material:
    """Training text of every language, and what the filter made of it."""
    texts = {}
    for name in case.told:
        blocks, found = case.pick("text", "train", settings.documents, name), case.languages[name]
        told = {b.parallel: b.ids for b in case.pick("text", "train", None, name) if b.parallel >= 0}
        texts[name] = Text([b.ids for b in blocks], told, found.latents, found.filtered, found.direction)
    return Material(case.subject, texts, case.seed, case.batch, settings.draws)


def told_elsewhere(case: Case, settings: Settings, language: str) -> list[Told]:
    """Held-out documents with a translation, as many as are asked for."""
    return overlap.translations(case, language, settings.translations, settings.prompt_tokens, settings.new_tokens)


def between(case: Case, settings: Settings, language: str, told: Sequence[Told]) -> list[Row]:
    """The marks between which overlap with a translation means something."""
    if not settings.translations:
        return []
    return overlap.marks(case, language, told, go_on(case, settings, [one.native for one in told]))


def like_translations(
    case: Case, settings: Settings, name: str, told: Sequence[Told], push: Push, strength: float
) -> list[Row]:
    """Overlap of continuations of the other languages' sentences with what the target language's document says next."""
    if len(told) < 2:
        return []
    found = go_on(case, settings, [one.prompt for one in told], push, strength)
    return overlap.overlap(case, name, found, [one.reference for one in told])


def other_prompts(case: Case, settings: Settings, split: str, target: str) -> list[list[int]]:
    """The beginnings of documents in every language but the target's, as evenly as they can be taken."""
    others = [b for name in case.told if name != target for b in case.pick("text", split, settings.prompts, name)]
    count = min(settings.prompts, len(others))
    evenly = [others[i * len(others) // count] for i in range(count)]
    return [beginning(case, b.ids, settings.prompt_tokens, b.language) for b in evenly]


def beginning(case: Case, ids: Sequence[int], most: int, language: str) -> list[int]:
    """Up to `most` tokens of a document, as far as its last whole sentence among them, else its last whole word.

    Nobody changes language within a word: a prompt that ends in one asks for its rest first.
    """
    lm, first = case.subject.lm, ids[: most + 1]
    words = [place for place in range(2, len(first)) if token_text(lm, first[place])[:1].isspace()]
    return list(ids[: (sentence_ends(lm, first, language) or words or [most])[-1]])


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


def compared(
    case: Case, settings: Settings, judge: Judge, name: str, pushes: dict[str, list[Push]], strength: float
) -> list[Row]:
    """A method at one strength, over languages and for each.

    Languages for which it finds nothing count as failures: `reached` says how many it finds something for.
    """
    rows = [Row("steering", "reached", name, float(len(pushes)))]
    every: list[tuple[str, Written]] = []
    draws = max(map(len, pushes.values()))
    for language in case.told:
        prompts = other_prompts(case, settings, "test", language)
        for push in pushes.get(language, []):
            every.append((language, write(case, settings, judge, language, push, strength, prompts)))
        if language not in pushes:
            missed = [False] * len(prompts) * draws
            every.append((language, Written(missed, missed if judge.second else [], missed, [], [], [], [])))
    for language in case.told:
        hits = [hit for own, found in every if own == language for hit in found.hits]
        rows.append(proportion("steering", "method_accuracy", f"{name}/{language}", hits))
    return [*rows, *overall(name, every)]


def overall(name: str, every: Sequence[tuple[str, Written]]) -> list[Row]:
    """Shares over all languages, with intervals over languages, as each has one direction; nats per token."""
    tokens = sum(sum(found.tokens) for _, found in every)
    rows = []
    fields = {"accuracy": "hits", "second": "second", "fluent": "fluent", "none": "none", "loops": "loops"}
    for metric, field in fields.items():
        hits = [(hit, own) for own, found in every for hit in getattr(found, field)]
        if not hits:
            continue
        told, roles = [hit for hit, _ in hits], [[own for _, own in hits]]
        rows.append(clustered_proportion("steering", f"method_{metric}", name, told, roles))
    nats = sum(sum(found.nats) for _, found in every)
    return [*rows, Row("steering", "method_ce", name, nats / tokens if tokens else None, n=tokens)]


def at_the_end(strength: float, grid: Sequence[float]) -> str:
    """A note where the best strength may lie beyond those that were tried."""
    ends = {min(grid): "weakest", max(grid): "strongest"}
    return f"the {ends[strength]} that was tried" if strength in ends and len(grid) > 1 else ""


def tune(case: Case, settings: Settings, judge: Judge, pushes: dict[str, list[Push]], grid: Sequence[float]) -> float:
    """The strength of an ascending grid with the most fluent continuations of validation prompts, mean over languages.

    Of equals the one with more in the language, then the weaker. Of many draws the first is tried. A grid of one is no
    choice, and nothing is written.
    """
    if len(grid) == 1:
        return grid[0]
    scores = {}
    for strength in grid:
        fluent, hits = 0.0, 0.0
        for language, own in pushes.items():
            prompts = other_prompts(case, settings, "valid", language)
            found = write(case, settings, judge, language, own[0], strength, prompts)
            fluent, hits = fluent + sum(found.fluent), hits + sum(found.hits)
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
    """Continuations of the prompts under a push, judged."""
    return verdict(case, judge, language, prompts, go_on(case, settings, prompts, push, strength))


def go_on(
    case: Case, settings: Settings, prompts: Sequence[list[int]], push: Push | None = None, strength: float = 0.0
) -> list[list[int]]:
    """Greedy continuations of the prompts; without a push, and at strength 0, the model's own."""
    found: list[list[int]] = []
    for start in range(0, len(prompts), case.batch):
        with push(strength) if push is not None and strength else nullcontext():
            found += continue_ids(case.subject.lm, list(prompts[start : start + case.batch]), settings.new_tokens)
    return found
