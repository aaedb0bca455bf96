"""What a contrast of params.yaml comes to: swaps at equal divergence, kept answers, reconstruction, geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from sieve.contrast import Curve, Estimate, balanced, common, contrast, equal_level
from stages._params import Contrast
from stages._report.subjects import Subject
from stages._report.summary import KEYS, live_excess

Value = float | None
Pair = tuple[Subject, Subject]


class Line(NamedTuple):
    """One contrast of the page's table: what was asked, and its figures by key."""

    name: str
    asked: Contrast
    figures: Mapping[str, Value]


def figures(asked: Mapping[str, Contrast], subjects: Sequence[Subject]) -> dict[str, Value]:
    """`<contrast>.<key>` of every contrast; None where a subject has no swaps, no answers or no such geometry, or where
    two subjects diverge nowhere alike. baselines_outside: how many `over` have no strength with the success asked for.
    """
    known = {subject.name: subject for subject in subjects}
    found: dict[str, Value] = {}
    for name, own in asked.items():
        pairs = [(known[of], known[over]) for of, over in zip(own.of, own.over)]
        outside = sum(bool(over.row("swap", "strength", "chosen").note) for _, over in pairs)
        values = {**_swaps(pairs), **_ratios(pairs), "baselines_outside": outside, "configurations_tried": own.tried}
        found |= {f"{name}.{key}": value for key, value in values.items()}
    return found


READINGS: dict[str, Callable[[Sequence[tuple[Curve, Curve]], str], Estimate | None]] = {
    "": contrast,
    "_exchanged": lambda pairs, metric: _negative(contrast([(over, of) for of, over in pairs], metric)),
    "_balanced": balanced,
}
"""The same difference at the divergence of the second's own strength, of the first's, and the mean of the two."""


def _negative(found: Estimate | None) -> Estimate | None:
    if found is None:
        return None
    seeds = tuple(0.0 - seed for seed in found.seeds)
    return Estimate(0.0 - found.mean, 0.0 - found.high, 0.0 - found.low, found.n, seeds)


def _swaps(pairs: Sequence[Pair]) -> dict[str, Value]:
    """Every reading of a difference with its interval, the least of all seeds' own, and the divergence (mean of seeds).

    `sieve.contrast` says why there is more than one reading.
    """
    whole = [(of.curve, over.curve) for of, over in pairs if of.curve and over.curve]
    complete = len(whole) == len(pairs)
    found: dict[str, Value] = {}
    for metric, key in (("success", "swap_gain"), ("kept", "kept_answer_change")):
        for reading, take in READINGS.items():
            told = take(whole, metric) if complete else None
            found[f"{key}{reading}"] = told.mean if told else None
            found[f"{key}{reading}_low"], found[f"{key}{reading}_high"] = (told.low, told.high) if told else (None,) * 2
            found[f"{key}{reading}_least"] = min(told.seeds) if told else None
        found[f"{key}_items"] = told.n if told else None
    levels = [level.value for pair in common(whole, "success") if (level := equal_level(*pair))]
    found["divergence"] = fmean(levels) if levels and len(levels) == len(pairs) else None
    return found


def _ratios(pairs: Sequence[Pair]) -> dict[str, Value]:
    """Means over pairs of the first's figure over the second's: FVU, co-active cos², live cos² above Welch's floor."""
    return {
        "fvu_ratio": _ratio(pairs, KEYS["fvu"].take),
        "coactive_ratio": _ratio(pairs, KEYS["coactive_cos2"].take),
        "welch_excess_ratio": _ratio(pairs, live_excess),
    }


def _ratio(pairs: Sequence[Pair], take: Callable[[Subject], Value]) -> Value:
    values = [(take(of), take(over)) for of, over in pairs]
    ratios = [a / b for a, b in values if a is not None and b]
    return fmean(ratios) if len(ratios) == len(values) else None


def lines(asked: Mapping[str, Contrast], found: Mapping[str, Value]) -> list[Line]:
    """Contrasts whose subjects were swapped."""
    return [
        Line(name, own, {key.removeprefix(f"{name}."): v for key, v in found.items() if key.startswith(f"{name}.")})
        for name, own in asked.items()
        if found[f"{name}.swap_gain"] is not None
    ]
