"""The paradigms of Russian, built here by the rules of the grammar and compared with the whole lexicon."""

import random
import re

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, Sentence, compose
from sieve.text.languages import en, ru, sentence
from sieve.text.meaning import Clause
from sieve.text.world import tell

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
HUSHING = "гкхжшчщ"  # after these stands и, never ы
STRESSED = ("king", "doctor", "father", "merchant", "sheep", "seamstress", "snake", "pig")  # -ой -ом -ёй -ём
SHORTENED = {"отец": "отц", "купец": "купц", "осёл": "осл", "цветок": "цветк", "молоток": "молотк", "ботинок": "ботинк"}
MANY = {  # genitive plurals that no rule of `many` gives
    "biscuit": "печений", "broom": "мётел", "bucket": "вёдер", "candle": "свечей", "chair": "стульев",
    "cherry": "вишен", "coat": "пальто", "dress": "платьев", "egg": "яиц", "feather": "перьев", "flower": "цветов",
    "kite": "воздушных змеев", "letter": "писем", "necklace": "ожерелий", "ring": "колец", "shoe": "ботинок",
}  # fmt: skip
ADJECTIVES = {  # the masculine nominative, as a dictionary has it
    "beautiful": "красивый", "big": "большой", "black": "чёрный", "blue": "синий", "brown": "коричневый",
    "cheap": "дешёвый", "dirty": "грязный", "expensive": "дорогой", "fresh": "свежий", "green": "зелёный",
    "grey": "серый", "heavy": "тяжёлый", "new": "новый", "old": "старый", "red": "красный", "small": "маленький",
    "strange": "странный", "tiny": "крошечный", "white": "белый", "yellow": "жёлтый",
}  # fmt: skip


def words(pieces):
    """The surface of pieces."""
    return " ".join(piece.surface if isinstance(piece, Mark) else piece for piece in pieces)


def say(**roles):
    """The text of one act, with its marks."""
    return compose([sentence("ru", Clause(roles.pop("kind", "act"), **roles))])[0]


def feminine(noun, stressed):
    """The accusative, genitive, dative and instrumental of a noun in -а or -я."""
    stem, soft = noun[:-1], noun[-1] == "я"
    genitive = stem + ("и" if soft or stem[-1] in HUSHING else "ы")
    e = ("ё" if stressed else "е") if soft else "о" if stressed or stem[-1] != "ц" else "е"
    return [stem + ("ю" if soft else "у"), genitive, stem + "е", stem + e + "й"]


def masculine(noun, stressed):
    """The genitive, dative and instrumental of a noun that ends in a consonant or in -ь."""
    if noun.endswith("ь"):
        return [noun[:-1] + ending for ending in ("я", "ю", "ём" if stressed else "ем")]
    stem = SHORTENED.get(noun, noun)
    return [stem + ending for ending in ("а", "у", "ем" if stem[-1] in "цч" and not stressed else "ом")]


def declension(noun, gender, stressed):
    """The accusative, genitive, dative and instrumental of a living being."""
    if noun[-1] in "ая":
        return feminine(noun, stressed)
    if gender == "m":
        genitive, dative, instrumental = masculine(noun, stressed)
        return [genitive, genitive, dative, instrumental]
    stem = "матер" if noun == "мать" else noun[:-1]
    return [noun, stem + "и", stem + "и", stem + "ью"]


@pytest.mark.parametrize("being", BEINGS)
def test_living_beings_decline_by_rule(being):
    """Five cases follow from the nominative: the masculine accusative is the genitive, -а becomes -у, -ь stays."""
    gender, nominative = ru.BEINGS[being].split()[:2]
    cases = [ru.being(being, case).surface for case in ("accusative", "genitive", "dative", "instrumental")]
    assert cases == declension(nominative, gender, being in STRESSED)


def test_lexicon_is_complete():
    """Every key of the world has an entry, and no table has an entry too many."""
    tables = {
        "BEINGS": BEINGS, "OBJECTS": meaning.OBJECTS, "PLACES": meaning.PLACES, "PAST": meaning.VERBS,
        "NUMBERS": meaning.NUMBERS, "TIMES": meaning.TIMES, "WEATHER": meaning.WEATHER, "MANNERS": meaning.MANNERS,
        "ADJECTIVES": {quality for qualities in meaning.QUALITIES.values() for quality in qualities},
        "STATES": meaning.STATES,
    }  # fmt: skip
    for name, keys in tables.items():
        assert set(getattr(ru, name)) == set(keys), name


