"""Can one name be turned into another, and does anything else change?

The latents of each value were chosen on training text by their causal effect. The strength is chosen on pairs of the
validation split, by success with the answer kept, and everything is then measured on pairs of the test split. success:
the target occurs as a whole word; dropped: the source doesn't; kept: the computed answer is still right; overlap: how
much of the unswapped continuation is still there once the names are made equal. Pairs with one target may succeed or
fail together, so intervals are over targets.

Two controls drop the same latents and write something else, at the same strength. `random/…`: random live latents, as
many and as long as the target's (such a blow may break the text altogether). `other/…`: the latents of another value,
which should say that value and not the target.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch

from sieve.evals.case import Case, Row, grouped_proportion, not_applicable
from sieve.features.concepts import Choice, written
from sieve.features.counterfactual import Pair
from sieve.interventions.swap import Feature, swap
from sieve.model.generate import continue_ids
from sieve.provenance import generator
from sieve.text.answers import mentions, parse_answer

Features = dict[str, Feature]


@dataclass(frozen=True)
class Settings:
    """Pairs; tokens to generate; strengths to try, as multiples of a latent's typical activation; 0 only drops."""

    pairs: int
    new_tokens: int
    strengths: list[float]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """What was chosen for each value, the strength that validation pairs choose, and all metrics on test pairs."""
    found, tuning = case.pairs("test", settings.pairs), case.pairs("valid", settings.pairs)
    if not found or not tuning:
        return case.no_pairs("swap", "valid" if found else "test")
    features = {c.feature.name: c.feature for c in case.concepts.choices}
    names = written(case.subject.lm, case.concepts.words)
    best = tune(case, settings, tuning, features, names)
    plain = continuations(case, found, features, None, settings.new_tokens)
    rows = [*_chosen(case.concepts.choices), Row("swap", "strength", "chosen", best, n=len(tuning))]
    rows += judge("none", found, plain, plain, names, case.seed)
    noise, other = random_features(case, features), other_features(features)
    edits = [*(("swap", features, s) for s in settings.strengths), ("random", noise, best), ("other", other, best)]
    for label, include, strength in edits:
        texts = continuations(case, found, features, (include, strength), settings.new_tokens)
        rows += judge(f"{label}/{strength:g}", found, texts, plain, names, case.seed)
    return rows


def tune(case: Case, settings: Settings, tuning: list[Pair], features: Features, names: dict[str, str]) -> float:
    """The strength with the most successes that keep the answer; among equals, as in text or where the model solves
    nothing, the one with the most successes; then the weaker.
    """
    scores = {}
    for strength in sorted(s for s in settings.strengths if s > 0):
        texts = continuations(case, tuning, features, (features, strength), settings.new_tokens)
        values = {row.metric: row.value or 0.0 for row in judge("", tuning, texts, texts, names, case.seed)}
        scores[strength] = values.get("success_and_kept", 0.0), values["success"]
    return max(scores, key=lambda strength: (*scores[strength], -strength))


def _chosen(choices: Sequence[Choice]) -> list[Row]:
    rows = []
    for c in choices:
        note = "latents " + ", ".join(map(str, c.feature.latents)) if c.feature.latents else "no latent has an effect"
        rows += [
            Row("swap", metric, c.feature.name, getattr(c.causal, metric), note=note)
            for metric in ("effect", "precision", "recall")
        ]
    return rows


def random_features(case: Case, features: Features) -> Features:
    """For each value as many latents that fire in held-out text but belong to no value, drawn by a keyed generator.

    What they write is as long as what the value's own latents write.
    """
    sae = case.subject.sae
    fired = torch.zeros(sae.latents, dtype=torch.bool)
    for _, ids, mask in case.batches([*case.pick("text", "valid", 200), *case.pick("problem", "valid", 200)]):
        fired |= (case.subject.read(ids, mask).z != 0).any(0).cpu()
    pool = {latent for f in features.values() for latent in f.latents}
    live = [j for j in fired.nonzero().flatten().tolist() if j not in pool]
    norms = sae.W_dec.norm(dim=1).clamp_min(1e-8).tolist()
    found = {}
    for name, f in features.items():
        order = torch.randperm(len(live), generator=generator(case.seed, "swap control", name)).tolist()
        drawn = [live[i] for i in order[: len(f.latents)]]
        typical = (size * norms[own] / norms[new] for size, own, new in zip(f.typical, f.latents, drawn))
        found[name] = Feature(name, tuple(drawn), tuple(typical))
    return found


def other_features(features: Features) -> Features:
    """For each value the feature of the next one in order."""
    values = sorted(features)
    return {value: features[after] for value, after in zip(values, [*values[1:], values[0]])}


def continuations(
    case: Case, found: list[Pair], features: Features, edit: tuple[Features, float] | None, new_tokens: int
) -> list[str]:
    """Greedy continuations of the source prompts through the reconstruction.

    `edit`: what to write for each value, and how strongly; None for no swap.
    """
    lm, texts = case.subject.lm, []
    for start in range(0, len(found), case.batch):
        group = found[start : start + case.batch]
        with ExitStack() as stack:
            if edit:
                drop, include = [features[p.source] for p in group], [edit[0][p.target] for p in group]
                stack.enter_context(swap(case.subject, drop, include, edit[1]))
            else:
                stack.enter_context(case.subject.spliced())
            texts += lm.tokenizer.batch_decode(continue_ids(lm, [list(p.ids) for p in group], new_tokens))
    return texts


def judge(
    condition: str, found: list[Pair], texts: list[str], plain: list[str], names: dict[str, str], seed: int
) -> list[Row]:
    """The metrics of one condition over all pairs; `plain` are the unswapped continuations, `names` how values read."""

    def share(metric: str, hits: list[bool]) -> Row:
        return grouped_proportion("swap", metric, condition, hits, [p.target for p in found], seed)

    success = [mentions(text, names[p.target]) for p, text in zip(found, texts)]
    overlap = [_overlap(names[p.source], names[p.target], *both) for p, *both in zip(found, texts, plain)]
    rows = [
        share("success", success),
        share("dropped", [not mentions(text, names[p.source]) for p, text in zip(found, texts)]),
        Row("swap", "overlap", condition, sum(overlap) / len(overlap), n=len(overlap)),
    ]
    if not any(p.answer for p in found):
        return rows + not_applicable("swap", "kept", "text has no answers", condition)
    kept = [parse_answer(text) == p.answer for p, text in zip(found, texts)]
    return [*rows, share("kept", kept), share("success_and_kept", [a and b for a, b in zip(success, kept)])]


def _overlap(source: str, target: str, text: str, plain: str) -> float:
    """Share of words in common, in order, when both names read the same."""
    words, base = (re.sub(rf"(?<!\w){re.escape(target)}(?!\w)", source, t).split() for t in (text, plain))
    return SequenceMatcher(None, words, base, autojunk=False).ratio()
