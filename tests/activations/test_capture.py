"""The extractor: text tokens only, each with its place, and the same rows whatever the batch around them."""

import copy
from dataclasses import replace

import pytest
import torch

from sieve.activations.capture import capture, text_tokens
from sieve.model.language_model import LanguageModel
from sieve.model.sites import edit, observe, site_width, sites

SITES = ["resid_post_2", "resid_post_0"]


@pytest.fixture(scope="module")
def chosen(blocks):
    """Seven blocks of very different lengths."""
    return [replace(b, ids=b.ids[: 5 + 9 * (i % 4)]) for i, b in enumerate(blocks[::11])][:7]


def gathered(lm, blocks, batch):
    """Rows by site, documents, positions, tokens."""
    index = text_tokens(lm, blocks)
    return capture(lm, blocks, SITES, batch), *(index[name].to_pylist() for name in ("doc", "position", "token"))


def test_rows_are_the_text_tokens_in_order(lm, chosen):
    """Each text token of each block gives one row, in order, with its document, position and id; BOS gives none."""
    rows, docs, positions, tokens = gathered(lm, chosen, 3)
    special = set(lm.tokenizer.all_special_ids)
    wanted = [(b.doc, i, t) for b in chosen for i, t in enumerate(b.ids) if t not in special]

    assert list(zip(docs, positions, tokens)) == wanted
    assert {len(rows[site]) for site in SITES} == {len(wanted)}
    assert min(positions) == 1


def test_rows_are_the_observed_activations(lm, chosen):
    """Each block's rows are what the network shows at the site for this block alone, whatever the batch."""
    for batch in (1, 2, 3, 7, 10):
        rows, docs, positions, _ = gathered(lm, chosen, batch)
        for block in chosen:
            ids = torch.tensor([block.ids])
            alone = observe(lm.network, SITES, ids, torch.ones_like(ids))
            mine = [i for i, doc in enumerate(docs) if doc == block.doc]
            for site in SITES:
                wanted = alone[site][0, [positions[i] for i in mine]]
                torch.testing.assert_close(rows[site][mine], wanted, rtol=1e-4, atol=1e-4)


def test_rows_are_as_wide_as_their_site(lm, chosen):
    """In one pass sites of different widths give as many rows each: those that the network shows there."""
    names = sites(lm.network)
    found = capture(lm, chosen, names, 7)
    ids, mask = lm.pad([list(b.ids) for b in chosen])
    shown = observe(lm.network, names, ids, mask)

    assert {site: rows.shape[1] for site, rows in found.items()} == {s: site_width(lm.network, s) for s in names}
    assert {site_width(lm.network, site) for site in names} == {32, 48}
    assert all(torch.equal(found[site], shown[site][lm.is_text(ids)]) for site in names)


def test_capturing_twice_gives_the_same_bits(lm, chosen):
    """The same blocks in the same batches give the same bits."""
    first, second = gathered(lm, chosen, 3)[0], gathered(lm, chosen, 3)[0]

    assert all(torch.equal(first[site], second[site]) for site in SITES)


def test_bf16_passes_give_other_activations(lm, chosen):
    """With precision bf16 the rows are near those in fp32, not equal to them, and of the same type."""
    exact, near = (capture(lm, chosen, SITES, 7, precision) for precision in ("fp32", "bf16"))

    for site in SITES:
        assert near[site].dtype == exact[site].dtype == torch.float32
        assert 1e-4 < (near[site] - exact[site]).norm() / exact[site].norm() < 0.1
    assert torch.equal(exact[SITES[0]], capture(lm, chosen, SITES, 7)[SITES[0]])


def test_every_batch_has_the_same_height(lm, chosen):
    """The last batch is filled up to the height of the others, because a product's bits can depend on its shape."""
    heights = []
    handle = lm.network.model.embed_tokens.register_forward_pre_hook(lambda _, args: heights.append(args[0].shape[0]))
    try:
        capture(lm, chosen, SITES, 3)
    finally:
        handle.remove()

    assert heights == [3, 3, 3]


def test_the_last_batch_is_as_if_full(lm, chosen):
    """A block's bits do not depend on whether its batch is filled up with padding or with blocks no longer than it."""
    long = max(chosen, key=lambda b: len(b.ids))
    others = [b for b in chosen if b is not long][:2]
    alone = capture(lm, [long], SITES, 3)
    together = capture(lm, [long, *others], SITES, 3)

    for site in SITES:
        assert torch.equal(alone[site], together[site][: len(alone[site])])


def test_nothing_to_capture(lm):
    """No blocks give no rows, as wide as others, and an index without entries."""
    assert {site: tuple(rows.shape) for site, rows in capture(lm, [], SITES, 4).items()} == dict.fromkeys(
        SITES, (0, lm.width)
    )
    assert text_tokens(lm, []).num_rows == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("site", SITES)
def test_what_is_not_finite_is_named(lm, chosen, value, site):
    """A single activation that is not finite stops everything and is named by site, document and token."""
    block = chosen[4]

    def spoil(hidden, ids):
        rows = (ids[:, : len(block.ids)] == torch.tensor(block.ids)).all(1).nonzero()
        hidden = hidden.clone()
        hidden[rows, 3, 7] = value
        return hidden

    place = rf"^1 activations at {site} .*document '{block.doc}' at token 3;"
    with edit(lm.network, site, spoil), pytest.raises(FloatingPointError, match=place):
        capture(lm, chosen, [site], 2)


def test_broken_weights_are_found(lm, chosen):
    """NaN in the weights is found at the first site that it reaches, in the first document."""
    network = copy.deepcopy(lm.network)
    with torch.no_grad():
        network.model.layers[0].mlp.down_proj.weight[3, 3] = float("nan")
    broken = LanguageModel(network, lm.tokenizer, lm.digest)

    with pytest.raises(FloatingPointError, match=rf"resid_post_0 .*document '{chosen[0].doc}' at token 1;"):
        capture(broken, chosen, SITES, 2)
