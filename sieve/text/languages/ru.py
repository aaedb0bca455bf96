"""Russian: no articles, but cases; past tenses agree with gender, and numerals choose the case of what they count.

Verbs that go slowly are imperfective, and some things have verbs of their own (shirts are laundered, cups washed).
"""

from __future__ import annotations

import re

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import MOVES, TRANSFERS, Clause, kind_of

BEINGS = {  # gender, nominative, accusative, genitive, dative, instrumental
    "baker": "m пекарь пекаря пекаря пекарю пекарем", "boy": "m мальчик мальчика мальчика мальчику мальчиком",
    "brother": "m брат брата брата брату братом", "cook": "m повар повара повара повару поваром",
    "doctor": "m врач врача врача врачу врачом", "farmer": "m фермер фермера фермера фермеру фермером",
    "father": "m отец отца отца отцу отцом", "fisherman": "m рыбак рыбака рыбака рыбаку рыбаком",
    "gardener": "m садовник садовника садовника садовнику садовником",
    "grandfather": "m дедушка дедушку дедушки дедушке дедушкой",
    "hunter": "m охотник охотника охотника охотнику охотником", "king": "m король короля короля королю королём",
    "merchant": "m купец купца купца купцу купцом", "painter": "m художник художника художника художнику художником",
    "prince": "m принц принца принца принцу принцем", "sailor": "m моряк моряка моряка моряку моряком",
    "soldier": "m солдат солдата солдата солдату солдатом", "uncle": "m дядя дядю дяди дяде дядей",
    "actress": "f актриса актрису актрисы актрисе актрисой", "aunt": "f тётя тётю тёти тёте тётей",
    "bride": "f невеста невесту невесты невесте невестой",
    "dancer": "f танцовщица танцовщицу танцовщицы танцовщице танцовщицей",
    "girl": "f девочка девочку девочки девочке девочкой",
    "grandmother": "f бабушка бабушку бабушки бабушке бабушкой", "mother": "f мать мать матери матери матерью",
    "neighbour": "f соседка соседку соседки соседке соседкой",
    "nurse": "f медсестра медсестру медсестры медсестре медсестрой",
    "princess": "f принцесса принцессу принцессы принцессе принцессой",
    "queen": "f королева королеву королевы королеве королевой", "seamstress": "f швея швею швеи швее швеёй",
    "singer": "f певица певицу певицы певице певицей", "sister": "f сестра сестру сестры сестре сестрой",
    "student": "f студентка студентку студентки студентке студенткой",
    "teacher": "f учительница учительницу учительницы учительнице учительницей",
    "witch": "f ведьма ведьму ведьмы ведьме ведьмой",
    "writer": "f писательница писательницу писательницы писательнице писательницей",
    "bear": "m медведь медведя медведя медведю медведем", "bird": "f птица птицу птицы птице птицей",
    "cat": "f кошка кошку кошки кошке кошкой", "chicken": "f курица курицу курицы курице курицей",
    "cow": "f корова корову коровы корове коровой", "dog": "f собака собаку собаки собаке собакой",
    "donkey": "m осёл осла осла ослу ослом", "duck": "f утка утку утки утке уткой",
    "fox": "f лиса лису лисы лисе лисой", "frog": "f лягушка лягушку лягушки лягушке лягушкой",
    "goat": "f коза козу козы козе козой", "horse": "f лошадь лошадь лошади лошади лошадью",
    "mouse": "f мышь мышь мыши мыши мышью", "owl": "f сова сову совы сове совой",
    "pig": "f свинья свинью свиньи свинье свиньёй", "rabbit": "m кролик кролика кролика кролику кроликом",
    "sheep": "f овца овцу овцы овце овцой", "snake": "f змея змею змеи змее змеёй",
    "swan": "m лебедь лебедя лебедя лебедю лебедем", "wolf": "m волк волка волка волку волком",
}  # fmt: skip
CASES = {"nominative": 1, "accusative": 2, "genitive": 3, "dative": 4, "instrumental": 5}
OBJECTS = {  # gender (a: masculine and declined as if alive), nominative, accusative, genitive, genitive plural
    "apple": "n яблоко яблоко яблока яблок", "biscuit": "n печенье печенье печенья печений",
    "cake": "m торт торт торта тортов", "carrot": "f морковка морковку морковки морковок",
    "cherry": "f вишня вишню вишни вишен", "egg": "n яйцо яйцо яйца яиц", "lemon": "m лимон лимон лимона лимонов",
    "mushroom": "m гриб гриб гриба грибов", "onion": "f луковица луковицу луковицы луковиц",
    "orange": "m апельсин апельсин апельсина апельсинов", "pear": "f груша грушу груши груш",
    "potato": "f картофелина картофелину картофелины картофелин",
    "sandwich": "m бутерброд бутерброд бутерброда бутербродов", "tomato": "m помидор помидор помидора помидоров",
    "book": "f книга книгу книги книг", "diary": "m дневник дневник дневника дневников",
    "letter": "n письмо письмо письма писем", "map": "f карта карту карты карт",
    "newspaper": "f газета газету газеты газет",
    "poem": "n стихотворение стихотворение стихотворения стихотворений",
    "bag": "f сумка сумку сумки сумок", "ball": "m мяч мяч мяча мячей", "basket": "f корзина корзину корзины корзин",
    "blanket": "n одеяло одеяло одеяла одеял", "bottle": "f бутылка бутылку бутылки бутылок",
    "bowl": "f миска миску миски мисок", "box": "f коробка коробку коробки коробок",
    "bucket": "n ведро ведро ведра вёдер", "button": "f пуговица пуговицу пуговицы пуговиц",
    "candle": "f свеча свечу свечи свечей", "chair": "m стул стул стула стульев",
    "coat": "n пальто пальто пальто пальто", "cup": "f чашка чашку чашки чашек",
    "dress": "n платье платье платья платьев", "glove": "f перчатка перчатку перчатки перчаток",
    "hat": "f шляпа шляпу шляпы шляп", "kite": "a воздушный_змей воздушного_змея воздушного_змея воздушных_змеев",
    "lamp": "f лампа лампу лампы ламп", "pillow": "f подушка подушку подушки подушек",
    "plate": "f тарелка тарелку тарелки тарелок", "ribbon": "f лента ленту ленты лент",
    "scarf": "m шарф шарф шарфа шарфов", "shirt": "f рубашка рубашку рубашки рубашек",
    "shoe": "m ботинок ботинок ботинка ботинок", "umbrella": "m зонт зонт зонта зонтов",
    "bell": "m колокольчик колокольчик колокольчика колокольчиков", "broom": "f метла метлу метлы мётел",
    "brush": "f щётка щётку щётки щёток", "clock": "m будильник будильник будильника будильников",
    "coin": "f монета монету монеты монет", "comb": "f расчёска расчёску расчёски расчёсок",
    "drum": "m барабан барабан барабана барабанов", "feather": "n перо перо пера перьев",
    "fork": "f вилка вилку вилки вилок", "guitar": "f гитара гитару гитары гитар",
    "hammer": "m молоток молоток молотка молотков", "key": "m ключ ключ ключа ключей",
    "knife": "m нож нож ножа ножей", "ladder": "f лестница лестницу лестницы лестниц",
    "mirror": "n зеркало зеркало зеркала зеркал", "necklace": "n ожерелье ожерелье ожерелья ожерелий",
    "needle": "f иголка иголку иголки иголок", "picture": "f картина картину картины картин",
    "ring": "n кольцо кольцо кольца колец", "rope": "f верёвка верёвку верёвки верёвок",
    "spoon": "f ложка ложку ложки ложек", "violin": "f скрипка скрипку скрипки скрипок",
    "flower": "m цветок цветок цветка цветов",
}  # fmt: skip
PLACES = {  # where, whither, and the way along which
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
WATERS = {"lake": "в озере", "river": "в реке"}  # one swims in them
WALKS = ("carry", "follow")
PAST = {  # masculine, feminine, plural, infinitive
    "bake": "испёк испекла испекли испечь", "break": "разбил разбила разбили разбить",
    "bring": "принёс принесла принесли принести", "buy": "купил купила купили купить",
    "call": "позвал позвала позвали позвать", "carry": "нёс несла несли нести",
    "clean": "почистил почистила почистили почистить", "come": "пришёл пришла пришли прийти",
    "cry": "плакал плакала плакали плакать", "dance": "танцевал танцевала танцевали потанцевать",
    "draw": "нарисовал нарисовала нарисовали нарисовать", "eat": "съел съела съели съесть",
    "feed": "покормил покормила покормили покормить", "find": "нашёл нашла нашли найти",
    "follow": "следовал следовала следовали следовать", "forget": "забыл забыла забыли забыть",
    "give": "дал дала дали дать", "go": "пошёл пошла пошли пойти",
    "greet": "поздоровался поздоровалась поздоровались поздороваться", "have": "было было было",
    "help": "помог помогла помогли помочь", "hide": "спрятал спрятала спрятали спрятать",
    "hug": "обнял обняла обняли обнять", "hurry": "поспешил поспешила поспешили поспешить",
    "laugh": "смеялся смеялась смеялись посмеяться", "lose": "потерял потеряла потеряли потерять",
    "open": "открыл открыла открыли открыть", "paint": "раскрасил раскрасила раскрасили раскрасить",
    "play": "играл играла играли поиграть", "read": "прочитал прочитала прочитали прочитать",
    "repair": "починил починила починили починить", "rest": "отдыхал отдыхала отдыхали отдохнуть",
    "return": "вернулся вернулась вернулись вернуться", "run": "побежал побежала побежали побежать",
    "see": "увидел увидела увидели увидеть", "seek": "искал искала искали поискать",
    "sell": "продал продала продали продать", "show": "показал показала показали показать",
    "sing": "пел пела пели спеть", "sleep": "спал спала спали поспать", "stay": "остался осталась остались остаться",
    "steal": "украл украла украли украсть", "swim": "плавал плавала плавали поплавать",
    "thank": "поблагодарил поблагодарила поблагодарили поблагодарить", "throw": "бросил бросила бросили бросить",
    "visit": "навестил навестила навестили навестить", "wait": "ждал ждала ждали подождать",
    "wash": "вымыл вымыла вымыли вымыть", "work": "работал работала работали поработать",
    "write": "написал написала написали написать",
}  # fmt: skip
LAUNDER = "постирал постирала постирали постирать"
SPECIAL = {  # what Russian says of a verb with a certain thing
    **dict.fromkeys(("wash blanket", "wash dress", "wash glove", "wash scarf", "wash shirt"), LAUNDER),
    "break violin": "сломал сломала сломали сломать", "open umbrella": "раскрыл раскрыла раскрыли раскрыть",
    "paint picture": PAST["draw"], "read map": "изучил изучила изучили изучить",
    "write diary": "заполнил заполнила заполнили заполнить",
}  # fmt: skip
LASTING = ("patiently", "quietly", "slowly")  # manners that ask for an imperfective past
IMPERFECTIVE = {
    "draw": "рисовал рисовала рисовали", "eat": "ел ела ели", "read": "читал читала читали",
    "repair": "чинил чинила чинили", "read map": "изучал изучала изучали",
}  # fmt: skip
GOVERNMENT = {  # what stands before the person or animal, and in which case; all others take the bare accusative
    **dict.fromkeys((*TRANSFERS, "help"), "dative"), "follow": "за instrumental", "greet": "с instrumental",
}  # fmt: skip
ADJECTIVES = {  # stem and declension
    "beautiful": "красив ый", "big": "больш ой", "black": "чёрн ый", "blue": "син ий", "brown": "коричнев ый",
    "cheap": "дешёв ый", "dirty": "грязн ый", "expensive": "дорог ой", "fresh": "свеж ш", "green": "зелён ый",
    "grey": "сер ый", "heavy": "тяжёл ый", "new": "нов ый", "old": "стар ый", "red": "красн ый", "small": "маленьк к",
    "strange": "странн ый", "tiny": "крошечн ый", "white": "бел ый", "yellow": "жёлт ый",
}  # fmt: skip
ENDINGS = {  # declension: accusative m f n a, then instrumental m f n a
    "ый": "ый ую ое ого ым ой ым ым", "ой": "ой ую ое ого им ой им им", "ий": "ий юю ее его им ей им им",
    "ш": "ий ую ее его им ей им им", "к": "ий ую ое ого им ой им им",
}  # fmt: skip
STATES = {  # masculine, feminine, plural
    "afraid": "испугался испугалась испугались", "angry": "сердит сердита сердиты",
    "bored": "скучал скучала скучали", "busy": "занят занята заняты", "calm": "спокоен спокойна спокойны",
    "happy": "счастлив счастлива счастливы", "hungry": "голоден голодна голодны",
    "nervous": "нервничал нервничала нервничали", "proud": "горд горда горды", "sad": "печален печальна печальны",
    "sick": "болен больна больны", "surprised": "удивлён удивлена удивлены",
    "thirsty": "хотел_пить хотела_пить хотели_пить", "tired": "устал устала устали",
}  # fmt: skip
VERBAL_STATES = ("afraid", "bored", "nervous", "thirsty", "tired")  # a past tense already, no copula
WAS = "был была были"
COPULA = {"m": "был", "a": "был", "f": "была", "n": "было"}
NUMBERS = {
    2: "два", 3: "три", 4: "четыре", 5: "пять", 6: "шесть", 7: "семь", 8: "восемь", 9: "девять", 10: "десять",
    11: "одиннадцать", 12: "двенадцать",
}  # fmt: skip
NUMBERS_ALIVE = {2: "двух", 3: "трёх", 4: "четырёх"}  # the accusative of what is declined as if alive
TIMES = {
    "friday": "в пятницу", "monday": "в понедельник", "saturday": "в субботу", "sunday": "в воскресенье",
    "thursday": "в четверг", "tuesday": "во вторник", "wednesday": "в среду", "yesterday": "вчера",
    "autumn": "прошлой осенью", "spring": "прошлой весной", "summer": "прошлым летом", "winter": "прошлой зимой",
    "morning": "утром", "noon": "в полдень", "afternoon": "днём", "evening": "вечером", "night": "ночью",
    "later": "позже",
}  # fmt: skip
WEATHER = {  # how it was, and how it became later
    "cold": "было холодно/стало холодно", "fog": "стоял туман/опустился туман", "rain": "шёл дождь/пошёл дождь",
    "snow": "шёл снег/пошёл снег", "storm": "бушевала буря/началась буря", "sun": "светило солнце/выглянуло солнце",
    "thunder": "гремел гром/загремел гром", "warm": "было тепло/стало тепло", "wind": "дул ветер/поднялся ветер",
}  # fmt: skip
MANNERS = {
    "carefully": "аккуратно", "gladly": "с радостью", "loudly": "громко", "patiently": "терпеливо", "proudly": "гордо",
    "quickly": "быстро", "quietly": "тихо", "secretly": "тайком", "slowly": "медленно",
}  # fmt: skip
CAUTION = ("carry", "feed", "open")  # one does so осторожно, not neatly
ANSWERS = {"yes": "да,", "no": "нет,"}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: opening adverbial, subject, verb, objects, place; ли follows a verb that is asked."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        phrase = WEATHER[clause.verb].split("/")[clause.time == "later"]
        return [*opening, Mark("weather", clause.verb, phrase)]
    subject, verb = _subject(clause), _verb(clause) if clause.kind == "act" else _property(clause)
    core = [*verb, "ли", *subject] if clause.mood == "ask" else [*subject, *verb]
    answer = [ANSWERS[clause.answer]] if clause.answer else []
    return [*answer, *opening, *core, *_patient(clause), *(thing(clause) if clause.kind == "act" else []), *where]


def being(key: str, case: str) -> Mark:
    """A person or animal in a case: 'королева', 'королеву', 'королевы', 'королеве', 'королевой'."""
    return Mark(kind_of(key), key, BEINGS[key].split()[CASES[case]])


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        return [Mark("object", clause.thing, _declined(clause.thing)[1])]
    owner = clause.verb == "have"  # у кого было
    if clause.pronoun:
        feminine = BEINGS[clause.subjects[0]][0] == "f"  # animals too have the pronoun of their gender
        if owner:
            return ["у неё" if feminine else "у него"]
        return ["она" if feminine else "он"]
    names = [being(key, "genitive" if owner else "nominative") for key in clause.subjects]
    pieces: list[Piece] = [names[0]] if len(names) == 1 else [names[0], "и", names[1]]
    return ["у", *pieces] if owner else pieces


def _agreeing(forms: str, clause: Clause) -> str:
    """The one of the masculine, feminine and plural `forms` that fits the subjects."""
    return forms.split()[2 if clause.plural else "mf".index(BEINGS[clause.subjects[0]][0])].replace("_", " ")


def _verb(clause: Clause) -> list[Piece]:
    """'купил', 'медленно читал', 'не купил', 'хотел купить'."""
    pair = f"{clause.verb} {clause.thing}"
    forms = SPECIAL.get(pair, PAST[clause.verb])
    if clause.mood == "wish":
        return [_agreeing("хотел хотела хотели", clause), Mark("action", clause.verb, forms.split()[3])]
    if clause.manner in LASTING:
        forms = IMPERFECTIVE.get(pair, IMPERFECTIVE.get(clause.verb, forms))
    before: list[Piece] = ["не"] if clause.mood == "deny" else _manner(clause)
    return [*before, Mark("action", clause.verb, _agreeing(forms, clause))]


def _manner(clause: Clause) -> list[Piece]:
    word = "осторожно" if clause.manner == "carefully" and clause.verb in CAUTION else MANNERS.get(clause.manner)
    return [Mark("manner", clause.manner, word)] if word else []


def _property(clause: Clause) -> list[Piece]:
    """'была сердита', 'не была сердита', 'устала' of a subject, and 'была красной' of a thing."""
    if clause.kind == "quality":
        gender = _declined(clause.thing)[0]
        return [COPULA[gender], Mark("quality", clause.quality, adjective(clause.quality, gender, "instrumental"))]
    denial: list[Piece] = ["не"] if clause.mood == "deny" else []
    copula: list[Piece] = [] if clause.quality in VERBAL_STATES else [_agreeing(WAS, clause)]
    return [*denial, *copula, Mark("quality", clause.quality, _agreeing(STATES[clause.quality], clause))]


def _patient(clause: Clause) -> list[Piece]:
    """'королеву', 'королеве', 'за королевой', 'со студенткой': the verb chooses the case."""
    if not clause.patient:
        return []
    *preposition, case = GOVERNMENT.get(clause.verb, "accusative").split()
    name = being(clause.patient, case)
    if preposition == ["с"] and re.match("[сзшж][^аеёиоуыэюя]", name.surface):
        preposition = ["со"]
    return [*preposition, name]


def adjective(key: str, gender: str, case: str) -> str:
    """An adjective with a thing: accusative 'красную', instrumental 'красной'."""
    stem, declension = ADJECTIVES[key].split()
    return stem + ENDINGS[declension].split()["mfna".index(gender) + (4 if case == "instrumental" else 0)]


def _declined(key: str) -> list[str]:
    """Gender and cases of a thing, as `OBJECTS` lists them."""
    return [form.replace("_", " ") for form in OBJECTS[key].split()]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'красную чашку', 'две чашки' (genitive singular), 'пять чашек' (genitive plural)."""
    if not clause.thing:
        return []
    gender, _, accusative, genitive, many = _declined(clause.thing)
    if clause.number:
        numeral = "две" if clause.number == 2 and gender == "f" else NUMBERS[clause.number]
        if gender == "a":
            numeral, genitive = NUMBERS_ALIVE.get(clause.number, numeral), many
        noun = genitive if clause.number < 5 else many
        return [Mark("number", str(clause.number), numeral), Mark("object", clause.thing, noun)]
    form = adjective(clause.quality, gender, "accusative") if clause.quality else ""
    quality = [Mark("quality", clause.quality, form)] if form else []
    return [*quality, Mark("object", clause.thing, accusative)]


def _place(clause: Clause) -> list[Piece]:
    """'в лесу', 'в лес' for motion, 'по лесу' for walks."""
    if not clause.place:
        return []
    phrase = PLACES[clause.place].split("/")[1 if clause.verb in MOVES else 2 if clause.verb in WALKS else 0]
    if clause.verb == "swim":
        phrase = WATERS.get(clause.place, phrase)
    preposition, noun = phrase.split()
    return [preposition, Mark("place", clause.place, noun)]
