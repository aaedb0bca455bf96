"""The paradigms of Brazilian Portuguese, as tables over its whole lexicon."""

import re
from collections import Counter

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import en, pt, sentence
from sieve.text.meaning import Clause
from sieve.text.templates import FEMALE_NAMES, MALE_NAMES
from sieve.text.world import generate_documents

BEINGS = (*meaning.PERSONS, *meaning.ANIMALS)
SHE_ANIMALS = {"chicken", "cow", "fox", "goat", "owl", "sheep", "snake"}
MASCULINE_OTHERS = (
    "map poem blanket bucket button comb drum hat lamp lemon necklace newspaper ring sandwich scarf tomato guitar "
    "umbrella"
)
INFINITIVES = {
    "bake": "assar", "break": "quebrar", "buy": "comprar", "call": "chamar", "carry": "carregar", "clean": "limpar",
    "come": "chegar", "cry": "chorar", "dance": "dançar", "draw": "desenhar", "eat": "comer", "feed": "alimentar",
    "find": "encontrar", "follow": "seguir", "forget": "esquecer", "greet": "cumprimentar", "help": "ajudar",
    "hide": "esconder", "hug": "abraçar", "laugh": "rir", "lose": "perder", "open": "abrir", "paint": "pintar",
    "play": "brincar", "read": "ler", "repair": "consertar", "rest": "descansar", "return": "voltar", "run": "correr",
    "seek": "procurar", "sell": "vender", "show": "mostrar", "sing": "cantar", "sleep": "dormir", "stay": "ficar",
    "steal": "roubar", "swim": "nadar", "thank": "agradecer", "throw": "jogar", "visit": "visitar", "wait": "esperar",
    "wash": "lavar", "work": "trabalhar", "write": "escrever",
}  # fmt: skip
IRREGULAR = {
    "bring": ("trouxe", "trouxeram", "trazer"), "give": ("deu", "deram", "dar"), "go": ("foi", "foram", "ir"),
    "have": ("tinha", "tinham", "ter"), "hurry": ("foi depressa", "foram depressa", "ir depressa"),
    "see": ("viu", "viram", "ver"),
}  # fmt: skip


def say(kind="act", **roles):
    """The text of one sentence."""
    return compose([sentence("pt", Clause(kind, **roles))])[0]


def concepts(pieces):
    """How often each value of a concept is marked."""
    return Counter((piece.concept, piece.value) for piece in pieces if isinstance(piece, Mark))


def feminine(being):
    """Whether the noun for a being is feminine."""
    return being in meaning.FEMALE or being in SHE_ANIMALS


def thing_gender(thing):
    """The gender of an object by its ending, but for those that are known to be masculine."""
    noun = pt.OBJECTS[thing].split()[1]
    return "m" if noun.endswith("o") or thing in MASCULINE_OTHERS.split() else "f"


def regular_forms(infinitive):
    """Third person singular and plural of a regular past."""
    stem, theme = infinitive[:-2], infinitive[-2]
    return stem + {"a": "ou", "e": "eu", "i": "iu"}[theme], f"{stem}{theme}ram"


def test_the_lexicon_covers_the_meanings():
    """Every key of the world has an entry in every table, and no table has an entry too many."""
    described = {quality for qualities in meaning.QUALITIES.values() for quality in qualities}
    tables = {
        "BEINGS": BEINGS, "OBJECTS": meaning.OBJECTS, "PLACES": meaning.PLACES, "PAST": meaning.VERBS,
        "ADJECTIVES": described, "STATES": meaning.STATES, "NUMBERS": meaning.NUMBERS, "TIMES": meaning.TIMES,
        "WEATHER": meaning.WEATHER, "MANNERS": meaning.MANNERS,
    }  # fmt: skip
    assert {name: set(getattr(pt, name)) for name in tables} == {name: set(keys) for name, keys in tables.items()}
    assert {*IRREGULAR, *INFINITIVES} == set(meaning.VERBS)


