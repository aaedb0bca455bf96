"""Every drawing of the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stages._report.purity import purity_plots
from stages._report.seeds import seed_plots
from stages._report.selectivity import stability_plots
from stages._report.subjects import NO_ROW, Row, Subject, by_penalty, families, first_seeds
from stages._report.summary import TEXT_FIRST, ablations, best_swap, control_swap, doses, steering
from stages._report.svg import BLUE, INK, LINES, MARKERS, MUTED, ORANGE, PAPER, RULE, Plot, draw, file_name

PANEL = (370.0, 330.0)
SMALL = (264.0, 186.0, 14.0)  # the last for each line of a legend
DASHES = ("-", "--", "-.", ":")
UNTOUCHED = "no penalty\nstage"
# Blue to orange stays apart for every common kind of colour blindness; the middle is the paper's own colour.
DIVERGING = LinearSegmentedColormap.from_list("sieve", ["#2166ac", "#8fbfdd", PAPER, "#f4a873", "#c04a00"])
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
            plots += [_weight_plot(base, penalty, own, measure) for measure in MEASURES]
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
    """Swap success against off-slot divergence, a line per subject with a point per strength; controls are hollow."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for subject, colour, marker in zip(family, cycle(LINES), cycle(MARKERS)):
            look = {"color": colour, "elinewidth": 0.7}
            _dots(axes, list(doses(subject).values()), {"marker": marker, "label": subject.name, "lw": 1.2, **look})
            for control, shape in (("random", marker), ("direction", "x")):
                case = control_swap(subject, control)
                dot = subject.row("swap", "kl", case), subject.row("swap", "success", case)
                _dots(axes, [dot], {"marker": shape, "ls": "none", "markerfacecolor": PAPER, **look})
        for label, shape in (("random latents", "o"), ("random direction", "x")):
            axes.plot([], [], color=MUTED, marker=shape, ls="none", markerfacecolor=PAPER, markersize=5, label=label)
        axes.set_xscale("symlog", linthresh=0.01)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.04)
        axes.set_xlabel("divergence outside the names (nats per token)")
        axes.set_title("Swap success by strength")
        figure.legend(loc="outside lower center", ncols=3)

    alt = f"Swap success against divergence outside the names, by strength, for {base} and what descends from it"
    return draw(file_name("swap_dose", base, *([penalty] if penalty else [])), alt, PANEL, paint)


def _dots(axes: Axes, dots: list[tuple[Row, Row]], style: dict[str, Any]) -> None:
    """Points (x, y) with the bars of their intervals both ways, where there are any."""
    shown = [dot for dot in dots if None not in (dot[0].value, dot[1].value)]
    if not shown:
        return
    x, y = ([row.value or 0.0 for row in rows] for rows in zip(*shown))
    across, up = map(_bars, zip(*shown))
    axes.errorbar(x, y, xerr=across, yerr=up, markersize=5, **style)


def ablation_plots(subjects: Iterable[Subject]) -> list[Plot]:
    """One heat map per subject with languages: the rise of each language's cross-entropy, one colour scale for all."""
    tables = {subject.name: (subject, ablations(subject)) for subject in subjects}
    largest = max((abs(value) for _, table in tables.values() for value in table.values()), default=0.0) or 1.0
    return [_heat_map(subject, table, largest) for subject, table in tables.values() if table]


def _heat_map(subject: Subject, table: dict[tuple[str, str], float], largest: float) -> Plot:
    languages = list(dict.fromkeys(language for pair in table for language in pair))
    side = max(370.0, 100.0 + 50.0 * len(languages))
    scale = Normalize(-largest, largest)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for y, own in enumerate(languages):
            for x, text in enumerate(languages):
                _cell(axes, x, y, table.get((own, text)), scale)
        axes.set_xlim(-0.5, len(languages) - 0.5)
        axes.set_ylim(len(languages) - 0.5, -0.5)
        axes.set_xticks(range(len(languages)), [_before(subject, language) for language in languages])
        axes.set_yticks(range(len(languages)), languages)
        axes.set_xlabel("language of the text (its cross-entropy before)")
        axes.set_ylabel("latents removed")
        axes.set_title(subject.name)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)

    alt = f"{subject.name}: rise of each language's cross-entropy when one language's latents are removed"
    return draw(file_name("ablation", subject.name), alt, (side, side * 0.82), paint)


