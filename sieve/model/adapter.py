"""LoRA through `peft`, injected in place: the network keeps its class, its sites and its hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sieve.model.families import decoder_layers
from sieve.model.sites import reads
from sieve.provenance import LineageError, read_tensors, write_tensors


def inject(network: Any, site: str, targets: list[str], rank: int, alpha: int, scope: str, seed: int) -> dict[str, Any]:
    """Add LoRA matrices to the modules called `targets`; return the settings, for `save_adapter`.

    scope: `after` adapts only what reads the site's tensor, so the cached activations stay true: later layers and, for
    a site within a layer, what comes after it there (`sieve.model.sites.reads`); `all` every layer (as published).
    The new matrices start as peft makes them (A random from `seed`, B zero), so the function does not change.
    ValueError for a network that has an adapter already, because the two would mix, and for a target that is not among
    what is adapted, which peft passes by in silence when there is another; SiteError for a site that is not there.
    """
    there = _matrices(network, site, scope)
    if not there:
        raise ValueError(
            f"nothing that could be adapted comes after site '{site}' in a network of {len(decoder_layers(network))} "
            "layers; adapt all layers (scope: all) or take an earlier site"
        )
    inside = list(dict.fromkeys(name for _, name in there))
    if missing := [target for target in targets or [""] if not any(_called(name, target) for name in inside)]:
        place = f" that come after '{site}'" if scope == "after" else ""
        raise ValueError(
            f"the layers of this {type(network).__name__}{place} have no '{missing[0]}' to adapt; name some of: "
            f"{', '.join(inside)} (or their ends, as in '{inside[0].split('.')[-1]}')"
        )
    chosen = [(layer, name) for layer, name in there if any(_called(name, target) for target in targets)]
    home = next(path for path, module in network.named_modules() if module is decoder_layers(network))
    _inject(network, [f"{home}.{layer}.{name}" for layer, name in chosen], rank, alpha, seed)
    layers = sorted({layer for layer, _ in chosen})
    return {"targets": sorted(targets), "rank": rank, "alpha": alpha, "layers": layers}


def _matrices(network: Any, site: str, scope: str) -> list[tuple[int, str]]:
    """(layer, name inside it) of what multiplies by a matrix: all of it, or what reads the site."""
    return [
        (number, name)
        for number, layer in enumerate(decoder_layers(network))
        for name, module in layer.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.dim() == 2
        if scope == "all" or reads(network, site, number, name)
    ]


def _called(name: str, target: str) -> bool:
    return f".{name}".endswith(f".{target}")


def _inject(network: Any, modules: list[str], rank: int, alpha: int, seed: int) -> None:
    """Add LoRA matrices to modules by their full names."""
    from peft import LoraConfig, inject_adapter_in_model
    from transformers.pytorch_utils import Conv1D

    if adapter_parameters(network):
        raise ValueError("this network has an adapter already; open the model anew and inject into that")
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=modules,
        lora_dropout=0.0,
        bias="none",
        fan_in_fan_out=isinstance(network.get_submodule(modules[0]), Conv1D),  # GPT-2's (in, out) matrices
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network)


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
    modules = sorted({name.partition(".lora_")[0] for name in tensors})
    _inject(network, modules, meta["lora"]["rank"], meta["lora"]["alpha"], seed=0)
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
    network.requires_grad_(False)


def merge(network: Any) -> None:
    """Add the adapter into the weights that it adapts, for good: what is left is a plain network with its logits.

    They are the same up to rounding. Nothing can be switched off afterwards, so `Subject.original` is lost; and saved,
    it is another model, to which an Sae is given by `dataclasses.replace(sae, model=model_digest(folder))`.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted: list[Any] = [named for named in network.named_modules() if isinstance(named[1], BaseTunerLayer)]
    for path, layer in adapted:
        layer.merge()
        parent, _, name = path.rpartition(".")
        setattr(network.get_submodule(parent), name, layer.get_base_layer())


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
