"""The character n-gram model: a distribution, equal to a plain dictionary's count, that prefers what it has seen."""

from collections import Counter

import pytest
import torch

from sieve.text.ngram import START, UNICODE, CharacterModel

TEXTS = ["the cat sat on the mat", "the dog sat", "ein Hund", "кот"]


def by_hand(texts, order, history, character):
    """The definition, counted anew: p(character | the last order - 1 of history)."""
    if order == 0:
        return 1 / UNICODE
    size = order - 1
    seen = Counter()
    for text in texts:
        padded = [chr(0)] * size + list(text)
        seen.update((tuple(padded[i : i + size]), padded[i + size]) for i in range(len(text)))
    padded = ([chr(0)] * size + list(history))[-size:] if size else []
    after = {c: n for (h, c), n in seen.items() if h == tuple(padded)}
    shorter = by_hand(texts, order - 1, history, character)
    if not after:
        return shorter
    return (after.get(character, 0) + len(after) * shorter) / (sum(after.values()) + len(after))


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("text", ["the rat sat", "о кот", "then"])
def test_it_is_the_definition(order, text):
    """Hashed, sorted and bisected counts give the probabilities of the recursive definition."""
    found = CharacterModel(TEXTS, order).probabilities(text)
    expected = [by_hand(TEXTS, order, text[:i], text[i]) for i in range(len(text))]
    assert torch.allclose(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12)


def test_it_is_a_distribution():
    """After any history the probabilities of all characters, seen or not, sum to one."""
    model = CharacterModel(TEXTS, 3)
    seen = sorted(set("".join(TEXTS)))
    for history in ("", "th", "xy", "at o"):
        known = sum(float(model.probabilities(history + c)[-1]) for c in seen)
        unknown = float(model.probabilities(history + "√")[-1]) * (UNICODE - len(seen))
        assert known + unknown == pytest.approx(1)
    assert START == UNICODE  # no character of a text


def test_what_was_seen_costs_less():
    """Text like the training text takes fewer bits per byte than other text, and more context helps."""
    texts = [f"the {who} saw the {what}" for who in ("cat", "dog", "cow") for what in ("hat", "key", "map", "bag")]
    costs = [CharacterModel(texts, order).bits_per_byte(["the cat saw the bag"]) for order in (1, 3, 6)]
    assert costs == sorted(costs, reverse=True)
    assert CharacterModel(texts, 6).bits_per_byte(["zwölf Boxkämpfer"]) > 3 * costs[-1]


def test_bits_are_counted_by_bytes():
    """A document's cost in bits is divided by its UTF-8 bytes, not by its characters."""
    model = CharacterModel(TEXTS, 3)
    bits = -model.probabilities("кот").log2().sum()
    assert model.bits_per_byte(["кот"]) == pytest.approx(float(bits) / 6)
    assert model.bits_per_byte(["кот", "кот"]) == pytest.approx(float(bits) / 6)


@pytest.mark.parametrize(("texts", "order"), [([], 3), ([""], 3), (["a"], 0)])
def test_nothing_to_count(texts, order):
    """Without text or history length there is no model."""
    with pytest.raises(ValueError, match="give an order of at least 1 and some text"):
        CharacterModel(texts, order)
