"""LangFIR: latents that fire in text of one language and not just in any tokens.

Wong, Sajjad, Siddique, arXiv 2604.03532. The paper's thresholds are not public here, so this is the skeleton that it
states with a fully specified reconstruction in *token mode*, which also works where a language owns a large share of a
small vocabulary. With c_j the share of target sequences in which latent j fires and r_j its rate per token, on target
text D and on random tokens R:

    S = { j :  c_j(D) ≥ tau  and  r_j(R) ≤ kappa · r_j(D) }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.interventions.direction import Direction
from sieve.subject import Subject


@dataclass(frozen=True)
class Activity:
    """What each latent (F,) does on a set of sequences.

    Share of sequences in which it fires, rate per token, mean (zeros included); and the median norm of an activation.
    """

    sequences: int
    tokens: int
    consistency: Tensor
    rate: Tensor
    mean: Tensor
    norm: float


def activity(subject: Subject, sequences: Sequence[Sequence[int]], batch: int) -> Activity:
    """Stream `sequences` of ids through the subject, adding up counts only.

    Special tokens and each sequence's first text token are left out. The first position attends to
    nothing and has an outsized norm in most models. ValueError when nothing is left.
    """
    fires, sums, present = (torch.zeros(subject.sae.latents, dtype=torch.float64) for _ in range(3))
    norms: list[Tensor] = []
    tokens = 0
    for start in range(0, len(sequences), batch):
        ids, mask = subject.lm.pad([list(s) for s in sequences[start : start + batch]])
        reading = subject.read(ids, mask)
        owner, place = reading.text.nonzero().unbind(1)
        first = torch.full((len(ids),), ids.shape[1], device=ids.device).scatter_reduce(0, owner, place, "amin")
        used = place > first[owner]
        z, owner = reading.z[used], owner[used]
        active = (z != 0).double().cpu()
        per_sequence = torch.zeros(len(ids), subject.sae.latents, dtype=torch.float64).index_add_(
            0, owner.cpu(), active
        )
        fires += active.sum(0)
        sums += z.double().sum(0).cpu()
        present += (per_sequence > 0).double().sum(0)
        tokens += len(z)
        norms.append(reading.rows[used].norm(dim=1).cpu())
    if tokens == 0:
        raise ValueError(
            "no usable positions: every token is special, padding or the first of its sequence; give longer text"
        )
    return Activity(
        len(sequences),
        tokens,
        present / len(sequences),
        fires / tokens,
        sums / tokens,
        float(torch.cat(norms).median()),
    )


@dataclass(frozen=True)
class Selection:
    """Boolean masks (F,) of every step, so that an empty result explains itself."""

    active: Tensor
    consistent: Tensor
    random: Tensor
    kept: Tensor


def select(target: Activity, random: Activity, tau: float, kappa: float) -> Selection:
    """Token mode. `random` marks consistent latents that random tokens excite too: rate above kappa · the target's."""
    consistent = (target.consistency >= tau) & (target.rate > 0)
    noisy = consistent & (random.rate > kappa * target.rate)
    return Selection(target.rate > 0, consistent, noisy, consistent & ~noisy)


def language_direction(subject: Subject, target: Activity, kept: Tensor, name: str) -> Direction | None:
    """Σ mean_j · atom_j over kept latents, normalised after decoding. None when nothing was kept."""
    if not bool(kept.any()):
        return None
    vector = target.mean[kept].float() @ subject.sae.W_dec.cpu()[kept]
    return Direction(vector / vector.norm(), target.norm, name, subject.site, subject.lm.digest, subject.sae.digest)
