"""The generated world: exact spans, parallel meanings, keyed randomness."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from sieve.text import meaning
from sieve.text.languages import LANGUAGES, en
from sieve.text.templates import VALUES
from sieve.text.world import generate_documents, held_out, keyed_random

DOCUMENTS = generate_documents(400, (3, 8), seed=7)


def surfaces(document):
    """The marked words of a document, in order."""
    return [document.text[span.start : span.end] for span in document.concepts]


def test_spans_are_whole_words():
    """Every span lies in the text, in order, without overlap, and begins and ends at a word boundary."""
    for document in DOCUMENTS:
        position = 0
        for span, surface in zip(document.concepts, surfaces(document)):
            assert position <= span.start < span.end <= len(document.text)
            assert re.fullmatch(r"\w+([ '-]\w+)*", surface)
            assert not document.text[span.end].isalpha()
            assert span.start == 0 or document.text[span.start - 1] in " '¿"
            position = span.end


def test_spans_point_to_their_value():
    """In English the surface of a noun without an article is its key or the key's plural."""
    for document in DOCUMENTS:
        if document.language == "en":
            for span, surface in zip(document.concepts, surfaces(document)):
                if span.concept in ("person", "animal", "object", "place"):
                    assert surface in (span.value, en.PLURALS.get(span.value, span.value + "s"))


def test_parallel_documents_mean_the_same():
    """The documents of a group carry the same concepts, up to word order and to pronouns that a language leaves out."""
    for group in range(400):
        documents = DOCUMENTS[8 * group : 8 * group + 8]
        assert [document.language for document in documents] == list(LANGUAGES)
        assert [document.doc for document in documents] == [f"{language}/{group:06d}" for language in LANGUAGES]
        assert {document.parallel for document in documents} == {group}
        counts = [Counter((span.concept, span.value) for span in document.concepts) for document in documents]
        assert all(count == counts[0] for count in counts)


def test_sentences_are_within_the_range():
    """A document has between the fewest and the most sentences, and both occur."""
    assert {len(re.findall(r"[.?;]", document.text)) for document in DOCUMENTS} == {3, 4, 5, 6, 7, 8}


def test_sentences_are_well_formed():
    """Every sentence opens with a capital, single spaces separate words, and its mark ends it."""
    for document in DOCUMENTS:
        for sentence in re.findall(r"[^.?;]+[.?;]", document.text):
            assert re.fullmatch(r" ?¿?[^\W\d_][\w'-]*,?( [\w'-]+)*( \?|[.?;])", sentence), document.text
            assert sentence.strip(" ¿")[0].isupper()


def test_a_question_is_answered():
    """After a question comes a sentence that says yes or no, and only there."""
    sentences = [re.findall(r"[^.?]+[.?]", d.text) for d in DOCUMENTS if d.language == "en"]
    asked = [(one, two) for said in sentences for one, two in pairwise(said) if one.endswith("?")]
    assert len(asked) > 50
    assert all(re.match(r" (Yes|No), (he|she|it) ", answer) for _, answer in asked)
    answers = sum(len(re.findall(r"\b(Yes|No), ", d.text)) for d in DOCUMENTS if d.language == "en")
    assert answers == len(asked)


def test_training_never_shows_what_is_held_out():
    """A training story has none of the held-out words; other stories have them, and training has all the rest."""
    shown = {True: Counter(), False: Counter()}
    for training in (True, False):
        for document in generate_documents(1500, (3, 8), 7, {"en": 1.0}, lambda group, now=training: now):
            shown[training].update(span.value for span in document.concepts)
    assert not set(meaning.HELD_OUT) & shown[True].keys()
    assert set(meaning.HELD_OUT) <= shown[False].keys()
    assert shown[False].keys() - shown[True].keys() == set(meaning.HELD_OUT)
    pairs = [(verb, thing) for verb, (things, _) in meaning.ACTS.items() for thing in things]
    assert 0.05 < sum(held_out(7, *pair) for pair in pairs) / len(pairs) < 0.15


def test_training_never_shows_a_held_out_pair():
    """Verb and thing of one English sentence in the training text are no held-out pair."""
    for document in generate_documents(300, (3, 8), 7, {"en": 1.0}, lambda group: True):
        start = 0
        for end in [m.end() for m in re.finditer(r"[.?]", document.text)]:
            inside = [s for s in document.concepts if start <= s.start < end]
            verbs = [s.value for s in inside if s.concept == "action"]
            others = [s.value for s in inside if s.concept == "object"]
            assert not any(held_out(7, verb, other) for verb in verbs for other in others)
            start = end


def test_languages_have_their_share():
    """A language with a share of 0.25 tells a quarter of the stories, the same ones whatever else is told."""
    few = generate_documents(400, (3, 8), 7, {"tr": 0.25})
    assert 70 < len(few) < 130
    assert [d for d in generate_documents(400, (3, 8), 7, {"en": 1.0, "tr": 0.25}) if d.language == "tr"] == few


def test_one_or_two_persons():
    """A document is about one or two persons."""
    assert {len({span.value for span in document.concepts if span.concept == "person"}) for document in DOCUMENTS} == {
        1,
        2,
    }


def test_same_seed_same_documents():
    """A group depends on the seed and its number, never on how many groups there are; another seed gives others."""
    assert generate_documents(20, (3, 8), 7) == DOCUMENTS[:160]
    assert generate_documents(20, (3, 8), 8) != DOCUMENTS[:160]


def test_languages_are_a_choice_of_the_same_documents():
    """Asking for some languages gives the documents that all languages would contain."""
    chosen = generate_documents(400, (3, 8), 7, {"ru": 1.0, "de": 1.0})
    order = list(LANGUAGES)
    wanted = [8 * group + order.index(language) for group in range(400) for language in ("ru", "de")]
    assert chosen == [DOCUMENTS[i] for i in wanted]


def test_randomness_is_keyed():
    """A keyed generator depends on seed and every part of its purpose, and never on the global one."""
    random.seed(0)
    first = keyed_random(1, "world", 2).random()
    random.seed(1)
    assert keyed_random(1, "world", 2).random() == first
    others = [keyed_random(2, "world", 2), keyed_random(1, "world", 3), keyed_random(1, "problem", 2)]
    assert first not in [other.random() for other in others]


def test_no_name_of_a_problem_occurs():
    """Documents hold no name of the word problems, as a word of whatever case."""
    names = {name.lower() for name in VALUES["name"]}
    for document in DOCUMENTS:
        assert names.isdisjoint(re.findall(r"\w+", document.text.lower()))


def test_every_language_has_many_words():
    """Each language has at least 400 word types, held-out words left out."""
    documents = generate_documents(2500, (3, 8), 0, training=lambda group: True)
    for language in LANGUAGES:
        texts = " ".join(document.text.lower() for document in documents if document.language == language)
        assert len(set(re.findall(r"\w+", texts))) >= 400, language


@pytest.mark.parametrize(
    "arguments",
    [(-1, (3, 6)), (1, (0, 6)), (1, (6, 3)), (1, (3, 6), 0, {"en": 1.0, "xx": 1.0}), (1, (3, 6), 0, {"en": 2.0})],
)
def test_bad_arguments_are_refused(arguments):
    """A negative count, an impossible range and an unknown language are a ValueError."""
    with pytest.raises(ValueError, match=r"give|choose"):
        generate_documents(*(arguments if len(arguments) > 2 else (*arguments, 0)))


def test_a_story_names_its_place():
    """More than 95 % of the documents say where they happen."""
    placed = [any(span.concept == "place" for span in document.concepts) for document in DOCUMENTS]
    assert sum(placed) / len(placed) > 0.95
