"""French: articles merge with what surrounds them (l', au, du, d'), a few adjectives precede their noun, a denial
stands on both sides of the verb, a question hangs a pronoun on it, and the passé simple tells what the imparfait
describes."""

from __future__ import annotations

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FOOD, MOVES, TRANSFERS, Clause, kind_of

BEINGS = {  # gender and noun
    "baker": "m boulanger", "boy": "m garçon", "brother": "m frère", "cook": "m cuisinier", "doctor": "m médecin",
    "farmer": "m fermier", "father": "m père", "fisherman": "m pêcheur", "gardener": "m jardinier",
    "grandfather": "m grand-père", "hunter": "m chasseur", "king": "m roi", "merchant": "m marchand",
    "painter": "m peintre", "prince": "m prince", "sailor": "m marin", "soldier": "m soldat", "uncle": "m oncle",
    "actress": "f actrice", "aunt": "f tante", "bride": "f mariée", "dancer": "f danseuse", "girl": "f fillette",
    "grandmother": "f grand-mère", "mother": "f mère", "neighbour": "f voisine", "nurse": "f infirmière",
    "princess": "f princesse", "queen": "f reine", "seamstress": "f couturière", "singer": "f chanteuse",
    "sister": "f sœur", "student": "f étudiante", "teacher": "f institutrice", "witch": "f sorcière",
    "writer": "f écrivaine",
    "bear": "m ours", "bird": "m oiseau", "cat": "m chat", "chicken": "f poule", "cow": "f vache", "dog": "m chien",
    "donkey": "m âne", "duck": "m canard", "fox": "m renard", "frog": "f grenouille", "goat": "f chèvre",
    "horse": "m cheval", "mouse": "f souris", "owl": "f chouette", "pig": "m cochon", "rabbit": "m lapin",
    "sheep": "m mouton", "snake": "m serpent", "swan": "m cygne", "wolf": "m loup",
}  # fmt: skip
OBJECTS = {  # gender, singular, plural
    "apple": "f pomme pommes", "biscuit": "m biscuit biscuits", "cake": "m gâteau gâteaux",
    "carrot": "f carotte carottes", "cherry": "f cerise cerises", "egg": "m œuf œufs", "lemon": "m citron citrons",
    "mushroom": "m champignon champignons", "onion": "m oignon oignons", "orange": "f orange oranges",
    "pear": "f poire poires", "potato": "f patate patates", "sandwich": "m sandwich sandwichs",
    "tomato": "f tomate tomates",
    "book": "m livre livres", "diary": "m carnet carnets", "letter": "f lettre lettres", "map": "f carte cartes",
    "newspaper": "m journal journaux", "poem": "m poème poèmes",
    "bag": "m sac sacs", "ball": "f balle balles", "basket": "m panier paniers", "blanket": "f couverture couvertures",
    "bottle": "f bouteille bouteilles", "bowl": "m bol bols", "box": "f boîte boîtes", "bucket": "m seau seaux",
    "button": "m bouton boutons", "candle": "f bougie bougies", "chair": "f chaise chaises",
    "coat": "m manteau manteaux", "cup": "f tasse tasses", "dress": "f robe robes", "glove": "m gant gants",
    "hat": "m chapeau chapeaux", "kite": "m cerf-volant cerfs-volants", "lamp": "f lampe lampes",
    "pillow": "m oreiller oreillers", "plate": "f assiette assiettes", "ribbon": "m ruban rubans",
    "scarf": "f écharpe écharpes", "shirt": "f chemise chemises", "shoe": "f chaussure chaussures",
    "umbrella": "m parapluie parapluies",
    "bell": "f cloche cloches", "broom": "m balai balais", "brush": "f brosse brosses", "clock": "f horloge horloges",
    "coin": "f pièce pièces", "comb": "m peigne peignes", "drum": "m tambour tambours", "feather": "f plume plumes",
    "fork": "f fourchette fourchettes", "guitar": "f guitare guitares", "hammer": "m marteau marteaux",
    "key": "f clé clés", "knife": "m couteau couteaux", "ladder": "f échelle échelles", "mirror": "m miroir miroirs",
    "necklace": "m collier colliers", "needle": "f aiguille aiguilles", "picture": "m tableau tableaux",
    "ring": "f bague bagues", "rope": "f corde cordes", "spoon": "f cuillère cuillères", "violin": "m violon violons",
    "flower": "f fleur fleurs",
}  # fmt: skip
PLACES = {  # gender, noun, preposition of rest, preposition of motion
    "beach": "f/plage/sur/à", "bridge": "m/pont/sur/à", "field": "m/champ/dans/à", "forest": "f/forêt/dans/dans",
    "garden": "m/jardin/dans/à", "harbour": "m/port/à/à", "island": "f/île/sur/sur", "lake": "m/lac/au bord de/à",
    "market": "m/marché/à/à", "mountain": "f/montagne/sur/à", "park": "m/parc/dans/à",
    "river": "f/rivière/au bord de/à", "square": "f/place/sur/sur", "village": "m/village/à/à",
    "bakery": "f/boulangerie/à/à", "castle": "m/château/dans/à", "church": "f/église/dans/à",
    "hospital": "m/hôpital/à/à", "house": "f/maison/dans/à", "kitchen": "f/cuisine/dans/dans",
    "library": "f/bibliothèque/à/à", "museum": "m/musée/à/à", "school": "f/école/à/à", "station": "f/gare/à/à",
    "theatre": "m/théâtre/à/à",
}  # fmt: skip
PREPOSITIONS = {"hurry": "vers", "run": "jusqu'à", "swim": "dans"}  # with these verbs, whatever the place
PAST = {  # third person singular and plural, infinitive, and a noun where that says what is done
    "bake": "prépara préparèrent préparer", "break": "cassa cassèrent casser", "bring": "apporta apportèrent apporter",
    "buy": "acheta achetèrent acheter", "call": "appela appelèrent appeler", "carry": "porta portèrent porter",
    "clean": "nettoya nettoyèrent nettoyer", "come": "vint vinrent venir", "cry": "pleura pleurèrent pleurer",
    "dance": "dansa dansèrent danser", "draw": "dessina dessinèrent dessiner", "eat": "mangea mangèrent manger",
    "feed": "nourrit nourrirent nourrir", "find": "trouva trouvèrent trouver", "follow": "suivit suivirent suivre",
    "forget": "oublia oublièrent oublier", "give": "donna donnèrent donner", "go": "alla allèrent aller",
    "greet": "salua saluèrent saluer", "have": "avait avaient avoir", "help": "aida aidèrent aider",
    "hide": "cacha cachèrent cacher", "hug": "enlaça enlacèrent enlacer", "hurry": "hâta hâtèrent hâter",
    "laugh": "rit rirent rire", "lose": "perdit perdirent perdre", "open": "ouvrit ouvrirent ouvrir",
    "paint": "peignit peignirent peindre", "play": "joua jouèrent jouer", "read": "lut lurent lire",
    "repair": "répara réparèrent réparer", "rest": "reposa reposèrent reposer",
    "return": "retourna retournèrent retourner", "run": "courut coururent courir", "see": "vit virent voir",
    "seek": "chercha cherchèrent chercher", "sell": "vendit vendirent vendre", "show": "montra montrèrent montrer",
    "sing": "chanta chantèrent chanter", "sleep": "dormit dormirent dormir", "stay": "resta restèrent rester",
    "steal": "vola volèrent voler", "swim": "nagea nagèrent nager", "thank": "remercia remercièrent remercier",
    "throw": "lança lancèrent lancer", "visit": "rendit rendirent rendre visite",
    "wait": "attendit attendirent attendre", "wash": "lava lavèrent laver",
    "work": "travailla travaillèrent travailler", "write": "écrivit écrivirent écrire",
}  # fmt: skip
REFLEXIVE = ("bored", "hurry", "rest")
ADJECTIVES = {  # masculine, feminine if it differs, masculine before a vowel if that differs
    "beautiful": "beau/belle/bel", "big": "grand/grande", "black": "noir/noire", "blue": "bleu/bleue",
    "brown": "marron", "cheap": "bon marché", "dirty": "sale", "expensive": "coûteux/coûteuse",
    "fresh": "frais/fraîche", "green": "vert/verte", "grey": "gris/grise", "heavy": "lourd/lourde",
    "new": "nouveau/nouvelle/nouvel", "old": "vieux/vieille/vieil", "red": "rouge", "small": "petit/petite",
    "strange": "étrange", "tiny": "minuscule", "white": "blanc/blanche", "yellow": "jaune",
    "angry": "fâché/fâchée", "busy": "occupé/occupée", "calm": "calme", "happy": "heureux/heureuse",
    "nervous": "nerveux/nerveuse", "proud": "fier/fière", "sad": "triste", "sick": "malade",
    "surprised": "surpris/surprise", "tired": "fatigué/fatiguée",
}  # fmt: skip
BIG_FOOD = "gros/grosse"
BEFORE_THE_NOUN = ("beau", "grand", "gros", "nouveau", "petit", "vieux")
STATES = {  # after avoir; and a verb of its own, singular and plural
    "afraid": "peur", "hungry": "faim", "thirsty": "soif", "bored": "ennuyait/ennuyaient",
}  # fmt: skip
NUMBERS = {
    2: "deux", 3: "trois", 4: "quatre", 5: "cinq", 6: "six", 7: "sept", 8: "huit", 9: "neuf", 10: "dix", 11: "onze",
    12: "douze",
}  # fmt: skip
TIMES = {
    "friday": "un vendredi", "monday": "un lundi", "saturday": "un samedi", "sunday": "un dimanche",
    "thursday": "un jeudi", "tuesday": "un mardi", "wednesday": "un mercredi", "yesterday": "hier",
    "autumn": "l'automne dernier", "spring": "le printemps dernier", "summer": "l'été dernier",
    "winter": "l'hiver dernier", "morning": "un matin", "noon": "à midi", "afternoon": "l'après-midi",
    "evening": "le soir", "night": "pendant la nuit", "later": "plus tard",
}  # fmt: skip
WEATHER = {  # what happened at a time, what it was like in a place
    "cold": "il fit froid/il faisait froid", "fog": "il y eut du brouillard/il y avait du brouillard",
    "rain": "il plut/il pleuvait", "snow": "il neigea/il neigeait",
    "storm": "une tempête éclata/une tempête faisait rage", "sun": "le soleil brilla/le soleil brillait",
    "thunder": "le tonnerre gronda/le tonnerre grondait", "warm": "il fit chaud/il faisait chaud",
    "wind": "le vent souffla/le vent soufflait",
}  # fmt: skip
MANNERS = {
    "carefully": "soigneusement", "gladly": "volontiers", "loudly": "bruyamment", "patiently": "patiemment",
    "proudly": "fièrement", "quickly": "vite", "quietly": "sans bruit", "secretly": "en secret", "slowly": "lentement",
}  # fmt: skip

