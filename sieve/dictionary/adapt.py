"""Let the model get used to the reconstruction (arXiv 2602.04718, second step; KL form: Chen et al., arXiv 2501.19406).

With the reconstruction in place of the residual stream LoRA matrices are trained, and with them the encoder and the
biases (as published) or nothing of the Sae (Chen et al.). The decoder's atoms and the gate are never touched, to the
bit, so the geometry is exactly what orthogonalisation left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sieve.dictionary.sae import Sae
from sieve.model.adapter import adapter_enabled, adapter_parameters
from sieve.model.language_model import LanguageModel
from sieve.model.splice import splice
from sieve.provenance import Checkpoints, generator
from sieve.text.blocks import Block
from sieve.training import Record, Trainable, Watch, fit, mistakes, warm_cosine


@dataclass(frozen=True)
class AdaptConfig:
    """steps of `batch` documents with AdamW at `lr` (warm-up share `warmup`, then a cosine to 0); LoRA's settings."""

    steps: int
    batch: int
    lr: float
    warmup: float
    targets: list[str]
    rank: int
    alpha: int
    scope: Literal["after", "all"]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all numbers that no training and no adapter can have."""
        wrong = [*mistakes(self.steps, self.batch, self.lr)]
        if not 0 <= self.warmup <= 1:
            wrong.append(f"warmup is {self.warmup}; must be a share, 0 to 1")
        for name in ("rank", "alpha"):
            if getattr(self, name) < 1:
                wrong.append(f"{name} is {getattr(self, name)}; must be at least 1")
        if not self.targets:
            wrong.append("targets is empty; name the modules that get an adapter, e.g. [q_proj, v_proj]")
        if wrong:
            raise ValueError("; ".join(wrong))

    def lr_at(self, step: int) -> float:
        """The learning rate of step 0, 1, …"""
        return self.lr * warm_cosine((step + 1) / (self.steps + 1), self.warmup, 0.0)


Loss = Callable[["Adaptation", list[Block]], Tensor]

# What params.yaml calls what is frozen, and which of the Sae's tensors that leaves to be trained.
FREEZE: dict[str, tuple[str, ...]] = {"decoder_only": ("W_enc", "b_enc", "b_dec"), "all": ()}


class Adaptation(Trainable):
    """A model with an injected adapter and the Sae that is spliced into it, on the way to fit each other."""

    def __init__(
        self, lm: LanguageModel, sae: Sae, loss: Loss, freeze: Literal["decoder_only", "all"] = "decoder_only"
    ) -> None:
        self.lm, self.sae, self._loss = lm, sae, loss
        self.free: dict[str, Any] = {name: nn.Parameter(getattr(sae, name).clone()) for name in FREEZE[freeze]}

    @property
    def current(self) -> Sae:
        """The Sae with its tensors as they are now; those that are frozen are the ones that came in."""
        return replace(self.sae, **self.free)

    def parameters(self) -> list[Tensor]:
        return [*self.free.values(), *adapter_parameters(self.lm.network)]

    def loss(self, blocks: list[Block]) -> tuple[Tensor, dict[str, float]]:
        return self._loss(self, blocks), {}

    def logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(B, T, V) with adapter on and reconstruction spliced in."""
        sae = self.current
        with splice(self.lm, sae.site, lambda rows, _: sae.reconstruct(rows), sae.specials):
            return self.lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


def solution_loss(adaptation: Adaptation, blocks: list[Block]) -> Tensor:
    """Cross-entropy of the solution's tokens, nats per token; the question is not learned (as published)."""
    ids, mask = adaptation.lm.pad([list(block.ids) for block in blocks])
    labels = ids.masked_fill(mask == 0, -100)
    for row, block in enumerate(blocks):
        labels[row, : block.prompt] = -100
    logits = adaptation.logits(ids, mask)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def divergence_loss(adaptation: Adaptation, blocks: list[Block]) -> Tensor:
    """Mean KL(original ‖ adapted), nats per text token: the adapted model should say what the original would."""
    ids, mask = adaptation.lm.pad([list(block.ids) for block in blocks])
    text = adaptation.lm.is_text(ids) & mask.bool()
    network = adaptation.lm.network
    # text is picked before the softmax: a batch of long and short documents is mostly padding
    with torch.no_grad(), adapter_enabled(network, False):
        target = network(input_ids=ids, attention_mask=mask, use_cache=False).logits[text].log_softmax(-1)
    own = adaptation.logits(ids, mask)[text].log_softmax(-1)
    return F.kl_div(own, target, log_target=True, reduction="batchmean")


def adapt(
    adaptation: Adaptation,
    blocks: list[Block],
    config: AdaptConfig,
    seed: int,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
) -> list[Record]:
    """Train in place; `adaptation.current` is the new Sae. Batch s of epoch e is a keyed permutation's slice."""
    count = min(config.batch, len(blocks))

    def batch_at(step: int) -> list[Block]:
        epoch, place = divmod(step, len(blocks) // count)
        order = torch.randperm(len(blocks), generator=generator(seed, "adapt", epoch))
        return [blocks[i] for i in order[place * count : (place + 1) * count].tolist()]

    optimiser = torch.optim.AdamW(
        adaptation.parameters(), lr=config.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True
    )
    return fit(adaptation, [optimiser], batch_at, config.steps, config.lr_at, watch, checkpoints)
