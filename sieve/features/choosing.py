"""The latents of a concept, chosen by rule on labelled tokens: candidates by selectivity, the choice by causal effect.

Selective is not causal: a latent can mark a name perfectly while the model reads the name elsewhere. So the candidates,
latents with the largest difference between what they write, on average, on the value's tokens and on other values'
(codes times the length of their atoms), are tried out.
The effect of a set of latents on value b is what the log-probability (nats) of b's own tokens gains when they are
written at the places of another value's probes, plus what it loses when they are silenced at the places of b's own,
both with the reconstruction spliced in.

The *causal* pick is the candidate with the largest effect, grown by further candidates as long as the joint effect
rises. The *selective* one, for comparison, is the latent with the largest F1 of precision and recall on labelled
tokens. Mean difference and F1 are how single neurons are ranked and judged in Gurnee et al. 2023, arXiv 2305.01610.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.features.concepts import (
    Choice,
    Concepts,
    Pick,
    Probe,
    Settings,
    labelled,
    probe,
    surfaces,
    values_of,
)
from sieve.features.place import Place, Position
from sieve.interventions.swap import Feature
from sieve.model.batches import alike
from sieve.model.splice import RowEdit
from sieve.subject import Subject
from sieve.text.blocks import Block


@torch.no_grad()
def mean_codes(
    subject: Subject, blocks: Sequence[Block], values: Sequence[tuple[str, str]], position: Position, batch: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(mean (V, F), rate (V, F), total (F,)).

    Mean code and firing rate at the labelled tokens of each (concept, value), and firings anywhere.
    """
    row_of = {value: i for i, value in enumerate(values)}
    concepts = dict.fromkeys(concept for concept, _ in values)
    sums, fires = (torch.zeros(len(values), subject.sae.latents, dtype=torch.float64) for _ in range(2))
    counts, total = torch.zeros(len(values), dtype=torch.float64), torch.zeros(subject.sae.latents, dtype=torch.float64)
    for numbers in alike([block.ids for block in blocks], batch):
        group = [blocks[n] for n in numbers]
        reading = subject.read(*subject.lm.pad([list(b.ids) for b in group]))
        z = reading.z.double().cpu()
        flat = (reading.text.flatten().cumsum(0) - 1).view(reading.text.shape)  # the row of z that each text token has
        total += (z != 0).sum(0)
        places = [
            (row_of[concept, value], int(flat[i, place]))
            for i, block in enumerate(group)
            for concept in concepts
            for value, place in labelled(block, concept, position)
            if (concept, value) in row_of
        ]
        if places:
            owner, at = torch.tensor(places).unbind(1)
            sums.index_add_(0, owner, z[at])
            fires.index_add_(0, owner, (z[at] != 0).double())
            counts.index_add_(0, owner, torch.ones(len(owner), dtype=torch.float64))
    return sums / counts.clamp_min(1)[:, None], fires / counts.clamp_min(1)[:, None], total


class Trial(NamedTuple):
    """A probe, the tokens that should come after it, and the latents that are overwritten at its places, by `codes`."""

    probe: Probe
    ids: tuple[int, ...]
    latents: tuple[int, ...]
    codes: tuple[float, ...]


NOISE = 1e-4
"""Nats: the shape of a batch alone changes a log-probability by less than this, an effect must be larger."""


@torch.no_grad()
def log_probability(subject: Subject, trials: Sequence[Trial], batch: int) -> Tensor:
    """Log-probability (nats) of each trial's `ids` after its probe, with its latents overwritten, (len(trials),)."""
    read = [[*t.probe.ids, *t.ids] for t in trials]
    found = torch.empty(len(trials))
    for numbers in alike(read, batch):
        group = [trials[n] for n in numbers]
        ids, mask = subject.lm.pad([read[n] for n in numbers])
        with subject.spliced(_overwrite(group, ids.shape[1])):
            logits = subject.lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits
        for i, (n, t) in enumerate(zip(numbers, group)):
            at = torch.arange(len(t.probe.ids) - 1, len(t.probe.ids) + len(t.ids) - 1)
            own = logits[i, at].log_softmax(-1)
            found[n] = own[torch.arange(len(t.ids)), torch.tensor(t.ids)].sum()
    return found


