"""The latents of a concept, chosen by rule on labelled tokens: candidates by selectivity, the choice by causal effect.

Selective is not causal: a latent can mark a name perfectly while the model reads the name elsewhere. So the candidates
are tried out. The effect of latent j on value b is what the log-probability (nats) of b's own tokens gains when j is
written at the places of another value's probes, plus what it loses when j is silenced at the places of b's own, both
with the reconstruction spliced in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from sieve.features.concepts import Choice, Concepts, Position, Probe, Settings, labelled, probe, surfaces
from sieve.interventions.swap import Feature
from sieve.model.splice import RowEdit
from sieve.subject import Subject
from sieve.text.blocks import Block


@torch.no_grad()
def mean_codes(
    subject: Subject, blocks: Sequence[Block], concept: str, position: Position, values: Sequence[str], batch: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(mean (V, F), rate (V, F), total (F,)).

    Mean code and firing rate at each value's labelled tokens, and firings anywhere.
    """
    row_of = {value: i for i, value in enumerate(values)}
    sums, fires = (torch.zeros(len(values), subject.sae.latents, dtype=torch.float64) for _ in range(2))
    counts, total = torch.zeros(len(values), dtype=torch.float64), torch.zeros(subject.sae.latents, dtype=torch.float64)
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        reading = subject.read(*subject.lm.pad([list(b.ids) for b in group]))
        z = reading.z.double().cpu()
        flat = (reading.text.flatten().cumsum(0) - 1).view(reading.text.shape)  # the row of z that each text token has
        total += (z != 0).sum(0)
        places = [
            (row_of[value], int(flat[i, place]))
            for i, block in enumerate(group)
            for value, place in labelled(block, concept, position)
            if value in row_of
        ]
        if places:
            owner, at = torch.tensor(places).unbind(1)
            sums.index_add_(0, owner, z[at])
            fires.index_add_(0, owner, (z[at] != 0).double())
            counts.index_add_(0, owner, torch.ones(len(owner), dtype=torch.float64))
    return sums / counts.clamp_min(1)[:, None], fires / counts.clamp_min(1)[:, None], total


Trial = tuple[Probe, tuple[int, ...], int, float]
NOISE = 1e-4
"""Nats: the shape of a batch alone changes a log-probability by less than this, an effect must be larger."""


@torch.no_grad()
def log_probability(subject: Subject, trials: Sequence[Trial], batch: int) -> Tensor:
    """Log-probability (nats) of a value's tokens after each probe, with one latent overwritten at the probe's places.

    A trial is (probe, the value's token ids, latent, activation to write); latent −1 writes nothing.
    Returns (len(trials),).
    """
    found = []
    for start in range(0, len(trials), batch):
        group = trials[start : start + batch]
        ids, mask = subject.lm.pad([[*p.ids, *target] for p, target, _, _ in group])
        with subject.spliced(_overwrite(group, ids.shape[1])):
            logits = subject.lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits
        for i, (p, target, _, _) in enumerate(group):
            at = torch.arange(len(p.ids) - 1, len(p.ids) + len(target) - 1)
            own = logits[i, at].log_softmax(-1)
            found.append(own[torch.arange(len(target)), torch.tensor(target)].sum().cpu())
    return torch.stack(found)


def _overwrite(group: Sequence[Trial], width: int) -> RowEdit:
    """Write each trial's activation to its latent at its places; a lookup (B, T) says which rows those are."""
    chosen = torch.zeros(len(group), width, dtype=torch.bool)
    for i, (p, _, latent, _) in enumerate(group):
        chosen[i, list(p.places)] = latent >= 0
    latents, values = torch.tensor([t[2] for t in group]), torch.tensor([t[3] for t in group])

    def apply(z: Tensor, where: Tensor) -> Tensor:
        owner, place = where.cpu().unbind(1)
        rows = chosen[owner, place].nonzero().flatten()
        z = z.clone()
        z[rows, latents[owner[rows]].to(z.device)] = values[owner[rows]].to(z)
        return z

    return apply


