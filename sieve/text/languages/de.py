"""German: three genders, three cases, and a finite verb that keeps the second place whatever opens the sentence."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, MOVES, Clause, kind_of

BEINGS = {  # gender, nominative, and for weak nouns the form of the other cases
    "baker": "m Bäcker", "boy": "m Junge Jungen", "cook": "m Koch", "doctor": "m Arzt", "farmer": "m Bauer Bauern",
    "fisherman": "m Fischer", "gardener": "m Gärtner", "grandfather": "m Großvater", "king": "m König",
    "painter": "m Maler", "sailor": "m Matrose Matrosen", "soldier": "m Soldat Soldaten",
    "actress": "f Schauspielerin", "aunt": "f Tante", "dancer": "f Tänzerin", "girl": "n Mädchen",
    "grandmother": "f Großmutter", "nurse": "f Krankenschwester", "princess": "f Prinzessin", "queen": "f Königin",
    "singer": "f Sängerin", "student": "f Studentin", "teacher": "f Lehrerin", "writer": "f Schriftstellerin",
    "bear": "m Bär Bären", "bird": "m Vogel", "cat": "f Katze", "cow": "f Kuh", "dog": "m Hund", "duck": "f Ente",
    "fox": "m Fuchs", "goat": "f Ziege", "horse": "n Pferd", "mouse": "f Maus", "rabbit": "n Kaninchen",
    "wolf": "m Wolf",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "m Apfel Äpfel", "cake": "m Kuchen Kuchen", "carrot": "f Karotte Karotten", "egg": "n Ei Eier",
    "orange": "f Orange Orangen", "pear": "f Birne Birnen", "tomato": "f Tomate Tomaten", "book": "n Buch Bücher",
    "letter": "m Brief Briefe", "map": "f Landkarte Landkarten", "newspaper": "f Zeitung Zeitungen",
    "bag": "f Tasche Taschen", "ball": "m Ball Bälle", "basket": "m Korb Körbe", "bottle": "f Flasche Flaschen",
    "box": "f Kiste Kisten", "candle": "f Kerze Kerzen", "chair": "m Stuhl Stühle", "coat": "m Mantel Mäntel",
    "cup": "f Tasse Tassen", "hat": "m Hut Hüte", "lamp": "f Lampe Lampen", "plate": "m Teller Teller",
    "umbrella": "m Regenschirm Regenschirme", "coin": "f Münze Münzen", "guitar": "f Gitarre Gitarren",
    "key": "m Schlüssel Schlüssel", "knife": "n Messer Messer", "mirror": "m Spiegel Spiegel",
    "picture": "n Bild Bilder", "ring": "m Ring Ringe", "spoon": "m Löffel Löffel", "flower": "f Blume Blumen",
}  # fmt: skip
PLACES = {  # gender, noun, preposition of rest (with dative), preposition of motion (zu with dative, others accusative)
    "beach": "m Strand an zu", "bridge": "f Brücke auf zu", "forest": "m Wald in in", "garden": "m Garten in in",
    "market": "m Markt auf auf", "park": "m Park in in", "river": "m Fluss an zu", "square": "m Platz auf zu",
    "village": "n Dorf in in", "castle": "n Schloss in in", "kitchen": "f Küche in in", "library": "f Bibliothek in in",
    "school": "f Schule in in", "station": "m Bahnhof an zu",
}  # fmt: skip
PAST = {
    "buy": "kaufte", "come": "kam", "cry": "weinte", "dance": "tanzte", "draw": "zeichnete", "eat": "aß",
    "feed": "fütterte", "find": "fand", "give": "gab", "go": "ging", "greet": "begrüßte", "have": "hatte",
    "help": "half", "hug": "umarmte", "lose": "verlor", "open": "öffnete", "play": "spielte", "read": "las",
    "repair": "reparierte", "return": "kehrte", "run": "lief", "see": "sah", "seek": "suchte", "sell": "verkaufte",
    "show": "zeigte", "sing": "sang", "sleep": "schlief", "stay": "blieb", "visit": "besuchte", "wait": "wartete",
    "wash": "wusch", "work": "arbeitete", "write": "schrieb",
}  # fmt: skip
PARTICLES = {"return": "zurück"}
DATIVE_VERBS = ("give", "help", "show")
ADJECTIVES = {
    "beautiful": "schön", "big": "groß", "black": "schwarz", "blue": "blau", "expensive": "teuer", "fresh": "frisch",
    "green": "grün", "heavy": "schwer", "new": "neu", "old": "alt", "red": "rot", "small": "klein", "white": "weiß",
    "angry": "wütend", "busy": "beschäftigt", "calm": "ruhig", "happy": "glücklich", "hungry": "hungrig",
    "sad": "traurig", "sick": "krank", "tired": "müde",
}  # fmt: skip
STEMS = {"teuer": "teur"}  # where an ending changes the adjective
NUMBERS = {2: "zwei", 3: "drei", 4: "vier", 5: "fünf", 6: "sechs", 7: "sieben", 8: "acht"}
TIMES = {
    "friday": "am Freitag", "monday": "am Montag", "sunday": "am Sonntag", "yesterday": "gestern",
    "summer": "im letzten Sommer", "winter": "im letzten Winter", "morning": "am Morgen", "noon": "am Mittag",
    "afternoon": "am Nachmittag", "evening": "am Abend", "night": "in der Nacht", "later": "später",
}  # fmt: skip
WEATHER = {
    "cold": "war es kalt", "rain": "regnete es", "snow": "schneite es", "sun": "schien die Sonne",
    "warm": "war es warm", "wind": "wehte der Wind",
}  # fmt: skip

DEFINITE = {
    "nominative": {"m": "der", "f": "die", "n": "das"},
    "accusative": {"m": "den", "f": "die", "n": "das"},
    "dative": {"m": "dem", "f": "der", "n": "dem"},
}
INDEFINITE = {"m": "einen", "f": "eine", "n": "ein"}  # accusative, the only case an indefinite object stands in
ENDINGS = {"m": "en", "f": "e", "n": "es"}  # of an adjective after INDEFINITE
CONTRACTIONS = {
    ("in", "dem"): "im", ("an", "dem"): "am", ("zu", "dem"): "zum", ("zu", "der"): "zur", ("in", "das"): "ins",
}  # fmt: skip


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: opening or subject, verb, subject after an opening, definite object, place, the rest."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    subject = _subject(clause)
    first, third = (opening, subject) if opening else (subject, [])
    return [*first, _verb(clause), *third, *_patient(clause), *where, *_last(clause)]


def being(key: str, case: str) -> list[Piece]:
    """A definite person or animal in a case: 'der Bauer', 'den Bauern', 'dem Bauern'."""
    gender, *forms = BEINGS[key].split()
    noun = forms[0] if case == "nominative" else forms[-1]
    return [DEFINITE[case][gender], Mark(kind_of(key), key, noun)]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [DEFINITE["nominative"][gender], Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return ["sie" if clause.subjects[0] in FEMALE else "er"]
    names = [being(key, "nominative") for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "und", *names[1]]


def _verb(clause: Clause) -> Piece:
    if clause.kind != "act":
        return "waren" if clause.plural else "war"
    form = PAST[clause.verb]
    if clause.plural:
        form += "n" if form.endswith("e") else "en"
    return Mark("action", clause.verb, form)


def _patient(clause: Clause) -> list[Piece]:
    if not clause.patient:
        return []
    return being(clause.patient, "dative" if clause.verb in DATIVE_VERBS else "accusative")


def _last(clause: Clause) -> list[Piece]:
    """What closes the clause: a predicate adjective, or an indefinite object and the particle of the verb."""
    if clause.kind != "act":
        return [Mark("quality", clause.quality, ADJECTIVES[clause.quality])]
    pieces = thing(clause) if clause.thing else []
    return [*pieces, PARTICLES[clause.verb]] if clause.verb in PARTICLES else pieces


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause in the accusative: 'einen alten Hut', 'drei Hüte'."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", clause.thing, plural)]
    noun = Mark("object", clause.thing, singular)
    if not clause.quality:
        return [INDEFINITE[gender], noun]
    adjective = ADJECTIVES[clause.quality]
    form = STEMS.get(adjective, adjective) + ENDINGS[gender]
    return [INDEFINITE[gender], Mark("quality", clause.quality, form), noun]


def _place(clause: Clause) -> list[Piece]:
    return place(clause.place, clause.verb in MOVES) if clause.place else []


def place(key: str, motion: bool) -> list[Piece]:
    """Where ('im Wald', 'auf der Brücke') or, with `motion`, whither ('in den Wald', 'zur Brücke')."""
    gender, noun, rest, towards = PLACES[key].split()
    preposition = towards if motion else rest
    case = "accusative" if motion and preposition != "zu" else "dative"
    article = DEFINITE[case][gender]
    mark = Mark("place", key, noun)
    contracted = CONTRACTIONS.get((preposition, article))
    return [contracted, mark] if contracted else [preposition, article, mark]