def _overwrite(group: Sequence[Trial], width: int) -> RowEdit:
    """Write each trial's codes to its latents at its places; a lookup (B, T) says which rows those are."""
    chosen = torch.zeros(len(group), width, dtype=torch.bool)
    for i, t in enumerate(group):
        chosen[i, list(t.probe.places)] = bool(t.latents)
    most = max(len(t.latents) for t in group)  # shorter sets are filled up with their last latent, which changes none
    latents = torch.tensor(
        [(*t.latents, *(t.latents[-1:] or (0,)) * (most - len(t.latents))) for t in group], dtype=torch.long
    )
    codes = torch.tensor([(*t.codes, *(t.codes[-1:] or (0.0,)) * (most - len(t.codes))) for t in group])

    def apply(z: Tensor, where: Tensor) -> Tensor:
        owner, place = where.cpu().unbind(1)
        rows = chosen[owner, place].nonzero().flatten()
        z = z.clone()
        z[rows[:, None], latents[owner[rows]].to(z.device)] = codes[owner[rows]].to(z)
        return z

    return apply


def choose(subject: Subject, blocks: Sequence[Block], place: Place, settings: Settings, batch: int) -> list[Concepts]:
    """What is chosen for every value of the concept that is to be turned, then of the others that `settings` name.

    A latent is the causal pick of one value of a concept only, the one on which its effect is largest: written for two,
    it could say but one of them. `blocks` must be training data. Values for which no latent with an effect is left get
    an empty feature; where `blocks` mark nothing at all there are no values. ValueError when they mark other concepts.
    """
    places = [replace(place, concept=concept) for concept in (place.concept, *settings.also)]
    values = [(own.concept, value) for own in places for value in values_of(blocks, own.concept)]
    mean, rate, total = mean_codes(subject, blocks, values, place.position, batch)
    found = []
    for own in places:
        rows = [row for row, (concept, _) in enumerate(values) if concept == own.concept]
        found.append(_choose(subject, blocks, own, settings, (mean[rows], rate[rows], total), batch))
    return found


def _choose(
    subject: Subject,
    blocks: Sequence[Block],
    place: Place,
    settings: Settings,
    codes: tuple[Tensor, Tensor, Tensor],
    batch: int,
) -> Concepts:
    """What is chosen for one concept, by what `mean_codes` gives for its values."""
    mean, rate, total = codes
    tasks = _tasks(blocks, place, settings.probes)
    typical = mean / rate.clamp_min(1e-12)
    labels = torch.tensor([task.labels for task in tasks], dtype=torch.float64)
    precision = rate * labels[:, None] / total.clamp_min(1)
    written = mean * subject.sae.W_dec.norm(dim=1).double().cpu()
    contrast = written - (written.sum(0, keepdim=True) - written) / max(1, len(tasks) - 1)
    most = contrast.topk(min(settings.candidates, mean.shape[1]), dim=1).indices.tolist()
    # one that is silent on the value has nothing to write there; silenced on other values it may seem to say this one
    ranked = [[j for j in row if rate[v, j] > 0] for v, row in enumerate(most)]

    def measure(sets: Sets) -> list[list[float]]:
        return effects(subject, tasks, sets, typical, batch)

    sae = subject.sae.digest

    def pick(v: int, latents: tuple[int, ...], effect: float) -> Pick:
        feature = Feature(tasks[v].value, latents, tuple(float(typical[v, j]) for j in latents), sae)
        first = [float(table[v, latents[0]]) if latents else 0.0 for table in (precision, rate)]
        return Pick(feature, effect, *first)

    causal = grow(ranked, settings.latents, measure)
    marking = most_selective(precision, rate, contrast)
    apart = [sum(effect, 0.0) for effect in measure([[latents] if latents else [] for latents in marking])]
    choices = [Choice(task.ids, pick(v, *causal[v]), pick(v, marking[v], apart[v])) for v, task in enumerate(tasks)]
    return Concepts(place.concept, place.position, subject.site, subject.lm.digest, sae, tuple(choices))


Sets = list[list[tuple[int, ...]]]
"""For each value the sets of latents that are to be tried."""


