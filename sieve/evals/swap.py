"""Can one name be turned into another, and does anything else change?

The latents of each value were chosen on training text by their causal effect. The strength is chosen on pairs of the
validation split, by success with the answer kept, within a range if one is asked for, and all is then measured on
pairs of the test split. Wherever the source's latents fire, a *swap* silences them and writes the target's; at strength
0 it only drops.

success: the target occurs as a whole word (`named`) and the source doesn't (`dropped`); kept: the computed answer is
right. What changes besides is measured against the same subject's run without the swap, its reconstruction spliced in
all the same. Both continuations, their mentions made equal, are the same tokens (`exact`), or share some (`rouge_l`, a
recall); made to read the one without, the model's next tokens diverge outside the mentions (`kl`, nats per token), and
the Sae reads latents of other values, of any concept, in what was written (`others`, in units of what is typical).
acted: at how many positions of the prompt and of what is generated the source's latents fire.

Conditions beside `none` and `swap/STRENGTH`, all at the chosen strength: `insert` writes the target's latents where the
source's fire and silences nothing. Three controls silence the source's and write something else. `random`: latents of
no value that fire about as often as the target's; `direction`: a random direction; both as long as what the target's
write. `other`: the latents of another value, which should say that value and not the target.

Pairs with one source may fail together, where its latent isn't what the model reads, so may pairs with one target,
whose latent may not say it, and so may problems with one calculation. Intervals are of items that share any of these
(`sieve.clusters`); no problem has two pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.evals.case import Case, Item, Row
from sieve.evals.isolation import (
    Forced,
    bystanders,
    code_change,
    forced,
    made_equal,
    means,
    off_slot,
    off_slot_kl,
    random_directions,
    random_latents,
    rouge_l_recall,
    slots,
)
from sieve.features.concepts import written
from sieve.features.counterfactual import Pair
from sieve.interventions.swap import NOTHING, Feature, Kind, Strength, counted, exchange, fires, swap_vector
from sieve.model.batches import alike
from sieve.model.generate import continue_ids
from sieve.text.answers import mentions, parse_answer

Features = Mapping[str, Feature]
HELD_OUT = 200
"""Texts and problems of the validation split, of each, by which firing rates are compared."""


@dataclass(frozen=True)
class Settings:
    """Pairs; tokens to generate; strengths to try, of a kind that `Strength` explains; 0 only drops.

    success: the least and the most that the chosen strength should have on validation pairs. With [0.3, 0.8] there is
    room for another subject to be better or worse; [0.0, 1.0] takes any.
    """

    pairs: int
    new_tokens: int
    strengths: list[float]
    kind: Kind
    success: list[float]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all that can't be asked."""
        counts = {"pairs": self.pairs, "new_tokens": self.new_tokens}
        wrong = [f"{name} is {count}; must be at least 1" for name, count in counts.items() if count < 1]
        if not any(strength > 0 for strength in self.strengths):
            wrong.append(f"strengths is {self.strengths}; must have one above 0, as 0 writes nothing")
        wrong += [f"strengths has {s}; must be numbers from 0 on" for s in self.strengths if not 0 <= s < math.inf]
        if len(set(self.strengths)) < len(self.strengths):
            wrong.append(f"strengths is {self.strengths}; name each once")
        if len(self.success) != 2 or not 0 <= self.success[0] < self.success[1] <= 1:
            wrong.append(f"success is {self.success}; must be two shares, the least and the most, such as [0.3, 0.8]")
        if wrong:
            raise ValueError("; ".join(wrong))


AS_IT_IS = Strength(1.0)


@dataclass(frozen=True)
class Edit:
    """One condition: what is written for each target where the source's latents fire, and whether these are silenced.

    `write` holds latents, written at `how`, or vectors; `strength` is what the condition is called by. `astray`: what
    belongs to the next value in order is written, of those that are neither the source nor the target.
    """

    condition: str
    strength: float
    write: Features | Mapping[str, Tensor]
    how: Strength = AS_IT_IS
    silence: bool = True
    astray: bool = False

    def says(self, pair: Pair) -> str:
        """The value whose latents, or whose vector, are written for a pair."""
        if not self.astray:
            return pair.target
        values = sorted(self.write)
        after = values.index(pair.target) + 1
        return next(value for value in [*values[after:], *values] if value not in (pair.source, pair.target))


