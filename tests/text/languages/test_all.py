"""What holds for every language of the world."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import LANGUAGES, sentence
from sieve.text.meaning import Clause
from sieve.text.templates import VALUES

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
QUALITIES = {quality for qualities in meaning.QUALITIES.values() for quality in qualities}


def variants():
    """Every verb in every mood and manner, every being, thing, place, time, quality and number, one at a time."""
    clause = Clause("act", ("aunt",), "see", patient="bear", place="forest")
    bare = {"subjects": (), "patient": "", "verb": "", "place": ""}
    for changes in (
        *({"subjects": (being,), "patient": being} for being in BEINGS),
        *({"verb": v, "thing": "key", "patient": "", "mood": m} for v in meaning.VERBS for m in meaning.MOODS
          if v != "have" or m == "tell"),
        *({"verb": verb, "manner": manner} for manner, verbs in meaning.MANNERS.items() for verb in verbs),
        *({"thing": thing, "number": number} for thing in meaning.OBJECTS for number in meaning.NUMBERS),
        *({"thing": t, "quality": q, "patient": ""} for t in meaning.OBJECTS for q in meaning.QUALITIES[t]),
        *({**bare, "kind": "quality", "thing": t, "quality": q}
          for t in meaning.OBJECTS for q in meaning.QUALITIES[t]),
        *({**bare, "kind": "state", "subjects": ("aunt",), "quality": s, "mood": m}
          for s in meaning.STATES for m in ("tell", "deny")),
        *({**bare, "kind": "weather", "verb": sort, "time": time}
          for sort in meaning.WEATHER for time in meaning.TIMES),
        *({"place": place, "verb": verb} for place in meaning.PLACES for verb in ("rest", "go")),
        *({"answer": answer, "pronoun": True} for answer in ("yes", "no")),
    ):  # fmt: skip
        yield replace(clause, **changes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_can_be_said(language):
    """Every sentence is words with single spaces between them, from a capital to its full stop or question mark."""
    for clause in variants():
        text, _ = compose([sentence(language, clause)])
        assert re.fullmatch(r"¿?[^\W\d_][\w'-]*,?( [\w'-]+)*( \?|[.?;])", text), text
        assert (text.lstrip("¿")[0]).isupper(), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_is_marked_as_in_english(language):
    """What a clause means is marked in every language alike."""
    for clause in variants():
        found, wanted = (
            Counter((p.concept, p.value) for p in sentence(name, clause).pieces if isinstance(p, Mark))
            for name in (language, "en")
        )
        assert found == wanted, clause


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_the_lexicon_is_complete(language):
    """Every key of the world has an entry, and there is no entry too many."""
    module = LANGUAGES[language]
    for name, keys in {
        "BEINGS": BEINGS, "OBJECTS": meaning.OBJECTS, "PLACES": meaning.PLACES, "PAST": meaning.VERBS,
        "TIMES": meaning.TIMES, "NUMBERS": meaning.NUMBERS, "WEATHER": meaning.WEATHER, "MANNERS": meaning.MANNERS,
    }.items():  # fmt: skip
        assert set(getattr(module, name)) == set(keys), name
    assert set(module.ADJECTIVES) | set(getattr(module, "STATES", {})) == QUALITIES | set(meaning.STATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_different_meanings_differ(language):
    """Two beings, things, places or verbs are never said with the same sentence."""
    for keys, changes in (
        (BEINGS, lambda key: {"subjects": (key,)}),
        (meaning.OBJECTS, lambda key: {"verb": "find", "thing": key}),
        (meaning.PLACES, lambda key: {"place": key}),
        (meaning.VERBS, lambda key: {"verb": key, "thing": "key"}),
        (sorted(QUALITIES), lambda key: {"verb": "find", "thing": "key", "quality": key}),
        (meaning.STATES, lambda key: {"kind": "state", "quality": key}),
        (meaning.WEATHER, lambda key: {"kind": "weather", "verb": key}),
        (meaning.TIMES, lambda key: {"time": key}),
    ):
        texts = {}
        for key in keys:
            roles = {"kind": "act", "subjects": ("king",), "verb": "wait"} | changes(key)
            texts[key] = compose([sentence(language, Clause(**roles))])[0]
        assert len(set(texts.values())) == len(texts), Counter(texts.values()).most_common(2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_of_a_problem_is_in_a_lexicon(language):
    """No lexicon holds a name of the word problems."""
    names = {name.lower() for name in VALUES["name"]}
    tables = [t for t in vars(LANGUAGES[language]).values() if isinstance(t, dict) and "__name__" not in t]
    said = {word.lower() for table in tables for value in table.values() for word in re.findall(r"\w+", str(value))}
    assert names.isdisjoint(said)
