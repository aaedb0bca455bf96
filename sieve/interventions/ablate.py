"""Remove directions from a site's activations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sieve.interventions.swap import require_latents
from sieve.model.language_model import LanguageModel
from sieve.model.splice import splice
from sieve.subject import Subject


def basis(atoms: Tensor) -> Tensor:
    """An orthonormal basis (r, D) of the span of atoms (m, D), whatever their norms; no atoms span nothing.

    Subtracting projections one by one is wrong for correlated atoms (two at cosine 0.9 would nearly be reversed), hence
    the factorisation; it runs on one thread because its bits depend on the number of threads.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        left, singular, _ = torch.linalg.svd(normalize(atoms.double(), dim=1).T, full_matrices=False)
    finally:
        torch.set_num_threads(threads)
    return left[:, singular > 1e-6].T.to(atoms.dtype)


@contextmanager
def ablate(lm: LanguageModel, site: str, atoms: Tensor, centre: Tensor | None = None) -> Iterator[None]:
    """Within the block, the activation of every text token at `site` loses its part in the span of `atoms` (m, D).

    With `centre` (D,), a mean activation, it gets that one's part instead: h − QQᵀ(h − centre) (mean-ablation).
    """
    rows = basis(atoms.to(lm.device))
    if len(rows) < len(atoms):
        warnings.warn(f"the {len(atoms)} atoms span only {len(rows)} dimensions; their whole span goes", stacklevel=3)
    mean = 0.0 if centre is None else centre.to(lm.device)
    with splice(lm, site, lambda hidden, _: hidden - ((hidden - mean) @ rows.T) @ rows):
        yield


@contextmanager
def silence(subject: Subject, latents: Sequence[int]) -> Iterator[None]:
    """Within the block, what `latents` write is taken out of every text token: h − Σ z_j d_j.

    Gentler than `ablate`: silent latents change nothing. ValueError for a latent that the Sae doesn't have.
    """
    chosen = list(latents)
    sae = subject.sae
    require_latents(sae, chosen, "silence")
    wanted = torch.zeros(sae.latents, dtype=torch.bool, device=sae.W_dec.device)
    wanted[chosen] = True

    def without(hidden: Tensor, _where: Tensor) -> Tensor:
        codes = sae.codes(hidden)
        return hidden - replace(codes, values=codes.values * wanted[codes.pairs.latents]).decode(sae.W_dec)

    with splice(subject.lm, subject.site, without):
        yield
