"""Paired differences at equal divergence, on curves that are written down by hand."""

import pytest

from sieve.contrast import Curve, contrast, level

WORDS = ("Anna", "Ben", "Cleo", "Dan")


def rows(success, kl, kept=lambda i: 1.0, count=40, condition="swap"):
    """An items table: `success(strength, item)` and `kl(strength)` per token at strengths 0, 1, 2 and 4."""
    return [
        {
            "condition": condition, "strength": strength, "doc": f"problem-{i}", "source": WORDS[i % 4],
            "target": WORDS[(i + 1) % 4], "success": success(strength, i), "kept": kept(i),
            "kl": 10 * kl(strength), "tokens": 10,
        }
        for strength in (0.0, 1.0, 2.0, 4.0)
        for i in range(count)
    ]  # fmt: skip


def curve(success, kl, chosen=2.0, **more):
    return Curve.of(rows(success, kl, **more), chosen)


def test_subjects_that_are_equal_differ_by_nothing():
    """Mean, interval and every seed's own difference are 0."""
    same = curve(lambda s, i: float(i % 3 == 0), lambda s: 0.1 * s)

    assert contrast([(same, same)] * 3, "success", seed=0) == (0, 0, 0, 40, (0, 0, 0))


def test_only_the_scale_of_strength_is_no_difference():
    """A subject that says as much at the same divergence, at half the strength, has gained nothing."""
    reference = curve(lambda s, i: s / 4, lambda s: 0.1 * s)
    twice = curve(lambda s, i: min(1.0, s / 2), lambda s: 0.2 * s)

    found = contrast([(twice, reference)], "success", seed=0)

    assert found.mean == pytest.approx(0, abs=1e-12)


def test_a_gain_is_read_where_the_divergence_is_the_reference_s():
    """Between strengths 2 and 4 (.2 and .4 nats) a curve has, at .3 nats, the mean of its items at both."""
    reference = curve(lambda s, i: 0.0, lambda s: 0.15 * s)
    other = curve(lambda s, i: float(s == 4) * (i % 2), lambda s: 0.1 * s)

    found = contrast([(other, reference)], "success", seed=0)

    assert found.mean == pytest.approx(0.25)
    assert found.low < 0.25 < found.high


def test_levels_at_equal_divergence_differ_by_the_contrast():
    """What a subject has there, less what its reference has at its own strength, is the gain."""
    reference = curve(lambda s, i: 0.25 * (i % 2), lambda s: 0.15 * s)
    other = curve(lambda s, i: float(s == 4) * (i % 2), lambda s: 0.1 * s)

    gain = contrast([(other, reference)], "success", seed=0).mean
    there, own = (level([(one, reference)], "success", seed=0).mean for one in (other, reference))

    assert there - own == pytest.approx(gain)
    assert own == pytest.approx(0.125)


def test_a_curve_that_never_diverges_so_far_counts_at_its_end():
    """Success is not extrapolated."""
    reference = curve(lambda s, i: 0.0, lambda s: s)
    gentle = curve(lambda s, i: s / 8, lambda s: 0.01 * s)

    assert contrast([(gentle, reference)], "success", seed=0).mean == pytest.approx(0.5)


def test_a_curve_that_starts_above_counts_at_its_start():
    """Even dropping alone disturbs more than the reference: nothing weaker was tried."""
    reference = curve(lambda s, i: 0.0, lambda s: 0.001 * s)
    rough = curve(lambda s, i: 0.25 if s == 0 else 1.0, lambda s: 1 + s)

    assert contrast([(rough, reference)], "success", seed=0).mean == pytest.approx(0.25)


def test_pairing_takes_out_what_items_have_in_common():
    """Items that are hard for both widen neither side: a constant gain has an interval of no width."""
    reference = curve(lambda s, i: 0.5 * (i % 2), lambda s: 0.1 * s)
    other = curve(lambda s, i: 0.5 * (i % 2) + 0.25, lambda s: 0.1 * s)

    found = contrast([(other, reference)], "success", seed=0)

    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_each_seed_is_compared_with_its_own_reference():
    """Differences of +.25 and −.25 are a mean of 0, and both are told."""
    low, high = (curve(lambda s, i, v=v: v, lambda s: 0.1 * s) for v in (0.25, 0.5))

    found = contrast([(high, low), (low, high)], "success", seed=0)

    assert found.mean == pytest.approx(0)
    assert found.seeds == pytest.approx((0.25, -0.25))


def test_only_items_of_all_subjects_count():
    """A problem that one seed has not been asked is left out of all."""
    whole, part = (curve(lambda s, i: 0.5, lambda s: 0.1 * s, count=n) for n in (40, 30))

    assert contrast([(whole, whole), (part, whole)], "success", seed=0).n == 30


def test_text_without_answers_has_no_kept_answers():
    """Where nothing was computed nothing can be kept, and success still is."""
    mute = curve(lambda s, i: 0.5, lambda s: 0.1 * s, kept=lambda i: None)

    assert contrast([(mute, mute)], "kept", seed=0) is None
    assert contrast([(mute, mute)], "success", seed=0).n == 40


def test_controls_are_no_part_of_the_curve():
    """Rows of another condition are not read."""
    both = [*rows(lambda s, i: 0.0, lambda s: 0.1 * s), *rows(lambda s, i: 1.0, lambda s: 9.0, condition="random")]

    assert Curve.of(both, 2.0).divergence(2.0) == pytest.approx(0.2)


def test_a_strength_that_was_not_tried_is_refused():
    """The error lists those that were."""
    with pytest.raises(ValueError, match=r"chosen strength 3; there are: \[0.0, 1.0, 2.0, 4.0\]"):
        Curve.of(rows(lambda s, i: 0.0, lambda s: s), 3.0)


def test_items_with_one_target_stand_or_fall_together():
    """A gain that is all of one target's has a wider interval than one spread over items of all targets."""
    reference = curve(lambda s, i: 0.0, lambda s: 0.1 * s)
    lucky = curve(lambda s, i: float(i % 4 == 0), lambda s: 0.1 * s)
    spread = curve(lambda s, i: float(i % 4 == i // 4 % 4), lambda s: 0.1 * s)

    one, all_ = (contrast([(other, reference)], "success", seed=0) for other in (lucky, spread))

    assert one.mean == all_.mean == 0.25
    assert one.high - one.low > 2 * (all_.high - all_.low)
