"""What every dictionary trained by gradient descent shares: four tensors, their start, unit atoms, dead latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def geometric_median(rows: Tensor, steps: int = 20) -> Tensor:
    """The point (D,) with the least sum of distances to rows (N, D), by Weiszfeld's iteration.

    A row that is hit exactly is harmless.
    """
    guess = rows.mean(0)
    for _ in range(steps):
        weight = 1 / (rows - guess).norm(dim=1).clamp_min(1e-8)
        guess = (weight[:, None] * rows).sum(0) / weight.sum()
    return guess


class Weights(nn.Module):
    """W_enc (D, F), b_enc (F,), W_dec (F, D) with unit rows, b_dec (D,).

    The encoder starts as the decoder's transpose, b_dec at the geometric median of `rows`.
    """

    def __init__(self, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        atoms = torch.randn(latents, rows.shape[1], generator=generator)
        atoms = atoms / atoms.norm(dim=1, keepdim=True)
        self.W_dec = nn.Parameter(atoms.to(rows.device))
        self.W_enc = nn.Parameter(atoms.T.clone().to(rows.device))
        self.b_enc = nn.Parameter(torch.zeros(latents, device=rows.device))
        self.b_dec = nn.Parameter(geometric_median(rows))

    def pre(self, x: Tensor) -> Tensor:
        """Pre-activations (B, F) of x (B, D)."""
        return (x - self.b_dec) @ self.W_enc + self.b_enc

    def decode(self, z: Tensor) -> Tensor:
        """z (B, F) -> x̂ (B, D)."""
        return z @ self.W_dec + self.b_dec

    @torch.no_grad()
    def drop_parallel_gradient(self) -> None:
        """Remove from each atom's gradient the part along the atom, which the renormalisation would undo anyway."""
        grad = self.W_dec.grad
        if grad is not None:
            grad -= (grad * self.W_dec).sum(1, keepdim=True) * self.W_dec

    @torch.no_grad()
    def normalise(self) -> None:
        """Put every atom back to unit length."""
        self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True).clamp_min(1e-8))


class DeadLatents:
    """Counts rows since each latent fired; those silent for `after` rows are dead and learn from the error (AuxK)."""

    def __init__(self, latents: int, after: int, device: torch.device) -> None:
        self.after = after
        self.silent = torch.zeros(latents, dtype=torch.long, device=device)

    def update(self, z: Tensor) -> None:
        """Count the batch of codes z (B, F)."""
        fired = (z != 0).any(0)
        self.silent = torch.where(fired, 0, self.silent + z.shape[0])

    @property
    def mask(self) -> Tensor:
        """True (F,) where a latent is dead."""
        return self.silent >= self.after

    def aux_loss(self, pre: Tensor, error: Tensor, W_dec: Tensor) -> Tensor:
        """AuxK of arXiv 2406.04093: the D/2 strongest dead latents predict what was left over, without b_dec.

        pre (B, F), error x − x̂ (B, D). Normalised by the error's own variance; scaled down while fewer than D/2 are
        dead.
        """
        dead = self.mask
        count = int(dead.sum())
        wanted = max(1, error.shape[1] // 2)
        k = min(count, wanted)
        if k == 0:
            return error.new_zeros(())
        candidates = pre.relu().masked_fill(~dead, 0)
        values, index = candidates.topk(k, dim=-1)
        z = torch.zeros_like(pre).scatter(-1, index, values)
        target = error.detach()
        spread = (target - target.mean(0)).square().sum().clamp_min(1e-12)
        return min(count / wanted, 1.0) * (target - z @ W_dec).square().sum() / spread
