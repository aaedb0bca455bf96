"""Random-token sequences."""

import copy

import pytest
import torch

from sieve.text.controls import random_sequences, usable_ids

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
