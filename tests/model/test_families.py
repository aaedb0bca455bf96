"""Every family, every site: what is observed adds up to what the network computes."""

import copy
from functools import cache

import pytest
import torch
from torch.nn import functional as F

from sieve.model.sites import SiteError, observe, site_width, sites
from tests.networks import FAMILIES, KINDS, LAYERS, VOCABULARY, WINDOW, decoder, family_lm, parts

IDS = torch.randint(3, VOCABULARY, (3, 11), generator=torch.Generator().manual_seed(0))
MASK = torch.ones_like(IDS)
SEQUENTIAL = [f for f in FAMILIES if f != "gpt_neox"]
GATED = ["llama", "qwen3", "gemma2", "gemma3"]
every_family = pytest.mark.parametrize("family", FAMILIES)
every_layer = pytest.mark.parametrize("layer", range(LAYERS))


@cache
def made(family):
    """(network, {site: activation}, the hidden states that the network itself reports); nobody may change them."""
    network = family_lm(family).network
    with torch.no_grad():
        reported = network(input_ids=IDS, attention_mask=MASK, use_cache=False, output_hidden_states=True)
    return network, observe(network, sites(network), IDS, MASK), reported


def before(family, layer):
    """The residual stream as it enters a block."""
    return made(family)[2].hidden_states[layer]


@every_family
def test_sites_are_in_the_order_in_which_data_flows(family):
    """Seven sites a layer, six where attention and MLP are parallel; observing them meets them in this order."""
    network, found, _ = made(family)
    kinds = [kind for kind in KINDS if (family, kind) != ("gpt_neox", "resid_mid")]

    assert sites(network) == list(found) == [f"{kind}_{layer}" for layer in range(LAYERS) for kind in kinds]
    assert sites(network, "mlp_act") == [f"mlp_act_{layer}" for layer in range(LAYERS)]


@every_family
def test_a_width_is_that_of_the_activation(family):
    """site_width is the observed tensor's: intermediate size, heads · head size, or that of the residual stream."""
    network, found, _ = made(family)
    heads = 24 if family.startswith("gpt") else 40

    for site, hidden in found.items():
        wanted = {"mlp_act": 40, "attn_z": heads}.get(site[:-2], 24)
        assert site_width(network, site) == hidden.shape[2] == wanted, site


@every_family
def test_resid_pre_is_the_reported_hidden_state(family):
    """resid_pre_N is entry N of output_hidden_states and, above layer 0, what the layer before gave, to the bit."""
    _, found, reported = made(family)

    for layer in range(LAYERS):
        assert torch.equal(found[f"resid_pre_{layer}"], reported.hidden_states[layer])
        assert layer == 0 or torch.equal(found[f"resid_pre_{layer}"], found[f"resid_post_{layer - 1}"])


@every_family
def test_resid_pre_0_is_what_the_embedding_layer_gives(family):
    """By hand: the tokens' embeddings, in GPT-2 with the positions' added, in Gemma times the root of the width."""
    network, found, _ = made(family)
    by_hand = network.get_input_embeddings().weight[IDS]
    if family == "gpt2":
        by_hand = by_hand + network.transformer.wpe.weight[: IDS.shape[1]]
    if family.startswith("gemma"):
        by_hand = by_hand * 24**0.5

    torch.testing.assert_close(found["resid_pre_0"], by_hand, rtol=1e-6, atol=1e-6)


@every_family
def test_resid_post_is_the_reported_hidden_state(family):
    """resid_post_N is entry N + 1 of output_hidden_states to the bit, the last one after the final norm."""
    network, found, reported = made(family)
    norm = getattr(network.base_model, {"gpt2": "ln_f", "gpt": "final_layer_norm"}.get(family[:4].rstrip("_"), "norm"))

    for layer in range(LAYERS - 1):
        assert torch.equal(found[f"resid_post_{layer}"], reported.hidden_states[layer + 1])
    assert torch.equal(norm(found[f"resid_post_{LAYERS - 1}"]), reported.hidden_states[LAYERS])


@pytest.mark.parametrize("family", SEQUENTIAL)
@every_layer
def test_the_stream_is_a_sum(family, layer):
    """What enters + attn_out = resid_mid and resid_mid + mlp_out = resid_post, to the bit."""
    _, found, _ = made(family)
    mid = found[f"resid_mid_{layer}"]

    assert torch.equal(before(family, layer) + found[f"attn_out_{layer}"], mid)
    assert torch.equal(mid + found[f"mlp_out_{layer}"], found[f"resid_post_{layer}"])


@every_layer
def test_the_parallel_stream_is_a_sum(layer):
    """In a parallel GPT-NeoX resid_post is what enters + attn_out + mlp_out, to the bit."""
    _, found, _ = made("gpt_neox")
    both = found[f"mlp_out_{layer}"] + found[f"attn_out_{layer}"]

    assert torch.equal(both + before("gpt_neox", layer), found[f"resid_post_{layer}"])


def test_a_parallel_network_has_no_resid_mid():
    """It is refused by a sentence that says why and what to take; a sequential GPT-NeoX has it."""
    network, *_ = made("gpt_neox")
    for ask in (site_width, lambda n, s: observe(n, [s], IDS, MASK)):
        with pytest.raises(SiteError, match=r"no resid_mid .*parallel.*take resid_pre, or attn_out"):
            ask(network, "resid_mid_0")

    assert "resid_mid_0" in sites(made("gpt_neox_sequential")[0])


