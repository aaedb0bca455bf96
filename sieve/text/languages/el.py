"""Greek: articles in cases that melt into σε, a final ν that comes and goes, dropped pronouns, ήθελε να for wishes.

The final ν is that of the school grammar: τον, στον and έναν always keep it, την, στην and δεν only before a vowel or
a stop.
"""

from __future__ import annotations

import re

from sieve.text.document import Mark, Piece
from sieve.text.languages.order import adverbials
from sieve.text.meaning import FEMALE, MOVES, Clause, kind_of

BEINGS = {  # gender, nominative; the accusative only loses a final ς
    "baker": "m φούρναρης", "boy": "n αγόρι", "brother": "m αδερφός", "cook": "m μάγειρας", "doctor": "m γιατρός",
    "farmer": "m αγρότης", "father": "m πατέρας", "fisherman": "m ψαράς", "gardener": "m κηπουρός",
    "grandfather": "m παππούς", "hunter": "m κυνηγός", "king": "m βασιλιάς", "merchant": "m έμπορος",
    "painter": "m ζωγράφος", "prince": "m πρίγκιπας", "sailor": "m ναύτης", "soldier": "m στρατιώτης",
    "uncle": "m θείος",
    "actress": "f ηθοποιός", "aunt": "f θεία", "bride": "f νύφη", "dancer": "f χορεύτρια", "girl": "n κορίτσι",
    "grandmother": "f γιαγιά", "mother": "f μητέρα", "neighbour": "f γειτόνισσα", "nurse": "f νοσοκόμα",
    "princess": "f πριγκίπισσα", "queen": "f βασίλισσα", "seamstress": "f μοδίστρα", "singer": "f τραγουδίστρια",
    "sister": "f αδερφή", "student": "f φοιτήτρια", "teacher": "f δασκάλα", "witch": "f μάγισσα",
    "writer": "f συγγραφέας",
    "bear": "f αρκούδα", "bird": "n πουλί", "cat": "f γάτα", "chicken": "f κότα", "cow": "f αγελάδα",
    "dog": "m σκύλος", "donkey": "m γάιδαρος", "duck": "f πάπια", "fox": "f αλεπού", "frog": "m βάτραχος",
    "goat": "f κατσίκα", "horse": "n άλογο", "mouse": "n ποντίκι", "owl": "f κουκουβάγια", "pig": "n γουρούνι",
    "rabbit": "n κουνέλι", "sheep": "n πρόβατο", "snake": "n φίδι", "swan": "m κύκνος", "wolf": "m λύκος",
}  # fmt: skip
OBJECTS = {  # gender, nominative singular, accusative plural
    "apple": "n μήλο μήλα", "biscuit": "n μπισκότο μπισκότα", "cake": "n κέικ κέικ", "carrot": "n καρότο καρότα",
    "cherry": "n κεράσι κεράσια", "egg": "n αβγό αβγά", "lemon": "n λεμόνι λεμόνια",
    "mushroom": "n μανιτάρι μανιτάρια", "onion": "n κρεμμύδι κρεμμύδια", "orange": "n πορτοκάλι πορτοκάλια",
    "pear": "n αχλάδι αχλάδια", "potato": "f πατάτα πατάτες", "sandwich": "n σάντουιτς σάντουιτς",
    "tomato": "f ντομάτα ντομάτες",
    "book": "n βιβλίο βιβλία", "diary": "n ημερολόγιο ημερολόγια", "letter": "n γράμμα γράμματα",
    "map": "m χάρτης χάρτες", "newspaper": "f εφημερίδα εφημερίδες", "poem": "n ποίημα ποιήματα",
    "bag": "f τσάντα τσάντες", "ball": "f μπάλα μπάλες", "basket": "n καλάθι καλάθια",
    "blanket": "f κουβέρτα κουβέρτες", "bottle": "n μπουκάλι μπουκάλια", "bowl": "n μπολ μπολ",
    "box": "n κουτί κουτιά", "bucket": "m κουβάς κουβάδες", "button": "n κουμπί κουμπιά", "candle": "n κερί κεριά",
    "chair": "f καρέκλα καρέκλες", "coat": "n παλτό παλτά", "cup": "n φλιτζάνι φλιτζάνια",
    "dress": "n φόρεμα φορέματα", "glove": "n γάντι γάντια", "hat": "n καπέλο καπέλα",
    "kite": "m χαρταετός χαρταετούς", "lamp": "f λάμπα λάμπες", "pillow": "n μαξιλάρι μαξιλάρια",
    "plate": "n πιάτο πιάτα", "ribbon": "f κορδέλα κορδέλες", "scarf": "n κασκόλ κασκόλ",
    "shirt": "n πουκάμισο πουκάμισα", "shoe": "n παπούτσι παπούτσια", "umbrella": "f ομπρέλα ομπρέλες",
    "bell": "n κουδούνι κουδούνια", "broom": "f σκούπα σκούπες", "brush": "f βούρτσα βούρτσες",
    "clock": "n ρολόι ρολόγια", "coin": "n νόμισμα νομίσματα", "comb": "f χτένα χτένες", "drum": "n τύμπανο τύμπανα",
    "feather": "n φτερό φτερά", "fork": "n πιρούνι πιρούνια", "guitar": "f κιθάρα κιθάρες",
    "hammer": "n σφυρί σφυριά", "key": "n κλειδί κλειδιά", "knife": "n μαχαίρι μαχαίρια", "ladder": "f σκάλα σκάλες",
    "mirror": "m καθρέφτης καθρέφτες", "necklace": "n κολιέ κολιέ", "needle": "f βελόνα βελόνες",
    "picture": "m πίνακας πίνακες", "ring": "n δαχτυλίδι δαχτυλίδια", "rope": "n σχοινί σχοινιά",
    "spoon": "n κουτάλι κουτάλια", "violin": "n βιολί βιολιά",
    "flower": "n λουλούδι λουλούδια",
}  # fmt: skip
PLACES = {  # gender, nominative; where and whither are the same, σε with the accusative
    "beach": "f παραλία", "bridge": "f γέφυρα", "field": "n χωράφι", "forest": "n δάσος", "garden": "m κήπος",
    "harbour": "n λιμάνι", "island": "n νησί", "lake": "f λίμνη", "market": "f αγορά", "mountain": "n βουνό",
    "park": "n πάρκο", "river": "n ποτάμι", "square": "f πλατεία", "village": "n χωριό",
    "bakery": "n αρτοποιείο", "castle": "n κάστρο", "church": "f εκκλησία", "hospital": "n νοσοκομείο",
    "house": "n σπίτι", "kitchen": "f κουζίνα", "library": "f βιβλιοθήκη", "museum": "n μουσείο",
    "school": "n σχολείο", "station": "m σταθμός", "theatre": "n θέατρο",
}  # fmt: skip
PAST = {  # he or she did, they did; and what follows να: he or she, they
    "bake": "έψησε έψησαν ψήσει ψήσουν", "break": "έσπασε έσπασαν σπάσει σπάσουν",
    "bring": "έφερε έφεραν φέρει φέρουν", "buy": "αγόρασε αγόρασαν αγοράσει αγοράσουν",
    "call": "φώναξε φώναξαν φωνάξει φωνάξουν", "carry": "κουβαλούσε κουβαλούσαν κουβαλήσει κουβαλήσουν",
    "clean": "καθάρισε καθάρισαν καθαρίσει καθαρίσουν", "come": "ήρθε ήρθαν έρθει έρθουν",
    "cry": "έκλαψε έκλαψαν κλάψει κλάψουν", "dance": "χόρεψε χόρεψαν χορέψει χορέψουν",
    "draw": "ζωγράφισε ζωγράφισαν ζωγραφίσει ζωγραφίσουν", "eat": "έφαγε έφαγαν φάει φάνε",
    "feed": "τάισε τάισαν ταΐσει ταΐσουν", "find": "βρήκε βρήκαν βρει βρουν",
    "follow": "ακολούθησε ακολούθησαν ακολουθήσει ακολουθήσουν", "forget": "ξέχασε ξέχασαν ξεχάσει ξεχάσουν",
    "give": "έδωσε έδωσαν δώσει δώσουν", "go": "πήγε πήγαν πάει πάνε",
    "greet": "χαιρέτησε χαιρέτησαν χαιρετήσει χαιρετήσουν", "have": "είχε είχαν έχει έχουν",
    "help": "βοήθησε βοήθησαν βοηθήσει βοηθήσουν", "hide": "έκρυψε έκρυψαν κρύψει κρύψουν",
    "hug": "αγκάλιασε αγκάλιασαν αγκαλιάσει αγκαλιάσουν", "hurry": "έσπευσε έσπευσαν σπεύσει σπεύσουν",
    "laugh": "γέλασε γέλασαν γελάσει γελάσουν", "lose": "έχασε έχασαν χάσει χάσουν",
    "open": "άνοιξε άνοιξαν ανοίξει ανοίξουν", "paint": "έβαψε έβαψαν βάψει βάψουν",
    "play": "έπαιξε έπαιξαν παίξει παίξουν", "read": "διάβασε διάβασαν διαβάσει διαβάσουν",
    "repair": "επισκεύασε επισκεύασαν επισκευάσει επισκευάσουν",
    "rest": "ξεκουράστηκε ξεκουράστηκαν ξεκουραστεί ξεκουραστούν", "return": "γύρισε γύρισαν γυρίσει γυρίσουν",
    "run": "έτρεξε έτρεξαν τρέξει τρέξουν", "see": "είδε είδαν δει δουν", "seek": "έψαχνε έψαχναν ψάξει ψάξουν",
    "sell": "πούλησε πούλησαν πουλήσει πουλήσουν", "show": "έδειξε έδειξαν δείξει δείξουν",
    "sing": "τραγούδησε τραγούδησαν τραγουδήσει τραγουδήσουν", "sleep": "κοιμήθηκε κοιμήθηκαν κοιμηθεί κοιμηθούν",
    "stay": "έμεινε έμειναν μείνει μείνουν", "steal": "έκλεψε έκλεψαν κλέψει κλέψουν",
    "swim": "κολύμπησε κολύμπησαν κολυμπήσει κολυμπήσουν",
    "thank": "ευχαρίστησε ευχαρίστησαν ευχαριστήσει ευχαριστήσουν", "throw": "πέταξε πέταξαν πετάξει πετάξουν",
    "visit": "επισκέφτηκε επισκέφτηκαν επισκεφτεί επισκεφτούν", "wait": "περίμενε περίμεναν περιμένει περιμένουν",
    "wash": "έπλυνε έπλυναν πλύνει πλύνουν", "work": "δούλεψε δούλεψαν δουλέψει δουλέψουν",
    "write": "έγραψε έγραψαν γράψει γράψουν",
}  # fmt: skip
AFTER_WISH = {"seek": "για"}  # έψαχνε το πουλί, but ήθελε να ψάξει για το πουλί: without για she would search it
ADJECTIVES = {  # masculine, feminine, neuter of the nominative
    "beautiful": "όμορφος όμορφη όμορφο", "big": "μεγάλος μεγάλη μεγάλο", "black": "μαύρος μαύρη μαύρο",
    "blue": "μπλε μπλε μπλε", "brown": "καφέ καφέ καφέ", "cheap": "φτηνός φτηνή φτηνό",
    "dirty": "βρόμικος βρόμικη βρόμικο", "expensive": "ακριβός ακριβή ακριβό", "fresh": "φρέσκος φρέσκια φρέσκο",
    "green": "πράσινος πράσινη πράσινο", "grey": "γκρίζος γκρίζα γκρίζο", "heavy": "βαρύς βαριά βαρύ",
    "new": "καινούριος καινούρια καινούριο", "old": "παλιός παλιά παλιό", "red": "κόκκινος κόκκινη κόκκινο",
    "small": "μικρός μικρή μικρό", "strange": "παράξενος παράξενη παράξενο",
    "tiny": "μικροσκοπικός μικροσκοπική μικροσκοπικό", "white": "άσπρος άσπρη άσπρο",
    "yellow": "κίτρινος κίτρινη κίτρινο",
}  # fmt: skip
STATES = {  # masculine; all take the same endings
    "afraid": "φοβισμένος", "angry": "θυμωμένος", "bored": "βαριεστημένος", "busy": "απασχολημένος",
    "calm": "ήρεμος", "happy": "χαρούμενος", "hungry": "πεινασμένος", "nervous": "αγχωμένος", "proud": "περήφανος",
    "sad": "λυπημένος", "sick": "άρρωστος", "surprised": "έκπληκτος", "thirsty": "διψασμένος", "tired": "κουρασμένος",
}  # fmt: skip
STATE_ENDINGS = {"m": "ος οι", "f": "η ες", "n": "ο α"}  # singular and plural
NUMBERS = {  # masculine and feminine, neuter; or one form for all
    2: "δύο", 3: "τρεις τρία", 4: "τέσσερις τέσσερα", 5: "πέντε", 6: "έξι", 7: "εφτά", 8: "οχτώ", 9: "εννιά",
    10: "δέκα", 11: "έντεκα", 12: "δώδεκα",
}  # fmt: skip
TIMES = {
    "friday": "την Παρασκευή", "monday": "τη Δευτέρα", "saturday": "το Σάββατο", "sunday": "την Κυριακή",
    "thursday": "την Πέμπτη", "tuesday": "την Τρίτη", "wednesday": "την Τετάρτη", "yesterday": "χθες",
    "autumn": "το περασμένο φθινόπωρο", "spring": "την περασμένη άνοιξη", "summer": "το περασμένο καλοκαίρι",
    "winter": "τον περασμένο χειμώνα",
    "morning": "το πρωί", "noon": "το μεσημέρι", "afternoon": "το απόγευμα", "evening": "το βράδυ",
    "night": "τη νύχτα", "later": "αργότερα",
}  # fmt: skip
WEATHER = {
    "cold": "έκανε κρύο", "fog": "είχε ομίχλη", "rain": "έβρεχε", "snow": "χιόνιζε", "storm": "ξέσπασε καταιγίδα",
    "sun": "έλαμπε ο ήλιος", "thunder": "βροντούσε", "warm": "έκανε ζέστη", "wind": "φυσούσε ο άνεμος",
}  # fmt: skip
MANNERS = {
    "carefully": "προσεκτικά", "gladly": "με χαρά", "loudly": "δυνατά", "patiently": "υπομονετικά",
    "proudly": "περήφανα", "quickly": "γρήγορα", "quietly": "ήσυχα", "secretly": "κρυφά", "slowly": "αργά αργά",
}  # fmt: skip
MANNERS_OF_HIDING = {**MANNERS, "secretly": "μυστικά"}  # έκρυψε κρυφά would say it twice
ANSWERS = {"yes": "ναι,", "no": "όχι,"}
NOMINATIVE = {"m": "ο", "f": "η", "n": "το"}
ACCUSATIVE = {"m": "τον", "f": "την", "n": "το"}
INDEFINITE = {"m": "έναν", "f": "μια", "n": "ένα"}  # accusative, the only case an indefinite object stands in
NONE = {"m": "κανέναν", "f": "καμία", "n": "κανένα"}
WATERS = ("lake", "river")
TO_WHOM = ("bring", "give", "show")


