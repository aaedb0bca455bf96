"""The paradigms of French, as tables over its whole lexicon."""

import re
from collections import Counter
from itertools import combinations

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import fr, sentence
from sieve.text.meaning import Clause
from sieve.text.templates import VALUES
from sieve.text.world import generate_documents

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
FEMININE_ANIMALS = {"chicken", "cow", "frog", "goat", "mouse", "owl"}
FEMININE_THINGS = {
    "apple", "carrot", "cherry", "orange", "pear", "potato", "tomato", "letter", "map", "ball", "blanket", "bottle",
    "box", "candle", "chair", "cup", "dress", "lamp", "plate", "scarf", "shirt", "shoe", "bell", "brush", "clock",
    "coin", "feather", "fork", "guitar", "key", "ladder", "needle", "ring", "rope", "spoon", "flower",
}  # fmt: skip
ELIDED = {
    "uncle", "actress", "nurse", "student", "teacher", "writer", "bear", "bird", "donkey", "egg", "onion", "orange",
    "pillow", "plate", "scarf", "clock", "ladder", "needle", "island", "church", "hospital", "school",
}  # fmt: skip
QUALITIES = {  # masculine and feminine; those before the noun in capitals
    "beautiful": "BEAU BELLE", "big": "GRAND GRANDE", "black": "noir noire", "blue": "bleu bleue",
    "brown": "marron marron", "cheap": "bon_marché bon_marché", "dirty": "sale sale", "expensive": "coûteux coûteuse",
    "fresh": "frais fraîche", "green": "vert verte", "grey": "gris grise", "heavy": "lourd lourde",
    "new": "NOUVEAU NOUVELLE",
    "old": "VIEUX VIEILLE", "red": "rouge rouge", "small": "PETIT PETITE", "strange": "étrange étrange",
    "tiny": "minuscule minuscule", "white": "blanc blanche", "yellow": "jaune jaune",
}  # fmt: skip
STATES = {  # he, she, they, they (feminine)
    "afraid": "avait peur|avait peur|avaient peur|avaient peur",
    "angry": "était fâché|était fâchée|étaient fâchés|étaient fâchées",
    "bored": "s'ennuyait|s'ennuyait|s'ennuyaient|s'ennuyaient",
    "busy": "était occupé|était occupée|étaient occupés|étaient occupées",
    "calm": "était calme|était calme|étaient calmes|étaient calmes",
    "happy": "était heureux|était heureuse|étaient heureux|étaient heureuses",
    "hungry": "avait faim|avait faim|avaient faim|avaient faim",
    "nervous": "était nerveux|était nerveuse|étaient nerveux|étaient nerveuses",
    "proud": "était fier|était fière|étaient fiers|étaient fières",
    "sad": "était triste|était triste|étaient tristes|étaient tristes",
    "sick": "était malade|était malade|étaient malades|étaient malades",
    "surprised": "était surpris|était surprise|étaient surpris|étaient surprises",
    "thirsty": "avait soif|avait soif|avaient soif|avaient soif",
    "tired": "était fatigué|était fatiguée|étaient fatigués|étaient fatiguées",
}
IRREGULAR = {  # verbs whose infinitive does not end in -er: singular, plural, infinitive
    "come": "vint vinrent venir", "feed": "nourrit nourrirent nourrir", "follow": "suivit suivirent suivre",
    "have": "avait avaient avoir", "laugh": "rit rirent rire", "lose": "perdit perdirent perdre",
    "open": "ouvrit ouvrirent ouvrir", "paint": "peignit peignirent peindre", "read": "lut lurent lire",
    "run": "courut coururent courir", "see": "vit virent voir", "sell": "vendit vendirent vendre",
    "sleep": "dormit dormirent dormir", "visit": "rendit rendirent rendre", "wait": "attendit attendirent attendre",
    "write": "écrivit écrivirent écrire",
}  # fmt: skip
DENIED = {  # every verb that begins with a vowel, or has another pronoun
    "bring": "n'apporta pas", "buy": "n'acheta pas", "call": "n'appela pas", "forget": "n'oublia pas",
    "go": "n'alla pas", "have": "n'avait pas", "help": "n'aida pas", "hug": "n'enlaça pas", "open": "n'ouvrit pas",
    "wait": "n'attendit pas", "write": "n'écrivit pas", "hurry": "ne se hâta pas", "rest": "ne se reposa pas",
    "visit": "ne rendit pas visite",
}  # fmt: skip


