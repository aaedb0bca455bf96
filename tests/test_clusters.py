"""Intervals for items that share clusters: against the usual formula, and against means that are known."""

from statistics import NormalDist

import pytest
import torch

from sieve.clusters import fewest_clusters, mean_interval, student
from sieve.provenance import generator


def drawn(seed, count=120, first=60, second=40, spread=(1.0, 1.0, 1.0)):
    """Items of mean 0 whose clusters of both kinds, drawn at random, have effects: (values, [first, second])."""
    rng = generator(seed, "clusters")
    a, b = torch.randint(first, (count,), generator=rng), torch.randint(second, (count,), generator=rng)
    effects = [s * torch.randn(n, generator=rng) for s, n in zip(spread, (first, second, count))]
    values = (effects[0][a] + effects[1][b] + effects[2]).tolist()
    return values, [a.tolist(), [f"second {i}" for i in b.tolist()]]


def plain(values):
    """Student's interval of items that are all alone."""
    items = torch.tensor(values, dtype=torch.float64)
    half = student(len(items) - 1) * float(items.std()) / len(items) ** 0.5
    return float(items.mean()) - half, float(items.mean()) + half


@pytest.mark.parametrize(
    ("freedom", "value"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (11, 2.201), (30, 2.042)]
)
def test_student(freedom, value):
    """Against the printed table; with many degrees of freedom it is the normal's."""
    assert student(freedom) == pytest.approx(value, abs=0.004)
    assert student(10**6) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-5)


def test_items_that_are_all_alone_get_student_s_interval():
    """With every item its own cluster in every role, and with no role at all."""
    values, _ = drawn(0)
    names = [f"{-i}" for i in range(120)]
    for roles in ([range(120), names], [], [["one"] * 120]):
        mean, low, high = mean_interval(values, roles)
        assert mean == pytest.approx(sum(values) / 120)
        assert (low, high) == pytest.approx(plain(values), rel=1e-9)


