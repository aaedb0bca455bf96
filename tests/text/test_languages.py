"""The paradigms of the four languages, as tables over their whole lexica."""

import re
from dataclasses import replace

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import REALISERS, de, en, es, ru
from sieve.text.meaning import Clause

LANGUAGES = tuple(REALISERS)
BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
MODULES = {"en": en, "de": de, "es": es, "ru": ru}


def say(language, **roles):
    """The text of one act."""
    return compose([REALISERS[language](Clause(roles.pop("kind", "act"), **roles))])[0]


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


@pytest.mark.parametrize("language", ["de", "es", "ru"])
def test_lexica_cover_the_meanings(language):
    """Every key of the world has an entry in every lexicon, and no lexicon has an entry too many."""
    module = MODULES[language]
    assert set(module.BEINGS) == set(BEINGS)
    assert set(module.OBJECTS) == set(meaning.OBJECTS)
    assert set(module.PLACES) == set(meaning.PLACES)
    described = {quality for qualities in meaning.QUALITIES.values() for quality in qualities}
    states = getattr(module, "STATES", {})
    assert set(module.ADJECTIVES) | set(states) == described | set(meaning.STATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_verbs_times_numbers_and_weather_are_complete(language):
    """Every language has every verb, time, number and sort of weather, and nothing else."""
    module = MODULES[language]
    assert set(module.PAST) == set(meaning.VERBS)
    assert set(module.TIMES) == set(meaning.TIMES)
    assert set(module.NUMBERS) == set(meaning.NUMBERS)
    assert set(module.WEATHER) == set(meaning.WEATHER)


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_english_article_fits_the_sound(thing):
    """'an' stands before a vowel letter and nowhere else."""
    for quality in ("", *meaning.QUALITIES[thing]):
        article, following, *_ = words(en.thing(Clause("act", thing=thing, quality=quality))).split()
        assert article == ("an" if following[0] in "aeiou" else "a")


@pytest.mark.parametrize("being", BEINGS)
def test_german_article_agrees_with_gender_and_case(being):
    """der den dem, die die der, das das dem; weak masculines change, and nothing else does."""
    table = {"m": "der den dem", "f": "die die der", "n": "das das dem"}
    forms = [words(de.being(being, case)).split() for case in ("nominative", "accusative", "dative")]
    assert " ".join(article for article, _ in forms) == table[de.BEINGS[being][0]]
    nominative, accusative, dative = (noun for _, noun in forms)
    weak = {"boy": "Jungen", "farmer": "Bauern", "sailor": "Matrosen", "soldier": "Soldaten", "bear": "Bären"}
    assert accusative == dative == weak.get(being, nominative)


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_german_indefinite_object_agrees(thing):
    """einen roten Hut, eine rote Lampe, ein rotes Buch: article and adjective agree with the noun's gender."""
    gender = de.OBJECTS[thing][0]
    for quality in meaning.QUALITIES[thing]:
        article, adjective, noun = words(de.thing(Clause("act", thing=thing, quality=quality))).split()
        assert (article, noun) == ({"m": "einen", "f": "eine", "n": "ein"}[gender], de.OBJECTS[thing].split()[1])
        stem = de.ADJECTIVES[quality].replace("teuer", "teur")
        assert adjective == stem + {"m": "en", "f": "e", "n": "es"}[gender]


@pytest.mark.parametrize(
    ("place", "rest", "motion"),
    [
        ("beach", "am Strand", "zum Strand"),
        ("bridge", "auf der Brücke", "zur Brücke"),
        ("forest", "im Wald", "in den Wald"),
        ("garden", "im Garten", "in den Garten"),
        ("market", "auf dem Markt", "auf den Markt"),
        ("park", "im Park", "in den Park"),
        ("river", "am Fluss", "zum Fluss"),
        ("square", "auf dem Platz", "zum Platz"),
        ("village", "im Dorf", "ins Dorf"),
        ("castle", "im Schloss", "ins Schloss"),
        ("kitchen", "in der Küche", "in die Küche"),
        ("library", "in der Bibliothek", "in die Bibliothek"),
        ("school", "in der Schule", "in die Schule"),
        ("station", "am Bahnhof", "zum Bahnhof"),
    ],
)
def test_german_places(place, rest, motion):
    """Rest takes the dative, motion the accusative (zu: the dative), and article and preposition contract."""
    assert words(de.place(place, motion=False)) == rest
    assert words(de.place(place, motion=True)) == motion


def test_german_verb_is_second():
    """After an opening time or place the verb precedes the subject; without one the subject opens."""
    roles = {"subjects": ("boy",), "verb": "buy", "thing": "apple", "place": "market"}
    assert say("de", **roles, time="morning") == "Am Morgen kaufte der Junge auf dem Markt einen Apfel."
    assert say("de", **roles, place_first=True) == "Auf dem Markt kaufte der Junge einen Apfel."
    assert say("de", **roles) == "Der Junge kaufte auf dem Markt einen Apfel."


def test_german_particle_closes_the_sentence():
    """A separable verb leaves its particle at the end."""
    both = ("king", "queen")
    text = say("de", subjects=both, verb="return", place="castle", time="night")
    assert text == "In der Nacht kehrten der König und die Königin ins Schloss zurück."


def test_german_dative():
    """The person who is given or helped stands in the dative."""
    text = say("de", subjects=("king",), verb="give", patient="farmer", thing="coin", quality="expensive")
    assert text == "Der König gab dem Bauern eine teure Münze."
    assert say("de", subjects=("queen",), verb="help", patient="aunt") == "Die Königin half der Tante."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_german_plural_verbs(verb):
    """A plural past ends in -en, and only adds to the singular."""
    clause = Clause("act", ("king", "queen"), verb, thing="book")
    plural = next(
        piece.surface for piece in de.realise(clause) if isinstance(piece, Mark) and piece.concept == "action"
    )
    assert plural.endswith("en")
    assert plural.startswith(de.PAST[verb])


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_spanish_object_agrees(thing):
    """Article and adjective agree with the gender of the noun."""
    gender = es.OBJECTS[thing][0]
    for quality in meaning.QUALITIES[thing]:
        article, noun, adjective = words(es.thing(Clause("act", thing=thing, quality=quality))).split()
        assert (article, noun) == ({"m": "un", "f": "una"}[gender], es.OBJECTS[thing].split()[1])
        if es.ADJECTIVES[quality].endswith("o"):
            assert adjective.endswith({"m": "o", "f": "a"}[gender])
        else:
            assert adjective == es.ADJECTIVES[quality]


@pytest.mark.parametrize("being", BEINGS)
def test_spanish_personal_a(being):
    """A living object takes a, which contracts with el: al perro, a la reina."""
    gender, noun = es.BEINGS[being].split()
    assert (
        say("es", subjects=("king",), verb="see", patient=being)
        == f"El rey vio {'al' if gender == 'm' else 'a la'} {noun}."
    )


def test_spanish_adjectives_of_a_pair():
    """A pair is feminine only if both are: cansadas, but cansados; tristes for everyone."""
    pair = {"kind": "state", "quality": "tired"}
    assert say("es", subjects=("queen", "aunt"), **pair) == "La reina y la tía estaban cansadas."
    assert say("es", subjects=("queen", "king"), **pair) == "La reina y el rey estaban cansados."
    assert say("es", subjects=("queen", "king"), kind="state", quality="sad").endswith("tristes.")


def test_spanish_leaves_the_pronoun_out():
    """Where other languages say he or she, the Spanish verb stands alone."""
    clause = Clause("act", ("queen",), "dance", place="castle", pronoun=True)
    texts = [compose([REALISERS[language](clause)])[0] for language in LANGUAGES]
    assert texts[0] == "She danced in the castle."
    assert texts[1:] == ["Sie tanzte im Schloss.", "Bailó en el castillo.", "Она танцевала в замке."]


def test_spanish_indirect_object():
    """Giving says le, then the thing, then to whom."""
    text = say("es", subjects=("nurse",), verb="give", patient="boy", thing="apple", quality="red")
    assert text == "La enfermera le dio una manzana roja al niño."


@pytest.mark.parametrize("being", BEINGS)
def test_russian_cases_are_present(being):
    """Four cases each: masculine animate accusative is the genitive, feminine -а/-я becomes -у/-ю, -ь stays."""
    gender, nominative, accusative, genitive, dative = ru.BEINGS[being].split()
    declined_as_feminine = nominative[-1] in "ая"
    if declined_as_feminine:
        assert accusative == nominative[:-1] + {"а": "у", "я": "ю"}[nominative[-1]]
        assert genitive[-1] in "ыи"
        assert dative == nominative[:-1] + "е"
    elif gender == "m":
        assert accusative == genitive
        assert dative[-1] in "ую"
    else:
        assert accusative == nominative
        assert genitive == dative == nominative[:-1] + "и"


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_russian_inanimate_cases(thing):
    """Inanimate accusative is the nominative except for feminines in -а, and the genders fit the endings."""
    gender, nominative, accusative, genitive, _ = ru.OBJECTS[thing].split()
    assert gender == {"а": "f", "о": "n"}.get(nominative[-1], "m")
    assert accusative == (nominative[:-1] + "у" if gender == "f" else nominative)
    assert genitive[-1] in {"f": "ыи", "m": "а", "n": "а"}[gender] or thing == "coat"  # пальто never changes


@pytest.mark.parametrize("thing", meaning.OBJECTS)
@pytest.mark.parametrize("number", meaning.NUMBERS)
def test_russian_numerals_choose_the_case(thing, number):
    """2 to 4 take the genitive singular, 5 and more the genitive plural; two is две for feminines."""
    gender, _, _, genitive, many = ru.OBJECTS[thing].split()
    numeral, noun = words(ru.thing(Clause("act", thing=thing, number=number))).split()
    assert noun == (genitive if number < 5 else many)
    assert (numeral == "две") == (number == 2 and gender == "f")


@pytest.mark.parametrize("quality", sorted(ru.ADJECTIVES))
def test_russian_adjectives(quality):
    """Accusative and instrumental have the endings of their gender, and no -ы stands after к, г, ш, ж."""
    for gender, accusative, instrumental in (("m", "ыйийой", "ымим"), ("f", "уюююю", "ойей"), ("n", "оеее", "ымим")):
        for case, endings in (("accusative", accusative), ("instrumental", instrumental)):
            form = ru.adjective(quality, gender, case)
            assert form[-2:] in endings
            assert not re.search("[кгшж]ы", form)


def test_russian_past_agrees():
    """A past tense has a masculine, a feminine and a plural form that fit the subject."""
    forms = [
        say("ru", subjects=subjects, verb="go", place="park") for subjects in (("king",), ("aunt",), ("king", "aunt"))
    ]
    assert forms == ["Король пошёл в парк.", "Тётя пошла в парк.", "Король и тётя пошли в парк."]
    for verb, past in ru.PAST.items():
        masculine, feminine, plural = past.split()
        if verb != "have":
            assert re.search("(л|г|лся)$", masculine)
            assert re.search("ла(сь)?$", feminine)
            assert re.search("ли(сь)?$", plural)


def test_russian_owner_is_genitive():
    """Having is said as being with someone."""
    roles = {"verb": "have", "thing": "pear", "number": 2}
    assert say("ru", subjects=("grandmother",), **roles) == "У бабушки было две груши."
    assert say("ru", subjects=("grandmother",), pronoun=True, **roles) == "У неё было две груши."


def test_russian_places():
    """Where takes the prepositional or locative, whither the accusative."""
    assert say("ru", subjects=("boy",), verb="sleep", place="forest") == "Мальчик спал в лесу."
    assert say("ru", subjects=("boy",), verb="run", place="library") == "Мальчик побежал в библиотеку."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_meaning_can_be_said(language):
    """Every verb with every subject, thing, place and time is realised without a missing form."""
    clause = Clause("act", ("aunt",), "see", patient="bear", place="forest")
    for changes in (
        *({"subjects": (being,), "patient": being} for being in BEINGS),
        *({"verb": verb, "thing": "key", "patient": ""} for verb in meaning.VERBS),
        *({"thing": thing, "number": number} for thing in meaning.OBJECTS for number in meaning.NUMBERS),
        *({"kind": "quality", "thing": t, "quality": q} for t in meaning.OBJECTS for q in meaning.QUALITIES[t]),
        *({"kind": "state", "quality": state} for state in meaning.STATES),
        *({"kind": "weather", "verb": sort, "time": time} for sort in meaning.WEATHER for time in meaning.TIMES),
        *({"place": place, "verb": verb} for place in meaning.PLACES for verb in ("see", "go")),
    ):
        text, _ = compose([REALISERS[language](replace(clause, **changes))])
        assert re.fullmatch(r"\w+( \w+)*\.", text)
