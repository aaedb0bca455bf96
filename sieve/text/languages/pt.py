"""Portuguese of Brazil: prepositions contract with articles (no, à, do), a denied thing takes nenhum, pronouns stay."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import Clause, kind_of

BEINGS = {  # gender, noun
    "baker": "m padeiro", "boy": "m menino", "brother": "m irmão", "cook": "m cozinheiro", "doctor": "m médico",
    "farmer": "m fazendeiro", "father": "m pai", "fisherman": "m pescador", "gardener": "m jardineiro",
    "grandfather": "m avô", "hunter": "m caçador", "king": "m rei", "merchant": "m mercador", "painter": "m pintor",
    "prince": "m príncipe", "sailor": "m marinheiro", "soldier": "m soldado", "uncle": "m tio",
    "actress": "f atriz", "aunt": "f tia", "bride": "f noiva", "dancer": "f dançarina", "girl": "f menina",
    "grandmother": "f avó", "mother": "f mãe", "neighbour": "f vizinha", "nurse": "f enfermeira",
    "princess": "f princesa", "queen": "f rainha", "seamstress": "f costureira", "singer": "f cantora",
    "sister": "f irmã", "student": "f aluna", "teacher": "f professora", "witch": "f bruxa", "writer": "f escritora",
    "bear": "m urso", "bird": "m pássaro", "cat": "m gato", "chicken": "f galinha", "cow": "f vaca",
    "dog": "m cachorro", "donkey": "m burro", "duck": "m pato", "fox": "f raposa", "frog": "m sapo", "goat": "f cabra",
    "horse": "m cavalo", "mouse": "m rato", "owl": "f coruja", "pig": "m porco", "rabbit": "m coelho",
    "sheep": "f ovelha", "snake": "f cobra", "swan": "m cisne", "wolf": "m lobo",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "f maçã maçãs", "biscuit": "m biscoito biscoitos", "cake": "m bolo bolos", "carrot": "f cenoura cenouras",
    "cherry": "f cereja cerejas", "egg": "m ovo ovos", "lemon": "m limão limões", "mushroom": "m cogumelo cogumelos",
    "onion": "f cebola cebolas", "orange": "f laranja laranjas", "pear": "f pera peras", "potato": "f batata batatas",
    "sandwich": "m sanduíche sanduíches", "tomato": "m tomate tomates",
    "book": "m livro livros", "diary": "m diário diários", "letter": "f carta cartas", "map": "m mapa mapas",
    "newspaper": "m jornal jornais", "poem": "m poema poemas",
    "bag": "f bolsa bolsas", "ball": "f bola bolas", "basket": "f cesta cestas", "blanket": "m cobertor cobertores",
    "bottle": "f garrafa garrafas", "bowl": "f tigela tigelas", "box": "f caixa caixas", "bucket": "m balde baldes",
    "button": "m botão botões", "candle": "f vela velas", "chair": "f cadeira cadeiras", "coat": "m casaco casacos",
    "cup": "f xícara xícaras", "dress": "m vestido vestidos", "glove": "f luva luvas", "hat": "m chapéu chapéus",
    "kite": "f pipa pipas", "lamp": "m lampião lampiões", "pillow": "m travesseiro travesseiros",
    "plate": "m prato pratos", "ribbon": "f fita fitas", "scarf": "m cachecol cachecóis", "shirt": "f camisa camisas",
    "shoe": "m sapato sapatos", "umbrella": "m guarda-chuva guarda-chuvas",
    "bell": "m sino sinos", "broom": "f vassoura vassouras", "brush": "f escova escovas", "clock": "m relógio relógios",
    "coin": "f moeda moedas", "comb": "m pente pentes", "drum": "m tambor tambores", "feather": "f pena penas",
    "fork": "m garfo garfos", "guitar": "m violão violões", "hammer": "m martelo martelos", "key": "f chave chaves",
    "knife": "f faca facas", "ladder": "f escada escadas", "mirror": "m espelho espelhos",
    "necklace": "m colar colares", "needle": "f agulha agulhas", "picture": "m quadro quadros",
    "ring": "m anel anéis", "rope": "f corda cordas", "spoon": "f colher colheres", "violin": "m violino violinos",
    "flower": "f flor flores",
}  # fmt: skip
PLACES = {  # gender, noun
    "beach": "f praia", "bridge": "f ponte", "field": "m campo", "forest": "f floresta", "garden": "m jardim",
    "harbour": "m porto", "island": "f ilha", "lake": "m lago", "market": "m mercado", "mountain": "f montanha",
    "park": "m parque", "river": "m rio", "square": "f praça", "village": "f vila", "bakery": "f padaria",
    "castle": "m castelo", "church": "f igreja", "hospital": "m hospital", "house": "f casa", "kitchen": "f cozinha",
    "library": "f biblioteca", "museum": "m museu", "school": "f escola", "station": "f estação",
    "theatre": "m teatro",
}  # fmt: skip
PAST = {  # third person singular, plural, infinitive
    "bake": "assou/assaram/assar", "break": "quebrou/quebraram/quebrar", "bring": "trouxe/trouxeram/trazer",
    "buy": "comprou/compraram/comprar", "call": "chamou/chamaram/chamar", "carry": "carregou/carregaram/carregar",
    "clean": "limpou/limparam/limpar", "come": "chegou/chegaram/chegar", "cry": "chorou/choraram/chorar",
    "dance": "dançou/dançaram/dançar", "draw": "desenhou/desenharam/desenhar", "eat": "comeu/comeram/comer",
    "feed": "alimentou/alimentaram/alimentar", "find": "encontrou/encontraram/encontrar",
    "follow": "seguiu/seguiram/seguir", "forget": "esqueceu/esqueceram/esquecer", "give": "deu/deram/dar",
    "go": "foi/foram/ir", "greet": "cumprimentou/cumprimentaram/cumprimentar", "have": "tinha/tinham/ter",
    "help": "ajudou/ajudaram/ajudar", "hide": "escondeu/esconderam/esconder", "hug": "abraçou/abraçaram/abraçar",
    "hurry": "foi depressa/foram depressa/ir depressa", "laugh": "riu/riram/rir", "lose": "perdeu/perderam/perder",
    "open": "abriu/abriram/abrir", "paint": "pintou/pintaram/pintar", "play": "brincou/brincaram/brincar",
    "read": "leu/leram/ler", "repair": "consertou/consertaram/consertar", "rest": "descansou/descansaram/descansar",
    "return": "voltou/voltaram/voltar", "run": "correu/correram/correr", "see": "viu/viram/ver",
    "seek": "procurou/procuraram/procurar", "sell": "vendeu/venderam/vender", "show": "mostrou/mostraram/mostrar",
    "sing": "cantou/cantaram/cantar", "sleep": "dormiu/dormiram/dormir", "stay": "ficou/ficaram/ficar",
    "steal": "roubou/roubaram/roubar", "swim": "nadou/nadaram/nadar", "thank": "agradeceu/agradeceram/agradecer",
    "throw": "jogou/jogaram/jogar", "visit": "visitou/visitaram/visitar", "wait": "esperou/esperaram/esperar",
    "wash": "lavou/lavaram/lavar", "work": "trabalhou/trabalharam/trabalhar",
    "write": "escreveu/escreveram/escrever",
}  # fmt: skip
TO_PERSON = {"bring": "para", "give": "a", "show": "a", "thank": "a"}  # all others take a plain object
WHITHER = {"come": "a", "go": "até", "hurry": "até", "return": "para", "run": "para"}
ADJECTIVES = {  # how things are: those in -o change, all others are the same for both genders
    "beautiful": "bonito", "big": "grande", "black": "preto", "blue": "azul", "brown": "marrom", "cheap": "barato",
    "dirty": "sujo", "expensive": "caro", "fresh": "fresco", "green": "verde", "grey": "cinza", "heavy": "pesado",
    "new": "novo", "old": "velho", "red": "vermelho", "small": "pequeno", "strange": "estranho", "tiny": "minúsculo",
    "white": "branco", "yellow": "amarelo",
}  # fmt: skip
PASSING = ("dirty", "fresh")  # with estar, all others with ser
STATES = {  # how persons are, with estar: those in com never change
    "afraid": "com medo", "angry": "zangado", "bored": "entediado", "busy": "ocupado", "calm": "calmo",
    "happy": "feliz", "hungry": "com fome", "nervous": "nervoso", "proud": "orgulhoso", "sad": "triste",
    "sick": "doente", "surprised": "surpreso", "thirsty": "com sede", "tired": "cansado",
}  # fmt: skip
NUMBERS = {
    2: "dois", 3: "três", 4: "quatro", 5: "cinco", 6: "seis", 7: "sete", 8: "oito", 9: "nove", 10: "dez", 11: "onze",
    12: "doze",
}  # fmt: skip
TIMES = {
    "friday": "na sexta-feira", "monday": "na segunda-feira", "saturday": "no sábado", "sunday": "no domingo",
    "thursday": "na quinta-feira", "tuesday": "na terça-feira", "wednesday": "na quarta-feira", "yesterday": "ontem",
    "autumn": "no outono passado", "spring": "na primavera passada", "summer": "no verão passado",
    "winter": "no inverno passado", "morning": "de manhã", "noon": "ao meio-dia", "afternoon": "à tarde",
    "evening": "ao anoitecer", "night": "à noite", "later": "mais tarde",
}  # fmt: skip
WEATHER = {  # what happened at a time, and how it was in a place
    "cold": "fez frio/fazia frio", "fog": "houve neblina/havia neblina", "rain": "choveu/chovia",
    "snow": "nevou/nevava", "storm": "houve uma tempestade/havia uma tempestade",
    "sun": "o sol brilhou/o sol brilhava", "thunder": "trovejou/trovejava",
    "warm": "fez calor/fazia calor", "wind": "ventou/ventava",
}  # fmt: skip
MANNERS = {
    "carefully": "com cuidado", "gladly": "com prazer", "loudly": "em voz alta", "patiently": "pacientemente",
    "proudly": "orgulhosamente", "quickly": "rapidamente", "quietly": "em silêncio", "secretly": "em segredo",
    "slowly": "devagar",
}  # fmt: skip
LOUDLY_WITHOUT_WORDS = ("cry", "laugh")  # alto, for no voice says anything
ANSWERS = {"yes": "sim,", "no": "não,"}

THE = {  # after each preposition: masculine, feminine
    "": {"m": "o", "f": "a"}, "a": {"m": "ao", "f": "à"}, "de": {"m": "do", "f": "da"}, "em": {"m": "no", "f": "na"},
    "até": {"m": "até o", "f": "até a"}, "para": {"m": "para o", "f": "para a"},
}  # fmt: skip
A = {"m": "um", "f": "uma"}
NO = {"m": "nenhum", "f": "nenhuma"}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an answer, an opening adverbial, then subject, verb, objects, place; asked like told."""
    opening, where = adverbials(clause, TIMES, _place(clause))
    if clause.kind == "weather":
        happened, was = WEATHER[clause.verb].split("/")
        return [*opening, Mark("weather", clause.verb, happened if clause.time else was)]
    answer = [ANSWERS[clause.answer]] if clause.answer else []
    return [*answer, *opening, *_subject(clause), *_predicate(clause), *where]


