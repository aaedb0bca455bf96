"""How much could any edit achieve here? The true activations of the twin prompt are put in, site by site.

A swap cannot succeed where the information is not. *Patch ceiling* = share of pairs whose continuation names the target when
its activations at the mentions (`concept`) or at the last prompt token (`last`) replace the source's. The site to train on
is the one with the highest ceiling at the mentions, for that is where a latent of the concept fires.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, not_applicable, proportion
from sieve.features.concepts import surfaces
from sieve.features.counterfactual import Pair, pairs
from sieve.interventions.patch import patch
from sieve.model.generate import continue_ids
from sieve.model.sites import observe, sites
from sieve.text.answers import mentions


@dataclass(frozen=True)
class Settings:
    """Which concept, how many pairs, how many tokens to look for the target in."""

    concept: str
    pairs: int
    new_tokens: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """success per site and position set in the original model, and `subject/concept` through the subject's own reconstruction."""
    kind = "problem" if case.pick("problem", "test", 1) else "text"
    words = surfaces(case.pick(kind, "train"), settings.concept)
    if len(words) < 2:
        return not_applicable("ceiling", "success", f"the training {kind}s mention fewer than two values of '{settings.concept}'")
    found = pairs(case.pick(kind, "test"), settings.concept, words, settings.pairs)
    if not found:
        return not_applicable("ceiling", "success", f"no test {kind} mentions a '{settings.concept}' twice")
    lm = case.subject.lm
    rows = []
    with case.subject.original():
        for site in sites(lm.network):
            for where in ("concept", "last"):
                hits = patched(case, found, site, where, settings.new_tokens, spliced=False)
                rows.append(proportion("ceiling", "success", f"{site}/{where}", hits))
    hits = patched(case, found, case.subject.site, "concept", settings.new_tokens, spliced=True)
    return [*rows, proportion("ceiling", "success", "subject/concept", hits)]


def patched(case: Case, found: list[Pair], site: str, where: str, new_tokens: int, spliced: bool) -> list[bool]:
    """Whether each pair's continuation names the target, with the twin's activations (or their reconstruction) patched in."""
    lm, hits = case.subject.lm, []
    for start in range(0, len(found), case.batch):
        group = found[start : start + case.batch]
        ids, mask = lm.pad([list(p.twin_ids) for p in group], side="left")
        values = observe(lm.network, [site], ids, mask)[site]
        rows, targets, sources = _places(group, where)
        taken = values[rows, sources]
        with ExitStack() as stack:
            if spliced:
                stack.enter_context(case.subject.spliced())
                taken = case.subject.sae.reconstruct(taken)
            stack.enter_context(patch(lm, site, rows, targets, taken))
            continuations = continue_ids(lm, [list(p.ids) for p in group], new_tokens)
        hits += [mentions(text, p.target) for p, text in zip(group, lm.tokenizer.batch_decode(continuations))]
    return hits


def _places(group: list[Pair], where: str) -> tuple[Tensor, Tensor, Tensor]:
    """Batch row, position in the source and position in the twin, (P,) each, counted in left-padded batches."""
    width, twin_width = max(len(p.ids) for p in group), max(len(p.twin_ids) for p in group)
    found = []
    for row, p in enumerate(group):
        left, twin_left = width - len(p.ids), twin_width - len(p.twin_ids)
        ends = zip(p.places, p.twin_places) if where == "concept" else [(len(p.ids) - 1, len(p.twin_ids) - 1)]
        found += [(row, left + a, twin_left + b) for a, b in ends]
    rows, targets, sources = torch.tensor(found).unbind(1)
    return rows, targets, sources