def grow(
    ranked: Sequence[Sequence[int]], latents: int, measure: Callable[[Sets], list[list[float]]]
) -> list[tuple[tuple[int, ...], float]]:
    """Each value's set of up to `latents` of its candidates `ranked`, and its effect; () and 0 where none has one.

    Forward selection, by what a candidate adds to the joint effect of those already in. In every round each value takes
    one at most, the largest gain over all values first, so that no latent is given out twice; a value whose effect
    doesn't rise by more than the noise is done.
    """
    owned: list[tuple[tuple[int, ...], float]] = [((), 0.0) for _ in ranked]
    taken: set[int] = set()
    growing = set(range(len(ranked)))
    for _ in range(latents):
        sets = [
            [(*owned[v][0], j) for j in row if j not in taken] if v in growing else [] for v, row in enumerate(ranked)
        ]
        joint = measure(sets)
        gains = [
            (effect - owned[v][1], v, own, effect) for v in range(len(ranked)) for own, effect in zip(sets[v], joint[v])
        ]
        growing = set()
        for gain, v, own, effect in sorted(gains, key=lambda found: -found[0]):
            if gain > NOISE and own[-1] not in taken and v not in growing:
                owned[v] = own, effect
                taken.add(own[-1])
                growing.add(v)
    return owned


def most_selective(precision: Tensor, recall: Tensor, contrast: Tensor) -> list[tuple[int, ...]]:
    """For each value the one latent with the largest F1, all (V, F); equals by contrast; () where none ever fires."""
    f1 = 2 * precision * recall / (precision + recall).clamp_min(1e-12)
    best = f1 == f1.amax(1, keepdim=True)
    latents = contrast.masked_fill(~best, -torch.inf).argmax(1).tolist()
    return [(j,) if f1[v, j] > 0 else () for v, j in enumerate(latents)]


class Task(NamedTuple):
    """One value: its tokens, how many tokens are labelled with it, and probes of its own and of other values."""

    value: str
    ids: tuple[int, ...]
    labels: int
    own: list[Probe]
    foreign: list[Probe]


def _tasks(blocks: Sequence[Block], place: Place, probes: int) -> list[Task]:
    counts = Counter(value for block in blocks for value, _ in labelled(block, place.concept, place.position))
    found = [p for p in (probe(b, place.concept, place.position) for b in blocks) if p is not None]
    tasks = []
    for v, (value, ids) in enumerate(surfaces(blocks, place.concept).items()):
        own = _spread([p for p in found if p.value == value], probes, 0)
        foreign = _spread([p for p in found if p.value != value], probes, v)
        tasks.append(Task(value, ids, counts[value], own, foreign))
    return tasks


def _spread(found: list[Probe], count: int, start: int) -> list[Probe]:
    """Up to `count` different probes at even distances, from number `start` on and round the end."""
    step = max(1, len(found) // count)
    return [found[(start + i * step) % len(found)] for i in range(min(count, len(found)))]


def effects(subject: Subject, tasks: Sequence[Task], sets: Sets, typical: Tensor, batch: int) -> list[list[float]]:
    """Of every set: mean gain when written, as is `typical` (V, F), on foreign probes, plus mean loss when silenced."""
    trials: list[Trial] = []
    uses: list[tuple[int, int, int, int, float]] = []  # value, set, trial, its untouched trial, weight
    for v, task in enumerate(tasks):
        for group, sign in ((task.foreign, 1.0), (task.own, -1.0)):
            for p in group if sets[v] else []:
                untouched = len(trials)
                trials.append(Trial(p, task.ids, (), ()))
                for s, latents in enumerate(sets[v]):
                    codes = tuple(float(typical[v, j]) if sign > 0 else 0.0 for j in latents)
                    uses.append((v, s, len(trials), untouched, sign / len(group)))
                    trials.append(Trial(p, task.ids, latents, codes))
    found = [[0.0] * len(row) for row in sets]
    if trials:
        log_p = log_probability(subject, trials, batch).double().tolist()
        for v, s, trial, untouched, weight in uses:
            found[v][s] += weight * (log_p[trial] - log_p[untouched])
    return found