def say(kind="act", **roles):
    """The text of one clause, with its marks."""
    return compose([sentence("fr", Clause(kind, **roles))])[0]


def words(pieces):
    """The text of pieces, without a capital and a full stop."""
    return compose([(["x", *pieces], "", "")])[0][2:]


def feminine(thing):
    """Whether a thing has a feminine name."""
    return thing in FEMININE_THINGS


def test_lexicon_covers_the_meanings():
    """Every key of the world has an entry, and no table has an entry too many."""
    described = {quality for qualities in meaning.QUALITIES.values() for quality in qualities}
    assert set(fr.BEINGS) == set(BEINGS)
    assert set(fr.OBJECTS) == set(meaning.OBJECTS)
    assert set(fr.PLACES) == set(meaning.PLACES)
    assert set(fr.PAST) == set(meaning.VERBS)
    assert set(fr.ADJECTIVES) | set(fr.STATES) == described | set(meaning.STATES)
    assert not set(fr.ADJECTIVES) & set(fr.STATES)
    assert set(fr.NUMBERS) == set(meaning.NUMBERS)
    assert set(fr.TIMES) == set(meaning.TIMES)
    assert set(fr.WEATHER) == set(meaning.WEATHER)
    assert set(fr.MANNERS) == set(meaning.MANNERS)


def test_different_keys_have_different_words():
    """No two keys share a word, within a table or across: 9 is neuf, so that new is nouveau."""
    nouns = [entry.split()[1] for entry in (*fr.BEINGS.values(), *fr.OBJECTS.values())]
    nouns += [entry.split("/")[1] for entry in fr.PLACES.values()]
    adjectives = [entry.split("/")[0] for entry in (*fr.ADJECTIVES.values(), *fr.STATES.values())]
    verbs = [form for entry in fr.PAST.values() for form in entry.split()]
    others = [*fr.NUMBERS.values(), *fr.TIMES.values(), *fr.MANNERS.values()]
    assert [word for word, times in Counter([*nouns, *adjectives, *verbs, *others]).items() if times > 1] == []


def test_no_name_of_a_problem():
    """No word is a name of the word problems."""
    tables = (fr.BEINGS, fr.OBJECTS, fr.PLACES, fr.PAST, fr.ADJECTIVES, fr.STATES, fr.TIMES, fr.WEATHER, fr.MANNERS)
    names = {name.lower() for name in VALUES["name"]}
    assert names.isdisjoint(
        word for table in tables for entry in table.values() for word in re.findall(r"\w+", entry.lower())
    )


