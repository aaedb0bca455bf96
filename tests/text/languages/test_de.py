"""The paradigms of German over its whole lexicon, and whole sentences of every mood."""

import re
from dataclasses import replace

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import de, sentence
from sieve.text.meaning import Clause

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)


def listed(names):
    """The words of a text."""
    return set(names.split())


DER = listed(
    "Bäcker Junge Bruder Koch Arzt Bauer Vater Fischer Gärtner Großvater Jäger König Händler Maler Prinz Matrose "
    "Soldat Onkel Bär Vogel Hund Esel Fuchs Frosch Schwan Wolf Apfel Keks Kuchen Pilz Brief Ball Korb Eimer "
    "Knopf Stuhl Mantel Handschuh Hut Papierdrachen Teller Schal Schuh Regenschirm Besen Kamm Hammer Schlüssel "
    "Spiegel Ring Löffel Strand Wald Garten Hafen See Markt Berg Park Fluss Rathausplatz Bahnhof"
)
DIE = listed(
    "Schauspielerin Tante Braut Tänzerin Großmutter Mutter Nachbarin Krankenschwester Prinzessin Königin "
    "Schneiderin Sängerin Schwester Studentin Lehrerin Hexe Schriftstellerin Katze Kuh Ente Ziege Maus Eule "
    "Schlange Karotte Kirsche Zitrone Zwiebel Orange Birne Kartoffel Tomate Landkarte Zeitung Tasche Decke "
    "Flasche Schüssel Kiste Kerze Tasse Lampe Glocke Bürste Wanduhr Münze Trommel Feder Gabel Gitarre Leiter "
    "Halskette Nadel Geige Blume Brücke Insel Bäckerei Kirche Küche Bibliothek Schule"
)
DAS = listed(
    "Mädchen Huhn Pferd Schwein Kaninchen Schaf Ei Butterbrot Buch Tagebuch Gedicht Kleid Kissen Band Hemd "
    "Messer Bild Seil Feld Dorf Schloss Krankenhaus Haus Museum Theater"
)
WEAK = {"Junge": "Jungen", "Bauer": "Bauern", "Prinz": "Prinzen", "Matrose": "Matrosen", "Soldat": "Soldaten",
        "Bär": "Bären"}  # fmt: skip
STRONG = {  # infinitive: past
    "zerbrechen": "zerbrach", "bringen": "brachte", "rufen": "rief", "tragen": "trug", "kommen": "kam", "essen": "aß",
    "finden": "fand", "vergessen": "vergaß", "geben": "gab", "gehen": "ging", "haben": "hatte", "helfen": "half",
    "verlieren": "verlor", "lesen": "las", "laufen": "lief", "sehen": "sah", "singen": "sang", "schlafen": "schlief",
    "bleiben": "blieb", "stehlen": "stahl", "schwimmen": "schwamm", "werfen": "warf", "waschen": "wusch",
    "schreiben": "schrieb",
}  # fmt: skip
PLACES = {  # where, and whither
    "beach": ("am Strand", "zum Strand"),
    "bridge": ("auf der Brücke", "zur Brücke"),
    "field": ("auf dem Feld", "aufs Feld"),
    "forest": ("im Wald", "in den Wald"),
    "garden": ("im Garten", "in den Garten"),
    "harbour": ("am Hafen", "zum Hafen"),
    "island": ("auf der Insel", "auf die Insel"),
    "lake": ("am See", "zum See"),
    "market": ("auf dem Markt", "auf den Markt"),
    "mountain": ("auf dem Berg", "auf den Berg"),
    "park": ("im Park", "in den Park"),
    "river": ("am Fluss", "zum Fluss"),
    "square": ("auf dem Rathausplatz", "zum Rathausplatz"),
    "village": ("im Dorf", "ins Dorf"),
    "bakery": ("in der Bäckerei", "in die Bäckerei"),
    "castle": ("im Schloss", "ins Schloss"),
    "church": ("in der Kirche", "in die Kirche"),
    "hospital": ("im Krankenhaus", "zum Krankenhaus"),
    "house": ("im Haus", "ins Haus"),
    "kitchen": ("in der Küche", "in die Küche"),
    "library": ("in der Bibliothek", "in die Bibliothek"),
    "museum": ("im Museum", "ins Museum"),
    "school": ("in der Schule", "zur Schule"),
    "station": ("am Bahnhof", "zum Bahnhof"),
    "theatre": ("im Theater", "ins Theater"),
}
REFLEXIVE = "ruhte"


