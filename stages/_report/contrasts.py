"""What a contrast of params.yaml comes to: swaps at equal divergence, kept answers, reconstruction, geometry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from sieve.contrast import Curve, contrast
from stages._params import Contrast
from stages._report.subjects import Subject

Value = float | None


def curve(subject: Subject) -> Curve | None:
    """A subject's swaps over strengths; None where nothing was swapped."""
    chosen = subject.row("swap", "strength", "chosen").value
    return None if chosen is None else Curve.of(subject.items, chosen)


def figures(asked: Contrast, subjects: Sequence[Subject], seed: int) -> dict[str, Value]:
    """The summary's keys of one contrast; None where a subject has no swaps, no answers or no such geometry."""
    known = {subject.name: subject for subject in subjects}
    pairs = [(known[of], known[over]) for of, over in zip(asked.of, asked.over)]
    found: dict[str, Value] = {"configurations_tried": asked.tried}
    curves = [(a, b) for a, b in ((curve(of), curve(over)) for of, over in pairs) if a and b]
    for metric, key in (("success", "swap_gain"), ("kept", "kept_answer_change")):
        difference = contrast(curves, metric, seed) if len(curves) == len(pairs) else None
        found[key] = difference and difference.mean
        found[f"{key}_low"] = difference and difference.low
        found[f"{key}_high"] = difference and difference.high
        found[f"{key}_least"] = difference and min(difference.seeds)
        found["swap_items"] = difference.n if difference else 0
    found["fvu_ratio"] = _ratio(pairs, "reconstruction", "fvu", ("all", "text", "problem"))
    found["coactive_ratio"] = _ratio(pairs, "geometry", "coactive_cos2", ("all",))
    return found


def _ratio(pairs: Iterable[tuple[Subject, Subject]], question: str, metric: str, cases: Sequence[str]) -> Value:
    """Mean over pairs of the first subject's figure over the second's."""
    values = [(of.row(question, metric, *cases).value, over.row(question, metric, *cases).value) for of, over in pairs]
    ratios = [a / b for a, b in values if a is not None and b]
    return fmean(ratios) if len(ratios) == len(values) else None


def all_figures(asked: Mapping[str, Contrast], subjects: Sequence[Subject], seed: int) -> dict[str, Value]:
    """`<contrast>.<key>` of every contrast."""
    return {
        f"{name}.{key}": value for name, own in asked.items() for key, value in figures(own, subjects, seed).items()
    }
