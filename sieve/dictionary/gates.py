"""From pre-activations to sparse codes. Active means `z != 0`, everywhere.

B rows, F latents. Every gate keeps the value of what it lets through and sets the rest to exactly zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TopK:
    """Keep the k largest positive pre-activations of each row (Gao et al., arXiv 2406.04093)."""

    k: int

    def __call__(self, pre: Tensor) -> Tensor:
        """pre (B, F) -> z (B, F), at most k non-zeros a row."""
        values, index = pre.relu().topk(self.k, dim=-1)
        return torch.zeros_like(pre).scatter(-1, index, values)


@dataclass(frozen=True)
class Threshold:
    """Keep what exceeds the latent's own threshold (JumpReLU form); a row's code does not depend on its batch."""

    theta: Tensor

    def __call__(self, pre: Tensor) -> Tensor:
        """pre (B, F) -> z (B, F); theta (F,) is not differentiated."""
        return pre * (pre > self.theta)


Gate = TopK | Threshold


def batch_top_k(pre: Tensor, k: int) -> Tensor:
    """Keep the k·B largest positive pre-activations of a batch (Bussmann et al., arXiv 2412.06410). Training only."""
    positive = pre.relu()
    values, index = positive.flatten().topk(k * pre.shape[0])
    return torch.zeros_like(positive).flatten().scatter(0, index, values).view_as(pre)
