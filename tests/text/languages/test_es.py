"""The paradigms of Spanish, over its whole lexicon."""

import re
from collections import Counter

import pytest

from sieve.text import meaning, templates
from sieve.text.document import Mark, Sentence, compose
from sieve.text.languages import en, es, sentence
from sieve.text.meaning import Clause
from sieve.text.world import generate_documents

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
DESCRIBED = sorted({quality for qualities in meaning.QUALITIES.values() for quality in qualities})
INFINITIVES = {
    "bake": "hornear", "break": "romper", "bring": "traer", "buy": "comprar", "call": "llamar", "carry": "llevar",
    "clean": "limpiar", "come": "llegar", "cry": "llorar", "dance": "bailar", "draw": "dibujar", "eat": "comer",
    "feed": "alimentar", "find": "encontrar", "follow": "seguir", "forget": "olvidar", "give": "dar", "go": "ir",
    "greet": "saludar", "have": "tener", "help": "ayudar", "hide": "esconder", "hug": "abrazar", "hurry": "ir deprisa",
    "laugh": "reír", "lose": "perder", "open": "abrir", "paint": "pintar", "play": "jugar", "read": "leer",
    "repair": "reparar", "rest": "descansar", "return": "volver", "run": "correr", "see": "ver", "seek": "buscar",
    "sell": "vender", "show": "mostrar", "sing": "cantar", "sleep": "dormir", "stay": "quedar", "steal": "robar",
    "swim": "nadar", "thank": "dar las gracias", "throw": "lanzar", "visit": "visitar", "wait": "esperar",
    "wash": "lavar", "work": "trabajar", "write": "escribir",
}  # fmt: skip
IRREGULAR = {
    "traer": "trajo trajeron", "dar": "dio dieron", "ir": "fue fueron", "ver": "vio vieron", "leer": "leyó leyeron",
    "reír": "rio rieron", "seguir": "siguió siguieron", "dormir": "durmió durmieron", "tener": "tenía tenían",
}  # fmt: skip
REFLEXIVE, WITH_LE = ("laugh", "stay"), ("bring", "give", "show", "thank")
MASCULINE_AND_FEMININE = {
    "beautiful": "bonito bonita", "big": "grande grande", "cheap": "barato barata", "dirty": "sucio sucia",
    "expensive": "caro cara", "fresh": "fresco fresca", "heavy": "pesado pesada", "new": "nuevo nueva",
    "old": "viejo vieja", "small": "pequeño pequeña", "strange": "extraño extraña", "tiny": "diminuto diminuta",
    "black": "negro negra", "blue": "azul azul", "brown": "marrón marrón", "green": "verde verde", "grey": "gris gris",
    "red": "rojo roja", "white": "blanco blanca", "yellow": "amarillo amarilla",
}  # fmt: skip
STATES = {
    "afraid": "asustado asustada asustados asustadas", "angry": "enfadado enfadada enfadados enfadadas",
    "bored": "aburrido aburrida aburridos aburridas", "busy": "ocupado ocupada ocupados ocupadas",
    "calm": "tranquilo tranquila tranquilos tranquilas", "happy": "contento contenta contentos contentas",
    "hungry": "hambriento hambrienta hambrientos hambrientas", "nervous": "nervioso nerviosa nerviosos nerviosas",
    "proud": "orgulloso orgullosa orgullosos orgullosas", "sad": "triste triste tristes tristes",
    "sick": "enfermo enferma enfermos enfermas", "surprised": "sorprendido sorprendida sorprendidos sorprendidas",
    "thirsty": "sediento sedienta sedientos sedientas", "tired": "cansado cansada cansados cansadas",
}  # fmt: skip
MASCULINE = {
    "bosque", "botón", "cisne", "collar", "guante", "hospital", "jardín", "limón", "mapa", "paraguas", "parque",
    "pastel", "peine", "poema", "puente", "ratón", "reloj", "tambor", "tenedor", "tomate", "violín",
}  # fmt: skip
FEMININE = {"estación", "flor", "llave", "serpiente"}
NUMERALS = ("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce")
PLACES = {
    "beach": "en la playa, a la playa", "bridge": "en el puente, al puente", "field": "en el campo, al campo",
    "forest": "en el bosque, al bosque", "garden": "en el jardín, al jardín", "harbour": "en el puerto, al puerto",
    "island": "en la isla, a la isla", "lake": "junto al lago, al lago", "market": "en el mercado, al mercado",
    "mountain": "en la montaña, a la montaña", "park": "en el parque, al parque", "river": "junto al río, al río",
    "square": "en la plaza, a la plaza", "village": "en el pueblo, al pueblo",
    "bakery": "en la panadería, a la panadería", "castle": "en el castillo, al castillo",
    "church": "en la iglesia, a la iglesia", "hospital": "en el hospital, al hospital",
    "house": "en la casa, a la casa", "kitchen": "en la cocina, a la cocina",
    "library": "en la biblioteca, a la biblioteca", "museum": "en el museo, al museo",
    "school": "en la escuela, a la escuela", "station": "en la estación, a la estación",
    "theatre": "en el teatro, al teatro",
}  # fmt: skip
WEATHER = {
    "cold": "Hacía frío. Hizo frío.", "fog": "Había niebla. Hubo niebla.", "rain": "Llovía. Llovió.",
    "snow": "Nevaba. Nevó.", "storm": "Había tormenta. Hubo tormenta.", "sun": "Brillaba el sol. Brilló el sol.",
    "thunder": "Tronaba. Tronó.", "warm": "Hacía calor. Hizo calor.", "wind": "Soplaba el viento. Sopló el viento.",
}  # fmt: skip


