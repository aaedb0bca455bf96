"""Where can a concept be turned at all? The twin prompt's true activations are put in, site by site, without any Sae.

An edit cannot succeed where the information is not. *Patch ceiling* = share of pairs whose continuation names the
target, and not the source, when its activations at the mentions (`concept`) or at the last prompt token (`last`)
replace the source's. It is asked before anything is trained and chooses where to train: the place where the ceiling is
highest. Places that so few pairs cannot tell from that one, because their ceiling lies in its interval, are its equals:
of these the one nearest to the middle of the layers is taken (early ones hold tokens, late ones the next token), then
the earlier, then the mentions. Places are compared on validation pairs, so whoever chooses by them has not seen the
test pairs, on which swaps are judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from sieve.features.concepts import surfaces, written
from sieve.features.counterfactual import Pair, no_pairs, pairs, told
from sieve.features.place import Place, Position
from sieve.intervals import wilson
from sieve.interventions.patch import patch
from sieve.model.families import missing_kind
from sieve.model.generate import continue_ids
from sieve.model.language_model import LanguageModel
from sieve.model.sites import KINDS, observe, parse_site, sites
from sieve.subject import Subject
from sieve.text.answers import mentions
from sieve.text.blocks import Block
from sieve.training import Watch

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


def asked(lm: LanguageModel, blocks: Sequence[Block], concept: str, split: str, count: int) -> list[Asked] | str:
    """Up to `count` pairs of a split's problems, or of its texts where there are none; or why there is none.

    Values are those of training text.
    """
    words = surfaces(told(blocks, "train"), concept)
    found = pairs(told(blocks, split), concept, words, count) if len(words) > 1 else []
    names = written(lm, words)
    return [Asked(p, names[p.source], names[p.target]) for p in found] or no_pairs(concept, len(words), split)


def mentioned(blocks: Sequence[Block], split: str) -> list[str]:
    """Concepts that the problems (or texts) of a split mention, sorted."""
    return sorted({m.concept for block in told(blocks, split) for m in block.mentions})


def ceilings(
    lm: LanguageModel, found: Mapping[str, list[Asked] | str], kind: str, new_tokens: int, batch: int, watch: Watch
) -> list[Ceiling]:
    """One per concept, site of a kind and position, in that order; one for a concept without pairs.

    SiteError when the network has no site of the kind.
    """
    spots = [Spot(site, where) for site in sites(lm.network, kind) for where in POSITIONS.values()]
    if not spots:
        raise missing_kind(lm.network, kind)
    owners = [(concept, own) for concept, some in found.items() if not isinstance(some, str) for own in some]
    hits = patched(lm, [own for _, own in owners], spots, new_tokens, batch, watch=watch)
    rows = []
    for concept, some in found.items():
        if isinstance(some, str):
            rows.append(Ceiling(concept, note=f"not applicable: {some}"))
            continue
        for spot, judged in zip(spots, hits):
            mine = [hit for hit, (owner, _) in zip(judged, owners) if owner == concept]
            rows.append(Ceiling(concept, *spot, sum(mine) / len(mine), *wilson(mine), len(mine)))
    return rows


def place_of(
    found: Sequence[Ceiling], concept: str, site: str, position: Position | Literal["highest"]
) -> tuple[Place, Ceiling | None]:
    """Where to turn a concept, by what `ceilings` found, and the ceiling there, None if that was not asked.

    site: a kind of sites, of which the layer is to be chosen, or one site. ValueError where a choice has nothing to go
    by.
    """
    own = [c for c in found if c.concept == concept and c.site]
    fits = [c for c in own if site in (c.site, parse_site(c.site).kind) and position in (c.position, "highest")]
    given = site not in KINDS and position != "highest"
    if given:
        return Place(concept, site, POSITIONS[position]), next(iter(fits), None)
    why = next((c.note.removeprefix("not applicable: ") for c in found if c.concept == concept and c.note), "")
    if fits and not any(c.success for c in fits):
        why = f"of {fits[0].n} pairs none turns at any of {len(fits)} places, whatever is put in there"
    if why or not fits:
        raise ValueError(
            f"there is no place to turn '{concept}' at: {why or 'no pairs were asked for (ceiling.pairs)'}; name "
            "another concept (ceiling.concept), or the place yourself: a site, such as resid_post_1, and a position, "
            "concept or last (ceiling.site, ceiling.position)"
        )
    best = max(fits, key=lambda c: c.success or 0.0)
    last = max(parse_site(c.site).layer for c in own)
    chosen = min((c for c in fits if (c.success or 0.0) >= (best.low or 0.0)), key=lambda c: _distance(c, last))
    return Place(concept, chosen.site, POSITIONS[chosen.position]), chosen


def _distance(ceiling: Ceiling, last: int) -> tuple[int, ...]:
    """Of equals in layers 0 to `last` the least is to be taken."""
    layer = parse_site(ceiling.site).layer
    return abs(2 * layer - last), layer, list(POSITIONS).index(ceiling.position)


def patched(
    lm: LanguageModel,
    found: Sequence[Asked],
    spots: Sequence[Spot],
    new_tokens: int,
    batch: int,
    through: Subject | None = None,
    watch: Watch | None = None,
) -> list[list[bool]]:
    """For each spot, whether each pair's continuation turns the name when the twin's activations are put in there.

    `through`: its reconstructions, with everything else going through its Sae too. `batch`: prompts in a pass; several
    spots of a pair may share one, so that few passes make many trials.
    """
    trials = [(pair, number) for pair in found for number in range(len(spots))]
    hits = [list[bool]() for _ in spots]
    for start in range(0, len(trials), batch):
        group = trials[start : start + batch]
        said = _continued(lm, group, spots, new_tokens, through)
        for (own, number), text in zip(group, said):
            hits[number].append(mentions(text, own.target) and not mentions(text, own.source))
        if watch:
            watch(start + len(group), len(trials), {})
    return hits


def _continued(
    lm: LanguageModel,
    trials: Sequence[tuple[Asked, int]],
    spots: Sequence[Spot],
    new_tokens: int,
    through: Subject | None,
) -> list[str]:
    """What the model says after each trial's prompt, with what its twin has at the trial's spot."""
    pairs = [own.pair for own, _ in trials]
    twins = list(dict.fromkeys(p.twin_ids for p in pairs))
    names = sorted({spots[number].site for _, number in trials})
    values = observe(lm.network, names, *lm.pad([list(ids) for ids in twins]))
    with ExitStack() as stack:
        if through:
            stack.enter_context(through.spliced())
        for number in sorted({number for _, number in trials}):
            site, where = spots[number]
            mine = [row for row, (_, own) in enumerate(trials) if own == number]
            rows, targets, sources = _tokens(pairs, where, mine)
            owner = torch.tensor([twins.index(pairs[row].twin_ids) for row in rows.tolist()])
            taken = values[site][owner, sources]
            taken = through.sae.reconstruct(taken) if through else taken
            stack.enter_context(patch(lm, site, rows, targets, taken))
        return lm.tokenizer.batch_decode(continue_ids(lm, [list(p.ids) for p in pairs], new_tokens))


def _tokens(pairs: Sequence[Pair], where: Position, of: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """For the pairs `of` a batch: its row, and positions in the left-padded source and the right-padded twin, (P,)."""
    width = max(len(p.ids) for p in pairs)
    found = []
    for row in of:
        p = pairs[row]
        ends = zip(p.places, p.twin_places) if where == "concept" else [(len(p.ids) - 1, len(p.twin_ids) - 1)]
        found += [(row, width - len(p.ids) + a, b) for a, b in ends]
    rows, targets, sources = torch.tensor(found).unbind(1)
    return rows, targets, sources