def test_gender_is_sex():
    """Men agree as masculine, though дедушка and дядя decline as feminine, and women as feminine."""
    assert {ru.BEINGS[person][0] for person in meaning.MALE} == {"m"}
    assert {ru.BEINGS[person][0] for person in meaning.FEMALE} == {"f"}
    assert say(subjects=("grandfather",), verb="go", place="park") == "Дедушка пошёл в парк."


def singular(key, noun, gender):
    """The accusative and genitive of a thing."""
    if key == "coat":
        return [noun, noun]
    if gender == "f":
        return feminine(noun, stressed=False)[:2]
    if gender == "n":
        return [noun, noun[:-1] + {"о": "а", "е": "я"}[noun[-1]]] if noun != "яйцо" else [noun, "яйца"]
    return [noun, masculine(noun, stressed=True)[0]]


def many(noun, gender):
    """The genitive plural by rule: -ов, -ей after ч and ж, no ending for -а and -о, and о or е before a last к."""
    if gender == "m":
        return noun + "ей" if noun[-1] in "чж" else SHORTENED.get(noun, noun) + "ов"
    stem = re.sub("ие$", "ий", noun) if noun.endswith("ие") else noun[:-1]
    stem = re.sub("([жшч])к$", r"\1ек", stem)
    return re.sub("([^жшчаеёиоуыэюя])к$", r"\1ок", stem) if gender == "f" else stem


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_things_decline_by_rule(thing):
    """Gender fits the ending; only feminines change in the accusative; genitives follow the rules but for a table."""
    gender, nominative, accusative, genitive, plural = ru.OBJECTS[thing].replace("_", " ").split(" ", 4)
    if thing == "kite":
        assert ru.OBJECTS[thing].split()[1:4] == ["воздушный_змей", "воздушного_змея", "воздушного_змея"]
        return
    assert gender == {"а": "f", "я": "f", "о": "n", "е": "n"}.get(nominative[-1], "m")
    assert [accusative, genitive] == singular(thing, nominative, gender)
    assert plural == MANY.get(thing, many(nominative, gender))


def test_different_words():
    """No two keys of a table share a word, and none has a hyphen."""
    for table, form in ((ru.BEINGS, 1), (ru.OBJECTS, 1), (ru.PAST, 0), (ru.STATES, 0), (ru.PLACES, 1)):
        named = [entry.split()[form] for entry in table.values()]
        assert len(set(named)) == len(named)
        assert not any("-" in entry for entry in table.values())


NUMERALS = "два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать"


@pytest.mark.parametrize("thing", meaning.OBJECTS)
@pytest.mark.parametrize("number", meaning.NUMBERS)
def test_numerals_choose_the_case(thing, number):
    """2 to 4 take the genitive singular, 5 and more the plural; two is две for feminines; a kite counts as alive."""
    numerals = NUMERALS.split()
    gender, _, _, genitive, plural = ru.OBJECTS[thing].split()
    numeral, noun = words(ru.thing(Clause("act", thing=thing, number=number))).split(" ", 1)
    if thing == "kite":
        assert (numeral, noun) == (["двух", "трёх", "четырёх", *numerals[3:]][number - 2], "воздушных змеев")
        return
    assert noun == (genitive if number < 5 else plural)
    assert numeral == ("две" if number == 2 and gender == "f" else numerals[number - 2])