def test_words_are_distinct():
    """Different keys have different words, and no word is the name of a person in the word problems."""
    names = {name.lower() for name in (*FEMALE_NAMES, *MALE_NAMES)}
    nouns = [entry.split()[1] for table in (pt.BEINGS, pt.OBJECTS, pt.PLACES) for entry in table.values()]
    tables = (pt.PAST, pt.ADJECTIVES | pt.STATES, pt.NUMBERS, pt.TIMES, pt.WEATHER, pt.MANNERS)
    for words in (nouns, *(list(table.values()) for table in tables)):
        assert len(set(words)) == len(words)
        assert not names & {word for words_of_one in words for word in re.split("[ /]", words_of_one)}


@pytest.mark.parametrize("being", BEINGS)
def test_article_and_pronoun_fit_a_being(being):
    """o rei is ele, a rainha is ela; an animal has the gender of its noun."""
    noun = pt.BEINGS[being].split()[1]
    article, pronoun = ("a", "ela") if feminine(being) else ("o", "ele")
    assert say(subjects=(being,), verb="wait") == f"{article.upper()} {noun} esperou."
    assert say(subjects=(being,), verb="wait", pronoun=True) == f"{pronoun.capitalize()} esperou."
    if not re.search("(atriz|mãe|irmã|avó|avô|irmão|cisne|[rzei])$", noun):
        assert noun.endswith("a" if feminine(being) else "o")


@pytest.mark.parametrize("being", BEINGS)
def test_a_living_object_is_plain_or_follows_a_contraction(being):
    """viu o rei, agradeceu ao rei, deu ... ao rei, trouxe ... para o rei; and à, a, para a with a feminine."""
    noun = pt.BEINGS[being].split()[1]
    the, to_the = ("a", "à") if feminine(being) else ("o", "ao")
    for verb in ("call", "follow", "greet", "help", "hug", "see", "seek", "visit", "draw", "feed", "wash"):
        assert say(subjects=("king",), verb=verb, patient=being).endswith(f"u {the} {noun}.")
    assert say(subjects=("king",), verb="thank", patient=being) == f"O rei agradeceu {to_the} {noun}."
    roles = {"subjects": ("king",), "patient": being, "thing": "key"}
    assert say(verb="give", **roles) == f"O rei deu uma chave {to_the} {noun}."
    assert say(verb="show", **roles) == f"O rei mostrou uma chave {to_the} {noun}."
    assert say(verb="bring", **roles) == f"O rei trouxe uma chave para {the} {noun}."


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_an_object_agrees(thing):
    """Articles and adjectives agree with the noun: um bolo pequeno, uma maçã pequena, o bolo era pequeno."""
    gender, noun = thing_gender(thing), pt.OBJECTS[thing].split()[1]
    article, the = {"m": ("um", "O"), "f": ("uma", "A")}[gender]
    buy = {"subjects": ("king",), "verb": "buy", "thing": thing}
    assert say(**buy) == f"O rei comprou {article} {noun}."
    assert say(**buy, mood="deny") == f"O rei não comprou nenh{article} {noun}."
    assert say(**buy, mood="ask") == f"O rei comprou {article} {noun}?"
    for quality in meaning.QUALITIES[thing]:
        adjective = pt.ADJECTIVES[quality]
        if gender == "f":
            adjective = re.sub("o$", "a", adjective)
        assert say(**buy, quality=quality) == f"O rei comprou {article} {noun} {adjective}."
        copula = "estava" if quality in ("dirty", "fresh") else "era"
        assert say("quality", thing=thing, quality=quality) == f"{the} {noun} {copula} {adjective}."


def test_adjectives_of_one_form():
    """Only these adjectives are the same for both genders, and all others are one word in -o."""
    adjectives = pt.ADJECTIVES | pt.STATES
    same = {key: form for key, form in adjectives.items() if not re.fullmatch(r"\w+o", form)}
    assert same == {
        "big": "grande", "blue": "azul", "brown": "marrom", "green": "verde", "grey": "cinza",
        "afraid": "com medo", "hungry": "com fome", "thirsty": "com sede", "happy": "feliz", "sad": "triste",
        "sick": "doente",
    }  # fmt: skip


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_plurals_of_things(thing):
    """A vowel adds -s, -r and -z add -es, -ão becomes -ões, and -el, -ol, -al become -éis, -óis, -ais."""
    _, singular, plural = pt.OBJECTS[thing].split()
    for ending, plural_ending in (("ão", "ões"), ("el", "éis"), ("ol", "óis"), ("al", "ais"), ("r", "res"), ("", "s")):
        if singular.endswith(ending):
            assert plural == singular.removesuffix(ending) + plural_ending
            break


