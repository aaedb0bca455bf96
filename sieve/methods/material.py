"""What methods find their directions in: training text by language, random tokens, and what a subject makes of both.

Figures are made when they are first asked for, and once for all methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.features.activity import Activity, activity
from sieve.interventions.direction import Direction
from sieve.interventions.steer import steer
from sieve.model.sites import observe, site_width
from sieve.model.splice import splice
from sieve.subject import Subject
from sieve.text.controls import random_like

Push = Callable[[float], AbstractContextManager[None]]
"""strength -> a `with` block in which the model is pushed."""

ONE, ONE_AND_RANDOM, ALL, PARALLEL = (
    "one language",
    "one language, random tokens",
    "all languages",
    "two languages, parallel",
)

SHARE = 0.1
"""Of dimensions that `overwrite` sets: 400 of 4,096 are published (arXiv 2510.07213)."""


class Means(NamedTuple):
    """Of activations (D,) at a site over text tokens: the mean, and the share of tokens at which each is above 0."""

    mean: Tensor
    rate: Tensor


@dataclass(frozen=True)
class Text:
    """One language's training text, as ids, each with the number that translations of it share (below 0: none).

    kept, filtered: the latents that LangFIR keeps for it, and the consistent ones that it drops.
    """

    sequences: Sequence[Sequence[int]]
    parallel: Sequence[int]
    kept: tuple[int, ...]
    filtered: tuple[int, ...]
    direction: Direction | None


@dataclass(frozen=True)
class Material:
    """A subject and the text of every language; `draws` of what is random, by `seed`."""

    subject: Subject
    texts: Mapping[str, Text]
    seed: int
    batch: int
    draws: int
    _activities: dict[tuple[str, str], Activity] = field(default_factory=dict)
    _means: dict[tuple[str, str], Means] = field(default_factory=dict)

    def activity(self, language: str) -> Activity:
        """What latents do on a language's text."""
        key = (language, "")
        if key not in self._activities:
            self._activities[key] = activity(self.subject, self.texts[language].sequences, self.batch)
        return self._activities[key]

    def random(self, language: str) -> Activity:
        """What latents do on random tokens, as many sequences as a language has, and as long."""
        key = (language, "random")
        if key not in self._activities:
            texts = self.texts[language].sequences
            noise = random_like(self.subject.lm.tokenizer, texts, len(texts), self.seed, f"methods {language}")
            self._activities[key] = activity(self.subject, noise, self.batch)
        return self._activities[key]

    def means(self, language: str, site: str) -> Means:
        """Of a language's activations at any site."""
        if (language, site) not in self._means:
            self._means[language, site] = self.means_of(self.texts[language].sequences, site)
        return self._means[language, site]

    def means_of(self, sequences: Sequence[Sequence[int]], site: str) -> Means:
        """Of the activations of any sequences of ids at any site."""
        lm = self.subject.lm
        total, above = (torch.zeros(site_width(lm.network, site), dtype=torch.float64) for _ in range(2))
        tokens = 0
        for start in range(0, len(sequences), self.batch):
            ids, mask = lm.pad([list(s) for s in sequences[start : start + self.batch]])
            rows = observe(lm.network, [site], ids, mask)[site][lm.is_text(ids) & mask.bool()].cpu()
            total += rows.double().sum(0)
            above += (rows > 0).double().sum(0)
            tokens += len(rows)
        return Means((total / tokens).float(), (above / tokens).float())

    def push(self, language: str, vector: Tensor, name: str) -> list[Push]:
        """Adding `vector` (D,), made as long as the language's median activation at strength 1; nothing if it is 0."""
        if not float(vector.norm()) > 0:
            return []
        lm, sae, norm = self.subject.lm, self.subject.sae, self.activity(language).norm
        direction = Direction(vector / vector.norm(), norm, name, sae.site, lm.digest, sae.digest)
        return [lambda strength: steer(lm, direction, strength)]

    def atoms(self, language: str, latents: Sequence[int]) -> Tensor:
        """Σ mean_j · atom_j (D,) with the language's mean codes."""
        chosen = list(latents)
        return self.activity(language).mean[chosen].float() @ self.subject.sae.W_dec.cpu()[chosen]

    def overwrite(self, target: Tensor, difference: Tensor) -> list[Push]:
        """Setting the tenth of all dimensions in which |difference| (D,) is largest to strength · target (D,).

        Nothing at a site that is no residual stream, nor where there is no difference, as at the last layer itself.
        """
        lm, site = self.subject.lm, self.subject.site
        if not site.startswith("resid_") or not bool(difference.any()):
            return []
        largest = difference.abs().topk(max(1, round(SHARE * len(target)))).indices
        chosen = torch.zeros(len(target), dtype=torch.bool).index_fill(0, largest, True).to(lm.device)

        @contextmanager
        def push(strength: float) -> Iterator[None]:
            with splice(lm, site, lambda rows, _: torch.where(chosen, strength * target.to(rows), rows)):
                yield

        return [push]
