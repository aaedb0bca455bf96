"""What a contrast of params.yaml comes to: swaps at equal divergence, kept answers, reconstruction, geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from sieve.contrast import common, contrast, equal_level
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


def _swaps(pairs: Sequence[Pair]) -> dict[str, Value]:
    """Differences with their intervals, the least of all seeds' own, and the divergence (mean over seeds).

    exchanged: the same difference at the divergence of the other side; see `sieve.contrast` for why it is told.
    """
    whole = [(of.curve, over.curve) for of, over in pairs if of.curve and over.curve]
    found: dict[str, Value] = {}
    for metric, key in (("success", "swap_gain"), ("kept", "kept_answer_change")):
        complete = len(whole) == len(pairs)
        told = contrast(whole, metric) if complete else None
        back = contrast([(over, of) for of, over in whole], metric) if complete else None
        found[key] = told.mean if told else None
        ends = (back.mean, back.high, back.low) if back else (None, None, None)
        for end, value in zip(("", "_low", "_high"), ends):
            found[f"{key}_exchanged{end}"] = None if value is None else 0.0 - value
        found[f"{key}_low"], found[f"{key}_high"] = (told.low, told.high) if told else (None, None)
        found[f"{key}_least"] = min(told.seeds) if told else None
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
