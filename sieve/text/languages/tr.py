"""Turkish: the verb comes last, and case, person and negation are suffixes that follow vowel harmony.

Suffixes are written as grammars do: (y) only after a vowel, A is a or e, I is ı i u or ü, D is d or t: ev + (y)A, eve.
"""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import MOVES, Clause, kind_of

BEINGS = {  # nominative
    "baker": "fırıncı", "boy": "oğlan", "brother": "ağabey", "cook": "aşçı", "doctor": "doktor", "farmer": "çiftçi",
    "father": "baba", "fisherman": "balıkçı", "gardener": "bahçıvan", "grandfather": "dede", "hunter": "avcı",
    "king": "kral", "merchant": "tüccar", "painter": "ressam", "prince": "prens", "sailor": "denizci",
    "soldier": "asker", "uncle": "amca",
    "actress": "aktris", "aunt": "teyze", "bride": "gelin", "dancer": "dansçı", "girl": "kız",
    "grandmother": "büyükanne", "mother": "anne", "neighbour": "komşu", "nurse": "hemşire", "princess": "prenses",
    "queen": "kraliçe", "seamstress": "terzi", "singer": "şarkıcı", "sister": "abla", "student": "öğrenci",
    "teacher": "öğretmen", "witch": "cadı", "writer": "yazar",
    "bear": "ayı", "bird": "kuş", "cat": "kedi", "chicken": "tavuk", "cow": "inek", "dog": "köpek", "donkey": "eşek",
    "duck": "ördek", "fox": "tilki", "frog": "kurbağa", "goat": "keçi", "horse": "at", "mouse": "fare",
    "owl": "baykuş", "pig": "domuz", "rabbit": "tavşan", "sheep": "koyun", "snake": "yılan", "swan": "kuğu",
    "wolf": "kurt",
}  # fmt: skip
OBJECTS = {  # nominative
    "apple": "elma", "biscuit": "bisküvi", "cake": "kek", "carrot": "havuç", "cherry": "kiraz", "egg": "yumurta",
    "lemon": "limon", "mushroom": "mantar", "onion": "soğan", "orange": "portakal", "pear": "armut",
    "potato": "patates", "sandwich": "sandviç", "tomato": "domates",
    "book": "kitap", "diary": "günce", "letter": "mektup", "map": "harita", "newspaper": "gazete", "poem": "şiir",
    "bag": "çanta", "ball": "top", "basket": "sepet", "blanket": "battaniye", "bottle": "şişe", "bowl": "kâse",
    "box": "kutu", "bucket": "kova", "button": "düğme", "candle": "mum", "chair": "sandalye", "coat": "palto",
    "cup": "fincan", "dress": "elbise", "glove": "eldiven", "hat": "şapka", "kite": "uçurtma", "lamp": "lamba",
    "pillow": "yastık", "plate": "tabak", "ribbon": "kurdele", "scarf": "atkı", "shirt": "gömlek",
    "shoe": "ayakkabı", "umbrella": "şemsiye",
    "bell": "çan", "broom": "süpürge", "brush": "fırça", "clock": "saat", "coin": "madeni para", "comb": "tarak",
    "drum": "davul", "feather": "tüy", "fork": "çatal", "guitar": "gitar", "hammer": "çekiç", "key": "anahtar",
    "knife": "bıçak", "ladder": "merdiven", "mirror": "ayna", "necklace": "kolye", "needle": "iğne",
    "picture": "resim", "ring": "yüzük", "rope": "ip", "spoon": "kaşık", "violin": "keman", "flower": "çiçek",
}  # fmt: skip
PLACES = {  # nominative
    "beach": "kumsal", "bridge": "köprü", "field": "tarla", "forest": "orman", "garden": "bahçe", "harbour": "liman",
    "island": "ada", "lake": "göl", "market": "çarşı", "mountain": "dağ", "park": "park", "river": "nehir",
    "square": "meydan", "village": "köy",
    "bakery": "pastane", "castle": "şato", "church": "kilise", "hospital": "hastane", "house": "ev",
    "kitchen": "mutfak", "library": "kütüphane", "museum": "müze", "school": "okul", "station": "istasyon",
    "theatre": "tiyatro",
}  # fmt: skip
SHORES = ("lake", "river")  # one rests on their shore, but swims in them
STEMS = {  # before a vowel, where that is not the rule of `stem`
    "armut": "armud", "kurt": "kurd", "nehir": "nehr", "resim": "resm", "sandviç": "sandviç",
}  # fmt: skip
FRONTED = ("meşgul", "saat")  # loan words whose suffixes have front vowels all the same
PAST = {  # the stem and -DI
    "bake": "pişirdi", "break": "kırdı", "bring": "getirdi", "buy": "satın aldı", "call": "çağırdı",
    "carry": "taşıdı", "clean": "temizledi", "come": "geldi", "cry": "ağladı", "dance": "dans etti", "draw": "çizdi",
    "eat": "yedi", "feed": "besledi", "find": "buldu", "follow": "takip etti", "forget": "unuttu", "give": "verdi",
    "go": "gitti", "greet": "selamladı", "have": "vardı", "help": "yardım etti", "hide": "sakladı", "hug": "sarıldı",
    "hurry": "aceleyle gitti", "laugh": "güldü", "lose": "kaybetti", "open": "açtı", "paint": "boyadı",
    "play": "oynadı", "read": "okudu", "repair": "onardı", "rest": "dinlendi", "return": "döndü", "run": "koştu",
    "see": "gördü", "seek": "aradı", "sell": "sattı", "show": "gösterdi", "sing": "şarkı söyledi", "sleep": "uyudu",
    "stay": "kaldı", "steal": "çaldı", "swim": "yüzdü", "thank": "teşekkür etti", "throw": "fırlattı",
    "visit": "ziyaret etti", "wait": "bekledi", "wash": "yıkadı", "work": "çalıştı", "write": "yazdı",
}  # fmt: skip
PAST_WITH = {("paint", "picture"): "yaptı"}  # a thing is boyandı, but a picture yapıldı
DATIVE_VERBS = ("bring", "give", "help", "hug", "show", "thank")
ADJECTIVES = {
    "beautiful": "güzel", "big": "büyük", "black": "siyah", "blue": "mavi", "brown": "kahverengi", "cheap": "ucuz",
    "dirty": "kirli", "expensive": "pahalı", "fresh": "taze", "green": "yeşil", "grey": "gri", "heavy": "ağır",
    "new": "yeni", "old": "eski", "red": "kırmızı", "small": "küçük", "strange": "tuhaf", "tiny": "minicik",
    "white": "beyaz", "yellow": "sarı", "angry": "kızgın", "busy": "meşgul", "calm": "sakin", "happy": "mutlu",
    "nervous": "gergin", "proud": "gururlu", "sad": "üzgün", "sick": "hasta", "tired": "yorgun",
}  # fmt: skip
STATES = {  # stems of verbs: to be hungry is to have got hungry, acıkmıştı
    "afraid": "kork", "bored": "sıkıl", "hungry": "acık", "surprised": "şaşır", "thirsty": "susa",
}  # fmt: skip
NUMBERS = {
    2: "iki", 3: "üç", 4: "dört", 5: "beş", 6: "altı", 7: "yedi", 8: "sekiz", 9: "dokuz", 10: "on", 11: "on bir",
    12: "on iki",
}  # fmt: skip
TIMES = {
    "friday": "cuma günü", "monday": "pazartesi günü", "saturday": "cumartesi günü", "sunday": "pazar günü",
    "thursday": "perşembe günü", "tuesday": "salı günü", "wednesday": "çarşamba günü", "yesterday": "dün",
    "autumn": "geçen sonbahar", "spring": "geçen ilkbahar", "summer": "geçen yaz", "winter": "geçen kış",
    "morning": "sabahleyin", "noon": "öğleyin", "afternoon": "öğleden sonra", "evening": "akşamleyin",
    "night": "geceleyin", "later": "daha sonra",
}  # fmt: skip
WEATHER = {
    "cold": "hava soğuktu", "fog": "hava sisliydi", "rain": "yağmur yağdı", "snow": "kar yağdı",
    "storm": "fırtına çıktı", "sun": "güneş parladı", "thunder": "gök gürledi", "warm": "hava sıcaktı",
    "wind": "rüzgâr esti",
}  # fmt: skip
MANNERS = {
    "carefully": "dikkatle", "gladly": "seve seve", "loudly": "yüksek sesle", "patiently": "sabırla",
    "proudly": "gururla", "quickly": "hızlıca", "quietly": "sessizce", "secretly": "gizlice", "slowly": "yavaş yavaş",
}  # fmt: skip
ANSWERS = {"yes": "evet,", "no": "hayır,"}
CASES = {"nominative": "", "accusative": "(y)I", "genitive": "(n)In", "dative": "(y)A", "locative": "DA"}

