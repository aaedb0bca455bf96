"""Every drawing of the report."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stages._report.purity import purity_plots
from stages._report.readings import ablations, steering
from stages._report.seeds import seed_plots
from stages._report.selectivity import stability_plots
from stages._report.subjects import Subject, first_seeds
from stages._report.svg import INK, LINES, MARKERS, MUTED, PAPER, RULE, Plot, draw, file_name
from stages._report.swap_plots import swap_plots

PANEL = (370.0, 330.0)
SMALL = (264.0, 186.0, 14.0)  # the last for each line of a legend
DASHES = ("-", "--", "-.", ":")
# Blue to orange stays apart for every common kind of colour blindness; the middle is the paper's own colour.
DIVERGING = LinearSegmentedColormap.from_list("sieve", ["#2166ac", "#8fbfdd", PAPER, "#f4a873", "#c04a00"])


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
