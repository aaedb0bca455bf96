"""Steering towards a language, against unsteered generation and loops over tokens."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import judge as judging
from sieve.evals import steering
from sieve.evals.case import Case, Language
from sieve.evals.judge import Judge, Written, surprise, taught, verdict
from sieve.evals.steering import Settings, beginning
from sieve.interventions.direction import Direction
from sieve.model.generate import continue_ids
from sieve.provenance import generator
from tests.planted import adapted, no_concepts

SETTINGS = Settings(
    prompts=5,
    prompt_tokens=6,
    new_tokens=8,
    strengths=[0.0, 1.5],
    judge_documents=8,
    methods=[],
    documents=4,
    draws=2,
    second_opinion=False,
    translations=0,
)
TAUGHT = {"documents": 3, "second": False, "start": 6, "length": 8, "seen": 2}


@pytest.fixture
def case(subject, blocks):
    """The tiny model with random directions for all languages but Russian."""

    def direction(name):
        vector = torch.randn(32, generator=generator(0, "steering", name))
        return Direction(vector / vector.norm(), 5.0, name, subject.site, subject.lm.digest, "", {"seed": 0})

    languages = {name: Language((0,), direction(name)) for name in ("de", "en", "es")}
    held_out = [replace(b, split="valid") if b.parallel in (1, 2) else b for b in blocks]
    return Case(subject, held_out, languages | {"ru": Language((), None)}, no_concepts(subject), 0, 4)


def by_hand(case, prompts):
    """(continuations, mean nats a token) of unsteered generation, prompt by prompt and token by token."""
    lm, found, nats = case.subject.lm, [], []
    for prompt in prompts:
        (continuation,) = continue_ids(lm, [prompt], SETTINGS.new_tokens)
        found.append(continuation)
        for k, token in enumerate(continuation):
            with torch.no_grad():
                logits = lm.network(input_ids=torch.tensor([[*prompt, *continuation[:k]]])).logits[0, -1]
            nats.append(-float(logits.log_softmax(-1)[token]))
    return found, sum(nats) / len(nats)


def asked(case, monkeypatch):
    """The rows of LangFIR's curve, and the prompts of every call for a continuation of test prompts."""
    seen, starts = [], {tuple(beginning(case, b.ids, 6, b.language)) for b in case.pick("text", "test")}

    def listening(lm, prompts, new_tokens):
        if tuple(prompts[0]) in starts:
            seen.append(prompts)
        return continue_ids(lm, prompts, new_tokens)

    monkeypatch.setattr(steering, "continue_ids", listening)
    return steering.run(case, SETTINGS), seen


def test_strength_zero_is_unsteered_generation(case, monkeypatch):
    """At strength 0 the cross-entropy is that of the model's own greedy continuations of the same prompts."""
    rows, seen = asked(case, monkeypatch)
    prompts = [p for call in seen[:2] for p in call]  # German at strength 0, in batches of 4 and 1
    assert len(prompts) == 5
    (row,) = [r for r in rows if (r.metric, r.case) == ("ce", "de/0")]
    continuations, nats = by_hand(case, prompts)
    assert row.value == pytest.approx(nats, rel=1e-4)
    assert row.n == sum(map(len, continuations))
    (pushed,) = [r for r in rows if (r.metric, r.case) == ("ce", "de/1.5")]
    assert pushed.value != row.value


def test_an_adapted_subject_writes_with_its_adapter(case, monkeypatch):
    """The adapted model writes, and the original one judges how likely that is, so that all subjects have one judge."""
    plain, own = case, adapted(case)
    rows, seen = asked(own, monkeypatch)
    prompts = [p for call in seen[:2] for p in call]
    with own.subject.original():
        written_by_original = [continue_ids(own.subject.lm, [p], SETTINGS.new_tokens)[0] for p in prompts]
    written = [continue_ids(own.subject.lm, [p], SETTINGS.new_tokens)[0] for p in prompts]
    nats, tokens = surprise(plain, prompts, written)
    (row,) = [r for r in rows if (r.metric, r.case) == ("ce", "de/0")]

    assert written != written_by_original
    assert row.value == pytest.approx(float(nats.sum() / tokens.sum()), rel=1e-4)