@pytest.mark.parametrize("key", BEINGS)
def test_definite_article_of_beings(key):
    """le, la or l' before the name, au, à la or à l' behind à; women have feminine names, and so have six animals."""
    is_feminine = key in meaning.FEMALE or key in FEMININE_ANIMALS
    noun = fr.BEINGS[key].split()[1]
    article, dative = ("l'", "à l'") if key in ELIDED else ("la ", "à la ") if is_feminine else ("le ", "au ")
    assert words(fr.being(key)) == article + noun
    assert words(fr.being(key, "à")) == dative + noun
    assert say(subjects=("queen",), verb="see", patient=key) == f"La reine vit {article}{noun}."
    assert say(subjects=("queen",), verb="visit", patient=key) == f"La reine rendit visite {dative}{noun}."
    pronoun = "elle" if is_feminine else "il"
    answer = say(subjects=(key,), verb="sleep", answer="yes", pronoun=True)
    assert answer == f"Oui, {pronoun} dormit."


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_articles_of_things(thing):
    """un or une, le, la or l', and de or d' in a denial, as gender and sound want."""
    noun = fr.OBJECTS[thing].split()[1]
    assert words(fr.thing(Clause("act", thing=thing))) == ("une " if feminine(thing) else "un ") + noun
    denied = "d'" if thing in ELIDED else "de "
    assert say(subjects=("king",), verb="see", thing=thing, mood="deny") == f"Le roi ne vit pas {denied}{noun}."
    article = "l'" if thing in ELIDED else "la " if feminine(thing) else "le "
    text = say("quality", thing=thing, quality="strange")
    assert text == f"{article}{noun} était étrange.".capitalize()


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_plurals(thing):
    """A plural adds -s, but -x to -eau, and -al becomes -aux; a numeral stands before it without an article."""
    noun, plural = fr.OBJECTS[thing].split()[1:]
    if thing == "kite":
        expected = "cerfs-volants"
    elif noun.endswith("al"):
        expected = noun[:-1] + "ux"
    else:
        expected = noun + ("x" if noun.endswith("eau") else "s")
    assert plural == expected
    numerals = ("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze")
    for number, numeral in zip(meaning.NUMBERS, numerals, strict=True):
        assert words(fr.thing(Clause("act", thing=thing, number=number))) == f"{numeral} {plural}"


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_adjectives_agree_and_find_their_place(thing):
    """Every adjective with every noun it can have: form, and place before or behind the noun; and so in a predicate."""
    noun = fr.OBJECTS[thing].split()[1]
    for quality in meaning.QUALITIES[thing]:
        form = QUALITIES[quality].split()[feminine(thing)].replace("_", " ")
        if quality == "big" and thing in meaning.FOOD:
            form = "GROSSE" if feminine(thing) else "GROS"
        predicate = say("quality", thing=thing, quality=quality)
        assert predicate.endswith(f"{noun} était {form.lower()}.")
        if thing == "pillow":
            form = {"BEAU": "BEL", "NOUVEAU": "NOUVEL", "VIEUX": "VIEIL"}.get(form, form)
        expected = f"{form.lower()} {noun}" if form.isupper() else f"{noun} {form}"
        pieces = fr.thing(Clause("act", thing=thing, quality=quality))
        assert words(pieces) == ("une " if feminine(thing) else "un ") + expected


def test_adjective_before_a_vowel():
    """A masculine adjective before a vowel sounds like the feminine: bel, vieil, nouvel; others stay."""
    forms = {key: fr.adjective(key, "m", following="oreiller") for key in ("beautiful", "old", "small", "big")}
    assert forms == {"beautiful": "bel", "old": "vieil", "small": "petit", "big": "grand"}
    assert fr.adjective("new", "m", following="oreiller") == "nouvel"
    assert fr.adjective("old", "f", following="assiette") == "vieille"
    assert fr.adjective("old", "m", following="livre") == "vieux"
    assert words(fr.thing(Clause("act", thing="egg", quality="big"))) == "un gros œuf"


def test_adjective_decides_the_elision_of_a_denied_object():
    """pas de vieil oreiller, but pas d'oreiller vert: de meets whatever word comes first."""
    roles = {"subjects": ("king",), "verb": "find", "thing": "pillow", "mood": "deny"}
    assert say(**roles, quality="old") == "Le roi ne trouva pas de vieil oreiller."
    assert say(**roles, quality="green") == "Le roi ne trouva pas d'oreiller vert."


@pytest.mark.parametrize("state", meaning.STATES)
def test_states(state):
    """A state agrees with one or two subjects, masculine unless all are feminine, and ne ... pas surrounds its verb."""
    subjects = ("king",), ("aunt",), ("aunt", "king"), ("aunt", "queen")
    names = "Le roi", "La tante", "La tante et le roi", "La tante et la reine"
    for subject, name, form in zip(subjects, names, STATES[state].split("|"), strict=True):
        assert say("state", subjects=subject, quality=state) == f"{name} {form}."
        verb, *rest = form.split()
        before = "ne " if verb.startswith("s'") else "n'"
        denied = " ".join([before + verb, "pas", *rest])
        assert say("state", subjects=subject, quality=state, mood="deny") == f"{name} {denied}."