def say(*subjects, kind="act", **roles):
    """The text of one clause, with its marks."""
    return compose([sentence("es", Clause(kind, subjects, **roles))])[0]


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


def finite(verb):
    """The third persons of an infinitive, by the rules of conjugation and the list of exceptions."""
    infinitive, *rest = INFINITIVES[verb].split()
    stem, vowel = infinitive[:-2], infinitive[-2]
    regular = f"{stem}ó {stem}aron" if vowel == "a" else f"{stem}ió {stem}ieron"
    return [" ".join([form, *rest]) for form in IRREGULAR.get(infinitive, regular).split()]


def clitic(verb):
    """The pronoun that precedes a finite form of `verb`, with a space."""
    return "se " if verb in REFLEXIVE else "le " if verb in WITH_LE else ""


def gender_by_ending(noun):
    """The gender of a noun, which its last letter shows but for the nouns listed above."""
    if noun in MASCULINE or noun in FEMININE:
        return "m" if noun in MASCULINE else "f"
    return {"a": "f", "o": "m"}[noun[-1]]


def plural_by_rule(noun):
    """The plural of a noun: -s after a vowel, -es after a consonant, which moves the stress off the last syllable."""
    if noun == "paraguas":
        return noun
    if noun[-1] in "aeo":
        return noun + "s"
    return noun.translate(str.maketrans("óí", "oi")) + "es"


def test_lexicon_covers_the_meanings():
    """Every key of the world has an entry, and no table has an entry too many."""
    assert set(es.BEINGS) == set(BEINGS)
    assert set(es.OBJECTS) == set(meaning.OBJECTS)
    assert set(es.PLACES) == set(PLACES) == set(meaning.PLACES)
    assert set(es.PAST) == set(INFINITIVES) == set(meaning.VERBS)
    assert set(es.ADJECTIVES) == set(DESCRIBED) | set(meaning.STATES)
    assert set(es.TIMES) == set(meaning.TIMES)
    assert set(es.NUMBERS) == set(meaning.NUMBERS)
    assert set(es.WEATHER) == set(WEATHER) == set(meaning.WEATHER)
    assert set(es.MANNERS) == set(meaning.MANNERS)


@pytest.mark.parametrize(
    "table", [es.BEINGS, es.OBJECTS, es.PLACES, es.PAST, es.ADJECTIVES, es.NUMBERS, es.TIMES, es.WEATHER, es.MANNERS]
)
def test_different_keys_have_different_words(table):
    """No two keys share a word, no word has a hyphen, and none is a name of the problems."""
    assert len(set(table.values())) == len(table)
    names = {name.lower() for name in (*templates.FEMALE_NAMES, *templates.MALE_NAMES)}
    for entry in table.values():
        assert "-" not in entry
        assert not names & set(re.split("[ /]", entry.lower()))


@pytest.mark.parametrize("key", [*meaning.OBJECTS, *meaning.PLACES, *meaning.ANIMALS])
def test_gender_of_things_places_and_animals(key):
    """The last letter of a noun shows its gender, but for a list of exceptions."""
    gender, noun, *_ = {**es.OBJECTS, **es.PLACES, **es.BEINGS}[key].split()
    assert gender == gender_by_ending(noun)


@pytest.mark.parametrize("person", meaning.PERSONS)
def test_gender_of_persons(person):
    """Women are feminine, men masculine, and a noun that has both endings takes the one that fits."""
    gender, noun = es.BEINGS[person].split()
    assert gender == ("f" if person in meaning.FEMALE else "m")
    assert noun[-1] != ("o" if gender == "f" else "a")