def say(*subjects, **roles):
    """The text of one clause, an act unless another kind is asked for."""
    return compose([sentence("de", Clause(roles.pop("kind", "act"), subjects, **roles))])[0]


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


def gender(noun):
    """'m', 'f' or 'n' by the lists above."""
    return "m" if noun in DER else "f" if noun in DIE else "n"


def stem(infinitive):
    """An infinitive without its ending: 'kauf', 'fütter'."""
    return re.sub("e?n$", "", infinitive)


def weak_past(infinitive):
    """The past of a regular verb: 'kaufte', after t and chn and ffn with e: 'wartete', 'öffnete'."""
    return stem(infinitive) + ("ete" if re.search("([dt]|chn|ffn)$", stem(infinitive)) else "te")


def test_the_lexicon_covers_the_meanings():
    """Every key of the world has an entry in the table of its sort, and no table has an entry too many."""
    assert set(de.BEINGS) == set(BEINGS)
    assert set(de.OBJECTS) == set(meaning.OBJECTS)
    assert set(de.PLACES) == set(meaning.PLACES) == set(PLACES)
    assert set(de.PAST) == set(meaning.VERBS)
    assert set(de.ADJECTIVES) == {q for qualities in meaning.QUALITIES.values() for q in qualities} | {*meaning.STATES}
    assert (set(de.TIMES), set(de.WEATHER)) == (set(meaning.TIMES), set(meaning.WEATHER))
    assert (set(de.NUMBERS), set(de.MANNERS)) == (set(meaning.NUMBERS), set(meaning.MANNERS))


def test_different_keys_have_different_words():
    """No two keys share a word, in whichever tables they are."""
    tables = (de.BEINGS, de.OBJECTS, de.PLACES)
    taken = [entry.split()[1] for table in tables for entry in table.values()]
    taken += [entry.split()[0] for entry in de.PAST.values()]
    for table in (de.ADJECTIVES, de.NUMBERS, de.TIMES, de.WEATHER, de.MANNERS):
        taken += table.values()
    taken += ["sorgfältig", "still", "malte"]
    assert len(taken) == len(set(taken))


def test_nouns_have_the_gender_of_the_language():
    """Every noun is in exactly one list of der, die and das, and its entry says so."""
    entries = [entry.split()[:2] for table in (de.BEINGS, de.OBJECTS, de.PLACES) for entry in table.values()]
    assert len(DER) + len(DIE) + len(DAS) == len(DER | DIE | DAS) == len(entries)
    assert {noun: given for given, noun in entries} == {noun: gender(noun) for noun in DER | DIE | DAS}


@pytest.mark.parametrize("person", meaning.PERSONS)
def test_persons_have_their_sex(person):
    """A man is der, a woman die, and only the girl is das; the pronoun is he or she."""
    noun = de.BEINGS[person].split()[1]
    assert gender(noun) == ("n" if person == "girl" else "f" if person in meaning.FEMALE else "m")
    assert de.pronoun(person) == ("sie" if person in meaning.FEMALE else "er")


@pytest.mark.parametrize("animal", meaning.ANIMALS)
def test_pronouns_of_animals_fit_their_nouns(animal):
    """An animal is er, sie or es as its noun is der, die or das."""
    assert de.pronoun(animal) == {"m": "er", "f": "sie", "n": "es"}[gender(de.BEINGS[animal].split()[1])]


@pytest.mark.parametrize("key", BEINGS)
def test_definite_articles_and_weak_nouns(key):
    """der den dem, die die der, das das dem; weak masculines change, and nothing else does."""
    forms = [words(de.being(key, case)).split() for case in ("nominative", "accusative", "dative")]
    (_, noun), (_, accusative), (_, dative) = forms
    table = {"m": ["der", "den", "dem"], "f": ["die", "die", "der"], "n": ["das", "das", "dem"]}
    assert [article for article, _ in forms] == table[gender(noun)]
    assert accusative == dative == WEAK.get(noun, noun)


