"""The mean activation of the language less that of random tokens: LangFIR's data without a dictionary."""

from __future__ import annotations

from sieve.methods.material import MEDIAN_NORM, ONE_AND_RANDOM, Material, Push

NEEDS, UNIT = ONE_AND_RANDOM, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """mean(L) − mean(random), normalised."""
    return material.push(language, material.activity(language).centre - material.random(language).centre, "residual")