@every_family
@every_layer
def test_the_mlp_by_hand(family, layer):
    """down(mlp_act), after Gemma's norm, is mlp_out; mlp_act is the activation of what the MLP's norm lets through."""
    network, found, _ = made(family)
    norm, down, after = parts(network, layer)
    act, mlp = found[f"mlp_act_{layer}"], decoder(network)[layer].mlp
    read = norm(found.get(f"resid_mid_{layer}", before(family, layer)))
    if family in GATED:
        own = mlp.act_fn(read @ mlp.gate_proj.weight.T) * (read @ mlp.up_proj.weight.T)
    else:
        own = mlp.act(mlp.c_fc(read) if family == "gpt2" else mlp.dense_h_to_4h(read))

    assert torch.equal(after(down(act)), found[f"mlp_out_{layer}"])
    torch.testing.assert_close(own, act, rtol=1e-5, atol=1e-5)


def values(network, layer, stream):
    """Each head's values by hand, (B, T, heads · head size), a shared one repeated for the heads that share it."""
    block = decoder(network)[layer]
    if network.config.model_type == "gpt2":
        return block.attn.c_attn(block.ln_1(stream))[..., 48:]
    read = block.input_layernorm(stream)
    if network.config.model_type == "gpt_neox":
        return block.attention.query_key_value(read).unflatten(-1, (4, 3, 6))[..., 2, :].flatten(2)
    return block.self_attn.v_proj(read).unflatten(-1, (2, 10)).repeat_interleave(2, dim=2).flatten(2)


@every_family
@every_layer
def test_the_heads_by_hand(family, layer):
    """attn_z projected out, after Gemma's norm, is attn_out; a first token sees itself only, so its z is its values."""
    network, found, _ = made(family)
    z, block = found[f"attn_z_{layer}"], decoder(network)[layer]
    if family.startswith("gpt"):
        out = block.attn.c_proj(z) if family == "gpt2" else block.attention.dense(z)
    else:
        out = block.self_attn.o_proj(z)
        out = block.post_attention_layernorm(out) if family.startswith("gemma") else out
    own = values(network, layer, before(family, layer))

    assert torch.equal(out, found[f"attn_out_{layer}"])
    torch.testing.assert_close(z[:, 0], own[:, 0], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(z[:, 1], own[:, 1])


def uniform(own, window):
    """The mean of each token's and the `window` - 1 tokens' values before it: attention that prefers nothing."""
    return torch.stack([own[:, max(0, t - window + 1) : t + 1].mean(1) for t in range(own.shape[1])], 1)


@pytest.mark.parametrize("family", ["gemma2", "gemma3"])
@every_layer
def test_a_sliding_window(family, layer):
    """Without queries z is the mean of the values in view: the window's in a sliding layer, all in a full one."""
    network = copy.deepcopy(made(family)[0])
    decoder(network)[layer].self_attn.q_proj.weight.zero_()
    own = values(network, layer, before(family, layer))
    z = observe(network, [f"attn_z_{layer}"], IDS, MASK)[f"attn_z_{layer}"]

    window = WINDOW if layer != 1 else IDS.shape[1]
    assert window in (4, 11)
    torch.testing.assert_close(z, uniform(own, window), rtol=1e-4, atol=1e-5)


def test_attention_is_capped():
    """A cap on Gemma 2's attention scores that lets nothing through makes attention prefer nothing."""
    network = copy.deepcopy(made("gemma2")[0])
    decoder(network)[1].self_attn.attn_logit_softcapping = 1e-6
    z = observe(network, ["attn_z_1"], IDS, MASK)["attn_z_1"]

    torch.testing.assert_close(z, uniform(values(network, 1, before("gemma2", 1)), 11), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(z, made("gemma2")[1]["attn_z_1"])


@every_family
def test_logits_are_the_head_of_the_last_state(family):
    """Head of the normed last resid_post, capped at 2 in Gemma, are the logits; tied, the head is the embedding."""
    network, _, reported = made(family)
    logits = network.get_output_embeddings()(reported.hidden_states[-1])
    tied = network.get_output_embeddings().weight is network.get_input_embeddings().weight
    if family.startswith("gemma"):
        assert logits.abs().max() > 2
        logits = 2 * torch.tanh(logits / 2)

    assert torch.equal(logits, reported.logits)
    assert tied == (family in {"gpt2", "qwen3", "gemma2", "gemma3"})


def test_a_family_that_is_not_known():
    """A network of the same shape but another type has the stream alone, and says for what the others are known."""
    from transformers import MistralConfig, MistralForCausalLM

    network = MistralForCausalLM(
        MistralConfig(
            vocab_size=VOCABULARY, hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2,
        )
    ).eval()  # fmt: skip
    assert sites(network) == ["resid_pre_0", "resid_post_0", "resid_pre_1", "resid_post_1"]
    with pytest.raises(
        SiteError, match=r"known for gpt2, .*gemma3_text, but .* type 'mistral'; take a resid_pre or resid_post"
    ):
        observe(network, ["mlp_out_0"], IDS, MASK)
    for site in sites(network):
        assert F.mse_loss(*(observe(network, [site], IDS, MASK)[site] for _ in range(2))) == 0
