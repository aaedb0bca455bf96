"""Control: as many latents as LangFIR keeps, which fire about as often and whose atoms are about as long."""

from __future__ import annotations

from sieve.features.matched import matched_latents
from sieve.methods.material import MEDIAN_NORM, ONE_AND_RANDOM, Material, Push
from sieve.provenance import generator

NEEDS, UNIT = ONE_AND_RANDOM, MEDIAN_NORM


def find(material: Material, language: str) -> list[Push]:
    """One push for each of `draws`; latents that any language keeps are not drawn."""
    kept = material.texts[language].kept
    taken = {latent for text in material.texts.values() for latent in text.kept}
    rate, length = material.activity(language).rate, material.subject.sae.W_dec.norm(dim=1).cpu()
    found: list[Push] = []
    for draw in range(material.draws if kept else 0):
        rng = generator(material.seed, "random latents", language, draw)
        drawn = matched_latents(kept, rate, length, taken, rng)
        found += material.push(language, material.atoms(language, drawn), "random")
    return found