def forms_of_adjective(nominative):
    """The accusative of m, f, n and of what is alive, then the instrumental of m, f, n: the spelling rules decide."""
    stem = nominative[:-2]
    if nominative == "синий":
        return ["синий", "синюю", "синее", "синего", "синим", "синей", "синим"]
    o = "е" if stem[-1] in "жшчщ" and not nominative.endswith("ой") else "о"
    y = "и" if stem[-1] in HUSHING else "ы"
    endings = ("ую", o + "е", o + "го", y + "м", o + "й", y + "м")
    return [nominative, *(stem + ending for ending in endings)]


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_adjectives_agree_with_every_thing(thing):
    """A thing bought has the accusative of its adjective, a thing that was so has the instrumental."""
    gender, nominative, accusative, _, _ = (form.replace("_", " ") for form in ru.OBJECTS[thing].split())
    for quality in meaning.QUALITIES[thing]:
        forms = forms_of_adjective(ADJECTIVES[quality])
        bought = say(subjects=("king",), verb="buy", thing=thing, quality=quality)
        assert bought == f"Король купил {forms['mfna'.index(gender)]} {accusative}."
        was = {"m": "был", "f": "была", "n": "было", "a": "был"}[gender]
        described = say(kind="quality", thing=thing, quality=quality)
        assert described.lower() == f"{nominative} {was} {forms[4 + {'f': 1}.get(gender, 0)]}."


PASTS = {  # masculine, feminine and plural that the infinitive does not give
    "bake": "испёк испекла испекли", "bring": "принёс принесла принесли", "carry": "нёс несла несли",
    "come": "пришёл пришла пришли", "dance": "танцевал танцевала танцевали", "eat": "съел съела съели",
    "find": "нашёл нашла нашли", "go": "пошёл пошла пошли", "help": "помог помогла помогли",
    "laugh": "смеялся смеялась смеялись", "play": "играл играла играли", "rest": "отдыхал отдыхала отдыхали",
    "seek": "искал искала искали", "sing": "пел пела пели", "sleep": "спал спала спали",
    "steal": "украл украла украли", "swim": "плавал плавала плавали", "wait": "ждал ждала ждали",
    "work": "работал работала работали",
}  # fmt: skip


def past(infinitive):
    """The past of a regular verb: -ть gives -л -ла -ли, -ться gives -лся -лась -лись."""
    if infinitive.endswith("ться"):
        return [infinitive[:-4] + ending for ending in ("лся", "лась", "лись")]
    return [infinitive[:-2] + ending for ending in ("л", "ла", "ли")]


@pytest.mark.parametrize("verb", [verb for verb in meaning.VERBS if verb != "have"])
def test_pasts_agree_in_every_mood(verb):
    """Told, denied and asked verbs agree with a man, a woman and a pair; a wish agrees and leaves the infinitive."""
    *_, infinitive = ru.PAST[verb].split()
    expected = PASTS[verb].split() if verb in PASTS else past(infinitive)
    assert re.search("(ть|ться|чь|йти|сти)$", infinitive)
    names = {("king",): "Король", ("queen",): "Королева", ("king", "queen"): "Король и королева"}
    for (subjects, who), form, wanted in zip(names.items(), expected, ("хотел", "хотела", "хотели"), strict=True):
        assert say(subjects=subjects, verb=verb) == f"{who} {form}."
        assert say(subjects=subjects, verb=verb, mood="deny") == f"{who} не {form}."
        assert say(subjects=subjects, verb=verb, mood="wish") == f"{who} {wanted} {infinitive}."
        assert say(subjects=subjects, verb=verb, mood="ask").lower() == f"{form} ли {who.lower()}?"


@pytest.mark.parametrize(
    ("verb", "infinitive"),
    [
        ("dance", "потанцевать"), ("laugh", "посмеяться"), ("play", "поиграть"), ("rest", "отдохнуть"),
        ("seek", "поискать"), ("sing", "спеть"), ("sleep", "поспать"), ("swim", "поплавать"), ("wait", "подождать"),
        ("work", "поработать"),
    ],
)  # fmt: skip
def test_wishes_are_perfective(verb, infinitive):
    """One wishes to do for a while, or to the end, what was going on in the past."""
    assert say(subjects=("duck",), verb=verb, mood="wish") == f"Утка хотела {infinitive}."


def test_ways_are_imperfective():
    """What is done along a way goes on, in the past and as a wish."""
    for verb, told, wished in (("carry", "нёс", "нести"), ("follow", "следовал за", "следовать за")):
        roles = {"subjects": ("hunter",), "verb": verb, "place": "bridge"}
        roles |= {"thing": "lamp"} if verb == "carry" else {"patient": "wolf"}
        whom = "лампу" if verb == "carry" else "волком"
        assert say(**roles) == f"Охотник {told} {whom} по мосту."
        assert say(**roles, mood="wish") == f"Охотник хотел {wished} {whom} по мосту."


