"""How a decoder's atoms lie to each other: a mean proves nothing, so tail and co-active pairs are measured too."""

from __future__ import annotations

import torch
from torch import Tensor

from sieve.dictionary.penalties import mean_squared_cosine, welch_floor


def geometry(W_dec: Tensor, coactive: Tensor) -> dict[str, float]:
    """Figures of the rows of W_dec (F, D); `coactive` (F, F) counts rows in which two latents fire together.

    mean_cos2 and its Welch floor, 99th percentile and maximum of |cos| over pairs, mean cos² weighted by co-activation,
    median atom norm.
    """
    norms = W_dec.norm(dim=1)
    unit = W_dec / norms[:, None].clamp_min(1e-8)
    count = len(W_dec)
    pairs = torch.triu_indices(count, count, 1)
    cosines = (unit @ unit.T)[pairs[0], pairs[1]].abs()
    weights = coactive[pairs[0], pairs[1]].double()
    together = float((weights * cosines.double().square()).sum() / weights.sum().clamp_min(1))
    ordered = cosines.sort().values
    return {
        "coactive_cos2": together,
        "decoder_norm_median": float(norms.median()),
        "max_abs_cos": float(ordered[-1]),
        "mean_cos2": float(mean_squared_cosine(W_dec)),
        "p99_abs_cos": float(ordered[int(0.99 * (len(ordered) - 1))]),
        "welch_floor": welch_floor(*W_dec.shape),
    }
