"""What the parts of a decoder block are called in each family of Hugging Face models, read off their forward passes.

A part is a module inside a block. `attn_z` and `mlp_act` are what goes into the parts named here (the two output
projections), `resid_mid` is what goes into the MLP's norm, `attn_out` and `mlp_out` are what comes out last before the
residual addition: in Gemma 2 and 3 that is a norm after the attention and after the MLP, in GPT-NeoX a dropout.
"""

from __future__ import annotations

from typing import Any

from torch import nn

_GPT2 = {
    "attn_z": "attn.c_proj",
    "attn_out": "attn",
    "resid_mid": "ln_2",
    "mlp_act": "mlp.c_proj",
    "mlp_out": "mlp",
}
_GPT_NEOX = {
    "attn_z": "attention.dense",
    "attn_out": "post_attention_dropout",
    "resid_mid": "post_attention_layernorm",
    "mlp_act": "mlp.dense_4h_to_h",
    "mlp_out": "post_mlp_dropout",
}
_LLAMA = {
    "attn_z": "self_attn.o_proj",
    "attn_out": "self_attn",
    "resid_mid": "post_attention_layernorm",
    "mlp_act": "mlp.down_proj",
    "mlp_out": "mlp",
}
_GEMMA = _LLAMA | {
    "attn_out": "post_attention_layernorm",
    "resid_mid": "pre_feedforward_layernorm",
    "mlp_out": "post_feedforward_layernorm",
}
FAMILIES = {
    "gpt2": _GPT2,
    "gpt_neox": _GPT_NEOX,
    "llama": _LLAMA,
    "qwen3": _LLAMA,
    "gemma2": _GEMMA,
    "gemma3_text": _GEMMA,
}
"""{config.model_type: {kind of site: part}}. By type: other families give the same names other meanings."""


class SiteError(ValueError):
    """A site that this network does not have."""


def decoder_layers(network: nn.Module) -> nn.ModuleList:
    """The list of decoder blocks of a Hugging Face causal LM. SiteError when it is kept under no name known here."""
    for path in ("model.layers", "transformer.h", "gpt_neox.layers"):
        module: Any = network
        for name in path.split("."):
            module = getattr(module, name, None)
        if isinstance(module, nn.ModuleList):
            return module
    raise SiteError(
        f"{type(network).__name__} keeps its decoder layers under no name known here; "
        "give a causal LM of text alone, of the Llama, GPT-2 or GPT-NeoX shape"
    )


def block_parts(network: nn.Module) -> dict[str, str]:
    """{kind of site: part of a block} for the kinds that `network` has, but those that every network has."""
    config: Any = network.config
    parts = FAMILIES.get(config.model_type, {})
    if getattr(config, "use_parallel_residual", False):
        return {kind: part for kind, part in parts.items() if kind != "resid_mid"}
    return parts


def missing_kind(network: nn.Module, kind: str) -> SiteError:
    """Why `network` has no site of this kind, and what to do."""
    config: Any = network.config
    if config.model_type in FAMILIES:
        return SiteError(
            f"there is no {kind} in this {type(network).__name__}: attention and MLP both read the residual stream as "
            "it enters the block (use_parallel_residual), so it never holds the attention's output without the MLP's; "
            "take resid_pre, or attn_out"
        )
    return SiteError(
        f"{kind} is known for {', '.join(FAMILIES)}, but this {type(network).__name__} is of type "
        f"'{config.model_type}'; take a resid_pre or resid_post site, or name its parts in sieve/model/families.py"
    )