@pytest.mark.parametrize("thing", meaning.OBJECTS)
def test_numbers_of_things(thing):
    """Only two agrees with the noun: dois livros, duas cartas, três cartas."""
    numerals = ["dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze"]
    if thing_gender(thing) == "f":
        numerals[0] = "duas"
    plural = pt.OBJECTS[thing].split()[2]
    for number, numeral in zip(meaning.NUMBERS, numerals):
        roles = {"subjects": ("king",), "verb": "have", "thing": thing, "number": number}
        assert say(**roles) == f"O rei tinha {numeral} {plural}."


@pytest.mark.parametrize("verb", meaning.VERBS)
def test_verb_forms(verb):
    """Every verb is told, denied, asked and wished in the singular and the plural, with one mark for the action."""
    infinitive = INFINITIVES.get(verb) or IRREGULAR[verb][2]
    singular, plural = IRREGULAR[verb][:2] if verb in IRREGULAR else regular_forms(infinitive)
    pair = ("king", "queen")
    assert say(subjects=("king",), verb=verb) == f"O rei {singular}."
    assert say(subjects=pair, verb=verb) == f"O rei e a rainha {plural}."
    assert say(subjects=("king",), verb=verb, mood="deny") == f"O rei não {singular}."
    assert say(subjects=pair, verb=verb, mood="deny") == f"O rei e a rainha não {plural}."
    assert say(subjects=("king",), verb=verb, mood="ask") == f"O rei {singular}?"
    assert say(subjects=("king",), verb=verb, mood="wish") == f"O rei queria {infinitive}."
    assert say(subjects=pair, verb=verb, mood="wish") == f"O rei e a rainha queriam {infinitive}."
    for mood in meaning.MOODS:
        marks = concepts(pt.realise(Clause("act", ("king",), verb, mood=mood)))
        assert marks == {("person", "king"): 1, ("action", verb): 1}


@pytest.mark.parametrize(
    ("place", "rest", "coming", "going"),
    [
        ("beach", "na praia", "à praia", "a praia"),
        ("bridge", "na ponte", "à ponte", "a ponte"),
        ("field", "no campo", "ao campo", "o campo"),
        ("forest", "na floresta", "à floresta", "a floresta"),
        ("garden", "no jardim", "ao jardim", "o jardim"),
        ("harbour", "no porto", "ao porto", "o porto"),
        ("island", "na ilha", "à ilha", "a ilha"),
        ("lake", "à beira do lago", "ao lago", "o lago"),
        ("market", "no mercado", "ao mercado", "o mercado"),
        ("mountain", "na montanha", "à montanha", "a montanha"),
        ("park", "no parque", "ao parque", "o parque"),
        ("river", "à beira do rio", "ao rio", "o rio"),
        ("square", "na praça", "à praça", "a praça"),
        ("village", "na vila", "à vila", "a vila"),
        ("bakery", "na padaria", "à padaria", "a padaria"),
        ("castle", "no castelo", "ao castelo", "o castelo"),
        ("church", "na igreja", "à igreja", "a igreja"),
        ("hospital", "no hospital", "ao hospital", "o hospital"),
        ("house", "na casa", "à casa", "a casa"),
        ("kitchen", "na cozinha", "à cozinha", "a cozinha"),
        ("library", "na biblioteca", "à biblioteca", "a biblioteca"),
        ("museum", "no museu", "ao museu", "o museu"),
        ("school", "na escola", "à escola", "a escola"),
        ("station", "na estação", "à estação", "a estação"),
        ("theatre", "no teatro", "ao teatro", "o teatro"),
    ],
)
def test_places(place, rest, coming, going):
    """em, a and de contract with the article; até and para do not."""
    roles = {"subjects": ("boy",), "place": place}
    assert say(**roles, verb="sleep") == f"O menino dormiu {rest}."
    assert say(**roles, verb="sleep", place_first=True) == f"{rest[0].upper()}{rest[1:]} o menino dormiu."
    assert say(**roles, verb="come") == f"O menino chegou {coming}."
    assert say(**roles, verb="go") == f"O menino foi até {going}."
    assert say(**roles, verb="hurry") == f"O menino foi depressa até {going}."
    assert say(**roles, verb="return") == f"O menino voltou para {going}."
    assert say(**roles, verb="run") == f"O menino correu para {going}."


