"""DiffMean: the mean activation of the language less that of the others (CLaS-Bench, arXiv 2601.08331)."""

from __future__ import annotations

import torch

from sieve.methods.material import ALL, MEDIAN_NORM, Material, Push

NEEDS, UNIT = ALL, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """mean(L) − mean over the other languages of theirs, normalised."""
    others = [material.activity(name).centre for name in material.texts if name != language]
    return material.push(language, material.activity(language).centre - torch.stack(others).mean(0), "diffmean")
