"""English: keys are words already; the lexicon holds past tenses, odd plurals and whole adverbials."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import ANIMALS, FEMALE, MOVES, Clause, kind_of

PAST = {
    "bake": "baked", "break": "broke", "bring": "brought", "buy": "bought", "call": "called", "carry": "carried",
    "clean": "cleaned", "come": "came", "cry": "cried", "dance": "danced", "draw": "drew", "eat": "ate", "feed": "fed",
    "find": "found", "follow": "followed", "forget": "forgot", "give": "gave", "go": "went", "greet": "greeted",
    "have": "had", "help": "helped", "hide": "hid", "hug": "hugged", "hurry": "hurried", "laugh": "laughed",
    "lose": "lost", "open": "opened", "paint": "painted", "play": "played", "read": "read", "repair": "repaired",
    "rest": "rested", "return": "returned", "run": "ran", "see": "saw", "seek": "looked for", "sell": "sold",
    "show": "showed", "sing": "sang", "sleep": "slept", "stay": "stayed", "steal": "stole", "swim": "swam",
    "thank": "thanked", "throw": "threw", "visit": "visited", "wait": "waited", "wash": "washed", "work": "worked",
    "write": "wrote",
}  # fmt: skip
BASES = {"seek": "look for"}  # the key is the base form of all others
PLURALS = {  # all others add -s
    "box": "boxes", "brush": "brushes", "cherry": "cherries", "diary": "diaries", "dress": "dresses",
    "knife": "knives", "potato": "potatoes", "sandwich": "sandwiches", "scarf": "scarves", "tomato": "tomatoes",
}  # fmt: skip
PREPOSITIONS = {  # all others take in
    "bakery": "at", "beach": "on", "bridge": "on", "harbour": "at", "island": "on", "lake": "by", "market": "at",
    "mountain": "on", "museum": "at", "river": "by", "school": "at", "station": "at", "theatre": "at",
}  # fmt: skip
NUMBERS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven",
    12: "twelve",
}  # fmt: skip
TIMES = {
    "friday": "on Friday", "monday": "on Monday", "saturday": "on Saturday", "sunday": "on Sunday",
    "thursday": "on Thursday", "tuesday": "on Tuesday", "wednesday": "on Wednesday", "yesterday": "yesterday",
    "autumn": "last autumn", "spring": "last spring", "summer": "last summer", "winter": "last winter",
    "morning": "in the morning", "noon": "at noon",
    "afternoon": "in the afternoon", "evening": "in the evening", "night": "at night", "later": "later",
}  # fmt: skip
WEATHER = {
    "cold": "it was cold", "fog": "it was foggy", "rain": "it rained", "snow": "it snowed",
    "storm": "there was a storm", "sun": "the sun shone", "thunder": "it thundered", "warm": "it was warm",
    "wind": "the wind blew",
}  # fmt: skip


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    answer = [f"{clause.answer},"] if clause.answer else []
    first = ["did"] if clause.mood == "ask" else []
    return [*answer, *opening, *first, *_subject(clause), *_predicate(clause), *where]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        return ["the", Mark("object", clause.thing, clause.thing)]
    if clause.pronoun:
        who = clause.subjects[0]
        return ["she" if who in FEMALE else "it" if who in ANIMALS else "he"]
    names: list[list[Piece]] = [["the", Mark(kind_of(being), being, being)] for being in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "and", *names[1]]


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind != "act":
        copula = ["were" if clause.plural else "was", *(["not"] if clause.mood == "deny" else [])]
        return [*copula, Mark("quality", clause.quality, clause.quality)]
    pieces = _verb(clause)
    if clause.patient:
        pieces += ["the", Mark(kind_of(clause.patient), clause.patient, clause.patient)]
    return pieces + thing(clause) if clause.thing else pieces


def _verb(clause: Clause) -> list[Piece]:
    """'bought', 'quickly bought', 'did not buy', 'wanted to buy', and 'buy' after the did of a question."""
    base = Mark("action", clause.verb, BASES.get(clause.verb, clause.verb))
    helpers: dict[str, list[Piece]] = {"deny": ["did not"], "wish": ["wanted to"], "ask": []}
    if clause.mood in helpers:
        return [*helpers[clause.mood], base]
    manner: list[Piece] = [Mark("manner", clause.manner, clause.manner)] if clause.manner else []
    return [*manner, Mark("action", clause.verb, PAST[clause.verb])]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'an old book', 'three books'."""
    noun = clause.thing
    if clause.number:
        plural = PLURALS.get(noun, noun + "s")
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", noun, plural)]
    article = "an" if (clause.quality or noun)[0] in "aeiou" else "a"
    quality = [Mark("quality", clause.quality, clause.quality)] if clause.quality else []
    return [article, *quality, Mark("object", noun, noun)]


def _place(clause: Clause) -> list[Piece]:
    if not clause.place:
        return []
    rest = "in" if clause.verb == "swim" else PREPOSITIONS.get(clause.place, "in")
    preposition = "to" if clause.verb in MOVES else rest
    return [preposition, "the", Mark("place", clause.place, clause.place)]
