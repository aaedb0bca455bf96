"""What the generated world is made of, before any language: who can do what, with what, and where.

Every key is an English word that serves as the name of the thing in all languages. The languages themselves, in
`sieve.text.languages`, hold one entry per key and turn a `Clause` into words.
"""

from __future__ import annotations

from dataclasses import dataclass

MALE = ("baker", "boy", "brother", "cook", "doctor", "farmer", "father", "fisherman", "gardener", "grandfather",
        "hunter", "king", "merchant", "painter", "prince", "sailor", "soldier", "uncle")  # fmt: skip
FEMALE = ("actress", "aunt", "bride", "dancer", "girl", "grandmother", "mother", "neighbour", "nurse", "princess",
          "queen", "seamstress", "singer", "sister", "student", "teacher", "witch", "writer")  # fmt: skip
PERSONS = MALE + FEMALE

OUTDOORS = ("beach", "bridge", "field", "forest", "garden", "harbour", "island", "lake", "market", "mountain", "park",
            "river", "square", "village")  # fmt: skip
PLACES = (*OUTDOORS, "bakery", "castle", "church", "hospital", "house", "kitchen", "library", "museum", "school",
          "station", "theatre")  # fmt: skip

ANIMALS = {  # and where one meets them
    "bear": ("forest", "mountain", "river"),
    "bird": ("beach", "castle", "field", "forest", "garden", "island", "park", "square"),
    "cat": ("castle", "garden", "house", "kitchen", "park", "village"),
    "chicken": ("field", "garden", "market", "village"),
    "cow": ("field", "mountain", "river", "village"),
    "dog": ("beach", "bridge", "field", "garden", "house", "market", "park", "square", "station", "village"),
    "donkey": ("field", "market", "mountain", "village"),
    "duck": ("garden", "lake", "park", "river"),
    "fox": ("field", "forest", "river"),
    "frog": ("garden", "lake", "river"),
    "goat": ("field", "garden", "mountain", "village"),
    "horse": ("castle", "field", "forest", "river", "village"),
    "mouse": ("castle", "church", "garden", "house", "kitchen", "library", "school"),
    "owl": ("castle", "church", "forest"),
    "pig": ("field", "market", "village"),
    "rabbit": ("field", "forest", "garden", "park"),
    "sheep": ("field", "island", "mountain", "village"),
    "snake": ("field", "forest", "island", "river"),
    "swan": ("castle", "lake", "park", "river"),
    "wolf": ("forest", "mountain"),
}
FED = ("bird", "cat", "chicken", "cow", "dog", "donkey", "duck", "goat", "horse", "pig", "rabbit", "sheep", "swan")

FOOD = ("apple", "biscuit", "cake", "carrot", "cherry", "egg", "lemon", "mushroom", "onion", "orange", "pear", "potato",
        "sandwich", "tomato")  # fmt: skip
TEXTS = ("book", "diary", "letter", "map", "newspaper", "poem")
COLOURFUL = ("bag", "ball", "basket", "blanket", "bottle", "bowl", "box", "bucket", "button", "candle", "chair", "coat",
             "cup", "dress", "glove", "hat", "kite", "lamp", "pillow", "plate", "ribbon", "scarf", "shirt", "shoe",
             "umbrella")  # fmt: skip
PLAIN = ("bell", "broom", "brush", "clock", "coin", "comb", "drum", "feather", "fork", "guitar", "hammer", "key",
         "knife", "ladder", "mirror", "necklace", "needle", "picture", "ring", "rope", "spoon", "violin")  # fmt: skip
OBJECTS = (*FOOD, *TEXTS, *COLOURFUL, *PLAIN, "flower")
WARES = (*FOOD, "book", "map", "newspaper", *COLOURFUL, *PLAIN, "flower")
LOSABLE = ("bag", "ball", "book", "button", "coin", "comb", "diary", "feather", "glove", "hat", "key", "letter", "map",
           "necklace", "needle", "ring", "scarf", "shoe", "umbrella")  # fmt: skip
THROWN = ("apple", "ball", "coin", "egg", "hat", "lemon", "pillow", "rope", "shoe", "tomato")
CARRIED = ("bag", "basket", "box", "bucket", "chair", "clock", "drum", "ladder", "lamp", "mirror", "picture")

