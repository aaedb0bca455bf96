"""Control: LangFIR without its filter: all latents that are consistent on the language's text."""

from __future__ import annotations

from sieve.methods.material import MEDIAN_NORM, ONE, Material, Push

NEEDS, UNIT = ONE, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """Σ mean_j · atom_j over what the filter keeps and what it drops."""
    text = material.texts[language]
    return material.push(language, material.atoms(language, (*text.kept, *text.filtered)), "consistent")
