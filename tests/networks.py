"""A tiny random network of every family, with what is peculiar to it: tied embeddings, windows, caps, head sizes."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from sieve.model.language_model import LanguageModel

VOCABULARY, CONTEXT, LAYERS, WINDOW = 64, 32, 3, 4
COMMON = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SIZES = COMMON | {
    "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
}  # fmt: skip
HEADS = {"num_key_value_heads": 2, "head_dim": 10}  # 4 heads of 10 on a width of 24, two to a key and value
GEMMA = SIZES | HEADS | {"sliding_window": WINDOW, "final_logit_softcapping": 2.0, "query_pre_attn_scalar": 10}
WINDOWED = ["sliding_attention", "full_attention", "sliding_attention"]


def _made(family: str):
    if family == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(n_embd=24, n_inner=40, n_layer=LAYERS, n_head=4, n_positions=CONTEXT, **COMMON)
        )
    if family in {"gpt_neox", "gpt_neox_sequential"}:
        return GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES, use_parallel_residual=family == "gpt_neox"))
    if family == "llama":
        return LlamaForCausalLM(LlamaConfig(**SIZES, **HEADS))
    if family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**SIZES, **HEADS, tie_word_embeddings=True))
    if family == "gemma2":
        return Gemma2ForCausalLM(Gemma2Config(**GEMMA, layer_types=WINDOWED, attn_logit_softcapping=2.0))
    return Gemma3ForCausalLM(Gemma3TextConfig(**GEMMA, layer_types=WINDOWED))


FAMILIES = ["gpt2", "gpt_neox", "gpt_neox_sequential", "llama", "qwen3", "gemma2", "gemma3"]
WITH_BOS = {"llama", "gemma2", "gemma3"}
KINDS = ["resid_pre", "attn_z", "attn_out", "resid_mid", "mlp_act", "mlp_out", "resid_post"]


def network_of(family: str):
    """Three layers; weights large enough, and norms uneven enough, that every part matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(10 + FAMILIES.index(family))  # all of these go on for eight tokens
        network = _made(family).eval().requires_grad_(False)
        for parameter in network.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape))
    return network


def tokenizer_of(bos: bool, special: bool = True):
    """Words w3, w4, … with their number as id; before them PAD, BOS and EOS. `bos`: a text starts with BOS."""
    names = ["<pad>", "<bos>", "<eos>"] if special else ["w0", "w1", "w2"]
    words = names + [f"w{i}" for i in range(3, VOCABULARY)]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[-1]))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if bos:
        core.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    tokens = {"pad_token": "<pad>", "eos_token": "<eos>", **({"bos_token": "<bos>"} if bos else {})} if special else {}
    return PreTrainedTokenizerFast(tokenizer_object=core, clean_up_tokenization_spaces=False, **tokens)


def family_lm(family: str) -> LanguageModel:
    """The network with a tokenizer that treats BOS as the family does."""
    return LanguageModel(network_of(family), tokenizer_of(family in WITH_BOS), f"digest-of-{family}")


def parts(network, layer):
    """What a block's forward pass is made of, by hand: (norm before the MLP, down projection, what follows MLP)."""
    kind, block = network.config.model_type, decoder(network)[layer]
    if kind == "gpt2":
        return block.ln_2, block.mlp.c_proj, torch.nn.Identity()
    if kind == "gpt_neox":
        return block.post_attention_layernorm, block.mlp.dense_4h_to_h, torch.nn.Identity()
    if kind in {"gemma2", "gemma3_text"}:
        return block.pre_feedforward_layernorm, block.mlp.down_proj, block.post_feedforward_layernorm
    return block.post_attention_layernorm, block.mlp.down_proj, torch.nn.Identity()


def decoder(network):
    """The blocks."""
    return {"gpt2": lambda n: n.transformer.h, "gpt_neox": lambda n: n.gpt_neox.layers}.get(
        network.config.model_type, lambda n: n.model.layers
    )(network)
