"""Language-specific dimensions from parallel text (Zhong et al., arXiv 2510.07213).

The dimensions in which the means of texts and of their translations differ most at the last layer are overwritten with
their mean there. The other language is English, as published, or the first that has translations.
"""

from __future__ import annotations

from sieve.methods.material import LAST_LAYER, PARALLEL, Material, Push, Text
from sieve.model.sites import sites

NEEDS, UNIT = PARALLEL, LAST_LAYER


def find(material: Material, language: str) -> list[Push]:
    """Nothing where no text of the language is translated."""
    last = sites(material.subject.lm.network, "resid_post")[-1]
    most = len(material.texts[language].sequences)
    for name in sorted(material.texts, key=lambda name: (name != "en", name)):
        own, other = translated(material.texts[language], material.texts[name], most)
        if name != language and own:
            target = material.means_of(own, last)
            return material.overwrite(target, material.means_of(other, last) - target)
    return []


def translated(a: Text, b: Text, most: int) -> tuple[list[list[int]], list[list[int]]]:
    """Up to `most` training texts of two languages that are translations of each other, in the same order.

    Of all that there are: other methods have as many texts, and few of those need be told twice.
    """
    shared = sorted(a.told.keys() & b.told.keys())[:most]
    return [list(a.told[p]) for p in shared], [list(b.told[p]) for p in shared]
