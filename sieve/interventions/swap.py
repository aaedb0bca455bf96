"""Exchange what a token carries: where one set of latents fires, silence it and write another set in its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.dictionary.sae import Sae
from sieve.model.splice import RowEdit
from sieve.subject import Subject


@dataclass(frozen=True)
class Feature:
    """A concept as a few latents (m,) with the activations (m,) that they typically have on it."""

    name: str
    latents: tuple[int, ...]
    typical: tuple[float, ...]


def exchange(drop: Sequence[Feature], include: Sequence[Feature], strength: float, latents: int) -> RowEdit:
    """The edit of codes for a batch.

    In rows where any latent of the prompt's `drop` is active, all of these become 0 and those of its `include` become
    strength · typical. One feature per prompt of the batch, or a single one for all. If a latent of `include` was
    active already, the larger value stays; strength 0 only drops. Rows where `drop` is silent are returned as they
    were. ValueError for a negative or infinite strength, and for a batch with more prompts than features.
    """
    if not (math.isfinite(strength) and strength >= 0):
        raise ValueError(f"strength is {strength}; expected a number from 0 on (1.0 writes the typical activation)")
    silence, write = torch.zeros(len(drop), latents, dtype=torch.bool), torch.zeros(len(include), latents)
    for i, feature in enumerate(drop):
        silence[i, list(feature.latents)] = True
    for i, feature in enumerate(include):
        write[i, list(feature.latents)] = strength * torch.tensor(feature.typical)

    def apply(z: Tensor, where: Tensor) -> Tensor:
        out, into = (_own(table.to(z.device), where[:, 0]) for table in (silence, write))
        here = ((z != 0) & out).any(1, keepdim=True)
        edited = torch.where(into > 0, torch.maximum(z, into), z.masked_fill(out, 0))
        return torch.where(here, edited, z)

    return apply


def _own(table: Tensor, prompt: Tensor) -> Tensor:
    """Each row's line of a table with one line per prompt, or a single line for all."""
    if len(table) == 1:
        return table.expand(len(prompt), -1)
    if len(prompt) and int(prompt.max()) >= len(table):
        raise ValueError(f"{len(table)} features were given for {int(prompt.max()) + 1} prompts; give one, or one each")
    return table[prompt]


def require_latents(sae: Sae, latents: Sequence[int], name: str) -> None:
    """ValueError unless `sae` has all of `latents`; `name` says who asked."""
    outside = [latent for latent in latents if not 0 <= latent < sae.latents]
    if outside:
        raise ValueError(f"'{name}' names latents {outside}, but this SAE has latents 0 to {sae.latents - 1}")


@contextmanager
def swap(
    subject: Subject, drop: Feature | Sequence[Feature], include: Feature | Sequence[Feature], strength: float = 1.0
) -> Iterator[None]:
    """Within the block, `subject`'s model runs with its reconstruction spliced in and `drop` exchanged for `include`.

    Give one feature for every prompt, or a list with one per prompt of the batch. ValueError for a latent that the Sae
    doesn't have, and as for `exchange`.
    """
    drop, include = ([f] if isinstance(f, Feature) else list(f) for f in (drop, include))
    for feature in (*drop, *include):
        require_latents(subject.sae, feature.latents, feature.name)
    with subject.spliced(exchange(drop, include, strength, subject.sae.latents)):
        yield
