"""Randomness keyed by what it is for."""

import itertools

import torch

from sieve.provenance import generator, seed_for

KEYS = [(0,), (1,), (0, "a"), (0, "a", 0), (0, "a", 1), (0, "b", 0), (0, 0, "a"), (0, "a", "b"), (0, "a|b"), (0, "ab"),
        (0, "a", "", "b"), (0, "a||b"), (0, "a\\", "b"), (0, "a\\|b"), (-1, "a"), (10, "a"), (1, 0, "a")]  # fmt: skip


def test_every_part_counts():
    """Seeds differ when the seed, any part of the purpose, their order or their borders differ."""
    for a, b in itertools.combinations(KEYS, 2):
        assert seed_for(*a) != seed_for(*b), (a, b)


def test_nothing_else_counts():
    """A seed and its stream are the same in every call, whatever was drawn before."""
    first = torch.randn(4, generator=generator(3, "x", 1))
    torch.randn(7)
    generator(3, "x", 2)

    assert torch.equal(torch.randn(4, generator=generator(3, "x", 1)), first)


def test_the_global_stream_is_not_touched():
    """Making and using a generator leaves torch's own stream where it was."""
    state = torch.random.get_rng_state()
    torch.randn(4, generator=generator(3, "x"))

    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_seed_fits_everywhere():
    """Seeds are non-negative and below 2⁶³, and use the whole of that range."""
    seeds = [seed_for(0, i) for i in range(200)]

    assert all(0 <= s < 2**63 for s in seeds)
    assert min(seeds) < 2**60 and max(seeds) > 2**63 - 2**60


def test_recorded():
    """The mapping itself is a promise: changing it would change every output."""
    assert seed_for(0, "rows", 0) == 1025206880665053860