class Study(NamedTuple):
    """What all conditions share: each value's feature, how it reads in text, tokens to generate."""

    case: Case
    features: Features
    names: Mapping[str, str]
    new_tokens: int


def run(case: Case, settings: Settings) -> list[Row | Item]:
    """The strength that validation pairs choose, and all metrics on test pairs."""
    found, tuning = case.pairs("test", settings.pairs), case.pairs("valid", settings.pairs)
    if not found or not tuning:
        return [*case.no_pairs("swap", "valid" if found else "test")]
    features = {c.feature.name: c.feature for c in case.concepts.choices}
    study = Study(case, features, written(case.subject.lm, case.concepts.words), settings.new_tokens)
    edits = swaps(study, settings)
    best, note = tune(study, tuning, edits, settings.success)
    items = judged(study, found, [*edits, *controls(study, best)])
    return [Row("swap", "strength", "chosen", best.strength, n=len(tuning), note=note), *means(items), *items]


def swaps(study: Study, settings: Settings) -> list[Edit]:
    """The swap at every strength."""
    return [Edit("swap", s, study.features, Strength(s, settings.kind)) for s in settings.strengths]


def tune(study: Study, tuning: list[Pair], edits: list[Edit], wanted: Sequence[float]) -> tuple[Edit, str]:
    """The swap with the most successes that keep the answer, and a note if no success is as `wanted` (least, most).

    Of those whose success is, or if none is, of those nearest to it; among equals, as in text or where the model solves
    nothing, the one with the most successes; then the weaker.
    """
    scores, tried = {}, [edit for edit in edits if edit.strength > 0]
    for edit in tried:
        said = [verdict(study, p, ids) for p, (ids, _) in zip(tuning, continuations(study, tuning, edit))]
        success = [named and dropped for named, dropped, _ in said]
        share = sum(success) / len(said)
        outside = max(wanted[0] - share, share - wanted[1], 0.0)
        kept = sum(s and bool(kept) for s, (_, _, kept) in zip(success, said))
        scores[edit.strength] = -outside, kept, sum(success)
    best = max(tried, key=lambda edit: (*scores[edit.strength], -edit.strength))
    outside, _, successes = scores[best.strength]
    note = f"no success on validation pairs lies in {wanted[0]:g} to {wanted[1]:g}; here {successes / len(tuning):.2f}"
    return best, note if outside else ""


def controls(study: Study, best: Edit) -> list[Edit]:
    """The insertion and the controls at the strength of the best swap."""
    features, sae, seed, s = study.features, study.case.subject.sae, study.case.seed, best.strength
    return [
        Edit("insert", s, features, best.how, silence=False),
        Edit("random", s, random_latents(features, sae, best.how, firings(study.case), seed)),
        Edit("direction", s, random_directions(features, sae, best.how, seed)),
        *([Edit("other", s, features, best.how, astray=True)] if len(features) > 2 else []),
    ]


def firings(case: Case) -> Tensor:
    """On how many tokens of held-out text each latent fires, (F,)."""
    held_out = [block for kind in ("text", "problem") for block in case.pick(kind, "valid", HELD_OUT)]
    read = (case.subject.read(ids, mask).z for _, ids, mask in case.batches(held_out))
    return sum(((z != 0).sum(0).cpu() for z in read), torch.zeros(case.subject.sae.latents, dtype=torch.long))


def under(
    study: Study, group: Sequence[Pair], edit: Edit | None, tally: Tensor | None = None
) -> AbstractContextManager[None]:
    """The splice with a batch's own edit, or without one; `tally` (P,) counts the positions at which it acts."""
    subject = study.case.subject
    if edit is None:
        return subject.spliced()
    own = [study.features[p.source] for p in group]
    at = fires(subject.sae, own) if tally is None else counted(fires(subject.sae, own), tally)
    write = [edit.write[edit.says(p)] for p in group]
    vectors = [w for w in write if isinstance(w, Tensor)]
    if vectors:
        return swap_vector(subject, own, torch.stack(vectors), at)
    latents = [w for w in write if isinstance(w, Feature)]
    return subject.spliced(exchange(subject.sae, own if edit.silence else [NOTHING], latents, edit.how, at))