COLOURS = ("black", "blue", "brown", "green", "grey", "red", "white", "yellow")
QUALITIES = {
    **dict.fromkeys(FOOD, ("big", "cheap", "fresh", "small", "tiny")),
    **dict.fromkeys(TEXTS, ("beautiful", "new", "old", "strange")),
    **dict.fromkeys(PLAIN, ("beautiful", "big", "cheap", "expensive", "new", "old", "small", "strange")),
    **dict.fromkeys(COLOURFUL, ("beautiful", "big", "cheap", "dirty", "expensive", "new", "old", "small", *COLOURS)),
    "bag": ("big", "dirty", "heavy", "new", "old", "small", *COLOURS),
    "box": ("big", "heavy", "old", "small", "strange", *COLOURS),
    "mirror": ("beautiful", "big", "dirty", "expensive", "heavy", "old", "small"),
    "flower": ("beautiful", "big", "small", "strange", "tiny", "blue", "red", "white", "yellow"),
}

DEED_QUALITIES = {
    "write": ("beautiful", "strange"),
    "bake": ("beautiful", "big", "small"),
}  # nobody writes an old letter

_ROOMS = ("castle", "garden", "house", "kitchen", "school")
ACTS = {  # verb: (what it is done to, where)
    "bake": (("biscuit", "cake"), ("bakery", "castle", "house", "kitchen")),
    "break": (("bottle", "bowl", "cup", "lamp", "mirror", "plate", "violin"), (*_ROOMS, "market", "theatre")),
    "buy": (WARES, ("harbour", "market", "square", "station", "village")),
    "carry": (CARRIED, ("bridge", "church", "garden", "harbour", "house", "market", "mountain", "station", "village")),
    "clean": (("bag", "basket", "bucket", "chair", "clock", "coat", "lamp", "mirror", "picture", "shoe"), _ROOMS),
    "draw": (("apple", "basket", "bottle", "candle", "chair", "cup", "feather", "flower", "guitar", "lamp", "map",
              "pear", "violin"), ("beach", "garden", "lake", "library", "museum", "park", "river", "school")),
    "eat": (FOOD, ("bakery", "beach", "field", "forest", "garden", "house", "kitchen", "lake", "market", "park",
                   "station")),
    "find": ((*TEXTS, *COLOURFUL, *PLAIN), PLACES),
    "forget": (LOSABLE, ("bakery", "church", "hospital", "library", "museum", "school", "station", "theatre")),
    "hide": (LOSABLE, (*_ROOMS, "church", "field", "forest", "island", "library", "theatre")),
    "lose": (LOSABLE, ("beach", "bridge", "field", "forest", "harbour", "market", "mountain", "park", "square",
                       "station", "village")),
    "open": (("bag", "book", "bottle", "box", "diary", "letter", "umbrella"),
             (*_ROOMS, "beach", "bridge", "square", "station")),
    "paint": (("bowl", "box", "bucket", "chair", "drum", "kite", "ladder", "picture"), (*_ROOMS, "harbour", "park")),
    "read": (TEXTS, (*_ROOMS, "beach", "hospital", "library", "park", "station")),
    "repair": (("bag", "box", "chair", "clock", "drum", "guitar", "kite", "ladder", "lamp", "shoe", "umbrella"),
               (*_ROOMS, "harbour", "village")),
    "seek": (LOSABLE, (*_ROOMS, "beach", "bridge", "field", "forest", "library", "park", "theatre")),
    "sell": (WARES, ("harbour", "market", "square", "village")),
    "steal": (("bag", "book", "cake", "coin", "key", "map", "necklace", "picture", "ring", "violin"),
              ("castle", "church", "house", "market", "museum", "station", "theatre")),
    "throw": (THROWN, ("beach", "bridge", "field", "garden", "lake", "park", "river", "school", "theatre")),
    "wash": (("apple", "blanket", "bottle", "bowl", "carrot", "cup", "dress", "fork", "glove", "knife", "pear", "plate",
              "scarf", "shirt", "spoon", "tomato"), ("kitchen", "lake", "river")),
    "write": (("book", "diary", "letter", "poem"), (*_ROOMS, "hospital", "library", "park")),
}  # fmt: skip
COUNTED = ("buy", "draw", "eat", "find", "sell", "throw", "wash")
STAYS = {
    "cry": PLACES,
    "dance": ("beach", "bridge", "castle", "forest", "garden", "kitchen", "park", "square", "theatre", "village"),
    "laugh": PLACES,
    "play": ("beach", "castle", "field", "forest", "garden", "house", "park", "river", "school", "square", "village"),
    "rest": ("beach", "church", "forest", "garden", "hospital", "house", "lake", "mountain", "park", "river"),
    "sing": PLACES,
    "sleep": ("beach", "castle", "forest", "garden", "hospital", "house", "park", "river", "station", "village"),
    "stay": PLACES,
    "swim": ("lake", "river"),
    "wait": PLACES,
    "work": ("bakery", "castle", "field", "forest", "garden", "harbour", "hospital", "kitchen", "library", "market",
             "museum", "school", "station", "theatre", "village"),
}  # fmt: skip
MOVES = ("come", "go", "hurry", "return", "run")
TRANSFERS = ("bring", "give", "show")
TO_PERSONS = ("call", "follow", "greet", "help", "hug", "see", "seek", "thank", "visit")
TO_ANIMALS = ("draw", "feed", "follow", "see", "seek", "wash")
OF_ANIMALS = ("play", "rest", "sleep", "wait")
VERBS = tuple(sorted({*ACTS, *STAYS, *MOVES, *TRANSFERS, *TO_PERSONS, *TO_ANIMALS, "have"}))
WISHED = tuple(verb for verb in VERBS if verb not in {"come", "cry", "find", "forget", "have", "lose", "return"})
MANNERS = {  # and what can be done so
    "carefully": ("carry", "clean", "feed", "open", "paint", "repair", "wash", "write"),
    "gladly": ("bake", "dance", "eat", "feed", "give", "help", "play", "sing", "visit", "work"),
    "loudly": ("call", "cry", "greet", "laugh", "sing"),
    "patiently": ("draw", "repair", "seek", "wait", "work"),
    "proudly": ("bring", "carry", "sell", "show", "sing"),
    "quickly": ("buy", "clean", "eat", "hide", "open", "read", "swim", "wash", "write"),
    "quietly": ("follow", "laugh", "play", "read", "rest", "sleep", "wait"),
    "secretly": ("bring", "eat", "follow", "give", "hide", "open", "read", "sell", "steal", "write"),
    "slowly": ("carry", "dance", "draw", "eat", "open", "read", "swim", "work"),
}

