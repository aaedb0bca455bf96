"""English: articles, plurals, places, verb forms and moods, as tables over the whole lexicon."""

import re

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import en, sentence
from sieve.text.meaning import Clause

IRREGULAR = {  # pasts that no rule gives
    "break": "broke", "bring": "brought", "buy": "bought", "come": "came", "draw": "drew", "eat": "ate", "feed": "fed",
    "find": "found", "forget": "forgot", "give": "gave", "go": "went", "have": "had", "hide": "hid", "lose": "lost",
    "read": "read", "run": "ran", "see": "saw", "sell": "sold", "sing": "sang", "sleep": "slept", "steal": "stole",
    "swim": "swam", "throw": "threw", "write": "wrote",
}  # fmt: skip


def say(**roles):
    """The text of one act, or of another kind of clause."""
    return compose([sentence("en", Clause(roles.pop("kind", "act"), **roles))])[0]


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_the_article_fits_the_sound(thing):
    """'an' stands before a vowel letter and nowhere else; no word here begins with a silent h or a spoken y."""
    for quality in ("", *meaning.QUALITIES[thing]):
        article, following, *_ = words(en.thing(Clause("act", thing=thing, quality=quality))).split()
        assert article == ("an" if following[0] in "aeiou" else "a")


@pytest.mark.parametrize("thing", meaning.OBJECTS)
@pytest.mark.parametrize("number", meaning.NUMBERS)
def test_plurals(thing, number):
    """-es after a hiss and in tomatoes and potatoes, -ies for a consonant with y, -ves for f, otherwise -s."""
    if re.search("(ch|sh|s|x|ato)$", thing):
        plural = thing + "es"
    elif re.search("[^aeiou]y$", thing):
        plural = thing[:-1] + "ies"
    else:
        plural = re.sub("fe?$", "ve", thing) + "s"
    assert words(en.thing(Clause("act", thing=thing, number=number))) == f"{en.NUMBERS[number]} {plural}"


def past(verb):
    """The past by rule: -ied, a doubled consonant, -d or -ed."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + ("ged" if verb == "hug" else "d" if verb.endswith("e") else "ed")


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verbs(verb):
    """Told in the past; in denials, wishes and questions the base form stands."""
    base = "look for" if verb == "seek" else verb
    told = "looked for" if verb == "seek" else past(verb)
    roles = {"subjects": ("king",), "verb": verb, "thing": "key"}
    assert say(**roles) == f"The king {told} a key."
    assert say(**roles, mood="deny") == f"The king did not {base} a key."
    assert say(**roles, mood="wish") == f"The king wanted to {base} a key."
    assert say(**roles, mood="ask") == f"Did the king {base} a key?"


@pytest.mark.parametrize("place", meaning.PLACES)
def test_places(place):
    """Each place has its preposition at rest, and one goes to it; one swims in water, not by it."""
    table = {
        "on": "beach bridge island mountain", "at": "bakery harbour market museum school station theatre",
        "by": "lake river",
    }  # fmt: skip
    rest = next((preposition for preposition, places in table.items() if place in places.split()), "in")
    assert say(subjects=("aunt",), verb="wait", place=place) == f"The aunt waited {rest} the {place}."
    assert say(subjects=("aunt",), verb="go", place=place) == f"The aunt went to the {place}."
    assert say(subjects=("aunt",), verb="swim", place=place) == f"The aunt swam in the {place}."


@pytest.mark.parametrize(
    ("subject", "pronoun"), [("queen", "she"), ("king", "he"), ("witch", "she"), ("cow", "it"), ("dog", "it")]
)
def test_answers(subject, pronoun):
    """An answer opens with yes or no and says he, she or it."""
    roles = {"subjects": (subject,), "verb": "wait", "pronoun": True}
    assert say(**roles, answer="yes") == f"Yes, {pronoun} waited."
    assert say(**roles, answer="no", mood="deny") == f"No, {pronoun} did not wait."


def test_whole_sentences():
    """One sentence of each sort."""
    both = ("king", "queen")
    assert say(kind="state", subjects=both, quality="sad") == "The king and the queen were sad."
    assert say(kind="state", subjects=both, quality="sad", mood="deny") == "The king and the queen were not sad."
    assert say(kind="quality", thing="hat", quality="red") == "The hat was red."
    assert say(kind="weather", verb="storm", time="night") == "At night there was a storm."
    text = say(subjects=("aunt",), verb="open", thing="box", quality="old", place="house", time="noon", manner="slowly")
    assert text == "At noon the aunt slowly opened an old box in the house."
    text = say(subjects=("boy",), verb="show", patient="girl", thing="coin", number=3)
    assert text == "The boy showed the girl three coins."
    assert say(subjects=("boy",), verb="rest", place="field", place_first=True) == "In the field the boy rested."
