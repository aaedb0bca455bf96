"""LoRA through `peft`, injected in place: the network keeps its class, its sites and its hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sieve.model.families import decoder_layers
from sieve.model.sites import parse_site
from sieve.provenance import LineageError, read_tensors, write_tensors


def inject(network: Any, site: str, targets: list[str], rank: int, alpha: int, scope: str, seed: int) -> dict[str, Any]:
    """Add LoRA matrices to the modules called `targets`; return the settings that `load_adapter` needs to do it again.

    scope: `after` adapts only the layers that lie wholly after `site` (the cached activations stay true), `all` every
    layer (as published).
    The new matrices start as peft makes them (A random from `seed`, B zero), so the function does not change.
    ValueError for a network that has an adapter already, because the two would mix, and for a target that the adapted
    layers don't have, which peft passes by in silence when they have another.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from transformers.pytorch_utils import Conv1D

    if adapter_parameters(network):
        raise ValueError("this network has an adapter already; open the model anew and inject into that")
    count = len(decoder_layers(network))
    first = parse_site(site).next_layer if scope == "after" else 0
    if first >= count:
        raise ValueError(
            f"no layer comes after site '{site}' in a network of {count} layers; "
            "adapt all layers (scope: all) or take an earlier site"
        )
    settings: dict[str, Any] = {
        "targets": sorted(targets),
        "rank": rank,
        "alpha": alpha,
        "layers": list(range(first, count)),
    }
    there = _matrices(network, first)
    if missing := [name for name in targets if not any(f".{own}".endswith(f".{name}") for own in there)]:
        raise ValueError(
            f"the layers of this {type(network).__name__} have no '{missing[0]}' to adapt; name some of: "
            f"{', '.join(there)} (or their ends, as in '{next(iter(there)).split('.')[-1]}')"
        )
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=settings["targets"],
        layers_to_transform=settings["layers"],
        lora_dropout=0.0,
        bias="none",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in there.values()),  # GPT-2's (in, out) matrices
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network)
    return settings


def _matrices(network: Any, first: int) -> dict[str, Any]:
    """{name inside a layer: module} of what multiplies by a matrix in layer `first` and those after it."""
    return {
        name: module
        for layer in decoder_layers(network)[first:]
        for name, module in layer.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.dim() == 2
    }


def adapter_parameters(network: Any) -> list[Tensor]:
    """The LoRA matrices, in the network's own order."""
    return [parameter for name, parameter in network.named_parameters() if "lora_" in name]


def save_adapter(path: Path, network: Any, settings: dict[str, Any], model: str, site: str, sae: str) -> None:
    """Write the LoRA matrices with their settings, the digests of the model and the Sae they belong to, the site."""
    tensors = {name: parameter for name, parameter in network.named_parameters() if "lora_" in name}
    write_tensors(path, tensors, {"lora": settings, "model": model, "sae": sae, "site": site})


def load_adapter(path: Path, network: Any, model: str, sae: str) -> None:
    """Inject a saved adapter. LineageError when it was trained on another model, or around another Sae (digests)."""
    tensors, meta = read_tensors(path)
    if meta["model"] != model:
        raise LineageError(
            f"adapter {path} was trained on model {meta['model'][:12]}, but the model given is {model[:12]}; "
            "give the model it was made with"
        )
    if meta["sae"] != sae:
        raise LineageError(
            f"adapter {path} was trained around SAE {meta['sae'][:12]}, but the one beside it is {sae[:12]}; "
            "give the SAE it was made with"
        )
    lora = meta["lora"]
    inject_settings = {"rank": lora["rank"], "alpha": lora["alpha"], "targets": lora["targets"]}
    scope = "all" if lora["layers"][0] == 0 else "after"
    inject(network, meta["site"], scope=scope, seed=0, **inject_settings)
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
    network.requires_grad_(False)


@contextmanager
def adapter_enabled(network: Any, enabled: bool) -> Iterator[None]:
    """Turn the injected adapter on or off within the block; nothing to do for a network without one."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [module for module in network.modules() if isinstance(module, BaseTunerLayer)]
    before = [not layer.disable_adapters for layer in layers]
    flags = {id(p): p.requires_grad for layer in layers for p in layer.parameters()}
    try:
        for layer in layers:
            layer.enable_adapters(enabled)
        yield
    finally:
        for layer, was in zip(layers, before):
            layer.enable_adapters(was)
            for parameter in layer.parameters():
                parameter.requires_grad_(flags[id(parameter)])
