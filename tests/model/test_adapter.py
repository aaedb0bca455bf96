"""LoRA in place: nothing changes until it is trained, it comes off to the bit, and it knows where it belongs."""

import copy

import pytest
import torch

from sieve.dictionary.sae import LineageError
from sieve.model.adapter import adapter_enabled, adapter_parameters, inject, load_adapter, merge, save_adapter
from sieve.model.language_model import LanguageModel
from sieve.model.sites import SiteError, observe
from sieve.subject import Subject
from tests.conftest import random_sae
from tests.networks import FAMILIES, network_of

SITE = "resid_post_0"
TARGETS = ["q_proj", "v_proj"]
MLP = ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
MATRICES = [*(f"self_attn.{name}_proj" for name in "qkvo"), *MLP]


@pytest.fixture
def network(lm):
    """A copy that may be changed."""
    return copy.deepcopy(lm.network)


def adapt(network, scope="after", seed=0, targets=TARGETS, site=SITE):
    """Inject an adapter and give its matrices values that matter."""
    settings = inject(network, site, targets, rank=4, alpha=8, scope=scope, seed=seed)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in adapter_parameters(network):
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return settings


@pytest.fixture(scope="module")
def ids(lm, blocks):
    """(3, T)"""
    return lm.pad([list(b.ids[:20]) for b in blocks[:3]])[0]


@torch.no_grad()
def logits(network, ids):
    """(B, T, V)"""
    return network(input_ids=ids, use_cache=False).logits


def flags(network) -> dict[str, bool]:
    """Which parameters are trained."""
    return {name: p.requires_grad for name, p in network.named_parameters()}


def test_injecting_changes_nothing(lm, network, ids):
    """A fresh adapter leaves the logits as they are, to the bit, and so do its class and the network's hooks."""
    inject(network, SITE, TARGETS, rank=4, alpha=8, scope="all", seed=0)

    assert type(network) is type(lm.network)
    assert torch.equal(logits(network, ids), logits(lm.network, ids))


def test_only_the_adapter_is_trained(network):
    """After injection exactly the LoRA matrices ask for gradients: two for each target module of each adapted layer."""
    inject(network, SITE, TARGETS, rank=4, alpha=8, scope="after", seed=0)

    trained = [name for name, asks in flags(network).items() if asks]
    assert len(trained) == len(adapter_parameters(network)) == 2 * 2 * 2
    assert all("lora_" in name for name in trained)


def test_the_seed_decides_the_start(lm):
    """The matrices depend on the seed alone, and torch's own stream is not touched."""
    starts = []
    for seed in (0, 0, 1):
        torch.randn(3)
        network, state = copy.deepcopy(lm.network), torch.random.get_rng_state()
        inject(network, SITE, TARGETS, rank=4, alpha=8, scope="after", seed=seed)
        assert torch.equal(torch.random.get_rng_state(), state)
        starts.append(torch.cat([p.detach().flatten() for p in adapter_parameters(network)]))

    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


def test_scope_after_leaves_the_layers_up_to_the_site(lm, network, ids):
    """With scope `after` the site's tensor keeps its bits and later layers do not; with `all` it is changed."""
    adapt(network, "after")
    before, after = (observe(n, [SITE, "resid_post_1"], ids, torch.ones_like(ids)) for n in (lm.network, network))
    assert torch.equal(before[SITE], after[SITE])
    assert not torch.allclose(before["resid_post_1"], after["resid_post_1"])

    everywhere = copy.deepcopy(lm.network)
    adapt(everywhere, "all")
    assert not torch.allclose(observe(everywhere, [SITE], ids, torch.ones_like(ids))[SITE], before[SITE])


@pytest.mark.parametrize(
    ("site", "own"),
    [
        ("resid_pre_1", MATRICES),
        ("attn_z_1", ["self_attn.o_proj", *MLP]),
        ("attn_out_1", MLP),
        ("resid_mid_1", MLP),
        ("mlp_act_1", ["mlp.down_proj"]),
        ("mlp_out_1", []),
        ("resid_post_1", []),
    ],
)
def test_scope_after_adapts_what_reads_the_site(lm, network, ids, tmp_path, site, own):
    """Of the site's own layer what comes after it there, of later layers everything; the site keeps its bits, later
    logits don't, and the adapter's file gives the same.
    """
    settings = adapt(network, targets=MATRICES, site=site)
    save_adapter(tmp_path / "a", network, settings, lm.digest, site, "sae")
    other = copy.deepcopy(lm.network)
    load_adapter(tmp_path / "a", other, lm.digest, "sae")
    layers = network.model.layers
    adapted = [[name for name in MATRICES if hasattr(layer.get_submodule(name), "lora_A")] for layer in layers]
    before, after = (observe(n, [site], ids, torch.ones_like(ids))[site] for n in (lm.network, network))

    assert adapted == [[], own, MATRICES]
    assert settings["layers"] == ([1, 2] if own else [2])
    assert torch.equal(before, after)
    assert not torch.allclose(logits(network, ids), logits(lm.network, ids))
    assert torch.equal(logits(other, ids), logits(network, ids))