@pytest.mark.parametrize(
    ("verb", "thing", "forms"),
    [
        *(("wash", cloth, "постирал постирать") for cloth in ("blanket", "dress", "glove", "scarf", "shirt")),
        *(("wash", dish, "вымыл вымыть") for dish in ("apple", "bottle", "cup", "knife", "plate", "spoon")),
        ("break", "violin", "сломал сломать"),
        ("break", "cup", "разбил разбить"),
        ("open", "umbrella", "раскрыл раскрыть"),
        ("open", "book", "открыл открыть"),
        ("paint", "picture", "нарисовал нарисовать"),
        ("paint", "chair", "раскрасил раскрасить"),
        ("read", "map", "изучил изучить"),
        ("read", "book", "прочитал прочитать"),
        ("write", "diary", "заполнил заполнить"),
        ("write", "book", "написал написать"),
    ],
)
def test_verbs_that_go_with_a_thing(verb, thing, forms):
    """Clothes are laundered and cups washed, a violin breaks otherwise than a glass, maps are studied."""
    told, wished = forms.split()
    assert f" {told} " in say(subjects=("boy",), verb=verb, thing=thing)
    assert f" не {told} " in say(subjects=("boy",), verb=verb, thing=thing, mood="deny")
    assert f" хотел {wished} " in say(subjects=("boy",), verb=verb, thing=thing, mood="wish")


@pytest.mark.parametrize("place", meaning.PLACES)
def test_places(place):
    """Where takes the locative, whither the accusative (or к), the way along which the dative (or вдоль)."""
    where, whither, along = PLACES[place].split("/")
    assert say(subjects=("boy",), verb="wait", place=place) == f"Мальчик ждал {where}."
    assert say(subjects=("boy",), verb="wait", place=place, place_first=True).lower() == f"{where} мальчик ждал."
    assert say(subjects=("boy",), verb="run", place=place) == f"Мальчик побежал {whither}."
    walk = say(subjects=("boy",), verb="carry", thing="bag", place=place)
    assert walk == f"Мальчик нёс сумку {along}."
    assert say(subjects=("boy",), verb="follow", patient="fox", place=place).endswith(f"за лисой {along}.")


PLACES = {
    "beach": "на пляже/на пляж/по пляжу", "bridge": "на мосту/на мост/по мосту", "field": "в поле/в поле/по полю",
    "forest": "в лесу/в лес/по лесу", "garden": "в саду/в сад/по саду", "harbour": "в порту/в порт/по порту",
    "island": "на острове/на остров/по острову", "lake": "у озера/к озеру/вдоль озера",
    "market": "на рынке/на рынок/по рынку", "mountain": "на горе/на гору/по горе", "park": "в парке/в парк/по парку",
    "river": "у реки/к реке/вдоль реки", "square": "на площади/на площадь/по площади",
    "village": "в деревне/в деревню/по деревне", "bakery": "в пекарне/в пекарню/по пекарне",
    "castle": "в замке/в замок/по замку", "church": "в церкви/в церковь/по церкви",
    "hospital": "в больнице/в больницу/по больнице", "house": "в доме/в дом/по дому",
    "kitchen": "на кухне/на кухню/по кухне", "library": "в библиотеке/в библиотеку/по библиотеке",
    "museum": "в музее/в музей/по музею", "school": "в школе/в школу/по школе",
    "station": "на вокзале/на вокзал/по вокзалу", "theatre": "в театре/в театр/по театру",
}  # fmt: skip


def test_one_swims_in_the_water():
    """Swimming is in the lake and the river; everything else is beside them."""
    assert say(subjects=("aunt",), verb="swim", place="lake") == "Тётя плавала в озере."
    assert say(subjects=("aunt",), verb="swim", place="river") == "Тётя плавала в реке."


