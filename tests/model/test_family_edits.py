"""Every family, every site: what is observed is edited, whatever reads it reads the edit, and every hook lets go."""

import copy
from functools import cache

import pytest
import torch

from sieve.model.adapter import adapter_parameters, inject
from sieve.model.generate import continue_ids
from sieve.model.sites import edit, observe, positions, reads, site_width, sites
from sieve.model.splice import splice
from tests.conftest import identity_sae
from tests.networks import FAMILIES, KINDS, VOCABULARY, decoder, family_lm, parts

LENGTHS = (9, 4, 7)
EVERY = [(f, kind) for f in FAMILIES for kind in KINDS if (f, kind) != ("gpt_neox", "resid_mid")]
every_family = pytest.mark.parametrize("family", FAMILIES)
every_site = pytest.mark.parametrize(("family", "kind"), EVERY)
LAST = {"gpt2": ["c_proj"], "gpt_neox": ["dense", "dense_4h_to_h"], "gpt_neox_sequential": ["dense", "dense_4h_to_h"]}
made = cache(family_lm)


def sequences():
    """Three texts of different lengths."""
    drawn = torch.randint(3, VOCABULARY, (3, 9), generator=torch.Generator().manual_seed(1)).tolist()
    return [row[:n] for row, n in zip(drawn, LENGTHS)]


def hooks(network) -> int:
    """How many hooks of any kind hang in the network."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in network.modules())


@torch.no_grad()
def logits(network, ids, mask):
    """(B, T, V)"""
    return network(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False).logits


@every_site
@pytest.mark.parametrize("side", ["left", "right"])
def test_what_is_observed_is_what_is_edited(family, kind, side):
    """The tensor handed to an edit is the observed one to the bit; given back, it changes no logit; zeroed, it does."""
    lm, site, seen = made(family), f"{kind}_1", []
    batch = lm.pad(sequences(), side)
    before, count = logits(lm.network, *batch), hooks(lm.network)
    with edit(lm.network, site, lambda hidden, ids: seen.append((hidden, ids)) or hidden):
        assert torch.equal(logits(lm.network, *batch), before)
    with edit(lm.network, site, lambda hidden, _: torch.zeros_like(hidden)):
        assert not observe(lm.network, [site], *batch)[site].any()
        assert not torch.allclose(logits(lm.network, *batch), before)

    [(hidden, ids)] = seen
    assert torch.equal(hidden, observe(lm.network, [site], *batch)[site])
    assert torch.equal(ids, batch[0])
    assert torch.equal(logits(lm.network, *batch), before)
    assert hooks(lm.network) == count


@every_family
def test_an_edit_of_resid_pre_reaches_both_branches(family):
    """After resid_pre is replaced by m, attention reads m and is added to m: as if the layer before had given m."""
    lm = made(family)
    m = torch.randn(3, 9, 24, generator=torch.Generator().manual_seed(2))
    names = [site for site in sites(lm.network) if site.endswith("_1")]
    found = []
    for site in ("resid_pre_1", "resid_post_0"):  # the second is set by another hook, at what leaves the layer before
        with edit(lm.network, site, lambda *_: m):
            found.append(observe(lm.network, names, *lm.pad(sequences())))
    both = found[0]["attn_out_1"] + (found[0]["mlp_out_1"] if family == "gpt_neox" else 0)
    after = found[0]["resid_post_1" if family == "gpt_neox" else "resid_mid_1"]

    assert torch.equal(found[0]["resid_pre_1"], m)
    torch.testing.assert_close(m + both, after, rtol=1e-6, atol=1e-6)
    assert all(torch.equal(found[0][site], found[1][site]) for site in names)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "gpt_neox"])
def test_an_edit_of_resid_mid_reaches_both_branches(family):
    """After resid_mid is replaced by m, resid_post is m + what the MLP makes of m's norm: by hand, to the bit."""
    lm = made(family)
    m = torch.randn(3, 9, 24, generator=torch.Generator().manual_seed(2))
    norm, _, after = parts(lm.network, 1)
    by_hand = m + after(decoder(lm.network)[1].mlp(norm(m)))
    with edit(lm.network, "resid_mid_1", lambda *_: m):
        found = observe(lm.network, ["resid_mid_1", "resid_post_1"], *lm.pad(sequences()))

    assert torch.equal(found["resid_mid_1"], m)
    assert torch.equal(found["resid_post_1"], by_hand)


def test_what_an_edit_of_resid_mid_was_given_stays():
    """A tensor kept from an edit of resid_mid is not written over by the edit, though the network's own is."""
    lm, kept = made("llama"), []
    batch = lm.pad(sequences())
    with edit(lm.network, "resid_mid_0", lambda hidden, _: kept.append(hidden) or hidden + 1):
        logits(lm.network, *batch)

    assert torch.equal(kept[0], observe(lm.network, ["resid_mid_0"], *batch)["resid_mid_0"])


