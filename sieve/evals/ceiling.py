"""What would an edit that knew the truth achieve here? The twin prompt's true activations are put in, site by site.

A swap cannot succeed where the information is not. *Patch ceiling* = share of pairs whose continuation names the target
when its activations at the mentions (`concept`) or at the last prompt token (`last`) replace the source's. The site to
train on, and the position at which latents are labelled, are a pair whose ceiling is as high as any other's of its kind
(of site, in every layer). They are compared on validation pairs, so that whoever chooses by them has not seen the test
pairs, on which swaps are judged.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, proportion
from sieve.features.concepts import Position, written
from sieve.features.counterfactual import Pair
from sieve.interventions.patch import patch
from sieve.model.generate import continue_ids
from sieve.model.sites import observe, parse_site, sites
from sieve.text.answers import mentions


@dataclass(frozen=True)
class Settings:
    """How many pairs, how many tokens to look for the target in."""

    pairs: int
    new_tokens: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """success per site and position set on validation pairs, in the original model; on test pairs `chosen`, at the
    subject's own site and position, and `subject`, the same edit through its Sae: the twin's reconstruction.
    """
    found, tuning = case.pairs("test", settings.pairs), case.pairs("valid", settings.pairs)
    if not found or not tuning:
        return case.no_pairs("ceiling", "valid" if found else "test")
    names, chosen = written(case.subject.lm, case.concepts.words), (case.subject.site, case.concepts.position)
    rows = []
    with case.subject.original():
        for site in sites(case.subject.lm.network, parse_site(case.subject.site).kind):
            for where in get_args(Position):
                hits = patched(case, tuning, names, site, where, settings.new_tokens)
                rows.append(proportion("ceiling", "success", f"{site}/{where}", hits))
        hits = patched(case, found, names, *chosen, settings.new_tokens)
        rows.append(replace(proportion("ceiling", "success", "chosen", hits), note="/".join(chosen)))
    hits = patched(case, found, names, *chosen, settings.new_tokens, spliced=True)
    return [*rows, proportion("ceiling", "success", "subject", hits)]


def patched(
    case: Case, found: list[Pair], names: dict[str, str], site: str, where: str, new_tokens: int, spliced: bool = False
) -> list[bool]:
    """Whether each pair's continuation names the target, the twin's activations (or reconstructions) patched in.

    `names` says how values read.
    """
    lm, hits = case.subject.lm, []
    for start in range(0, len(found), case.batch):
        group = found[start : start + case.batch]
        ids, mask = lm.pad([list(p.twin_ids) for p in group])
        values = observe(lm.network, [site], ids, mask)[site]
        rows, targets, sources = _places(group, where)
        taken = values[rows, sources]
        with ExitStack() as stack:
            if spliced:
                stack.enter_context(case.subject.spliced())
                taken = case.subject.sae.reconstruct(taken)
            stack.enter_context(patch(lm, site, rows, targets, taken))
            continuations = continue_ids(lm, [list(p.ids) for p in group], new_tokens)
        texts = lm.tokenizer.batch_decode(continuations)
        hits += [mentions(text, names[p.target]) for p, text in zip(group, texts)]
    return hits


def _places(group: list[Pair], where: str) -> tuple[Tensor, Tensor, Tensor]:
    """Batch row, position in the left-padded source and in the right-padded twin, (P,) each."""
    width = max(len(p.ids) for p in group)
    found = []
    for row, p in enumerate(group):
        left = width - len(p.ids)
        ends = zip(p.places, p.twin_places) if where == "concept" else [(len(p.ids) - 1, len(p.twin_ids) - 1)]
        found += [(row, left + a, b) for a, b in ends]
    rows, targets, sources = torch.tensor(found).unbind(1)
    return rows, targets, sources
