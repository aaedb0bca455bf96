"""One definition of a site: what is observed there is what is edited there, and every hook lets go."""

import pytest
import torch

from sieve.model.sites import Site, SiteError, decoder_layers, edit, observe, parse_site, site_width, sites


@pytest.fixture(scope="module")
def batch(lm, blocks):
    """Ids and mask (4, T) of blocks of different lengths."""
    return lm.pad([list(b.ids) for b in (blocks[0], blocks[5], blocks[-1], blocks[-2])])


def hooks(network) -> int:
    """How many hooks of any kind hang in the network."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in network.modules())


def logits(lm, batch):
    """(B, T, V)"""
    ids, mask = batch
    return lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


def gpt2():
    """Another architecture, with its layers elsewhere."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=8, n_layer=2, n_head=2)).eval()


def test_sites_are_hidden_states(lm, batch):
    """Of the hidden states that the network itself reports entry N is resid_pre_N and, for all but the last layer,
    entry N + 1 resid_post_N.
    """
    ids, mask = batch
    with torch.no_grad():
        reported = lm.network(
            input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=True
        ).hidden_states
    found = observe(lm.network, sites(lm.network), ids, mask)

    for layer in range(3):
        assert torch.equal(found[f"resid_pre_{layer}"], reported[layer])
    for layer in range(2):
        assert torch.equal(found[f"resid_post_{layer}"], reported[layer + 1])
    assert not torch.allclose(found["resid_post_2"], reported[3]), "the reported last state is after the final norm"


def test_the_last_site_is_the_last_layers_output(lm, batch):
    """At the last layer the site is the residual stream before the final norm: norm and head of it are the logits."""
    found = observe(lm.network, ["resid_post_2"], *batch)["resid_post_2"]

    torch.testing.assert_close(lm.network.lm_head(lm.network.model.norm(found)), logits(lm, batch), rtol=0, atol=0)


