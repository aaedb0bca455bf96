"""How a dictionary is trained: sizes and schedule; the loop itself is everybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve import training
from sieve.dictionary.sae import Sae
from sieve.provenance import Checkpoints
from sieve.training import Record, Trainable, Watch


class Dictionary(Trainable):
    """A dictionary in training; see `sieve.dictionary.variants`."""

    def freeze(self, site: str, model: str) -> Sae:
        """The dictionary as it is used: a copy, so that training can go on."""
        raise NotImplementedError


@dataclass(frozen=True)
class FitConfig:
    """steps of `batch` rows; Adam's `lr`, raised over `warmup` (a share of all steps), lowered over `decay`."""

    steps: int
    batch: int
    lr: float
    warmup: float
    decay: float

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all numbers that no training can have."""
        wrong = list(training.mistakes(self.steps, self.batch, self.lr))
        for name in ("warmup", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                wrong.append(f"{name} is {getattr(self, name)}; must be a share, 0 to 1")
        if wrong:
            raise ValueError("; ".join(wrong))

    def lr_at(self, step: int) -> float:
        """The learning rate of step 0, 1, …"""
        done = (step + 1) / self.steps
        rise = min(1.0, done / self.warmup) if self.warmup else 1.0
        fall = min(1.0, (1 - step / self.steps) / self.decay) if self.decay else 1.0
        return self.lr * min(rise, fall)


def fit(
    subject: Dictionary,
    batch_at: Callable[[int], Tensor],
    config: FitConfig,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
    log_every: int = 10,
) -> list[Record]:
    """Train `subject` in place with Adam; `batch_at(step)` gives rows (B, D). See `sieve.training.fit`."""
    optimiser = torch.optim.Adam(subject.parameters(), lr=config.lr, betas=(0.9, 0.999), fused=True)
    return training.fit(subject, [optimiser], batch_at, config.steps, config.lr_at, watch, checkpoints, log_every)
