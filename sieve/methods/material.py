"""What methods find their directions in: training text by language, random tokens, and what a subject makes of both.

Figures are made when they are first asked for, and once for all methods. None counts a sequence's first text token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sieve.features.activity import Activity, activity, beyond_first
from sieve.features.langfir import Noise
from sieve.interventions.direction import Direction
from sieve.interventions.steer import steer
from sieve.model.batches import alike
from sieve.model.families import block_parts, decoder_layers
from sieve.model.sites import observe, site_width, sites
from sieve.model.splice import splice
from sieve.subject import Subject
from sieve.text.controls import random_like

Push = Callable[[float], AbstractContextManager[None]]
"""strength -> a `with` block in which the model is pushed."""

NOTHING, ONE, ONE_AND_RANDOM, ALL, PARALLEL = (
    "nothing",
    "one language",
    "one language, random tokens",
    "all languages",
    "two languages, parallel",
)


class Unit(NamedTuple):
    """What strength 1 means, and what the strengths that are tried are multiplied by.

    Kinds of push have their working range in different places; each kind's is inside what is tried.
    """

    name: str
    times: float


NO_PUSH, MEDIAN_NORM, LAST_LAYER, ACTIVATION = (
    Unit("none", 0.0),
    Unit("median norm", 1.0),
    Unit("mean of the last layer", 4.0),
    Unit("mean activation", 4.0),
)

SHARE = 0.1
"""Of dimensions that `overwrite` sets: 400 of 4,096 are published (arXiv 2510.07213)."""


@dataclass(frozen=True)
class Text:
    """One language's training text, as ids; told: every training text by the number that translations of it share.

    kept, filtered: the latents that LangFIR keeps for it, and the consistent ones that it drops.
    """

    sequences: Sequence[Sequence[int]]
    told: Mapping[int, Sequence[int]]
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
    _means: dict[tuple[str, str], Tensor] = field(default_factory=dict)

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
            # the filter's option, which every direction that it found tells
            no_bytes = any(Noise.of(own.direction).exclude_bytes for own in self.texts.values() if own.direction)
            noise = random_like(
                self.subject.lm.tokenizer, texts, len(texts), self.seed, f"methods {language}", no_bytes
            )
            self._activities[key] = activity(self.subject, noise, self.batch)
        return self._activities[key]

    def means(self, language: str, site: str) -> Tensor:
        """Mean (D,) of a language's activations at any site."""
        if (language, site) not in self._means:
            self._means[language, site] = self.means_of(self.texts[language].sequences, site)
        return self._means[language, site]

    @torch.no_grad()
    def neurons(self, language: str) -> Tensor:
        """Share of a language's text tokens at which each MLP neuron of all layers is on, (neurons,)."""
        lm, sequences = self.subject.lm, self.texts[language].sequences
        blocks, above, tokens = list(decoder_layers(lm.network)), [], 0
        last = sites(lm.network, "mlp_act")[-1]
        for numbers in alike(sequences, self.batch):
            ids, mask = lm.pad([list(sequences[n]) for n in numbers])
            text = beyond_first(lm.is_text(ids) & mask.bool())
            with switches(lm.network, blocks) as seen:
                observe(lm.network, [last], ids, mask)
            above.append(torch.cat([(one[text] > 0).double().sum(0).cpu() for one in seen]))
            tokens += int(text.sum())
        return (torch.stack(above).sum(0) / tokens).float()

    def means_of(self, sequences: Sequence[Sequence[int]], site: str) -> Tensor:
        """Mean (D,) of the activations of any sequences of ids at any site."""
        lm = self.subject.lm
        total, tokens = torch.zeros(site_width(lm.network, site), dtype=torch.float64), 0
        for numbers in alike(sequences, self.batch):
            ids, mask = lm.pad([list(sequences[n]) for n in numbers])
            text = beyond_first(lm.is_text(ids) & mask.bool())
            rows = observe(lm.network, [site], ids, mask)[site][text].cpu()
            total += rows.double().sum(0)
            tokens += len(rows)
        return (total / tokens).float()

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


@contextmanager
def switches(network: nn.Module, blocks: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """What decides by its sign whether each block's MLP neurons are on: a gated MLP's gate, else the neuron itself."""
    seen: list[Tensor] = []
    handles = []
    try:
        for block in blocks:
            gate = dict(block.named_modules()).get("mlp.gate_proj")
            if gate is not None:
                handles.append(gate.register_forward_hook(lambda _m, _args, out: seen.append(out)))
            else:
                part = block.get_submodule(block_parts(network)["mlp_act"])
                handles.append(part.register_forward_pre_hook(lambda _m, args: seen.append(args[0])))
        yield seen
    finally:
        for handle in handles:
            handle.remove()
