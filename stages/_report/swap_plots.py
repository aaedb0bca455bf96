"""The drawings of swaps: what a penalty's weight does to them, and success against what else they change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages._report.readings import best_swap, control_swap, doses
from stages._report.subjects import NO_ROW, Row, Subject, by_penalty, families, first_seeds
from stages._report.summary import TEXT_FIRST
from stages._report.svg import BLUE, LINES, MARKERS, MUTED, ORANGE, PAPER, Plot, draw, file_name

PANEL = (370.0, 330.0)
LEGEND_LINE = 16.0
UNTOUCHED = "no penalty\nstage"
SIDES = (
    ("before adaptation", ("train", "orthogonalize"), BLUE, "o", "-", -0.07),
    ("after adaptation", ("adapt",), ORANGE, "s", "--", 0.07),
)


def swap_plots(subjects: Iterable[Subject]) -> list[Plot]:
    """For each dictionary with a swap answer, and each penalty on it: success, kept answers and FVU by weight, and
    success against divergence. Of several seeds the first is shown; all are in the figure of `seed_plots`.
    """
    plots = []
    for base, family in families(first_seeds(subjects)).items():
        swapped = [subject for subject in family if best_swap(subject)]
        pulled = by_penalty(swapped) if any(s.line.stage == "orthogonalize" for s in swapped) else {}
        for (_, penalty), own in pulled.items():
            told = [measure for measure in MEASURES if any(measure[-1](s, "value").value is not None for s in own)]
            plots += [_weight_plot(base, penalty, own, measure) for measure in told]
        for (_, penalty), own in (pulled or {(base, ""): swapped}).items():
            dosed = [subject for subject in own if doses(subject)]
            plots += [_dose_plot(base, penalty, dosed)] if dosed else []
    return plots


def _success(subject: Subject, which: str) -> Row:
    if which == "reference":
        return subject.row("ceiling", "success", "patched")
    return subject.row(
        "swap", "success", control_swap(subject, "random") if which == "control" else best_swap(subject) or ""
    )


def _kept(subject: Subject, which: str) -> Row:
    cases = {"control": control_swap(subject, "random"), "reference": "none", "value": best_swap(subject)}
    return subject.row("swap", "kept", cases[which] or "")


def _fvu(subject: Subject, which: str) -> Row:
    return subject.row("reconstruction", "fvu", *TEXT_FIRST) if which == "value" else NO_ROW


MEASURES: tuple[tuple[str, str, str, Any], ...] = (
    ("swap_success", "Swap success", "patch ceiling", _success),
    ("swap_kept", "Answers kept", "no swap", _kept),
    ("swap_fvu", "FVU, the penalty's price", "", _fvu),
)


def _tick(weight: float | None) -> str:
    return UNTOUCHED if weight is None else f"{weight:g}"


def _weight_plot(base: str, penalty: str, family: list[Subject], measure: tuple[str, str, str, Any]) -> Plot:
    """One measure against the penalty weight, before and after adaptation, with its control and its reference."""
    key, title, reference, row = measure
    weights = sorted({subject.line.weight for subject in family}, key=lambda weight: (weight is not None, weight or 0))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for label, stages, colour, marker, dash, shift in SIDES:
            side = [(weights.index(s.line.weight) + shift, s) for s in family if s.line.stage in stages]
            # No line to the dictionary without a weight: it is another stage's work, not another dose.
            line = [(x, row(s, "value").value) for x, s in side if s.line.weight is not None]
            axes.plot([x for x, _ in line], [value for _, value in line], color=colour, ls=dash)
            for which, style in _styles(label, reference, colour, marker).items():
                points = [(x, row(s, which)) for x, s in side]
                _series(axes, [(x, point) for x, point in points if point.value is not None], style)
        axes.set_xticks(range(len(weights)), [_tick(weight) for weight in weights])
        axes.set_xlim(-0.5, len(weights) - 0.5)
        axes.update_datalim([(0, 0)])  # so that the margin above is one of the whole axis
        axes.autoscale_view(scalex=False)
        axes.set_ylim(0, None if key == "swap_fvu" else 1.04)
        axes.set_xlabel(f"weight of {penalty}, from {base} (seed {family[0].line.seed})")
        axes.set_title(title)
        # Matplotlib lists lines before bars; here each side is a column: value, control, reference.
        shown = dict(zip(*reversed(axes.get_legend_handles_labels())))
        order = [label for side in SIDES for label in _labels(side[0], reference).values() if label in shown]
        figure.legend([shown[label] for label in order], order, loc="outside lower center", ncols=2)

    alt = f"{title} against the weight of {penalty} for dictionaries descended from {base}, before and after adaptation"
    return draw(file_name(key, base, penalty), alt, PANEL, paint)


def _labels(side: str, reference: str) -> dict[str, str]:
    """What the legend calls the value, its control and its reference on one side of adaptation."""
    when = side.split()[0]
    return {"value": side, "control": f"random latents, {when}", "reference": f"{reference}, {when}"}


def _styles(label: str, reference: str, colour: str, marker: str) -> dict[str, dict[str, Any]]:
    """How the value, its random-latent control and its reference line look on one side of adaptation."""
    looks: dict[str, dict[str, Any]] = {
        "value": {"marker": marker, "ls": "none"},
        "control": {"marker": marker, "ls": "none", "markerfacecolor": PAPER, "markersize": 5, "elinewidth": 0.9},
        "reference": {"linestyles": ":", "linewidth": 1.6},
    }
    labels = _labels(label, reference)
    return {which: {"label": labels[which], "color": colour, **look} for which, look in looks.items()}


def _series(axes: Axes, points: list[tuple[float, Row]], style: dict[str, Any]) -> None:
    """Points with their 95 % interval bars where there are any; a reference is a short dotted line at each weight."""
    if not points:
        return
    places, values = [x for x, _ in points], [row.value or 0.0 for _, row in points]
    if "linestyles" in style:
        axes.hlines(values, [x - 0.3 for x in places], [x + 0.3 for x in places], **style)
        return
    axes.errorbar(places, values, yerr=_bars([row for _, row in points]), capsize=2.5, **style)


def _bars(rows: Sequence[Row]) -> list[list[float]] | None:
    """How far intervals reach below and above their values; None where no row has one."""
    values, ends = [row.value or 0.0 for row in rows], ([row.low for row in rows], [row.high for row in rows])
    bars = [[abs(v - (v if end is None else end)) for v, end in zip(values, side)] for side in ends]
    return bars if any(map(any, bars)) else None


def _dose_plot(base: str, penalty: str, family: list[Subject]) -> Plot:
    """Swap success against off-slot divergence, a line per subject with a point per strength; controls are hollow.

    Of many subjects the intervals would hide the lines; they stand in the table.
    """
    bars = len(family) <= len(LINES)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for subject, colour, marker in zip(family, cycle(LINES), cycle(MARKERS)):
            look = {"color": colour, "elinewidth": 0.7}
            line = {"marker": marker, "label": subject.name, "lw": 1.2, **look}
            _dots(axes, list(doses(subject).values()), line, bars=bars)
            for control, shape in (("random", marker), ("direction", "x")):
                case = control_swap(subject, control)
                dot = subject.row("swap", "kl", case), subject.row("swap", "success", case)
                hollow = {"marker": shape, "ls": "none", "markerfacecolor": PAPER, **look}
                _dots(axes, [dot], hollow, bars=bars)
        for label, shape in (("random latents", "o"), ("random direction", "x")):
            axes.plot([], [], color=MUTED, marker=shape, ls="none", markerfacecolor=PAPER, markersize=5, label=label)
        axes.set_xscale("symlog", linthresh=0.01)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.04)
        axes.set_xlabel("divergence outside the names (nats per token)")
        axes.set_title("Swap success by strength")
        figure.legend(loc="outside lower center", ncols=2)

    alt = f"Swap success against divergence outside the names, by strength, for {base} and what descends from it"
    size = PANEL[0], PANEL[1] + LEGEND_LINE * (len(family) // 2)
    return draw(file_name("swap_dose", base, *([penalty] if penalty else [])), alt, size, paint)


def _dots(axes: Axes, dots: list[tuple[Row, Row]], style: dict[str, Any], *, bars: bool) -> None:
    """Points (x, y), with `bars` those of their intervals both ways, where there are any."""
    shown = [dot for dot in dots if None not in (dot[0].value, dot[1].value)]
    if not shown:
        return
    x, y = ([row.value or 0.0 for row in rows] for rows in zip(*shown))
    across, up = map(_bars, zip(*shown)) if bars else (None, None)
    axes.errorbar(x, y, xerr=across, yerr=up, markersize=5, **style)
