"""The paradigms of Turkish, as tables over its whole lexicon."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from sieve.text import meaning
from sieve.text.document import Mark, compose
from sieve.text.languages import en, sentence, tr
from sieve.text.meaning import Clause
from sieve.text.templates import FEMALE_NAMES, MALE_NAMES
from sieve.text.world import keyed_random, tell

CASES = {  # accusative, genitive, dative
    "baker": "fırıncıyı fırıncının fırıncıya", "boy": "oğlanı oğlanın oğlana", "brother": "ağabeyi ağabeyin ağabeye",
    "cook": "aşçıyı aşçının aşçıya", "doctor": "doktoru doktorun doktora", "farmer": "çiftçiyi çiftçinin çiftçiye",
    "father": "babayı babanın babaya", "fisherman": "balıkçıyı balıkçının balıkçıya",
    "gardener": "bahçıvanı bahçıvanın bahçıvana", "grandfather": "dedeyi dedenin dedeye",
    "hunter": "avcıyı avcının avcıya", "king": "kralı kralın krala", "merchant": "tüccarı tüccarın tüccara",
    "painter": "ressamı ressamın ressama", "prince": "prensi prensin prense",
    "sailor": "denizciyi denizcinin denizciye", "soldier": "askeri askerin askere", "uncle": "amcayı amcanın amcaya",
    "actress": "aktrisi aktrisin aktrise", "aunt": "teyzeyi teyzenin teyzeye", "bride": "gelini gelinin geline",
    "dancer": "dansçıyı dansçının dansçıya", "girl": "kızı kızın kıza",
    "grandmother": "büyükanneyi büyükannenin büyükanneye", "mother": "anneyi annenin anneye",
    "neighbour": "komşuyu komşunun komşuya", "nurse": "hemşireyi hemşirenin hemşireye",
    "princess": "prensesi prensesin prensese", "queen": "kraliçeyi kraliçenin kraliçeye",
    "seamstress": "terziyi terzinin terziye", "singer": "şarkıcıyı şarkıcının şarkıcıya",
    "sister": "ablayı ablanın ablaya", "student": "öğrenciyi öğrencinin öğrenciye",
    "teacher": "öğretmeni öğretmenin öğretmene", "witch": "cadıyı cadının cadıya", "writer": "yazarı yazarın yazara",
    "bear": "ayıyı ayının ayıya", "bird": "kuşu kuşun kuşa", "cat": "kediyi kedinin kediye",
    "chicken": "tavuğu tavuğun tavuğa", "cow": "ineği ineğin ineğe", "dog": "köpeği köpeğin köpeğe",
    "donkey": "eşeği eşeğin eşeğe", "duck": "ördeği ördeğin ördeğe", "fox": "tilkiyi tilkinin tilkiye",
    "frog": "kurbağayı kurbağanın kurbağaya", "goat": "keçiyi keçinin keçiye", "horse": "atı atın ata",
    "mouse": "fareyi farenin fareye", "owl": "baykuşu baykuşun baykuşa", "pig": "domuzu domuzun domuza",
    "rabbit": "tavşanı tavşanın tavşana", "sheep": "koyunu koyunun koyuna", "snake": "yılanı yılanın yılana",
    "swan": "kuğuyu kuğunun kuğuya", "wolf": "kurdu kurdun kurda",
}  # fmt: skip
OWNED = {  # bare, and with the ending of what somebody has
    "apple": "elma/elması", "biscuit": "bisküvi/bisküvisi", "cake": "kek/keki", "carrot": "havuç/havucu",
    "cherry": "kiraz/kirazı", "egg": "yumurta/yumurtası", "lemon": "limon/limonu", "mushroom": "mantar/mantarı",
    "onion": "soğan/soğanı", "orange": "portakal/portakalı", "pear": "armut/armudu", "potato": "patates/patatesi",
    "sandwich": "sandviç/sandviçi", "tomato": "domates/domatesi", "book": "kitap/kitabı", "diary": "günce/güncesi",
    "letter": "mektup/mektubu", "map": "harita/haritası", "newspaper": "gazete/gazetesi", "poem": "şiir/şiiri",
    "bag": "çanta/çantası", "ball": "top/topu", "basket": "sepet/sepeti", "blanket": "battaniye/battaniyesi",
    "bottle": "şişe/şişesi", "bowl": "kâse/kâsesi", "box": "kutu/kutusu", "bucket": "kova/kovası",
    "button": "düğme/düğmesi", "candle": "mum/mumu", "chair": "sandalye/sandalyesi", "coat": "palto/paltosu",
    "cup": "fincan/fincanı", "dress": "elbise/elbisesi", "glove": "eldiven/eldiveni", "hat": "şapka/şapkası",
    "kite": "uçurtma/uçurtması", "lamp": "lamba/lambası", "pillow": "yastık/yastığı", "plate": "tabak/tabağı",
    "ribbon": "kurdele/kurdelesi", "scarf": "atkı/atkısı", "shirt": "gömlek/gömleği", "shoe": "ayakkabı/ayakkabısı",
    "umbrella": "şemsiye/şemsiyesi", "bell": "çan/çanı", "broom": "süpürge/süpürgesi", "brush": "fırça/fırçası",
    "clock": "saat/saati", "coin": "madeni para/madeni parası", "comb": "tarak/tarağı", "drum": "davul/davulu",
    "feather": "tüy/tüyü", "fork": "çatal/çatalı", "guitar": "gitar/gitarı", "hammer": "çekiç/çekici",
    "key": "anahtar/anahtarı", "knife": "bıçak/bıçağı", "ladder": "merdiven/merdiveni", "mirror": "ayna/aynası",
    "necklace": "kolye/kolyesi", "needle": "iğne/iğnesi", "picture": "resim/resmi", "ring": "yüzük/yüzüğü",
    "rope": "ip/ipi", "spoon": "kaşık/kaşığı", "violin": "keman/kemanı", "flower": "çiçek/çiçeği",
}  # fmt: skip
PLACES = {  # at rest, in motion
    "beach": "kumsalda/kumsala", "bridge": "köprüde/köprüye", "field": "tarlada/tarlaya", "forest": "ormanda/ormana",
    "garden": "bahçede/bahçeye", "harbour": "limanda/limana", "island": "adada/adaya", "lake": "göl kıyısında/göle",
    "market": "çarşıda/çarşıya", "mountain": "dağda/dağa", "park": "parkta/parka", "river": "nehir kıyısında/nehre",
    "square": "meydanda/meydana", "village": "köyde/köye", "bakery": "pastanede/pastaneye", "castle": "şatoda/şatoya",
    "church": "kilisede/kiliseye", "hospital": "hastanede/hastaneye", "house": "evde/eve",
    "kitchen": "mutfakta/mutfağa", "library": "kütüphanede/kütüphaneye", "museum": "müzede/müzeye",
    "school": "okulda/okula", "station": "istasyonda/istasyona", "theatre": "tiyatroda/tiyatroya",
}  # fmt: skip
VERBS = {  # asked, plural, infinitive, denied, denied of a plural
    "bake": "pişirdi mi/pişirdiler/pişirmek/pişirmedi/pişirmediler",
    "break": "kırdı mı/kırdılar/kırmak/kırmadı/kırmadılar",
    "bring": "getirdi mi/getirdiler/getirmek/getirmedi/getirmediler",
    "buy": "satın aldı mı/satın aldılar/satın almak/satın almadı/satın almadılar",
    "call": "çağırdı mı/çağırdılar/çağırmak/çağırmadı/çağırmadılar",
    "carry": "taşıdı mı/taşıdılar/taşımak/taşımadı/taşımadılar",
    "clean": "temizledi mi/temizlediler/temizlemek/temizlemedi/temizlemediler",
    "come": "geldi mi/geldiler/gelmek/gelmedi/gelmediler",
    "cry": "ağladı mı/ağladılar/ağlamak/ağlamadı/ağlamadılar",
    "dance": "dans etti mi/dans ettiler/dans etmek/dans etmedi/dans etmediler",
    "draw": "çizdi mi/çizdiler/çizmek/çizmedi/çizmediler", "eat": "yedi mi/yediler/yemek/yemedi/yemediler",
    "feed": "besledi mi/beslediler/beslemek/beslemedi/beslemediler",
    "find": "buldu mu/buldular/bulmak/bulmadı/bulmadılar",
    "follow": "takip etti mi/takip ettiler/takip etmek/takip etmedi/takip etmediler",
    "forget": "unuttu mu/unuttular/unutmak/unutmadı/unutmadılar",
    "give": "verdi mi/verdiler/vermek/vermedi/vermediler", "go": "gitti mi/gittiler/gitmek/gitmedi/gitmediler",
    "greet": "selamladı mı/selamladılar/selamlamak/selamlamadı/selamlamadılar",
    "help": "yardım etti mi/yardım ettiler/yardım etmek/yardım etmedi/yardım etmediler",
    "hide": "sakladı mı/sakladılar/saklamak/saklamadı/saklamadılar",
    "hug": "sarıldı mı/sarıldılar/sarılmak/sarılmadı/sarılmadılar",
    "hurry": "aceleyle gitti mi/aceleyle gittiler/aceleyle gitmek/aceleyle gitmedi/aceleyle gitmediler",
    "laugh": "güldü mü/güldüler/gülmek/gülmedi/gülmediler",
    "lose": "kaybetti mi/kaybettiler/kaybetmek/kaybetmedi/kaybetmediler",
    "open": "açtı mı/açtılar/açmak/açmadı/açmadılar", "paint": "boyadı mı/boyadılar/boyamak/boyamadı/boyamadılar",
    "play": "oynadı mı/oynadılar/oynamak/oynamadı/oynamadılar",
    "read": "okudu mu/okudular/okumak/okumadı/okumadılar",
    "repair": "onardı mı/onardılar/onarmak/onarmadı/onarmadılar",
    "rest": "dinlendi mi/dinlendiler/dinlenmek/dinlenmedi/dinlenmediler",
    "return": "döndü mü/döndüler/dönmek/dönmedi/dönmediler", "run": "koştu mu/koştular/koşmak/koşmadı/koşmadılar",
    "see": "gördü mü/gördüler/görmek/görmedi/görmediler", "seek": "aradı mı/aradılar/aramak/aramadı/aramadılar",
    "sell": "sattı mı/sattılar/satmak/satmadı/satmadılar",
    "show": "gösterdi mi/gösterdiler/göstermek/göstermedi/göstermediler",
    "sing": "şarkı söyledi mi/şarkı söylediler/şarkı söylemek/şarkı söylemedi/şarkı söylemediler",
    "sleep": "uyudu mu/uyudular/uyumak/uyumadı/uyumadılar", "stay": "kaldı mı/kaldılar/kalmak/kalmadı/kalmadılar",
    "steal": "çaldı mı/çaldılar/çalmak/çalmadı/çalmadılar", "swim": "yüzdü mü/yüzdüler/yüzmek/yüzmedi/yüzmediler",
    "thank": "teşekkür etti mi/teşekkür ettiler/teşekkür etmek/teşekkür etmedi/teşekkür etmediler",
    "throw": "fırlattı mı/fırlattılar/fırlatmak/fırlatmadı/fırlatmadılar",
    "visit": "ziyaret etti mi/ziyaret ettiler/ziyaret etmek/ziyaret etmedi/ziyaret etmediler",
    "wait": "bekledi mi/beklediler/beklemek/beklemedi/beklemediler",
    "wash": "yıkadı mı/yıkadılar/yıkamak/yıkamadı/yıkamadılar",
    "work": "çalıştı mı/çalıştılar/çalışmak/çalışmadı/çalışmadılar",
    "write": "yazdı mı/yazdılar/yazmak/yazmadı/yazmadılar",
}  # fmt: skip
STATES = {  # told, told of a plural, denied, denied of a plural
    "afraid": "korkmuştu/korkmuşlardı/korkmamıştı/korkmamışlardı",
    "angry": "kızgındı/kızgındılar/kızgın değildi/kızgın değillerdi",
    "bored": "sıkılmıştı/sıkılmışlardı/sıkılmamıştı/sıkılmamışlardı",
    "busy": "meşguldü/meşguldüler/meşgul değildi/meşgul değillerdi",
    "calm": "sakindi/sakindiler/sakin değildi/sakin değillerdi",
    "happy": "mutluydu/mutluydular/mutlu değildi/mutlu değillerdi",
    "hungry": "acıkmıştı/acıkmışlardı/acıkmamıştı/acıkmamışlardı",
    "nervous": "gergindi/gergindiler/gergin değildi/gergin değillerdi",
    "proud": "gururluydu/gururluydular/gururlu değildi/gururlu değillerdi",
    "sad": "üzgündü/üzgündüler/üzgün değildi/üzgün değillerdi",
    "sick": "hastaydı/hastaydılar/hasta değildi/hasta değillerdi",
    "surprised": "şaşırmıştı/şaşırmışlardı/şaşırmamıştı/şaşırmamışlardı",
    "thirsty": "susamıştı/susamışlardı/susamamıştı/susamamışlardı",
    "tired": "yorgundu/yorgundular/yorgun değildi/yorgun değillerdi",
}  # fmt: skip
QUALITIES = {  # before a noun, and at the end of a sentence
    "beautiful": "güzel güzeldi", "big": "büyük büyüktü", "black": "siyah siyahtı", "blue": "mavi maviydi",
    "brown": "kahverengi kahverengiydi", "cheap": "ucuz ucuzdu", "dirty": "kirli kirliydi",
    "expensive": "pahalı pahalıydı", "fresh": "taze tazeydi", "green": "yeşil yeşildi", "grey": "gri griydi",
    "heavy": "ağır ağırdı", "new": "yeni yeniydi", "old": "eski eskiydi", "red": "kırmızı kırmızıydı",
    "small": "küçük küçüktü", "strange": "tuhaf tuhaftı", "tiny": "minicik minicikti", "white": "beyaz beyazdı",
    "yellow": "sarı sarıydı",
}  # fmt: skip
NUMBERS = ["iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz", "on", "on bir", "on iki"]
CAPITALS = {"i": "İ", "ı": "I"}
FOLLOWING = {"a": "aı", "ı": "aı", "o": "au", "u": "au", "e": "ei", "i": "ei", "ö": "eü", "ü": "eü"}
FRONT_LOANS = ("saat", "meşgul")  # the two words that harmony does not explain


def say(**roles):
    """The text of one sentence."""
    return compose([sentence("tr", Clause(roles.pop("kind", "act"), **roles))])[0]


def capital(text):
    """The text as it opens a sentence in Turkish."""
    return CAPITALS.get(text[0], text[0].upper()) + text[1:]


def harmonious(base, form):
    """Whether each vowel of the endings follows from the vowel before it."""
    vowels = [letter for letter in form if letter in FOLLOWING]
    first = sum(letter in FOLLOWING for letter in base) - 1
    return all(after in FOLLOWING[before] for before, after in pairwise(vowels[first:]))


def test_lexicon_covers_the_meanings():
    """Every key of the world has an entry, and no table has an entry too many."""
    described = {quality for qualities in meaning.QUALITIES.values() for quality in qualities}
    assert set(tr.BEINGS) == set(CASES) == {*meaning.PERSONS, *meaning.ANIMALS}
    assert set(tr.OBJECTS) == set(OWNED) == set(meaning.OBJECTS)
    assert set(tr.PLACES) == set(PLACES) == set(meaning.PLACES)
    assert set(tr.PAST) == {*VERBS, "have"} == set(meaning.VERBS)
    assert set(tr.ADJECTIVES) | set(tr.STATES) == {*QUALITIES, *STATES} == described | set(meaning.STATES)
    assert not set(tr.ADJECTIVES) & set(tr.STATES)
    for table, keys in (("TIMES", meaning.TIMES), ("NUMBERS", meaning.NUMBERS), ("WEATHER", meaning.WEATHER)):
        assert set(getattr(tr, table)) == set(keys)
    assert set(tr.MANNERS) == set(meaning.MANNERS)


def test_different_keys_have_different_words():
    """No word serves two keys but yedi (seven, ate), none is a name of the problems, and none has a hyphen."""
    tables = (tr.BEINGS, tr.OBJECTS, tr.PLACES, tr.PAST, tr.ADJECTIVES, tr.STATES, tr.NUMBERS, tr.TIMES, tr.WEATHER)
    count = Counter(word for table in (*tables, tr.MANNERS) for word in table.values())
    assert {word for word, uses in count.items() if uses > 1} == {"yedi"}
    assert not {part for word in count for part in word.split()} & {n.lower() for n in FEMALE_NAMES + MALE_NAMES}
    assert all(re.fullmatch("[a-zçğıöşüâ]+( [a-zçğıöşü]+)*", word) for word in count)


@pytest.mark.parametrize("key", CASES)
def test_cases_of_beings(key):
    """Persons and animals have the written-out accusative, genitive and dative, and the plain word as a subject."""
    accusative, genitive, dative = CASES[key].split()
    assert say(subjects=(key,), verb="see", patient=key) == f"{capital(tr.BEINGS[key])} {accusative} gördü."
    assert say(subjects=(key,), verb="have", thing="egg", number=3) == f"{capital(genitive)} üç yumurtası vardı."
    for verb in tr.PAST.keys() - {"have"}:
        said = say(subjects=("king",), verb=verb, patient=key).split()[1]
        assert said == (dative if verb in {"bring", "give", "help", "hug", "show", "thank"} else accusative)


@pytest.mark.parametrize("thing", OWNED)
def test_every_noun_with_every_number(thing):
    """A counted noun stays singular, and owned it takes its possessive ending."""
    bare, owned = OWNED[thing].split("/")
    for number, numeral in zip(meaning.NUMBERS, NUMBERS, strict=True):
        roles = {"subjects": ("king",), "thing": thing, "number": number}
        assert say(verb="buy", **roles) == f"Kral {numeral} {bare} satın aldı."
        assert say(verb="buy", mood="wish", **roles) == f"Kral {numeral} {bare} satın almak istedi."
        assert say(verb="have", **roles) == f"Kralın {numeral} {owned} vardı."
        assert say(verb="have", pronoun=True, **roles) == f"{capital(numeral)} {owned} vardı."


@pytest.mark.parametrize("thing", OWNED)
def test_every_noun_with_its_qualities(thing):
    """The adjective precedes bir, which a denial leaves out; the thing named before is said without an article."""
    bare = OWNED[thing].split("/")[0]
    roles = {"subjects": ("queen",), "verb": "show", "patient": "wolf", "thing": thing}
    assert say(**roles) == f"Kraliçe kurda bir {bare} gösterdi."
    assert say(mood="ask", **roles) == f"Kraliçe kurda bir {bare} gösterdi mi?"
    assert say(mood="deny", **roles) == f"Kraliçe kurda {bare} göstermedi."
    for quality in meaning.QUALITIES[thing]:
        adjective, copula = QUALITIES[quality].split()
        assert say(quality=quality, **roles) == f"Kraliçe kurda {adjective} bir {bare} gösterdi."
        assert say(kind="quality", thing=thing, quality=quality) == f"{capital(bare)} {copula}."


@pytest.mark.parametrize("place", PLACES)
def test_places_at_rest_and_in_motion(place):
    """Rest takes the locative, or the shore of a lake or river; motion takes the dative."""
    rest, motion = PLACES[place].split("/")
    for verb in ("sleep", "throw", "see"):
        assert f" {rest} " in say(subjects=("king",), verb=verb, place=place)
    for verb in meaning.MOVES:
        assert say(subjects=("king",), verb=verb, place=place) == f"Kral {motion} {tr.PAST[verb]}."
    assert say(kind="weather", verb="rain", place=place, place_first=True) == f"{capital(rest)} yağmur yağdı."


def test_one_swims_in_the_water():
    """Who swims is in the lake or river, not on its shore."""
    assert say(subjects=("king",), verb="swim", place="lake") == "Kral gölde yüzdü."
    assert say(subjects=("king",), verb="swim", place="river", mood="wish") == "Kral nehirde yüzmek istedi."


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_mood(verb):
    """Every verb has the written-out forms of telling, denying, asking and wishing, for one and for two."""
    asked, plural, infinitive, denied, none = VERBS[verb].split("/")
    one, two = {"verb": verb, "subjects": ("king",)}, {"verb": verb, "subjects": ("king", "wolf")}
    assert say(**one) == f"Kral {asked.rsplit(' ', 1)[0]}."
    assert say(**two) == f"Kral ile kurt {plural}."
    assert say(mood="deny", **one) == f"Kral {denied}."
    assert say(mood="deny", **two) == f"Kral ile kurt {none}."
    assert say(mood="ask", **one) == f"Kral {asked}?"
    assert say(mood="wish", **one) == f"Kral {infinitive} istedi."
    assert say(mood="wish", **two) == f"Kral ile kurt {infinitive} istediler."


@pytest.mark.parametrize(
    ("mood", "form"), [("tell", "yaptı"), ("deny", "yapmadı"), ("ask", "yaptı mı"), ("wish", "yapmak istedi")]
)
def test_a_picture_is_made(mood, form):
    """To paint a picture is to make it; boyamak would colour it in."""
    said = say(subjects=("painter",), verb="paint", thing="picture", mood=mood)
    assert said.rstrip(".?") == f"Ressam {'' if mood == 'deny' else 'bir '}resim {form}"
    assert "boya" in say(subjects=("painter",), verb="paint", thing="chair", mood=mood)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("mood", meaning.MOODS)
def test_one_action_on_the_content_verb(verb, mood):
    """Neither istedi nor the question particle is part of the marked action."""
    marked = [p.surface for p in tr.realise(Clause("act", ("king",), verb, mood=mood)) if isinstance(p, Mark)][1:]
    assert len(marked) == 1
    assert not re.search(r"istedi| m[ıiuü]$", marked[0])


@pytest.mark.parametrize("state", STATES)
def test_states(state):
    """Being hungry is a verb, being tired an adjective; both agree with two, and deny in their own way."""
    told, plural, denied, none = STATES[state].split("/")
    one, two = {"kind": "state", "quality": state, "subjects": ("cow",)}, {"kind": "state", "quality": state}
    two["subjects"] = ("queen", "king")
    assert say(**one) == f"İnek {told}."
    assert say(pronoun=True, **one) == capital(told) + "."
    assert say(**two) == f"Kraliçe ile kral {plural}."
    assert say(mood="deny", **one) == f"İnek {denied}."
    assert say(mood="deny", **two) == f"Kraliçe ile kral {none}."


@pytest.mark.parametrize("word", sorted({*tr.BEINGS.values(), *tr.OBJECTS.values(), *tr.PLACES.values()}))
def test_endings_of_nouns_follow_the_rules(word):
    """Vowels harmonise, D is voiceless after a voiceless consonant, and only the listed stems change by themselves."""
    for ending in ("(y)I", "(n)In", "(y)A", "(s)I", "DA"):
        assert harmonious(word, tr.attach(word, ending)) != (word in FRONT_LOANS)
    assert (tr.attach(word, "DA")[-2] == "t") == bool(re.search("[fstkçşhp]$", word))
    stem = tr.attach(word, "(y)A")[:-1].removesuffix("y" if word[-1] in FOLLOWING else "")
    softened = re.sub("[pçk]$", lambda last: {"p": "b", "ç": "c", "k": "ğ"}[last[0]], word)
    many = len([letter for letter in word if letter in FOLLOWING]) > 1
    irregular = {"armut": "armud", "kurt": "kurd", "nehir": "nehr", "resim": "resm", "sandviç": "sandviç"}
    assert stem == irregular.get(word, softened if many else word)


@pytest.mark.parametrize("word", [*tr.PAST.values(), *tr.ADJECTIVES.values(), *tr.STATES.values()])
def test_endings_of_predicates_follow_the_rules(word):
    """Vowels harmonise in every ending of verbs and adjectives, and a past tense is its stem and D and a vowel."""
    forms = [tr.attach(word, "(y)DI", "lAr"), tr.attach(word, "mA", "mIş", "lAr", "DI"), tr.attach(word, "mAk")]
    assert all(harmonious(word, form) != (word in FRONT_LOANS) for form in forms)
    if word in tr.PAST.values():
        assert harmonious(word[:-2], word)
        assert re.search("([fstkçşhp]t|[^fstkçşhp]d)[ıiuü]$", word)


def test_owners_do_not_make_vardi_plural():
    """Two owners share one genitive, and what they have agrees with nobody."""
    text = say(subjects=("king", "queen"), verb="have", thing="needle", number=2)
    assert text == "Kral ile kraliçenin iki iğnesi vardı."


def test_order_of_words():
    """The time opens, then subject, place, definite object, manner, indefinite object and verb."""
    roles = {"subjects": ("sailor",), "place": "harbour", "manner": "proudly"}
    text = say(**roles, verb="show", patient="dog", thing="ball", quality="red", time="friday")
    assert text == "Cuma günü denizci limanda köpeğe gururla kırmızı bir top gösterdi."
    text = say(subjects=("witch",), verb="follow", patient="bird", manner="quietly", place="station", place_first=True)
    assert text == "İstasyonda cadı kuşu sessizce takip etti."


def test_questions_and_answers():
    """The particle follows the verb; the answer opens with evet or hayır and has no pronoun."""
    roles = {"subjects": ("seamstress",), "verb": "find", "thing": "key"}
    assert say(**roles, place="library", mood="ask") == "Terzi kütüphanede bir anahtar buldu mu?"
    assert say(**roles, answer="yes", pronoun=True) == "Evet, bir anahtar buldu."
    assert say(**roles, answer="no", pronoun=True, mood="deny") == "Hayır, anahtar bulmadı."


def test_wishes():
    """A wish is the infinitive and istedi, with number, quality, place and time as in telling."""
    roles = {"subjects": ("aunt", "uncle"), "verb": "eat", "place": "garden", "time": "later", "mood": "wish"}
    text = say(**roles, thing="apple", number=7)
    assert text == "Daha sonra teyze ile amca bahçede yedi elma yemek istediler."
    text = say(**{**roles, "subjects": ("nurse",)}, pronoun=True, thing="pear", quality="fresh")
    assert text == "Daha sonra bahçede taze bir armut yemek istedi."


@pytest.mark.parametrize("mood", meaning.MOODS)
def test_capital_of_i_keeps_its_dot(mood):
    """A sentence that begins with i begins with İ, in every mood, and its mark with it."""
    text, spans = compose([sentence("tr", Clause("act", ("cow",), "rest", mood=mood))])
    assert text.startswith("İnek dinlen")
    assert text[spans[0].start : spans[0].end] == "İnek"


def test_weather_times_and_manners_are_whole_phrases():
    """Weather, time and manner are marked as they stand in the lexicon, in their places."""
    for sort in meaning.WEATHER:
        for time in meaning.TIMES:
            pieces = tr.realise(Clause("weather", verb=sort, time=time))
            assert pieces == [Mark("time", time, tr.TIMES[time]), Mark("weather", sort, tr.WEATHER[sort])]
    for manner, verbs in meaning.MANNERS.items():
        for verb in verbs:
            pieces = tr.realise(Clause("act", ("king",), verb, manner=manner))
            assert pieces[-2:] == [Mark("manner", manner, tr.MANNERS[manner]), Mark("action", verb, tr.PAST[verb])]


def test_stories_mark_what_the_english_marks():
    """Every clause of many stories has the same marks as in English, and is a clean sentence with one capital."""
    for group in range(400):
        for clause in tell(keyed_random(5, "turkish", group), 3, 8):
            marks, expected = (
                Counter(p[:2] for p in module.realise(clause) if isinstance(p, Mark)) for module in (tr, en)
            )
            assert marks == expected
            assert re.fullmatch(r"[A-ZÇİÖŞÜ][a-zçğıöşüâ]*,?( [a-zçğıöşüâ]+)*[.?]", compose([sentence("tr", clause)])[0])
