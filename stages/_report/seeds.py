"""The figure of all seeds: what each penalty's weight does to swaps at equal divergence, before and after adapting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sieve.contrast import Estimate, height
from stages._report.readings import control_swap
from stages._report.subjects import Subject
from stages._report.svg import BLUE, INK, ORANGE, PAPER, Plot, draw, file_name

PANEL = (380.0, 300.0)
SIDES = (("train", "orthogonalize"), BLUE, "o", -0.1), (("adapt",), ORANGE, "s", 0.1)
METRICS = {"success": "swap success", "kept": "answers kept"}
CONTROLS = {"random": "o", "direction": "x"}


class Dose(NamedTuple):
    """Subjects of all seeds that have one weight (None: they saw no penalty's stage) on one side of adaptation."""

    weight: float | None
    subjects: Sequence[Subject]

    def estimate(self, metric: str) -> Estimate | None:
        """What each seed's own weight 0 has at the strength chosen for it, and the gain on it at equal divergence."""
        pairs = [(s.curve, s.reference.curve) for s in self.subjects if s.curve and s.reference and s.reference.curve]
        return height(pairs, metric)

    def control(self, name: str, metric: str) -> float | None:
        """Mean over seeds of a condition beside the swap, each at the strength chosen for the subject."""
        values = [subject.row("swap", metric, control_swap(subject, name)).value for subject in self.subjects]
        found = [value for value in values if value is not None]
        return fmean(found) if found else None


def seed_plots(subjects: Iterable[Subject]) -> list[Plot]:
    """For each kind of base dictionary with two seeds or more, if swapped: success and any kept answers by weight."""
    kinds: dict[str, list[Subject]] = {}
    for subject in subjects:
        kinds.setdefault(subject.line.kind, []).append(subject)
    return [_plot(kind, own) for kind, own in kinds.items() if _several(own)]


def _several(subjects: Sequence[Subject]) -> bool:
    """Whether a weight was swapped from several seeds that have weight 0 beside it."""
    swapped = [s.line for s in subjects if _compared(s) and s.line.weight]
    return any(a.weight == b.weight and a.penalty == b.penalty and a.seed != b.seed for a in swapped for b in swapped)


def _doses(subjects: Sequence[Subject], penalty: str, stages: Sequence[str]) -> list[Dose]:
    """One penalty's, the lightest first; weight 0 is no penalty, so that of another will do."""
    own = [s for s in subjects if s.line.stage in stages and _compared(s)]
    fit = [s for s in own if not s.line.weight or s.line.penalty == penalty]
    weights = sorted({s.line.weight for s in fit}, key=_by_weight)
    return [Dose(weight, [s for s in fit if s.line.weight == weight]) for weight in weights]


def _compared(subject: Subject) -> bool:
    """Whether it was swapped, and what has weight 0 beside it."""
    return bool(subject.curve and subject.reference and subject.reference.curve)


def _has(subject: Subject, metric: str) -> bool:
    """Whether any swap has it: where there is no question there is no answer to keep."""
    curve = subject.curve
    return curve is not None and any(getattr(i, metric) is not None for items in curve.items.values() for i in items)


def _by_weight(weight: float | None) -> tuple[bool, float]:
    return weight is not None, weight or 0.0


def _plot(kind: str, subjects: Sequence[Subject]) -> Plot:
    penalties = sorted({s.line.penalty for s in subjects if s.line.penalty and s.line.weight})
    swapped = [s for s in subjects if _compared(s)]
    weights = sorted({s.line.weight for s in swapped}, key=_by_weight)
    told = {metric: title for metric, title in METRICS.items() if any(_has(subject, metric) for subject in swapped)}

    def paint(figure: Figure) -> None:
        grid = figure.subplots(len(told), len(penalties), squeeze=False, sharex=True, sharey="row")
        for (metric, title), row in zip(told.items(), grid):
            for penalty, axes in zip(penalties, row):
                for stages, colour, marker, shift in SIDES:
                    doses = _doses(subjects, penalty, stages)
                    places = [weights.index(dose.weight) + shift for dose in doses]
                    _side(axes, places, doses, metric, {"color": colour, "marker": marker})
                _ceiling(axes, subjects, metric)
                axes.set_title(f"{penalty}: {title}")
                axes.set_xlim(-0.5, len(weights) - 0.5)
                axes.set_ylim(-0.02, 1.04)
                axes.set_xticks(range(len(weights)), ["none" if w is None else f"{w:g}" for w in weights])
        for axes in grid[-1]:
            axes.set_xlabel("weight")
        handles, labels = _legend(grid[0][0])
        figure.legend(handles, labels, loc="outside lower center", ncols=3)

    seeds = len({s.line.seed for s in subjects})
    alt = f"{' and '.join(told.values())} at equal divergence against the weight, {seeds} seeds of {kind}, by penalty"
    size = (PANEL[0] * len(penalties), PANEL[1] * len(told))
    return draw(file_name("seeds", kind), alt, size, paint)


def _side(axes: Axes, places: Sequence[float], doses: Sequence[Dose], metric: str, look: dict[str, Any]) -> None:
    """Means with their bars, joined where there is a weight; each seed, small; controls, hollow."""
    known = [(x, dose, found) for x, dose in zip(places, doses) if (found := dose.estimate(metric))]
    for x, _, found in known:
        axes.plot([x + 0.06] * len(found.seeds), found.seeds, **{**look, "ls": "none", "markersize": 2.5, "alpha": 0.7})
        bars = [[found.mean - found.low], [found.high - found.mean]]
        axes.errorbar([x], [found.mean], yerr=bars, capsize=2.5, elinewidth=1.2, **look)
    line = [(x, found.mean) for x, dose, found in known if dose.weight is not None]
    axes.plot([x for x, _ in line], [y for _, y in line], color=look["color"], lw=1.2)
    for name, shape in CONTROLS.items():
        controls = [(x, dose.control(name, metric)) for x, dose, _ in known]
        shown = [(x, y) for x, y in controls if y is not None]
        hollow = {"color": look["color"], "marker": shape, "ls": "none", "markersize": 4.5, "markerfacecolor": PAPER}
        axes.plot([x for x, _ in shown], [y for _, y in shown], **hollow)


def _ceiling(axes: Axes, subjects: Sequence[Subject], metric: str) -> None:
    """The patch ceiling, which is the model's and the site's own: a line across, of success only."""
    value = next((s.row("ceiling", "success", "patched").value for s in subjects), None)
    if metric == "success" and value is not None:
        axes.axhline(value, color=INK, ls=":", lw=1.2)


def _legend(axes: Axes) -> tuple[list[Line2D], list[str]]:
    looks: dict[str, dict[str, Any]] = {
        "before adaptation": {"color": BLUE, "marker": "o"},
        "after adaptation": {"color": ORANGE, "marker": "s"},
        "a seed": {"color": INK, "marker": "o", "ls": "none", "markersize": 2.5},
        "random latents": {"color": INK, "marker": "o", "ls": "none", "markerfacecolor": PAPER, "markersize": 4.5},
        "random direction": {"color": INK, "marker": "x", "ls": "none", "markersize": 4.5},
        "patch ceiling": {"color": INK, "ls": ":"},
    }
    return [axes.plot([], [], **look)[0] for look in looks.values()], list(looks)