@pytest.mark.parametrize("person", meaning.PERSONS)
def test_verbs_govern_cases(person):
    """See takes the accusative, give and help the dative, follow за and greet с with the instrumental."""
    _, _, accusative, genitive, dative, instrumental = ru.BEINGS[person].split()
    with_whom = ("со " if person in ("seamstress", "student") else "с ") + instrumental
    for verb, rest in (
        ("see", f"увидел {accusative}"),
        ("help", f"помог {dative}"),
        ("follow", f"следовал за {instrumental}"),
        ("greet", f"поздоровался {with_whom}"),
    ):
        assert say(subjects=("prince",), verb=verb, patient=person) == f"Принц {rest}."
    for verb, told in (("give", "дал"), ("bring", "принёс"), ("show", "показал")):
        text = say(subjects=("prince",), verb=verb, patient=person, thing="pear", quality="fresh")
        assert text == f"Принц {told} {dative} свежую грушу."
    assert say(subjects=(person,), verb="have", thing="egg", number=2) == f"У {genitive} было два яйца."


@pytest.mark.parametrize("being", BEINGS)
def test_pronouns_agree_like_their_nouns(being):
    """The answer has она, and a feminine verb, wherever the question had one: a cat is она, a wolf он."""
    asked = say(subjects=(being,), verb="rest", mood="ask")
    answer = say(subjects=(being,), verb="rest", mood="deny", answer="no", pronoun=True)
    assert answer == ("Нет, она не отдыхала." if "Отдыхала" in asked else "Нет, он не отдыхал.")


def test_owner_as_a_pronoun():
    """Having is said as being with someone: у неё, у него."""
    roles = {"verb": "have", "thing": "pear", "number": 5, "pronoun": True}
    assert say(subjects=("grandmother",), **roles) == "У неё было пять груш."
    assert say(subjects=("uncle",), **roles, time="later") == "Позже у него было пять груш."


STATES = {
    "afraid": "испугался испугалась испугались", "angry": "был_сердит была_сердита были_сердиты",
    "bored": "скучал скучала скучали", "busy": "был_занят была_занята были_заняты",
    "calm": "был_спокоен была_спокойна были_спокойны", "happy": "был_счастлив была_счастлива были_счастливы",
    "hungry": "был_голоден была_голодна были_голодны", "nervous": "нервничал нервничала нервничали",
    "proud": "был_горд была_горда были_горды", "sad": "был_печален была_печальна были_печальны",
    "sick": "был_болен была_больна были_больны", "surprised": "был_удивлён была_удивлена были_удивлены",
    "thirsty": "хотел_пить хотела_пить хотели_пить", "tired": "устал устала устали",
}  # fmt: skip


@pytest.mark.parametrize("state", meaning.STATES)
def test_states(state):
    """Short adjectives and past tenses agree with a man, a woman and any pair, and не stands before them."""
    subjects = (("uncle",), ("aunt",), ("aunt", "queen"))
    for who, form, name in zip(subjects, STATES[state].split(), ("Дядя", "Тётя", "Тётя и королева"), strict=True):
        told = form.replace("_", " ")
        assert say(kind="state", subjects=who, quality=state) == f"{name} {told}."
        assert say(kind="state", subjects=who, quality=state, mood="deny") == f"{name} не {told}."


@pytest.mark.parametrize("manner", meaning.MANNERS)
def test_manners_precede_the_verb(manner):
    """The adverb stands before the verb; slow, quiet and patient deeds are imperfective, the others are not."""
    adverbs = {
        "carefully": "аккуратно", "gladly": "с радостью", "loudly": "громко", "patiently": "терпеливо",
        "proudly": "гордо", "quickly": "быстро", "quietly": "тихо", "secretly": "тайком", "slowly": "медленно",
    }  # fmt: skip
    lasting = {"draw": "рисовала", "eat": "ела", "read": "читала", "repair": "чинила"}
    for verb in meaning.MANNERS[manner]:
        adverb = "осторожно" if manner == "carefully" and verb in ("carry", "feed", "open") else adverbs[manner]
        form = ru.PAST[verb].split()[1]
        if manner in ("patiently", "quietly", "slowly"):
            form = lasting.get(verb, form)
        assert say(subjects=("girl",), verb=verb, manner=manner) == f"Девочка {adverb} {form}."
    assert say(subjects=("girl",), verb="read", thing="map", manner="slowly") == "Девочка медленно изучала карту."


