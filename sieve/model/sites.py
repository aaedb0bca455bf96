"""The one definition of a *site*: a named place in the network whose tensor is captured, spliced and steered.

In the order in which data flows through decoder layer N (0 is the first), each (B, T, D) with a D of its own:

    resid_pre_N   the residual stream as it enters the layer; `resid_pre_0` is the embedding layer's output
    attn_z_N      the heads' outputs side by side, before the output projection; D = heads · head size
    attn_out_N    what attention adds to the residual stream (in Gemma 2 and 3 after the norm that follows it)
    resid_mid_N   the residual stream after that addition, before the MLP's norm; none if both are parallel (GPT-NeoX)
    mlp_act_N     what the MLP's down projection reads; D = intermediate size
    mlp_out_N     what the MLP adds to the residual stream (in Gemma 2 and 3 after the norm that follows it)
    resid_post_N  the residual stream after the layer

Capture, splice, steering and evaluation all go through `edit` or `observe`, and these through one hook, so an SAE is
spliced into exactly the tensor that it was trained on. `resid_pre` and `resid_post` exist in every network, the others
in `FAMILIES`; `resid_pre_N` holds what `resid_post_(N-1)` does, so only `resid_pre_0` adds a tensor of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sieve.model.families import SiteError, block_parts, decoder_layers, missing_kind

KINDS = ("resid_pre", "attn_z", "attn_out", "resid_mid", "mlp_act", "mlp_out", "resid_post")
EVERYWHERE = ("resid_pre", "resid_post")
"""Kinds that need no part of a block to be known: what enters it and what leaves it."""


@dataclass(frozen=True)
class Site:
    """A parsed site name, e.g. `Site("resid_post", 2)`."""

    kind: str
    layer: int

    def __str__(self) -> str:
        return f"{self.kind}_{self.layer}"

    @property
    def order(self) -> tuple[int, int]:
        """Sites sorted by this are in the order in which data flows."""
        return self.layer, KINDS.index(self.kind)


def sites(network: nn.Module, kind: str | None = None) -> list[str]:
    """Every site of `network`, or every one of a kind, in the order in which data flows."""
    layers = len(decoder_layers(network))
    kinds = [k for k in KINDS if k in {*EVERYWHERE, *block_parts(network)} and kind in (None, k)]
    return [str(Site(k, layer)) for layer in range(layers) for k in kinds]


def parse_site(name: str) -> Site:
    """Turn 'resid_post_2' into a `Site`; SiteError when it is not of the form kind_layer."""
    match = re.fullmatch(rf"({'|'.join(KINDS)})_(\d+)", name)
    if match is None:
        raise SiteError(
            f"'{name}' is not a site name; expected one of {', '.join(KINDS)} followed by _LAYER, e.g. 'resid_post_0'"
        )
    return Site(match[1], int(match[2]))


def site_width(network: nn.Module, name: str) -> int:
    """D, the size of an activation at the site. SiteError when `network` has no such site."""
    part: Any = _part(network, name)
    if parse_site(name).kind in ("attn_z", "mlp_act"):
        return int(part.in_features if hasattr(part, "in_features") else part.nx)  # GPT-2's Conv1D says nx
    return int(network.config.hidden_size)  # type: ignore[union-attr, arg-type]


def reads(network: nn.Module, name: str, layer: int, module: str) -> bool:
    """Whether `module` of decoder layer `layer` computes from the site's tensor, directly or through others.

    Later layers do. Of its own layer everything reads resid_pre, the output projection and the MLP read attn_z, the MLP
    reads attn_out and resid_mid, the down projection reads mlp_act, and nothing reads mlp_out and resid_post. An MLP
    that is parallel to attention (GPT-NeoX) reads nothing of it. SiteError when `network` has no such site.
    """
    _part(network, name)
    site, parts = parse_site(name), block_parts(network)
    if layer != site.layer or site.kind in EVERYWHERE:
        return layer > site.layer or (layer == site.layer and site.kind == "resid_pre")
    if site.kind in ("attn_z", "mlp_act") and module == parts[site.kind]:
        return True
    in_mlp = module.startswith(parts["mlp_act"].rpartition(".")[0] + ".")
    return in_mlp and site.kind in ("attn_z", "attn_out", "resid_mid") and "resid_mid" in parts


def _part(network: nn.Module, name: str) -> nn.Module:
    """The module that a site's tensor goes into or comes out of. SiteError says what there is instead."""
    site, layers = parse_site(name), decoder_layers(network)
    if name not in (there := sites(network, site.kind)):
        if not there:
            raise missing_kind(network, site.kind)
        raise SiteError(f"site '{name}' does not exist in this {type(network).__name__}; it has: {', '.join(there)}")
    block = layers[site.layer]
    return block if site.kind in EVERYWHERE else block.get_submodule(block_parts(network)[site.kind])


