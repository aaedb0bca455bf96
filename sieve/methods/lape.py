"""LAPE (Tang et al., arXiv 2402.16438): MLP neurons that are active in few languages, in all layers.

Of the shares of tokens at which a neuron is above 0, normalised over languages, those with the lowest entropy are kept
(1 %), without neurons that no language uses often; a neuron is of every language in which its share is among the
highest (95th percentile of all). Above 0 is, in a gated MLP, what the gate lets through. Published for switching off;
here what the down projection reads of such neurons gets their mean in the language added.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor

from sieve.methods.material import ACTIVATION, ALL, Material, Push
from sieve.model.sites import site_width, sites
from sieve.model.splice import splice

NEEDS, UNIT = ALL, ACTIVATION
OFTEN, KEPT = 0.95, 0.01


def find(material: Material, language: str) -> list[Push]:
    """All MLPs at once; nothing where the network's MLP is unknown, or no neuron is the language's."""
    names, lm = list(material.texts), material.subject.lm
    places = sites(lm.network, "mlp_act")
    if not places:
        return []
    rate = torch.stack([material.neurons(name) for name in names])
    own = specific(rate)[names.index(language)]
    mean = torch.cat([material.means(language, site) for site in places])
    if not bool(own.any()):
        return []
    widths = [site_width(lm.network, site) for site in places]
    added = dict(zip(places, torch.where(own, mean, 0.0).to(lm.device).split(widths)))

    @contextmanager
    def push(strength: float) -> Iterator[None]:
        with ExitStack() as stack:
            for site, vector in added.items():
                stack.enter_context(splice(lm, site, partial(_add, strength * vector)))
            yield

    return [push]


def _add(vector: Tensor, rows: Tensor, _where: Tensor) -> Tensor:
    return rows + vector


def specific(rate: Tensor) -> Tensor:
    """Which neurons are whose: rate (languages, neurons) -> True at each language's. Silent neurons are nobody's."""
    share = rate / rate.sum(0).clamp_min(1e-12)
    entropy = -(share * share.clamp_min(1e-12).log()).sum(0)
    bar = rate.flatten().kthvalue(max(1, round(OFTEN * rate.numel()))).values
    entropy = entropy.where((rate > bar).any(0), torch.inf)
    low = torch.zeros(rate.shape[1], dtype=torch.bool)
    low[entropy.argsort(stable=True)[: max(1, round(KEPT * rate.shape[1]))]] = True
    return (rate > bar) & low & entropy.isfinite()
