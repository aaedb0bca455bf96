"""What would an edit that knew the truth achieve here? The twin prompt's true activations are put in, site by site.

An edit cannot succeed where the information is not. *Patch ceiling* = share of pairs whose continuation names the
target, and not the source, when its activations at the mentions (`concept`) or at the last prompt token (`last`)
replace the source's. It is measured for every concept of the problems: where interventions on it can work at all. The
site to train on, and the position at which latents are labelled, are a pair whose ceiling is as high as any other's of
its kind (of site, in every layer). Places are compared on validation pairs, so that whoever chooses by them has not
seen the test pairs, on which swaps are judged.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

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
    """How many pairs of the chosen concept and of each other one, how many tokens to look for the target in."""

    pairs: int
    other_pairs: int
    new_tokens: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all that can't be asked; other_pairs 0 asks about no other concept."""
        least = {"pairs": 1, "other_pairs": 0, "new_tokens": 1}
        wrong = [
            f"{name} is {getattr(self, name)}; must be at least {n}"
            for name, n in least.items()
            if getattr(self, name) < n
        ]
        if wrong:
            raise ValueError("; ".join(wrong))


class Place(NamedTuple):
    """Where activations are exchanged: a site and the tokens."""

    site: str
    where: Position


class Asked(NamedTuple):
    """A pair and how its source and target read in text."""

    pair: Pair
    source: str
    target: str


def run(case: Case, settings: Settings) -> list[Row]:
    """success per concept, site and position set on validation pairs, in the original model.

    On test pairs `chosen`, at the subject's own site and position, and `subject`, the same edit through its Sae: the
    twin's reconstruction.
    """
    concept, own = case.concepts.concept, Place(case.subject.site, case.concepts.position)
    names = case.other_concepts() if settings.other_pairs else []
    others = {name: _asked(case, "valid", name, settings.other_pairs) for name in names}
    rows = [row for name, asked in others.items() if not asked for row in case.no_pairs("ceiling", "valid", name)]
    found, tuning = (_asked(case, split, concept, settings.pairs) for split in ("test", "valid"))
    if not found or not tuning:
        rows += case.no_pairs("ceiling", "valid" if found else "test", concept)
        return rows + _everywhere(case, others, settings.new_tokens)
    rows += _everywhere(case, {concept: tuning} | others, settings.new_tokens)
    with case.subject.original():
        (hits,) = patched(case, found, [own], settings.new_tokens)
    rows.append(replace(proportion("ceiling", "success", "chosen", hits), note="/".join((concept, *own))))
    (hits,) = patched(case, found, [own], settings.new_tokens, spliced=True)
    return [*rows, proportion("ceiling", "success", "subject", hits)]


def _everywhere(case: Case, found: dict[str, list[Asked]], new_tokens: int) -> list[Row]:
    """One row per concept, site of the subject's kind and position set; all concepts share the batches."""
    kind = parse_site(case.subject.site).kind
    places = [Place(site, where) for site in sites(case.subject.lm.network, kind) for where in get_args(Position)]
    owners = [concept for concept, asked in found.items() for _ in asked]
    with case.subject.original():
        hits = patched(case, [a for asked in found.values() for a in asked], places, new_tokens)
    rows = []
    for concept in dict.fromkeys(owners):
        for place, judged in zip(places, hits):
            own = [hit for hit, owner in zip(judged, owners) if owner == concept]
            rows.append(proportion("ceiling", "success", "/".join((concept, *place)), own))
    return rows


def _asked(case: Case, split: str, concept: str, count: int) -> list[Asked]:
    names = written(case.subject.lm, case.words(concept))
    return [Asked(p, names[p.source], names[p.target]) for p in case.pairs(split, count, concept)]


def patched(
    case: Case, found: list[Asked], places: list[Place], new_tokens: int, spliced: bool = False
) -> list[list[bool]]:
    """For each place, whether each pair's continuation turns the name when the twin's activations are put in there.

    `spliced`: its reconstructions, with everything else going through the Sae too. A batch holds its pairs once for
    each place: a twin is read once, and few batches make many trials.
    """
    lm, hits = case.subject.lm, [list[bool]() for _ in places]
    size = max(1, case.batch // len(places))
    for start in range(0, len(found), size):
        group = found[start : start + size]
        pairs = [asked.pair for asked in group]
        values = observe(lm.network, sorted({p.site for p in places}), *lm.pad([list(p.twin_ids) for p in pairs]))
        with ExitStack() as stack:
            if spliced:
                stack.enter_context(case.subject.spliced())
            for number, (site, where) in enumerate(places):
                rows, targets, sources = _tokens(pairs, where)
                taken = values[site][rows, sources]
                taken = case.subject.sae.reconstruct(taken) if spliced else taken
                stack.enter_context(patch(lm, site, number * len(group) + rows, targets, taken))
            prompts = [list(p.ids) for _ in places for p in pairs]
            texts = lm.tokenizer.batch_decode(continue_ids(lm, prompts, new_tokens))
        for number, own in enumerate(hits):
            said = texts[number * len(group) : (number + 1) * len(group)]
            own += [mentions(text, a.target) and not mentions(text, a.source) for a, text in zip(group, said)]
    return hits


def _tokens(group: list[Pair], where: Position) -> tuple[Tensor, Tensor, Tensor]:
    """Batch row, position in the left-padded source and in the right-padded twin, (P,) each."""
    width = max(len(p.ids) for p in group)
    found = []
    for row, p in enumerate(group):
        left = width - len(p.ids)
        ends = zip(p.places, p.twin_places) if where == "concept" else [(len(p.ids) - 1, len(p.twin_ids) - 1)]
        found += [(row, left + a, b) for a, b in ends]
    rows, targets, sources = torch.tensor(found).unbind(1)
    return rows, targets, sources