@pytest.mark.parametrize("being", BEINGS)
def test_definite_article_and_personal_a(being):
    """A subject takes el or la, a living object al or a la; and y may precede it, as it does not begin with i."""
    gender, noun = es.BEINGS[being].split()
    the, to = {"m": ("El", "al"), "f": ("La", "a la")}[gender]
    assert say(being, verb="see", patient=being) == f"{the} {noun} vio {to} {noun}."
    assert not re.match("h?i", noun)
    assert say("king", being, verb="sing") == f"El rey y {the.lower()} {noun} cantaron."


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_articles_of_things(thing):
    """A thing is un or una, ningún or ninguna where it is denied, and el or la once it is known."""
    _, noun, _ = es.OBJECTS[thing].split()
    a, none, the = {"m": ("un", "ningún", "El"), "f": ("una", "ninguna", "La")}[gender_by_ending(noun)]
    assert say("king", verb="find", thing=thing) == f"El rey encontró {a} {noun}."
    assert say("king", verb="find", thing=thing, mood="ask") == f"¿Encontró el rey {a} {noun}?"
    assert say("king", verb="find", thing=thing, mood="wish") == f"El rey quería encontrar {a} {noun}."
    assert say("king", verb="find", thing=thing, mood="deny") == f"El rey no encontró {none} {noun}."
    assert say(kind="quality", thing=thing, quality="big") == f"{the} {noun} era grande."
    assert not re.match("h?[aá]", noun) or noun in ("abrigo", "anillo", "aguja", "almohada")  # no una before stressed a


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_adjectives_agree(thing):
    """An adjective follows its noun and agrees; things are what they are, but fresh and dirty at the moment."""
    noun = es.OBJECTS[thing].split()[1]
    masculine = gender_by_ending(noun) == "m"
    a, the = ("un", "El") if masculine else ("una", "La")
    for quality in DESCRIBED:
        form = MASCULINE_AND_FEMININE[quality].split()[not masculine]
        assert words(es.thing(Clause("act", thing=thing, quality=quality))) == f"{a} {noun} {form}"
        copula = "estaba" if quality in ("fresh", "dirty") else "era"
        assert say(kind="quality", thing=thing, quality=quality) == f"{the} {noun} {copula} {form}."


@pytest.mark.parametrize("quality", DESCRIBED)
def test_plural_adjectives(quality):
    """Adjectives make plurals as nouns do: rojas, azules, marrones."""
    for gender, form in zip("mf", MASCULINE_AND_FEMININE[quality].split(), strict=True):
        assert es.adjective(quality, gender, plural=True) == plural_by_rule(form)


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_numbers_take_the_plural(thing):
    """A numeral never changes, and what it counts is plural."""
    noun = plural_by_rule(es.OBJECTS[thing].split()[1])
    for number, numeral in zip(meaning.NUMBERS, NUMERALS, strict=True):
        assert words(es.thing(Clause("act", thing=thing, number=number))) == f"{numeral} {noun}"
        assert say("aunt", verb="have", thing=thing, number=number) == f"La tía tenía {numeral} {noun}."


@pytest.mark.parametrize("state", meaning.STATES)
def test_states_agree(state):
    """States have four forms: a pair is feminine only if both are; denial puts no before the copula."""
    masculine, feminine, masculines, feminines = STATES[state].split()
    for being in BEINGS:
        form = masculine if es.BEINGS[being][0] == "m" else feminine
        if being in meaning.PERSONS:
            assert say(being, kind="state", quality=state).endswith(f" estaba {form}.")
            assert say(being, kind="state", quality=state, mood="deny").endswith(f" no estaba {form}.")
    assert say("queen", "aunt", kind="state", quality=state) == f"La reina y la tía estaban {feminines}."
    assert say("queen", "king", kind="state", quality=state) == f"La reina y el rey estaban {masculines}."
    pair = say("king", "uncle", kind="state", quality=state, mood="deny")
    assert pair == f"El rey y el tío no estaban {masculines}."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verb_forms(verb):
    """Preterites follow the rules of their conjugation: told and denied, of one and of two."""
    singular, plural = finite(verb)
    before = clitic(verb)
    assert say("king", verb=verb) == f"El rey {before}{singular}."
    assert say("king", verb=verb, mood="deny") == f"El rey no {before}{singular}."
    assert say("king", "aunt", verb=verb) == f"El rey y la tía {before}{plural}."
    assert say("king", "aunt", verb=verb, mood="deny") == f"El rey y la tía no {before}{plural}."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_questions_open_with_the_verb(verb):
    """A question opens with the verb and what belongs to it, before the subject."""
    opening = f"{clitic(verb)}{finite(verb)[0]}"
    assert say("duck", verb=verb, mood="ask") == f"¿{opening[0].upper()}{opening[1:]} el pato?"


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_wishes_have_an_infinitive(verb):
    """A wish is quería or querían and an infinitive, to which the pronoun is joined."""
    infinitive, *rest = INFINITIVES[verb].split()
    joined = " ".join([infinitive + clitic(verb).strip(), *rest])
    assert say("king", verb=verb, mood="wish") == f"El rey quería {joined}."
    assert say("king", "aunt", verb=verb, mood="wish") == f"El rey y la tía querían {joined}."


