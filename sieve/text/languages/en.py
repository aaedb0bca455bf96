"""English: keys are words already, so that the lexicon holds past tenses, odd plurals and whole adverbials."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, MOVES, Clause, kind_of

PAST = {
    "buy": "bought", "come": "came", "cry": "cried", "dance": "danced", "draw": "drew", "eat": "ate", "feed": "fed",
    "find": "found", "give": "gave", "go": "went", "greet": "greeted", "have": "had", "help": "helped", "hug": "hugged",
    "lose": "lost", "open": "opened", "play": "played", "read": "read", "repair": "repaired", "return": "returned",
    "run": "ran", "see": "saw", "seek": "looked for", "sell": "sold", "show": "showed", "sing": "sang",
    "sleep": "slept", "stay": "stayed", "visit": "visited", "wait": "waited", "wash": "washed", "work": "worked",
    "write": "wrote",
}  # fmt: skip
PLURALS = {"box": "boxes", "knife": "knives", "tomato": "tomatoes"}  # all others add -s
PREPOSITIONS = {  # all others take in
    "beach": "on", "bridge": "on", "market": "at", "river": "by", "school": "at", "station": "at",
}  # fmt: skip
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
TIMES = {
    "friday": "on Friday", "monday": "on Monday", "sunday": "on Sunday", "yesterday": "yesterday",
    "summer": "last summer", "winter": "last winter", "morning": "in the morning", "noon": "at noon",
    "afternoon": "in the afternoon", "evening": "in the evening", "night": "at night", "later": "later",
}  # fmt: skip
WEATHER = {
    "cold": "it was cold", "rain": "it rained", "snow": "it snowed", "sun": "the sun shone", "warm": "it was warm",
    "wind": "the wind blew",
}  # fmt: skip


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    return [*opening, *_subject(clause), *_predicate(clause), *where]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        return ["the", Mark("object", clause.thing, clause.thing)]
    if clause.pronoun:
        return ["she" if clause.subjects[0] in FEMALE else "he"]
    names: list[list[Piece]] = [["the", Mark(kind_of(being), being, being)] for being in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "and", *names[1]]


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind != "act":
        return ["were" if clause.plural else "was", Mark("quality", clause.quality, clause.quality)]
    pieces: list[Piece] = [Mark("action", clause.verb, PAST[clause.verb])]
    if clause.patient:
        pieces += ["the", Mark(kind_of(clause.patient), clause.patient, clause.patient)]
    return pieces + thing(clause) if clause.thing else pieces


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
    preposition = "to" if clause.verb in MOVES else PREPOSITIONS.get(clause.place, "in")
    return [preposition, "the", Mark("place", clause.place, clause.place)]