HIGH = {"a": "ı", "â": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}
FRONT = {"a": "e", "ı": "i", "o": "ö", "u": "ü"}
SOFT = {"p": "b", "ç": "c", "k": "ğ"}
VOICELESS = "fstkçşhp"


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, place, objects, verb."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return _dotted([*opening, Mark("weather", clause.verb, WEATHER[clause.verb])])
    answer = [ANSWERS[clause.answer]] if clause.answer else []
    return _dotted([*answer, *opening, *_subject(clause), *where, *_predicate(clause)])


def attach(word: str, *suffixes: str) -> str:
    """A word with suffixes: ('kitap', '(y)I') kitabı, ('okul', 'DA') okulda, ('gör', 'mA', 'DI', 'lAr') görmediler."""
    for suffix in suffixes:
        buffer, letters = (suffix[1], suffix[3:]) if suffix.startswith("(") else ("", suffix)
        form = word + buffer if word[-1] in HIGH else stem(word) if letters[:1] in ("A", "I") else word
        last = _last_vowel(form)
        vowel = FRONT[last] if word in FRONTED else last
        for letter in letters:
            if letter in "AI":
                vowel = HIGH[vowel] if letter == "I" else "e" if HIGH[vowel] in "iü" else "a"
            form += vowel if letter in "AI" else _dental(form) if letter == "D" else letter
        word = form
    return word