def _visit(network: nn.Module, name: str, visitor: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Have `visitor` called with the site's tensor (B, T, D) on every forward; what it returns, if any, replaces it."""

    def leaving(_module: nn.Module, _args: Any, output: Any) -> Any:
        if not isinstance(output, tuple):
            return visitor(output)
        found = visitor(output[0])
        return None if found is None else (found, *output[1:])

    def entering(_module: nn.Module, args: Any) -> Any:
        found = visitor(args[0])
        return None if found is None else (found, *args[1:])

    def entering_and_passing_by(_module: nn.Module, args: Any) -> None:
        # The block keeps this very tensor for the addition after the MLP: only writing into it reaches both branches.
        found = visitor(args[0].clone())
        if found is not None:
            args[0].copy_(found)

    part, kind = _part(network, name), parse_site(name).kind
    if kind == "resid_mid":
        return part.register_forward_pre_hook(entering_and_passing_by)
    if kind in ("resid_pre", "attn_z", "mlp_act"):
        return part.register_forward_pre_hook(entering)
    return part.register_forward_hook(leaving)


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

    Everything that reads the site's tensor reads the new one. The hook is gone when the block ends, also after an
    exception. SiteError when `network` has no such site, ValueError when `function` returns another shape.
    """
    with _token_ids(network) as seen:

        def replace(hidden: Tensor) -> Tensor:
            edited = function(hidden, seen["ids"])
            if edited.shape != hidden.shape:
                raise ValueError(
                    f"the edit at {site} was given activations of shape {tuple(hidden.shape)} and returned "
                    f"{tuple(edited.shape)}; return the same shape"
                )
            return edited

        handle = _visit(network, site, replace)
        try:
            yield
        finally:
            handle.remove()


class _Stop(Exception):
    """Raised inside a forward pass when nothing after the site is needed."""


@torch.no_grad()
def observe(network: nn.Module, names: list[str], ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Activations at `names` for one batch, {site: (B, T, D)}; the pass stops at the last of them, before the LM head.

    ids (B, T) int64, mask (B, T) with 1 where a token is real; padding may be on either side.
    """
    found: dict[str, Tensor] = {}
    handles = []

    def keep(name: str, last: bool) -> Callable[[Tensor], None]:
        def visitor(hidden: Tensor) -> None:
            found[name] = hidden
            if last:
                raise _Stop

        return visitor

    ordered = sorted(names, key=lambda name: parse_site(name).order)
    try:
        for name in ordered:
            handles.append(_visit(network, name, keep(name, name == ordered[-1])))
        with suppress(_Stop):
            network(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return found


def positions(mask: Tensor) -> Tensor:
    """Each token's position (B, T), counted from its row's first real token: padding on the left shifts nothing."""
    padding = (mask.cumsum(1) == 0).sum(1, keepdim=True)
    return (torch.arange(mask.shape[1], device=mask.device) - padding).clamp_min(0)