def test_nothing_comes_after_the_last_layer(network):
    """Scope `after` at the last site is refused, with what to do."""
    with pytest.raises(ValueError, match="scope: all"):
        inject(network, "resid_post_2", TARGETS, rank=4, alpha=8, scope="after", seed=0)
    with pytest.raises(SiteError, match="'resid_post_3' does not exist"):
        inject(network, "resid_post_3", TARGETS, rank=4, alpha=8, scope="after", seed=0)


def test_within_the_last_layer_there_is_still_something(network):
    """After attention the last layer's MLP can be adapted; asked for attention too, the message says what is left."""
    told = f"that come after 'attn_out_2' have no 'q_proj' to adapt; name some of: {', '.join(MLP)} "
    with pytest.raises(ValueError, match=told):
        adapt(network, targets=["down_proj", "q_proj"], site="attn_out_2")
    settings = adapt(network, targets=["down_proj"], site="attn_out_2")

    assert settings["layers"] == [2]
    assert all(".2.mlp.down_proj." in name for name, asks in flags(network).items() if asks)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("targets", "each"), [(["c_attn", "attn.c_proj"], 2), (["c_attn", "c_proj", "c_fc"], 4)])
def test_gpt2_keeps_its_matrices_the_other_way_round(targets, each):
    """LoRA around GPT-2's Conv1D: nothing changes at first, then what the matrices say is added, in later layers only.

    The logits are those of the network whose own matrices have the product of the two added to them.
    """
    network, ids = network_of("gpt2"), torch.tensor([[5, 9, 13, 7, 21, 3]])
    plain = logits(network, ids)
    merged = copy.deepcopy(network)
    inject(network, SITE, targets, rank=4, alpha=8, scope="after", seed=0)
    assert torch.equal(logits(network, ids), plain)
    generator, added = torch.Generator().manual_seed(1), 0
    with torch.no_grad():
        for parameter in adapter_parameters(network):
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
        for name, module in network.named_modules():
            if hasattr(module, "lora_A"):
                product = module.lora_B["default"].weight @ module.lora_A["default"].weight  # (out, in)
                merged.get_submodule(name).weight += 2.0 * product.T
                added += 1
                assert int(name.split(".")[2]) > 0

    assert added == 2 * each  # a bare c_proj is in attention and in MLP
    assert not torch.allclose(logits(network, ids), plain, atol=1e-2)
    assert torch.allclose(logits(network, ids), logits(merged, ids), atol=1e-4)


def test_a_target_that_is_not_there(network):
    """Also beside one that is: peft would pass it by. The message says what there is; nothing has been injected."""
    with pytest.raises(ValueError, match=r"have no 'c_attn' to adapt; .*self_attn\.q_proj.*mlp\.down_proj"):
        inject(network, SITE, ["q_proj", "c_attn"], rank=4, alpha=8, scope="after", seed=0)
    assert adapter_parameters(network) == []
    for targets in (["proj"], []):
        with pytest.raises(ValueError, match=r"have no '(proj)?' to adapt"):
            inject(network, SITE, targets, rank=4, alpha=8, scope="after", seed=0)


@pytest.mark.parametrize("scope", ["after", "all"])
def test_a_saved_adapter_gives_the_same_logits(lm, network, ids, tmp_path, scope):
    """A saved adapter, loaded into another copy, gives the same logits bit for bit and asks for no gradients."""
    settings = adapt(network, scope)
    save_adapter(tmp_path / "adapter.safetensors", network, settings, lm.digest, SITE, "sae")
    other = copy.deepcopy(lm.network)
    load_adapter(tmp_path / "adapter.safetensors", other, lm.digest, "sae")

    assert torch.equal(logits(other, ids), logits(network, ids))
    assert not torch.equal(logits(other, ids), logits(lm.network, ids))
    assert not any(flags(other).values())


