"""LangFIR (arXiv 2604.03532): the direction that the filter wrote, of latents that random tokens leave."""

from __future__ import annotations

from sieve.interventions.steer import steer
from sieve.methods.material import MEDIAN_NORM, ONE_AND_RANDOM, Material, Push

NEEDS, UNIT = ONE_AND_RANDOM, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """Nothing where nothing was kept."""
    direction, lm = material.texts[language].direction, material.subject.lm
    return [lambda strength: steer(lm, direction, strength)] if direction is not None else []
