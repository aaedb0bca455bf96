"""The one definition of a *site*: a named place in the network whose tensor is captured, spliced and steered.

`resid_post_N` is the residual stream after decoder layer N (0 is the first layer), (B, T, D). Capture, splice, steering
and evaluation all go through `edit` or `observe`, so an SAE is spliced into exactly the tensor that it was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

KINDS = ("resid_post",)


class SiteError(ValueError):
    """A site that this network does not have."""


@dataclass(frozen=True)
class Site:
    """A parsed site name, e.g. `Site("resid_post", 2)`."""

    kind: str
    layer: int

    def __str__(self) -> str:
        return f"{self.kind}_{self.layer}"


def decoder_layers(network: nn.Module) -> nn.ModuleList:
    """The list of decoder blocks of a Hugging Face causal LM."""
    for path in ("model.layers", "transformer.h", "gpt_neox.layers"):
        module: Any = network
        for name in path.split("."):
            module = getattr(module, name, None)
        if isinstance(module, nn.ModuleList):
            return module
    raise SiteError(
        f"{type(network).__name__} keeps its decoder layers under no name known here; "
        "give a causal LM of the Llama, GPT-2 or GPT-NeoX shape"
    )


def sites(network: nn.Module) -> list[str]:
    """Every site of `network`, in the order in which data flows."""
    return [str(Site(kind, layer)) for layer in range(len(decoder_layers(network))) for kind in KINDS]


def parse_site(name: str) -> Site:
    """Turn 'resid_post_2' into a `Site`; SiteError when it is not of the form kind_layer."""
    match = re.fullmatch(rf"({'|'.join(KINDS)})_(\d+)", name)
    if match is None:
        raise SiteError(
            f"'{name}' is not a site name; expected one of {', '.join(KINDS)} followed by _LAYER, e.g. 'resid_post_0'"
        )
    return Site(match[1], int(match[2]))


def site_module(network: nn.Module, name: str) -> nn.Module:
    """The module whose output is the site's tensor. SiteError lists the sites that exist."""
    site = parse_site(name)
    layers = decoder_layers(network)
    if site.layer >= len(layers):
        raise SiteError(
            f"site '{name}' does not exist in this {type(network).__name__}; it has: {', '.join(sites(network))}"
        )
    return layers[site.layer]


class _Stop(Exception):
    """Raised inside a forward pass when nothing after the site is needed."""


@contextmanager
def _token_ids(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Remember the ids of the forward pass in flight, whatever entry point it came through (cached steps too)."""
    seen: dict[str, Tensor] = {}
    embedding = network.get_input_embeddings()  # type: ignore[operator]
    handle = embedding.register_forward_pre_hook(lambda _, args: seen.update(ids=args[0]))
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def edit(network: nn.Module, site: str, function: Callable[[Tensor, Tensor], Tensor]) -> Iterator[None]:
    """Replace the site's tensor by `function(hidden (B, T, D), ids (B, T)) -> (B, T, D)` on every forward in the block.

    The hook is gone when the block ends, also after an exception.
    """
    module = site_module(network, site)
    with _token_ids(network) as seen:

        def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            if isinstance(output, tuple):
                return (function(output[0], seen["ids"]), *output[1:])
            return function(output, seen["ids"])

        handle = module.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()


@torch.no_grad()
def observe(network: nn.Module, names: list[str], ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Activations at `names` for one batch, {site: (B, T, D)}; the pass stops at the last of them, before the LM head.

    ids (B, T) int64, mask (B, T) with 1 where a token is real.
    """
    found: dict[str, Tensor] = {}
    handles = []

    def keep(name: str, last: bool) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            found[name] = output[0] if isinstance(output, tuple) else output
            if last:
                raise _Stop

        return hook

    ordered = sorted(names, key=lambda name: parse_site(name).layer)
    try:
        for name in ordered:
            handles.append(site_module(network, name).register_forward_hook(keep(name, name == ordered[-1])))
        with suppress(_Stop):
            network(input_ids=ids, attention_mask=mask, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return found