@every_family
def test_an_edit_changes_what_follows_and_nothing_before(family):
    """Doubling a site changes every site after it in the order of data flow, and none before it."""
    lm = made(family)
    batch = lm.pad(sequences())
    plain = observe(lm.network, sites(lm.network), *batch)
    for site in (s for s in plain if s.endswith("_1")):
        with edit(lm.network, site, lambda hidden, _: hidden * 2):
            edited = observe(lm.network, list(plain), *batch)
        same = [s for s in plain if torch.equal(plain[s], edited[s])]
        parallel = {"mlp_act_1", "mlp_out_1"} if family == "gpt_neox" and site.startswith("attn") else set()
        assert same == [s for i, s in enumerate(plain) if i < list(plain).index(site) or s in parallel], site


def inputs(network, batch) -> dict:
    """{(layer, name inside it): what goes into it} of every module of the layers that multiplies by a matrix."""
    seen, handles = {}, []
    for number, block in enumerate(decoder(network)):
        for name, module in block.named_modules():
            if getattr(module, "weight", None) is not None and module.weight.dim() == 2:
                keep = lambda _, args, key=(number, name): seen.update({key: args[0].clone()})  # noqa: E731
                handles.append(module.register_forward_pre_hook(keep))
    logits(network, *batch)
    for handle in handles:
        handle.remove()
    return seen


@every_site
def test_what_reads_a_site_is_what_an_edit_of_it_reaches(family, kind):
    """The matrices of which `reads` is true are exactly those whose input is another when the site's tensor is."""
    lm, site = made(family), f"{kind}_1"
    batch = lm.pad(sequences())
    plain = inputs(lm.network, batch)
    with edit(lm.network, site, lambda hidden, _: hidden.flip(-1)):
        edited = inputs(lm.network, batch)
    reached = [key for key in plain if not torch.equal(plain[key], edited[key])]

    assert reached == [key for key in plain if reads(lm.network, site, *key)]
    assert {layer for layer, _ in reached} <= {1, 2} and (2, next(iter(plain))[1]) in reached


@every_site
def test_hooks_are_gone_after_an_exception(family, kind):
    """An exception in the block, in the edit, or from an edit of another shape comes out, and no hook stays."""
    lm = made(family)
    batch, count = lm.pad(sequences()), hooks(lm.network)

    def fail(hidden, ids):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"), edit(lm.network, f"{kind}_1", lambda h, _: h):
        raise RuntimeError("mine")
    with pytest.raises(RuntimeError, match="mine"), edit(lm.network, f"{kind}_1", fail):
        observe(lm.network, [f"{kind}_2"], *batch)
    wanted = rf"{kind}_1 .* shape \(3, 9, \d\d\) .*return the same shape"
    with pytest.raises(ValueError, match=wanted), edit(lm.network, f"{kind}_1", lambda h, _: h[..., :1]):
        logits(lm.network, *batch)

    assert hooks(lm.network) == count


@every_family
def test_observing_stops_before_what_is_not_asked_for(family):
    """After attn_z of layer 1 neither the projection that reads it nor that layer's MLP is run."""
    lm, ran = made(family), []
    block = decoder(lm.network)[1]
    attention = getattr(block, "attn", None) or getattr(block, "attention", None) or block.self_attn
    handles = [m.register_forward_hook(lambda m, *_: ran.append(m)) for m in (*attention.children(), block.mlp)]
    try:
        observe(lm.network, ["resid_post_0", "attn_z_1"], *lm.pad(sequences()))
        projection = {"gpt2": "c_proj", "gpt_": "dense"}.get(family[:4], "o_proj")
        assert ran and block.mlp not in ran and getattr(attention, projection) not in ran
    finally:
        for handle in handles:
            handle.remove()


@every_family
def test_padding_changes_no_activation(family):
    """At every site a token's activation is the same alone, left- and right-padded, up to 1e-5 of its size."""
    lm = made(family)
    names = sites(lm.network)
    alone = [observe(lm.network, names, *lm.pad([s])) for s in sequences()]
    for side in ("left", "right"):
        ids, mask = lm.pad(sequences(), side, width=12)
        for site, hidden in observe(lm.network, names, ids, mask).items():
            for row, own, real in zip(hidden, alone, mask.bool()):
                torch.testing.assert_close(row[real], own[site][0], rtol=1e-5, atol=1e-5, msg=f"{site} {side}")