def test_saving_twice_gives_the_same_bytes(lm, network, tmp_path):
    """A loaded adapter is saved as the same bytes."""
    settings = adapt(network, targets=["v_proj", "q_proj"])
    save_adapter(tmp_path / "a", network, settings, lm.digest, SITE, "sae")
    other = copy.deepcopy(lm.network)
    load_adapter(tmp_path / "a", other, lm.digest, "sae")
    save_adapter(tmp_path / "b", other, settings, lm.digest, SITE, "sae")

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_adapter_knows_where_it_belongs(lm, network, tmp_path):
    """An adapter of another model, or made around another Sae, is refused before the network is touched."""
    save_adapter(tmp_path / "a", network, adapt(network), lm.digest, SITE, "sae")
    other = copy.deepcopy(lm.network)
    for model, sae in (("another model", "sae"), (lm.digest, "another sae")):
        with pytest.raises(LineageError, match="was trained"):
            load_adapter(tmp_path / "a", other, model, sae)

    assert adapter_parameters(other) == []


def test_two_adapters_do_not_mix(lm, network, tmp_path):
    """A network that has an adapter takes no second one."""
    save_adapter(tmp_path / "a", network, adapt(network), lm.digest, SITE, "sae")
    with pytest.raises(ValueError, match="adapter already"):
        load_adapter(tmp_path / "a", network, lm.digest, "sae")


def test_switched_off_is_the_original(lm, network, ids):
    """With the adapter off the logits are the original's bit for bit; after the block they are adapted again."""
    adapt(network)
    adapted = logits(network, ids)
    with adapter_enabled(network, False):
        assert torch.equal(logits(network, ids), logits(lm.network, ids))
        with adapter_enabled(network, True):
            assert torch.equal(logits(network, ids), adapted)
        assert torch.equal(logits(network, ids), logits(lm.network, ids))

    assert torch.equal(logits(network, ids), adapted)
    assert not torch.equal(adapted, logits(lm.network, ids))


NEOX = ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]
EVERYTHING = {"gpt2": ["c_attn", "c_proj", "c_fc"], "gpt_neox": NEOX, "gpt_neox_sequential": NEOX}


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_and_unmerged_give_the_same_logits(family):
    """With the adapter added into the weights the logits are the same up to fp32 rounding; what is left is a plain
    network in which only the adapted matrices are others: embeddings, tied or not, are as they were.
    """
    network, plain, ids = network_of(family), network_of(family), torch.tensor([[5, 9, 13, 7, 21, 3]])
    targets = EVERYTHING.get(family, MATRICES)
    adapt(network, "all", targets=targets)
    unmerged = logits(network, ids)
    merge(network)
    before, after = dict(plain.named_parameters()), dict(network.named_parameters())
    changed = {name for name in before if not torch.equal(before[name], after[name])}

    assert (logits(network, ids) - unmerged).abs().max() <= 1e-5 * unmerged.abs().max()
    assert (logits(plain, ids) - unmerged).abs().max() > 1e-2 * unmerged.abs().max()
    assert [(n, type(m)) for n, m in network.named_modules()] == [(n, type(m)) for n, m in plain.named_modules()]
    assert list(after) == list(before)
    assert changed == {n for n in before if any(n.endswith(f".{target}.weight") for target in targets)}
    tied = [n.get_output_embeddings().weight is n.get_input_embeddings().weight for n in (plain, network)]
    assert tied[0] == tied[1]


def test_merged_and_unmerged_are_the_same_through_a_splice(lm, network, ids):
    """With a dictionary spliced in before what is adapted, the merged network says what the adapted one said."""
    adapt(network)
    own = LanguageModel(network, lm.tokenizer, lm.digest)
    subject = Subject(own, random_sae(lm.width, 64, 6, SITE, lm.digest), adapted=True)
    with subject.spliced():
        unmerged = logits(network, ids)
    merge(network)
    with subject.spliced():
        assert (logits(network, ids) - unmerged).abs().max() <= 1e-5 * unmerged.abs().max()
    assert not torch.allclose(logits(network, ids), unmerged, rtol=1e-2)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
def test_switching_leaves_the_gradients_flags(network, frozen, enabled):
    """Which parameters are trained is after the block what it was before, also after an exception."""
    adapt(network)
    if frozen:
        network.requires_grad_(False)
    before = flags(network)
    with adapter_enabled(network, enabled):
        pass
    assert flags(network) == before
    with pytest.raises(RuntimeError), adapter_enabled(network, enabled):
        raise RuntimeError
    assert flags(network) == before


def test_a_network_without_an_adapter_may_be_switched(lm, ids):
    """There is nothing to switch in a network without an adapter, and that is no error."""
    with adapter_enabled(lm.network, False):
        switched = logits(lm.network, ids)

    assert torch.equal(switched, logits(lm.network, ids))
    assert adapter_parameters(lm.network) == []
