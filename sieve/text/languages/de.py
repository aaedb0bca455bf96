"""German: three genders, three cases, and a finite verb that keeps the second place whatever opens the sentence.

Infinitives and particles wait for its end; what is not done is done to kein thing, or nicht done.
"""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import ANIMALS, FEMALE, MOVES, Clause, kind_of

BEINGS = {  # gender, nominative, and for weak nouns the form of the other cases
    "baker": "m Bäcker", "boy": "m Junge Jungen", "brother": "m Bruder", "cook": "m Koch", "doctor": "m Arzt",
    "farmer": "m Bauer Bauern", "father": "m Vater", "fisherman": "m Fischer", "gardener": "m Gärtner",
    "grandfather": "m Großvater", "hunter": "m Jäger", "king": "m König", "merchant": "m Händler",
    "painter": "m Maler", "prince": "m Prinz Prinzen", "sailor": "m Matrose Matrosen",
    "soldier": "m Soldat Soldaten", "uncle": "m Onkel",
    "actress": "f Schauspielerin", "aunt": "f Tante", "bride": "f Braut", "dancer": "f Tänzerin", "girl": "n Mädchen",
    "grandmother": "f Großmutter", "mother": "f Mutter", "neighbour": "f Nachbarin", "nurse": "f Krankenschwester",
    "princess": "f Prinzessin", "queen": "f Königin", "seamstress": "f Schneiderin", "singer": "f Sängerin",
    "sister": "f Schwester", "student": "f Studentin", "teacher": "f Lehrerin", "witch": "f Hexe",
    "writer": "f Schriftstellerin",
    "bear": "m Bär Bären", "bird": "m Vogel", "cat": "f Katze", "chicken": "n Huhn", "cow": "f Kuh", "dog": "m Hund",
    "donkey": "m Esel", "duck": "f Ente", "fox": "m Fuchs", "frog": "m Frosch", "goat": "f Ziege", "horse": "n Pferd",
    "mouse": "f Maus", "owl": "f Eule", "pig": "n Schwein", "rabbit": "n Kaninchen", "sheep": "n Schaf",
    "snake": "f Schlange", "swan": "m Schwan", "wolf": "m Wolf",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "m Apfel Äpfel", "biscuit": "m Keks Kekse", "cake": "m Kuchen Kuchen", "carrot": "f Karotte Karotten",
    "cherry": "f Kirsche Kirschen", "egg": "n Ei Eier", "lemon": "f Zitrone Zitronen", "mushroom": "m Pilz Pilze",
    "onion": "f Zwiebel Zwiebeln", "orange": "f Orange Orangen", "pear": "f Birne Birnen",
    "potato": "f Kartoffel Kartoffeln", "sandwich": "n Butterbrot Butterbrote", "tomato": "f Tomate Tomaten",
    "book": "n Buch Bücher", "diary": "n Tagebuch Tagebücher", "letter": "m Brief Briefe",
    "map": "f Landkarte Landkarten", "newspaper": "f Zeitung Zeitungen", "poem": "n Gedicht Gedichte",
    "bag": "f Tasche Taschen", "ball": "m Ball Bälle", "basket": "m Korb Körbe", "blanket": "f Decke Decken",
    "bottle": "f Flasche Flaschen", "bowl": "f Schüssel Schüsseln", "box": "f Kiste Kisten", "bucket": "m Eimer Eimer",
    "button": "m Knopf Knöpfe", "candle": "f Kerze Kerzen", "chair": "m Stuhl Stühle", "coat": "m Mantel Mäntel",
    "cup": "f Tasse Tassen", "dress": "n Kleid Kleider", "glove": "m Handschuh Handschuhe", "hat": "m Hut Hüte",
    "kite": "m Papierdrachen Papierdrachen", "lamp": "f Lampe Lampen", "pillow": "n Kissen Kissen",
    "plate": "m Teller Teller", "ribbon": "n Band Bänder", "scarf": "m Schal Schals", "shirt": "n Hemd Hemden",
    "shoe": "m Schuh Schuhe", "umbrella": "m Regenschirm Regenschirme", "bell": "f Glocke Glocken",
    "broom": "m Besen Besen", "brush": "f Bürste Bürsten", "clock": "f Wanduhr Wanduhren", "coin": "f Münze Münzen",
    "comb": "m Kamm Kämme", "drum": "f Trommel Trommeln", "feather": "f Feder Federn", "fork": "f Gabel Gabeln",
    "guitar": "f Gitarre Gitarren", "hammer": "m Hammer Hämmer", "key": "m Schlüssel Schlüssel",
    "knife": "n Messer Messer", "ladder": "f Leiter Leitern", "mirror": "m Spiegel Spiegel",
    "necklace": "f Halskette Halsketten", "needle": "f Nadel Nadeln", "picture": "n Bild Bilder",
    "ring": "m Ring Ringe", "rope": "n Seil Seile", "spoon": "m Löffel Löffel", "violin": "f Geige Geigen",
    "flower": "f Blume Blumen",
}  # fmt: skip
PLACES = {  # gender, noun, preposition of rest (with dative), preposition of motion (zu with dative, others accusative)
    "beach": "m Strand an zu", "bridge": "f Brücke auf zu", "field": "n Feld auf auf", "forest": "m Wald in in",
    "garden": "m Garten in in", "harbour": "m Hafen an zu", "island": "f Insel auf auf", "lake": "m See an zu",
    "market": "m Markt auf auf", "mountain": "m Berg auf auf", "park": "m Park in in", "river": "m Fluss an zu",
    "square": "m Rathausplatz auf zu", "village": "n Dorf in in", "bakery": "f Bäckerei in in",
    "castle": "n Schloss in in", "church": "f Kirche in in", "hospital": "n Krankenhaus in zu", "house": "n Haus in in",
    "kitchen": "f Küche in in", "library": "f Bibliothek in in", "museum": "n Museum in in", "school": "f Schule in zu",
    "station": "m Bahnhof an zu", "theatre": "n Theater in in",
}  # fmt: skip
PAST = {  # past, infinitive, and for separable verbs the particle; sich if the verb is reflexive
    "bake": "backte backen", "break": "zerbrach zerbrechen", "bring": "brachte bringen", "buy": "kaufte kaufen",
    "call": "rief rufen", "carry": "trug tragen", "clean": "säuberte säubern", "come": "kam kommen",
    "cry": "weinte weinen", "dance": "tanzte tanzen", "draw": "zeichnete zeichnen", "eat": "aß essen",
    "feed": "fütterte füttern", "find": "fand finden", "follow": "folgte folgen", "forget": "vergaß vergessen",
    "give": "gab geben", "go": "ging gehen", "greet": "begrüßte begrüßen", "have": "hatte haben", "help": "half helfen",
    "hide": "versteckte verstecken", "hug": "umarmte umarmen", "hurry": "eilte eilen", "laugh": "lachte lachen",
    "lose": "verlor verlieren", "open": "öffnete öffnen", "paint": "bemalte bemalen", "play": "spielte spielen",
    "read": "las lesen", "repair": "reparierte reparieren", "rest": "ruhte ausruhen aus sich",
    "return": "kehrte zurückkehren zurück", "run": "lief laufen", "see": "sah sehen", "seek": "suchte suchen",
    "sell": "verkaufte verkaufen", "show": "zeigte zeigen", "sing": "sang singen", "sleep": "schlief schlafen",
    "stay": "blieb bleiben", "steal": "stahl stehlen", "swim": "schwamm schwimmen", "thank": "dankte danken",
    "throw": "warf werfen", "visit": "besuchte besuchen", "wait": "wartete warten", "wash": "wusch waschen",
    "work": "arbeitete arbeiten", "write": "schrieb schreiben",
}  # fmt: skip
PAST_WITH = {("paint", "picture"): "malte malen"}  # a thing is bemalt, but a picture gemalt
DATIVE_VERBS = ("bring", "follow", "give", "help", "show", "thank")
ADJECTIVES = {
    "beautiful": "schön", "big": "groß", "black": "schwarz", "blue": "blau", "brown": "braun", "cheap": "billig",
    "dirty": "schmutzig", "expensive": "teuer", "fresh": "frisch", "green": "grün", "grey": "grau", "heavy": "schwer",
    "new": "neu", "old": "alt", "red": "rot", "small": "klein", "strange": "seltsam", "tiny": "winzig",
    "white": "weiß", "yellow": "gelb",
    "afraid": "ängstlich", "angry": "wütend", "bored": "gelangweilt", "busy": "beschäftigt", "calm": "ruhig",
    "happy": "glücklich", "hungry": "hungrig", "nervous": "nervös", "proud": "stolz", "sad": "traurig", "sick": "krank",
    "surprised": "überrascht", "thirsty": "durstig", "tired": "müde",
}  # fmt: skip
STEMS = {"teuer": "teur"}  # where an ending changes the adjective
NUMBERS = {
    2: "zwei", 3: "drei", 4: "vier", 5: "fünf", 6: "sechs", 7: "sieben", 8: "acht", 9: "neun", 10: "zehn", 11: "elf",
    12: "zwölf",
}  # fmt: skip
TIMES = {
    "friday": "am Freitag", "monday": "am Montag", "saturday": "am Samstag", "sunday": "am Sonntag",
    "thursday": "am Donnerstag", "tuesday": "am Dienstag", "wednesday": "am Mittwoch", "yesterday": "gestern",
    "autumn": "im letzten Herbst", "spring": "im letzten Frühling", "summer": "im letzten Sommer",
    "winter": "im letzten Winter", "morning": "am Morgen", "noon": "am Mittag", "afternoon": "am Nachmittag",
    "evening": "am Abend", "night": "in der Nacht", "later": "später",
}  # fmt: skip
WEATHER = {  # always after an opening
    "cold": "war es kalt", "fog": "war es neblig", "rain": "regnete es", "snow": "schneite es", "storm": "stürmte es",
    "sun": "schien die Sonne", "thunder": "donnerte es", "warm": "war es warm", "wind": "wehte der Wind",
}  # fmt: skip
MANNERS = {
    "carefully": "vorsichtig", "gladly": "fröhlich", "loudly": "laut", "patiently": "geduldig",
    "proudly": "voller Stolz", "quickly": "schnell", "quietly": "leise", "secretly": "heimlich", "slowly": "langsam",
}  # fmt: skip
MANNERS_WITH = {  # one works sorgfältig, not vorsichtig, and sleeps still, not leise
    **{("carefully", verb): "sorgfältig" for verb in ("clean", "paint", "repair", "wash", "write")},
    **{("quietly", verb): "still" for verb in ("rest", "sleep", "wait")},
}
ANSWERS = {"yes": "ja,", "no": "nein,"}

