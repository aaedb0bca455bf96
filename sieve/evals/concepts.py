"""What was chosen for each value of every concept, how good it is, and for which values nothing good was found.

Nothing is asked of the subject here: all figures are those of the training text that the latents were chosen by. For
every value there are a *causal* pick, whose effect is the largest, and the most *selective* latent; where they differ,
what marks a value is not what the model reads. Latents of a model that has learned nothing have effects too, of some
hundredths of a nat: what counts as good must be above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from sieve.evals.case import Case, Row, not_applicable
from sieve.features.concepts import Choice, Concepts, Pick


@dataclass(frozen=True)
class Settings:
    """The least effect (nats) of latents that count as good."""

    least_effect: float

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        if not 0 < self.least_effect < float("inf"):
            raise ValueError(f"least_effect is {self.least_effect}; must be above 0 nats, such as 0.1")


def run(case: Case, settings: Settings) -> list[Row]:
    """effect, precision and recall of every pick (CONCEPT/causal/VALUE, CONCEPT/selective/VALUE) and their means.

    without: how many values have no pick with the least effect, and which. same: the share of values of which the
    causal pick's first latent is the most selective one.
    """
    rows: list[Row] = []
    for found in (case.concepts, *case.also):
        if found.choices:
            rows += _concept(found, settings.least_effect)
        else:
            rows += not_applicable("concepts", "effect", f"the training text names no value of '{found.concept}'")
    return rows


def _concept(found: Concepts, least: float) -> list[Row]:
    causal, selective = [c.causal for c in found.choices], [c.selective for c in found.choices]
    same = [_same(choice) for choice in found.choices]
    return [
        *_picks(f"{found.concept}/causal", causal, least),
        *_picks(f"{found.concept}/selective", selective, least),
        Row("concepts", "same", found.concept, fmean(same), n=len(same)),
    ]


def _same(choice: Choice) -> bool:
    return choice.feature.latents[:1] == choice.selective.feature.latents != ()


def _picks(case: str, picks: Sequence[Pick], least: float) -> list[Row]:
    rows = []
    for metric in ("effect", "precision", "recall"):
        values = [getattr(pick, metric) for pick in picks]
        rows.append(Row("concepts", metric, case, fmean(values), n=len(values)))
        rows += [
            Row("concepts", metric, f"{case}/{pick.feature.name}", value, note=_latents(pick))
            for pick, value in zip(picks, values)
        ]
    missing = [pick.feature.name for pick in picks if pick.effect < least]
    return [*rows, Row("concepts", "without", case, len(missing), n=len(picks), note=", ".join(missing))]


def _latents(pick: Pick) -> str:
    found = pick.feature.latents
    return f"latent{'s' * (len(found) > 1)} {', '.join(map(str, found))}" if found else "none"