def test_one_swims_in_the_water():
    """Everything else is done at its edge."""
    assert say(subjects=("girl",), verb="swim", place="lake") == "A menina nadou no lago."
    assert say(subjects=("girl",), verb="swim", place="river") == "A menina nadou no rio."
    assert say(subjects=("girl",), verb="play", place="river") == "A menina brincou à beira do rio."


@pytest.mark.parametrize("state", meaning.STATES)
def test_states_agree(state):
    """cansado, cansada, cansados, and cansadas only if both are women; triste, feliz and com fome have fewer forms."""
    masculine = pt.STATES[state]
    if masculine.startswith("com "):
        forms = [masculine] * 4
    elif masculine.endswith("o"):
        forms = [masculine[:-1] + ending for ending in ("o", "a", "os", "as")]
    else:
        forms = [masculine] * 2 + [{"feliz": "felizes", "triste": "tristes", "doente": "doentes"}[masculine]] * 2
    groups = {("king",): "O rei estava", ("queen",): "A rainha estava",
              ("queen", "king"): "A rainha e o rei estavam", ("queen", "aunt"): "A rainha e a tia estavam"}  # fmt: skip
    for (subjects, opening), form in zip(groups.items(), forms):
        assert say("state", subjects=subjects, quality=state) == f"{opening} {form}."
        denied = opening.replace("estava", "não estava")
        assert say("state", subjects=subjects, quality=state, mood="deny") == f"{denied} {form}."


def test_times_open_the_sentence():
    """The time comes first, the place last, and the subject stays before the verb."""
    roles = {"subjects": ("boy",), "verb": "buy", "thing": "apple", "place": "market"}
    expected = {
        "monday": "Na segunda-feira", "tuesday": "Na terça-feira", "wednesday": "Na quarta-feira",
        "thursday": "Na quinta-feira", "friday": "Na sexta-feira", "saturday": "No sábado", "sunday": "No domingo",
        "yesterday": "Ontem",
        "autumn": "No outono passado", "spring": "Na primavera passada", "summer": "No verão passado",
        "winter": "No inverno passado", "morning": "De manhã", "noon": "Ao meio-dia", "afternoon": "À tarde",
        "evening": "Ao anoitecer", "night": "À noite", "later": "Mais tarde",
    }  # fmt: skip
    assert set(expected) == set(meaning.TIMES)
    for time, opening in expected.items():
        assert say(**roles, time=time) == f"{opening} o menino comprou uma maçã no mercado."


def test_weather():
    """Weather happened at a time, but in a place it was a backdrop."""
    forms = {
        "cold": ("fez frio", "fazia frio"), "fog": ("houve neblina", "havia neblina"), "rain": ("choveu", "chovia"),
        "snow": ("nevou", "nevava"), "storm": ("houve uma tempestade", "havia uma tempestade"),
        "sun": ("o sol brilhou", "o sol brilhava"), "thunder": ("trovejou", "trovejava"),
        "warm": ("fez calor", "fazia calor"), "wind": ("ventou", "ventava"),
    }  # fmt: skip
    assert set(forms) == set(meaning.WEATHER)
    for sort, (happened, was) in forms.items():
        assert say("weather", verb=sort, time="yesterday") == f"Ontem {happened}."
        assert say("weather", verb=sort, place="lake", place_first=True) == f"À beira do lago {was}."


