"""Random latents that are like given ones: the control for whatever is done with a chosen set."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

NEAREST = 10
"""Of the live latents, those most alike, from which one is drawn. More would fire less: chosen latents fire most."""


def matched_latents(
    latents: Sequence[int], rate: Tensor, length: Tensor, taken: Collection[int], rng: torch.Generator
) -> tuple[int, ...]:
    """For each of `latents` another one that fires about as often and whose atom is about as long, none twice.

    rate, length (F,); alike is the sum of the differences of both logarithms. `taken` and dead ones are never drawn, so
    there may be fewer.
    """
    live = [j for j in rate.nonzero().flatten().tolist() if j not in taken]
    logs = torch.stack([rate.double().clamp_min(1e-12).log(), length.double().clamp_min(1e-12).log()], 1)
    found: list[int] = []
    for own in latents[: len(live)]:
        free = [j for j in live if j not in found]
        apart = (logs[free] - logs[own]).abs().sum(1).tolist()
        near = sorted(zip(apart, free))[:NEAREST]
        found.append(near[int(torch.randint(len(near), (), generator=rng))][1])
    return tuple(found)