@pytest.mark.parametrize("key", meaning.OBJECTS)
@pytest.mark.parametrize("mood", ["tell", "deny"])
def test_indefinite_objects_agree(key, mood):
    """einen roten Hut, keine rote Lampe, ein rotes Buch: article and adjective agree with the noun's gender."""
    noun = de.OBJECTS[key].split()[1]
    ein, ending = {"m": ("einen", "en"), "f": ("eine", "e"), "n": ("ein", "es")}[gender(noun)]
    ein = ein if mood == "tell" else "k" + ein
    assert words(de.thing(Clause("act", thing=key, mood=mood))) == f"{ein} {noun}"
    for quality in {*meaning.QUALITIES[key], *meaning.DEED_QUALITIES["write"]}:
        base = "teur" if quality == "expensive" else de.ADJECTIVES[quality]
        assert words(de.thing(Clause("act", thing=key, quality=quality, mood=mood))) == f"{ein} {base}{ending} {noun}"


@pytest.mark.parametrize("key", meaning.OBJECTS)
def test_numbers_take_the_plural(key):
    """Feminines add -(e)n; others in -el, -en, -er add nothing, the rest -e but for some in -er, -en and -s."""
    noun = de.OBJECTS[key].split()[1]
    base = {
        "Apfel": "Äpfel", "Mantel": "Mäntel", "Hammer": "Hämmer", "Ball": "Bäll", "Korb": "Körb", "Knopf": "Knöpf",
        "Stuhl": "Stühl", "Hut": "Hüt", "Kamm": "Kämm", "Buch": "Büch", "Tagebuch": "Tagebüch", "Band": "Bänd",
    }.get(noun, noun)  # fmt: skip
    if noun in DIE:
        ending = "n" if re.search("e[lr]?$", noun) else "en"
    elif noun in ("Ei", "Buch", "Tagebuch", "Kleid", "Band", "Bild"):
        ending = "er"
    else:
        ending = "" if re.search("e[lnr]$", noun) else {"Hemd": "en", "Schal": "s"}.get(noun, "e")
    names = ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"]
    for number, name in zip(range(2, 13), names):
        assert words(de.thing(Clause("act", thing=key, number=number))) == f"{name} {base}{ending}"


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_past_and_infinitive_belong_together(verb):
    """The past is regular or in the list of strong verbs; a particle is said apart from the finite verb."""
    past, infinitive, *particle = de.PAST[verb].split()
    base = infinitive.removeprefix(particle[0]) if particle else infinitive
    assert past == STRONG.get(base, weak_past(base))
    assert base.endswith("n")
    assert particle == {"rest": ["aus", "sich"], "return": ["zurück"]}.get(verb, [])


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_every_verb_in_every_mood(verb):
    """'kaufte', 'kauften', 'nicht', 'wollte(n) kaufen' and the question, each with one mark of action."""
    past, infinitive, *rest = de.PAST[verb].split()
    sich, particle = " sich" * (past == REFLEXIVE), "".join(f" {part}" for part in rest[:1])
    plural = past + "n" * past.endswith("e") + "en" * (not past.endswith("e"))
    told, two = "Der König ", "Der König und die Königin "
    assert say("king", verb=verb) == f"{told}{past}{sich}{particle}."
    assert say("king", "queen", verb=verb) == f"{two}{plural}{sich}{particle}."
    assert say("king", verb=verb, mood="deny") == f"{told}{past}{sich} nicht{particle}."
    assert say("king", "queen", verb=verb, mood="deny") == f"{two}{plural}{sich} nicht{particle}."
    assert say("king", verb=verb, mood="ask") == f"{past.capitalize()}{sich} der König{particle}?"
    assert say("king", verb=verb, mood="wish") == f"{told}wollte{sich} {infinitive}."
    assert say("king", "queen", verb=verb, mood="wish") == f"{two}wollten{sich} {infinitive}."
    for mood in meaning.MOODS:
        marks = [p for p in de.realise(Clause("act", ("king",), verb, mood=mood)) if isinstance(p, Mark)]
        assert [(m.concept, m.value) for m in marks if m.concept == "action"] == [("action", verb)]


@pytest.mark.parametrize("place", PLACES)
def test_places(place):
    """Rest takes the dative, motion the accusative (zu: the dative); one swims in the water, not beside it."""
    rest, motion = PLACES[place]
    assert words(de.place(place, "wait")) == rest
    for verb in meaning.MOVES:
        assert words(de.place(place, verb)) == motion
    if place in meaning.STAYS["swim"]:
        assert words(de.place(place, "swim")) == {"lake": "im See", "river": "im Fluss"}[place]


