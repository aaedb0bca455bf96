"""Exchange what a token carries: silence one set of latents, write another, or do both at once.

All of it acts on the codes of the tokens that a reconstruction replaces. BOS is not among them and keeps its bits,
unless the Sae says so (`Sae.specials`): then a latent that is active there is exchanged there too, and BOS can be
written to at position 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from sieve.dictionary.sae import LineageError, Sae
from sieve.model.splice import RowEdit, splice
from sieve.subject import Subject


@dataclass(frozen=True)
class Feature:
    """A concept as a few latents (m,) with the activations (m,) that they typically have on it.

    sae: digest of the Sae that they are latents of, if one is to be held to that.
    """

    name: str
    latents: tuple[int, ...]
    typical: tuple[float, ...]
    sae: str = ""


NOTHING = Feature("nothing", (), ())
Kind = Literal["typical", "residual", "constant"]


@dataclass(frozen=True)
class Strength:
    """How strongly the latents of a feature are written.

    typical: each at `value` times its typical activation. residual: all at one code v, such that what they add to the
    residual stream is `value` times as long as it typically is, ‖v Σ d_j‖ = value · ‖Σ typical_j d_j‖. For a feature of
    one latent these two are the same; with more, v rises without bound as their atoms cancel. constant: all at the code
    `value`, as published (arXiv 2602.04718: 200 in Gemma 2 2B), whatever the length of their atoms, so that two Saes
    with other norms are not compared at one strength. ValueError for a negative or infinite value or another kind.
    """

    value: float
    kind: Kind = "typical"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0):
            raise ValueError(f"strength is {self.value}; expected a number from 0 on (1.0 writes what is typical)")
        if self.kind not in get_args(Kind):
            raise ValueError(f"there is no strength of kind '{self.kind}'; there are: {', '.join(get_args(Kind))}")

    def codes(self, feature: Feature, sae: Sae) -> Tensor:
        """What the latents of `feature` are given, (m,)."""
        typical = torch.tensor(feature.typical)
        if self.kind == "typical":
            return self.value * typical
        if self.kind == "constant":
            return torch.full_like(typical, self.value)
        atoms = sae.W_dec[list(feature.latents)].cpu().double()
        return torch.full_like(typical, self.value * float((typical.double() @ atoms).norm() / atoms.sum(0).norm()))


Condition = Callable[[Tensor, Tensor], Tensor]
"""(codes (N, F), where (N, 2)) -> whether to act on each row, (N, 1); `where` as for `RowEdit`."""


def fires(sae: Sae, features: Sequence[Feature]) -> Condition:
    """True in rows where any latent of the prompt's own feature is active; one feature per prompt, or one for all."""
    table = _marked(sae, features)
    return lambda z, where: ((z != 0) & _own(table.to(z.device), where)).any(1, keepdim=True)


def stands(places: Sequence[Sequence[int]]) -> Condition:
    """True at the prompt's own positions, its first token (BOS, if there is one) being 0; a list per prompt, or one.

    They may lie in what will be generated. ValueError for a position below 0.
    """
    below = sorted({place for row in places for place in row if place < 0})
    if below:
        raise ValueError(f"positions {below} are below 0; count from the prompt's first token, which is 0")
    width = max(map(len, places), default=0)
    table = torch.tensor([[*row, *[-1] * (width - len(row))] for row in places], dtype=torch.long)
    return lambda z, where: (_own(table.to(z.device), where) == where[:, 1:]).any(1, keepdim=True)


def counted(at: Condition, tally: Tensor) -> Condition:
    """`at`, which also adds to `tally` (P,), int64, in how many rows of each of P prompts it is True."""

    def count(z: Tensor, where: Tensor) -> Tensor:
        chosen = at(z, where)
        tally.index_add_(0, where[:, 0].to(tally), chosen[:, 0].to(tally))
        return chosen

    return count


def exchange(
    sae: Sae,
    drop: Sequence[Feature],
    include: Sequence[Feature],
    strength: float | Strength = 1.0,
    at: Condition | None = None,
) -> RowEdit:
    """The edit of codes (N, F) for a batch; one feature per prompt of it, or a single one for all.

    In rows that `at` chooses, or without it those where any latent of the prompt's `drop` is active, all latents of
    `drop` become 0 and those of `include` get the codes that `strength` says. Where a latent of `include` was active
    already, the larger code stays (published: undefined), also if it belongs to `drop`; strength 0 only drops. Other
    rows and other latents are returned as they were, to the bit. ValueError for a latent that the Sae doesn't have, for
    a strength as in `Strength`, and for a batch with more prompts than features.
    """
    strength = strength if isinstance(strength, Strength) else Strength(strength)
    silence, at = _marked(sae, drop), at or fires(sae, drop)
    write = torch.zeros(len(include), sae.latents)
    for i, feature in enumerate(include):
        require_latents(sae, feature.latents, feature.name)
        write[i, list(feature.latents)] = strength.codes(feature, sae)

    def apply(z: Tensor, where: Tensor) -> Tensor:
        out, into = (_own(table.to(z.device), where) for table in (silence, write))
        edited = torch.where(into > 0, torch.maximum(z, into), z.masked_fill(out, 0))
        return torch.where(at(z, where), edited, z)

    return apply


