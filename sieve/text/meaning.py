"""What the generated world is made of, before any language: who can do what, with what, and where.

Every key is an English word that serves as the name of the thing in all languages. The languages themselves, in
`sieve.text.languages`, hold one entry per key and turn a `Clause` into words.
"""

from __future__ import annotations

from dataclasses import dataclass

MALE = ("baker", "boy", "cook", "doctor", "farmer", "fisherman", "gardener", "grandfather", "king", "painter", "sailor",
        "soldier")  # fmt: skip
FEMALE = ("actress", "aunt", "dancer", "girl", "grandmother", "nurse", "princess", "queen", "singer", "student",
          "teacher", "writer")  # fmt: skip
PERSONS = MALE + FEMALE

OUTDOORS = ("beach", "bridge", "forest", "garden", "market", "park", "river", "square", "village")
PLACES = (*OUTDOORS, "castle", "kitchen", "library", "school", "station")

ANIMALS = {  # and where one meets them
    "bear": ("forest", "river"),
    "bird": ("beach", "castle", "forest", "garden", "park", "square"),
    "cat": ("castle", "garden", "kitchen", "park", "village"),
    "cow": ("river", "village"),
    "dog": ("beach", "bridge", "garden", "market", "park", "square", "station", "village"),
    "duck": ("garden", "park", "river"),
    "fox": ("forest", "river"),
    "goat": ("garden", "river", "village"),
    "horse": ("castle", "forest", "river", "village"),
    "mouse": ("castle", "garden", "kitchen", "library", "school"),
    "rabbit": ("forest", "garden", "park"),
    "wolf": ("forest",),
}
FED = ("bird", "cat", "cow", "dog", "duck", "goat", "horse", "rabbit")

FOOD = ("apple", "cake", "carrot", "egg", "orange", "pear", "tomato")
TEXTS = ("book", "letter", "map", "newspaper")
COLOURFUL = ("bag", "ball", "basket", "bottle", "box", "candle", "chair", "coat", "cup", "hat", "lamp", "plate",
             "umbrella")  # fmt: skip
PLAIN = ("coin", "guitar", "key", "knife", "mirror", "picture", "ring", "spoon")
OBJECTS = (*FOOD, *TEXTS, *COLOURFUL, *PLAIN, "flower")
WARES = (*FOOD, "book", "map", "newspaper", *COLOURFUL, *PLAIN, "flower")
LOSABLE = ("bag", "ball", "book", "coin", "hat", "key", "letter", "map", "ring", "umbrella")

COLOURS = ("black", "blue", "green", "red", "white")
QUALITIES = {
    **dict.fromkeys(FOOD, ("big", "small", "fresh")),
    **dict.fromkeys(TEXTS, ("beautiful", "new", "old")),
    **dict.fromkeys(PLAIN, ("beautiful", "big", "expensive", "new", "old", "small")),
    **dict.fromkeys(COLOURFUL, ("beautiful", "big", "expensive", "new", "old", "small", *COLOURS)),
    "bag": ("big", "heavy", "new", "old", "small", *COLOURS),
    "box": ("big", "heavy", "old", "small", *COLOURS),
    "mirror": ("beautiful", "big", "expensive", "heavy", "old", "small"),
    "flower": ("beautiful", "big", "small", "blue", "red", "white"),
}

DEED_QUALITIES = {"write": ("beautiful",)}  # nobody writes an old letter

_ROOMS = ("castle", "garden", "kitchen", "school")
ACTS = {  # verb: (what it is done to, where)
    "buy": (WARES, ("market", "square", "station", "village")),
    "draw": (("apple", "basket", "bottle", "candle", "chair", "cup", "flower", "guitar", "lamp", "map", "pear"),
             ("beach", "garden", "library", "park", "river", "school")),
    "eat": (FOOD, ("beach", "forest", "garden", "kitchen", "market", "park", "river", "station")),
    "find": ((*TEXTS, *COLOURFUL, *PLAIN), PLACES),
    "lose": (LOSABLE, ("beach", "bridge", "forest", "market", "park", "square", "station", "village")),
    "open": (("bag", "book", "bottle", "box", "letter", "umbrella"), (*_ROOMS, "beach", "bridge", "square", "station")),
    "read": (TEXTS, (*_ROOMS, "beach", "library", "park", "station")),
    "repair": (("bag", "box", "chair", "guitar", "lamp", "umbrella"), (*_ROOMS, "village")),
    "seek": (LOSABLE, (*_ROOMS, "beach", "bridge", "forest", "library", "park")),
    "sell": (WARES, ("market", "square", "village")),
    "wash": (("apple", "bottle", "carrot", "cup", "knife", "pear", "plate", "spoon", "tomato"), ("kitchen", "river")),
    "write": (("book", "letter"), (*_ROOMS, "library", "park")),
}  # fmt: skip
COUNTED = ("buy", "draw", "eat", "find", "sell", "wash")
STAYS = {
    "cry": PLACES,
    "dance": ("beach", "bridge", "castle", "forest", "garden", "kitchen", "park", "square", "village"),
    "play": ("beach", "castle", "forest", "garden", "park", "river", "school", "square", "village"),
    "sing": PLACES,
    "sleep": ("beach", "castle", "forest", "garden", "park", "river", "station", "village"),
    "stay": PLACES,
    "wait": PLACES,
    "work": ("castle", "forest", "garden", "kitchen", "library", "market", "school", "station", "village"),
}
MOVES = ("come", "go", "return", "run")
TRANSFERS = ("give", "show")
TO_PERSONS = ("greet", "help", "hug", "see", "seek", "visit")
TO_ANIMALS = ("draw", "feed", "see", "seek")
OF_ANIMALS = ("play", "sleep", "wait")
VERBS = tuple(sorted({*ACTS, *STAYS, *MOVES, *TRANSFERS, *TO_PERSONS, *TO_ANIMALS, "have"}))

STATES = ("angry", "busy", "calm", "happy", "hungry", "sad", "sick", "tired")
WEATHER = ("cold", "rain", "snow", "sun", "warm", "wind")
DAYS = ("friday", "monday", "sunday", "yesterday")
SEASONS = ("summer", "winter")
HOURS = ("morning", "noon", "afternoon", "evening", "night")  # in the order in which they come
TIMES = (*DAYS, *SEASONS, *HOURS, "later")
NUMBERS = (2, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True)
class Clause:
    """The meaning of one sentence. Which roles are filled depends on `kind`; an empty string or 0 is an absent role.

    act      `subjects` `verb` [`patient`] [`number` or `quality` of `thing`] [`place`]: deeds, motion, rest, having
    state    `subjects` are `quality`
    quality  the `thing` named before is `quality`
    weather  `verb` at `time` or else in `place`
    """

    kind: str
    subjects: tuple[str, ...] = ()
    verb: str = ""
    patient: str = ""
    thing: str = ""
    quality: str = ""
    number: int = 0
    place: str = ""
    time: str = ""
    pronoun: bool = False  # say he or she for the one subject
    place_first: bool = False  # only without a time: the sentence opens with the place

    @property
    def plural(self) -> bool:
        """Whether the verb agrees with more than one subject."""
        return len(self.subjects) > 1


def qualities(verb: str, thing: str) -> tuple[str, ...]:
    """How a thing can be to which `verb` is done."""
    return DEED_QUALITIES.get(verb, QUALITIES[thing])


def kind_of(being: str) -> str:
    """The concept to which a living being belongs: 'person' or 'animal'."""
    return "animal" if being in ANIMALS else "person"