def agree(form: str, gender: str, plural: bool = False) -> str:
    """An adjective that agrees: 'cansado cansada cansados cansadas', 'triste tristes', 'feliz felizes', 'com fome'."""
    if form.startswith("com "):
        return form
    if form.endswith("o") and gender == "f":
        form = form[:-1] + "a"
    if not plural:
        return form
    return form + ("es" if form.endswith("z") else "s")


def being(key: str, preposition: str = "") -> list[Piece]:
    """A definite person or animal, bare or after a preposition: 'o rei', 'ao rei', 'à rainha', 'para a rainha'."""
    gender, noun = BEINGS[key].split()
    return [THE[preposition][gender], Mark(kind_of(key), key, noun)]


def _gender(subjects: tuple[str, ...]) -> str:
    """Feminine only if all are."""
    return "f" if all(BEINGS[key].startswith("f ") for key in subjects) else "m"


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [THE[""][gender], Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return ["ela" if _gender(clause.subjects) == "f" else "ele"]
    names = [being(key) for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "e", *names[1]]


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        form = agree(ADJECTIVES[clause.quality], OBJECTS[clause.thing].split()[0])
        return ["estava" if clause.quality in PASSING else "era", Mark("quality", clause.quality, form)]
    if clause.kind == "state":
        form = agree(STATES[clause.quality], _gender(clause.subjects), clause.plural)
        copula = "estavam" if clause.plural else "estava"
        return [*_denial(clause), copula, Mark("quality", clause.quality, form)]
    wordless = clause.manner == "loudly" and clause.verb in LOUDLY_WITHOUT_WORDS
    how = "alto" if wordless else MANNERS.get(clause.manner, "")
    manner: list[Piece] = [Mark("manner", clause.manner, how)] if how else []
    patient = being(clause.patient, TO_PERSON.get(clause.verb, "")) if clause.patient else []
    if clause.thing:
        return [*_verb(clause), *manner, *thing(clause), *patient]
    return [*_verb(clause), *patient, *manner]


def _denial(clause: Clause) -> list[Piece]:
    return ["não"] if clause.mood == "deny" else []


def _verb(clause: Clause) -> list[Piece]:
    """'comprou', 'compraram', 'não comprou', 'queria comprar', 'queriam comprar'."""
    singular, plural, infinitive = PAST[clause.verb].split("/")
    if clause.mood == "wish":
        return ["queriam" if clause.plural else "queria", Mark("action", clause.verb, infinitive)]
    return [*_denial(clause), Mark("action", clause.verb, plural if clause.plural else singular)]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'uma maçã fresca', 'três maçãs', 'duas maçãs', and in a denial 'nenhuma maçã'."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        numeral = "duas" if clause.number == 2 and gender == "f" else NUMBERS[clause.number]
        return [Mark("number", str(clause.number), numeral), Mark("object", clause.thing, plural)]
    quality: list[Piece] = []
    if clause.quality:
        quality = [Mark("quality", clause.quality, agree(ADJECTIVES[clause.quality], gender))]
    return [(NO if clause.mood == "deny" else A)[gender], Mark("object", clause.thing, singular), *quality]


def _place(clause: Clause) -> list[Piece]:
    return place(clause.place, clause.verb) if clause.place else []


def place(key: str, verb: str) -> list[Piece]:
    """Where ('na floresta', 'à beira do rio', but one swims 'no rio') or, with motion, whither ('ao rio')."""
    gender, noun = PLACES[key].split()
    name = Mark("place", key, noun)
    if key in ("lake", "river") and verb not in (*WHITHER, "swim"):
        return ["à beira", THE["de"][gender], name]
    return [THE[WHITHER.get(verb, "em")][gender], name]
