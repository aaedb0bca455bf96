"""If the latents of one language are removed, which languages suffer?

There are several WAYS to remove latents. `zero` takes out what the Sae says is active (h − Σ z_j d_j), `project` the
whole span of the atoms, `mean` that span's deviation from its mean over training text: what is left is no language's in
particular. Later layers can rebuild a direction, so `project_later` and `mean_later` do it at the later sites of the
same kind too. The error that the Sae makes anyway stays in the stream, so that only the removal is seen. An adapted
subject is asked with its adapter on, before and after. Cross-entropy in nats per token, over held-out documents.

Controls, each removed in the ways that are `controlled`, as removing any latents' span costs something. `random`: as
many latents, which fire about as often and whose atoms are about as long, as far as there are such, drawn several times
(low and high, of 20 draws or more, are the 2.5 % and 97.5 % ones); the note says how often they fire beside those that
are kept. `consistent`: what would be kept without the filter. `filtered`: the consistent latents that it drops, as many
as are kept or all there are. `unshared`: what is kept for this language alone, since a latent of what all languages
have, such as full stops, costs them all. Notes say how many are removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, not_applicable, weighted_mean
from sieve.features.activity import activity, beyond_first
from sieve.features.matched import matched_latents
from sieve.interventions.ablate import ablate, silence
from sieve.model.sites import observe, parse_site, site_width, sites
from sieve.provenance import generator
from sieve.text.blocks import Block

Way = Literal["zero", "project", "project_later", "mean", "mean_later"]
WAYS: tuple[Way, ...] = get_args(Way)
ENOUGH = 20
"""Draws from which on a band can be told."""


@dataclass(frozen=True)
class Settings:
    """Held-out documents per language; ways to remove latents, and those for controls too; draws of random latents."""

    documents: int
    ways: list[Way]
    controlled: list[Way]
    draws: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        if not self.ways or len(set(self.ways)) < len(self.ways):
            raise ValueError(f"ways are {self.ways}; say at least one of {', '.join(WAYS)}, none of them twice")
        if not set(self.controlled) <= set(self.ways) or bool(self.controlled) != bool(self.draws):
            raise ValueError(
                f"controlled is {self.controlled} with {self.draws} draws; name some of ways ({', '.join(self.ways)}) "
                "and draws of random latents, or [] and 0"
            )


def run(case: Case, settings: Settings) -> list[Row]:
    """ce per language, and delta_ce per pair 'ablate A/on B', with intervals from a paired bootstrap over documents.

    'ablate' is the first way; pairs of the others are called 'project A/on B' and so on, with the way as note. Controls
    are 'random A/on B' in the first way, 'random_project A/on B' in others.
    """
    if not case.told:
        return not_applicable("language_ablation", "delta_ce", "the text is in one language")
    texts = {on: case.pick("text", "test", settings.documents, on) for on in case.told}
    blocks, sizes = [b for own in texts.values() for b in own], [len(own) for own in texts.values()]
    base, tokens = cross_entropy(case, blocks)
    means = centres(case, settings.documents, settings.ways)

    def rise(latents: Sequence[int], way: Way) -> list[Tensor]:
        if not latents:
            return []
        with removal(case, latents, way, means):
            return list((cross_entropy(case, blocks)[0] - base).split(sizes))

    asked = list(zip(case.told, base.split(sizes), tokens.split(sizes)))
    rows = [weighted_mean("language_ablation", "ce", on, nats, count, case.seed) for on, nats, count in asked]
    draws = drawn(case, settings) if settings.controlled else {}
    for own in case.told:
        found = case.languages[own]
        for way in settings.ways:
            kind = "ablate" if way == settings.ways[0] else way
            rows += removed(case, kind, own, asked, rise(found.latents, way), way, "kept")
        for way in settings.controlled:
            suffix = "" if way == settings.ways[0] else f"_{way}"
            for control, latents in controls(case, own).items():
                note = f"{len(latents)} latents, {len(found.latents)} are kept"
                rows += removed(case, f"{control}{suffix}", own, asked, rise(latents, way), note, control)
            each = [rise(latents, way) for latents in draws[own].sets]
            for place, (on, _, count) in enumerate(asked):
                changes = [float(one[place].sum() / count.sum()) for one in each]
                rows += band(f"random{suffix} {own}/on {on}", changes, draws[own].note)
    return rows


def controls(case: Case, own: str) -> dict[str, tuple[int, ...]]:
    """{control: latents} beside random ones; none where there are none of a kind."""
    found = case.languages[own]
    others = {latent for name in case.told if name != own for latent in case.languages[name].latents}
    return {
        "consistent": (*found.latents, *found.filtered),
        "filtered": found.filtered[: len(found.latents)],
        "unshared": tuple(latent for latent in found.latents if latent not in others),
    }


def removed(
    case: Case,
    kind: str,
    own: str,
    asked: Sequence[tuple[str, Tensor, Tensor]],
    rises: Sequence[Tensor],
    note: str,
    what: str,
) -> list[Row]:
    """What the loss of latents costs each language; a note for each where there were none of `what` is removed."""
    rows: list[Row] = []
    for place, (on, _, tokens) in enumerate(asked):
        label = f"{kind} {own}/on {on}"
        if rises:
            cost = weighted_mean("language_ablation", "delta_ce", label, rises[place], tokens, case.seed)
            rows.append(replace(cost, note=note))
        else:
            rows += not_applicable("language_ablation", "delta_ce", f"{own} has no {what} latents to be removed", label)
    return rows


def band(label: str, changes: Sequence[float], note: str) -> list[Row]:
    """The mean of draws, and between what nearly all of them lie; a few cannot tell that."""
    if not changes:
        return []
    ordered, last = sorted(changes), len(changes) - 1
    enough = len(changes) >= ENOUGH
    low, high = (ordered[round(0.025 * last)], ordered[round(0.975 * last)]) if enough else (None, None)
    return [Row("language_ablation", "delta_ce", label, sum(changes) / len(changes), low, high, len(changes), note)]


class Draws(NamedTuple):
    """Sets of random latents, and how often they fire beside what they stand for."""

    sets: list[tuple[int, ...]]
    note: str


def drawn(case: Case, settings: Settings) -> dict[str, Draws]:
    """For each language latents that no language keeps, but alike on its training text; no sets where none is kept."""
    sae = case.subject.sae
    taken = {latent for found in case.languages.values() for latent in found.latents}
    length = sae.W_dec.norm(dim=1).cpu()
    found: dict[str, Draws] = {}
    for name in case.told:
        own, sets, note = case.languages[name].latents, list[tuple[int, ...]](), ""
        if own:
            texts = [b.ids for b in case.pick("text", "train", settings.documents, name)]
            rate = activity(case.subject, texts, case.batch).rate
            for draw in range(settings.draws):
                rng = generator(case.seed, "ablation control", name, draw)
                sets.append(matched_latents(own, rate, length, taken, rng))
            sets = [latents for latents in sets if latents]
            often = sum(float(rate[list(latents)].sum()) for latents in sets) / max(1, len(sets))
            kept = max(float(rate[list(own)].sum()), 1e-12)
            note = f"they fire {often / kept:.2f} times as often as those that are kept"
        found[name] = Draws(sets, note)
    return found


def places(case: Case, way: Way) -> list[str]:
    """Where a way removes: at the subject's site, or there and at those of the same kind after it."""
    if not way.endswith("_later"):
        return [case.subject.site]
    own = parse_site(case.subject.site)
    return [name for name in sites(case.subject.lm.network, own.kind) if parse_site(name).layer >= own.layer]


