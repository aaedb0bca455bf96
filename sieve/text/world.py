"""Short stories about one or two persons, each told in several languages with the same meaning."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sieve.provenance.randomness import seed_for
from sieve.text import meaning
from sieve.text.document import Document, Span, compose
from sieve.text.languages import LANGUAGES, sentence
from sieve.text.meaning import Clause

__all__ = ["LANGUAGES", "Document", "Span", "generate_documents", "keyed_random"]

EVERYWHERE = dict.fromkeys(LANGUAGES, 1.0)
HELD_OUT_PAIRS = 0.1  # share of all pairs of a verb and what it is done to that training never shows


def keyed_random(seed: int, *purpose: str | int) -> random.Random:
    """A generator that depends on `seed` and `purpose` only, so that streams never shift one another."""
    return random.Random(seed_for(seed, *purpose))


def generate_documents(
    groups: int,
    sentences: tuple[int, int],
    seed: int,
    languages: Mapping[str, float] = EVERYWHERE,
    training: Callable[[int], bool] = lambda group: False,
) -> list[Document]:
    """`groups` stories of `sentences` = (fewest, most) sentences; `languages`: the share of stories told in each.

    Documents come group by group. Group `g` has `parallel` = `g` and depends on `seed`, `sentences`, `g` and
    `training(g)` only: a story for training has none of the words and of the pairs of words that are held out.
    Spans mark nouns (person, animal, object, place), verbs (action), adjectives (quality), numerals (number), adverbs
    (manner) and whole phrases of time and weather; pronouns are not marked. A bad argument is a ValueError.
    """
    fewest, most = sentences
    if groups < 0 or not 1 <= fewest <= most:
        raise ValueError(f"groups={groups}, sentences={sentences}: give groups >= 0 and 1 <= fewest <= most sentences")
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown:
        raise ValueError(f"no grammar for {unknown}; choose languages from {list(LANGUAGES)}")
    wrong = [share for share in languages.values() if not 0 <= share <= 1]
    if wrong:
        raise ValueError(f"languages hold the shares {wrong}; give shares of all stories, from 0 to 1")
    documents = []
    for group in range(groups):
        clauses = tell(keyed_random(seed, "world", group), fewest, most, seed if training(group) else None)
        for language, share in languages.items():
            if keyed_random(seed, "told", language, group).random() < share:
                text, concepts = compose(sentence(language, clause) for clause in clauses)
                documents.append(Document(f"{language}/{group:06d}", text, language, group, concepts))
    return documents


def held_out(seed: int, verb: str, *others: str) -> bool:
    """Whether a verb with one of the things or beings that it is done to is kept from training."""
    return any(seed_for(seed, "pair", verb, other) / 2**63 < HELD_OUT_PAIRS for other in others if other)


@dataclass
class Story:
    """What a narrator keeps in mind: who is there, where, which sentences were said, and what time it could be."""

    rng: random.Random
    training: int | None  # the seed of what is held out, or None where nothing is
    cast: tuple[str, ...] = ()
    here: str = ""
    said: list[Clause] = field(default_factory=list)
    time: str = ""

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def known(self, words: Sequence[str]) -> list[str]:
        """Those of `words` that this story may use."""
        return [word for word in words if self.training is None or word not in meaning.HELD_OUT]

    def pick(self, words: Sequence[str]) -> str:
        """One of the words that this story may use."""
        return self.rng.choice(self.known(words))

    def fresh(self, verbs: Sequence[str]) -> list[str]:
        """Those of `verbs` that the story has not used."""
        used = {clause.verb for clause in self.said}
        return [verb for verb in verbs if verb not in used]

    def place(self) -> str:
        """Where the story is, or nothing if that was said and need not be said again."""
        known = any(clause.place == self.here for clause in self.said)
        return "" if known and self.chance(0.7) else self.here

    def subjects(self) -> tuple[str, ...]:
        """One of the cast, now and then both."""
        return self.cast if self.chance(0.2) else (self.rng.choice(self.cast),)


def tell(rng: random.Random, fewest: int, most: int, training: int | None = None) -> list[Clause]:
    """A story of `fewest` to `most` clauses: one or two persons, one place at a time, a clock that only moves on.

    `training`: the seed of what is held out, which the story then avoids.
    """
    story = Story(rng, training)
    story.cast, story.here = (
        tuple(rng.sample(story.known(meaning.PERSONS), rng.choice((1, 2)))),
        story.pick(meaning.PLACES),
    )
    length = rng.randint(fewest, most)
    while len(story.said) < length:
        story.time = _next_time(story)
        clause = None
        while clause is None:
            frame = rng.choices(tuple(FRAMES), tuple(FRAMES.values()))[0]
            clause = frame(story)
            if clause and training is not None and held_out(training, clause.verb, clause.thing, clause.patient):
                clause = None
        if len(story.said) + 2 <= length and _askable(clause) and story.chance(0.1):
            story.said += _question(story, clause)
        else:
            story.said.append(_with_adverbials(story, _with_mood(story, clause)))
    return story.said


def _askable(clause: Clause) -> bool:
    return clause.kind == "act" and len(clause.subjects) == 1 and clause.verb not in {"have", *meaning.MOVES}


def _question(story: Story, clause: Clause) -> list[Clause]:
    """Whether somebody did it, and the answer."""
    asked = replace(clause, mood="ask", quality="", number=0)
    yes = story.chance(0.5)
    answer = replace(asked, mood="tell" if yes else "deny", answer="yes" if yes else "no", place="", pronoun=True)
    return [asked, replace(answer, place=story.here) if clause.verb == "stay" else answer]


def _with_mood(story: Story, clause: Clause) -> Clause:
    """Deny it, or make it a wish, or say how it was done; mostly leave it."""
    if clause.kind not in ("act", "state") or clause.verb in {"have", *meaning.MOVES}:
        return clause
    if story.chance(0.1) and not clause.number:
        return replace(clause, mood="deny", quality=clause.quality if clause.kind == "state" else "")
    if clause.verb in meaning.WISHED and clause.subjects[0] not in meaning.ANIMALS and story.chance(0.1):
        return replace(clause, mood="wish")
    manners = [manner for manner, verbs in meaning.MANNERS.items() if clause.verb in verbs]
    return replace(clause, manner=story.rng.choice(manners)) if manners and story.chance(0.3) else clause


def _with_adverbials(story: Story, clause: Clause) -> Clause:
    """Add the time, or move the place to the front, or replace a subject just named by a pronoun."""
    if clause.kind == "quality":
        return clause
    clause = replace(clause, time=story.time)
    if not story.time and clause.place and clause.verb not in meaning.MOVES:
        clause = replace(clause, place_first=clause.kind == "weather" or story.chance(0.2))
    before = story.said[-1] if story.said else Clause("none")
    same = len(clause.subjects) == 1 and clause.subjects == before.subjects and clause.subjects[0] in story.cast
    unambiguous = before.patient not in meaning.PERSONS and clause.patient not in meaning.PERSONS
    return replace(clause, pronoun=True) if same and unambiguous and story.chance(0.5) else clause


def _next_time(story: Story) -> str:
    """A time to open the next sentence with, or nothing."""
    said = [clause.time for clause in story.said if clause.time]
    if not story.said:
        return story.rng.choice((*meaning.DAYS, *meaning.SEASONS, *meaning.HOURS[:2])) if story.chance(0.8) else ""
    if story.chance(0.5):
        return ""
    passed = [meaning.HOURS.index(time) for time in said if time in meaning.HOURS]
    earliest = passed[-1] + 1 if passed else 1 if said and "later" not in said else 2  # no hour before what was told
    coming = meaning.HOURS[earliest:][:2]
    if any(time in meaning.SEASONS for time in said):  # a season is too long for the hours of one day
        coming = ()
    choices = coming if "later" in said else (*coming, "later")
    return story.rng.choice(choices) if choices else ""


def _act(story: Story) -> Clause | None:
    verbs = story.fresh([verb for verb, (_, places) in meaning.ACTS.items() if story.here in places])
    if not verbs:
        return None
    verb = story.rng.choice(verbs)
    thing = story.pick(meaning.ACTS[verb][0])
    number, quality = 0, ""
    if verb in meaning.COUNTED and story.chance(0.3):
        number = story.rng.choice(meaning.NUMBERS)
    elif story.chance(0.4):
        quality = story.rng.choice(meaning.qualities(verb, thing))
    place = story.place()
    return Clause("act", story.subjects(), verb, thing=thing, number=number, quality=quality, place=place)


def _transfer(story: Story) -> Clause | None:
    verbs = story.fresh(meaning.TRANSFERS)
    if len(story.cast) < 2 or not verbs:
        return None
    giver, taker = story.rng.sample(story.cast, 2)
    thing = story.pick(meaning.OBJECTS)
    quality = story.rng.choice(meaning.QUALITIES[thing]) if story.chance(0.4) else ""
    return Clause("act", (giver,), story.rng.choice(verbs), patient=taker, thing=thing, quality=quality)


def _meet(story: Story) -> Clause | None:
    verbs = story.fresh(meaning.TO_PERSONS)
    if len(story.cast) < 2 or not verbs:
        return None
    subject, patient = story.rng.sample(story.cast, 2)
    return Clause("act", (subject,), story.rng.choice(verbs), patient=patient, place=story.place())


def _animal(story: Story) -> Clause | None:
    animals = story.known([animal for animal, places in meaning.ANIMALS.items() if story.here in places])
    seen = {being for clause in story.said for being in (*clause.subjects, clause.patient)}
    if not animals or seen & meaning.ANIMALS.keys():
        return None
    animal = story.rng.choice(animals)
    if story.chance(0.3):
        return Clause("act", (animal,), story.rng.choice(meaning.OF_ANIMALS), place=story.place())
    verbs = [verb for verb in story.fresh(meaning.TO_ANIMALS) if verb != "feed" or animal in meaning.FED]
    if not verbs:
        return None
    return Clause("act", story.subjects(), story.rng.choice(verbs), patient=animal, place=story.place())


def _stay(story: Story) -> Clause | None:
    verbs = story.fresh([verb for verb, places in meaning.STAYS.items() if story.here in places])
    if not verbs:
        return None
    verb = story.rng.choice(verbs)
    bare = verb == "stay" or not story.time  # one word and a subject would be all
    return Clause("act", story.subjects(), verb, place=story.here if bare else story.place())


def _move(story: Story) -> Clause | None:
    been = {clause.place for clause in story.said}
    others = [place for place in story.known(meaning.PLACES) if place != story.here]
    known = [place for place in others if place in been]
    verbs = story.fresh([verb for verb in meaning.MOVES if verb != "return" or known])
    if not verbs:
        return None
    verb = story.rng.choice(verbs)
    story.here = story.rng.choice(known if verb == "return" else others)
    return Clause("act", story.subjects(), verb, place=story.here)


def _have(story: Story) -> Clause | None:
    if not story.fresh(("have",)):
        return None
    things = (*meaning.FOOD, *meaning.LOSABLE, "candle", "flower", "picture")
    number = story.rng.choice(meaning.NUMBERS)
    return Clause("act", (story.rng.choice(story.cast),), "have", thing=story.pick(things), number=number)


def _state(story: Story) -> Clause | None:
    if any(clause.kind == "state" for clause in story.said):
        return None
    return Clause("state", story.subjects(), quality=story.rng.choice(meaning.STATES))


def _quality(story: Story) -> Clause | None:
    before = story.said[-1] if story.said else Clause("none")
    if before.kind != "act" or before.mood != "tell" or not before.thing or before.quality or before.number:
        return None
    return Clause("quality", thing=before.thing, quality=story.rng.choice(meaning.qualities(before.verb, before.thing)))


def _weather(story: Story) -> Clause | None:
    if any(clause.kind == "weather" for clause in story.said) or not (story.time or story.here in meaning.OUTDOORS):
        return None
    times = [story.time, *(clause.time for clause in story.said)]
    impossible = {time for time, sorts in UNLIKELY.items() if time in times for time in sorts}
    sorts = [sort for sort in meaning.WEATHER if sort not in impossible]
    return Clause("weather", verb=story.rng.choice(sorts), place="" if story.time else story.here)


UNLIKELY = {
    "summer": ("cold", "fog", "snow"), "winter": ("thunder", "warm"), "night": ("sun",), "evening": ("sun",),
}  # fmt: skip
Frame = Callable[[Story], Clause | None]
FRAMES: dict[Frame, int] = {
    _act: 30, _transfer: 8, _meet: 12, _animal: 10, _stay: 14, _move: 12, _have: 5, _state: 7, _quality: 14,
    _weather: 7,
}  # fmt: skip
