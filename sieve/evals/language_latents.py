"""Do the latents that LangFIR keeps for a language fire on that language only, and are they the same on other text?

Of held-out documents, for each language's kept latents and for the consistent ones that were filtered out:

ratio       rate per token in the language over the highest in another; same_script: in another of the same script
auroc       how well a latent's rate in a document tells the language's from others
entropy     of its rates over languages, normalised, in nats: 0 if it fires in one only
jaccard     of the kept set with what other training text, or other random tokens, of a given number would keep
size        how many latents those would keep
overlap     of the kept sets of two languages
second_domain   ratio with the language's problems in the place of its documents

Medians over latents. kept_share: kept latents as a share of those that fire on any held-out text. A language without
such latents has no row but a note. Selection never looks at any of this.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, not_applicable
from sieve.features.activity import Firings, firings
from sieve.features.langfir import Noise, select
from sieve.features.langfir import Settings as Filter
from sieve.provenance import generator
from sieve.text.controls import random_like


@dataclass(frozen=True)
class Settings:
    """Held-out documents per language; sizes of samples and how many of each size are drawn, of text and of noise."""

    documents: int
    sizes: list[int]
    resamples: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """All rows; a note for a language without latents."""
    if not case.told:
        return not_applicable("language_latents", "ratio", "the text is in one language")
    held_out = {
        name: fired(case, [b.ids for b in case.pick("text", "test", settings.documents, name)]) for name in case.told
    }
    scripts = {name: script(case, name) for name in case.told}
    rows = [Row("language_latents", "kept_share", "", kept_share(case, held_out))]
    for name in case.told:
        found = case.languages[name]
        for kind, latents in (("kept", found.latents), ("filtered", found.filtered)):
            rows += selective(f"{kind} {name}", name, latents, held_out, scripts)
        rows += second_domain(case, settings, name, held_out)
        rows += stability(case, settings, name)
        rows += [
            Row("language_latents", "overlap", f"{name}/{other}", jaccard(found.latents, case.languages[other].latents))
            for other in case.told
            if other > name and (found.latents or case.languages[other].latents)
        ]
    return rows


def fired(case: Case, sequences: Sequence[Sequence[int]]) -> Firings:
    """What each latent does in each sequence."""
    return firings(case.subject, sequences, case.batch)


def script(case: Case, language: str) -> str:
    """The script that most letters of a language's text are in, by their Unicode names: LATIN, GREEK, ..."""
    blocks = case.pick("text", "train", 20, language)
    text = "".join(case.subject.lm.tokenizer.batch_decode([list(b.ids) for b in blocks], skip_special_tokens=True))
    names = Counter(unicodedata.name(c, "?").split()[0] for c in text if c.isalpha())
    return max(sorted(names), key=lambda name: names[name]) if names else ""


def kept_share(case: Case, held_out: dict[str, Firings]) -> float:
    """Latents that any language keeps, mean over languages, as a share of live ones."""
    alive = int(torch.stack([found.counts.sum(0) for found in held_out.values()]).sum(0).gt(0).sum())
    return sum(len(case.languages[name].latents) for name in held_out) / len(held_out) / max(1, alive)


def selective(
    label: str, own: str, latents: Sequence[int], held_out: dict[str, Firings], scripts: dict[str, str]
) -> list[Row]:
    """Medians over latents of ratio, same_script, auroc and entropy."""
    if not latents:
        return not_applicable("language_latents", "ratio", "there are no such latents", label)
    chosen = list(latents)
    others = [name for name in held_out if name != own]
    alike = [name for name in others if scripts[name] == scripts[own]]
    rates = torch.stack([held_out[name].rate[chosen] for name in held_out])
    share = rates / rates.sum(0).clamp_min(1e-300)
    figures = {
        "ratio": ratio(held_out[own], [held_out[name] for name in others])[chosen],
        "auroc": auroc(held_out[own], [held_out[name] for name in others], chosen),
        "entropy": -(share * share.clamp_min(1e-300).log()).sum(0),
    }
    if alike:
        figures["same_script"] = ratio(held_out[own], [held_out[name] for name in alike])[chosen]
    loud = rates.sum(0) > 0  # what is silent on held-out text has no entropy; its ratio is 0, its auroc a half
    figures["entropy"] = figures["entropy"][loud]
    return [
        Row("language_latents", metric, label, median(x.tolist()), n=len(x)) for metric, x in figures.items() if len(x)
    ]


