"""What every dictionary trained by gradient descent shares: four tensors, their start, unit atoms, dead latents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sieve.dictionary.gates import Chosen, Scores, Threshold, TopK
from sieve.dictionary.kernels import Codes, Precision, encode
from sieve.dictionary.sae import Sae

CHUNK = 1024  # atoms that are worked on together: they stay in the processor's cache


def geometric_median(rows: Tensor, steps: int = 20) -> Tensor:
    """The point (D,) with the least sum of distances to rows (N, D), by Weiszfeld's iteration.

    A row that is hit exactly is harmless.
    """
    guess = rows.mean(0)
    for _ in range(steps):
        weight = 1 / (rows - guess).norm(dim=1).clamp_min(1e-8)
        guess = (weight[:, None] * rows).sum(0) / weight.sum()
    return guess


def spread(rows: Tensor) -> Tensor:
    """Σ ‖x − mean‖² of rows (B, D)."""
    return (rows - rows.mean(0)).square().sum()


def ramp(step: int, steps: int) -> float:
    """What a coefficient that rises evenly from 0 to 1 is at step 0, 1, …; it is 1 from `steps` on."""
    return min(1.0, step / steps) if steps else 1.0


@torch.no_grad()
def drop_parallel_gradient(W_dec: Tensor) -> None:
    """Remove from each unit atom's gradient the part along the atom, which `normalise` would undo anyway."""
    if W_dec.grad is not None:
        for atoms, grad in zip(W_dec.split(CHUNK), W_dec.grad.split(CHUNK)):
            grad.addcmul_((grad * atoms).sum(1, keepdim=True), atoms, value=-1)


@torch.no_grad()
def normalise(W_dec: Tensor) -> None:
    """Put every atom back to unit length."""
    for atoms in W_dec.split(CHUNK):
        atoms.div_(atoms.norm(dim=1, keepdim=True).clamp_min(1e-8))


class Weights(nn.Module):
    """W_enc (D, F), b_enc (F,), W_dec (F, D), b_dec (D,).

    Atoms start with unit length, the encoder as the decoder's transpose, b_dec at the geometric median of `rows`. It is
    the transpose of W_enc that is held, as `encoder` (F, D).
    """

    def __init__(self, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        atoms = torch.randn(latents, rows.shape[1], generator=generator)
        atoms = atoms / atoms.norm(dim=1, keepdim=True)
        self.W_dec = nn.Parameter(atoms.to(rows.device))
        self.encoder = nn.Parameter(atoms.clone().to(rows.device))  # as the optimiser and all gathers want it
        self.b_enc = nn.Parameter(torch.zeros(latents, device=rows.device))
        self.b_dec = nn.Parameter(geometric_median(rows))

    @property
    def W_enc(self) -> Tensor:
        """(D, F)."""
        return self.encoder.T

    def encode(self, x: Tensor, choose: Callable[[Scores], Chosen], precision: Precision) -> Codes:
        """Codes of x (B, D)."""
        return encode(x, self.W_enc, self.b_enc, self.b_dec, choose, precision)

    def decode(self, codes: Codes) -> Tensor:
        """x̂ (B, D)."""
        return codes.decode(self.W_dec, self.b_dec)

    def pre_activations(self, x: Tensor) -> Tensor:
        """All of (x − b_dec) W_enc + b_enc, (B, F): for gates whose number of active latents has no bound."""
        return torch.addmm(self.b_enc, x - self.b_dec, self.W_enc)

    @torch.no_grad()
    def folded(self, theta: Tensor, site: str, model: str) -> Sae:
        """The Sae with thresholds theta (F,) and unit atoms: encoder, bias and threshold take over each atom's length.

        Exact, for pre-activation and threshold grow together: the same latents are active and x̂ is the same.
        """
        norms = self.W_dec.norm(dim=1).clamp_min(1e-8)
        atoms, gate = self.W_dec / norms[:, None], Threshold(theta.detach() * norms)
        return Sae(self.W_enc * norms, self.b_enc * norms, atoms, self.b_dec, gate, site, model).detached()


class DeadLatents:
    """Counts rows since each latent fired; those silent for `after` rows are dead and learn from the error (AuxK)."""

    def __init__(self, latents: int, after: int, device: torch.device) -> None:
        self.after = after
        self.silent = torch.zeros(latents, dtype=torch.long, device=device)

    def update(self, codes: Codes) -> None:
        """Count a batch."""
        fired = torch.zeros_like(self.silent, dtype=torch.bool)
        fired[codes.pairs.latents] = True
        self.count(fired, codes.pairs.shape[0])

    def count(self, fired: Tensor, rows: int) -> None:
        """Count so many rows, in which these latents (F,) fired."""
        self.silent = torch.where(fired, 0, self.silent + rows)

    @property
    def mask(self) -> Tensor:
        """True (F,) where a latent is dead."""
        return self.silent >= self.after

    def aux_loss(self, x: Tensor, error: Tensor, weights: Weights, precision: Precision) -> Tensor:
        """AuxK of arXiv 2406.04093: the D/2 strongest dead latents predict what was left over, without b_dec.

        x, error x − x̂ (B, D). Normalised by the error's own variance; scaled down while fewer than D/2 are dead. Only
        dead latents are encoded.
        """
        dead = self.mask.nonzero().flatten()
        wanted = max(1, error.shape[1] // 2)
        k = min(len(dead), wanted)
        if k == 0:
            return error.new_zeros(())
        own = weights.encoder[dead].T, weights.b_enc[dead], weights.b_dec
        rebuilt = encode(x, *own, TopK(k).choose, precision).decode(weights.W_dec[dead])
        target = error.detach()
        missed = (target - rebuilt).square().sum() / spread(target).clamp_min(1e-12)
        return min(len(dead) / wanted, 1.0) * missed
