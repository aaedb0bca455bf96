"""Intervals for items in clusters: against the plain bootstrap, and against means that are known."""

import pytest
import torch

from sieve.bootstrap import bootstrap, cluster_sums, two_way_bootstrap
from sieve.provenance import generator


def drawn(seed, count=120, first=60, second=40, spread=(1.0, 1.0, 1.0)):
    """Items of mean 0 whose clusters of both kinds, drawn at random, have effects: (values, first, second)."""
    rng = generator(seed, "clusters")
    a, b = torch.randint(first, (count,), generator=rng), torch.randint(second, (count,), generator=rng)
    effects = [s * torch.randn(n, generator=rng) for s, n in zip(spread, (first, second, count))]
    return (effects[0][a] + effects[1][b] + effects[2]).tolist(), a.tolist(), b.tolist()


def plain(values, seed=0):
    """The bootstrap over items, with the draws that the two-way bootstrap makes."""
    sums = torch.tensor(values, dtype=torch.float64)
    return bootstrap(sums, torch.ones_like(sums), generator(seed, "two-way bootstrap"))


def test_sums_and_counts_of_clusters():
    """Clusters come in order of their first item, whatever they are called."""
    sums, counts = cluster_sums([1.0, 2.0, 3.0, 4.0], ["b", "a", "b", ("c", 1)])
    assert (sums.tolist(), counts.tolist()) == ([4, 2, 4], [2, 1, 1])
    sums, counts = cluster_sums([1.0, 2.0, 3.0], ["b", "a", "b"], [1, 5, 7])
    assert (sums.tolist(), counts.tolist()) == ([4, 2], [8, 5])


def test_items_that_are_all_alone_get_the_plain_bootstrap():
    """With every item its own cluster both ways the interval is that over items, in the same draws."""
    values, *_ = drawn(0)
    names = [f"{-i}" for i in range(120)]
    mean, low, high = two_way_bootstrap(values, range(120), names, 0)
    assert mean == pytest.approx(sum(values) / 120)
    assert (low, high) == pytest.approx(plain(values), rel=1e-12)


@pytest.mark.parametrize("other", ["the same", "alone", "one"])
def test_items_that_fall_together_count_once(other):
    """Thirty answers given four times each tell what thirty tell: twice the width of the bootstrap over items."""
    values = [float(x) for x in torch.randn(30, generator=generator(0, "answers")) for _ in range(4)]
    problems = [i // 4 for i in range(120)]
    second = {"the same": problems, "alone": list(range(120)), "one": [0] * 120}[other]
    for pair in ((problems, second), (second, problems)):
        _, low, high = two_way_bootstrap(values, *pair, 0)
        assert (low, high) == pytest.approx(plain(values[::4]), rel=1e-9)
        naive = plain(values)
        assert high - low == pytest.approx(2 * (naive[1] - naive[0]), rel=0.1)


@pytest.mark.parametrize("spread", [(1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (0.0, 0.0, 1.0)])
def test_planted_means_are_covered(spread):
    """In 95 % of simulations, within three standard errors of their binomial count, the interval holds the true mean.

    So it does with effects of both kinds of cluster, of one and of none; the plain bootstrap fails where there are any.
    """
    count = 300
    hits, naive = 0, 0
    for seed in range(count):
        values, first, second = drawn(seed, spread=spread)
        _, low, high = two_way_bootstrap(values, first, second, seed)
        hits += low <= 0 <= high
        low, high = plain(values, seed)
        naive += low <= 0 <= high
    error = (0.95 * 0.05 / count) ** 0.5
    assert abs(hits / count - 0.95) < 3 * error
    assert (naive / count < 0.95 - 3 * error) == (spread[0] > 0)


def test_what_two_conditions_share_cancels():
    """The interval of a difference knows nothing of effects that both conditions have, however large."""
    _, first, second = drawn(0)
    effect = 9 * torch.randn(60, generator=generator(0, "effect"))
    gain = torch.randn(120, generator=generator(0, "gain")).tolist()
    before = [float(effect[i]) for i in first]
    after = [b + g for b, g in zip(before, gain)]
    difference = two_way_bootstrap([a - b for a, b in zip(after, before)], first, second, 0)
    assert difference == pytest.approx(two_way_bootstrap(gain, first, second, 0), abs=1e-5)
    _, low, high = two_way_bootstrap(after, first, second, 0)
    assert high - low > 5 * (difference[2] - difference[1])


def test_weights_make_a_ratio():
    """Sums over two tokens each have the mean, and the interval, of the tokens' own means; a ratio has no scatter."""
    values, first, second = drawn(0)
    doubled = two_way_bootstrap([2 * v for v in values], first, second, 0, weights=[2] * 120)
    assert doubled == pytest.approx(two_way_bootstrap(values, first, second, 0))
    lengths = list(range(1, 121))
    assert two_way_bootstrap([3.0 * n for n in lengths], first, second, 0, weights=lengths) == pytest.approx((3, 3, 3))


def test_no_end_lies_beyond_the_items():
    """Of items between 0 and 1 the mean isn't below 0, however far both kinds of clusters reach together."""
    values = [float(i < 2 or i % 40 == 0) for i in range(80)]
    _, low, high = two_way_bootstrap(values, [i // 4 for i in range(80)], [i % 20 for i in range(80)], 0)
    assert 0 <= low <= high <= 1


def test_items_that_agree_have_no_interval():
    """A constant is certain."""
    _, first, second = drawn(0)
    assert two_way_bootstrap([2.0] * 120, first, second, 0) == (2, 2, 2)


def test_draws_are_keyed():
    """The same seed and purpose give the same interval, another of either gives another."""
    values, first, second = drawn(0)
    one = two_way_bootstrap(values, first, second, 0, "success")
    assert two_way_bootstrap(values, first, second, 0, "success") == one
    assert two_way_bootstrap(values, first, second, 0, "kept") != one
    assert two_way_bootstrap(values, first, second, 1, "success") != one


def test_no_items_are_refused():
    """There is no mean of nothing."""
    with pytest.raises(ValueError, match="no items"):
        two_way_bootstrap([], [], [], 0)
