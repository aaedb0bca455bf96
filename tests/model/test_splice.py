"""A reconstruction in the place of the residual stream: text tokens only, at every step, cached or not."""

import pytest
import torch

from sieve.model.generate import continue_ids
from sieve.model.sites import edit, observe
from sieve.model.splice import splice
from tests.conftest import identity_sae, random_sae


def batch_of(lm, blocks, side="right"):
    """Ids and mask of four blocks of different lengths, with BOS and padding."""
    return lm.pad([list(b.ids) for b in (blocks[0], blocks[5], blocks[-1], blocks[-2])], side)


def logits(lm, ids, mask):
    """(B, T, V)"""
    return lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


@pytest.mark.parametrize("site", ["resid_post_0", "resid_post_2"])
def test_identity_changes_nothing(lm, blocks, site):
    """A dictionary that rebuilds everything leaves the logits as they are, up to rounding."""
    ids, mask = batch_of(lm, blocks)
    sae = identity_sae(lm.width, site, lm.digest)
    with torch.no_grad(), splice(lm, site, lambda rows, _: sae.reconstruct(rows)):
        spliced = logits(lm, ids, mask)

    torch.testing.assert_close(spliced[mask.bool()], logits(lm, ids, mask)[mask.bool()], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_special_tokens_keep_their_bits(lm, blocks, side):
    """Under a splice rows of special tokens are bitwise what they were, and rows of text what replaces them."""
    ids, mask = batch_of(lm, blocks, side)
    before = observe(lm.network, ["resid_post_1"], ids, mask)["resid_post_1"]
    with splice(lm, "resid_post_1", lambda rows, _: torch.full_like(rows, 7.0)):
        after = observe(lm.network, ["resid_post_1"], ids, mask)["resid_post_1"]

    special = torch.isin(ids, torch.tensor(lm.tokenizer.all_special_ids))
    assert special.any(1).all()
    assert torch.equal(after[special], before[special])
    assert (after[~special] == 7.0).all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_special_tokens_may_be_replaced_too(lm, blocks, side):
    """If one asks for it, every token but padding is replaced, BOS among them, which stands at position 0."""
    ids, mask = batch_of(lm, blocks, side)
    before, seen = observe(lm.network, ["resid_post_1"], ids, mask)["resid_post_1"], []
    sevens = splice(lm, "resid_post_1", lambda rows, where: seen.append(where) or torch.full_like(rows, 7.0), True)
    with sevens:
        after = observe(lm.network, ["resid_post_1"], ids, mask)["resid_post_1"]

    assert (after[mask.bool()] == 7.0).all()
    assert torch.equal(after[mask == 0], before[mask == 0])
    assert seen[0].tolist() == [[row, place] for row, n in enumerate(mask.sum(1).tolist()) for place in range(n)]
    assert (ids[mask.bool()] == lm.tokenizer.bos_token_id).sum() == len(ids)


def test_the_edit_gets_text_rows_and_their_places(lm, blocks):
    """The function sees exactly the observed rows of text tokens, in order, with each row's place in the batch."""
    ids, mask = batch_of(lm, blocks)
    hidden = observe(lm.network, ["resid_post_1"], ids, mask)["resid_post_1"]
    seen = []
    with torch.no_grad(), splice(lm, "resid_post_1", lambda rows, where: seen.append((rows, where)) or rows):
        logits(lm, ids, mask)

    [(rows, where)] = seen
    assert torch.equal(rows, hidden[where[:, 0], where[:, 1]])
    assert torch.equal(where, lm.is_text(ids).nonzero())


def test_the_edited_tensor_is_a_new_one(lm, blocks):
    """A function that writes into its rows does not reach the tensor that came in."""
    batch, kept = batch_of(lm, blocks), []
    before = observe(lm.network, ["resid_post_1"], *batch)["resid_post_1"].clone()
    keep = edit(lm.network, "resid_post_1", lambda hidden, _: kept.append(hidden) or hidden)
    with torch.no_grad(), keep, splice(lm, "resid_post_1", lambda rows, _: rows.zero_()):
        logits(lm, *batch)

    assert torch.equal(kept[0], before) and before.any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_row_is_told_its_position_in_its_own_sequence(lm, blocks, side):
    """Positions count from a sequence's own first token, BOS, on whichever side the batch is padded."""
    group = [blocks[0], blocks[5], blocks[-1], blocks[-2]]
    seen = []
    with torch.no_grad(), splice(lm, "resid_post_1", lambda rows, where: seen.append(where) or rows):
        logits(lm, *batch_of(lm, blocks, side))

    for row, block in enumerate(group):
        text = lm.is_text(torch.tensor(block.ids)).nonzero().flatten()
        assert torch.equal(seen[0][seen[0][:, 0] == row, 1], text)


def test_positions_go_on_where_a_cache_ends(lm, blocks):
    """Without a mask nothing is taken for padding, and a pass that goes on from a cache goes on counting."""
    ids, seen = torch.tensor([blocks[0].ids[:9]]), []
    with torch.no_grad(), splice(lm, "resid_post_1", lambda rows, where: seen.append(where) or rows):
        cache = lm.network(input_ids=ids[:, :5], use_cache=True).past_key_values
        lm.network(input_ids=ids[:, 5:], past_key_values=cache)

    assert [where[:, 1].tolist() for where in seen] == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_batch_without_text(lm):
    """A batch of special tokens alone passes through."""
    ids = torch.full((2, 1), lm.tokenizer.bos_token_id)
    sae = random_sae(lm.width, 64, 4, "resid_post_1", lm.digest)
    with torch.no_grad(), splice(lm, "resid_post_1", lambda rows, _: sae.reconstruct(rows)):
        spliced = logits(lm, ids, torch.ones_like(ids))

    assert torch.equal(spliced, logits(lm, ids, torch.ones_like(ids)))


def prompts_of(lm, blocks):
    """Beginnings of documents, of different lengths, that the spliced model continues at length."""
    return [list(b.ids[:n]) for b, n in zip(blocks[::7], (4, 9, 17, 5, 12, 7))]


def spliced_continuations(lm, sae, prompts, specials=False, **options):
    """Greedy continuations with the reconstruction in place."""
    with splice(lm, sae.site, lambda rows, _: sae.reconstruct(rows), specials):
        return continue_ids(lm, prompts, 12, **options)


either = pytest.mark.parametrize("specials", [False, True])


@either
def test_the_cache_changes_nothing(lm, sae, blocks, specials):
    """A greedy continuation through a splice is the same with and without the key-value cache."""
    prompts = prompts_of(lm, blocks)
    cached = spliced_continuations(lm, sae, prompts, specials)

    assert cached == spliced_continuations(lm, sae, prompts, specials, use_cache=False)
    assert cached != continue_ids(lm, prompts, 12), "the splice must matter, or this test says nothing"


@either
def test_the_batch_changes_nothing(lm, sae, blocks, specials):
    """A greedy continuation through a splice is the same for a prompt alone and left-padded in a batch."""
    prompts = prompts_of(lm, blocks)
    alone = [spliced_continuations(lm, sae, [prompt], specials)[0] for prompt in prompts]

    assert alone == spliced_continuations(lm, sae, prompts, specials)
    assert max(len(c) for c in alone) == 12


def test_replaced_special_tokens_matter(lm, sae, blocks):
    """What is said depends on whether BOS keeps its activation."""
    prompts = prompts_of(lm, blocks)
    assert spliced_continuations(lm, sae, prompts, True) != spliced_continuations(lm, sae, prompts, False)


def test_every_step_is_spliced(lm, blocks):
    """With the cache on, the function is called once per step, with one new row per unfinished sequence."""
    counts = []
    with splice(lm, "resid_post_1", lambda rows, _: counts.append(len(rows)) or rows):
        [found] = continue_ids(lm, [list(blocks[0].ids[:5])], 6)

    assert counts == [4] + [1] * (len(counts) - 1)
    assert len(found) in (len(counts), len(counts) - 1)
