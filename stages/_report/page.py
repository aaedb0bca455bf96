"""The page: what each section shows, as plain values for the template, and the rendered HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from stages._report.ablations import matrices, removals
from stages._report.cards import MEASURES, Card, counts, dataset_facts, files, languages, model_facts
from stages._report.ceilings import Ceilings, patched
from stages._report.contrasts import Line
from stages._report.examples import page_of
from stages._report.html import interval, number, written
from stages._report.languages import FIGURES, comparison, judges, likeness, read_in, rivals, same_kind
from stages._report.matches import KINDS, METRICS, Group
from stages._report.readings import best_swap
from stages._report.selectivity import COLUMNS, profiles
from stages._report.subjects import Row, Subject, by_penalty, first_seeds
from stages._report.summary import KEYS
from stages._report.svg import Plot

TEMPLATE = "page.html.j2"


class Column(NamedTuple):
    """A column of the headline table: the group it stands in, its heading, its key and its decimals."""

    group: str
    heading: str
    key: str
    decimals: int | None


HEADLINE = (
    Column("Rebuild", "FVU", "fvu", 3),
    Column("Rebuild", "L0", "l0", 1),
    Column("Rebuild", "Alive", "alive", None),
    Column("Spliced in", "CE rec.", "ce_recovered", 3),
    Column("Spliced in", "Answers", "answers", 2),
    Column("Geometry", "Mean cos²", "mean_cos2", 4),
    Column("Swap", "Success", "swap_success", 2),
    Column("Swap", "Ceiling", "ceiling", 2),
    Column("Swap", "Of it", "swap_of_ceiling", 2),
    Column("Swap", "And kept", "swap_success_and_kept", 2),
    Column("Swap", "At 1×", "swap_success_at_1", 2),
    Column("Swap", "Other", "swap_other", 2),
)
GEOMETRY = (
    Column("Mean cos²", "All", "mean_cos2", 4),
    Column("Mean cos²", "Floor", "welch_floor", 4),
    Column("Mean cos²", "Live", "alive_cos2", 4),
    Column("Mean cos²", "Floor", "alive_welch_floor", 4),
    Column("Mean cos²", "Excess left", "welch_excess_ratio", 2),
    Column("Mean cos²", "Co-active", "coactive_cos2", 4),
    Column("|cos|", "99 %", "p99_abs_cos", 2),
    Column("|cos|", "Largest", "max_abs_cos", 2),
    Column("Latents", "Unique <", "unique_below", 2),
    Column("Latents", "L0", "l0", 1),
    Column("Latents", "Dead", "dead_share", 2),
    Column("Lengths", "5 %", "decoder_norm_p05", None),
    Column("Lengths", "Median", "decoder_norm_median", None),
    Column("Lengths", "95 %", "decoder_norm_p95", None),
    Column("Contexts", "Tf-idf", "context_tfidf_distance", 3),
)
SWAP_METRICS = {  # and their decimals
    "success": 2, "named": 2, "dropped": 2, "kept": 2, "success_and_kept": 2, "exact": 2, "rouge_l": 2, "kl": 3,
    "others": 3, "acted": 1,
}  # fmt: skip
SECTIONS = {
    "headline": ("reconstruction", "geometry", "fidelity", "solving"),
    "swap": ("swap",),
    "ceiling": ("ceiling",),
    "ablation": ("language_ablation",),
    "languages": ("language_latents",),
    "steering": ("steering",),
    "chosen": ("concepts",),
}


def reasons(subjects: Iterable[Subject], questions: Iterable[str]) -> list[tuple[str, str, list[str]]]:
    """(question, reason, subjects) for everything that does not apply, in the order of the questions."""
    listed = list(subjects)
    found: dict[tuple[str, str], list[str]] = {}
    for question in questions:
        for subject in listed:
            for reason in subject.reasons(question):
                found.setdefault((question, reason), []).append(subject.name)
    return [(question, reason, names) for (question, reason), names in found.items()]


def _absent(subjects: Iterable[Subject]) -> dict[str, list[tuple[str, str, list[str]]]]:
    """What has no rows to carry a reason: subjects without filtered languages, and without examples."""
    unfiltered: dict[str, list[str]] = {}
    bare = []
    for subject in subjects:
        if not counted(subject):
            notes = [row["note"] for row in subject.counts if row["note"]] or [
                "no language was filtered; it takes text in two or more"
            ]
            unfiltered.setdefault(notes[0], []).append(subject.name)
        if not subject.examples:
            bare.append(subject.name)
    return {
        "filter": [("language filter", reason, names) for reason, names in unfiltered.items()],
        "examples": [("examples", "none were recorded", bare)] if bare else [],
    }


def counted(subject: Subject) -> bool:
    """Whether the filter counted latents of any language."""
    return any(row["kept"] is not None for row in subject.counts)


def verdicts(subjects: Iterable[Subject]) -> list[str]:
    """One sentence per dictionary, penalty and side of adaptation: do its lowest and highest weight differ in swaps?

    Of several seeds the first, whose plots are shown.
    """
    said = []
    for family in by_penalty(first_seeds(subjects)).values():
        for stage, side in (("orthogonalize", "before"), ("adapt", "after")):
            weighted = [(s, s.row("swap", "success", best_swap(s) or "")) for s in family if s.line.stage == stage]
            ends = sorted(
                (pair for pair in weighted if pair[0].line.weight is not None and pair[1].value is not None),
                key=lambda pair: pair[0].line.weight or 0.0,
            )
            if len(ends) > 1:
                said.append(_verdict(ends[0], ends[-1], side))
    return said


def _verdict(low: tuple[Subject, Row], high: tuple[Subject, Row], side: str) -> str:
    (first, a), (last, b) = low, high
    sentence = (
        f"{side.capitalize()} adaptation the best swap succeeds in {number(a.value, 2)} of pairs at weight "
        f"{number(first.line.weight)} ({first.name}) and in {number(b.value, 2)} at weight "
        f"{number(last.line.weight)} ({last.name}){_unequal(first, last)}"
    )
    spread = difference(a, b)
    if spread is None:
        return f"{sentence}; there are no intervals to judge the difference by."
    least, most = (f"{end:+z.2f}".replace("-", "−") for end in spread)
    shown = "shows no difference" if spread[0] <= 0 <= spread[1] else "shows a difference between these two runs"
    return f"{sentence}. The change is between {least} and {most} (95 %), which {shown}."


def _unequal(*subjects: Subject) -> str:
    """What the two swaps disturb, where that is known: more of it may be all that the stronger one has ahead."""
    found = [subject.row("swap", "kl", best_swap(subject) or "").value for subject in subjects]
    if None in found:
        return ""
    apart = " and ".join(number(value, 2) for value in found)
    return f", where they diverge by {apart} nats a token, so this is no comparison at equal divergence"


def difference(a: Row, b: Row) -> tuple[float, float] | None:
    """A 95 % interval of the share `b` minus the share `a`, from their own intervals; None if one has none.

    Newcombe 1998 (Statistics in Medicine 17:873), method 10. It takes the two as independent; on shared pairs, whose
    outcomes agree more than by chance, it is too wide rather than too narrow.
    """
    if a.value is None or a.low is None or a.high is None or b.value is None or b.low is None or b.high is None:
        return None
    change = b.value - a.value
    return (
        change - math.hypot(b.value - b.low, a.high - a.value),
        change + math.hypot(b.high - b.value, a.value - a.low),
    )


def chosen(subject: Subject) -> dict[str, list[str]]:
    """The values of each concept that latents were chosen for."""
    effects = subject.cases("concepts", "effect")
    return {
        concept: [case.split("/", 2)[2] for case in effects if case.startswith(f"{concept}/causal/")]
        for concept in subject.cases("concepts", "same")
    }


def render(
    subjects: list[Subject],
    cards: tuple[Card, Card],
    ceilings: Ceilings,
    plots: Mapping[str, list[Plot]],
    groups: list[Group],
    contrasts: list[Line],
) -> str:
    """The whole page as one HTML text; the cards are those of dataset and model."""
    dataset, model = cards
    return written(
        TEMPLATE,
        subjects=subjects,
        data={"counts": counts(dataset), "files": files(dataset), "facts": dataset_facts(dataset)},
        model={"languages": languages(model), "measures": MEASURES.values(), "facts": model_facts(model)},
        plots={section: [(plot.name, Markup(plot.svg)) for plot in drawn] for section, drawn in plots.items()},
        headline=_table(subjects, HEADLINE),
        geometry=_table(subjects, GEOMETRY),
        seeds=len({subject.line.seed for subject in subjects}),
        matched=groups,
        matched_kinds=KINDS,
        matched_metrics=METRICS,
        lacking={name: reasons(subjects, asked) for name, asked in SECTIONS.items()} | _absent(subjects),
        verdicts=verdicts(subjects),
        contrasts=contrasts,
        swaps=[(s, s.cases("swap", "success")) for s in subjects if s.cases("swap", "success")],
        swap_metrics=SWAP_METRICS,
        worked=[s for s in subjects if s.worked],
        chosen=[(s, chosen(s)) for s in subjects if chosen(s)],
        ceilings=ceilings,
        patched=patched(subjects),
        languages={
            "comparison": comparison(subjects),
            "headings": [heading for heading, _, _ in FIGURES.values()],
            "rivals": rivals(subjects),
            "removals": removals(subjects),
            "matrices": matrices(subjects[0]),
            "profiles": profiles(subjects),
            "columns": list(COLUMNS.values()),
            "judges": judges(subjects),
            "likeness": likeness(subjects),
            "read": read_in(subjects),
            "first": [subject.name for subject in same_kind(subjects)[0]],
        },
        counted=[s for s in subjects if counted(s)],
        examples=[s for s in subjects if s.examples],
        page_of=page_of,
        keys=KEYS,
    )


def _table(subjects: Iterable[Subject], columns: tuple[Column, ...]) -> dict[str, Any]:
    """Columns, their groups with widths, and (lineage, (value, interval) of every column) per subject."""
    lines = []
    for subject in subjects:
        best = subject.row("swap", "success", best_swap(subject) or "")
        notes = {"swap_success": interval(best)}
        cells = [(number(KEYS[c.key].take(subject), c.decimals), notes.get(c.key, "")) for c in columns]
        lines.append((subject.line, cells))
    groups = dict.fromkeys(c.group for c in columns)
    return {
        "columns": columns,
        "groups": [(group, sum(c.group == group for c in columns)) for group in groups],
        "lines": lines,
    }
