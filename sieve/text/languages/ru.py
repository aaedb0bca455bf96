"""Russian: no articles, but cases; past tenses agree with gender, and numerals choose the case of what they count."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, MOVES, Clause, kind_of

BEINGS = {  # gender, nominative, accusative, genitive, dative
    "baker": "m пекарь пекаря пекаря пекарю", "boy": "m мальчик мальчика мальчика мальчику",
    "cook": "m повар повара повара повару", "doctor": "m врач врача врача врачу",
    "farmer": "m фермер фермера фермера фермеру", "fisherman": "m рыбак рыбака рыбака рыбаку",
    "gardener": "m садовник садовника садовника садовнику", "grandfather": "m дедушка дедушку дедушки дедушке",
    "king": "m король короля короля королю", "painter": "m художник художника художника художнику",
    "sailor": "m моряк моряка моряка моряку", "soldier": "m солдат солдата солдата солдату",
    "actress": "f актриса актрису актрисы актрисе", "aunt": "f тётя тётю тёти тёте",
    "dancer": "f танцовщица танцовщицу танцовщицы танцовщице", "girl": "f девочка девочку девочки девочке",
    "grandmother": "f бабушка бабушку бабушки бабушке", "nurse": "f медсестра медсестру медсестры медсестре",
    "princess": "f принцесса принцессу принцессы принцессе", "queen": "f королева королеву королевы королеве",
    "singer": "f певица певицу певицы певице", "student": "f студентка студентку студентки студентке",
    "teacher": "f учительница учительницу учительницы учительнице",
    "writer": "f писательница писательницу писательницы писательнице",
    "bear": "m медведь медведя медведя медведю", "bird": "f птица птицу птицы птице",
    "cat": "f кошка кошку кошки кошке", "cow": "f корова корову коровы корове",
    "dog": "f собака собаку собаки собаке", "duck": "f утка утку утки утке", "fox": "f лиса лису лисы лисе",
    "goat": "f коза козу козы козе", "horse": "f лошадь лошадь лошади лошади", "mouse": "f мышь мышь мыши мыши",
    "rabbit": "m кролик кролика кролика кролику", "wolf": "m волк волка волка волку",
}  # fmt: skip
OBJECTS = {  # gender, nominative, accusative, genitive, genitive plural
    "apple": "n яблоко яблоко яблока яблок", "cake": "m торт торт торта тортов",
    "carrot": "f морковка морковку морковки морковок", "egg": "n яйцо яйцо яйца яиц",
    "orange": "m апельсин апельсин апельсина апельсинов", "pear": "f груша грушу груши груш",
    "tomato": "m помидор помидор помидора помидоров", "book": "f книга книгу книги книг",
    "letter": "n письмо письмо письма писем", "map": "f карта карту карты карт",
    "newspaper": "f газета газету газеты газет", "bag": "f сумка сумку сумки сумок", "ball": "m мяч мяч мяча мячей",
    "basket": "f корзина корзину корзины корзин", "bottle": "f бутылка бутылку бутылки бутылок",
    "box": "f коробка коробку коробки коробок", "candle": "f свеча свечу свечи свечей",
    "chair": "m стул стул стула стульев", "coat": "n пальто пальто пальто пальто", "cup": "f чашка чашку чашки чашек",
    "hat": "f шляпа шляпу шляпы шляп", "lamp": "f лампа лампу лампы ламп", "plate": "f тарелка тарелку тарелки тарелок",
    "umbrella": "m зонт зонт зонта зонтов", "coin": "f монета монету монеты монет",
    "guitar": "f гитара гитару гитары гитар", "key": "m ключ ключ ключа ключей", "knife": "m нож нож ножа ножей",
    "mirror": "n зеркало зеркало зеркала зеркал", "picture": "f картина картину картины картин",
    "ring": "n кольцо кольцо кольца колец", "spoon": "f ложка ложку ложки ложек",
    "flower": "m цветок цветок цветка цветов",
}  # fmt: skip
PLACES = {  # where, and whither
    "beach": "на пляже/на пляж", "bridge": "на мосту/к мосту", "forest": "в лесу/в лес", "garden": "в саду/в сад",
    "market": "на рынке/на рынок", "park": "в парке/в парк", "river": "у реки/к реке",
    "square": "на площади/на площадь", "village": "в деревне/в деревню", "castle": "в замке/в замок",
    "kitchen": "на кухне/на кухню", "library": "в библиотеке/в библиотеку", "school": "в школе/в школу",
    "station": "на вокзале/на вокзал",
}  # fmt: skip
PAST = {  # masculine, feminine, plural
    "buy": "купил купила купили", "come": "пришёл пришла пришли", "cry": "плакал плакала плакали",
    "dance": "танцевал танцевала танцевали", "draw": "нарисовал нарисовала нарисовали", "eat": "съел съела съели",
    "feed": "покормил покормила покормили", "find": "нашёл нашла нашли", "give": "дал дала дали",
    "go": "пошёл пошла пошли", "greet": "поприветствовал поприветствовала поприветствовали",
    "help": "помог помогла помогли", "hug": "обнял обняла обняли", "lose": "потерял потеряла потеряли",
    "open": "открыл открыла открыли", "play": "играл играла играли", "read": "прочитал прочитала прочитали",
    "repair": "починил починила починили", "return": "вернулся вернулась вернулись",
    "run": "побежал побежала побежали", "see": "увидел увидела увидели", "seek": "искал искала искали",
    "sell": "продал продала продали", "show": "показал показала показали", "sing": "пел пела пели",
    "sleep": "спал спала спали", "stay": "остался осталась остались", "visit": "навестил навестила навестили",
    "wait": "ждал ждала ждали", "wash": "вымыл вымыла вымыли", "work": "работал работала работали",
    "write": "написал написала написали", "have": "было было было",
}  # fmt: skip
DATIVE_VERBS = ("give", "help", "show")
ADJECTIVES = {  # stem and declension
    "beautiful": "красив ый", "big": "больш ой", "black": "чёрн ый", "blue": "син ий", "expensive": "дорог ой",
    "fresh": "свеж ш", "green": "зелён ый", "heavy": "тяжёл ый", "new": "нов ый", "old": "стар ый",
    "red": "красн ый", "small": "маленьк к", "white": "бел ый",
}  # fmt: skip
ENDINGS = {  # declension: accusative m f n, then instrumental m f n
    "ый": "ый ую ое ым ой ым", "ой": "ой ую ое им ой им", "ий": "ий юю ее им ей им", "ш": "ий ую ее им ей им",
    "к": "ий ую ое им ой им",
}  # fmt: skip
STATES = {  # masculine, feminine, plural
    "angry": "сердит сердита сердиты", "busy": "занят занята заняты", "calm": "спокоен спокойна спокойны",
    "happy": "счастлив счастлива счастливы", "hungry": "голоден голодна голодны", "sad": "печален печальна печальны",
    "sick": "болен больна больны", "tired": "устал устала устали",
}  # fmt: skip
VERBAL_STATES = ("tired",)  # a past tense already, no copula
COPULA = ("был", "была", "были")
NUMBERS = {2: "два", 3: "три", 4: "четыре", 5: "пять", 6: "шесть", 7: "семь", 8: "восемь"}
TIMES = {
    "friday": "в пятницу", "monday": "в понедельник", "sunday": "в воскресенье", "yesterday": "вчера",
    "summer": "прошлым летом", "winter": "прошлой зимой", "morning": "утром", "noon": "в полдень", "afternoon": "днём",
    "evening": "вечером", "night": "ночью", "later": "позже",
}  # fmt: skip
WEATHER = {
    "cold": "было холодно", "rain": "шёл дождь", "snow": "шёл снег", "sun": "светило солнце", "warm": "было тепло",
    "wind": "дул ветер",
}  # fmt: skip
CASES = {"nominative": 1, "accusative": 2, "genitive": 3, "dative": 4}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    return [*opening, *_subject(clause), *_predicate(clause), *where]


def being(key: str, case: str) -> Mark:
    """A person or animal in a case: 'королева', 'королеву', 'королевы', 'королеве'."""
    return Mark(kind_of(key), key, BEINGS[key].split()[CASES[case]])


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        return [Mark("object", clause.thing, OBJECTS[clause.thing].split()[1])]
    owner = clause.verb == "have"  # у кого было
    if clause.pronoun:
        woman = clause.subjects[0] in FEMALE
        if owner:
            return ["у неё" if woman else "у него"]
        return ["она" if woman else "он"]
    names = [being(key, "genitive" if owner else "nominative") for key in clause.subjects]
    pieces: list[Piece] = [names[0]] if len(names) == 1 else [names[0], "и", names[1]]
    return ["у", *pieces] if owner else pieces


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender = OBJECTS[clause.thing].split()[0]
        form = adjective(clause.quality, gender, "instrumental")
        return [{"m": "был", "f": "была", "n": "было"}[gender], Mark("quality", clause.quality, form)]
    agreement = 2 if clause.plural else "mf".index(BEINGS[clause.subjects[0]][0])
    if clause.kind == "state":
        state = Mark("quality", clause.quality, STATES[clause.quality].split()[agreement])
        return [state] if clause.quality in VERBAL_STATES else [COPULA[agreement], state]
    pieces: list[Piece] = [Mark("action", clause.verb, PAST[clause.verb].split()[agreement])]
    if clause.patient:
        pieces.append(being(clause.patient, "dative" if clause.verb in DATIVE_VERBS else "accusative"))
    return pieces + thing(clause) if clause.thing else pieces


def adjective(key: str, gender: str, case: str) -> str:
    """An adjective with an inanimate noun: accusative 'красную', instrumental 'красной'."""
    stem, declension = ADJECTIVES[key].split()
    return stem + ENDINGS[declension].split()["mfn".index(gender) + (3 if case == "instrumental" else 0)]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'красную чашку', 'две чашки' (genitive singular), 'пять чашек' (genitive plural)."""
    gender, _, accusative, genitive, many = OBJECTS[clause.thing].split()
    if clause.number:
        numeral = "две" if clause.number == 2 and gender == "f" else NUMBERS[clause.number]
        noun = genitive if clause.number < 5 else many
        return [Mark("number", str(clause.number), numeral), Mark("object", clause.thing, noun)]
    form = adjective(clause.quality, gender, "accusative") if clause.quality else ""
    quality = [Mark("quality", clause.quality, form)] if form else []
    return [*quality, Mark("object", clause.thing, accusative)]


def _place(clause: Clause) -> list[Piece]:
    if not clause.place:
        return []
    preposition, noun = PLACES[clause.place].split("/")[clause.verb in MOVES].split()
    return [preposition, Mark("place", clause.place, noun)]