def test_the_verb_is_second():
    """After an opening time or place the verb precedes the subject; without one the subject opens."""
    roles = {"verb": "buy", "thing": "apple", "place": "market"}
    assert say("boy", **roles, time="morning") == "Am Morgen kaufte der Junge auf dem Markt einen Apfel."
    assert say("boy", **roles, place_first=True) == "Auf dem Markt kaufte der Junge einen Apfel."
    assert say("boy", **roles) == "Der Junge kaufte auf dem Markt einen Apfel."
    assert say("boy", **roles, time="later", pronoun=True) == "Später kaufte er auf dem Markt einen Apfel."


def test_particle_closes_the_sentence():
    """A separable verb leaves its particle at the end."""
    text = say("king", "queen", verb="return", place="castle", time="night")
    assert text == "In der Nacht kehrten der König und die Königin ins Schloss zurück."


def test_sich_stands_before_a_noun_and_after_a_pronoun():
    """The reflexive follows the verb, but a pronoun comes between."""
    assert say("aunt", verb="rest", time="noon") == "Am Mittag ruhte sich die Tante aus."
    assert say("aunt", verb="rest", time="noon", pronoun=True) == "Am Mittag ruhte sie sich aus."
    assert say("aunt", verb="rest", place="park", pronoun=True) == "Sie ruhte sich im Park aus."
    assert say("horse", verb="rest", place="park", mood="ask") == "Ruhte sich das Pferd im Park aus?"
    text = say("aunt", verb="rest", place="park", mood="wish", time="later")
    assert text == "Später wollte sich die Tante im Park ausruhen."


@pytest.mark.parametrize("verb", [*meaning.TRANSFERS, *meaning.TO_PERSONS])
def test_case_of_the_person(verb):
    """Who is given, brought, shown, helped, thanked or followed stands in the dative, all others in the accusative."""
    dative = verb in ("give", "bring", "show", "help", "thank", "follow")
    thing = {"thing": "coin", "quality": "expensive"} if verb in meaning.TRANSFERS else {}
    expected = f"Sie {de.PAST[verb].split()[0]} {'dem' if dative else 'den'} Bauern" + " eine teure Münze" * bool(thing)
    assert say("queen", verb=verb, patient="farmer", pronoun=True, **thing) == expected + "."


def test_a_picture_is_painted_otherwise():
    """A chair is bemalt, a picture gemalt, told or wished."""
    assert say("boy", verb="paint", thing="chair") == "Der Junge bemalte einen Stuhl."
    assert say("boy", "girl", verb="paint", thing="picture") == "Der Junge und das Mädchen malten ein Bild."
    assert say("boy", verb="paint", thing="picture", mood="wish") == "Der Junge wollte ein Bild malen."


def test_denials():
    """kein goes with a thing; nicht stands after a definite object and its place, but before a place alone."""
    assert (
        say("king", verb="lose", thing="key", place="park", mood="deny") == "Der König verlor im Park keinen Schlüssel."
    )
    text = say("king", verb="give", patient="witch", thing="egg", mood="deny", time="sunday")
    assert text == "Am Sonntag gab der König der Hexe kein Ei."
    text = say("king", "aunt", verb="see", patient="bear", place="forest", mood="deny")
    assert text == "Der König und die Tante sahen den Bären im Wald nicht."
    assert say("king", verb="stay", place="house", mood="deny") == "Der König blieb nicht im Haus."
    assert say("king", verb="cry", place="house", place_first=True, mood="deny") == "Im Haus weinte der König nicht."


def test_states_and_qualities():
    """A predicate adjective has no ending, and nicht stands before it."""
    for quality in meaning.STATES:
        adjective = de.ADJECTIVES[quality]
        assert say("aunt", kind="state", quality=quality) == f"Die Tante war {adjective}."
        assert say("aunt", "king", kind="state", quality=quality) == f"Die Tante und der König waren {adjective}."
        text = say("aunt", kind="state", quality=quality, mood="deny", time="evening")
        assert text == f"Am Abend war die Tante nicht {adjective}."
    for key, values in meaning.QUALITIES.items():
        noun = de.OBJECTS[key].split()[1]
        article = {"m": "Der", "f": "Die", "n": "Das"}[gender(noun)]
        for quality in values:
            assert say(kind="quality", thing=key, quality=quality) == f"{article} {noun} war {de.ADJECTIVES[quality]}."


