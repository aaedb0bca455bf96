"""One file per way of training a dictionary. The directory is the registry: `variant("topk")` is `topk.py`.

A variant file holds `Settings` (a frozen dataclass of its own numbers), `Variant` and `Sparsity`:

    Variant(settings, latents, rows, generator)   rows (N, D): a sample of scaled activations to start from
    parameters() -> list[Tensor]                  what the optimiser turns
    loss(batch (B, D)) -> (Tensor, dict)          what is minimised, and figures worth logging
    before_step(), after_step()                   constraints around the optimiser's step
    counters() -> dict, restore(dict)             tensors (no parameters) that decide the steps to come, for checkpoints
    freeze(site, model) -> Sae                    the dictionary of scaled activations as it is used

    Sparsity(sae, settings, rows, error)          for training on a frozen one, settings and rows as above: what holds
                                                  its L0, beside whatever error (x̂, x) -> scalar is minimised
    code(sae, batch) -> x̂, codes, price           what the loss is made of; the price is added to it
    gate(sae) -> Gate                             the dictionary's when it is used
    l0                                            the active latents a row that are held
    parameters(), counters(), restore(dict)       besides the dictionary's four tensors; as above
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def variants() -> list[str]:
    """The names of all variants, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def variant(name: str) -> ModuleType:
    """The module of one variant. ValueError lists those that exist."""
    if name not in variants():
        raise ValueError(f"there is no variant '{name}'; there are: {', '.join(variants())}")
    return importlib.import_module(f"{__name__}.{name}")
