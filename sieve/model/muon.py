"""Muon in fp32: torch's own multiplies in bfloat16, fourteen times slower where a processor has none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.775, 2.0315)


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024: the momentum's singular values are drawn to 1 before it is taken off a matrix.

    Weight decay is decoupled and updates are as long as AdamW's (Liu et al., arXiv 2502.16982), so both share a
    learning rate. `matrices`: (out, in). The same as torch.optim.Muon with `adjust_lr_fn="match_rms_adamw"`, but for
    the precision of the products.
    """

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step of all matrices that have a gradient."""
        if closure is not None:
            raise ValueError("give no closure; gradients are taken as they stand")
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum"] = torch.zeros_like(matrix)
                momentum = state["momentum"]
                momentum.lerp_(matrix.grad, 1 - MOMENTUM)
                update = nearly_orthogonal(matrix.grad.lerp(momentum, MOMENTUM))
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.sub_(update, alpha=group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def nearly_orthogonal(matrix: Tensor) -> Tensor:
    """(rows, columns) with its singular values drawn to .7 to 1.2, tiny ones less, in five Newton-Schulz steps."""
    a, b, c = COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(STEPS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