def test_sites_of_another_architecture():
    """The same holds for a network that keeps its layers under another name."""
    network = gpt2()
    ids = torch.arange(12).view(2, 6)
    with torch.no_grad():
        reported = network(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states

    assert sites(network, "resid_post") == ["resid_post_0", "resid_post_1"]
    found = observe(network, ["resid_pre_0", "resid_post_0"], ids, torch.ones_like(ids))
    assert torch.equal(found["resid_pre_0"], reported[0])
    assert torch.equal(found["resid_post_0"], reported[1])


@pytest.mark.parametrize("site", ["resid_pre_0", "resid_post_0", "resid_post_1", "resid_post_2"])
def test_what_is_observed_is_what_is_edited(lm, batch, site):
    """The tensor handed to an edit is bit for bit the tensor observed for the same batch, with the ids that made it."""
    seen = []
    with torch.no_grad(), edit(lm.network, site, lambda hidden, ids: seen.append((hidden, ids)) or hidden):
        logits(lm, batch)

    assert len(seen) == 1
    assert torch.equal(seen[0][0], observe(lm.network, [site], *batch)[site])
    assert torch.equal(seen[0][1], batch[0])


def test_an_edit_is_what_the_next_layer_reads(lm, batch):
    """One batch's observed tensor, put into another batch's pass, makes the network say what it says there."""
    ids, mask = batch
    other = ids[torch.tensor([1, 0, 3, 2])]
    hidden = observe(lm.network, ["resid_post_0"], other, mask)["resid_post_0"]
    with torch.no_grad(), edit(lm.network, "resid_post_0", lambda *_: hidden):
        replaced = logits(lm, batch)

    assert torch.equal(replaced, logits(lm, (other, mask)))
    assert not torch.allclose(replaced, logits(lm, batch))


def test_observing_stops_at_the_last_site(lm, batch):
    """No layer after the last site asked for is run, and neither are the final norm and the head."""
    ran = []
    model = lm.network.model
    modules = {"attention": model.layers[0].self_attn, "layer 1": model.layers[1], "layer 2": model.layers[2],
               "norm": model.norm, "head": lm.network.lm_head}  # fmt: skip
    handles = [m.register_forward_pre_hook(lambda *_, name=name: ran.append(name)) for name, m in modules.items()]
    try:
        observe(lm.network, ["resid_pre_0"], *batch)
        assert ran == []
        observe(lm.network, ["resid_post_1", "resid_post_0"], *batch)
        assert ran == ["attention", "layer 1"]
        ran.clear()
        observe(lm.network, ["resid_post_2"], *batch)
        assert ran == ["attention", "layer 1", "layer 2"]
    finally:
        for handle in handles:
            handle.remove()


def test_observing_several_sites_is_observing_each(lm, batch):
    """One pass for several sites, in any order, gives what a pass for each gives."""
    together = observe(lm.network, ["resid_post_2", "resid_post_0"], *batch)

    assert sorted(together) == ["resid_post_0", "resid_post_2"]
    for site, hidden in together.items():
        assert torch.equal(hidden, observe(lm.network, [site], *batch)[site])


def test_observing_within_an_edit_sees_the_edit(lm, batch):
    """Inside an edit at the same site, what is observed is the edited tensor."""
    with edit(lm.network, "resid_post_1", lambda hidden, _: hidden * 2):
        inside = observe(lm.network, ["resid_post_1"], *batch)["resid_post_1"]

    assert torch.equal(inside, observe(lm.network, ["resid_post_1"], *batch)["resid_post_1"] * 2)


def test_observing_leaves_no_trace(lm, batch):
    """A pass that was stopped on the way changes nothing about the next: same logits, same reported hidden states."""
    ids, mask = batch

    def full():
        with torch.no_grad():
            return lm.network(input_ids=ids, attention_mask=mask, output_hidden_states=True)

    before = full()
    observe(lm.network, ["resid_post_0"], ids, mask)
    after = full()

    assert torch.equal(before.logits, after.logits)
    assert len(before.hidden_states) == len(after.hidden_states) == 4
    assert all(torch.equal(a, b) for a, b in zip(before.hidden_states, after.hidden_states))


def test_hooks_are_gone_after_the_block(lm, batch):
    """After an edit, an observation and a nested edit, the network has the hooks and says what it said before."""
    count, before = hooks(lm.network), logits(lm, batch)
    with edit(lm.network, "resid_post_0", lambda h, _: h * 0), edit(lm.network, "resid_post_1", lambda h, _: h + 1):
        observe(lm.network, ["resid_post_2"], *batch)
        assert not torch.allclose(logits(lm, batch), before)

    assert hooks(lm.network) == count
    assert torch.equal(logits(lm, batch), before)


def test_hooks_are_gone_after_an_exception_in_the_block(lm):
    """An exception inside the block comes out, and no hook stays."""
    count = hooks(lm.network)
    with pytest.raises(RuntimeError, match="mine"), edit(lm.network, "resid_post_0", lambda h, _: h):
        raise RuntimeError("mine")

    assert hooks(lm.network) == count


def test_hooks_are_gone_after_an_exception_in_the_hook(lm, batch):
    """An exception inside the edit's function comes out of the forward pass, and no hook stays."""
    count = hooks(lm.network)

    def fail(hidden, ids):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"), edit(lm.network, "resid_post_1", fail):
        logits(lm, batch)
    with pytest.raises(RuntimeError, match="mine"), edit(lm.network, "resid_post_0", fail):
        observe(lm.network, ["resid_post_2"], *batch)

    assert hooks(lm.network) == count


@pytest.mark.parametrize(
    "function", [site_width, lambda n, s: observe(n, ["resid_post_0", s], *[torch.ones(1, 2).long()] * 2)]
)
def test_a_missing_site_lists_those_that_exist(lm, function):
    """Asking for a layer that is not there names every site that is, and leaves no hook."""
    count = hooks(lm.network)
    with pytest.raises(SiteError, match=r"resid_post_3.*resid_post_0, resid_post_1, resid_post_2"):
        function(lm.network, "resid_post_3")

    assert hooks(lm.network) == count


@pytest.mark.parametrize(
    "name", ["resid_post", "resid_post.2", "resid_in_0", "resid_post_-1", "resid_post_1x", " resid_post_1", "2"]
)
def test_a_name_that_is_no_site(name):
    """A name of another form is refused with an example of a right one."""
    with pytest.raises(SiteError, match="resid_post_0"):
        parse_site(name)


def test_names_and_sites_are_the_same(lm):
    """Every site's name parses to the site that has this name."""
    assert [str(parse_site(name)) for name in sites(lm.network)] == sites(lm.network)
    assert parse_site("resid_post_12") == Site("resid_post", 12)


def test_a_network_of_unknown_shape():
    """A module without a known list of layers is refused by its class's name."""
    with pytest.raises(SiteError, match="Linear"):
        decoder_layers(torch.nn.Linear(2, 2))