DEFINITE = {
    "nominative": {"m": "der", "f": "die", "n": "das"},
    "accusative": {"m": "den", "f": "die", "n": "das"},
    "dative": {"m": "dem", "f": "der", "n": "dem"},
}
INDEFINITE = {"m": "einen", "f": "eine", "n": "ein"}  # accusative, the only case an indefinite object stands in
ENDINGS = {"m": "en", "f": "e", "n": "es"}  # of an adjective after INDEFINITE
PRONOUNS = {"m": "er", "f": "sie", "n": "es"}
CONTRACTIONS = {
    ("in", "dem"): "im", ("an", "dem"): "am", ("zu", "dem"): "zum", ("zu", "der"): "zur", ("in", "das"): "ins",
    ("auf", "das"): "aufs",
}  # fmt: skip


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: opening or subject (in a question neither), finite verb, subject, objects, the rest."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*(opening or where), Mark("weather", clause.verb, WEATHER[clause.verb])]
    answer: list[Piece] = [ANSWERS[clause.answer]] if clause.answer else []
    subject = _subject(clause)
    first, third = (opening, subject) if opening or clause.mood == "ask" else (subject, [])
    if clause.kind == "act" and "sich" in _forms(clause):
        third = [*third, "sich"] if clause.pronoun else ["sich", *third]
    return [*answer, *first, _finite(clause), *third, *_middle(clause, where), *_last(clause)]


