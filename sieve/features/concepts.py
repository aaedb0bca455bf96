"""Latents of a concept, chosen by rule on labelled tokens: candidates by selectivity, the choice by causal effect.

Selective is not causal: a latent can mark a name perfectly and the model may read the name elsewhere. So the candidates are
tried out. A *probe* is a text cut just before a later mention of a value v; the effect of latent j on value b is what the
log-probability (nats) of b's own tokens gains when j is written at the earlier mentions of another value, plus what it loses
when j is silenced at earlier mentions of b itself, both with the reconstruction spliced in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.interventions.swap import Feature
from sieve.model.splice import RowEdit
from sieve.subject import Subject
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Probe:
    """`ids` end just before a mention of `value`; `places` are the last tokens of its earlier mentions."""

    doc: str
    value: str
    ids: tuple[int, ...]
    places: tuple[int, ...]


def surfaces(blocks: Sequence[Block], concept: str) -> dict[str, tuple[int, ...]]:
    """The commonest token sequence of each value of `concept`, values sorted; ties go to the smaller ids."""
    seen: dict[str, Counter[tuple[int, ...]]] = {}
    for block in blocks:
        for m in block.mentions:
            if m.concept == concept:
                seen.setdefault(m.value, Counter())[block.ids[m.first : m.last + 1]] += 1
    return {value: min(seen[value], key=lambda ids: (-seen[value][ids], ids)) for value in sorted(seen)}


def probe(block: Block, concept: str) -> Probe | None:
    """The block cut before its solution's first mention (a problem) or its last mention (text) of one value; None when there is no such place."""
    mentions = [m for m in block.mentions if m.concept == concept]
    late = [m for m in mentions if m.first >= block.prompt] if block.kind == "problem" else mentions[-1:]
    if not late:
        return None
    end = late[0]
    places = tuple(m.last for m in mentions if m.value == end.value and m.last < end.first)
    return Probe(block.doc, end.value, block.ids[: end.first], places) if places else None


@torch.no_grad()
def mean_codes(subject: Subject, blocks: Sequence[Block], concept: str, values: Sequence[str], batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """(mean (V, F), rate (V, F), total (F,)): mean code and firing rate at the last token of each value's mentions, and firings anywhere."""
    row_of = {value: i for i, value in enumerate(values)}
    sums, fires = (torch.zeros(len(values), subject.sae.latents, dtype=torch.float64) for _ in range(2))
    counts, total = torch.zeros(len(values), dtype=torch.float64), torch.zeros(subject.sae.latents, dtype=torch.float64)
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        reading = subject.read(*subject.lm.pad([list(b.ids) for b in group]))
        z = reading.z.double().cpu()
        flat = (reading.text.flatten().cumsum(0) - 1).view(reading.text.shape)  # the row of z that each text token has
        total += (z != 0).sum(0)
        places = [(row_of[m.value], int(flat[i, m.last])) for i, b in enumerate(group) for m in b.mentions if m.concept == concept and m.value in row_of]
        if places:
            owner, at = torch.tensor(places).unbind(1)
            sums.index_add_(0, owner, z[at])
            fires.index_add_(0, owner, (z[at] != 0).double())
            counts.index_add_(0, owner, torch.ones(len(owner), dtype=torch.float64))
    return sums / counts.clamp_min(1)[:, None], fires / counts.clamp_min(1)[:, None], total


Trial = tuple[Probe, tuple[int, ...], int, float]


@torch.no_grad()
def log_probability(subject: Subject, trials: Sequence[Trial], batch: int) -> Tensor:
    """Log-probability (nats) of a value's tokens after each probe, with one latent overwritten at the probe's places.

    A trial is (probe, the value's token ids, latent, activation to write); latent −1 writes nothing. Returns (len(trials),).
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


@dataclass(frozen=True)
class Choice:
    """What was chosen for one value, and how good it is: `effect` in nats, precision and recall of its first latent on labelled tokens."""

    feature: Feature
    effect: float
    precision: float
    recall: float


def choose(subject: Subject, blocks: Sequence[Block], concept: str, candidates: int, size: int, probes: int, batch: int) -> list[Choice]:
    """For every value of `concept` the up to `size` latents with the largest effect among its `candidates` most selective ones.

    `blocks` must be training data; `probes` texts a value try each candidate. Values whose best latent does nothing get an empty feature.
    """
    words = surfaces(blocks, concept)
    values = list(words)
    mean, rate, total = mean_codes(subject, blocks, concept, values, batch)
    counts = Counter(m.value for b in blocks for m in b.mentions if m.concept == concept)
    others = (mean.sum(0, keepdim=True) - mean) / max(1, len(values) - 1)
    ranked = (mean - others).topk(min(candidates, mean.shape[1]), dim=1).indices
    found = [p for p in (probe(b, concept) for b in blocks) if p is not None]
    effects = _effects(subject, found, values, words, ranked, mean, rate, probes, batch)
    choices = []
    for v, value in enumerate(values):
        order = sorted(range(ranked.shape[1]), key=lambda c: (-float(effects[v, c]), c))
        good = [int(ranked[v, c]) for c in order[:size] if effects[v, c] > 0]
        typical = tuple(float(mean[v, j] / rate[v, j].clamp_min(1e-12)) for j in good)
        hits = float(rate[v, good[0]]) * counts[value] if good else 0.0
        choices.append(
            Choice(
                Feature(value, tuple(good), typical),
                float(effects[v, order[0]]),
                hits / max(1.0, float(total[good[0]])) if good else 0.0,
                float(rate[v, good[0]]) if good else 0.0,
            )
        )
    return choices


def _effects(subject: Subject, found: list[Probe], values: list[str], words: dict[str, tuple[int, ...]], ranked: Tensor,
             mean: Tensor, rate: Tensor, probes: int, batch: int) -> Tensor:  # fmt: skip
    """(V, C): mean gain when written on other values' probes plus mean loss when silenced on its own."""
    trials: list[Trial] = []
    owner: list[tuple[int, int, float]] = []
    for v, value in enumerate(values):
        own = [p for p in found if p.value == value][:probes]
        foreign = [p for p in found if p.value != value][v :: max(1, len(found) // (probes + 1))][:probes]
        for c in range(ranked.shape[1]):
            latent = int(ranked[v, c])
            typical = float(mean[v, latent] / rate[v, latent].clamp_min(1e-12))
            for group, write, sign in ((foreign, typical, 1.0), (own, 0.0, -1.0)):
                for p in group:
                    trials += [(p, words[value], latent, write), (p, words[value], -1, 0.0)]
                    owner.append((v, c, sign / len(group)))
    gains = log_probability(subject, trials, batch).double()
    effects = torch.zeros(ranked.shape, dtype=torch.float64)
    for (v, c, weight), gain in zip(owner, (gains[0::2] - gains[1::2]).tolist()):
        effects[v, c] += weight * gain
    return effects