def conjugation(verb):
    """Singular, plural and infinitive by rule: -a, -èrent, -er, where c is ç before a and g is ge."""
    if verb in IRREGULAR:
        return IRREGULAR[verb].split()
    infinitive = fr.PAST[verb].split()[2]
    assert infinitive.endswith("er")
    stem = infinitive[:-2]
    before_a = re.sub("g$", "ge", re.sub("c$", "ç", stem))
    return [before_a + "a", stem + "èrent", infinitive]


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verb_forms(verb):
    """Told, asked, wished and denied, in singular and plural, with se and visite where they belong."""
    singular, plural, infinitive = conjugation(verb)
    pronoun = "se " if verb in ("hurry", "rest") else ""
    noun = " visite" if verb == "visit" else ""
    pair = ("king", "queen")
    assert say(subjects=("king",), verb=verb) == f"Le roi {pronoun}{singular}{noun}."
    assert say(subjects=pair, verb=verb) == f"Le roi et la reine {pronoun}{plural}{noun}."
    hung = "-t-" if singular.endswith("a") else "-"
    for subject, one in (("king", "Le roi"), ("queen", "La reine")):
        asked = f"{one} {pronoun}{singular}{hung}{'il' if subject == 'king' else 'elle'}{noun} ?"
        assert say(subjects=(subject,), verb=verb, mood="ask") == asked
    assert say(subjects=pair, verb=verb, mood="ask") == f"Le roi et la reine {pronoun}{plural}-ils{noun} ?"
    assert say(subjects=("king",), verb=verb, mood="wish") == f"Le roi voulut {pronoun}{infinitive}{noun}."
    assert say(subjects=pair, verb=verb, mood="wish") == f"Le roi et la reine voulurent {pronoun}{infinitive}{noun}."
    denied = DENIED.get(verb, f"ne {singular} pas")
    assert say(subjects=("king",), verb=verb, mood="deny") == f"Le roi {denied}."
    assert say(subjects=pair, verb=verb, mood="deny") == f"Le roi et la reine {denied.replace(singular, plural)}."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_one_action_is_marked(verb):
    """Every mood marks one action: the verb itself, or the visite of rendre visite."""
    for mood in meaning.MOODS:
        pieces = fr.realise(Clause("act", ("king",), verb, patient="aunt", mood=mood))
        marks = [piece for piece in pieces if isinstance(piece, Mark) and piece.concept == "action"]
        forms = ["visite"] if verb == "visit" else conjugation(verb)
        assert [mark.surface for mark in marks] == [forms[-1 if mood == "wish" else 0]]


@pytest.mark.parametrize(
    ("place", "rest", "motion"),
    [
        ("bakery", "à la boulangerie", "à la boulangerie"),
        ("beach", "sur la plage", "à la plage"),
        ("bridge", "sur le pont", "au pont"),
        ("castle", "dans le château", "au château"),
        ("church", "dans l'église", "à l'église"),
        ("field", "dans le champ", "au champ"),
        ("forest", "dans la forêt", "dans la forêt"),
        ("garden", "dans le jardin", "au jardin"),
        ("harbour", "au port", "au port"),
        ("hospital", "à l'hôpital", "à l'hôpital"),
        ("house", "dans la maison", "à la maison"),
        ("island", "sur l'île", "sur l'île"),
        ("kitchen", "dans la cuisine", "dans la cuisine"),
        ("lake", "au bord du lac", "au lac"),
        ("library", "à la bibliothèque", "à la bibliothèque"),
        ("market", "au marché", "au marché"),
        ("mountain", "sur la montagne", "à la montagne"),
        ("museum", "au musée", "au musée"),
        ("park", "dans le parc", "au parc"),
        ("river", "au bord de la rivière", "à la rivière"),
        ("school", "à l'école", "à l'école"),
        ("square", "sur la place", "sur la place"),
        ("station", "à la gare", "à la gare"),
        ("theatre", "au théâtre", "au théâtre"),
        ("village", "au village", "au village"),
    ],
)
def test_places(place, rest, motion):
    """Where somebody is, and whither somebody goes, runs (up to it) or hurries (towards it)."""
    assert words(fr.place(place, "sing")) == rest
    for verb in ("come", "go", "return"):
        assert words(fr.place(place, verb)) == motion
    noun = fr.PLACES[place].split("/")[1]
    article = "l'" if place in ELIDED else "le " if fr.PLACES[place][0] == "m" else "la "
    assert words(fr.place(place, "hurry")) == f"vers {article}{noun}"
    assert words(fr.place(place, "run")) == f"jusqu'{'au ' if article == 'le ' else f'à {article}'}{noun}"
    opened = say("weather", verb="cold", place=place, place_first=True)
    assert opened == f"{rest[0].upper()}{rest[1:]} il faisait froid."


def test_every_place_is_tested():
    """The table of places has every place of the world once."""
    table = test_places.pytestmark[0].args[1]
    assert sorted(place for place, _, _ in table) == sorted(meaning.PLACES)


