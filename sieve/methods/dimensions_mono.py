"""Language-specific dimensions from one language (Zhong et al., arXiv 2510.07213).

The dimensions of the residual stream in which the language's mean changes most from here to the last layer are
overwritten with their mean there.
"""

from __future__ import annotations

from sieve.methods.material import LAST_LAYER, ONE, Material, Push
from sieve.model.sites import sites

NEEDS, UNIT = ONE, LAST_LAYER


def find(material: Material, language: str) -> list[Push]:
    """Dimensions by |mean here − mean at the last layer|; nothing where these are not of one width, or the same."""
    last = material.means(language, sites(material.subject.lm.network, "resid_post")[-1])
    here = material.means(language, material.subject.site)
    return material.overwrite(last, here - last) if len(here) == len(last) else []
