"""What a preset comes to on languages: LangFIR's figures over seeds, and beside what its steering stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import NamedTuple

from sieve.methods import method, methods
from sieve.methods.material import ONE, ONE_AND_RANDOM
from stages._report.readings import ablation_rows, ablations
from stages._report.subjects import Row, Subject

Value = float | None
CONTROLS = ("random_latents", "filtered", "consistent")
"""Methods that are no rivals: what LangFIR would be with other latents, with what it drops, without its filter."""
OVERLAPS = ("bleu", "chrf")
MARKS = NATIVE, _ = "native", "another text"
"""Between which overlap means something: see `sieve/evals/overlap.py`."""


class Rival(NamedTuple):
    """One line of the table of methods: figures are means over seeds.

    spread: from the least to the largest of these, or the interval of the only one. strengths: each seed's, and whether
    it lies at an end of what was tried.
    """

    name: str
    needs: str
    unit: str
    strengths: list[tuple[float, bool]]
    accuracy: Value
    spread: Row
    second: Value
    fluent: Value
    none: Value
    loops: Value
    ce: Value
    reached: Value


class Likeness(NamedTuple):
    """Overlap with translations, from 0 to 100; None where no language can be read."""

    name: str
    bleu: Value
    chrf: Value


def diagonal_share(subject: Subject, kind: str = "ablate") -> Value:
    """Languages that suffer most of all from the loss of their own latents; those that keep none do not."""
    table, texts = ablations(subject, kind), list(subject.cases("language_ablation", "ce"))
    if not table:
        return None
    pairs = {own: {text: change for (one, text), change in table.items() if one == own} for own in texts}
    return fmean(
        bool(changes) and max(changes, key=lambda text: changes[text]) == own for own, changes in pairs.items()
    )


def inside_band(subject: Subject, kind: str = "ablate", control: str = "random") -> Value:
    """Pairs of different languages whose rise is no higher than nearly all draws of random latents', in one way."""
    band = {pair: row.high for pair, row in ablation_rows(subject, control).items() if row.high is not None}
    others = {pair: change for pair, change in ablations(subject, kind).items() if pair[0] != pair[1] and pair in band}
    return fmean(change <= band[pair] for pair, change in others.items()) if others else None


def selectivity(subject: Subject) -> Value:
    """How many times as often kept latents fire in their language as where they fire next most: medians of medians."""
    kept = _ratios(subject, "kept")
    return median(kept.values()) if kept else None


def selectivity_ratio(subject: Subject) -> Value:
    """The same over that of filtered-out consistent latents, in languages with both."""
    kept, filtered = _ratios(subject, "kept"), _ratios(subject, "filtered")
    both = sorted(kept.keys() & filtered.keys())
    below = median(filtered[name] for name in both) if both else 0.0
    return median(kept[name] for name in both) / below if below else None


def _ratios(subject: Subject, kind: str) -> dict[str, float]:
    """By language, of kept or of filtered latents: the median rate over the highest in another language."""
    rows = subject.cases("language_latents", "ratio", f"{kind} ")
    return {case.removeprefix(f"{kind} "): row.value or 0.0 for case, row in rows.items()}


def jaccard(subject: Subject, size: int, what: str = "text") -> Value:
    """Agreement of kept sets with those found in as many other texts (or random sequences), mean over languages."""
    rows = subject.cases("language_latents", "jaccard", f"{what} {size}/").values()
    return fmean(row.value or 0.0 for row in rows) if rows else None


def accuracy(subject: Subject, name: str) -> Value:
    """Continuations in the language steered to, by one method at its own strength."""
    return subject.row("steering", "method_accuracy", name).value


def best_monolingual(subject: Subject) -> Value:
    """The highest accuracy of a rival that needs text in no other language."""
    found = [accuracy(subject, name) for name in methods() if monolingual_rival(name)]
    return max((value for value in found if value is not None), default=None)


def monolingual_rival(name: str) -> bool:
    """Whether a method needs no other language, and is neither LangFIR nor a control."""
    return name not in ("langfir", *CONTROLS) and method(name).NEEDS in (ONE, ONE_AND_RANDOM)


def kept_share(subject: Subject) -> Value:
    """Latents kept for a language, mean over languages, as a share of live ones."""
    return subject.row("language_latents", "kept_share", "").value


FIGURES: dict[str, tuple[str, str, Callable[[Subject], Value]]] = {
    "diagonal_share": ("Own worst", "languages that suffer most from the loss of their own latents", diagonal_share),
    "inside_band": ("In band", "other languages' losses that are no higher than random latents'", inside_band),
    "inside_band_unshared": (
        "… unshared",
        "... of what is kept for no other language",
        lambda s: inside_band(s, "unshared"),
    ),
    "inside_band_project": (
        "… span",
        "... where the span is projected out",
        lambda s: inside_band(s, "project", "random_project"),
    ),
    "kept_share": ("Kept", "latents kept for a language, of live ones", kept_share),
    "selectivity": ("Selective ×", "rate of kept latents in their language over the highest in another", selectivity),
    "selectivity_ratio": ("… ratio", "... over that of filtered-out latents", selectivity_ratio),
    "jaccard_100": ("Jaccard", "agreement of the kept set with that of 100 other texts", lambda s: jaccard(s, 100)),
    "jaccard_100_noise": ("… noise", "... of 100 other random sequences", lambda s: jaccard(s, 100, "noise")),
    "steering_accuracy": ("Steered", "continuations in the language steered to", lambda s: accuracy(s, "langfir")),
    "steering_fluent": (
        "Fluent",
        "... and no more surprising than nearly all text in it",
        lambda s: s.row("steering", "method_fluent", "langfir").value,
    ),
    "best_monolingual_rival": (
        "Rival",
        "the highest accuracy of a method that needs no other language",
        best_monolingual,
    ),
    "diffmean_accuracy": (
        "DiffMean",
        "accuracy of DiffMean, which needs all languages",
        lambda s: accuracy(s, "diffmean"),
    ),
}
"""What a preset's languages come to, in the order of the page: heading, meaning, and how it is read off a subject."""


