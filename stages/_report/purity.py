"""The figure of language latents: fewer, purer, stronger? Every seed of every kind of subject, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages._report.languages import Value, accuracy, kept_share, same_kind, selectivity, selectivity_ratio
from stages._report.subjects import Subject
from stages._report.summary import KEYS
from stages._report.svg import BLUE, INK, Plot, draw

PANELS: tuple[tuple[str, Callable[[Subject], Value]], ...] = (
    ("latents kept, of live ones", kept_share),
    ("continuations steered", lambda subject: accuracy(subject, "langfir")),
    ("times as often as where they fire next most", selectivity),
    ("the same, over what was filtered out", selectivity_ratio),
    ("own language's loss without them (nats)", KEYS["ablation_diagonal"].take),
    ("other languages' loss (nats)", KEYS["ablation_off_diagonal"].take),
)


def purity_plots(subjects: Sequence[Subject]) -> list[Plot]:
    """A drawing, where two kinds of subject or more kept latents for languages."""
    groups = [group for group in same_kind(subjects) if any(kept_share(subject) is not None for subject in group)]
    if len(groups) < 2:
        return []

    def paint(figure: Figure) -> None:
        grid = figure.subplots(len(PANELS) // 2, 2, sharey=True)
        for axes, (title, take) in zip(grid.flat, PANELS):
            axes.set_title(title)
            _panel(axes, [[value for value in map(take, group) if value is not None] for group in groups])
        grid[0, 0].set_yticks(range(len(groups)), [_name(group) for group in groups])
        grid[0, 0].invert_yaxis()

    size = (740.0, len(PANELS) // 2 * (60.0 + 24.0 * len(groups)))
    return [draw("purity", "language latents by kind of subject: how many, how pure, how strong", size, paint)]


def _panel(axes: Axes, values: Sequence[Sequence[float]]) -> None:
    """A row a kind of subject: a dot a seed, and their mean."""
    for place, row in enumerate(values):
        axes.plot(row, [place] * len(row), "o", color=BLUE, alpha=0.55, markeredgewidth=0)
        if row:
            axes.plot([fmean(row)] * 2, [place - 0.3, place + 0.3], color=INK, lw=1.4)
    axes.margins(x=0.08, y=0.15)
    if all(value >= 0 for row in values for value in row):
        axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")


def _name(group: Sequence[Subject]) -> str:
    first = group[0].name
    return f"{first} … {group[-1].name}" if len(group) > 1 else first
