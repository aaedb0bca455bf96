"""How far a decoder is from orthogonal, exactly and in O(D²) memory.

For unit atoms u_i (rows of U, F × D):  Σ_{i≠j} ⟨u_i, u_j⟩² = ‖UᵀU‖_F² − F, so no F × F matrix is needed.
"""

from __future__ import annotations

from torch import Tensor


def mean_squared_cosine(W_dec: Tensor) -> Tensor:
    """μ = (‖UᵀU‖_F² − F) / (F(F − 1)): the mean squared cosine over pairs of different atoms of W_dec (F, D).

    Differentiable, scale-free.
    """
    count = W_dec.shape[0]
    unit = W_dec / W_dec.norm(dim=1, keepdim=True).clamp_min(1e-8)
    return ((unit.T @ unit).square().sum() - count) / (count * (count - 1))


def welch_floor(latents: int, width: int) -> float:
    """The least mean squared cosine that F unit vectors in D dimensions can have (Welch, 1974).

    (F − D) / (D (F − 1)), and 0 when F ≤ D.
    """
    return max(0.0, (latents - width) / (width * (latents - 1)))
