"""Which language is a text in?"""

import sys

import pytest

from sieve.text.identify import Identifier, repeats, said_again, second_opinion
from sieve.text.world import generate_documents


@pytest.fixture(scope="module")
def samples():
    """{language: texts} of 30 meanings."""
    found: dict[str, list[str]] = {}
    for document in generate_documents(30, (3, 4), 1):
        found.setdefault(document.language, []).append(document.text)
    return found


@pytest.fixture(scope="module")
def identify(samples):
    """Trained on the first 20 texts of each language."""
    return Identifier({language: texts[:20] for language, texts in samples.items()})


def test_unseen_documents_are_told_apart(identify, samples):
    """Documents that were not trained on are all assigned to their own language."""
    for language, texts in samples.items():
        assert [identify(text) for text in texts[20:]] == [language] * 10


def test_a_sentence_is_enough(identify):
    """A sentence of ordinary words, longer than ten letters, is recognised."""
    assert identify("The children were happy and went home with the others.") == "en"
    assert identify("Die Kinder waren froh und gingen mit den anderen nach Hause.") == "de"


def test_case_and_spaces_do_not_count(identify, samples):
    """Letter case and the kind of space do not matter."""
    for texts in samples.values():
        text = texts[25]
        assert identify(text.upper().replace(" ", "\n  ")) == identify(text)


def test_short_texts_are_in_no_language(identify):
    """A text with fewer than ten letters is in no language, however many other signs it has."""
    assert identify("") is None
    assert identify("Hola, 1234567890 !!!") is None


def test_loops_are_in_no_language(identify):
    """A text that says the same few words over and over is in no language."""
    assert identify("the dog " * 10) is None
    assert identify("the " * 20) is None
    assert identify("The dog saw the cat and the cat saw the dog in the garden.") == "en"


def test_order_of_samples_does_not_count(identify, samples):
    """The order in which languages are given changes no answer."""
    other = Identifier({language: texts[:20] for language, texts in reversed(samples.items())})
    texts = [text for texts in samples.values() for text in texts[20:]] + ["ab cd ef gh ij kl"]

    assert [other(text) for text in texts] == [identify(text) for text in texts]


def test_one_language_is_no_question():
    """With fewer than two languages there is nothing to tell apart."""
    with pytest.raises(ValueError, match="at least two"):
        Identifier({"en": ["hello"]})


@pytest.fixture(scope="module")
def strict():
    """Trained on enough text to know how likely real text is."""
    found: dict[str, list[str]] = {}
    for document in generate_documents(200, (3, 4), 1):
        found.setdefault(document.language, []).append(document.text)
    return Identifier(found)


def test_gibberish_is_in_no_language(strict, samples):
    """Letters in an order that no language has are in none, though one of the languages is the likeliest."""
    assert strict("xqzt wvkpj rrtlm zzkqx bvcnm qwrtp lkjhg xcvbn mnbvc") is None
    assert strict("etaoin shrdlu cmfwyp vbgkqj xzetao inshrd lucmfw ypvbgk") is None


def test_real_text_is_nearly_always_in_its_language(strict):
    """Of unseen text hardly any is called gibberish."""
    held_out = generate_documents(40, (3, 4), 2)
    answers = [strict(d.text) == d.language for d in held_out]
    assert sum(answers) >= 0.98 * len(answers)


def test_gibberish_is_not_the_language_with_the_least_text():
    """A language of which there is hardly any text gets no more of what nobody has seen than the others."""
    found: dict[str, list[str]] = {}
    for document in generate_documents(200, (3, 4), 1):
        found.setdefault(document.language, []).append(document.text)
    found["tr"] = found["tr"][:8]
    uneven = Identifier(found)
    assert uneven("xqzt wvkpj rrtlm zzkqx bvcnm qwrtp lkjhg xcvbn mnbvc") is None


@pytest.mark.parametrize(
    "text",
    [
        "Der Hund sieht die Katze im Garten " + "und " * 8,
        "Der Hund sieht die Katze im Garten. Der Hund sieht die Katze im Garten.",
        "Am Abend sieht der Hund die Katze, und die Katze sieht den Hu den Hu den Hu den Hu den",
    ],
)
def test_what_ends_in_a_loop_is_in_no_language(strict, text):
    """However good its beginning is; the beginning alone is German."""
    assert strict(text[:34]) == "de" and strict(text) is None


def test_hardly_any_real_text_is_a_loop():
    """Of pieces of whole documents, as long as continuations, not one in a hundred ends in one."""
    texts = [document.text for document in generate_documents(100, (3, 4), 3)]
    pieces = [text[i : i + 60] for text in texts for i in range(0, len(text) - 60, 60)]
    assert len(pieces) > 1000 and sum(map(repeats, pieces)) < 0.01 * len(pieces)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("ab cd cd cd", 6),
        ("abc", 0),
        ("", 0),
        ("aaaa", 3),
        ("abcabca", 4),
        ("ab ab x", 0),
        ("abca", 1),
        ("one. one.", 4),
    ],
)
def test_what_is_said_again(text, again):
    """Characters at the end that repeat what stands right before, at least one whole round of them."""
    assert said_again(text) == again


@pytest.mark.parametrize("text", ["schön " * 7, "der Hund bellt " * 3, "das ist so ein " * 3, "语言模型" * 10])
def test_short_loops_are_in_no_language(strict, text):
    """Three rounds of a few words are a loop, with spaces or without."""
    assert strict(text) is None


def test_the_second_opinion_agrees_on_whole_documents(samples):
    """py3langid, which never saw the generated world, names the language of nearly all its documents."""
    ask = second_opinion(list(samples))
    hits = [ask(text) == language for language, texts in samples.items() for text in texts]
    assert sum(hits) >= 0.95 * len(hits)


def test_the_second_opinion_is_restricted_and_has_the_same_gates(samples):
    """It answers with a candidate or not at all: scraps and loops are no language to it either."""
    ask = second_opinion(["de", "es"])
    assert {ask(text) for text in samples["pt"]} <= {"de", "es"}
    assert ask("Hola, 1234567890 !!!") is None and ask("der Hund " * 10) is None


def test_a_second_opinion_needs_candidates_that_it_knows():
    """One language leaves nothing to tell apart; an invented one is named."""
    with pytest.raises(ValueError, match=r"at least two languages, got \['de'\]"):
        second_opinion(["de"])
    with pytest.raises(ValueError, match="zz"):
        second_opinion(["de", "zz"])


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    """No silent fallback to another judge."""
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[languages\]'"):
        second_opinion(["de", "es"])
