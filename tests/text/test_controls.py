"""Random-token sequences."""

import copy

import pytest
import torch

from sieve.text.controls import random_like, random_sequences, shuffled, unigram, usable_ids

LENGTHS = [5, 0, 300, 7, 40]


def test_usable_ids_are_text(lm):
    """Every id of the tokenizer is usable, but for the special ones."""
    assert usable_ids(lm.tokenizer) == [i for i in range(len(lm.tokenizer)) if i not in lm.tokenizer.all_special_ids]


def test_added_tokens_are_not_usable(lm):
    """Tokens added to a vocabulary, special or not, are not used, and neither is an id that no token has."""
    tokenizer = copy.deepcopy(lm.tokenizer)
    tokenizer.add_tokens(["<added>"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<tool>"]}, replace_extra_special_tokens=False)

    assert len(tokenizer) == len(lm.tokenizer) + 2
    assert usable_ids(tokenizer) == usable_ids(lm.tokenizer)


def test_sequences_hold_usable_ids(lm):
    """After the prefix every id is a usable one, and each sequence has the length asked for."""
    ids = usable_ids(lm.tokenizer)
    found = random_sequences(LENGTHS, [1], ids, 0, "es")

    assert [len(s) - 1 for s in found] == LENGTHS
    assert all(s[0] == 1 for s in found)
    assert {i for s in found for i in s[1:]} <= set(ids)


def test_a_sequence_does_not_depend_on_the_others():
    """Sequence i is the same however many are drawn, whatever the lengths and the prefix of the others."""
    ids = list(range(200, 500))
    many = random_sequences(LENGTHS, [], ids, 0, "es")

    assert random_sequences(LENGTHS[:3], [], ids, 0, "es") == many[:3]
    assert random_sequences([9, 9, 300], [1], ids, 0, "es")[2][1:] == many[2]
    torch.randn(3)
    assert random_sequences(LENGTHS, [], ids, 0, "es") == many


def test_seed_and_purpose_count():
    """Another seed, purpose or number is another sequence."""
    ids = list(range(300))
    keys = [(0, "es"), (1, "es"), (0, "de")]
    found = [tuple(s) for seed, purpose in keys for s in random_sequences([30, 30], [], ids, seed, purpose)]

    assert len(set(found)) == len(found)


def test_ids_are_uniform():
    """Over many draws each id comes equally often (χ² within six of its standard deviations)."""
    ids = list(range(7, 107))
    [drawn] = random_sequences([20_000], [], ids, 0, "x")
    counts = torch.bincount(torch.tensor(drawn), minlength=107)[7:].double()
    chi2 = float(((counts - 200) ** 2 / 200).sum())

    assert abs(chi2 - 99) < 6 * (2 * 99) ** 0.5


def test_too_few_ids_are_refused():
    """A vocabulary too small for noise is refused with its size."""
    with pytest.raises(ValueError, match="only 99 ids"):
        random_sequences([3], [], list(range(99)), 0, "x")


def test_single_bytes_can_be_left_out(lm):
    """Tokens of the form <0xAB> are no letters; without being asked for they stay."""
    tokenizer = copy.deepcopy(lm.tokenizer)
    vocabulary = {"<0x00>": 10, "<0xFF>": 11, "<0xZZ>": 12, "Ġa": 13, "<s>": 0}
    tokenizer.get_vocab = lambda: vocabulary

    assert set(usable_ids(tokenizer)) - set(usable_ids(tokenizer, exclude_bytes=True)) == {10, 11}


def test_parts_of_characters_can_be_left_out(lm):
    """Of a byte-level vocabulary goes what cannot be read on its own, such as half a Cyrillic letter, and only that."""
    left_out = set(usable_ids(lm.tokenizer)) - set(usable_ids(lm.tokenizer, exclude_bytes=True))
    unreadable = {i for i in usable_ids(lm.tokenizer) if set(lm.tokenizer.decode([i])) == {"\ufffd"}}
    half = lm.tokenizer.convert_tokens_to_ids("Ð")  # the byte D0, of U+0400 to U+043F

    assert left_out == unreadable and half in left_out
    texts = [[half + 1] * 4] * 200
    noise = random_like(lm.tokenizer, texts, 200, 0, "x", exclude_bytes=True)
    assert not left_out & {i for sequence in noise for i in sequence}
    assert left_out & {i for sequence in random_like(lm.tokenizer, texts, 200, 0, "x") for i in sequence}


TEXTS = [[5, 5, 6, 7], [8], [], [9] * 30 + [5]]


def test_shuffled_texts_have_the_same_tokens():
    """Each text keeps its own tokens in another order, which depends on seed, purpose and number alone."""
    found = shuffled(TEXTS, 0, "es")

    assert [sorted(s) for s in found] == [sorted(s) for s in TEXTS]
    assert shuffled(TEXTS[:2], 0, "es") == found[:2]
    long = [list(range(50))]
    assert len({tuple(shuffled(long, seed, purpose)[0]) for seed, purpose in ((0, "a"), (1, "a"), (0, "b"))}) == 3


def test_unigram_tokens_are_as_frequent_as_in_the_text():
    """Lengths are the texts', and a token that is 10 of 13 in all texts is about that often drawn."""
    texts = [[5] * 10_000, [6] * 3_000]
    found = unigram(texts, 0, "es")

    assert [len(s) for s in found] == [10_000, 3_000]
    share = sum(s.count(5) for s in found) / 13_000
    assert abs(share - 10 / 13) < 6 * (10 / 13 * 3 / 13 / 13_000) ** 0.5
    assert unigram(texts, 0, "es") == found != unigram(texts, 1, "es")


def test_noise_like_texts_has_their_lengths_and_their_beginning(lm, blocks):
    """As many text tokens as each text has, from the first again where more are wanted, after BOS if they have it."""
    texts = [b.ids for b in blocks[:3]]
    found = random_like(lm.tokenizer, texts, 5, 0, "x")
    lengths = [sum(i not in lm.tokenizer.all_special_ids for i in text) for text in texts]

    assert [len(s) - 1 for s in found] == [*lengths, *lengths[:2]]
    assert all(s[0] == texts[0][0] == lm.tokenizer.bos_token_id for s in found)
