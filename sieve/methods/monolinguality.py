"""Monolinguality (Deng et al., arXiv 2505.05111): latents whose mean code is highest above that in other languages.

ν_j = mean of z_j over the language's tokens, less the mean over the other languages of theirs. As many as LangFIR keeps
are taken, so that only the choice differs (published: one or two).
"""

from __future__ import annotations

import torch

from sieve.methods.material import ALL, MEDIAN_NORM, Material, Push

NEEDS, UNIT = ALL, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """Σ mean_j · atom_j over the latents with the highest ν."""
    others = [material.activity(name).mean for name in material.texts if name != language]
    nu = material.activity(language).mean - torch.stack(others).mean(0)
    top = nu.topk(min(len(nu), max(1, len(material.texts[language].kept)))).indices.tolist()
    return material.push(language, material.atoms(language, top), "monolinguality")