@pytest.mark.parametrize(
    ("time", "phrase"),
    [
        ("monday", "Un lundi"),
        ("tuesday", "Un mardi"),
        ("wednesday", "Un mercredi"),
        ("thursday", "Un jeudi"),
        ("friday", "Un vendredi"),
        ("saturday", "Un samedi"),
        ("sunday", "Un dimanche"),
        ("yesterday", "Hier"),
        ("spring", "Le printemps dernier"),
        ("summer", "L'été dernier"),
        ("autumn", "L'automne dernier"),
        ("winter", "L'hiver dernier"),
        ("morning", "Un matin"),
        ("noon", "À midi"),
        ("afternoon", "L'après-midi"),
        ("evening", "Le soir"),
        ("night", "Pendant la nuit"),
        ("later", "Plus tard"),
    ],
)
def test_times(time, phrase):
    """The time opens the sentence and is marked as a whole."""
    pieces = fr.realise(Clause("act", ("king",), "sing", place="lake", time=time))
    assert pieces[0] == Mark("time", time, phrase[0].lower() + phrase[1:])
    assert say(subjects=("king",), verb="sing", place="lake", time=time) == f"{phrase} le roi chanta au bord du lac."


@pytest.mark.parametrize(
    ("sort", "then", "there"),
    [
        ("cold", "il fit froid", "il faisait froid"),
        ("fog", "il y eut du brouillard", "il y avait du brouillard"),
        ("rain", "il plut", "il pleuvait"),
        ("snow", "il neigea", "il neigeait"),
        ("storm", "une tempête éclata", "une tempête faisait rage"),
        ("sun", "le soleil brilla", "le soleil brillait"),
        ("thunder", "le tonnerre gronda", "le tonnerre grondait"),
        ("warm", "il fit chaud", "il faisait chaud"),
        ("wind", "le vent souffla", "le vent soufflait"),
    ],
)
def test_weather(sort, then, there):
    """At a time the weather happens, in a place it lasts; the whole phrase is marked."""
    assert say("weather", verb=sort, time="later") == f"Plus tard {then}."
    assert say("weather", verb=sort, place="island", place_first=True) == f"Sur l'île {there}."
    assert fr.realise(Clause("weather", verb=sort, time="later"))[1] == Mark("weather", sort, then)


@pytest.mark.parametrize(
    ("manner", "adverb"),
    [
        ("carefully", "soigneusement"),
        ("gladly", "volontiers"),
        ("loudly", "bruyamment"),
        ("patiently", "patiemment"),
        ("proudly", "fièrement"),
        ("quickly", "vite"),
        ("quietly", "sans bruit"),
        ("secretly", "en secret"),
        ("slowly", "lentement"),
    ],
)
def test_manners(manner, adverb):
    """An adverb follows its verb at once, before the object and before the visite of rendre visite."""
    text = say(subjects=("king",), verb="open", thing="letter", place="castle", manner=manner)
    assert text == f"Le roi ouvrit {adverb} une lettre dans le château."
    assert say(subjects=("king",), verb="visit", patient="aunt", manner=manner).endswith(
        f"rendit {adverb} visite à la tante."
    )


def test_told_sentences():
    """What is done comes after the verb, to whom it is given after that, and where it happens at the end."""
    give = say(subjects=("nurse",), verb="give", patient="boy", thing="apple", quality="small")
    assert give == "L'infirmière donna une petite pomme au garçon."
    assert say(subjects=("king",), verb="show", patient="uncle", thing="key") == "Le roi montra une clé à l'oncle."
    forget = say(subjects=("student", "uncle"), verb="forget", thing="key", place="school", time="noon")
    assert forget == "À midi l'étudiante et l'oncle oublièrent une clé à l'école."
    assert say(subjects=("girl",), verb="have", thing="egg", number=12) == "La fillette avait douze œufs."
    swim = say(subjects=("sister",), verb="swim", place="river", manner="quickly", pronoun=True)
    assert swim == "Elle nagea vite dans la rivière."
    assert say(subjects=("owl",), verb="rest", place="church") == "La chouette se reposa dans l'église."