THE = {"m": "le", "f": "la"}
A = {"m": "un", "f": "une"}
VOWELS = (*"aàâeéèêiîoôœuû", "ho", "hô")  # the h of horloge and hôpital is mute, that of hâter is not
ANSWERS = {"yes": "oui,", "no": "non,"}


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place."""
    opening, where = adverbials(clause, TIMES, place(clause.place, clause.verb) if clause.place else [])
    if clause.kind == "weather":
        happened, lasted = WEATHER[clause.verb].split("/")
        return [*opening, Mark("weather", clause.verb, happened if clause.time else lasted)]
    answer: list[Piece] = [ANSWERS[clause.answer]] if clause.answer else []
    return [*answer, *opening, *_subject(clause), *_predicate(clause), *where]


def elided(word: str, following: str) -> str:
    """A short word before another: 'la pomme' but "l'orange", 'ne vit' but "n'aida", 'se hâta' but "s'ennuyait"."""
    return word[:-1] + "'" if following.startswith(VOWELS) else word


def definite(gender: str, noun: str, preposition: str = "") -> str:
    """What stands before a noun: 'le', 'la', "l'"; 'dans le'; 'au', 'à la', "à l'"; 'au bord du'."""
    words = f"{preposition} {elided(THE[gender], noun)}".lstrip()
    return words.replace("à le", "au").replace("de le", "du")


def being(key: str, preposition: str = "") -> list[Piece]:
    """A definite person or animal: 'le roi', 'au roi', "à l'oncle"."""
    gender, noun = BEINGS[key].split()
    return [definite(gender, noun, preposition), Mark(kind_of(key), key, noun)]


def adjective(key: str, gender: str, plural: bool = False, thing: str = "", following: str = "") -> str:
    """An adjective that agrees: 'beau', 'belle', 'bel oreiller'; 'tristes', 'surpris'; 'grosse' of an apple."""
    forms = (BIG_FOOD if key == "big" and thing in FOOD else ADJECTIVES[key]).split("/")
    if gender == "m" and following.startswith(VOWELS):
        return forms[2] if len(forms) == 3 else forms[0]
    form = forms[0] if gender == "m" or len(forms) == 1 else forms[1]
    return form + "s" if plural and form[-1] not in "sx" else form


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, noun, _ = OBJECTS[clause.thing].split()
        return [definite(gender, noun), Mark("object", clause.thing, noun)]
    if clause.pronoun:
        return [_pronoun(clause)]
    names = [being(key) for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "et", *names[1]]


def _pronoun(clause: Clause) -> str:
    return ("il" if _gender(clause) == "m" else "elle") + "s" * clause.plural


def _gender(clause: Clause) -> str:
    """The gender of what the clause is about; a pair is feminine only if both are."""
    if clause.kind == "quality":
        return OBJECTS[clause.thing][0]
    return "m" if any(BEINGS[key].startswith("m") for key in clause.subjects) else "f"


def _predicate(clause: Clause) -> list[Piece]:
    if clause.kind != "act":
        return _state(clause)
    patient = being(clause.patient, "à" if clause.verb in (*TRANSFERS, "visit") else "") if clause.patient else []
    objects = thing(clause) if clause.thing else []
    return _verb(clause) + (objects + patient if clause.verb in TRANSFERS else patient + objects)


def _state(clause: Clause) -> list[Piece]:
    """'était triste', 'n'étaient pas fières', 'avait faim', 's'ennuyait'."""
    word = STATES.get(clause.quality) or adjective(clause.quality, _gender(clause), clause.plural, clause.thing)
    mark = Mark("quality", clause.quality, word.split("/")[clause.plural and "/" in word])
    if clause.quality in REFLEXIVE:
        return _finite(clause, mark, reflexive=True)
    stem = "av" if clause.quality in STATES else "ét"
    return [*_finite(clause, stem + ("aient" if clause.plural else "ait")), mark]


def _finite(clause: Clause, verb: Piece, reflexive: bool = False) -> list[Piece]:
    """A verb and what clings to it: 'aida', "n'aida pas", 'se reposa', 'ne se reposa pas', 'aida-t-il', 'rit-elle'."""
    word = verb.surface if isinstance(verb, Mark) else verb
    pieces: list[Piece] = [elided("se", word), verb] if reflexive else [verb]
    if clause.mood == "ask":
        pieces.append(f"-{'t-' if word.endswith('a') else ''}{_pronoun(clause)}")
    return [elided("ne", "se" if reflexive else word), *pieces, "pas"] if clause.mood == "deny" else pieces


def _verb(clause: Clause) -> list[Piece]:
    """'acheta vite', "n'acheta pas", 'voulut acheter', 'se reposa', 'rendit visite' (the noun is marked)."""
    singular, plural, infinitive, *noun = PAST[clause.verb].split()
    wish = clause.mood == "wish"
    verb = infinitive if wish else plural if clause.plural else singular
    content = Mark("action", clause.verb, noun[0] if noun else verb)
    pieces = _finite(clause, verb if noun else content, clause.verb in REFLEXIVE)
    if wish:
        pieces.insert(0, "voulurent" if clause.plural else "voulut")
    if clause.manner:
        pieces.append(Mark("manner", clause.manner, MANNERS[clause.manner]))
    return [*pieces, content] if noun else pieces


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'une pomme fraîche', 'un vieil oreiller', 'trois pommes', and denied "d'orange"."""
    key = clause.thing
    gender, singular, plural = OBJECTS[key].split()
    if clause.number:
        return [Mark("number", str(clause.number), NUMBERS[clause.number]), Mark("object", key, plural)]
    words: list[Mark] = [Mark("object", key, singular)]
    if clause.quality:
        first = adjective(clause.quality, "m", thing=key) in BEFORE_THE_NOUN
        form = adjective(clause.quality, gender, thing=key, following=singular if first else "")
        words.insert(0 if first else 1, Mark("quality", clause.quality, form))
    if (clause.verb, key) == ("write", "diary"):
        return ["dans", A[gender], *words]
    return [elided("de", words[0].surface) if clause.mood == "deny" else A[gender], *words]


def place(key: str, verb: str = "") -> list[Piece]:
    """Where ('dans le jardin', 'au bord du lac') or, with a verb of motion, whither ('au jardin', "jusqu'au lac")."""
    gender, noun, rest, motion = PLACES[key].split("/")
    preposition = PREPOSITIONS.get(verb, motion if verb in MOVES else rest)
    return [definite(gender, noun, preposition), Mark("place", key, noun)]