def _before(subject: Subject, language: str) -> str:
    before = subject.row("language_ablation", "ce", language).value
    return language if before is None else f"{language}\n{before:.2f}"


def _cell(axes: Axes, x: int, y: int, value: float | None, scale: Normalize) -> None:
    """One cell: its colour, its value, a frame when a language's latents meet their own language."""
    place = (x - 0.48, y - 0.48)
    colour = RULE if value is None else DIVERGING(scale(value))
    text = "–" if value is None else f"{value:+z.2f}".replace("-", "−")
    dark = value is not None and abs(scale(value) - 0.5) > 0.43
    axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=colour, edgecolor=INK if x == y else "none", linewidth=1.2))
    axes.text(x, y, text, ha="center", va="center", color="white" if dark else INK, fontsize=9.5)


def steering_plots(subjects: Iterable[Subject]) -> list[Plot]:
    """One drawing per steered subject: language accuracy and cross-entropy against strength."""
    return [_steering(subject) for subject in subjects if steering(subject, "accuracy")]


def _steering(subject: Subject) -> Plot:
    panels = (("accuracy", "in the language (share)"), ("ce", "cross-entropy (nats)"))

    def paint(figure: Figure) -> None:
        for axes, (metric, title) in zip(figure.subplots(1, 2), panels):
            for (language, curve), colour, marker in zip(
                steering(subject, metric).items(), cycle(LINES), cycle(MARKERS)
            ):
                label = language if metric == "accuracy" else None
                axes.plot(list(curve), list(curve.values()), color=colour, marker=marker, markersize=4, label=label)
            axes.set_title(title)
            axes.set_xlabel("strength (median norms)")
            if metric == "accuracy":
                axes.set_ylim(0, 1.04)
        figure.suptitle(subject.name, x=0.02, ha="left", fontsize=11.5)
        figure.legend(loc="outside lower center", ncols=4)

    alt = f"{subject.name}: share of continuations in the language, and their cross-entropy, against steering strength"
    return draw(file_name("steering", subject.name), alt, (370.0, 280.0), paint)


def training_plots(subjects: Iterable[Subject]) -> list[Plot]:
    """One small drawing per stage and metric, a line per subject of the first seed, by penalty and weight."""
    listed = first_seeds(subjects)
    panels: dict[tuple[str, str], dict[str, list[tuple[int, float]]]] = {
        (point["stage"], point["metric"]): {} for subject in listed for point in subject.history
    }
    for subject in sorted(listed, key=lambda s: s.line.order):
        for point in subject.history:
            panel = panels[point["stage"], point["metric"]]
            panel.setdefault(subject.line.label, []).append((point["step"], point["value"]))
    return [_training(stage, metric, lines) for (stage, metric), lines in panels.items()]


def _training(stage: str, metric: str, lines: dict[str, list[tuple[int, float]]]) -> Plot:
    values = [value for line in lines.values() for _, value in line if value is not None]
    wide = bool(values) and min(values) > 0 and max(values) > 50 * min(values)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for number, (name, line) in enumerate(lines.items()):
            again, colour = divmod(number, len(LINES))  # a colour comes again with another dash
            dash = DASHES[(number + again) % len(DASHES)]
            axes.plot(*zip(*sorted(line)), color=LINES[colour], ls=dash, lw=1.4, label=name)
        axes.set_title(f"{stage}: {metric}")
        axes.set_yscale("log" if wide else "linear")
        axes.locator_params(axis="x", nbins=4)
        axes.tick_params(labelcolor=MUTED)
        figure.legend(loc="outside lower center", fontsize=8.5)

    width, height, each = SMALL
    size = (width, height + each * len(lines))
    return draw(file_name("training", stage, metric), f"{metric} during {stage}, by step", size, paint)


def all_plots(subjects: list[Subject]) -> dict[str, list[Plot]]:
    """Every drawing, by the section of the page that shows it."""
    return {
        "seeds": seed_plots(subjects),
        "swap": swap_plots(subjects),
        "ablation": ablation_plots(subjects),
        "languages": purity_plots(subjects),
        "selectivity": stability_plots(subjects),
        "steering": steering_plots(subjects),
        "training": training_plots(subjects),
    }
