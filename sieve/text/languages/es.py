"""Spanish: two genders with agreement, an `a` before living objects, and no pronoun where the verb says enough."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, MOVES, TRANSFERS, Clause, kind_of

BEINGS = {
    "baker": "m panadero", "boy": "m niño", "cook": "m cocinero", "doctor": "m médico", "farmer": "m granjero",
    "fisherman": "m pescador", "gardener": "m jardinero", "grandfather": "m abuelo", "king": "m rey",
    "painter": "m pintor", "sailor": "m marinero", "soldier": "m soldado", "actress": "f actriz", "aunt": "f tía",
    "dancer": "f bailarina", "girl": "f niña", "grandmother": "f abuela", "nurse": "f enfermera",
    "princess": "f princesa", "queen": "f reina", "singer": "f cantante", "student": "f estudiante",
    "teacher": "f maestra", "writer": "f escritora",
    "bear": "m oso", "bird": "m pájaro", "cat": "m gato", "cow": "f vaca", "dog": "m perro", "duck": "m pato",
    "fox": "m zorro", "goat": "f cabra", "horse": "m caballo", "mouse": "m ratón", "rabbit": "m conejo",
    "wolf": "m lobo",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "f manzana manzanas", "cake": "m pastel pasteles", "carrot": "f zanahoria zanahorias",
    "egg": "m huevo huevos", "orange": "f naranja naranjas", "pear": "f pera peras", "tomato": "m tomate tomates",
    "book": "m libro libros", "letter": "f carta cartas", "map": "m mapa mapas",
    "newspaper": "m periódico periódicos", "bag": "f bolsa bolsas", "ball": "f pelota pelotas",
    "basket": "f cesta cestas", "bottle": "f botella botellas", "box": "f caja cajas", "candle": "f vela velas",
    "chair": "f silla sillas", "coat": "m abrigo abrigos", "cup": "f taza tazas", "hat": "m sombrero sombreros",
    "lamp": "f lámpara lámparas", "plate": "m plato platos", "umbrella": "m paraguas paraguas",
    "coin": "f moneda monedas", "guitar": "f guitarra guitarras", "key": "f llave llaves",
    "knife": "m cuchillo cuchillos", "mirror": "m espejo espejos", "picture": "m cuadro cuadros",
    "ring": "m anillo anillos", "spoon": "f cuchara cucharas", "flower": "f flor flores",
}  # fmt: skip
PLACES = {
    "beach": "f playa", "bridge": "m puente", "forest": "m bosque", "garden": "m jardín", "market": "m mercado",
    "park": "m parque", "river": "m río", "square": "f plaza", "village": "m pueblo", "castle": "m castillo",
    "kitchen": "f cocina", "library": "f biblioteca", "school": "f escuela", "station": "f estación",
}  # fmt: skip
PAST = {  # third person singular and plural
    "buy": "compró/compraron", "come": "llegó/llegaron", "cry": "lloró/lloraron", "dance": "bailó/bailaron",
    "draw": "dibujó/dibujaron", "eat": "comió/comieron", "feed": "alimentó/alimentaron", "find": "encontró/encontraron",
    "give": "le dio/le dieron", "go": "fue/fueron", "greet": "saludó/saludaron", "have": "tenía/tenían",
    "help": "ayudó/ayudaron", "hug": "abrazó/abrazaron", "lose": "perdió/perdieron", "open": "abrió/abrieron",
    "play": "jugó/jugaron", "read": "leyó/leyeron", "repair": "reparó/repararon", "return": "volvió/volvieron",
    "run": "corrió/corrieron", "see": "vio/vieron", "seek": "buscó/buscaron", "sell": "vendió/vendieron",
    "show": "le mostró/le mostraron", "sing": "cantó/cantaron", "sleep": "durmió/durmieron",
    "stay": "se quedó/se quedaron", "visit": "visitó/visitaron", "wait": "esperó/esperaron", "wash": "lavó/lavaron",
    "work": "trabajó/trabajaron", "write": "escribió/escribieron",
}  # fmt: skip
ADJECTIVES = {  # those in -o change, all others are the same for both genders
    "beautiful": "bonito", "big": "grande", "black": "negro", "blue": "azul", "expensive": "caro", "fresh": "fresco",
    "green": "verde", "heavy": "pesado", "new": "nuevo", "old": "viejo", "red": "rojo", "small": "pequeño",
    "white": "blanco", "angry": "enfadado", "busy": "ocupado", "calm": "tranquilo", "happy": "contento",
    "hungry": "hambriento", "sad": "triste", "sick": "enfermo", "tired": "cansado",
}  # fmt: skip
NUMBERS = {2: "dos", 3: "tres", 4: "cuatro", 5: "cinco", 6: "seis", 7: "siete", 8: "ocho"}
TIMES = {
    "friday": "el viernes", "monday": "el lunes", "sunday": "el domingo", "yesterday": "ayer",
    "summer": "el verano pasado", "winter": "el invierno pasado", "morning": "por la mañana", "noon": "al mediodía",
    "afternoon": "por la tarde", "evening": "al anochecer", "night": "por la noche", "later": "más tarde",
}  # fmt: skip
WEATHER = {
    "cold": "hacía frío", "rain": "llovió", "snow": "nevó", "sun": "brillaba el sol", "warm": "hacía calor",
    "wind": "soplaba el viento",
}  # fmt: skip

THE = {"m": "el", "f": "la"}
TO_THE = {"m": "al", "f": "a la"}
A = {"m": "un", "f": "una"}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    return [*opening, *_subject(clause), *_predicate(clause), *where]


def adjective(key: str, gender: str, plural: bool = False) -> str:
    """An adjective that agrees: 'rojo', 'roja', 'rojos', 'rojas'; 'azul', 'azules'."""
    form = ADJECTIVES[key]
    if form.endswith("o") and gender == "f":
        form = form[:-1] + "a"
    if not plural:
        return form
    return form + "s" if form[-1] in "aeo" else form + "es"


def being(key: str, to: bool = False) -> list[Piece]:
    """A definite person or animal, with `to` after the preposition a: 'el rey', 'al rey', 'a la reina'."""
    gender, noun = BEINGS[key].split()
    return [(TO_THE if to else THE)[gender], Mark(kind_of(key), key, noun)]


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [THE[gender], Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return []
    names = [being(key) for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "y", *names[1]]


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender = OBJECTS[clause.thing].split()[0]
        return ["era", Mark("quality", clause.quality, adjective(clause.quality, gender))]
    if clause.kind == "state":
        gender = "f" if all(key in FEMALE for key in clause.subjects) else "m"
        form = adjective(clause.quality, gender, clause.plural)
        return ["estaban" if clause.plural else "estaba", Mark("quality", clause.quality, form)]
    patient = being(clause.patient, to=True) if clause.patient else []
    objects = thing(clause) if clause.thing else []
    verb = Mark("action", clause.verb, PAST[clause.verb].split("/")[clause.plural])
    return [verb, *objects, *patient] if clause.verb in TRANSFERS else [verb, *patient, *objects]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'una manzana roja', 'tres manzanas'."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", clause.thing, plural)]
    quality = [Mark("quality", clause.quality, adjective(clause.quality, gender))] if clause.quality else []
    return [A[gender], Mark("object", clause.thing, singular), *quality]


def _place(clause: Clause) -> list[Piece]:
    return place(clause.place, clause.verb in MOVES) if clause.place else []


def place(key: str, motion: bool) -> list[Piece]:
    """Where ('en el bosque', 'junto al río') or, with `motion`, whither ('al bosque', 'a la playa')."""
    gender, noun = PLACES[key].split()
    rest = "junto al" if key == "river" else f"en {THE[gender]}"
    return [TO_THE[gender] if motion else rest, Mark("place", key, noun)]