def test_prompts_are_the_beginnings_of_the_other_languages(case, monkeypatch):
    """Nobody is asked to go on in the language that the prompt is in, and every other language is asked for."""
    _, seen = asked(case, monkeypatch)
    starts = {tuple(beginning(case, b.ids, 6, b.language)): b.language for b in case.pick("text", "test")}
    for target, calls in (("de", seen[:4]), ("en", seen[4:8]), ("es", seen[8:12])):
        languages = {starts[tuple(p)] for call in calls for p in call}
        assert languages == {"de", "en", "es", "ru"} - {target}


def test_rows_for_every_language_and_strength(case):
    """accuracy and ce per language and strength; without a direction, one note per strength instead."""
    rows = steering.run(case, SETTINGS)
    cases = {f"{name}/{strength}" for name in ("de", "en", "es") for strength in ("0", "1.5")}
    for metric in ("accuracy", "fluent", "ce"):
        assert {r.case for r in rows if r.metric == metric and r.value is not None} == cases
    missing = [r for r in rows if r.value is None and r.metric == "accuracy"]
    assert [r.case for r in missing] == ["ru/0", "ru/1.5"]
    assert all("no latent was kept for ru" in r.note for r in missing)
    assert {r.n for r in rows if r.metric == "accuracy" and r.value is not None} == {5}


def test_what_is_in_no_language_is_counted_and_loops_beside(case):
    """Of four continuations one is Spanish, one German, one a loop and one a scrap: two are in no language."""
    said = iter(["es", "de", None, None])
    judge = Judge(lambda _: next(said), {"es": 1e9})
    texts = ["una frase", "ein Satz", "und so weiter und so weiter und so weiter", "!"]
    encoded = case.subject.lm.encode(texts)
    found = verdict(case, judge, "es", [[1, 2]] * 4, encoded)
    assert (found.hits, found.none) == ([True, False, False, False], [False, False, True, True])
    assert found.loops == [False, False, True, False]
    rows = {r.metric: r for r in steering.overall("langfir", [("es", found)])}
    assert (rows["method_none"].value, rows["method_loops"].value, rows["method_accuracy"].value) == (0.5, 0.25, 0.25)


def test_a_language_that_the_judge_was_not_taught_is_refused(case):
    """It could never be found, so its share would be 0 whatever is said."""
    with pytest.raises(ValueError, match=r"the judge knows de, es, not 'en'; teach it"):
        verdict(case, Judge(lambda _: "es", {"es": 1e9, "de": 1e9}), "en", [[1, 2]], [[3]])


def test_one_strength_is_no_choice(case, monkeypatch):
    """What does not push has one strength: it is taken, and nothing is written to choose it."""
    monkeypatch.setattr(steering, "write", None)
    assert steering.tune(case, SETTINGS, None, {"de": [None]}, [0.0]) == 0.0


def test_accuracy_is_the_judges_share(case, monkeypatch):
    """A judge that recognises the target in everything gives 1, one that never does 0."""
    monkeypatch.setattr(judging, "Identifier", lambda samples: lambda text: "es")
    found = {r.case: r.value for r in steering.run(case, SETTINGS) if r.metric == "accuracy"}
    assert (found["es/0"], found["es/1.5"], found["de/0"], found["en/1.5"]) == (1, 1, 0, 0)


def test_the_judge_learns_from_training_text_only(case, monkeypatch):
    """What is judged was never shown to the judge, nor what directions were found in: it sees later training text."""
    shown = {}
    monkeypatch.setattr(judging, "Identifier", lambda samples: shown.update(samples) or (lambda text: None))
    taught(case, **TAUGHT)
    decode = case.subject.lm.tokenizer.decode
    assert set(shown) == {"de", "en", "es", "ru"}
    for language, texts in shown.items():
        train = case.pick("text", "train", None, language)[2:5]
        assert len(train) == 3
        assert texts == [decode(list(b.ids), skip_special_tokens=True) for b in train]


