"""Exchange what a token carries: where one set of latents fires, silence it and write another set in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.model.splice import RowEdit
from sieve.subject import Subject


@dataclass(frozen=True)
class Feature:
    """A concept as a few latents (m,) with the activations (m,) that they typically have on it."""

    name: str
    latents: tuple[int, ...]
    typical: tuple[float, ...]


def exchange(drop: Sequence[Feature], include: Sequence[Feature], strength: float, latents: int) -> RowEdit:
    """The edit of codes for a batch: in rows where any latent of the prompt's `drop` is active, it becomes 0 and its `include` strength · typical.

    One feature per prompt of the batch, or a single one for all. If a latent of `include` was active already, the larger
    value stays; strength 0 only drops. Rows where `drop` is silent are returned as they were.
    """
    silence, write = torch.zeros(len(drop), latents, dtype=torch.bool), torch.zeros(len(include), latents)
    for i, feature in enumerate(drop):
        silence[i, list(feature.latents)] = True
    for i, feature in enumerate(include):
        write[i, list(feature.latents)] = strength * torch.tensor(feature.typical)

    def apply(z: Tensor, where: Tensor) -> Tensor:
        prompt = where[:, 0]
        out = silence.to(z.device)[prompt % len(drop)]
        into = write.to(z.device)[prompt % len(include)]
        here = ((z != 0) & out).any(1, keepdim=True)
        edited = torch.where(into > 0, torch.maximum(z, into), z.masked_fill(out, 0))
        return torch.where(here, edited, z)

    return apply


@contextmanager
def swap(subject: Subject, drop: Feature | Sequence[Feature], include: Feature | Sequence[Feature], strength: float = 1.0) -> Iterator[None]:
    """Within the block, `subject`'s model runs with its reconstruction spliced in and `drop` exchanged for `include`.

    Give one feature for every prompt, or a list with one per prompt of the batch. ValueError for a latent that the Sae doesn't have.
    """
    drop, include = ([f] if isinstance(f, Feature) else list(f) for f in (drop, include))
    for feature in (*drop, *include):
        outside = [latent for latent in feature.latents if not 0 <= latent < subject.sae.latents]
        if outside:
            raise ValueError(f"'{feature.name}' names latents {outside}, but this SAE has latents 0 to {subject.sae.latents - 1}")
    with subject.spliced(exchange(drop, include, strength, subject.sae.latents)):
        yield
