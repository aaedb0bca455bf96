"""Can one name be turned into another, and does anything else change?

The latents of each value are chosen on training text by their causal effect; pairs come from the test split. success: the
target occurs as a whole word; dropped: the source doesn't; kept: the computed answer is still right; overlap: how much
of the unswapped continuation is still there once the names are made equal. Control `random/…`: the same dropped latents,
but a random live latent is written, as strongly as the target's would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch

from sieve.evals.case import Case, Row, not_applicable, proportion
from sieve.features.concepts import Choice, choose, surfaces
from sieve.features.counterfactual import Pair, pairs
from sieve.interventions.swap import Feature, swap
from sieve.model.generate import continue_ids
from sieve.provenance import generator
from sieve.text.answers import mentions, parse_answer


@dataclass(frozen=True)
class Settings:
    """Concept; pairs; tokens to generate; strengths as multiples of the latent's typical activation; and how latents are chosen:
    `train_documents` to look at, `candidates` per value, `probes` per candidate, up to `latents` per value."""

    concept: str
    pairs: int
    new_tokens: int
    strengths: list[float]
    train_documents: int
    candidates: int
    probes: int
    latents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """One row per metric and condition, and what was chosen for each value (metrics effect, precision, recall)."""
    kind = "problem" if case.pick("problem", "test", 1) else "text"
    train = case.pick(kind, "train", settings.train_documents)
    words = surfaces(train, settings.concept)
    found = pairs(case.pick(kind, "test"), settings.concept, words, settings.pairs) if len(words) > 1 else []
    if not found:
        return not_applicable("swap", "success", f"no test {kind} mentions one of several values of '{settings.concept}' twice")
    choices = choose(case.subject, train, settings.concept, settings.candidates, settings.latents, settings.probes, case.batch)
    rows = _chosen(choices)
    features = {c.feature.name: c.feature for c in choices}
    plain = continuations(case, found, features, None, settings.new_tokens)
    rows += judge("none", found, plain, plain)
    noise = random_features(case, features)
    for name, include in (("swap", features), ("random", noise)):
        for strength in settings.strengths if name == "swap" else settings.strengths[:1]:
            texts = continuations(case, found, features, (include, strength), settings.new_tokens)
            rows += judge(f"{name}/{strength:g}", found, texts, plain)
    return rows


def _chosen(choices: Sequence[Choice]) -> list[Row]:
    rows = []
    for c in choices:
        note = "latents " + ", ".join(map(str, c.feature.latents)) if c.feature.latents else "no latent has an effect"
        rows += [Row("swap", metric, c.feature.name, getattr(c, metric), note=note) for metric in ("effect", "precision", "recall")]
    return rows


def random_features(case: Case, features: dict[str, Feature]) -> dict[str, Feature]:
    """For each value as many latents of other values, drawn by a keyed generator, at the value's own typical activations."""
    pool = sorted({latent for f in features.values() for latent in f.latents})
    alive = [j for j in range(case.subject.sae.latents) if j not in pool]
    found = {}
    for name, f in features.items():
        draw = torch.randint(len(alive), (len(f.latents),), generator=generator(case.seed, "swap control", name))
        found[name] = Feature(name, tuple(alive[i] for i in draw.tolist()), f.typical)
    return found


def continuations(case: Case, found: list[Pair], features: dict[str, Feature], edit: tuple[dict[str, Feature], float] | None,
                  new_tokens: int) -> list[str]:  # fmt: skip
    """Greedy continuations of the source prompts through the reconstruction, with each prompt's own swap if `edit` is given."""
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


def judge(condition: str, found: list[Pair], texts: list[str], plain: list[str]) -> list[Row]:
    """The metrics of one condition over all pairs; `plain` are the unswapped continuations."""
    success = [mentions(text, p.target) for p, text in zip(found, texts)]
    rows = [
        proportion("swap", "success", condition, success),
        proportion("swap", "dropped", condition, [not mentions(text, p.source) for p, text in zip(found, texts)]),
    ]
    overlap = [_overlap(p, text, base) for p, text, base in zip(found, texts, plain)]
    rows.append(Row("swap", "overlap", condition, sum(overlap) / len(overlap), n=len(overlap)))
    if not any(p.answer for p in found):
        return rows + not_applicable("swap", "kept", "text has no answers")
    kept = [parse_answer(text) == p.answer for p, text in zip(found, texts)]
    return [
        *rows,
        proportion("swap", "kept", condition, kept),
        proportion("swap", "success_and_kept", condition, [a and b for a, b in zip(success, kept)]),
    ]


def _overlap(pair: Pair, text: str, plain: str) -> float:
    """Share of words in common, in order, when both names read the same."""
    words, base = ([pair.source if w == pair.target else w for w in t.split()] for t in (text, plain))
    return SequenceMatcher(None, words, base, autojunk=False).ratio()