def being(key: str, case: str) -> list[Piece]:
    """A definite person or animal in a case: 'der Bauer', 'den Bauern', 'dem Bauern'."""
    gender, *forms = BEINGS[key].split()
    noun = forms[0] if case == "nominative" else forms[-1]
    return [DEFINITE[case][gender], Mark(kind_of(key), key, noun)]


def pronoun(key: str) -> str:
    """What stands for a being: 'er' or 'sie' (also for the girl) for a person, for an animal what fits its noun."""
    if key in ANIMALS:
        return PRONOUNS[BEINGS[key][0]]
    return PRONOUNS["f" if key in FEMALE else "m"]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [DEFINITE["nominative"][gender], Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return [pronoun(clause.subjects[0])]
    names = [being(key, "nominative") for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "und", *names[1]]


def _forms(clause: Clause) -> list[str]:
    """Past, infinitive and perhaps particle and sich of the verb."""
    return PAST_WITH.get((clause.verb, clause.thing), PAST[clause.verb]).split()


def _finite(clause: Clause) -> Piece:
    """'kaufte', 'kauften'; 'wollte' of a wish; 'war' of a state."""
    if clause.kind != "act":
        return "waren" if clause.plural else "war"
    if clause.mood == "wish":
        return "wollten" if clause.plural else "wollte"
    form = _forms(clause)[0]
    if clause.plural:
        form += "n" if form.endswith("e") else "en"
    return Mark("action", clause.verb, form)


def _middle(clause: Clause, where: list[Piece]) -> list[Piece]:
    """Between the verb and its end: objects, place and manner, and the nicht where there is no kein.

    'geduldig das Schaf im Wald', but 'im Wald geduldig ein Buch'; 'das Schaf im Wald nicht', but 'nicht im Wald'.
    """
    patient: list[Piece] = []
    if clause.patient:
        patient = being(clause.patient, "dative" if clause.verb in DATIVE_VERBS else "accusative")
    key = (clause.manner, clause.verb)
    manner = MANNERS_WITH.get(key, MANNERS[clause.manner]) if clause.manner else ""
    how: list[Piece] = [Mark("manner", clause.manner, manner)] if manner else []
    if clause.thing and clause.kind == "act":
        return [*patient, *where, *how, *thing(clause)]
    if clause.mood != "deny":
        return [*how, *patient, *where]
    return [*patient, *where, "nicht"] if patient else ["nicht", *where]


def _last(clause: Clause) -> list[Piece]:
    """What closes the clause: a predicate adjective, an infinitive, or the particle of the verb."""
    if clause.kind != "act":
        return [Mark("quality", clause.quality, ADJECTIVES[clause.quality])]
    _, infinitive, *particle = _forms(clause)
    if clause.mood == "wish":
        return [Mark("action", clause.verb, infinitive)]
    return [*particle[:1]]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause in the accusative: 'einen alten Hut', 'drei Hüte', and denied 'keinen Hut'."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", clause.thing, plural)]
    article = ("k" if clause.mood == "deny" else "") + INDEFINITE[gender]
    noun = Mark("object", clause.thing, singular)
    if not clause.quality:
        return [article, noun]
    adjective = ADJECTIVES[clause.quality]
    form = STEMS.get(adjective, adjective) + ENDINGS[gender]
    return [article, Mark("quality", clause.quality, form), noun]


def _place(clause: Clause) -> list[Piece]:
    return place(clause.place, clause.verb) if clause.place else []


def place(key: str, verb: str) -> list[Piece]:
    """Where ('im Wald', 'am See', but to swim 'im See') or whither, after a verb of motion ('in den Wald')."""
    gender, noun, rest, towards = PLACES[key].split()
    motion = verb in MOVES
    preposition = towards if motion else "in" if verb == "swim" else rest
    case = "accusative" if motion and preposition != "zu" else "dative"
    article = DEFINITE[case][gender]
    mark = Mark("place", key, noun)
    contracted = CONTRACTIONS.get((preposition, article))
    return [contracted, mark] if contracted else [preposition, article, mark]
