"""The generated world: exact spans, parallel meanings, keyed randomness."""

import random
import re
from collections import Counter

import pytest

from sieve.text.languages import de, en, es, ru
from sieve.text.templates import VALUES
from sieve.text.world import LANGUAGES, generate_documents, keyed_random

DOCUMENTS = generate_documents(400, (3, 6), seed=7)
MODULES = (en, de, es, ru)


def surfaces(document):
    """The marked words of a document, in order."""
    return [document.text[span.start : span.end] for span in document.concepts]


def test_spans_are_whole_words():
    """Every span lies in the text, in order, without overlap, and begins and ends at a word boundary."""
    for document in DOCUMENTS:
        position = 0
        for span, surface in zip(document.concepts, surfaces(document)):
            assert position <= span.start < span.end <= len(document.text)
            assert re.fullmatch(r"\w+( \w+)*", surface)
            assert not document.text[span.end].isalpha()
            assert span.start == 0 or document.text[span.start - 1] == " "
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
        documents = DOCUMENTS[4 * group : 4 * group + 4]
        assert [document.language for document in documents] == list(LANGUAGES)
        assert [document.doc for document in documents] == [f"{language}/{group:06d}" for language in LANGUAGES]
        assert {document.parallel for document in documents} == {group}
        counts = [Counter((span.concept, span.value) for span in document.concepts) for document in documents]
        assert counts[0] == counts[1] == counts[2] == counts[3]


def test_sentences_are_within_the_range():
    """A document has between the fewest and the most sentences, and both occur."""
    assert {document.text.count(".") for document in DOCUMENTS} == {3, 4, 5, 6}


def test_sentences_are_well_formed():
    """Every sentence opens with a capital, single spaces separate words, and a full stop ends it."""
    for document in DOCUMENTS:
        assert re.fullmatch(r"([A-ZÄÖÜÁÉÍÓÚÑА-ЯЁ]\w*( \w+)*\. )*[A-ZÄÖÜÁÉÍÓÚÑА-ЯЁ]\w*( \w+)*\.", document.text)


def test_one_or_two_persons():
    """A document is about one or two persons."""
    assert {len({span.value for span in document.concepts if span.concept == "person"}) for document in DOCUMENTS} == {
        1,
        2,
    }


def test_same_seed_same_documents():
    """A group depends on the seed and its number, never on how many groups there are; another seed gives others."""
    assert generate_documents(20, (3, 6), 7) == DOCUMENTS[:80]
    assert generate_documents(20, (3, 6), 8) != DOCUMENTS[:80]


def test_languages_are_a_choice_of_the_same_documents():
    """Asking for some languages gives the documents that all languages would contain."""
    assert generate_documents(400, (3, 6), 7, ("ru", "de")) == [
        document for group in range(400) for document in (DOCUMENTS[4 * group + 3], DOCUMENTS[4 * group + 1])
    ]


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


def test_no_name_is_in_a_lexicon():
    """No lexicon holds a name of the word problems."""
    names = {name.lower() for name in VALUES["name"]}
    for module in MODULES:
        tables = [table for table in vars(module).values() if isinstance(table, dict) and "__name__" not in table]
        found = {
            word.lower() for table in tables for value in table.values() for word in re.findall(r"\w+", str(value))
        }
        assert names.isdisjoint(found)


def test_every_language_has_many_words():
    """Each language has at least 150 word types."""
    for language in LANGUAGES:
        texts = " ".join(document.text.lower() for document in DOCUMENTS if document.language == language)
        assert len(set(re.findall(r"\w+", texts))) >= 150


@pytest.mark.parametrize("arguments", [(-1, (3, 6)), (1, (0, 6)), (1, (6, 3)), (1, (3, 6), 0, ("en", "fr"))])
def test_bad_arguments_are_refused(arguments):
    """A negative count, an impossible range and an unknown language are a ValueError."""
    with pytest.raises(ValueError, match=r"give|choose"):
        generate_documents(*(arguments if len(arguments) > 2 else (*arguments, 0)))


def test_a_story_names_its_place():
    """More than 95 % of the documents say where they happen."""
    placed = [any(span.concept == "place" for span in document.concepts) for document in DOCUMENTS]
    assert sum(placed) / len(placed) > 0.95