def centres(case: Case, documents: int, ways: Sequence[Way]) -> dict[str, Tensor]:
    """{place: mean activation (D,)} over training text, as many documents of each language, where `ways` need it."""
    lm, names = case.subject.lm, sorted({p for way in ways if way.startswith("mean") for p in places(case, way)})
    if not names:
        return {}
    blocks = [b for name in case.told for b in case.pick("text", "train", documents, name)]
    totals = {name: torch.zeros(site_width(lm.network, name), dtype=torch.float64) for name in names}
    tokens = 0
    for _, ids, mask in case.batches(blocks):
        text = beyond_first(lm.is_text(ids) & mask.bool())
        for name, hidden in observe(lm.network, names, ids, mask).items():
            totals[name] = totals[name] + hidden[text].double().sum(0).cpu()
        tokens += int(text.sum())
    return {name: (total / tokens).float() for name, total in totals.items()}


def removal(
    case: Case, latents: Sequence[int], way: Way, means: Mapping[str, Tensor]
) -> AbstractContextManager[object]:
    """One way of taking `latents` out; the two that leave a mean read it from `means` (of `centres`)."""
    subject = case.subject
    if way == "zero":
        return silence(subject, latents)
    stack = ExitStack()
    atoms = subject.sae.W_dec[list(latents)]
    for site in places(case, way):
        stack.enter_context(ablate(subject.lm, site, atoms, means[site] if way.startswith("mean") else None))
    return stack


@torch.no_grad()
def cross_entropy(case: Case, blocks: list[Block]) -> tuple[Tensor, Tensor]:
    """(summed nats, judged tokens) per document, float64 (N,)."""
    lm, sums, counts = case.subject.lm, *torch.zeros(2, len(blocks), dtype=torch.float64)
    for numbers, ids, mask in case.batches(blocks):
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
        judged = (lm.is_text(ids) & mask.bool())[:, 1:]
        nats = -logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0].double()
        sums[numbers] = (nats * judged).sum(1).cpu()
        counts[numbers] = judged.sum(1).double().cpu()
    return sums, counts
