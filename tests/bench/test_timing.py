"""Timing that leaves out what other work disturbed."""

from bench import _timing
from bench._timing import Sample, alternate, medians, quiet


def test_disturbed_samples_do_not_count():
    """A sample beside a slow probe, or during which others used the cores, changes no median."""
    sound = [Sample("a", 1.0, 0.10, 0.0), Sample("a", 3.0, 0.10, 0.01), Sample("a", 2.0, 0.105, 0.0)]
    disturbed = [Sample("a", 9.0, 0.2, 0.0), Sample("a", 9.0, 0.10, 0.5)]

    assert quiet(sound + disturbed) == sound
    assert medians(sound + disturbed) == {"a": 2.0}


def test_a_contender_that_was_always_disturbed_has_no_median():
    """Nothing is made up for it."""
    samples = [Sample("a", 1.0, 0.1, 0.0), Sample("b", 1.0, 0.1, 0.9)]

    assert medians(samples) == {"a": 1.0}


def test_contenders_take_turns(monkeypatch):
    """Each runs once before anything counts, then once a round, and none is always the first."""
    monkeypatch.setattr(_timing, "_timed", lambda work: (work() or 1.0, 0.0))
    order = []
    ways = {name: lambda name=name: order.append(name) for name in "abc"}

    samples = alternate(ways, lambda: None, 3)

    assert "".join(order) == "abc" + "abc" + "bca" + "cab"
    assert "".join(s.name for s in samples) == "abcbcacab"


def test_patience_ends(monkeypatch):
    """On a machine that is never quiet, sampling stops all the same."""
    monkeypatch.setattr(_timing, "_timed", lambda work: (1.0, 0.5))

    assert len(alternate({"a": lambda: None}, lambda: None, 2)) == 2 * _timing.PATIENCE


def test_work_of_others_is_seen():
    """Busy time of the cores never runs backwards."""
    assert _timing._busy() <= _timing._busy()