def ratio(own: Firings, others: Sequence[Firings]) -> Tensor:
    """Rate per token over the highest of others', (F,). Of a silent latent half a firing is assumed."""
    highest = torch.stack([found.rate.clamp_min(0.5 / float(found.tokens.sum())) for found in others]).max(0).values
    return own.rate / highest


def auroc(own: Firings, others: Sequence[Firings], latents: list[int]) -> Tensor:
    """Probability that a latent's rate is higher in a document of the language than in another's, ties half, (m,)."""
    first = own.counts[:, latents].double() / own.tokens.clamp_min(1)[:, None]
    rest = torch.cat([x.counts[:, latents].double() / x.tokens.clamp_min(1)[:, None] for x in others])
    wins = [((a[:, None] > b).double() + 0.5 * (a[:, None] == b).double()).mean() for a, b in zip(first.T, rest.T)]
    return torch.stack(wins)


def second_domain(case: Case, settings: Settings, own: str, held_out: dict[str, Firings]) -> list[Row]:
    """ratio of kept latents in the language's problems; nothing where there are none."""
    problems, latents = case.pick("problem", "test", settings.documents, own), list(case.languages[own].latents)
    if not problems or not latents:
        return []
    found = ratio(fired(case, [b.ids for b in problems]), [held_out[name] for name in held_out if name != own])
    return [Row("language_latents", "second_domain", own, median(found[latents].tolist()), n=len(latents))]


def jaccard(a: Sequence[int], b: Sequence[int]) -> float | None:
    """|A ∩ B| / |A ∪ B|; None for two empty sets."""
    union = set(a) | set(b)
    return len(set(a) & set(b)) / len(union) if union else None


def stability(case: Case, settings: Settings, own: str) -> list[Row]:
    """jaccard and size, 'text N/L' and 'noise N/L': means over resamples, from the least to the largest of them."""
    direction = case.languages[own].direction
    if direction is None or not settings.resamples or not settings.sizes:
        return []
    how, largest = Filter(**{field.name: direction.origin[field.name] for field in fields(Filter)}), max(settings.sizes)
    train = [b.ids for b in case.pick("text", "train", None, own)]
    used, fresh = train[: how.sequences], train[how.sequences :]
    tokenizer, drawn = case.subject.lm.tokenizer, Noise.of(direction)
    pools = {
        "text": fired(case, fresh[: 2 * largest]),
        "noise": fired(case, random_like(tokenizer, train, 2 * largest, case.seed, "stability", drawn.exclude_bytes)),
    }
    # the filter's own noise, so that one thing varies at a time
    own_noise = random_like(tokenizer, used, len(used), drawn.seed, own, drawn.exclude_bytes)
    text, noise = fired(case, used).summed(), fired(case, own_noise).summed()
    rows = []
    for size in settings.sizes:
        for name, pool in pools.items():
            found: dict[str, list[float]] = {"jaccard": [], "size": []}
            for draw in range(settings.resamples if len(pool.tokens) >= size else 0):
                rng = generator(case.seed, "stability", name, own, size, draw)
                part = pool.of(torch.randperm(len(pool.tokens), generator=rng)[:size]).summed()
                selection = select(part, noise, how) if name == "text" else select(text, part, how)
                kept = selection.kept.nonzero().flatten().tolist()
                found["jaccard"].append(jaccard(kept, case.languages[own].latents) or 0.0)
                found["size"].append(len(kept))
            label = f"{name} {size}/{own}"
            rows += [
                Row("language_latents", metric, label, sum(each) / len(each), min(each), max(each), len(each))
                for metric, each in found.items()
                if each
            ]
    return rows