def realise(clause: Clause) -> list[Piece]:
    """The words of a clause: an opening adverbial, then subject, verb, objects, place; questions open with the verb."""
    opening, where = adverbials(clause, TIMES, place(clause.place, clause.verb) if clause.place else [])
    if clause.kind == "weather":
        return [*opening, Mark("weather", clause.verb, WEATHER[clause.verb])]
    answer = [ANSWERS[clause.answer]] if clause.answer else []
    subject, verb = _subject(clause), _verb(clause)
    order = [*verb, *subject] if _verb_first(clause) else [*subject, *verb]
    return [*answer, *opening, *order, *_complement(clause), *where]


def final_n(word: str, following: str) -> str:
    """την, στην and δεν lose their ν before most consonants: 'τη γάτα', 'δε βρήκε', but 'την κότα', 'δεν έφαγε'."""
    kept = re.match("[αεηιουωάέήίόύώϊϋΐΰκπτξψ]|μπ|ντ|γκ", following)
    return word if kept or word not in ("την", "στην", "δεν") else word[:-1]


def accusative(nominative: str, gender: str) -> str:
    """The accusative singular of any noun or adjective: 'μάγειρα' of 'μάγειρας', but neuter 'δάσος' stays."""
    return nominative if gender == "n" else nominative.removesuffix("ς")


