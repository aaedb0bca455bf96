"""Language-specific dimensions from parallel text (Zhong et al., arXiv 2510.07213).

The dimensions in which the means of texts and of their translations differ most at the last layer are overwritten with
their mean there. The other language is English, as published, or the first that has translations.
"""

from __future__ import annotations

from sieve.methods.material import PARALLEL, Material, Push, Text
from sieve.model.sites import sites

NEEDS, UNIT = PARALLEL, "mean of the last layer"


def find(material: Material, language: str) -> list[Push]:
    """Nothing where no text of the language is translated."""
    last = sites(material.subject.lm.network, "resid_post")[-1]
    for name in sorted(material.texts, key=lambda name: (name != "en", name)):
        own, other = translated(material.texts[language], material.texts[name])
        if name != language and own:
            target = material.means_of(own, last).mean
            return material.overwrite(target, material.means_of(other, last).mean - target)
    return []


def translated(a: Text, b: Text) -> tuple[list[list[int]], list[list[int]]]:
    """The sequences of two languages that are translations of each other, in the same order."""
    first, second = ({p: list(s) for p, s in zip(t.parallel, t.sequences) if p >= 0} for t in (a, b))
    shared = sorted(first.keys() & second.keys())
    return [first[p] for p in shared], [second[p] for p in shared]
