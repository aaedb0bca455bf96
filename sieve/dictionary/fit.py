"""The one training loop: which rows, which step size, in what order; everything else belongs to what is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sieve.dictionary.sae import Sae

Watch = Callable[[int, int, dict[str, float]], None]


class Trainable(Protocol):
    """What the loop needs; see `sieve.dictionary.variants`."""

    def parameters(self) -> list[Tensor]: ...
    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]: ...
    def before_step(self) -> None: ...
    def after_step(self) -> None: ...
    def freeze(self, site: str, model: str) -> Sae: ...


@dataclass(frozen=True)
class FitConfig:
    """steps of `batch` rows; Adam's `lr`, raised over `warmup` (a share of all steps), lowered over `decay`."""

    steps: int
    batch: int
    lr: float
    warmup: float
    decay: float

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def lr_at(self, step: int) -> float:
        """The learning rate of step 0, 1, …"""
        done = (step + 1) / self.steps
        rise = min(1.0, done / self.warmup) if self.warmup else 1.0
        fall = min(1.0, (1 - step / self.steps) / self.decay) if self.decay else 1.0
        return self.lr * min(rise, fall)


@dataclass(frozen=True)
class Record:
    """One logged step."""

    step: int
    figures: dict[str, float]


def fit(
    subject: Trainable, batch_at: Callable[[int], Tensor], config: FitConfig, watch: Watch, log_every: int = 10
) -> list[Record]:
    """Train `subject` in place; `batch_at(step)` gives rows (B, D).

    Returns every `log_every`-th step's figures, and the last's. FloatingPointError when the loss is not finite.
    """
    optimiser = torch.optim.Adam(subject.parameters(), lr=config.lr, betas=(0.9, 0.999), fused=True)
    history: list[Record] = []
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.lr_at(step)
        loss, figures = subject.loss(batch_at(step))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}; "
                f"lower lr ({config.lr}) or look at the activations for outliers"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        subject.before_step()
        torch.nn.utils.clip_grad_norm_(subject.parameters(), 1.0)
        optimiser.step()
        subject.after_step()
        figures = {"loss": loss.item(), **figures}
        watch(step + 1, config.steps, figures)
        if step % log_every == 0 or step == config.steps - 1:
            history.append(Record(step, figures))
    return history
