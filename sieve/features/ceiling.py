"""Where can a concept be turned at all? The twin prompt's true activations are put in, site by site, without any Sae.

An edit cannot succeed where the information is not. *Patch ceiling* = share of pairs whose continuation names the
target, and not the source, when its activations at the mentions (`concept`) or at the last prompt token (`last`)
replace the source's. It is asked before anything is trained and chooses where to train: the place where the ceiling is
highest; of equals the one nearest to the middle of the layers (early ones hold tokens, late ones the next token), then
the earlier, then the mentions. Places are compared on validation pairs, so whoever chooses by them has not seen the
test pairs, on which swaps are judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from sieve.features.concepts import Place, Position, surfaces, written
from sieve.features.counterfactual import Pair, pairs, told
from sieve.intervals import wilson
from sieve.interventions.patch import patch
from sieve.model.generate import continue_ids
from sieve.model.language_model import LanguageModel
from sieve.model.sites import KINDS, observe, parse_site, sites
from sieve.subject import Subject
from sieve.text.answers import mentions
from sieve.text.blocks import Block

POSITIONS: dict[str, Position] = {position: position for position in get_args(Position)}


class Spot(NamedTuple):
    """Where activations are exchanged: a site and the tokens."""

    site: str
    position: Position


class Asked(NamedTuple):
    """A pair and how its source and target read in text."""

    pair: Pair
    source: str
    target: str


@dataclass(frozen=True)
class Ceiling:
    """The patch ceiling of one concept at one spot, a share of n pairs with its Wilson 95 % interval.

    Where nothing can be asked there is one without a site and a success, and `note` says why.
    """

    concept: str
    site: str = ""
    position: str = ""
    success: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


def asked(lm: LanguageModel, blocks: Sequence[Block], concept: str, split: str, count: int) -> list[Asked]:
    """Up to `count` pairs of a split's problems, or of its texts where there are none; values are those of training."""
    words = surfaces(told(blocks, "train"), concept)
    found = pairs(told(blocks, split), concept, words, count) if len(words) > 1 else []
    names = written(lm, words)
    return [Asked(pair, names[pair.source], names[pair.target]) for pair in found]


def mentioned(blocks: Sequence[Block], split: str) -> list[str]:
    """Concepts that the problems (or texts) of a split mention, sorted."""
    return sorted({m.concept for block in told(blocks, split) for m in block.mentions})


def ceilings(
    lm: LanguageModel, found: dict[str, list[Asked]], kind: str, new_tokens: int, batch: int
) -> Iterator[Ceiling]:
    """One per concept, site of a kind and position; all concepts share the batches. A concept without pairs has one."""
    spots = [Spot(site, where) for site in sites(lm.network, kind) for where in POSITIONS.values()]
    owners = [concept for concept, own in found.items() for _ in own]
    hits = patched(lm, [a for own in found.values() for a in own], spots, new_tokens, batch)
    for concept, own in found.items():
        if not own:
            yield Ceiling(concept, note=f"not applicable: nothing mentions one value of '{concept}' twice")
        for spot, judged in zip(spots, hits) if own else []:
            mine = [hit for hit, owner in zip(judged, owners) if owner == concept]
            yield Ceiling(concept, *spot, sum(mine) / len(mine), *wilson(mine), len(mine))


def place_of(
    found: Sequence[Ceiling], concept: str, site: str, position: Position | Literal["highest"]
) -> tuple[Place, Ceiling | None]:
    """Where to turn a concept, by what `ceilings` found, and the ceiling there, None if that was not asked.

    site: a kind of sites, of which the layer is to be chosen, or one site. ValueError where there is nothing to choose
    by.
    """
    own = [c for c in found if c.concept == concept and c.site]
    fits = [c for c in own if site in (c.site, parse_site(c.site).kind) and position in (c.position, "highest")]
    if fits:
        last = max(parse_site(c.site).layer for c in own)
        best = min(fits, key=lambda c: _rank(c, last))
        return Place(concept, best.site, POSITIONS[best.position]), best
    if site in KINDS or position == "highest":
        why = next((c.note for c in found if c.concept == concept and c.note), "no pairs were asked for")
        raise ValueError(
            f"there is no patch ceiling of '{concept}' to choose a place by ({why.removeprefix('not applicable: ')}); "
            "name another concept, or give a site, such as resid_post_1, and a position, concept or last"
        )
    return Place(concept, site, position), None


def _rank(ceiling: Ceiling, last: int) -> tuple[float, ...]:
    """Of ceilings in layers 0 to `last` the least is to be chosen."""
    layer = parse_site(ceiling.site).layer
    return -(ceiling.success or 0.0), abs(2 * layer - last), layer, list(POSITIONS).index(ceiling.position)


def patched(
    lm: LanguageModel,
    found: Sequence[Asked],
    spots: Sequence[Spot],
    new_tokens: int,
    batch: int,
    through: Subject | None = None,
) -> list[list[bool]]:
    """For each spot, whether each pair's continuation turns the name when the twin's activations are put in there.

    `through`: its reconstructions, with everything else going through its Sae too. A batch holds its pairs once for
    each spot: a twin is read once, and few batches make many trials.
    """
    hits = [list[bool]() for _ in spots]
    size = max(1, batch // max(1, len(spots)))
    for start in range(0, len(found), size):
        group = found[start : start + size]
        twins = [asked.pair for asked in group]
        values = observe(lm.network, sorted({s.site for s in spots}), *lm.pad([list(p.twin_ids) for p in twins]))
        with ExitStack() as stack:
            if through:
                stack.enter_context(through.spliced())
            for number, (site, where) in enumerate(spots):
                rows, targets, sources = _tokens(twins, where)
                taken = values[site][rows, sources]
                taken = through.sae.reconstruct(taken) if through else taken
                stack.enter_context(patch(lm, site, number * len(group) + rows, targets, taken))
            prompts = [list(p.ids) for _ in spots for p in twins]
            texts = lm.tokenizer.batch_decode(continue_ids(lm, prompts, new_tokens))
        for number, own in enumerate(hits):
            said = texts[number * len(group) : (number + 1) * len(group)]
            own += [mentions(text, a.target) and not mentions(text, a.source) for a, text in zip(group, said)]
    return hits


def _tokens(group: Sequence[Pair], where: Position) -> tuple[Tensor, Tensor, Tensor]:
    """Batch row, position in the left-padded source and in the right-padded twin, (P,) each."""
    width = max(len(p.ids) for p in group)
    found = []
    for row, p in enumerate(group):
        left = width - len(p.ids)
        ends = zip(p.places, p.twin_places) if where == "concept" else [(len(p.ids) - 1, len(p.twin_ids) - 1)]
        found += [(row, left + a, b) for a, b in ends]
    rows, targets, sources = torch.tensor(found).unbind(1)
    return rows, targets, sources
