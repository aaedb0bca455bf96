"""What does the model lose when the reconstruction takes the residual stream's place?

Recovered = (H_mean − H_spliced) / (H_mean − H_original), with H the cross-entropy and H_mean that of the model whose
site is replaced by the mean activation: the identity gives 1, the mean 0. The same for the divergence KL(original ‖ ·),
whose original is 0. Where the mean costs nothing (a model that has learned nothing) there is nothing to recover.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.activations.store import Moments
from sieve.evals.case import Case, Row, not_applicable
from sieve.model.splice import splice
from sieve.text.blocks import Block

LEAST = 0.01
"""Of the model's cross-entropy: a share of a smaller loss would be a share of chance (a divergence has none)."""


@dataclass(frozen=True)
class Settings:
    """How many held-out documents of each kind."""

    documents: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """Cross-entropy and KL in nats per token, with the reconstruction, with the mean, and the share recovered."""
    rows = []
    for kind in ("text", "problem"):
        blocks = case.pick(kind, "test", settings.documents)
        rows += (
            measure(case, kind, blocks)
            if blocks
            else not_applicable("fidelity", "ce_recovered", f"there is no {kind} in the test split", kind)
        )
    return rows


def site_mean(case: Case, blocks: list[Block]) -> Tensor:
    """The mean activation (D,) of the text tokens of `blocks`."""
    moments = Moments(case.subject.sae.width)
    for _, ids, mask in case.batches(blocks):
        moments.update(case.subject.read(ids, mask).rows.cpu())
    return moments.mean.float().to(case.subject.lm.device)


def measure(case: Case, kind: str, blocks: list[Block]) -> list[Row]:
    """The figures over `blocks`; sums over tokens, so that batch size does not matter."""
    subject = case.subject
    with subject.original():
        mean = site_mean(case, blocks)
    sums = dict.fromkeys(("ce_original", "ce_spliced", "ce_mean_ablated", "kl_spliced", "kl_mean_ablated"), 0.0)
    tokens = 0
    for _, ids, mask in case.batches(blocks):
        with subject.original():
            original = log_probabilities(subject.lm.network, ids, mask)
        with subject.spliced():
            spliced = log_probabilities(subject.lm.network, ids, mask)
        filled = splice(subject.lm, subject.site, lambda rows, _: mean.expand_as(rows), subject.sae.specials)
        with subject.original(), filled:
            ablated = log_probabilities(subject.lm.network, ids, mask)
        judged = next_is_text(subject.lm.is_text, ids, mask)
        targets = ids[:, 1:][judged]
        for name, own in (("original", original), ("spliced", spliced), ("mean_ablated", ablated)):
            own = own[:, :-1][judged]
            sums[f"ce_{name}"] -= float(own.gather(1, targets[:, None]).sum(dtype=torch.float64))
            if name != "original":
                reference = original[:, :-1][judged]
                sums[f"kl_{name}"] += float((reference.exp() * (reference - own)).sum(dtype=torch.float64))
        tokens += len(targets)
    figures = {name: value / tokens for name, value in sums.items()}
    rows = [Row("fidelity", metric, kind, value, n=tokens) for metric, value in figures.items()]
    rows += recovered(figures, "ce", figures["ce_original"], kind, tokens)
    return rows + recovered(figures, "kl", 0.0, kind, tokens)


def recovered(figures: dict[str, float], name: str, original: float, kind: str, tokens: int) -> list[Row]:
    """1 when nothing is lost, 0 when as much is lost as by the mean; not applicable when the mean loses nothing."""
    spliced, ablated = figures[f"{name}_spliced"], figures[f"{name}_mean_ablated"]
    if ablated - original <= LEAST * original:
        why = "the mean does as well as the activations that it replaces, so there is nothing to recover"
        return not_applicable("fidelity", f"{name}_recovered", why, kind)
    return [Row("fidelity", f"{name}_recovered", kind, (ablated - spliced) / (ablated - original), n=tokens)]


@torch.no_grad()
def log_probabilities(network: Callable[..., object], ids: Tensor, mask: Tensor) -> Tensor:
    """(B, T, V) log-probabilities of the next token."""
    return network(input_ids=ids, attention_mask=mask, use_cache=False).logits.log_softmax(-1)  # type: ignore[attr-defined]


def next_is_text(is_text: Callable[[Tensor], Tensor], ids: Tensor, mask: Tensor) -> Tensor:
    """(B, T−1): True where the token to be predicted is text; a special token or padding is never judged."""
    return (is_text(ids) & mask.bool())[:, 1:]