@pytest.mark.parametrize("other", ["the same", "alone", "one"])
def test_items_that_fall_together_count_once(other):
    """Thirty answers given four times each tell what thirty tell: twice the width that 120 would have."""
    values = [float(x) for x in torch.randn(30, generator=generator(0, "answers")) for _ in range(4)]
    problems = [i // 4 for i in range(120)]
    second = {"the same": problems, "alone": [f"{i}" for i in range(120)], "one": ["all"] * 120}[other]
    for roles in ([problems, second], [second, problems]):
        _, low, high = mean_interval(values, roles)
        assert (low, high) == pytest.approx(plain(values[::4]), rel=1e-9)


@pytest.mark.parametrize("spread", [(1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (0.0, 0.0, 1.0)])
def test_planted_means_are_covered(spread):
    """In 95 % of simulations, within three standard errors of their count, the interval holds the true mean.

    So it does with effects of both kinds of cluster, of one and of none; that of items alone fails where there are any.
    """
    count = 300
    hits, naive = 0, 0
    for seed in range(count):
        values, roles = drawn(seed, spread=spread)
        _, low, high = mean_interval(values, roles)
        hits += low <= 0 <= high
        low, high = plain(values)
        naive += low <= 0 <= high
    error = (0.95 * 0.05 / count) ** 0.5
    assert hits / count > 0.95 - 3 * error
    assert (naive / count < 0.95 - 3 * error) == (spread[0] > 0)


def test_a_value_is_one_cluster_in_every_role():
    """Twelve values, every ordered pair twice: effects that a value has as source and as target alike are covered.

    Were the roles two sorts of things, no more than 85 in 100 intervals would hold the true mean.
    """
    pairs = [(a, b) for a in range(12) for b in range(12) if a != b] * 2
    first, second = zip(*pairs)
    roles = {"one": [first, second], "apart": [first, [f"target {b}" for b in second]]}
    hits = dict.fromkeys(roles, 0)
    for seed in range(200):
        rng = generator(seed, "values")
        effect = torch.randn(12, generator=rng)
        values = (effect[list(first)] + effect[list(second)] + torch.randn(len(pairs), generator=rng)).tolist()
        for name, own in roles.items():
            _, low, high = mean_interval(values, own)
            hits[name] += low <= 0 <= high
    assert hits["one"] > 175 and hits["apart"] < 170


def test_what_two_conditions_share_cancels():
    """The interval of a difference knows nothing of effects that both conditions have, however large."""
    _, roles = drawn(0)
    effect = 9 * torch.randn(60, generator=generator(0, "effect"))
    gain = torch.randn(120, generator=generator(0, "gain")).tolist()
    before = [float(effect[i]) for i in roles[0]]
    after = [b + g for b, g in zip(before, gain)]
    difference = mean_interval([a - b for a, b in zip(after, before)], roles)
    assert difference == pytest.approx(mean_interval(gain, roles), abs=1e-5)
    _, low, high = mean_interval(after, roles)
    assert high - low > 5 * (difference[2] - difference[1])


def test_weights_make_a_ratio():
    """Sums over two tokens each have the mean, and the interval, of the tokens' own means; a ratio has no scatter."""
    values, roles = drawn(0)
    doubled = mean_interval([2 * v for v in values], roles, [2] * 120)
    assert doubled == pytest.approx(mean_interval(values, roles))
    lengths = [1.0 + i % 5 for i in range(120)]
    assert mean_interval([3.0 * n for n in lengths], roles, lengths) == pytest.approx((3, 3, 3))


def test_no_end_lies_beyond_the_items():
    """Of items between 0 and 1 the mean isn't below 0, however far clusters reach."""
    values = [float(i < 2 or i % 40 == 0) for i in range(80)]
    _, low, high = mean_interval(values, [[i // 4 for i in range(80)], [f"{i % 20}" for i in range(80)]])
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("count", [3, 4, 6])
def test_few_values_are_covered_too(count):
    """Of three values any two pairs share one, so that all deviations cancel; leaving one out still says how far."""
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b] * 10
    first, second = zip(*pairs)
    hits = 0
    for seed in range(200):
        rng = generator(seed, "few")
        effect = torch.randn(count, generator=rng)
        values = (effect[list(first)] + effect[list(second)] + torch.randn(len(pairs), generator=rng)).tolist()
        _, low, high = mean_interval(values, [first, second])
        hits += low <= 0 <= high
    assert hits > 180


def pigeonhole(values, source, target, count, rng):
    """The percentile interval of a bootstrap that draws values, for both roles at once (Owen 2007)."""
    drawn = torch.zeros(400, count).scatter_add_(
        1, torch.randint(count, (400, count), generator=rng), torch.ones(400, count)
    )
    weight = drawn[:, source] * drawn[:, target]
    means = ((weight @ torch.tensor(values)) / weight.sum(1))[weight.sum(1) > 0].sort().values
    return float(means[int(0.025 * len(means))]), float(means[int(0.975 * len(means))])


def test_a_bootstrap_of_few_values_would_hold_the_truth_less_often():
    """Of pairs of three values and of twelve, whose effects are planted, drawing values again reaches too little."""
    for count, least in ((3, 10), (12, 2)):
        ours = theirs = 0
        for seed in range(150):
            rng = generator(seed, "bootstrap", count)
            source = torch.randint(count, (300,), generator=rng)
            target = (source + torch.randint(1, count, (300,), generator=rng)) % count
            effects = torch.randn(2, count, generator=rng)
            values = (effects[0][source] + effects[1][target] + torch.randn(300, generator=rng)).tolist()
            _, low, high = mean_interval(values, [source.tolist(), target.tolist()])
            ours += low <= 0 <= high
            low, high = pigeonhole(values, source, target, count, rng)
            theirs += low <= 0 <= high
        assert ours >= 135 and theirs <= ours - least, (count, ours, theirs)


def test_items_that_agree_have_no_interval():
    """A constant is certain, to the bit, and so is a single item, as far as anyone can tell."""
    _, roles = drawn(0)
    assert mean_interval([2.0] * 120, roles) == (2, 2, 2)
    assert mean_interval([2.0], [["a"], ["b"]]) == (2, 2, 2)
    mean, low, high = mean_interval([0.1] * 10, [])
    assert low <= mean <= high


def test_sorts_of_clusters_are_what_shares_labels():
    """Sources and targets are one sort with three values here, frames another with two; one of one cluster is none."""
    assert fewest_clusters(["abca", "bcab", [("f",), ("f",), ("g",), ("g",)]]) == 2
    assert fewest_clusters(["abca", "bcab", "ffff"]) == 3
    assert (fewest_clusters(["ffff"]), fewest_clusters([])) == (4, 0)


def test_two_words_that_are_swapped_for_each_other_are_no_sample_of_words():
    """Every item has both, so nothing tells of others: the interval is the items' own, over what tells them apart."""
    values, frames = [float(i % 3 == 0) for i in range(60)], [(f"frame {i // 3}",) for i in range(60)]
    words = ["ab" * 30, "ba" * 30]
    assert mean_interval(values, [*words, frames]) == mean_interval(values, [frames])
    assert mean_interval(values, words) == mean_interval(values, [])
    assert mean_interval(values, ["abc" * 20, "bca" * 20]) != mean_interval(values, [])


def test_no_items_are_refused():
    """There is no mean of nothing."""
    with pytest.raises(ValueError, match="no items"):
        mean_interval([], [])
