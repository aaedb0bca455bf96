"""How different features are by what they seem to be about: here by the words around them, without any model.

The published figure (arXiv 2602.04718) is about explanations that a language model writes; with one at hand
`sieve.features.explanations` computes it. What every subject is asked needs none: the tf-idf distance of the contexts
themselves, which is another figure and has another name.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sieve.evals.case import Case, Row, not_applicable
from sieve.features.explanations import context_tfidf_cosine, top_contexts
from sieve.provenance import generator


@dataclass(frozen=True)
class Settings:
    """How many features, drawn from all; contexts of each; held-out documents of each kind to look through."""

    features: int
    contexts: int
    documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """1 − the mean cosine over pairs of drawn features; those without a context are left out."""
    blocks = case.pick("text", "test", settings.documents) + case.pick("problem", "test", settings.documents)
    order = torch.randperm(case.subject.sae.latents, generator=generator(case.seed, "explanations")).tolist()
    drawn = top_contexts(case.subject, blocks, order[: settings.features], settings.contexts, case.batch)
    seen = [contexts for contexts in drawn if contexts]
    if len(seen) < 2:
        return not_applicable("explanations", "context_tfidf_distance", f"{len(seen)} of the drawn features fire")
    return [Row("explanations", "context_tfidf_distance", "", 1 - context_tfidf_cosine(seen), n=len(seen))]
