"""Control: the consistent latents that LangFIR drops. Without them it would not need random tokens."""

from __future__ import annotations

from sieve.methods.material import MEDIAN_NORM, ONE_AND_RANDOM, Material, Push

NEEDS, UNIT = ONE_AND_RANDOM, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """Σ mean_j · atom_j over what the filter dropped."""
    return material.push(language, material.atoms(language, material.texts[language].filtered), "filtered")