def test_denied_sentences():
    """ne ... pas surrounds the verb, and an indefinite thing is denied with de."""
    roles = {"mood": "deny", "subjects": ("cook",)}
    assert (
        say(**roles, verb="bake", thing="cake", time="night")
        == "Pendant la nuit le cuisinier ne prépara pas de gâteau."
    )
    assert say(**roles, verb="bring", patient="actress", thing="orange") == (
        "Le cuisinier n'apporta pas d'orange à l'actrice."
    )
    assert say(**roles, verb="visit", patient="farmer") == "Le cuisinier ne rendit pas visite au fermier."


def test_one_writes_in_a_notebook():
    """A diary is written in, whatever the mood."""
    roles = {"subjects": ("queen",), "verb": "write", "thing": "diary"}
    assert say(**roles) == "La reine écrivit dans un carnet."
    assert say(**roles, mood="deny") == "La reine n'écrivit pas dans un carnet."
    assert say(**roles, mood="wish", quality="beautiful") == "La reine voulut écrire dans un beau carnet."
    assert say(subjects=("queen",), verb="read", thing="diary") == "La reine lut un carnet."


def test_questions_and_answers():
    """The subject stays first and its pronoun follows the verb; the answer has the pronoun of the noun's gender."""
    roles = {"subjects": ("uncle",), "verb": "repair", "thing": "umbrella"}
    assert say(**roles, mood="ask", place="village") == "L'oncle répara-t-il un parapluie au village ?"
    assert say(**roles, answer="yes", pronoun=True) == "Oui, il répara un parapluie."
    assert say(**roles, answer="no", mood="deny", pronoun=True) == "Non, il ne répara pas de parapluie."
    animal = {"subjects": ("mouse",), "verb": "wait", "pronoun": True}
    assert say(**animal, answer="no", mood="deny") == "Non, elle n'attendit pas."
    assert say(subjects=("mouse",), verb="wait", mood="ask") == "La souris attendit-elle ?"


def test_wishes():
    """vouloir stands in the passé simple, and what is wished for in the infinitive with its pronoun."""
    buy = say(
        subjects=("king", "queen"), verb="buy", thing="key", number=3, place="market", mood="wish", time="morning"
    )
    assert buy == "Un matin le roi et la reine voulurent acheter trois clés au marché."
    assert (
        say(subjects=("aunt",), verb="rest", place="lake", mood="wish") == "La tante voulut se reposer au bord du lac."
    )
    assert say(subjects=("aunt",), verb="visit", patient="king", mood="wish", pronoun=True) == (
        "Elle voulut rendre visite au roi."
    )


def test_pairs_are_masculine_unless_both_are_feminine():
    """Every pair of persons agrees: fiers with a man among them, fières without."""
    for pair in combinations(meaning.PERSONS, 2):
        ending = "fières." if all(person in meaning.FEMALE for person in pair) else "fiers."
        assert say("state", subjects=pair, quality="proud").endswith(f" étaient {ending}")


DOCUMENTS = generate_documents(500, (3, 8), 5, {"en": 1.0, "fr": 1.0})


def test_stories_keep_elision_and_contraction():
    """No story has an open vowel after a short word, an elision without one, or an article that had to merge."""
    vowel = "[aàâeéèêiîoôœuû]"
    for document in DOCUMENTS[1::2]:
        text = document.text.lower()
        assert not re.search(rf"\b(le|la|ne|se|de|que|jusque) ({vowel}|ho|hô)", text), text
        assert not re.search(r"\b(à|de) les?\b", text), text
        assert not re.search(rf"'(?!{vowel}|ho|hô|hiver)", text), text
        assert "' " not in text
        assert "  " not in text


def test_stories_have_the_marks_of_the_english_ones():
    """A story carries the concepts of its English parallel, in whatever order, and its spans hold words."""
    for english, french in zip(DOCUMENTS[::2], DOCUMENTS[1::2], strict=True):
        counts = [Counter((span.concept, span.value) for span in told.concepts) for told in (english, french)]
        assert counts[0] == counts[1]
        for span in french.concepts:
            assert re.fullmatch(r"\w+([ '-]\w+)*", french.text[span.start : span.end])


def test_many_words():
    """The stories use at least 400 different words."""
    texts = " ".join(document.text.lower() for document in DOCUMENTS if document.language == "fr")
    assert len(set(re.findall(r"\w+", texts))) >= 400
