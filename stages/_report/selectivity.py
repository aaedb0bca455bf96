"""How selective each language's kept latents are, and how stable the set is: a table and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from matplotlib.figure import Figure

from stages._report.languages import Value, mean_of_all, same_kind
from stages._report.subjects import Subject
from stages._report.svg import BLUE, INK, Plot, draw, file_name

COLUMNS = {
    "latents": "Kept",
    "ratio": "Ratio",
    "same_script": "… same script",
    "auroc": "AUROC",
    "entropy": "Entropy",
}


class Profile(NamedTuple):
    """One language's kept latents: means over seeds of medians over latents, in the order of COLUMNS.

    filtered: the ratio of the consistent latents that were dropped; nearest: the language whose set overlaps most, and
    the Jaccard index with it; problems: the ratio with word problems in the place of the language's documents.
    """

    language: str
    figures: list[Value]
    filtered: Value
    nearest: str
    overlap: Value
    problems: Value


def profiles(subjects: Sequence[Subject]) -> list[Profile]:
    """One line a language, of the first kind of subjects; none where nothing was kept."""
    group = same_kind(subjects)[0]
    languages = [case.removeprefix("kept ") for case in group[0].cases("language_latents", "ratio", "kept ")]
    return [_profile(group, language) for language in languages]


def _profile(group: Sequence[Subject], language: str) -> Profile:
    def mean(metric: str, case: str) -> Value:
        return mean_of_all([subject.row("language_latents", metric, case).value for subject in group])

    kept = f"kept {language}"
    latents = fmean(subject.row("language_latents", "ratio", kept).n or 0 for subject in group)
    figures = [latents, *(mean(metric, kept) for metric in list(COLUMNS)[1:])]
    pairs = [case for case in group[0].cases("language_latents", "overlap") if language in case.split("/")]
    shared = {case: value for case in pairs if (value := mean("overlap", case)) is not None}
    most = max(shared, key=lambda case: shared[case], default="")
    nearest = next((name for name in most.split("/") if name not in ("", language)), "")
    problems = mean("second_domain", language)
    return Profile(language, figures, mean("ratio", f"filtered {language}"), nearest, shared.get(most), problems)


def stability_plots(subjects: Sequence[Subject]) -> list[Plot]:
    """Agreement of the kept set with that of other samples, by their size: text and noise drawn anew separately."""
    group = same_kind(subjects)[0]
    lines: dict[str, dict[int, list[float]]] = {"text": {}, "noise": {}}
    for subject in group:
        for case, row in subject.cases("language_latents", "jaccard").items():
            what, size = case.split("/")[0].split()
            if row.value is not None:
                lines[what].setdefault(int(size), []).append(row.value)
    if len(lines["text"]) < 2:
        return []

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for (what, points), colour in zip(lines.items(), (BLUE, INK)):
            sizes = sorted(points)
            means = [fmean(points[size]) for size in sizes]
            least, most = ([end(points[size]) for size in sizes] for end in (min, max))
            axes.plot(sizes, means, "o-", color=colour, label=f"other {what}", lw=1.4, markersize=4)
            axes.fill_between(sizes, least, most, color=colour, alpha=0.12, linewidth=0)
        axes.set_title("agreement with other samples (Jaccard)")
        axes.set_xlabel("sequences")
        axes.set_xscale("log")
        axes.set_xticks(sorted(lines["text"]), [str(size) for size in sorted(lines["text"])])
        axes.minorticks_off()
        axes.set_ylim(0, 1.02)
        axes.legend(loc="lower right", fontsize=8.5)

    alt = "Jaccard index of the kept set with that of other text or other random tokens, by their number"
    return [draw(file_name("stability", group[0].name), alt, (370.0, 280.0), paint)]