def _marked(sae: Sae, features: Sequence[Feature]) -> Tensor:
    """(len(features), F): True for the latents of each."""
    table = torch.zeros(len(features), sae.latents, dtype=torch.bool)
    for i, feature in enumerate(features):
        require_latents(sae, feature.latents, feature.name)
        table[i, list(feature.latents)] = True
    return table


def _own(table: Tensor, where: Tensor) -> Tensor:
    """Each row's line of a table with one line per prompt, or a single line for all."""
    prompt = where[:, 0]
    if len(table) == 1:
        return table.expand(len(prompt), -1)
    if len(prompt) and int(prompt.max()) >= len(table):
        raise ValueError(
            f"{len(table)} features (or lists of positions) were given for {int(prompt.max()) + 1} prompts; "
            "give one, or one each"
        )
    return table[prompt]


def require_latents(sae: Sae, latents: Sequence[int], name: str) -> None:
    """ValueError unless `sae` has all of `latents`; `name` says who asked."""
    outside = [latent for latent in latents if not 0 <= latent < sae.latents]
    if outside:
        raise ValueError(f"'{name}' names latents {outside}, but this SAE has latents 0 to {sae.latents - 1}")


Features = Feature | Sequence[Feature]
"""One feature for every prompt, or a list with one per prompt of the batch."""
Place = Feature | Sequence[int]
"""Where to write: wherever a feature is active, or at positions."""


def _listed(features: Features) -> list[Feature]:
    return [features] if isinstance(features, Feature) else list(features)


def _of(subject: Subject, features: Features) -> list[Feature]:
    """The features; LineageError if one was found in another Sae, whose latents mean something else."""
    listed = _listed(features)
    own = subject.sae.digest if any(feature.sae for feature in listed) else ""
    for feature in listed:
        if feature.sae not in ("", own):
            raise LineageError(
                f"'{feature.name}' was found in the SAE {feature.sae[:12]}, but this subject has {own[:12]}; "
                "give the concepts.json of this subject"
            )
    return listed


@contextmanager
def swap(subject: Subject, drop: Features, include: Features, strength: float | Strength = 1.0) -> Iterator[None]:
    """Within the block, `subject`'s model runs with its reconstruction spliced in and `drop` exchanged for `include`.

    That happens wherever `drop` is active. A plain number is a strength in typical activations. ValueError as for
    `exchange`, LineageError for a feature of another Sae.
    """
    with subject.spliced(exchange(subject.sae, _of(subject, drop), _of(subject, include), strength)):
        yield


@contextmanager
def drop(subject: Subject, features: Features) -> Iterator[None]:
    """Within the block, the reconstruction is spliced in without what the latents of `features` write.

    As `swap` with nothing to include, so no strength matters. `silence` does this without the splice.
    """
    with subject.spliced(exchange(subject.sae, _of(subject, features), [NOTHING])):
        yield


@contextmanager
def insert(
    subject: Subject, features: Features, at: Place | Sequence[Place], strength: float | Strength = 1.0
) -> Iterator[None]:
    """Within the block, the reconstruction is spliced in and the latents of `features` are written where `at` says.

    at: a feature, to write wherever any of its latents is active, or positions, as for `stands`; one for every prompt,
    or a list with one per prompt. Nothing is silenced. Errors as for `swap` and `stands`.
    """
    one = isinstance(at, Feature) or all(isinstance(place, int) for place in at)
    places = [cast(Place, at)] if one else list(cast(Sequence[Place], at))
    marks = [place if isinstance(place, Feature) else NOTHING for place in places]
    active = fires(subject.sae, _of(subject, marks))
    standing = stands([() if isinstance(place, Feature) else place for place in places])

    def chosen(z: Tensor, where: Tensor) -> Tensor:
        return active(z, where) | standing(z, where)

    with subject.spliced(exchange(subject.sae, [NOTHING], _of(subject, features), strength, chosen)):
        yield


@contextmanager
def swap_vector(subject: Subject, drop: Features, vectors: Tensor, at: Condition | None = None) -> Iterator[None]:
    """As `swap`, with an arbitrary vector in the place of what latents write: `vectors` (P, D) one per prompt, or one.

    Wherever `drop` is active, or in rows that `at` chooses, it is silenced in the reconstruction, and the vector is
    added to that. LineageError for a feature of another Sae.
    """
    sae, dropped = subject.sae, _of(subject, drop)
    silence, active = _marked(sae, dropped), at or fires(sae, dropped)

    def rebuild(rows: Tensor, where: Tensor) -> Tensor:
        z = sae.encode(rows)
        chosen = active(z, where)
        plain = sae.decode(z.masked_fill(chosen & _own(silence.to(z.device), where), 0))
        return torch.where(chosen, plain + _own(vectors.to(plain), where), plain)

    with splice(subject.lm, subject.site, rebuild, sae.specials):
        yield
