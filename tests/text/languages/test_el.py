"""The paradigms of Greek, as tables and rules over its whole lexicon."""

import re
import unicodedata
from collections import Counter

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import el, en, sentence
from sieve.text.meaning import Clause
from sieve.text.templates import FEMALE_NAMES, MALE_NAMES
from sieve.text.world import generate_documents

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
DESCRIBED = sorted({quality for qualities in meaning.QUALITIES.values() for quality in qualities})
FEMININE_ANIMALS = {"bear", "cat", "chicken", "cow", "duck", "fox", "goat", "owl"}
NEUTER_BEINGS = {"bird", "boy", "girl", "horse", "mouse", "pig", "rabbit", "sheep", "snake"}
MASCULINE_THINGS = {"bucket", "kite", "map", "mirror", "picture"}
NEUTER_IN_MA = {"dress": "φορέματα", "letter": "γράμματα", "poem": "ποιήματα", "coin": "νομίσματα"}
UNCHANGING = {"cake": "κέικ", "sandwich": "σάντουιτς", "bowl": "μπολ", "scarf": "κασκόλ", "necklace": "κολιέ"}
PLACES = {
    "beach": "στην παραλία", "bridge": "στη γέφυρα", "field": "στο χωράφι", "forest": "στο δάσος",
    "garden": "στον κήπο", "harbour": "στο λιμάνι", "island": "στο νησί", "lake": "στη λίμνη", "market": "στην αγορά",
    "mountain": "στο βουνό", "park": "στο πάρκο", "river": "στο ποτάμι", "square": "στην πλατεία",
    "village": "στο χωριό", "bakery": "στο αρτοποιείο", "castle": "στο κάστρο", "church": "στην εκκλησία",
    "hospital": "στο νοσοκομείο", "house": "στο σπίτι", "kitchen": "στην κουζίνα", "library": "στη βιβλιοθήκη",
    "museum": "στο μουσείο", "school": "στο σχολείο", "station": "στον σταθμό", "theatre": "στο θέατρο",
}  # fmt: skip
ADJECTIVES = {  # with έναν, μια, ένα
    "beautiful": "όμορφο όμορφη όμορφο", "big": "μεγάλο μεγάλη μεγάλο", "black": "μαύρο μαύρη μαύρο",
    "blue": "μπλε μπλε μπλε", "brown": "καφέ καφέ καφέ", "cheap": "φτηνό φτηνή φτηνό",
    "dirty": "βρόμικο βρόμικη βρόμικο", "expensive": "ακριβό ακριβή ακριβό", "fresh": "φρέσκο φρέσκια φρέσκο",
    "green": "πράσινο πράσινη πράσινο", "grey": "γκρίζο γκρίζα γκρίζο", "heavy": "βαρύ βαριά βαρύ",
    "new": "καινούριο καινούρια καινούριο", "old": "παλιό παλιά παλιό", "red": "κόκκινο κόκκινη κόκκινο",
    "small": "μικρό μικρή μικρό", "strange": "παράξενο παράξενη παράξενο",
    "tiny": "μικροσκοπικό μικροσκοπική μικροσκοπικό", "white": "άσπρο άσπρη άσπρο", "yellow": "κίτρινο κίτρινη κίτρινο",
}  # fmt: skip
STATE_STEMS = {
    "afraid": "φοβισμέν", "angry": "θυμωμέν", "bored": "βαριεστημέν", "busy": "απασχολημέν", "calm": "ήρεμ",
    "happy": "χαρούμεν", "hungry": "πεινασμέν", "nervous": "αγχωμέν", "proud": "περήφαν", "sad": "λυπημέν",
    "sick": "άρρωστ", "surprised": "έκπληκτ", "thirsty": "διψασμέν", "tired": "κουρασμέν",
}  # fmt: skip
IRREGULAR = {
    "carry": "κουβαλούσε κουβαλούσαν κουβαλήσει κουβαλήσουν", "come": "ήρθε ήρθαν έρθει έρθουν",
    "eat": "έφαγε έφαγαν φάει φάνε", "feed": "τάισε τάισαν ταΐσει ταΐσουν", "find": "βρήκε βρήκαν βρει βρουν",
    "go": "πήγε πήγαν πάει πάνε", "have": "είχε είχαν έχει έχουν", "see": "είδε είδαν δει δουν",
    "seek": "έψαχνε έψαχναν ψάξει ψάξουν",
}  # fmt: skip
SUBJUNCTIVES = {
    "bake": "ψήσει", "break": "σπάσει", "bring": "φέρει", "buy": "αγοράσει", "call": "φωνάξει", "clean": "καθαρίσει",
    "cry": "κλάψει", "dance": "χορέψει", "draw": "ζωγραφίσει", "follow": "ακολουθήσει", "forget": "ξεχάσει",
    "give": "δώσει", "greet": "χαιρετήσει", "help": "βοηθήσει", "hide": "κρύψει", "hug": "αγκαλιάσει",
    "hurry": "σπεύσει", "laugh": "γελάσει", "lose": "χάσει", "open": "ανοίξει", "paint": "βάψει", "play": "παίξει",
    "read": "διαβάσει", "repair": "επισκευάσει", "rest": "ξεκουραστεί", "return": "γυρίσει", "run": "τρέξει",
    "sell": "πουλήσει", "show": "δείξει", "sing": "τραγουδήσει", "sleep": "κοιμηθεί", "stay": "μείνει",
    "steal": "κλέψει", "swim": "κολυμπήσει", "thank": "ευχαριστήσει", "throw": "πετάξει", "visit": "επισκεφτεί",
    "wait": "περιμένει", "wash": "πλύνει", "work": "δουλέψει", "write": "γράψει",
}  # fmt: skip
NUCLEUS = "[αεο][ιίυύ]|υ[ιί]|ι[αάεέοόωώ]|[αεηιουωάέήίόύώϊϋΐΰ]"  # of a syllable; ι before a vowel is none


