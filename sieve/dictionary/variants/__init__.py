"""One file per way of training a dictionary. The directory is the registry: `variant("topk")` is `topk.py`.

A variant file holds `Settings` (a frozen dataclass of its own numbers), `Variant` and `Sparsity`:

    Variant(settings, latents, rows, generator)   rows (N, D): a sample of scaled activations to start from
    parameters() -> list[Tensor]                  what the optimiser turns
    loss(batch (B, D)) -> (Tensor, dict)          what is minimised, and figures worth logging
    before_step(), after_step()                   constraints around the optimiser's step
    counters() -> dict, restore(dict)             tensors (no parameters) that decide the steps to come, for checkpoints
    freeze(site, model) -> Sae                    the dictionary of scaled activations as it is used

    Sparsity(sae, settings, rows, error)          what holds L0 while a frozen Sae is trained on; settings: a mapping,
                                                  from its convention; error (x̂, x) -> scalar is what is minimised
    l0                                            active latents a row, on average, that are held
    code(sae, batch) -> x̂, codes, price           the price is added to the loss
    gate(sae) -> Gate                             for use, with the tensors that `sae` has now
    parameters(), counters(), restore(dict)       as above, besides the four tensors
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
