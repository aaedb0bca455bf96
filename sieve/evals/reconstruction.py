"""How well does the Sae rebuild held-out activations, and with how many latents?

FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² about the mean of the very rows that are judged: predicting the mean gives 1 (explained
variance 0), the identity 0. (Variance about zero, as in some published code, flatters: predicting the mean then scores
0.9.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sieve.activations.store import Moments
from sieve.evals.case import Case, Row, not_applicable
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Settings:
    """How many held-out documents of each kind."""

    documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """fvu, explained_variance, l0 (mean non-zeros a token) and alive (share of latents that fire at all).

    Per kind of text and over all.
    """
    groups = {kind: case.pick(kind, "test", settings.documents) for kind in ("text", "problem")}
    groups["all"] = groups["text"] + groups["problem"]
    rows = []
    for kind, blocks in groups.items():
        rows += (
            measure(case, kind, blocks)
            if blocks
            else not_applicable("reconstruction", "fvu", f"there is no {kind} in the test split", kind)
        )
    return rows


def measure(case: Case, kind: str, blocks: list[Block]) -> list[Row]:
    """The four figures over `blocks`, streamed."""
    moments, error, active = Moments(case.subject.sae.width), 0.0, 0
    fired = torch.zeros(case.subject.sae.latents, dtype=torch.bool)
    for _, ids, mask in case.batches(blocks):
        reading = case.subject.read(ids, mask)
        moments.update(reading.rows.cpu())
        error += float((reading.rows - case.subject.sae.decode(reading.z)).double().square().sum())
        active += int((reading.z != 0).sum())
        fired |= (reading.z != 0).any(0).cpu()
    fvu = error / float(moments.squares.sum())
    figures = {
        "fvu": fvu,
        "explained_variance": 1 - fvu,
        "l0": active / moments.count,
        "alive": float(fired.float().mean()),
    }
    return [Row("reconstruction", metric, kind, value, n=moments.count) for metric, value in figures.items()]