STATES = ("afraid", "angry", "bored", "busy", "calm", "happy", "hungry", "nervous", "proud", "sad", "sick", "surprised",
          "thirsty", "tired")  # fmt: skip
WEATHER = ("cold", "fog", "rain", "snow", "storm", "sun", "thunder", "warm", "wind")
DAYS = ("friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday", "yesterday")
SEASONS = ("autumn", "spring", "summer", "winter")
HOURS = ("morning", "noon", "afternoon", "evening", "night")  # in the order in which they come
TIMES = (*DAYS, *SEASONS, *HOURS, "later")
NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
MOODS = ("tell", "deny", "ask", "wish")

HELD_OUT = (
    "bride",
    "uncle",
    "swan",
    "donkey",
    "island",
    "museum",
    "lemon",
    "diary",
    "kite",
    "violin",
)  # never in training


@dataclass(frozen=True)
class Clause:
    """The meaning of one sentence. Which roles are filled depends on `kind`; an empty string or 0 is an absent role.

    act      `subjects` `verb` [`patient`] [`number` or `quality` of `thing`] [`place`]: deeds, motion, rest, having
    state    `subjects` are `quality`
    quality  the `thing` named before is `quality`
    weather  `verb` at `time` or else in `place`

    `mood`: it is told or denied that the subjects did so; or it is asked whether they did; or they wished to. An
    `answer` of 'yes' or 'no' opens the sentence after a question. Only acts can be asked or wished, only acts without a
    number and states can be denied.
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
    manner: str = ""
    mood: str = "tell"
    answer: str = ""
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