def choose(subject: Subject, blocks: Sequence[Block], settings: Settings, batch: int) -> Concepts:
    """For every value the up to `latents` largest effects among its `candidates` most selective latents.

    A latent speaks for one value only, the one on which its effect is largest: written for two, it could say but one of
    them. `blocks` must be training data. Values for which no latent with an effect is left get an empty feature.
    """
    concept, position = settings.concept, settings.position
    words = surfaces(blocks, concept)
    values = list(words)
    mean, rate, total = mean_codes(subject, blocks, concept, position, values, batch)
    typical = mean / rate.clamp_min(1e-12)
    counts = Counter(value for block in blocks for value, _ in labelled(block, concept, position))
    others = (mean.sum(0, keepdim=True) - mean) / max(1, len(values) - 1)
    ranked = (mean - others).topk(min(settings.candidates, mean.shape[1]), dim=1).indices
    found = [p for p in (probe(b, concept, position) for b in blocks) if p is not None]
    effects = _effects(subject, found, words, ranked, typical, settings.probes, batch)
    owned = assign(effects, ranked, settings.latents)
    choices = []
    for v, value in enumerate(values):
        good = owned[v]
        feature = Feature(value, tuple(good), tuple(float(typical[v, j]) for j in good))
        effect = float(effects[v][ranked[v] == good[0]]) if good else 0.0
        recall = float(rate[v, good[0]]) if good else 0.0
        precision = recall * counts[value] / max(1.0, float(total[good[0]])) if good else 0.0
        choices.append(Choice(feature, words[value], effect, precision, recall))
    return Concepts(concept, position, subject.site, subject.lm.digest, subject.sae.digest, tuple(choices))


def assign(effects: Tensor, ranked: Tensor, latents: int) -> list[list[int]]:
    """Each value's up to `latents` latents, largest effect first; effects (V, C) are those of candidates ranked (V, C).

    Greedy over all values at once, so that no latent is given out twice; effects within the noise count as none.
    """
    owned: list[list[int]] = [[] for _ in range(len(effects))]
    taken: set[int] = set()
    for place in effects.flatten().argsort(descending=True, stable=True).tolist():
        v, c = divmod(place, effects.shape[1])
        latent = int(ranked[v, c])
        if effects[v, c] > NOISE and latent not in taken and len(owned[v]) < latents:
            owned[v].append(latent)
            taken.add(latent)
    return owned


def _spread(found: list[Probe], count: int, start: int) -> list[Probe]:
    """Up to `count` different probes at even distances, from number `start` on and round the end."""
    step = max(1, len(found) // count)
    return [found[(start + i * step) % len(found)] for i in range(min(count, len(found)))]


def _effects(
    subject: Subject,
    found: list[Probe],
    words: dict[str, tuple[int, ...]],
    ranked: Tensor,
    typical: Tensor,
    probes: int,
    batch: int,
) -> Tensor:
    """(V, C): mean gain when written on other values' probes plus mean loss when silenced on its own."""
    trials: list[Trial] = []
    uses: list[tuple[int, int, int, int, float]] = []  # value, candidate, trial, its untouched trial, weight
    for v, value in enumerate(words):
        own = _spread([p for p in found if p.value == value], probes, 0)
        foreign = _spread([p for p in found if p.value != value], probes, v)
        for group, sign in ((foreign, 1.0), (own, -1.0)):
            for p in group:
                untouched = len(trials)
                trials.append((p, words[value], -1, 0.0))
                for c, latent in enumerate(ranked[v].tolist()):
                    uses.append((v, c, len(trials), untouched, sign / len(group)))
                    trials.append((p, words[value], latent, float(typical[v, latent]) if sign > 0 else 0.0))
    effects = torch.zeros(ranked.shape, dtype=torch.float64)
    if trials:
        log_p = log_probability(subject, trials, batch).double()
        for v, c, trial, untouched, weight in uses:
            effects[v, c] += weight * (log_p[trial] - log_p[untouched])
    return effects