@pytest.mark.parametrize(
    ("time", "phrase"),
    [
        ("monday", "в понедельник"), ("tuesday", "во вторник"), ("wednesday", "в среду"), ("thursday", "в четверг"),
        ("friday", "в пятницу"), ("saturday", "в субботу"), ("sunday", "в воскресенье"), ("yesterday", "вчера"),
        ("autumn", "прошлой осенью"), ("spring", "прошлой весной"), ("summer", "прошлым летом"),
        ("winter", "прошлой зимой"), ("morning", "утром"), ("noon", "в полдень"), ("afternoon", "днём"),
        ("evening", "вечером"), ("night", "ночью"), ("later", "позже"),
    ],
)  # fmt: skip
def test_times_open_the_sentence(time, phrase):
    """A time stands first and the subject keeps its place before the verb."""
    assert say(subjects=("fox",), verb="sleep", time=time).lower() == f"{phrase} лиса спала."


@pytest.mark.parametrize(
    ("sort", "was", "became"),
    [
        ("cold", "было холодно", "стало холодно"), ("fog", "стоял туман", "опустился туман"),
        ("rain", "шёл дождь", "пошёл дождь"), ("snow", "шёл снег", "пошёл снег"),
        ("storm", "бушевала буря", "началась буря"), ("sun", "светило солнце", "выглянуло солнце"),
        ("thunder", "гремел гром", "загремел гром"), ("warm", "было тепло", "стало тепло"),
        ("wind", "дул ветер", "поднялся ветер"),
    ],
)  # fmt: skip
def test_weather(sort, was, became):
    """Weather goes on at a time or in a place, and begins where it is later."""
    assert say(kind="weather", verb=sort, time="yesterday") == f"Вчера {was}."
    assert say(kind="weather", verb=sort, place="forest", place_first=True) == f"В лесу {was}."
    assert say(kind="weather", verb=sort, time="later") == f"Позже {became}."


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Она танцевала в замке.", {"subjects": ("queen",), "verb": "dance", "place": "castle", "pronoun": True}),
        ("Купила ли королева лампу на рынке?",
         {"subjects": ("queen",), "verb": "buy", "thing": "lamp", "place": "market", "mood": "ask"}),
        ("Да, она купила лампу.",
         {"subjects": ("queen",), "verb": "buy", "thing": "lamp", "pronoun": True, "answer": "yes"}),
        ("Нет, он не поздоровался со студенткой.",
         {"subjects": ("cook",), "verb": "greet", "patient": "student", "pronoun": True, "answer": "no",
          "mood": "deny"}),
        ("Остался ли кролик в саду?", {"subjects": ("rabbit",), "verb": "stay", "place": "garden", "mood": "ask"}),
        ("Вечером брат и сестра хотели постирать две рубашки у реки.",
         {"subjects": ("brother", "sister"), "verb": "wash", "thing": "shirt", "number": 2, "mood": "wish",
          "time": "evening", "place": "river"}),
        ("Утром мать и невеста не испекли печенье на кухне.",
         {"subjects": ("mother", "bride"), "verb": "bake", "thing": "biscuit", "mood": "deny", "time": "morning",
          "place": "kitchen"}),
        ("По мосту осёл гордо нёс красного воздушного змея.",
         {"subjects": ("donkey",), "verb": "carry", "thing": "kite", "quality": "red", "manner": "proudly",
          "place": "bridge", "place_first": True}),
        ("В школе она забыла синий зонт.",
         {"subjects": ("writer",), "verb": "forget", "thing": "umbrella", "quality": "blue", "place": "school",
          "place_first": True, "pronoun": True}),
    ],
)  # fmt: skip
def test_whole_sentences(text, roles):
    """Every mood makes the sentence that a Russian would write."""
    assert say(**roles) == text


def marks(module, clause):
    """What the sentence is about, in no order."""
    return sorted(piece[:2] for piece in module.realise(clause) if isinstance(piece, Mark))


def test_marks_are_those_of_english():
    """Stories mark the same concepts and values in Russian as in English, and only Cyrillic is written."""
    for seed in range(200):
        clauses = tell(random.Random(seed), 4, 8)
        for clause in clauses:
            assert marks(ru, clause) == marks(en, clause)
            text, spans = compose([Sentence(ru.realise(clause))])
            assert re.fullmatch(r"((Да|Нет), )?[а-яёА-ЯЁ]+( [а-яё]+)*\.", text)
            assert all(text[span.start : span.end].strip() for span in spans)
