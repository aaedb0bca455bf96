"""If the latents of one language are removed, which languages suffer?

`zero` takes out what the Sae says is active (h − Σ z_j d_j), `project` the whole span of the atoms; the error that the
Sae makes anyway stays in the stream, so that only the removal is seen. An adapted subject is asked with its adapter on,
before and after. Cross-entropy in nats per token, over held-out documents.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sieve.evals.case import Case, Row, not_applicable, weighted_mean
from sieve.interventions.ablate import ablate, silence
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Settings:
    """Held-out documents per language; method `zero` or `project`."""

    documents: int
    method: Literal["zero", "project"]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """ce per language, and delta_ce per pair 'ablate A/on B', with intervals from a paired bootstrap over documents."""
    languages = sorted({b.language for b in case.pick("text", "test")} & set(case.languages))
    if len(languages) < 2:
        return not_applicable("language_ablation", "delta_ce", "the text is in one language")
    rows = []
    for on in languages:
        blocks = case.pick("text", "test", settings.documents, on)
        base, tokens = cross_entropy(case, blocks)
        rows.append(weighted_mean("language_ablation", "ce", on, base, tokens, case.seed))
        for ablated in languages:
            name = f"ablate {ablated}/on {on}"
            latents = list(case.languages[ablated].latents)
            if not latents:
                rows.append(
                    Row(
                        "language_ablation",
                        "delta_ce",
                        name,
                        None,
                        note=f"not applicable: no latent was kept for {ablated}",
                    )
                )
                continue
            with removal(case, latents, settings.method):
                after, _ = cross_entropy(case, blocks)
            rows.append(weighted_mean("language_ablation", "delta_ce", name, after - base, tokens, case.seed))
    return rows


def removal(case: Case, latents: list[int], method: str) -> AbstractContextManager[None]:
    """The chosen way of taking `latents` out. ValueError for an unknown one."""
    subject = case.subject
    if method == "project":
        return ablate(subject.lm, subject.site, subject.sae.W_dec[latents])
    if method == "zero":
        return silence(subject, latents)
    raise ValueError(f"there is no ablation method '{method}'; there are: project, zero")


@torch.no_grad()
def cross_entropy(case: Case, blocks: list[Block]) -> tuple[Tensor, Tensor]:
    """(summed nats, judged tokens) per document, float64 (N,)."""
    lm, sums, counts = case.subject.lm, [], []
    for _, ids, mask in case.batches(blocks):
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)
        judged = (lm.is_text(ids) & mask.bool())[:, 1:]
        nats = -logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0].double()
        sums.append((nats * judged).sum(1).cpu())
        counts.append(judged.sum(1).double().cpu())
    return torch.cat(sums), torch.cat(counts)