def say(kind="act", **roles):
    """The text of one sentence."""
    return compose([sentence("el", Clause(kind, **roles))])[0]


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


def opened(text):
    """A text with a capital at its beginning."""
    return text[0].upper() + text[1:]


def stressless(word):
    """A word without its acute accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", word).replace("\u0301", ""))


def with_n(article, noun):
    """The feminine article or δεν before a word: no ν before a consonant that one can go on sounding."""
    continuant = noun[0] in "βγδζθλμνρσφχ" and noun[:2] not in ("μπ", "ντ", "γκ")
    return f"{article.removesuffix('ν') if continuant else article} {noun}"


def gender_of(being):
    """The gender of the noun for a being."""
    if being in NEUTER_BEINGS:
        return "n"
    return "f" if being in meaning.FEMALE or being in FEMININE_ANIMALS else "m"


def thing_gender(thing):
    """The gender of the noun for a thing, by its ending but for a few."""
    noun = el.OBJECTS[thing].split()[1]
    if thing in MASCULINE_THINGS:
        return "m"
    return "f" if noun.endswith("α") and thing not in NEUTER_IN_MA else "n"


def test_lexicon_covers_the_meanings():
    """Every key of the world has an entry in every table, and no table has an entry too many."""
    assert set(el.BEINGS) == set(BEINGS)
    assert set(el.OBJECTS) == set(meaning.OBJECTS)
    assert set(el.PLACES) == set(meaning.PLACES)
    assert set(el.PAST) == set(meaning.VERBS) == IRREGULAR.keys() | SUBJUNCTIVES.keys()
    assert set(el.ADJECTIVES) == set(DESCRIBED)
    assert set(el.STATES) == set(meaning.STATES)
    assert set(el.NUMBERS) == set(meaning.NUMBERS)
    assert set(el.TIMES) == set(meaning.TIMES)
    assert set(el.WEATHER) == set(meaning.WEATHER)
    assert set(el.MANNERS) == set(meaning.MANNERS)


def test_different_keys_get_different_words():
    """No two beings, things, places, qualities, verbs, times, numbers or manners share their word."""
    for table in (el.BEINGS, el.OBJECTS, el.PLACES, el.PAST, {**el.ADJECTIVES, **el.STATES}, el.TIMES, el.NUMBERS,
                  el.MANNERS, el.WEATHER):  # fmt: skip
        assert len(set(table.values())) == len(table)
    nouns = [entry.split()[1] for table in (el.BEINGS, el.OBJECTS, el.PLACES) for entry in table.values()]
    assert len(set(nouns)) == len(nouns)
    assert not set(nouns) & {*FEMALE_NAMES, *MALE_NAMES}


def test_spelling_is_monotonic_greek():
    """Every word is in Greek letters, with one acute on its last three syllables, or with none if it has only one."""
    tables = (el.BEINGS, el.OBJECTS, el.PLACES, el.PAST, el.ADJECTIVES, el.STATES, el.NUMBERS, el.TIMES, el.WEATHER,
              el.MANNERS)  # fmt: skip
    for word in {word for table in tables for entry in table.values() for word in entry.split()} - {"m", "f", "n"}:
        assert unicodedata.normalize("NFC", word) == word
        assert re.fullmatch("[ΔΚΠΣΤ]?[α-ωάέήίόύώϊϋΐΰ]+", word)
        nuclei = re.findall(NUCLEUS, word)
        assert sum(map(word.count, "άέήίόύώΐΰ")) == (0 if len(nuclei) == 1 else 1), word
        accented = any(letter in "άέήίόύώΐΰ" for letter in "".join(nuclei[-3:]))
        assert accented or len(nuclei) == 1 or word == "γάιδαρος", word  # whose άι is one syllable
        assert not re.search("ς.", word)
        assert not word.endswith("σ")


@pytest.mark.parametrize("being", BEINGS)
def test_beings_in_every_case(being):
    """ο τον στον, η τη(ν) στη(ν), το το στο; what ends in -ς (men, two women) loses it in the accusative."""
    noun = el.BEINGS[being].split()[1]
    bare = noun[:-1] if noun.endswith("ς") else noun
    gender = gender_of(being)
    assert noun.endswith("ς") == (gender == "m" or being in ("actress", "writer"))
    nominative, accusative, with_se = (words(el.being(being, case)) for case in ("nominative", "accusative", "σε"))
    assert nominative == {"m": "ο", "f": "η", "n": "το"}[gender] + " " + noun
    assert accusative == {"m": f"τον {bare}", "f": with_n("την", bare), "n": f"το {bare}"}[gender]
    assert with_se == "σ" + accusative
    roles = {"subjects": ("boy",), "patient": being}
    assert say(verb="see", **roles) == f"Το αγόρι είδε {accusative}."
    assert say(verb="give", thing="apple", **roles) == f"Το αγόρι έδωσε {with_se} ένα μήλο."
    assert say(subjects=(being,), verb="sing") == f"{opened(nominative)} τραγούδησε."


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_things_with_every_article(thing):
    """ο έναν κανέναν, η μια καμία, το ένα κανένα; a masculine noun loses its ς."""
    gender = thing_gender(thing)
    noun = el.OBJECTS[thing].split()[1]
    bare = noun[:-1] if gender == "m" else noun
    assert noun.endswith("ς") == (gender == "m") or thing == "sandwich"
    article, none = {"m": ("έναν", "κανέναν"), "f": ("μια", "καμία"), "n": ("ένα", "κανένα")}[gender]
    assert say(subjects=("girl",), verb="find", thing=thing) == f"Το κορίτσι βρήκε {article} {bare}."
    assert say(subjects=("girl",), verb="find", thing=thing, mood="deny") == f"Το κορίτσι δε βρήκε {none} {bare}."
    definite = {"m": "Ο", "f": "Η", "n": "Το"}[gender]
    assert say("quality", thing=thing, quality="blue") == f"{definite} {noun} ήταν μπλε."


@pytest.mark.parametrize("thing", meaning.OBJECTS)
@pytest.mark.parametrize("number", meaning.NUMBERS)
def test_numbers_with_every_thing(thing, number):
    """Only three and four have a neuter; the noun is an accusative plural made by the ending of its singular."""
    gender = thing_gender(thing)
    numeral, noun = words(el.thing(Clause("act", thing=thing, number=number))).split()
    numerals = ["δύο", "τρεις", "τέσσερις", "πέντε", "έξι", "εφτά", "οχτώ", "εννιά", "δέκα", "έντεκα", "δώδεκα"]
    if gender == "n":
        numerals[1:3] = "τρία", "τέσσερα"
    assert numeral == numerals[number - 2]
    singular = el.OBJECTS[thing].split()[1]
    endings = {
        "m": ("άς άδες", "ης ες", "ας ες", "ός ούς"),
        "f": ("α ες",),
        "n": ("ο α", "ό ά", "όι όγια", "ι ια", "ί ιά"),
    }
    plurals = [
        singular.removesuffix(old) + new for old, new in map(str.split, endings[gender]) if singular.endswith(old)
    ]
    assert noun == (NEUTER_IN_MA | UNCHANGING).get(thing, plurals[0] if plurals else None)


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_adjectives_agree_with_every_thing(thing):
    """An adjective has the gender and case of its noun, and a nominative masculine adds -ς to the accusative."""
    gender = thing_gender(thing)
    for quality in meaning.QUALITIES[thing]:
        article, form, _ = words(el.thing(Clause("act", thing=thing, quality=quality))).split()
        assert article == {"m": "έναν", "f": "μια", "n": "ένα"}[gender]
        assert form == ADJECTIVES[quality].split()["mfn".index(gender)]
        changes = gender == "m" and quality not in ("blue", "brown")
        assert say("quality", thing=thing, quality=quality).endswith(f" ήταν {form}{'ς' if changes else ''}.")


@pytest.mark.parametrize("state", meaning.STATES)
def test_states_agree_with_every_being(state):
    """-ος, -η, -ο of one and -οι, -ες, -α of two: two neuters stay neuter, two women feminine, others masculine."""
    stem = STATE_STEMS[state]
    for being in BEINGS:
        ending = {"m": "ος", "f": "η", "n": "ο"}[gender_of(being)]
        assert say("state", subjects=(being,), quality=state).endswith(f" ήταν {stem}{ending}.")
        assert say("state", subjects=(being,), quality=state, mood="deny").endswith(f" δεν ήταν {stem}{ending}.")
    pairs = {"king queen": "οι", "queen king": "οι", "king uncle": "οι", "queen aunt": "ες", "girl queen": "ες",
             "queen boy": "οι", "boy king": "οι", "girl king": "οι", "girl boy": "α"}  # fmt: skip
    for pair, ending in pairs.items():
        assert say("state", subjects=tuple(pair.split()), quality=state).endswith(f" ήταν {stem}{ending}.")
    assert say("state", subjects=("girl",), quality=state, pronoun=True) == f"Ήταν {stem}ο."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verbs_in_every_mood(verb):
    """One or two did, did not, did they, wanted to: with verb and wish in the plural, and δε(ν) as the sound asks."""
    one, two, wish, wishes = el.PAST[verb].split()
    after = " για" if verb == "seek" else ""
    for subjects, past, subjunctive, wanted in (
        (("king",), one, wish, "Ο βασιλιάς ήθελε"),
        (("king", "aunt"), two, wishes, "Ο βασιλιάς και η θεία ήθελαν"),
    ):
        who = wanted.rsplit(" ", 1)[0]
        roles = {"subjects": subjects, "verb": verb, "patient": "girl"}
        whom = "στο κορίτσι" if verb in ("bring", "give", "show") else "το κορίτσι"
        assert say(**roles) == f"{who} {past} {whom}."
        assert say(**roles, mood="deny") == f"{who} {with_n('δεν', past)} {whom}."
        assert say(**roles, mood="wish") == f"{wanted} να {subjunctive}{after} {whom}."
        assert say(**roles, mood="ask") == f"{opened(past)} ο {who[2:]} {whom};"
        assert say(**roles, manner="quickly") == f"{who} {past} γρήγορα {whom}."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verb_forms_are_regular(verb):
    """The aorist has the stem of the subjunctive, -ε and -αν, and ε- only where the stress needs a third syllable."""
    one, two, wish, wishes = el.PAST[verb].split()
    assert two == one[:-1] + "αν"
    if verb in IRREGULAR:
        assert el.PAST[verb] == IRREGULAR[verb]
        return
    assert wish == SUBJUNCTIVES[verb]
    assert wishes == (wish[:-2] + "ουν" if wish.endswith("ει") else wish[:-2] + "ούν")
    passive = wish.endswith(("θεί", "τεί")) or verb in ("rest", "sleep", "visit")
    bare = stressless(wish[:-2]) + ("ηκε" if passive else "ε")
    augment = "ε" if len(re.findall(NUCLEUS, bare)) == 2 else ""
    assert stressless(one) == augment + bare
    nuclei = re.findall(NUCLEUS, one)
    assert nuclei[-3] != stressless(nuclei[-3]), "the third syllable from the end is stressed"


@pytest.mark.parametrize("place", meaning.PLACES)
def test_places(place):
    """Where and whither are στον, στη(ν), στο and the accusative; what is done by the water is done beside it."""
    beside = "δίπλα " if place in ("lake", "river") else ""
    for verb, past in (("go", "πήγε"), ("run", "έτρεξε"), ("come", "ήρθε"), ("hurry", "έσπευσε"), ("return", "γύρισε"),
                       ("swim", "κολύμπησε")):  # fmt: skip
        assert say(subjects=("king",), verb=verb, place=place) == f"Ο βασιλιάς {past} {PLACES[place]}."
    assert say(subjects=("king",), verb="sleep", place=place) == f"Ο βασιλιάς κοιμήθηκε {beside}{PLACES[place]}."
    assert say("weather", verb="rain", place=place, place_first=True) == f"{opened(PLACES[place])} έβρεχε."


@pytest.mark.parametrize("time", meaning.TIMES)
def test_times(time):
    """A time opens a sentence in the accusative, with an article that has its ν by the rule."""
    text = say(subjects=("aunt",), verb="sing", time=time)
    opening = text.removesuffix(" η θεία τραγούδησε.")
    bare = {"yesterday": "Χθες", "later": "Αργότερα"}
    assert opening == bare[time] if time in bare else re.match("(Το|Τον|Την?) ", opening)
    assert say("weather", verb="wind", time=time) == f"{opening} φυσούσε ο άνεμος."


def test_final_n_in_whole_stories():
    """No word in a thousand stories has a final ν that the school grammar drops, or lacks one that it keeps."""
    text = " ".join(document.text for document in generate_documents(1000, (3, 8), 5, {"el": 1.0})).lower()
    continuant = "(?!μπ|ντ|γκ)[βγδζθλμνρσφχ]"
    assert re.search(rf"\b(τη|στη|δε) {continuant}", text)
    assert re.search(r"\b(την|στην|δεν) [^βγδζθλμνρσφχ]", text)
    assert not re.search(rf"\b(την|στην|δεν) {continuant}", text)
    assert not re.search(rf"\b(τη|στη|δε) (?!{continuant})", text)
    assert not re.search(
        r"\b(ένα|κανένα|το|στο) (\w+ )?(χάρτη|κουβά|χαρταετό|καθρέφτη|πίνακα|σκύλο|κήπο|σταθμό)\b", text
    )
    assert not re.search(r"\bσε (το|τη)", text)


def test_marks_are_those_of_english():
    """A clause marks the same values in Greek and English, and each act one action."""
    for verb in meaning.VERBS:
        for mood in meaning.MOODS:
            for thing in ("picture", "key"):
                clause = Clause("act", ("boy", "witch"), verb, "sheep", thing, "", 0, "lake", mood=mood)
                greek, english = (
                    Counter(piece[:2] for piece in language.realise(clause) if isinstance(piece, Mark))
                    for language in (el, en)
                )
                assert greek == english
                assert greek["action", verb] == 1
    documents = generate_documents(300, (3, 8), 3, {"el": 1.0, "en": 1.0})
    for greek, english in zip(documents[::2], documents[1::2]):
        counts = [Counter((span.concept, span.value) for span in doc.concepts) for doc in (greek, english)]
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Ακολούθησε ο αγρότης το γουρούνι στο χωριό;",
         {"subjects": ("farmer",), "verb": "follow", "patient": "pig", "place": "village"}),
        ("Το αγόρι ακολούθησε το γουρούνι;", {"subjects": ("boy",), "verb": "follow", "patient": "pig"}),
        ("Έδωσε το αγόρι στο κορίτσι ένα μήλο;",
         {"subjects": ("boy",), "verb": "give", "patient": "girl", "thing": "apple"}),
        ("Έκλαψε το αγόρι;", {"subjects": ("boy",), "verb": "cry"}),
        ("Έψαχνε η νύφη μια βελόνα;", {"subjects": ("bride",), "verb": "seek", "thing": "needle"}),
    ],
)  # fmt: skip
def test_questions(text, roles):
    """A question opens with its verb, unless subject and object are neuters that look alike, and closes with ;."""
    assert say(**roles, mood="ask") == text


def test_answers():
    """Yes and no open a sentence without a subject."""
    roles = {"subjects": ("queen",), "pronoun": True}
    assert say(**roles, verb="cry", answer="yes") == "Ναι, έκλαψε."
    assert say(**roles, verb="see", patient="cat", mood="deny", answer="no") == "Όχι, δεν είδε τη γάτα."
    assert say(**roles, verb="steal", thing="key", mood="deny", answer="no") == "Όχι, δεν έκλεψε κανένα κλειδί."


def test_pronouns_are_dropped():
    """Where other languages say he or she, the Greek verb stands alone."""
    roles = {"subjects": ("queen",), "pronoun": True}
    assert say(**roles, verb="dance", place="castle", time="night") == "Τη νύχτα χόρεψε στο κάστρο."
    assert say(**roles, verb="eat", thing="cherry", mood="wish", number=3) == "Ήθελε να φάει τρία κεράσια."
    assert say("state", **roles, quality="calm", mood="deny") == "Δεν ήταν ήρεμη."


def test_whole_sentences():
    """Time or place opens, then come the subject, the verb, its manner, whom, what and where."""
    roles = {"subjects": ("king", "witch"), "verb": "buy", "thing": "map", "quality": "old", "place": "market"}
    assert say(**roles, time="monday") == "Τη Δευτέρα ο βασιλιάς και η μάγισσα αγόρασαν έναν παλιό χάρτη στην αγορά."
    assert say(**roles, place_first=True) == "Στην αγορά ο βασιλιάς και η μάγισσα αγόρασαν έναν παλιό χάρτη."
    assert say(**roles, mood="wish") == "Ο βασιλιάς και η μάγισσα ήθελαν να αγοράσουν έναν παλιό χάρτη στην αγορά."
    roles = {"subjects": ("dancer",), "verb": "bring", "patient": "writer", "thing": "flower"}
    assert say(**roles, manner="gladly") == "Η χορεύτρια έφερε με χαρά στη συγγραφέα ένα λουλούδι."
    assert say(subjects=("fox",), verb="wait", manner="quietly") == "Η αλεπού περίμενε ήσυχα."


def test_words_that_depend_on_others():
    """A picture is not dyed, one does not hide hiddenly, and to look for somebody is not to search him."""
    roles = {"subjects": ("aunt",)}
    assert say(**roles, verb="paint", thing="picture") == "Η θεία ζωγράφισε έναν πίνακα."
    assert say(**roles, verb="paint", thing="chair") == "Η θεία έβαψε μια καρέκλα."
    assert say(**roles, verb="hide", thing="key", manner="secretly") == "Η θεία έκρυψε μυστικά ένα κλειδί."
    assert say(**roles, verb="steal", thing="key", manner="secretly") == "Η θεία έκλεψε κρυφά ένα κλειδί."
    assert say(**roles, verb="seek", patient="uncle", mood="wish") == "Η θεία ήθελε να ψάξει για τον θείο."
