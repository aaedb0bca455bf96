"""The figure of language latents: fewer, purer, stronger? Every seed of every kind of subject, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from matplotlib.figure import Figure

from stages._report.languages import Value, accuracy, kept_share, same_kind, selectivity
from stages._report.subjects import Subject
from stages._report.summary import KEYS
from stages._report.svg import BLUE, INK, Plot, draw, file_name

PANELS = {
    "kept_share": ("latents kept, of live ones", kept_share),
    "selectivity_ratio": ("selectivity over what was filtered out", selectivity),
    "loss": ("own language's loss without them (nats)", KEYS["ablation_diagonal"].take),
    "steering": ("continuations steered", lambda subject: accuracy(subject, "langfir")),
}


def purity_plots(subjects: Sequence[Subject]) -> list[Plot]:
    """A drawing per figure, where two kinds of subject or more kept latents for languages."""
    groups = [group for group in same_kind(subjects) if any(kept_share(subject) is not None for subject in group)]
    return [_plot(name, *panel, groups) for name, panel in PANELS.items()] if len(groups) > 1 else []


def _plot(name: str, title: str, take: Callable[[Subject], Value], groups: Sequence[Sequence[Subject]]) -> Plot:
    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for place, group in enumerate(groups):
            values = [value for value in map(take, group) if value is not None]
            axes.plot(values, [place] * len(values), "o", color=BLUE, alpha=0.55, markeredgewidth=0)
            if values:
                axes.plot([fmean(values)] * 2, [place - 0.3, place + 0.3], color=INK, lw=1.4)
        axes.set_title(title)
        axes.margins(x=0.08)
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.set_yticks(range(len(groups)), [_name(group) for group in groups])
        axes.invert_yaxis()

    return draw(file_name("purity", name), f"{title}, by subject", (370.0, 70.0 + 26.0 * len(groups)), paint)


def _name(group: Sequence[Subject]) -> str:
    first = group[0].name
    return f"{first} … {group[-1].name}" if len(group) > 1 else first