def being(key: str, case: str) -> list[Piece]:
    """A definite person or animal: 'ο σκύλος', accusative 'τον σκύλο', with σε 'στον σκύλο'."""
    gender, nominative = BEINGS[key].split()
    noun = nominative if case == "nominative" else accusative(nominative, gender)
    article = {"nominative": NOMINATIVE[gender], "accusative": ACCUSATIVE[gender], "σε": "σ" + ACCUSATIVE[gender]}[case]
    return [final_n(article, noun), Mark(kind_of(key), key, noun)]


def place(key: str, verb: str) -> list[Piece]:
    """Where or whither: 'στον κήπο', 'στη λίμνη', 'στην αγορά'; but what is done beside water is 'δίπλα στη λίμνη'."""
    gender, nominative = PLACES[key].split()
    noun = accusative(nominative, gender)
    beside = ["δίπλα"] if key in WATERS and verb not in (*MOVES, "swim", *WEATHER) else []
    return [*beside, final_n("σ" + ACCUSATIVE[gender], noun), Mark("place", key, noun)]


def thing(clause: Clause) -> list[Piece]:
    """The object of a clause: 'έναν παλιό χάρτη', 'τρεις χάρτες'; denied, 'κανέναν χάρτη'."""
    gender, singular, plural = OBJECTS[clause.thing].split()
    if clause.number:
        numeral = NUMBERS[clause.number].split()[-1 if gender == "n" else 0]
        return [Mark("number", str(clause.number), numeral), Mark("object", clause.thing, plural)]
    article = (NONE if clause.mood == "deny" else INDEFINITE)[gender]
    form = accusative(adjective(clause.quality, gender), gender) if clause.quality else ""
    quality = [Mark("quality", clause.quality, form)] if form else []
    return [article, *quality, Mark("object", clause.thing, accusative(singular, gender))]


