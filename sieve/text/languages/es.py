"""Spanish: two genders with agreement, an `a` before living objects, no pronoun where the verb says enough, questions
that put the verb first, and `ningún` for what was not bought or found."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, HOURS, MOVES, TRANSFERS, Clause, kind_of

BEINGS = {  # gender, singular
    "baker": "m panadero", "boy": "m niño", "brother": "m hermano", "cook": "m cocinero", "doctor": "m médico",
    "farmer": "m granjero", "father": "m padre", "fisherman": "m pescador", "gardener": "m jardinero",
    "grandfather": "m abuelo", "hunter": "m cazador", "king": "m rey", "merchant": "m mercader",
    "painter": "m pintor", "prince": "m príncipe", "sailor": "m marinero", "soldier": "m soldado", "uncle": "m tío",
    "actress": "f actriz", "aunt": "f tía", "bride": "f novia", "dancer": "f bailarina", "girl": "f niña",
    "grandmother": "f abuela", "mother": "f madre", "neighbour": "f vecina", "nurse": "f enfermera",
    "princess": "f princesa", "queen": "f reina", "seamstress": "f costurera", "singer": "f cantante",
    "sister": "f hermana", "student": "f estudiante", "teacher": "f maestra", "witch": "f bruja",
    "writer": "f escritora",
    "bear": "m oso", "bird": "m pájaro", "cat": "m gato", "chicken": "f gallina", "cow": "f vaca", "dog": "m perro",
    "donkey": "m burro", "duck": "m pato", "fox": "m zorro", "frog": "f rana", "goat": "f cabra", "horse": "m caballo",
    "mouse": "m ratón", "owl": "m búho", "pig": "m cerdo", "rabbit": "m conejo", "sheep": "f oveja",
    "snake": "f serpiente", "swan": "m cisne", "wolf": "m lobo",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "f manzana manzanas", "biscuit": "f galleta galletas", "cake": "m pastel pasteles",
    "carrot": "f zanahoria zanahorias", "cherry": "f cereza cerezas", "egg": "m huevo huevos",
    "lemon": "m limón limones", "mushroom": "f seta setas", "onion": "f cebolla cebollas",
    "orange": "f naranja naranjas", "pear": "f pera peras", "potato": "f patata patatas",
    "sandwich": "m bocadillo bocadillos", "tomato": "m tomate tomates", "book": "m libro libros",
    "diary": "m diario diarios", "letter": "f carta cartas", "map": "m mapa mapas",
    "newspaper": "m periódico periódicos", "poem": "m poema poemas", "bag": "f bolsa bolsas",
    "ball": "f pelota pelotas", "basket": "f cesta cestas", "blanket": "f manta mantas",
    "bottle": "f botella botellas", "bowl": "m cuenco cuencos", "box": "f caja cajas", "bucket": "m cubo cubos",
    "button": "m botón botones", "candle": "f vela velas", "chair": "f silla sillas", "coat": "m abrigo abrigos",
    "cup": "f taza tazas", "dress": "m vestido vestidos", "glove": "m guante guantes", "hat": "m sombrero sombreros",
    "kite": "f cometa cometas", "lamp": "f lámpara lámparas", "pillow": "f almohada almohadas",
    "plate": "m plato platos", "ribbon": "f cinta cintas", "scarf": "f bufanda bufandas", "shirt": "f camisa camisas",
    "shoe": "m zapato zapatos", "umbrella": "m paraguas paraguas", "bell": "f campana campanas",
    "broom": "f escoba escobas", "brush": "m cepillo cepillos", "clock": "m reloj relojes", "coin": "f moneda monedas",
    "comb": "m peine peines", "drum": "m tambor tambores", "feather": "f pluma plumas", "fork": "m tenedor tenedores",
    "guitar": "f guitarra guitarras", "hammer": "m martillo martillos", "key": "f llave llaves",
    "knife": "m cuchillo cuchillos", "ladder": "f escalera escaleras", "mirror": "m espejo espejos",
    "necklace": "m collar collares", "needle": "f aguja agujas", "picture": "m cuadro cuadros",
    "ring": "m anillo anillos", "rope": "f cuerda cuerdas", "spoon": "f cuchara cucharas",
    "violin": "m violín violines", "flower": "f flor flores",
}  # fmt: skip
PLACES = {  # gender, singular
    "beach": "f playa", "bridge": "m puente", "field": "m campo", "forest": "m bosque", "garden": "m jardín",
    "harbour": "m puerto", "island": "f isla", "lake": "m lago", "market": "m mercado", "mountain": "f montaña",
    "park": "m parque", "river": "m río", "square": "f plaza", "village": "m pueblo", "bakery": "f panadería",
    "castle": "m castillo", "church": "f iglesia", "hospital": "m hospital", "house": "f casa", "kitchen": "f cocina",
    "library": "f biblioteca", "museum": "m museo", "school": "f escuela", "station": "f estación",
    "theatre": "m teatro",
}  # fmt: skip
WATERS = ("lake", "river")  # beside which one is, unless one swims in them
THROUGH = ("carry", "follow")  # done by moving about a place
PAST = {  # third person singular and plural, infinitive (with its clitic)
    "bake": "horneó/hornearon/hornear", "break": "rompió/rompieron/romper", "bring": "trajo/trajeron/traerle",
    "buy": "compró/compraron/comprar", "call": "llamó/llamaron/llamar", "carry": "llevó/llevaron/llevar",
    "clean": "limpió/limpiaron/limpiar", "come": "llegó/llegaron/llegar", "cry": "lloró/lloraron/llorar",
    "dance": "bailó/bailaron/bailar", "draw": "dibujó/dibujaron/dibujar", "eat": "comió/comieron/comer",
    "feed": "alimentó/alimentaron/alimentar", "find": "encontró/encontraron/encontrar",
    "follow": "siguió/siguieron/seguir", "forget": "olvidó/olvidaron/olvidar", "give": "dio/dieron/darle",
    "go": "fue/fueron/ir", "greet": "saludó/saludaron/saludar", "have": "tenía/tenían/tener",
    "help": "ayudó/ayudaron/ayudar", "hide": "escondió/escondieron/esconder", "hug": "abrazó/abrazaron/abrazar",
    "hurry": "fue deprisa/fueron deprisa/ir deprisa", "laugh": "rio/rieron/reírse", "lose": "perdió/perdieron/perder",
    "open": "abrió/abrieron/abrir", "paint": "pintó/pintaron/pintar", "play": "jugó/jugaron/jugar",
    "read": "leyó/leyeron/leer", "repair": "reparó/repararon/reparar", "rest": "descansó/descansaron/descansar",
    "return": "volvió/volvieron/volver", "run": "corrió/corrieron/correr", "see": "vio/vieron/ver",
    "seek": "buscó/buscaron/buscar", "sell": "vendió/vendieron/vender", "show": "mostró/mostraron/mostrarle",
    "sing": "cantó/cantaron/cantar", "sleep": "durmió/durmieron/dormir", "stay": "quedó/quedaron/quedarse",
    "steal": "robó/robaron/robar", "swim": "nadó/nadaron/nadar",
    "thank": "dio las gracias/dieron las gracias/darle las gracias", "throw": "lanzó/lanzaron/lanzar",
    "visit": "visitó/visitaron/visitar", "wait": "esperó/esperaron/esperar", "wash": "lavó/lavaron/lavar",
    "work": "trabajó/trabajaron/trabajar", "write": "escribió/escribieron/escribir",
}  # fmt: skip
CLITICS = {"laugh": "se", "stay": "se", "thank": "le", **dict.fromkeys(TRANSFERS, "le")}  # before a finite verb
ADJECTIVES = {  # masculine; those in -o change, all others are the same for both genders
    "beautiful": "bonito", "big": "grande", "cheap": "barato", "dirty": "sucio", "expensive": "caro",
    "fresh": "fresco", "heavy": "pesado", "new": "nuevo", "old": "viejo", "small": "pequeño", "strange": "extraño",
    "tiny": "diminuto", "black": "negro", "blue": "azul", "brown": "marrón", "green": "verde", "grey": "gris",
    "red": "rojo", "white": "blanco", "yellow": "amarillo",
    "afraid": "asustado", "angry": "enfadado", "bored": "aburrido", "busy": "ocupado", "calm": "tranquilo",
    "happy": "contento", "hungry": "hambriento", "nervous": "nervioso", "proud": "orgulloso", "sad": "triste",
    "sick": "enfermo", "surprised": "sorprendido", "thirsty": "sediento", "tired": "cansado",
}  # fmt: skip
PASSING = ("dirty", "fresh")  # how a thing is at the moment: estaba; all else it simply is: era
NUMBERS = {
    2: "dos", 3: "tres", 4: "cuatro", 5: "cinco", 6: "seis", 7: "siete", 8: "ocho", 9: "nueve", 10: "diez", 11: "once",
    12: "doce",
}  # fmt: skip
TIMES = {
    "friday": "el viernes", "monday": "el lunes", "saturday": "el sábado", "sunday": "el domingo",
    "thursday": "el jueves", "tuesday": "el martes", "wednesday": "el miércoles", "yesterday": "ayer",
    "autumn": "el otoño pasado", "spring": "la primavera pasada", "summer": "el verano pasado",
    "winter": "el invierno pasado", "morning": "por la mañana", "noon": "al mediodía", "afternoon": "por la tarde",
    "evening": "al anochecer", "night": "por la noche", "later": "más tarde",
}  # fmt: skip
WEATHER = {  # at an hour or in a place; all day, all season, or when the story has moved on
    "cold": "hacía frío/hizo frío", "fog": "había niebla/hubo niebla", "rain": "llovía/llovió", "snow": "nevaba/nevó",
    "storm": "había tormenta/hubo tormenta", "sun": "brillaba el sol/brilló el sol", "thunder": "tronaba/tronó",
    "warm": "hacía calor/hizo calor", "wind": "soplaba el viento/sopló el viento",
}  # fmt: skip
MANNERS = {
    "carefully": "con cuidado", "gladly": "con gusto", "loudly": "en voz alta", "patiently": "pacientemente",
    "proudly": "con orgullo", "quickly": "rápidamente", "quietly": "en silencio", "secretly": "en secreto",
    "slowly": "lentamente",
}  # fmt: skip
WITHOUT_WORDS = {"cry": "a gritos", "laugh": "a carcajadas"}  # loudly, where nothing is said or sung

THE = {"m": "el", "f": "la"}
A = {"m": "un", "f": "una"}
NO = {"m": "ningún", "f": "ninguna"}
ANSWERS = {"yes": "sí,", "no": "no,"}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: opening adverbial, subject, verb, objects, place; but a question puts the verb first."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, weather(clause)]
    answer: list[Piece] = [ANSWERS[clause.answer]] if clause.answer else []
    if clause.kind != "act":
        return [*answer, *opening, *_subject(clause), *_being_so(clause)]
    if clause.mood == "ask":
        return [*_verb(clause), *_subject(clause), *_objects(clause), *where]
    return [*answer, *opening, *_subject(clause), *_verb(clause), *_objects(clause), *where]


def weather(clause: Clause) -> Mark:
    """The weather as a scene ('por la noche llovía') or as what happened ('ayer llovió', 'más tarde llovió')."""
    happened = clause.time not in ("", *HOURS)
    return Mark("weather", clause.verb, WEATHER[clause.verb].split("/")[happened])


def adjective(key: str, gender: str, plural: bool = False) -> str:
    """An adjective that agrees: 'rojo', 'roja', 'rojos', 'rojas'; 'azul', 'azules'; 'marrón', 'marrones'."""
    form = ADJECTIVES[key]
    if form.endswith("o") and gender == "f":
        form = form[:-1] + "a"
    if not plural:
        return form
    return form + "s" if form[-1] in "aeo" else form.replace("ó", "o") + "es"


def with_the(preposition: str, gender: str) -> str:
    """A preposition and the article, which contracts with a: 'al', 'junto al', 'a la', 'en el', 'por la'."""
    return f"{preposition} {THE[gender]}".replace("a el", "al")


def being(key: str, to: bool = False) -> list[Piece]:
    """A definite person or animal, with `to` after the preposition a: 'el rey', 'al rey', 'a la reina'."""
    gender, noun = BEINGS[key].split()
    return [with_the("a", gender) if to else THE[gender], Mark(kind_of(key), key, noun)]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [THE[gender], Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return []
    names = [being(key) for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "y", *names[1]]


def _being_so(clause: Clause) -> list[Piece]:
    """'estaba triste', 'no estaban cansadas', 'era rojo', 'estaba sucia'."""
    if clause.kind == "quality":
        gender = OBJECTS[clause.thing].split()[0]
        copula = "estaba" if clause.quality in PASSING else "era"
    else:
        gender = "f" if all(key in FEMALE for key in clause.subjects) else "m"
        copula = "estaban" if clause.plural else "estaba"
    negation: list[Piece] = ["no"] if clause.mood == "deny" else []
    return [*negation, copula, Mark("quality", clause.quality, adjective(clause.quality, gender, clause.plural))]


def _verb(clause: Clause) -> list[Piece]:
    """'compró', 'compraron', 'no compró', 'quería comprar'; 'le dio', 'quería darle'; 'comió con gusto'."""
    singular, plural, infinitive = PAST[clause.verb].split("/")
    if clause.mood == "wish":
        return ["querían" if clause.plural else "quería", Mark("action", clause.verb, infinitive)]
    negation: list[Piece] = ["no"] if clause.mood == "deny" else []
    clitic: list[Piece] = [CLITICS[clause.verb]] if clause.verb in CLITICS else []
    finite = Mark("action", clause.verb, plural if clause.plural else singular)
    return [*negation, *clitic, finite, *_manner(clause)]


def _manner(clause: Clause) -> list[Piece]:
    if not clause.manner:
        return []
    usual = MANNERS[clause.manner]
    words = WITHOUT_WORDS.get(clause.verb, usual) if clause.manner == "loudly" else usual
    return [Mark("manner", clause.manner, words)]


def _objects(clause: Clause) -> list[Piece]:
    """What and whom: 'una manzana al niño', 'a la reina'."""
    return [*(thing(clause) if clause.thing else []), *(being(clause.patient, to=True) if clause.patient else [])]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'una manzana roja', 'tres manzanas', and 'ninguna manzana' where it is denied."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", clause.thing, plural)]
    quality = [Mark("quality", clause.quality, adjective(clause.quality, gender))] if clause.quality else []
    article = (NO if clause.mood == "deny" else A)[gender]
    return [article, Mark("object", clause.thing, singular), *quality]


def _place(clause: Clause) -> list[Piece]:
    """Whither ('al bosque'), where ('en el bosque', 'junto al río', but one swims 'en el río') or 'por el bosque'."""
    if not clause.place:
        return []
    gender, noun = PLACES[clause.place].split()
    preposition = "en"
    if clause.verb in MOVES:
        preposition = "a"
    elif clause.place in WATERS and clause.verb != "swim":
        preposition = "junto a"
    elif clause.verb in THROUGH and not clause.place_first:
        preposition = "por"
    return [with_the(preposition, gender), Mark("place", clause.place, noun)]