@pytest.mark.parametrize("manner", meaning.MANNERS)
def test_manner_stands_before_a_thing_and_after_a_being(manner):
    """leu em silêncio um livro, but seguiu o rei em silêncio; without an object it follows the verb."""
    words, pair = pt.MANNERS[manner], ("king", "queen")
    assert (
        say(subjects=pair, verb="sing", manner=manner, place="park") == f"O rei e a rainha cantaram {words} no parque."
    )
    assert say(subjects=("king",), verb="follow", patient="wolf", manner=manner) == f"O rei seguiu o lobo {words}."
    roles = {"subjects": ("king",), "verb": "give", "patient": "aunt", "thing": "egg", "quality": "fresh"}
    assert say(**roles, manner=manner) == f"O rei deu {words} um ovo fresco à tia."


def test_only_words_are_in_a_voice():
    """One calls and sings em voz alta, but laughs and cries alto, for nothing is said."""
    roles = {"subjects": ("king",), "manner": "loudly"}
    assert [say(**roles, verb=verb) for verb in ("sing", "laugh", "cry")] == [
        "O rei cantou em voz alta.", "O rei riu alto.", "O rei chorou alto.",
    ]  # fmt: skip


def test_whole_sentences_of_each_mood():
    """A wish, a question and its answers, a denial: as one would write them."""
    roles = {"subjects": ("aunt",), "verb": "find", "thing": "hat"}
    assert say(**roles, mood="ask", place="island") == "A tia encontrou um chapéu na ilha?"
    assert say(**roles, answer="yes", pronoun=True) == "Sim, ela encontrou um chapéu."
    assert say(**roles, answer="no", mood="deny", pronoun=True) == "Não, ela não encontrou nenhum chapéu."
    stayed = {"subjects": ("fox",), "verb": "stay", "place": "forest", "pronoun": True}
    assert say(**stayed, answer="no", mood="deny") == "Não, ela não ficou na floresta."
    wish = {"subjects": ("cook", "nurse"), "verb": "sell", "mood": "wish", "time": "wednesday", "place": "harbour"}
    assert (
        say(**wish, thing="cup", number=2)
        == "Na quarta-feira o cozinheiro e a enfermeira queriam vender duas xícaras no porto."
    )
    assert say(**wish, thing="coat", quality="grey").endswith("queriam vender um casaco cinza no porto.")
    forgot = {"subjects": ("student",), "verb": "forget", "thing": "umbrella", "place": "school", "time": "friday"}
    assert say(**forgot) == "Na sexta-feira a aluna esqueceu um guarda-chuva na escola."


def test_stories_mark_what_the_english_ones_mark():
    """Both languages mark the same values, every sentence is words and marks, and there are many words."""
    documents = generate_documents(1500, (3, 8), 5, {"en": 1.0, "pt": 1.0})
    vocabulary = set()
    for english, portuguese in zip(documents[::2], documents[1::2]):
        marks = [Counter((span.concept, span.value) for span in told.concepts) for told in (english, portuguese)]
        assert marks[0] == marks[1]
        assert re.fullmatch(r"(((Sim|Não), )?\w+( [\w-]+)*[.?]( |$))+", portuguese.text)
        assert not re.search(r"\b(a o|a a|em [oa]|de [oa]|não não|um uma)\b", portuguese.text)
        vocabulary |= set(re.findall(r"\w+", portuguese.text.lower()))
    assert len(vocabulary) >= 400


def test_every_clause_marks_what_english_marks():
    """The marks do not depend on the language, whatever the verb, the mood or the manner."""
    for verb in meaning.VERBS:
        for changes in ({"mood": "tell", "manner": "slowly"}, {"mood": "deny"}, {"mood": "ask"}, {"mood": "wish"}):
            roles = {"patient": "duck", "thing": "drum", "quality": "old", "place": "lake", **changes}
            clause = Clause("act", ("boy", "girl"), verb, **roles)
            assert concepts(pt.realise(clause)) == concepts(en.realise(clause))