@pytest.mark.parametrize("mood", meaning.MOODS)
@pytest.mark.parametrize("verb", meaning.VERBS)
def test_one_action_mark(verb, mood):
    """Every verb phrase has one action mark, and no auxiliary, pronoun or no is in it."""
    pieces = es.realise(Clause("act", ("king",), verb, mood=mood))
    [mark] = [piece for piece in pieces if isinstance(piece, Mark) and piece.concept == "action"]
    assert mark.value == verb
    assert not re.match("(no|se|le|quería) ", mark.surface)


@pytest.mark.parametrize("place", meaning.PLACES)
def test_places(place):
    """At rest en, but junto a by the water; in motion a, which contracts with el."""
    rest, motion = PLACES[place].split(", ")
    assert say("king", verb="sleep", place=place) == f"El rey durmió {rest}."
    assert say("king", verb="sleep", place=place, place_first=True) == f"{rest.capitalize()} el rey durmió."
    for verb in meaning.MOVES:
        assert say("king", verb=verb, place=place) == f"El rey {finite(verb)[0]} {motion}."
    sort = say(kind="weather", verb="rain", place=place, place_first=True)
    assert sort == f"{rest.capitalize()} llovía."


@pytest.mark.parametrize("place", meaning.PLACES)
def test_carrying_and_following_lead_through_a_place(place):
    """One carries and follows por el jardín, but junto al río, and an opening place keeps en."""
    rest, _ = PLACES[place].split(", ")
    assert (
        say("king", verb="carry", thing="box", place=place) == f"El rey llevó una caja {rest.replace('en ', 'por ')}."
    )
    assert say("king", verb="follow", patient="aunt", place=place).endswith(rest.replace("en ", "por ") + ".")
    assert say("king", verb="follow", place=place, place_first=True) == f"{rest.capitalize()} el rey siguió."


def test_one_swims_in_the_water():
    """One rests by the lake but swims in it."""
    assert say("king", verb="swim", place="lake") == "El rey nadó en el lago."
    assert say("king", verb="swim", place="river", place_first=True) == "En el río el rey nadó."
    assert say("king", verb="rest", place="river") == "El rey descansó junto al río."


@pytest.mark.parametrize("sort", meaning.WEATHER)
def test_weather(sort):
    """Weather is a scene in the imperfect at an hour, and has happened in a day, a season or later."""
    scene, event = (text.strip() + "." for text in WEATHER[sort].split(".")[:2])
    for time in meaning.TIMES:
        text = say(kind="weather", verb=sort, time=time)
        expected = scene if time in meaning.HOURS else event
        assert text.lower() == f"{es.TIMES[time]} {expected}".lower()


@pytest.mark.parametrize(
    ("time", "phrase"),
    [
        ("monday", "El lunes"), ("tuesday", "El martes"), ("wednesday", "El miércoles"), ("thursday", "El jueves"),
        ("friday", "El viernes"), ("saturday", "El sábado"), ("sunday", "El domingo"), ("yesterday", "Ayer"),
        ("autumn", "El otoño pasado"), ("spring", "La primavera pasada"), ("summer", "El verano pasado"),
        ("winter", "El invierno pasado"), ("morning", "Por la mañana"), ("noon", "Al mediodía"),
        ("afternoon", "Por la tarde"), ("evening", "Al anochecer"), ("night", "Por la noche"), ("later", "Más tarde"),
    ],
)  # fmt: skip
def test_times_open_the_sentence(time, phrase):
    """A time opens the sentence, and a dropped pronoun leaves the verb next to it."""
    assert say("aunt", verb="sing", time=time) == f"{phrase} la tía cantó."
    assert say("aunt", verb="sing", time=time, pronoun=True) == f"{phrase} cantó."


