"""Batches of sequences that are about equally long."""

from __future__ import annotations

import pytest

from sieve.model.batches import WINDOW, alike


@pytest.mark.parametrize(("count", "size"), [(0, 4), (1, 4), (9, 4), (3, 1), (2 * WINDOW + 5, 2)])
def test_every_sequence_is_in_one_batch(count, size):
    """No batch is empty or larger than asked."""
    batches = list(alike([range(7 * n % 11) for n in range(count)], size))
    assert sorted(n for numbers in batches for n in numbers) == list(range(count))
    assert all(0 < len(numbers) <= size for numbers in batches)


def test_sequences_of_one_length_share_a_batch():
    """Shortest first; among equals, in the order in which they came."""
    assert list(alike(["ccc", "a", "bb", "b", "aa", "aaa"], 2)) == [[1, 3], [2, 4], [0, 5]]


def test_the_first_sequences_come_in_the_first_batches():
    """However many there are, only as many as fill a window change places."""
    batches = list(alike([range(n) for n in range(3 * WINDOW, 0, -1)], 1))
    assert sorted(n for numbers in batches[:WINDOW] for n in numbers) == list(range(WINDOW))
