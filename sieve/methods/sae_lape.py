"""SAE-LAPE (arXiv 2507.11230): latents that fire in nearly all of one language's text and hardly in another's.

A latent is kept if it fires in 98 % of some language's sequences and on 10 % of some language's tokens, and is the
language's if it is the only one in which it fires at least half as often as in the one where it fires most. (These
rules select; LAPE's entropy is not used beside them. Atoms are weighed by mean codes, as LangFIR's are, not by the
largest ones, as published: only their proportions differ, as the strength is tuned.)
"""

from __future__ import annotations

import torch

from sieve.methods.material import ALL, MEDIAN_NORM, Material, Push

NEEDS, UNIT = ALL, MEDIAN_NORM
SEQUENCES, TOKENS, NEAR = 0.98, 0.10, 0.5


def find(material: Material, language: str) -> list[Push]:
    """Σ mean_j · atom_j over the latents that are specific to the language."""
    names = list(material.texts)
    rate = torch.stack([material.activity(name).rate for name in names])
    present = torch.stack([material.activity(name).consistency for name in names])
    busy = (present >= SEQUENCES).any(0) & (rate > TOKENS).any(0)
    fires = rate >= NEAR * rate.max(0).values
    own = busy & (fires.sum(0) == 1) & fires[names.index(language)]
    return material.push(language, material.atoms(language, own.nonzero().flatten().tolist()), "sae_lape")