@pytest.mark.parametrize(
    ("manner", "verb"), [(manner, verb) for manner in meaning.MANNERS for verb in meaning.MANNERS[manner]]
)
def test_manner_follows_the_verb(manner, verb):
    """A manner stands right after the verb; one cries a gritos, laughs a carcajadas and sings en voz alta."""
    phrase = {
        "carefully": "con cuidado", "gladly": "con gusto", "loudly": "en voz alta", "patiently": "pacientemente",
        "proudly": "con orgullo", "quickly": "rápidamente", "quietly": "en silencio", "secretly": "en secreto",
        "slowly": "lentamente",
    }[manner]  # fmt: skip
    if manner == "loudly":
        phrase = {"cry": "a gritos", "laugh": "a carcajadas"}.get(verb, phrase)
    text = say("king", verb=verb, manner=manner, thing="key", place="park", place_first=True)
    assert text == f"En el parque el rey {clitic(verb)}{finite(verb)[0]} {phrase} una llave."


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        ({"verb": "give", "patient": "boy", "thing": "apple", "quality": "red"}, "le dio una manzana roja al niño"),
        ({"verb": "bring", "patient": "boy", "thing": "cup", "mood": "deny"}, "no le trajo ninguna taza al niño"),
        ({"verb": "show", "patient": "aunt", "thing": "map", "mood": "wish"}, "quería mostrarle un mapa a la tía"),
        (
            {"verb": "give", "patient": "aunt", "thing": "hat", "manner": "gladly"},
            "le dio con gusto un sombrero a la tía",
        ),
        ({"verb": "thank", "patient": "king", "place": "park"}, "le dio las gracias al rey en el parque"),
        ({"verb": "thank", "patient": "aunt", "mood": "wish"}, "quería darle las gracias a la tía"),
        ({"verb": "follow", "patient": "dog", "manner": "quietly"}, "siguió en silencio al perro"),
        ({"verb": "forget", "thing": "key", "place": "school"}, "olvidó una llave en la escuela"),
        ({"verb": "buy", "thing": "book", "number": 3, "mood": "wish"}, "quería comprar tres libros"),
        ({"verb": "stay", "place": "castle", "mood": "wish"}, "quería quedarse en el castillo"),
    ],
)
def test_order_of_objects(roles, text):
    """After the verb come manner, thing, person and place."""
    assert say("nurse", **roles) == f"La enfermera {text}."


@pytest.mark.parametrize(
    ("roles", "asked", "yes", "no"),
    [
        (
            {"verb": "buy", "thing": "bag"},
            "¿Compró la reina una bolsa?", "Sí, compró una bolsa.", "No, no compró ninguna bolsa.",
        ),
        ({"verb": "see", "patient": "bear"}, "¿Vio la reina al oso?", "Sí, vio al oso.", "No, no vio al oso."),
        (
            {"verb": "give", "patient": "king", "thing": "ring"},
            "¿Le dio la reina un anillo al rey?", "Sí, le dio un anillo al rey.", "No, no le dio ningún anillo al rey.",
        ),
        (
            {"verb": "stay", "place": "park"},
            "¿Se quedó la reina en el parque?", "Sí, se quedó en el parque.", "No, no se quedó en el parque.",
        ),
        ({"verb": "laugh"}, "¿Se rio la reina?", "Sí, se rio.", "No, no se rio."),
    ],
)  # fmt: skip
def test_questions_and_answers(roles, asked, yes, no):
    """A question puts the subject after the verb, and its answer needs no subject."""
    assert say("queen", mood="ask", **roles) == asked
    assert say("queen", answer="yes", pronoun=True, **roles) == yes
    assert say("queen", answer="no", mood="deny", pronoun=True, **roles) == no


def test_stories_are_well_formed_and_marked_as_in_english():
    """In many stories a contracts with el, sentences open with a capital, and the marks are those of English."""
    documents = generate_documents(150, (4, 8), 3, {"en": 1.0, "es": 1.0})
    for english, spanish in zip(documents[::2], documents[1::2], strict=True):
        assert not re.search(r"\b(a|de) el\b|  |\b(\w+) \2\b", spanish.text)
        assert re.fullmatch(r"(¿?[A-ZÁÉÍÓÚ][\w ,]*[.?] ?)+", spanish.text)
        marks = [Counter((span.concept, span.value) for span in document.concepts) for document in (english, spanish)]
        assert marks[0] == marks[1]


@pytest.mark.parametrize("mood", meaning.MOODS)
def test_every_verb_is_marked_as_in_english(mood):
    """Marks are the same as in English, whatever the verb and the mood."""
    for verb in meaning.VERBS:
        clause = Clause("act", ("aunt",), verb, patient="bear", thing="key", place="park", mood=mood)
        marks = [compose([Sentence(module.realise(clause))])[1] for module in (en, es)]
        english, spanish = (Counter((span.concept, span.value) for span in spans) for spans in marks)
        assert english == spanish
