"""How the decoder's atoms lie to each other, over all pairs, over live ones and over those that fire together."""

from __future__ import annotations

from dataclasses import dataclass

from sieve.evals.case import Case, Row, not_applicable
from sieve.features.geometry import geometry


@dataclass(frozen=True)
class Settings:
    """How many held-out documents of each kind decide which latents fire, and which fire together."""

    documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """What `sieve.features.geometry` measures, of the subject's decoder and its codes of held-out text."""
    sae = case.subject.sae
    blocks = case.pick("text", "test", settings.documents) + case.pick("problem", "test", settings.documents)
    codes = (case.subject.read(ids, mask).z.cpu() for _, ids, mask in case.batches(blocks))
    rows: list[Row] = []
    for metric, value in geometry(sae.W_dec.cpu(), codes).items():
        if value is None:
            rows += not_applicable("geometry", metric, "no two latents fire on these documents, or not together", "all")
        else:
            rows.append(Row("geometry", metric, "all", value, n=sae.latents))
    return rows