@every_site
def test_the_cache_and_the_batch_change_no_word(family, kind):
    """A continuation through an edit is the same cached, uncached and alone, and is not the unedited one."""
    lm, site = made(family), f"{kind}_1"
    with splice(lm, site, lambda rows, _: -2 * rows):
        found = continue_ids(lm, sequences(), 8)
        assert continue_ids(lm, sequences(), 8, use_cache=False) == found
        assert [continue_ids(lm, [s], 8)[0] for s in sequences()] == found

    assert found != continue_ids(lm, sequences(), 8)
    assert max(len(row) for row in found) > 4, "a continuation must go on, or this test says nothing"


@every_family
@pytest.mark.parametrize("use_cache", [True, False])
def test_a_generated_token_is_told_its_position(family, use_cache):
    """A splice is told each text token's position in its own sequence, in a left-padded prompt and in every step."""
    lm, seen = made(family), []
    with splice(lm, "resid_post_1", lambda rows, where: seen.append(where) or -2 * rows):
        found = continue_ids(lm, sequences(), 5, use_cache)
    steps = [[w[w[:, 0] == row, 1].tolist() for w in seen] for row in range(3)]

    for own, length, row in zip(steps, LENGTHS, found):
        whole = [list(range(length + n)) for n in range(min(len(row) + 1, 5))]
        assert own[: len(whole)] == (whole if not use_cache else [whole[0], *([w[-1]] for w in whole[1:])])


@every_site
def test_generation_edits_what_is_observed(family, kind):
    """Cached, the first step hands the edit the prompts' observed tensor to the bit, a later step one token's."""
    lm, seen = made(family), []
    ids, mask = lm.pad(sequences(), "left")
    with edit(lm.network, f"{kind}_1", lambda hidden, _: seen.append(hidden) or hidden):
        rows = continue_ids(lm, sequences(), 5)
    whole = [s + row for s, row in zip(sequences(), rows)]
    longest = max(range(3), key=lambda i: len(rows[i]))
    alone = observe(lm.network, [f"{kind}_1"], *lm.pad([whole[longest]]))[f"{kind}_1"][0]
    steps = torch.stack([hidden[longest, 0] for hidden in seen[1:]])

    assert torch.equal(seen[0], observe(lm.network, [f"{kind}_1"], ids, mask)[f"{kind}_1"])
    assert len(steps) == 4
    torch.testing.assert_close(steps, alone[LENGTHS[longest] :][: len(steps)], rtol=1e-4, atol=1e-5)


@every_site
def test_gradients_flow_through_an_edit(family, kind):
    """The gradient of logits by what an edit adds to its site is the slope along it, measured by two forward passes."""
    network = copy.deepcopy(made(family).network).double()
    ids = torch.tensor(sequences()[:1])
    push = torch.zeros(site_width(network, f"{kind}_1"), dtype=torch.float64, requires_grad=True)

    def answer(added):
        with edit(network, f"{kind}_1", lambda hidden, _: hidden * (1 + hidden) + added):
            return network(input_ids=ids, use_cache=False).logits[..., 7].sum()

    (gradient,) = torch.autograd.grad(answer(push), push)
    step = 1e-3 * gradient / gradient.norm()  # some norms round to fp32, so it can't be much smaller
    with torch.no_grad():
        slope = (answer(step) - answer(-step)) / 2e-3

    torch.testing.assert_close(slope, gradient.norm(), rtol=5e-3, atol=0)


@every_family
def test_adapted_projections_keep_their_sites(family):
    """With LoRA on the projections that read attn_z and mlp_act these are still observed, edited and as wide."""
    lm = made(family)
    network, batch = copy.deepcopy(lm.network), lm.pad(sequences())
    inject(network, "resid_post_0", LAST.get(family, ["o_proj", "down_proj"]), rank=2, alpha=4, scope="all", seed=0)
    with torch.no_grad():
        for parameter in adapter_parameters(network):
            parameter += 0.3
    assert not torch.allclose(logits(network, *batch), logits(lm.network, *batch))
    for site in ("attn_z_1", "mlp_act_1"):
        assert site_width(network, site) == site_width(lm.network, site)
        with edit(network, site, lambda hidden, _: torch.zeros_like(hidden)):
            out = site.replace("attn_z", "attn_out").replace("mlp_act", "mlp_out")
            found = observe(network, [out], *batch)[out]
        assert torch.equal(found, found[:1, :1].expand_as(found)), "all that is left is a bias"


@every_site
def test_a_dictionary_as_wide_as_its_site(family, kind):
    """A splice of a dictionary that rebuilds everything, at any site, leaves the logits as they are up to rounding."""
    lm, site = made(family), f"{kind}_1"
    ids, mask = lm.pad(sequences())
    sae = identity_sae(site_width(lm.network, site), site, lm.digest)
    with torch.no_grad(), splice(lm, site, lambda rows, _: sae.reconstruct(rows)):
        spliced = logits(lm.network, ids, mask)

    torch.testing.assert_close(spliced[mask.bool()], logits(lm.network, ids, mask)[mask.bool()], rtol=1e-4, atol=1e-4)
