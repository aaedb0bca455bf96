"""Sampling weights: each source has its share to within one document, drawn by key."""

import json
from collections import Counter

import pytest

from sieve.text.balance import alike, balanced, in_turn
from tests.text.test_files import OWN, read, write

COUNTS = {"de": 70, "en": 400, "ru": 33}
NAMES = [name for name, count in COUNTS.items() for _ in range(count)]


@pytest.mark.parametrize(
    "weights",
    [{"de": 1, "en": 1, "ru": 1}, {"de": 0.1, "en": 0.2, "ru": 0.7}, {"de": 5, "en": 30, "ru": 1}, COUNTS],
)
def test_shares_to_within_one_document(weights):
    """Every name has its weight's share of what is kept, and no larger choice could have that."""
    kept = balanced(NAMES, range(len(NAMES)), weights, 0)
    there, whole = Counter(NAMES[i] for i in kept), sum(weights.values())
    assert all(abs(there[name] - len(kept) * weight / whole) < 1 for name, weight in weights.items())
    assert any(there[name] >= COUNTS[name] - 1 for name in weights)


def test_many_names_with_odd_shares():
    """Rounding never adds up: also one heavy name among many light ones keeps its share."""
    names = [f"n{i}" for i in range(13) for _ in range(20)] + ["heavy"] * 1000
    weights = {f"n{i}": 0.7 for i in range(13)} | {"heavy": 9.9}
    kept = balanced(names, range(len(names)), weights, 0)
    there, whole = Counter(names[i] for i in kept), sum(weights.values())
    assert all(abs(there[name] - len(kept) * weight / whole) < 1 for name, weight in weights.items())


def test_draw_is_keyed():
    """The same seed keeps the same, another one others, in the order in which they came."""
    one, same, other = (balanced(NAMES, range(len(NAMES)), {"de": 1, "en": 1, "ru": 1}, seed) for seed in (0, 0, 1))
    assert one == same == sorted(one) and set(one) != set(other) and len(one) == len(other)


def test_translations_are_kept_together():
    """Where two languages have equal weights and all texts in common, the same texts are kept of both."""
    names, groups = ["de"] * 50 + ["en"] * 50 + ["ru"] * 10, [*range(50), *range(50), *range(100, 110)]
    kept = balanced(names, groups, {"de": 1, "en": 1, "ru": 1}, 0)
    of = {name: {groups[i] for i in kept if names[i] == name} for name in ("de", "en")}
    assert of["de"] == of["en"] and len(of["de"]) == 10


def test_weights_of_languages_and_of_sources(tmp_path):
    """Names of all languages weigh languages, names of all files and folders at the top weigh those."""
    for name, count in {"de/a.txt": 8, "de/b.txt": 8, "en/a.txt": 4}.items():
        write(tmp_path, name, "".join(f"{name} {i}\n" for i in range(count)))
    changes = {"language": "folder", "languages": ["de", "en"]}
    found = read(tmp_path, **changes, weights={"de": 1.0, "en": 1.0})
    assert Counter(d.language for d in found.documents) == {"de": 4, "en": 4}
    assert found.card["left_out.by_weight"] == 12
    write(tmp_path, "more.txt", "x\ny\n")
    by_source = read(tmp_path, languages=["en"], weights={"de": 2.0, "en": 1.0, "more.txt": 1.0})
    assert Counter(d.doc.split("/")[0].split(":")[0] for d in by_source.documents) == {"de": 4, "en": 2, "more.txt": 2}


def test_the_first_are_a_sample_of_all():
    """However many are taken from the front, each name has its share of them; nobody's own order changes."""
    order = in_turn(NAMES)
    assert sorted(order) == list(range(len(NAMES)))
    for count in range(1, len(order) + 1):
        there = Counter(NAMES[i] for i in order[:count])
        assert all(abs(there[name] - count * whole / len(NAMES)) < 2 for name, whole in COUNTS.items())
    for name in COUNTS:
        own = [i for i in order if NAMES[i] == name]
        assert own == sorted(own)
    assert in_turn(["de"] * 9) == list(range(9)) and in_turn([]) == []


def test_files_and_languages_take_turns(tmp_path):
    """The first documents come from every file and are in every language, also where one file holds several."""
    rows = [{"text": f"{language} {i}", "language": language} for language in ("de", "en") for i in range(10)]
    for name in ("a.json", "b.json"):
        write(tmp_path, name, json.dumps([row | {"text": f"{name} {row['text']}"} for row in rows]))
    found = read(tmp_path, OWN, languages=["de", "en"]).documents
    for start in range(0, 40, 4):
        assert len({(d.doc[0], d.language) for d in found[start : start + 4]}) == 4


def test_scarce_names_are_repeated():
    """Each name occurs about as often as the commonest one, but no entry more than four times, and none is left out."""
    names = ["de"] * 100 + ["tr"] * 37 + ["fo"] * 3
    counts = Counter(names[i] for i in alike(names))
    assert counts == {"de": 100, "tr": 3 * 37, "fo": 4 * 3}
    assert sorted(set(alike(names))) == list(range(140))
    assert alike(["de"] * 5) == [0, 1, 2, 3, 4] and alike([]) == []