def adjective(key: str, gender: str) -> str:
    """The nominative of an adjective: 'παλιός', 'παλιά', 'παλιό'."""
    return ADJECTIVES[key].split()["mfn".index(gender)]


def state(key: str, gender: str, plural: bool) -> str:
    """How beings are: 'άρρωστος', 'άρρωστη', 'άρρωστο', plural 'άρρωστοι', 'άρρωστες', 'άρρωστα'."""
    return STATES[key].removesuffix("ος") + STATE_ENDINGS[gender].split()[plural]


def agreement(subjects: tuple[str, ...]) -> str:
    """The gender of what is said of beings: their common one, or else feminine for women only, or else masculine."""
    genders = {BEINGS[key][0] for key in subjects}
    if len(genders) == 1:
        return genders.pop()
    return "f" if all(key in FEMALE for key in subjects) else "m"


def _subject(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender, nominative, _ = OBJECTS[clause.thing].split()
        return [NOMINATIVE[gender], Mark("object", clause.thing, nominative)]
    if clause.pronoun:
        return []
    names = [being(key, "nominative") for key in clause.subjects]
    return names[0] if len(names) == 1 else [*names[0], "και", *names[1]]


def _verb(clause: Clause) -> list[Piece]:
    """'αγόρασε', 'αγόρασε γρήγορα', 'δεν αγόρασε', 'ήθελε να αγοράσει', and 'ήταν' for what is."""
    verb: list[Piece] = ["ήταν"]
    form = "ήταν"
    if clause.kind == "act":
        pictured = clause.verb == "paint" and clause.thing == "picture"  # έβαψε would dye it
        form = PAST["draw" if pictured else clause.verb].split()[clause.plural + 2 * (clause.mood == "wish")]
        verb = [Mark("action", clause.verb, form)]
    if clause.mood == "wish":
        after = [AFTER_WISH[clause.verb]] if clause.verb in AFTER_WISH else []
        return ["ήθελαν" if clause.plural else "ήθελε", "να", *verb, *after]
    adverb = MANNERS_OF_HIDING if clause.verb == "hide" else MANNERS
    manner = [Mark("manner", clause.manner, adverb[clause.manner])] if clause.manner else []
    return [*([final_n("δεν", form)] if clause.mood == "deny" else []), *verb, *manner]


def _verb_first(clause: Clause) -> bool:
    """Questions open with the verb, unless two neuters in a row left it open who did it to whom."""
    both = (*clause.subjects, clause.patient) if clause.patient and clause.verb not in TO_WHOM else ()
    return clause.mood == "ask" and {BEINGS[key][0] for key in both} != {"n"}


def _complement(clause: Clause) -> list[Piece]:
    if clause.kind == "quality":
        gender = OBJECTS[clause.thing].split()[0]
        return [Mark("quality", clause.quality, adjective(clause.quality, gender))]
    if clause.kind == "state":
        return [Mark("quality", clause.quality, state(clause.quality, agreement(clause.subjects), clause.plural))]
    patient = being(clause.patient, "σε" if clause.verb in TO_WHOM else "accusative") if clause.patient else []
    return [*patient, *thing(clause)] if clause.thing else patient