def test_questions_and_answers():
    """The verb opens a question, and ja or nein an answer, where the verb is second as ever."""
    roles = {"verb": "follow", "patient": "pig"}
    assert say("sheep", verb="wait", place="village", mood="ask") == "Wartete das Schaf im Dorf?"
    assert say("sheep", verb="wait", answer="yes", pronoun=True) == "Ja, es wartete."
    assert say("girl", verb="wait", answer="yes", pronoun=True) == "Ja, sie wartete."
    assert say("cook", **roles, place="village", mood="ask") == "Folgte der Koch dem Schwein im Dorf?"
    assert say("cook", **roles, answer="no", mood="deny", pronoun=True) == "Nein, er folgte dem Schwein nicht."
    text = say("cook", verb="bake", thing="cake", answer="no", mood="deny", pronoun=True)
    assert text == "Nein, er backte keinen Kuchen."
    text = say("cook", verb="sleep", answer="yes", pronoun=True, time="night")
    assert text == "Ja, in der Nacht schlief er."


def test_wishes():
    """The infinitive closes a wish, after objects and place."""
    text = say("cook", "aunt", verb="eat", thing="pear", number=12, place="beach", mood="wish", time="noon")
    assert text == "Am Mittag wollten der Koch und die Tante am Strand zwölf Birnen essen."
    text = say("cook", verb="help", patient="boy", place="school", mood="wish")
    assert text == "Der Koch wollte dem Jungen in der Schule helfen."
    assert say("cook", verb="return", place="park", mood="wish") == "Der Koch wollte in den Park zurückkehren."


@pytest.mark.parametrize("manner", meaning.MANNERS)
def test_manners(manner):
    """Every manner has its word, or another one with those verbs that it would not suit."""
    other = {
        "carefully": ("sorgfältig", {"clean", "paint", "repair", "wash", "write"}),
        "quietly": ("still", {"rest", "sleep", "wait"}),
    }
    word, verbs = other.get(manner, ("", set()))
    for verb in meaning.MANNERS[manner]:
        pieces = de.realise(Clause("act", ("aunt",), verb, manner=manner))
        assert Mark("manner", manner, word if verb in verbs else de.MANNERS[manner]) in pieces


def test_place_of_the_manner():
    """The manner precedes a definite object and a place, but follows the place if an indefinite object comes."""
    assert say("aunt", verb="sing", manner="loudly", place="church") == "Die Tante sang laut in der Kirche."
    text = say("aunt", verb="open", thing="box", manner="carefully", place="castle", time="monday")
    assert text == "Am Montag öffnete die Tante im Schloss vorsichtig eine Kiste."
    text = say("aunt", verb="follow", patient="boy", manner="secretly", place="forest")
    assert text == "Die Tante folgte heimlich dem Jungen im Wald."
    text = say("aunt", verb="show", patient="boy", thing="ring", manner="proudly")
    assert text == "Die Tante zeigte dem Jungen voller Stolz einen Ring."
    assert say("aunt", verb="rest", manner="quietly", place="park") == "Die Tante ruhte sich still im Park aus."


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("cold", "war es kalt"),
        ("fog", "war es neblig"),
        ("rain", "regnete es"),
        ("snow", "schneite es"),
        ("storm", "stürmte es"),
        ("sun", "schien die Sonne"),
        ("thunder", "donnerte es"),
        ("warm", "war es warm"),
        ("wind", "wehte der Wind"),
    ],
)
def test_weather(key, text):
    """The weather follows a time or a place, its verb in the second place."""
    assert say(kind="weather", verb=key, time="spring") == f"Im letzten Frühling {text}."
    assert say(kind="weather", verb=key, place="mountain", place_first=True) == f"Auf dem Berg {text}."


def test_every_meaning_can_be_said():
    """Every verb with every subject, thing, place, time, mood is realised without a missing form."""
    clause = Clause("act", ("aunt",), "see", patient="bear", place="forest")
    for changes in (
        *({"subjects": (being,), "patient": being, "mood": mood} for being in BEINGS for mood in meaning.MOODS),
        *({"thing": thing, "number": number} for thing in meaning.OBJECTS for number in meaning.NUMBERS),
        *({"kind": "weather", "verb": sort, "time": time} for sort in meaning.WEATHER for time in meaning.TIMES),
        *({"place": place, "verb": verb} for place in meaning.PLACES for verb in meaning.VERBS),
        *({"verb": v, "manner": manner} for manner, verbs in meaning.MANNERS.items() for v in verbs),
    ):
        text, spans = compose([sentence("de", replace(clause, **changes))])
        assert re.fullmatch(r"[A-ZÄÖÜ][a-zA-ZäöüÄÖÜß]+( [a-zA-ZäöüÄÖÜß]+)*[.?]", text)
        assert all(text[span.start : span.end].strip() for span in spans)
