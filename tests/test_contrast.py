"""Paired differences at equal divergence, on curves that are written down by hand."""

import pytest
import torch

from sieve.contrast import Curve, balanced, contrast, height
from sieve.intervals import wilson
from sieve.provenance import generator

WORDS = ("Anna", "Ben", "Cleo", "Dan")


def rows(success, kl, kept=lambda i: 1.0, count=40, condition="swap"):
    """An items table: `success(strength, item)` and `kl(strength)` per token at strengths 0, 1, 2 and 4."""
    return [
        {
            "condition": condition, "strength": strength, "doc": f"problem-{i}", "source": WORDS[i % 4],
            "target": WORDS[(i + 1) % 4], "frame": f"has {i}", "success": success(strength, i), "kept": kept(i),
            "kl": 10 * kl(strength), "tokens": 10,
        }
        for strength in (0.0, 1.0, 2.0, 4.0)
        for i in range(count)
    ]  # fmt: skip


def curve(success, kl, chosen=2.0, **more):
    return Curve.of(rows(success, kl, **more), chosen)


def test_subjects_that_are_equal_differ_by_nothing():
    """The mean and every seed's own difference are 0; so much agreement of items of four words is no certainty."""
    same = curve(lambda s, i: float(i % 3 == 0), lambda s: 0.1 * s)

    found = contrast([(same, same)] * 3, "success")

    assert (found.mean, found.n, found.seeds) == (0, 40, (0, 0, 0))
    assert (-found.low, found.high) == pytest.approx((1 - wilson([True] * 4)[0],) * 2, abs=1e-6)


def test_one_item_shows_nothing():
    """A single pair that turned and now doesn't is a difference of one, as far as 0 and below."""
    pair = curve(lambda s, i: 1.0, lambda s: 0.1 * s, count=1), curve(lambda s, i: 0.0, lambda s: 0.1 * s, count=1)

    found = contrast([pair], "success")

    assert found.mean == found.high == 1 and found.low < 0.25


def test_only_the_scale_of_strength_is_no_difference():
    """A subject that says as much at the same divergence, at half the strength, has gained nothing."""
    reference = curve(lambda s, i: s / 4, lambda s: 0.1 * s)
    twice = curve(lambda s, i: min(1.0, s / 2), lambda s: 0.2 * s)

    found = contrast([(twice, reference)], "success")

    assert found.mean == pytest.approx(0, abs=1e-12)


def test_where_curves_bend_the_roles_exchanged_tell():
    """One curve of success over divergence, at two scales of strength: what the chord adds, it takes the other way."""

    def bent(kl):
        return 1 / (1 + 2.718281828 ** (20 * (0.2 - kl)))

    reference = curve(lambda s, i: bent(0.1 * s), lambda s: 0.1 * s, chosen=1.0)
    wide = curve(lambda s, i: bent(0.15 * s), lambda s: 0.15 * s, chosen=1.0)

    gain, back = (contrast([pair], "success").mean for pair in ((wide, reference), (reference, wide)))

    assert abs(gain) > 0.01 and gain * -back < 0


@pytest.mark.parametrize("scale", [0.7, 0.85, 1.2, 1.4])
def test_in_the_mean_of_both_readings_little_stays_of_a_chord(scale):
    """One bent curve at two scales of strength has no gain: a reading says .015 or more, their mean a fifth of that."""

    def bent(kl):
        return 1 - 2.718281828 ** (-8 * kl)

    reference = curve(lambda s, i: bent(0.1 * s), lambda s: 0.1 * s)
    other = curve(lambda s, i: bent(scale * 0.1 * s), lambda s: scale * 0.1 * s)

    gain, back = (contrast([pair], "success").mean for pair in ((other, reference), (reference, other)))
    found = balanced([(other, reference)], "success").mean

    assert found == pytest.approx((gain - back) / 2)
    assert min(abs(gain), abs(back)) > 0.015 and abs(found) < 0.2 * min(abs(gain), abs(back))


def test_a_gain_is_read_where_the_divergence_is_the_reference_s():
    """Between strengths 2 and 4 (.2 and .4 nats) a curve has, at .3 nats, the mean of its items at both."""
    reference = curve(lambda s, i: 0.0, lambda s: 0.15 * s)
    other = curve(lambda s, i: float(s == 4) * (i % 2), lambda s: 0.1 * s)

    found = contrast([(other, reference)], "success")

    assert found.mean == pytest.approx(0.25)
    assert found.low < 0.25 < found.high


def test_levels_at_equal_divergence_differ_by_the_contrast():
    """What a subject has there, less what its reference has at its own strength, is the balanced gain."""
    reference = curve(lambda s, i: 0.25 * (i % 2), lambda s: 0.15 * s)
    other = curve(lambda s, i: float(s == 4) * (i % 2), lambda s: 0.1 * s)

    gain = balanced([(other, reference)], "success").mean
    there, own = (height([(one, reference)], "success").mean for one in (other, reference))

    assert there - own == pytest.approx(gain)
    assert own == pytest.approx(0.125)