def continuations(study: Study, found: Sequence[Pair], edit: Edit | None) -> list[tuple[list[int], int]]:
    """For each pair the greedy continuation of its prompt, as ids, and at how many positions the edit acted."""
    said: dict[int, tuple[list[int], int]] = {}
    for numbers in alike([pair.ids for pair in found], study.case.batch):
        group = [found[n] for n in numbers]
        tally = torch.zeros(len(group), dtype=torch.long)
        with under(study, group, edit, tally):
            ids = continue_ids(study.case.subject.lm, [list(p.ids) for p in group], study.new_tokens)
        said.update(zip(numbers, zip(ids, tally.tolist())))
    return [said[n] for n in range(len(found))]


def judged(study: Study, found: Sequence[Pair], edits: Sequence[Edit]) -> list[Item]:
    """An item for each pair without an edit, then for each with the first edit, and so on."""
    groups = list(alike([pair.ids for pair in found], study.case.batch))
    batches = [_batch(study, [found[n] for n in numbers], edits) for numbers in groups]
    back = sorted(range(len(found)), key=[n for numbers in groups for n in numbers].__getitem__)
    conditions = ([item for batch in condition for item in batch] for condition in zip(*batches))
    return [items[i] for items in conditions for i in back]


def _batch(study: Study, group: Sequence[Pair], edits: Sequence[Edit]) -> list[list[Item]]:
    """The items of a batch of pairs, first those without an edit. The run without one is made once for all of them."""
    subject, names, features = study.case.subject, study.names, study.features
    untouched = continuations(study, group, None)
    plain = [ids for ids, _ in untouched]
    outside = [off_slot(slots(subject.lm, ids, {names[p.source], names[p.target]})) for p, ids in zip(group, plain)]

    def others(edit: Edit | None) -> list[Feature]:
        said = [edit.says(p) if edit else p.target for p in group]
        return [bystanders(study.case.features, features[p.source], features[value]) for p, value in zip(group, said)]

    def read(edit: Edit | None) -> Forced:
        return forced(subject, [p.ids for p in group], plain, outside, under(study, group, edit))

    reference = read(None)
    items = []
    for edit in (None, *edits):
        now, said = (read(edit), continuations(study, group, edit)) if edit else (reference, untouched)
        changed = code_change(subject.sae, reference, now, others(edit))
        besides = zip(off_slot_kl(reference, now), map(len, outside), changed)
        items.append([_item(study, edit, *each) for each in zip(group, plain, said, besides)])
    return items


def _item(
    study: Study,
    edit: Edit | None,
    pair: Pair,
    plain: list[int],
    said: tuple[list[int], int],
    besides: tuple[float, int, float | None],
) -> Item:
    """One pair under one condition: what it `said` (ids, acted) beside `plain`, and `besides`: kl, tokens, others."""
    (ids, acted), (kl, tokens, others), decode = said, besides, study.case.subject.lm.tokenizer.decode
    words = {study.names[value] for value in (pair.source, pair.target, edit.says(pair) if edit else pair.target)}
    a, b = made_equal(study.case.subject.lm, plain, ids, words, study.new_tokens)
    named, dropped, kept = verdict(study, pair, ids)
    return Item(
        condition=edit.condition if edit else "none",
        strength=edit.strength if edit else None,
        doc=pair.doc,
        source=pair.source,
        target=pair.target,
        frame=decode(list(pair.frame), skip_special_tokens=True),
        prompt=decode(list(pair.ids), skip_special_tokens=True),
        said=decode(ids, skip_special_tokens=True),
        named=named,
        dropped=dropped,
        kept=kept,
        exact=a == b,
        rouge_l=rouge_l_recall(a, b),
        kl=kl,
        tokens=tokens,
        others=others,
        acted=acted,
    )


def verdict(study: Study, pair: Pair, ids: list[int]) -> tuple[bool, bool, bool | None]:
    """Whether a continuation names the target, whether not the source, and whether its answer is right, if there is."""
    text = study.case.subject.lm.tokenizer.decode(ids)
    named, dropped = mentions(text, study.names[pair.target]), not mentions(text, study.names[pair.source])
    return named, dropped, parse_answer(text) == pair.answer if pair.answer else None
