"""Drawings as SVG text: the same bytes each time, no address inside, fit to stand in a page or alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, RULE, PAPER = "#24292f", "#6a6f76", "#d5d2ca", "#fbfaf7"
BLUE, ORANGE = "#0072b2", "#d55e00"
# Okabe and Ito's colours without the yellow, which is too pale for a line on paper.
LINES = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#a06a00", INK, "#8a8f98")
MARKERS = "osD^vPX*"

NAMESPACE = "http://www.w3.org/2000/svg"

_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class Plot(NamedTuple):
    """A drawing: file name without ending, what it shows in words, and its `<svg>` element without a namespace."""

    name: str
    alt: str
    svg: str

    def standalone(self) -> str:
        """The text of an SVG file. A file needs the namespace (a name; nothing is loaded), which HTML implies."""
        return self.svg.replace("<svg ", f'<svg xmlns="{NAMESPACE}" ', 1) + "\n"


def file_name(*parts: str) -> str:
    """Parts joined into a file name of letters, digits, `-` and `_`."""
    return re.sub(r"[^\w-]+", "_", "_".join(parts))


def draw(name: str, alt: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> Plot:
    """Let `paint` fill a figure of `size` (width, height in CSS pixels) and keep it as SVG."""
    width, height = size
    with matplotlib.rc_context():
        # From matplotlib's own defaults: a matplotlibrc in somebody's home must not change an output.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_STYLE, "svg.hashsalt": name})
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        paint(figure)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata=_NO_METADATA)
    return Plot(name, alt, _clean(text.getvalue(), name, alt))


def _clean(text: str, name: str, alt: str) -> str:
    """Drop prolog, addresses and page-wide style, and make ids unique, so that several drawings fit in one page."""
    found = re.search(r"<svg [^>]*?viewBox=\"0 0 ([\d.]+) ([\d.]+)\"[^>]*>(.*)</svg>", text, flags=re.DOTALL)
    if found is None:
        raise ValueError("matplotlib wrote no <svg> element with a viewBox; install the version in env/numerics.lock")
    width, height, body = found.groups()
    body = re.sub(r"\s*<metadata>.*?</metadata>|\s*<style.*?</style>|\s*<!--.*?-->", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'href="#|url\(#', lambda hit: f"{hit[0]}{name}-", body)
    body = re.sub(r'font-family: [^;"]*; ?', "", body)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(alt)}" stroke-linejoin="round" font-family="sans-serif">{body.rstrip()}\n</svg>'
    )