def test_a_curve_that_never_diverges_so_far_lowers_the_level():
    """Both are read where the gentler one ends, .04 nats: nothing is extrapolated, and nobody compared at two doses."""
    reference = curve(lambda s, i: s / 4, lambda s: s)
    gentle = curve(lambda s, i: s / 8, lambda s: 0.01 * s)

    assert contrast([(gentle, reference)], "success").mean == pytest.approx(0.5 - 0.04 / 4)


def test_a_curve_that_starts_above_raises_the_level():
    """Dropping alone disturbs more than the reference at its own strength: both are read there, at .3 nats."""
    reference = curve(lambda s, i: s / 4, lambda s: 0.1 * s)
    rough = curve(lambda s, i: 0.25 if s == 0 else 1.0, lambda s: 0.3 + s)

    assert contrast([(rough, reference)], "success").mean == pytest.approx(0.25 - 0.75)


def test_what_diverges_nowhere_alike_is_not_compared():
    """Curves without a divergence in common have no contrast."""
    low, high = (curve(lambda s, i: 0.5, lambda s, d=d: d + s) for d in (0, 9))

    assert contrast([(low, high)], "success") is None and contrast([(high, low)], "success") is None


def test_a_curve_that_turns_back_differs_from_itself_by_nothing():
    """Where a stronger swap diverges less, the reference still is read at its own strength."""
    back = curve(lambda s, i: s / 4, lambda s: {0: 0.1, 1: 0.5, 2: 0.3, 4: 0.6}[s])

    assert contrast([(back, back)], "success").mean == 0


def scattered(rng, count):
    """(source, target, frame, tokens, divergence of each) of items, tokens and divergences of two subjects each."""
    tokens = torch.randint(1, 20, (count, 2), generator=rng)
    kl = tokens * (0.2 + 1.6 * torch.rand(count, 2, generator=rng))
    return [(f"a{n}", f"b{n}", f"{n}", tokens[n].tolist(), kl[n].tolist()) for n in range(count)]


def drawn(items, of, scale=(1.0, 0.9), estimate=contrast):
    """The estimate of two subjects on the items `of`, where success is a quarter of the strength for all of them."""
    told = [[], []]
    for n, i in enumerate(of):
        source, target, frame, *own = items[i]
        names = {"doc": f"{n}", "source": source, "target": target, "frame": frame, "condition": "swap", "kept": 1.0}
        for strength in (0.0, 1.0, 2.0, 4.0):
            for side, by, tokens, kl in zip(told, scale, *own):
                figures = {"success": strength / 4, "kl": by * strength * kl, "tokens": tokens}
                side.append({**names, "strength": strength, **figures})
    return estimate([(Curve.of(told[0], 2.0), Curve.of(told[1], 2.0))], "success")


@pytest.mark.parametrize("estimate", [contrast, balanced])
@pytest.mark.parametrize("scale", [(1.0, 0.9), (0.2, 0.9)])
def test_the_interval_is_that_of_drawing_items_again(scale, estimate):
    """Divergences that are made equal are estimates: the reach is that of contrasts of items drawn anew.

    Here they are all there is: items succeed alike, and differ in how far, and over how many tokens, they diverge. The
    second time the one subject never gets as far as the other is at its own strength, and both are read where it ends.
    """
    rng = generator(0, "contrast")
    items = scattered(rng, 300)

    whole = drawn(items, range(300), scale, estimate)
    again = [drawn(items, torch.randint(300, (300,), generator=rng).tolist(), scale, estimate).mean for _ in range(400)]

    assert (whole.high - whole.low) / 2 == pytest.approx(1.968 * float(torch.tensor(again).std()), rel=0.1)


def test_items_of_one_calculation_or_value_reach_as_one():
    """Thirty items ten times over, with names of their own, reach √10 times as far as 300 others if they share a frame,
    a source or, one's being another's source, a target.
    """
    rng = generator(0, "together")
    few = scattered(rng, 30)
    alone = drawn([(f"a{n}", f"b{n}", f"{n}", *few[n % 30][3:]) for n in range(300)], range(300))
    for shared in (0, 1, 2):
        items = [[f"a{n}", f"b{n}", f"{n}", *few[n % 30][3:]] for n in range(300)]
        for n, item in enumerate(items):
            item[shared] = f"c{n % 30}"
        together = drawn(items, range(300))
        assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(10**0.5, rel=0.07)


def test_seeds_that_scatter_alike_reach_as_one_does():
    """Three seeds of the same curves have the interval of one: seeds are averaged, not counted as items."""
    items = rows(lambda s, i: float(i % 5 < s), lambda s: 0.1 * s)
    pair = Curve.of(items, 2.0), curve(lambda s, i: float(i % 7 < s), lambda s: 0.15 * s)

    one, three = (contrast([pair] * n, "success") for n in (1, 3))
    assert three[:4] == pytest.approx(one[:4]) and three.seeds == pytest.approx(one.seeds * 3)
    assert one.low < one.mean < one.high