def stem(word: str) -> str:
    """A noun that meets a vowel: p ç k of longer words become b c ğ ('köpek', 'köpeğ'); 'resim' is 'resm'."""
    longer = sum(letter in HIGH for letter in word) > 1
    return STEMS.get(word) or (word[:-1] + SOFT.get(word[-1], word[-1]) if longer else word)


def _dental(form: str) -> str:
    return "t" if form[-1] in VOICELESS else "d"


def _last_vowel(word: str) -> str:
    return next(letter for letter in reversed(word) if letter in HIGH)


def _dotted(pieces: list[Piece]) -> list[Piece]:
    """The capital of i is İ, not the I of other languages."""
    first, *rest = pieces
    surface = first.surface if isinstance(first, Mark) else first
    if not surface.startswith("i"):
        return pieces
    surface = "İ" + surface[1:]
    return [first._replace(surface=surface) if isinstance(first, Mark) else surface, *rest]


def being(key: str, case: str) -> Mark:
    """A person or animal in a case: 'köpek', 'köpeği', 'köpeğin', 'köpeğe'."""
    return Mark(kind_of(key), key, attach(BEINGS[key], CASES[case]))


def _subject(clause: Clause) -> list[Piece]:
    """'Kral', 'kral ile kraliçe', and nothing for he or she; an owner is in the genitive, 'kralın'."""
    if clause.kind == "quality":
        return [Mark("object", clause.thing, OBJECTS[clause.thing])]
    if clause.pronoun:
        return []
    *first, last = clause.subjects
    joined: list[Piece] = [piece for key in first for piece in (being(key, "nominative"), "ile")]
    return [*joined, being(last, "genitive" if clause.verb == "have" else "nominative")]


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind != "act":
        return _state(clause)
    case = "dative" if clause.verb in DATIVE_VERBS else "accusative"
    patient: list[Piece] = [being(clause.patient, case)] if clause.patient else []
    manner: list[Piece] = [Mark("manner", clause.manner, MANNERS[clause.manner])] if clause.manner else []
    return [*patient, *manner, *(thing(clause) if clause.thing else []), *_verb(clause)]


def _state(clause: Clause) -> list[Piece]:
    """'Yorgundu', 'yorgundular', 'yorgun değildi'; 'acıkmıştı', 'acıkmışlardı', 'acıkmamıştı'."""
    key, many, denied = clause.quality, ["lAr"] if clause.plural else [], clause.mood == "deny"
    if key in STATES:
        return [Mark("quality", key, attach(STATES[key], *(["mA"] if denied else []), "mIş", *many, "DI"))]
    if denied:
        return [Mark("quality", key, ADJECTIVES[key]), attach("değil", *many, "DI")]
    return [Mark("quality", key, attach(ADJECTIVES[key], "(y)DI", *many))]


def _verb(clause: Clause) -> list[Piece]:
    """'Gördü', 'gördüler', 'görmedi', 'gördü mü', 'görmek istedi'; what is owned agrees with no owners, 'vardı'."""
    past = PAST_WITH.get((clause.verb, clause.thing), PAST[clause.verb])
    many = ["lAr"] if clause.plural and clause.verb != "have" else []
    if clause.mood == "wish":
        return [Mark("action", clause.verb, attach(past[:-2], "mAk")), attach("istedi", *many)]
    form = attach(past[:-2], "mA", "DI", *many) if clause.mood == "deny" else attach(past, *many)
    particle = [attach(form, " mI").split()[-1]] if clause.mood == "ask" else []
    return [Mark("action", clause.verb, form), *particle]


def thing(clause: Clause) -> list[Piece]:
    """The object: 'eski bir kitap', under negation 'kitap', counted 'üç kitap', and of an owner 'üç kitabı'."""
    noun = attach(OBJECTS[clause.thing], "(s)I" if clause.verb == "have" else "")
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", clause.thing, noun)]
    quality = [Mark("quality", clause.quality, ADJECTIVES[clause.quality])] if clause.quality else []
    return [*quality, *([] if clause.mood == "deny" else ["bir"]), Mark("object", clause.thing, noun)]


def _place(clause: Clause) -> list[Piece]:
    """'Parka' of motion, 'parkta' of rest, but 'göl kıyısında'; only who swims is 'gölde'."""
    if not clause.place:
        return []
    if clause.place in SHORES and clause.verb not in (*MOVES, "swim"):
        return [Mark("place", clause.place, PLACES[clause.place]), "kıyısında"]
    case = "dative" if clause.verb in MOVES else "locative"
    return [Mark("place", clause.place, attach(PLACES[clause.place], CASES[case]))]
