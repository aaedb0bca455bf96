"""BLEU and chrF of steered continuations, between a native continuation and another text."""

import sys
from dataclasses import replace

import pytest

from sieve.evals import steering
from sieve.evals.case import Case, Language
from sieve.evals.judge import Written
from sieve.evals.overlap import marks, overlap, scores, sentence_ends, translations
from sieve.text.world import generate_documents
from tests.evals.test_steering import SETTINGS
from tests.planted import no_concepts

TEXTS = ["The dog saw the old tree by the river.", "Ben walks home with a heavy bag today."]


@pytest.fixture
def case(subject, blocks):
    """The tiny model, text in four languages."""
    held_out = [replace(b, split="valid") if b.parallel in (1, 2) else b for b in blocks]
    languages = {name: Language((), None) for name in ("de", "en", "es", "ru")}
    return Case(subject, held_out, languages, no_concepts(subject), 0, 4)


def test_a_copy_scores_100_and_strangers_next_to_nothing():
    """Both scores have their known ends, and their signatures say with which settings they were made."""
    for name, score in scores(TEXTS, TEXTS, 0).items():
        assert score.interval == pytest.approx((100, 100, 100)) and "version:" in score.signature, name
    for score in scores(TEXTS, ["xxxx yyyy zzzz", "qqqq jjjj"], 0).values():
        assert score.interval[0] < 5


def test_scores_are_the_same_again():
    """The bootstrap has a fixed seed."""
    assert scores(TEXTS, TEXTS[::-1], 0) == scores(TEXTS, TEXTS[::-1], 0)


@pytest.mark.parametrize(("texts", "references"), [([], []), (TEXTS, TEXTS[:1])])
def test_every_text_needs_a_reference(texts, references):
    """The message has both lengths."""
    with pytest.raises(ValueError, match=f"{len(texts)} texts and {len(references)} references"):
        scores(texts, references, 0)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    """BLEU is never replaced by something else."""
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[languages\]'"):
        scores(TEXTS, TEXTS, 0)


def test_a_reference_follows_as_many_sentences_as_the_prompt_has(case):
    """Prompt and native prompt are whole sentences, equally many, of two tellings of one document."""
    lm = case.subject.lm
    found = translations(case, "es", 20, 30, 8)
    own = {b.parallel: b for b in case.pick("text", "test", None, "es")}
    tellings = {b.ids: b for b in case.pick("text", "test")}
    assert found
    for told in found:
        (source,) = [
            b for ids, b in tellings.items() if list(ids[: len(told.prompt)]) == told.prompt and b.language != "es"
        ]
        spanish = list(own[source.parallel].ids)
        assert spanish[: len(told.native) + len(told.reference)] == told.native + told.reference
        assert len(told.reference) <= 8
        before, own_ends = sentence_ends(lm, source.ids, source.language), sentence_ends(lm, spanish, "es")
        assert before.index(len(told.prompt)) == own_ends.index(len(told.native))
        assert len(told.prompt) <= 30 or len(told.prompt) == before[0]


def test_documents_without_a_translation_are_no_use(case):
    """Text of which nothing is told twice has no references; the row says how many there are."""
    alone = replace(case, blocks=[replace(b, parallel=-1) for b in case.blocks])
    assert translations(alone, "es", 20, 30, 8) == []
    (row,) = marks(alone, "es", [], [])
    assert row.value is None and "0 held-out documents have a translation" in row.note


def test_where_native_is_not_above_another_text_a_note_says_so(case):
    """A perfect native continuation leaves the scores standing; one of scraps leaves them out."""
    told = translations(case, "es", 20, 30, 60)
    fine = marks(case, "es", told, [one.reference for one in told])
    assert {r.case: r.value for r in fine if r.metric == "chrf"}["native/es"] == pytest.approx(100)
    assert not [r for r in fine if r.metric.endswith("left_out")]
    poor = marks(case, "es", told, [[] for _ in told])
    assert {r.metric for r in poor if r.value is None} == {"bleu_left_out", "chrf_left_out"}


def test_steering_measures_every_method_between_the_same_marks(case):
    """With `translations`, steering has rows of both marks, and of each method for each language."""
    rows = steering.run(
        case,
        replace(SETTINGS, prompt_tokens=30, methods=["unsteered", "residual"], translations=3, second_opinion=True),
    )
    assert [(r.value, r.note) for r in rows if (r.metric, r.case) == ("method_strength", "unsteered")] == [(0.0, "")]
    found = {r.case for r in rows if r.metric == "chrf" and r.value is not None}
    assert {name.split("/")[0] for name in found} == {"native", "another text", "unsteered", "residual"}
    assert {r.case for r in rows if r.metric == "judged"} == {
        f"{judge}/{name}" for judge in ("ngrams", "py3langid") for name in ("de", "en", "es", "ru")
    }
    assert {r.case for r in rows if r.metric == "method_second"} == {"unsteered", "residual"}


def test_overlap_is_of_the_texts(case):
    """Token ids are compared as the text that they spell."""
    ids = list(case.pick("text", "test", 1)[0].ids)
    assert all(row.value == pytest.approx(100) for row in overlap(case, "x", [ids, ids], [ids, ids]))


def test_tellings_of_one_document_have_as_many_sentences(lm):
    """Every language's sentence ends are known, the Greek question mark among them, or prompts would be out of step."""
    counts: dict[int, dict[str, int]] = {}
    for document in generate_documents(60, (3, 6), 1):
        ids = lm.encode([document.text + " x"])[0]
        counts.setdefault(document.parallel, {})[document.language] = len(sentence_ends(lm, ids, document.language))
    assert all(len(set(own.values())) == 1 for own in counts.values()), counts
    assert any(";" in document.text for document in generate_documents(60, (3, 6), 1) if document.language == "el")


def test_a_methods_overlap_is_that_of_its_steered_continuations(case, monkeypatch):
    """What is compared was written under the method's push at its chosen strength, not by the model alone."""
    seen = []

    def listening(case, settings, prompts, push=None, strength=0.0):
        seen.append((push is not None, strength))
        return [[5, 6, 7] for _ in prompts]

    monkeypatch.setattr(steering, "go_on", listening)
    monkeypatch.setattr(steering, "write", lambda *a: Written([True], [], [True], [False], [False], [1.0], [1]))
    steering.run(case, replace(SETTINGS, prompt_tokens=30, methods=["residual"], translations=3))
    # per language: native first; then the push at the only strength above 0
    assert seen == [(False, 0.0)] * 4 + [(True, 1.5)] * 4