def same_kind(subjects: Sequence[Subject]) -> list[list[Subject]]:
    """Subjects that are alike but for their seed, in the order of the first of each."""
    groups: dict[tuple[str, str, str | None, Value], list[Subject]] = {}
    for subject in subjects:
        line = subject.line
        groups.setdefault((line.kind, line.stage, line.penalty, line.weight), []).append(subject)
    return list(groups.values())


def summary(subjects: Sequence[Subject]) -> dict[str, Value]:
    """`langfir.<key>` of the first subject and those that are like it but for their seed: means over seeds.

    Where other kinds were asked about languages too, `langfir.<first of its kind>.<key>` of them all.
    """
    found = {f"langfir.{key}": value for key, value in _figures(same_kind(subjects)[0]).items()}
    asked = _asked(subjects)
    for group, figures in asked if len(asked) > 1 else []:
        found |= {f"langfir.{group[0].name}.{key}": value for key, value in figures.items()}
    return found


def _asked(subjects: Sequence[Subject]) -> list[tuple[list[Subject], dict[str, Value]]]:
    """Every group of subjects that was asked about languages, and its figures; a figure of 0 is an answer."""
    found = [(group, _figures(group)) for group in same_kind(subjects)]
    return [(group, figures) for group, figures in found if any(value is not None for value in figures.values())]


def _figures(group: Sequence[Subject]) -> dict[str, Value]:
    """FIGURES, means over a group's seeds."""
    return {key: mean_of_all([take(subject) for subject in group]) for key, (_, _, take) in FIGURES.items()}


def _spread(rows: Sequence[Row]) -> Row:
    """The only row, or its value's least and largest over seeds."""
    if len(rows) == 1:
        return rows[0]
    values = [row.value for row in rows if row.value is not None]
    return Row(fmean(values), min(values), max(values), len(values), "") if values else rows[0]


def mean_of_all(values: Sequence[Value]) -> Value:
    """The mean; None where one is missing, or there are none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def comparison(subjects: Sequence[Subject]) -> list[tuple[str, dict[str, Value]]]:
    """Every group of subjects that was asked about languages: its name and FIGURES, means over seeds."""
    return [(" ".join(subject.name for subject in group), figures) for group, figures in _asked(subjects)]


def rivals(subjects: Sequence[Subject]) -> list[Rival]:
    """All methods of the first group, the most accurate first."""
    group = same_kind(subjects)[0]
    found = []
    for name in methods():
        rows = {
            metric: [subject.row("steering", metric, name) for subject in group]
            for metric in (
                "method_strength",
                "method_accuracy",
                "method_second",
                "method_fluent",
                "method_none",
                "method_loops",
                "method_ce",
                "reached",
            )
        }
        means = {metric: mean_of_all([row.value for row in own]) for metric, own in rows.items()}
        right = means["method_accuracy"]
        if right is not None:
            how = method(name)
            strengths = [(row.value, bool(row.note)) for row in rows["method_strength"] if row.value is not None]
            spread = _spread(rows["method_accuracy"])
            told = [means[metric] for metric in list(rows)[2:]]
            found.append(Rival(name, how.NEEDS, how.UNIT.name, strengths, right, spread, *told))
    return sorted(found, key=lambda rival: -(rival.accuracy or 0.0))


def judges(subjects: Sequence[Subject]) -> list[tuple[str, list[tuple[str, Row]]]]:
    """Each judge of languages, and the share of real held-out text of every language that it names right."""
    first = same_kind(subjects)[0][0]
    found: dict[str, list[tuple[str, Row]]] = {}
    for case, row in first.cases("steering", "judged").items():
        judge, language = case.split("/")
        found.setdefault(judge, []).append((language, row))
    return list(found.items())


def likeness(subjects: Sequence[Subject]) -> list[Likeness]:
    """What overlaps with translations, the marks first; means over seeds, and over languages that can be read."""
    group, read = same_kind(subjects)[0], read_in(subjects)
    found = []
    for name in (*MARKS, *methods()):
        cases = {metric: [f"{name}/{language}" for language in read[metric]] for metric in OVERLAPS}
        scores = {
            metric: mean_of_all([subject.row("steering", metric, case).value for subject in group for case in own])
            for metric, own in cases.items()
        }
        if any(group[0].cases("steering", metric, f"{name}/") for metric in OVERLAPS if read[metric]):
            found.append(Likeness(name, *scores.values()))
    return found


def read_in(subjects: Sequence[Subject]) -> dict[str, list[str]]:
    """{score: languages in which, with all seeds, native continuations overlap more than another text does}."""
    group = same_kind(subjects)[0]
    return {
        metric: [
            case.removeprefix(f"{NATIVE}/")
            for case in group[0].cases("steering", metric, f"{NATIVE}/")
            if not any(("steering", f"{metric}_left_out", case.removeprefix(f"{NATIVE}/")) in s.rows for s in group)
        ]
        for metric in OVERLAPS
    }
