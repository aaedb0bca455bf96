"""How the decoder's atoms lie to each other, over all pairs and over those that fire together."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sieve.evals.case import Case, Row
from sieve.features.geometry import geometry


@dataclass(frozen=True)
class Settings:
    """How many held-out documents decide which latents fire together."""

    documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """mean_cos2, welch_floor, p99_abs_cos, max_abs_cos, coactive_cos2, decoder_norm_median."""
    sae = case.subject.sae
    together = torch.zeros(sae.latents, sae.latents, dtype=torch.float64)
    blocks = case.pick("text", "test", settings.documents) + case.pick("problem", "test", settings.documents)
    for _, ids, mask in case.batches(blocks):
        active = (case.subject.read(ids, mask).z != 0).double().cpu()
        together += active.T @ active
    return [
        Row("geometry", metric, "all", value, n=sae.latents)
        for metric, value in geometry(sae.W_dec.cpu(), together).items()
    ]