def test_fluent_is_no_more_surprising_than_nearly_all_real_text(case):
    """The limit is a value of validation text's own nats per token, with at most a twentieth of it above."""
    limits = taught(case, **TAUGHT).limits
    for language, limit in limits.items():
        real = [list(b.ids[:14]) for b in case.pick("text", "valid", None, language)]
        nats, tokens = surprise(case, [ids[:6] for ids in real], [ids[6:] for ids in real])
        each = (nats / tokens).tolist()
        assert limit in each and sum(x > limit for x in each) <= 0.05 * len(each)


def test_all_but_a_twentieth_of_real_text_is_fluent(case, monkeypatch):
    """Of a hundred pieces of text with 0, 1, …, 99 nats a token, those up to 95 are."""
    nats = torch.arange(100.0, dtype=torch.float64)[torch.randperm(100, generator=generator(0, "pieces"))]
    monkeypatch.setattr(judging, "surprise", lambda *_: (nats, torch.ones(100, dtype=torch.float64)))
    assert set(taught(case, **TAUGHT).limits.values()) == {95.0}


@pytest.mark.parametrize(("limit", "fluent"), [(0.0, False), (float("inf"), True)])
def test_a_continuation_is_fluent_if_it_is_in_the_language_and_not_too_surprising(case, limit, fluent):
    """Below every limit nothing is fluent, without one everything that is in the language."""
    judge = Judge(lambda text: "de", {"de": limit})
    prompts = steering.other_prompts(case, SETTINGS, "test", "de")
    found = steering.write(case, SETTINGS, judge, "de", None, 0.0, prompts)
    assert found.hits == [True] * 5 and found.fluent == [fluent] * 5
    other = steering.write(case, SETTINGS, judge._replace(language=lambda text: "es"), "de", None, 0.0, prompts)
    assert not any(other.hits + other.fluent)


def test_surprise_of_an_empty_continuation_counts_nothing(case, blocks):
    """Prompts are never judged: without continuation there are no tokens and no nats."""
    prompt = list(blocks[0].ids[:6])
    nats, tokens = surprise(case, [prompt, prompt], [[], []])
    assert (nats.tolist(), tokens.tolist()) == ([0, 0], [0, 0])
    alone, _ = surprise(case, [prompt], [[5, 6]])
    together, tokens = surprise(case, [prompt, prompt[:3]], [[5, 6], []])
    assert together.tolist() == pytest.approx([float(alone), 0.0], rel=1e-5) and tokens.tolist() == [2, 0]


def test_one_language_is_one_line(case, blocks):
    """Text in one language leaves nothing to steer between."""
    (row,) = steering.run(replace(case, blocks=[b for b in blocks if b.language == "en"]), SETTINGS)
    assert row.value is None and "one language" in row.note


def test_without_validation_text_nothing_can_be_chosen(case):
    """One line says so, instead of the weakest strength and a limit that everything is below."""
    blocks = [b for b in case.blocks if (b.language, b.split) != ("es", "valid")]
    (row,) = steering.run(replace(case, blocks=blocks), SETTINGS)
    assert row.value is None and "no validation text in es" in row.note


def fake(case, monkeypatch, best, fluent=True):
    """Every method writes the target if its strength is the best one of the prompts' split, and nothing else."""
    starts = {
        tuple(beginning(case, b.ids, 30, b.language)): b.split
        for b in case.pick("text", "test") + case.pick("text", "valid")
    }

    def write(case, settings, judge, target, push, strength, prompts):
        hits = [strength == best[starts[tuple(p)]] for p in prompts]
        return Written(hits, [], [hit and fluent for hit in hits], [], [], [1.0] * len(hits), [1] * len(hits))

    monkeypatch.setattr(steering, "write", write)


def figures(case, **changes):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in steering.run(case, replace(SETTINGS, prompt_tokens=30, **changes))}


def test_the_strength_is_chosen_on_validation_prompts(case, monkeypatch):
    """The strength with the most fluent validation continuations is tested, the weaker of equals; test has no say."""
    best = {"test": 0.5, "valid": 2.0}
    fake(case, monkeypatch, best)
    found = figures(case, strengths=[0.0, 2.0, 0.5], methods=["residual"])
    for name in ("langfir", "residual"):
        assert (found["method_strength", name], found["method_accuracy", name]) == (2.0, 0)
    assert (found["accuracy", "es/0.5"], found["accuracy", "es/2"]) == (1, 0)
    best["valid"] = 99.0
    found = figures(case, strengths=[0.0, 2.0, 0.5])
    assert (found["method_strength", "langfir"], found["method_accuracy", "langfir/es"]) == (0.5, 1)