def test_seeds_that_scatter_apart_reach_as_their_mean_does():
    """Three seeds whose items succeed by coins of their own: the interval is that of each item's mean over seeds."""
    rng = generator(0, "apart")
    coins = torch.rand(3, 400, generator=rng) < 0.5
    even = curve(lambda s, i: 0.0, lambda s: 0.1 * s, count=400)
    seeds = [curve(lambda s, i, own=own: float(own[i]), lambda s: 0.1 * s, count=400) for own in coins]

    found = contrast([(seed, even) for seed in seeds], "success")
    alone = contrast([(seeds[-1], even)], "success")

    assert found.seeds == pytest.approx(coins.double().mean(1).tolist())
    assert (found.high - found.low) / (alone.high - alone.low) == pytest.approx(3**-0.5, rel=0.2)


def test_pairing_takes_out_what_items_have_in_common():
    """Items that are hard for both widen neither side: a gain that is nearly constant has an interval of its own."""
    reference = curve(lambda s, i: 0.5 * (i % 2), lambda s: 0.1 * s)
    other = curve(lambda s, i: 0.5 * (i % 2) + 0.24 + 0.02 * (i // 2 % 2), lambda s: 0.1 * s)

    found, unpaired = contrast([(other, reference)], "success"), height([(other, reference)], "success")

    assert found.mean == pytest.approx(0.25) and found.high - found.low < 0.5 * (unpaired.high - unpaired.low)


def test_each_seed_is_compared_with_its_own_reference():
    """Differences of +.25 and −.25 are a mean of 0, and both are told."""
    low, high = (curve(lambda s, i, v=v: v, lambda s: 0.1 * s) for v in (0.25, 0.5))

    found = contrast([(high, low), (low, high)], "success")

    assert found.mean == pytest.approx(0)
    assert found.seeds == pytest.approx((0.25, -0.25))


def test_only_items_of_all_subjects_count():
    """A problem that one seed has not been asked is left out of all, of divergences too."""
    told = rows(lambda s, i: s / 4, lambda s: 0.1 * s)
    for row in told:
        row["kl"] *= 1 + 9 * (int(row["doc"][8:]) >= 30)
    whole, part = Curve.of(told, 2.0), Curve.of([row for row in told if int(row["doc"][8:]) < 30], 2.0)

    found = contrast([(whole, whole), (part, whole)], "success")

    assert found.n == 30 and found.mean == pytest.approx(0) and found.seeds == pytest.approx((0, 0))


def test_of_two_strengths_that_diverge_alike_the_chosen_one_is_read():
    """The reference's own strength is where it is read, though a weaker one has the same divergence."""
    told = [*rows(lambda s, i: s / 4, lambda s: {0: 0.1, 1: 0.3, 2: 0.3, 4: 0.5}[s])]
    for row in told:
        row["kl"] *= 1 + (row["strength"] == 2) * (-1) ** int(row["doc"][8:]) / 2
    same = Curve.of(told, 2.0)

    assert height([(same, same)], "success").mean == pytest.approx(0.5)


def test_text_without_answers_has_no_kept_answers():
    """Where nothing was computed nothing can be kept, and success still is."""
    mute = curve(lambda s, i: 0.5, lambda s: 0.1 * s, kept=lambda i: None)

    assert contrast([(mute, mute)], "kept") is None
    assert contrast([(mute, mute)], "success").n == 40


def test_controls_are_no_part_of_the_curve():
    """Rows of another condition are not read."""
    both = [*rows(lambda s, i: 0.0, lambda s: 0.1 * s), *rows(lambda s, i: 1.0, lambda s: 9.0, condition="random")]

    assert Curve.of(both, 2.0).level(2.0).value == pytest.approx(0.2)


def test_a_strength_that_was_not_tried_is_refused():
    """The error lists those that were."""
    with pytest.raises(ValueError, match=r"chosen strength 3; there are: \[0.0, 1.0, 2.0, 4.0\]"):
        Curve.of(rows(lambda s, i: 0.0, lambda s: s), 3.0)


def test_items_with_one_target_stand_or_fall_together():
    """A gain that is all of one target's has a wider interval than one spread over items of all targets."""
    reference = curve(lambda s, i: 0.0, lambda s: 0.1 * s)
    lucky = curve(lambda s, i: float(i % 4 == 0), lambda s: 0.1 * s)
    spread = curve(lambda s, i: float(i % 4 == i // 4 % 4), lambda s: 0.1 * s)

    one, all_ = (contrast([(other, reference)], "success") for other in (lucky, spread))

    assert one.mean == all_.mean == 0.25
    assert one.high - one.low > 2 * (all_.high - all_.low)