def test_a_language_without_a_direction_counts_as_missed(case, monkeypatch):
    """LangFIR finds nothing for Russian: three of four languages are reached, and accuracy is over all four."""
    fake(case, monkeypatch, {"test": 1.5, "valid": 1.5})
    found = figures(case, methods=["residual"])
    assert (found["reached", "langfir"], found["method_accuracy", "langfir"]) == (3, 0.75)
    assert (found["reached", "residual"], found["method_accuracy", "residual"]) == (4, 1)
    assert found["method_accuracy", "langfir/ru"] == 0


def test_a_method_that_finds_nothing_says_so(case):
    """No language has filtered latents here, so there is one note and no figure."""
    rows = [r for r in steering.run(case, replace(SETTINGS, methods=["filtered"])) if "filtered" in r.case]
    assert [(r.value, r.note) for r in rows] == [(None, "not applicable: filtered finds nothing here")]


def test_an_unknown_method_lists_those_that_exist():
    """The message names the files of the methods."""
    with pytest.raises(ValueError, match=r"no method 'magic'; there are: consistent, diffmean, .*residual"):
        replace(SETTINGS, methods=["magic"])


def test_a_best_strength_at_an_end_of_what_was_tried_is_noted(case, monkeypatch):
    """The best may lie beyond it; in the middle there is no note, and a method's unit scales what is tried."""
    fake(case, monkeypatch, {"test": 2.0, "valid": 2.0})
    for strengths, note in (([0.5, 2.0], "strongest"), ([2.0, 4.0], "weakest"), ([0.5, 2.0, 4.0], "")):
        rows = steering.run(case, replace(SETTINGS, prompt_tokens=30, strengths=strengths))
        (row,) = [r for r in rows if (r.metric, r.case) == ("method_strength", "langfir")]
        assert (row.value, row.note) == (2.0, f"the {note} that was tried" if note else "")
    found = figures(case, strengths=[0.25, 0.5, 1.0], methods=["dimensions_mono"])
    assert (found["method_strength", "dimensions_mono"], found["method_accuracy", "dimensions_mono"]) == (2.0, 1)


def test_judges_are_judged_on_text_that_they_did_not_learn_from(case, monkeypatch):
    """A judge that knows pieces of held-out text only calls all of these their language."""
    decode = case.subject.lm.tokenizer.batch_decode
    pieces = {n: decode([list(b.ids[6:14]) for b in case.pick("text", "test", None, n)]) for n in case.told}
    knows = {text: name for name, texts in pieces.items() for text in texts}
    found = judging.judged(case, Judge(knows.get, {}), 6, 8)
    assert [(r.case, r.value, r.n) for r in found] == [
        (f"ngrams/{n}", 1, sum(len(b.ids) >= 14 for b in case.pick("text", "test", None, n))) for n in case.told
    ]
    train = dict.fromkeys(knows)
    assert all(r.value == 0 for r in judging.judged(case, Judge(train.get, {}), 6, 8))


def test_a_judge_with_little_to_learn_from_says_so(case):
    """Where a language has fewer documents than were asked for, or none that directions were not found in, it says so.

    It is the n-gram judge's affair: the second opinion learned elsewhere.
    """
    there = {name: len(case.pick("text", "train", None, name)) for name in case.told}
    least, most = min(there.values()), max(there.values())
    for documents, seen, told in (
        (least - 1, 0, lambda n: ""),
        (most + 1, 0, lambda n: f"taught by {there[n]} documents, there are no others beside those of directions"),
        (1, most, lambda n: "taught by the 1 documents in which directions were found, there are no others"),
    ):
        judge = judging.taught(case, documents, False, 6, 8, seen)._replace(second=lambda text: None)
        notes = {r.case: r.note for r in judging.judged(case, judge, 6, 8)}
        assert notes == {f"ngrams/{n}": told(n) for n in case.told} | {f"py3langid/{n}": "" for n in case.told}
