"""Exchanging features: the truth table on codes, and what it does to a running model."""

import math

import pytest
import torch

from sieve.interventions.swap import Feature, exchange, swap
from sieve.model.generate import continue_ids

DROP = Feature("a", (0, 1), (1.0, 1.0))
INCLUDE = Feature("b", (2, 3), (5.0, 7.0))
NOBODY = Feature("nobody", (), ())


def exchanged(z, drop, include, strength=1.0, prompts=None):
    """Codes after the exchange; row i belongs to prompt `prompts[i]`."""
    where = torch.tensor([[p, 0] for p in prompts or [0] * len(z)])
    return exchange(drop, include, strength, len(z[0]))(torch.tensor(z), where).tolist()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0.0, 0.0, 1.0, 0.0, 9.0], [0.0, 0.0, 1.0, 0.0, 9.0]),  # silent: as it was, even where `include` fires
        ([1.0, 0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 10.0, 14.0, 2.0]),  # one of `drop` is enough; others stay
        ([4.0, 3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 10.0, 14.0, 0.0]),  # all of `drop` go
        ([0.0, 3.0, 11.0, 1.0, 0.0], [0.0, 0.0, 11.0, 14.0, 0.0]),  # collision: the larger value stays
    ],
)
def test_truth_table(before, after):
    """Where `drop` fires it becomes 0 and `include` strength · typical (here 2); other rows and latents stay."""
    assert exchanged([before], [DROP], [INCLUDE], 2.0) == [after]


def test_silent_rows_are_bit_identical():
    """A row in which `drop` is silent comes back with the same bits, negative zero included."""
    z = torch.tensor([[0.0, -0.0, 1e-38, 3.0]])
    same = exchange([Feature("a", (0, 1), (1.0, 1.0))], [Feature("b", (2,), (5.0,))], 1.0, 4)(z, torch.tensor([[0, 0]]))
    assert torch.equal(same.view(torch.int32), z.view(torch.int32))


def test_strength_zero_only_drops():
    """With strength 0 nothing is written and what was there of `include` stays."""
    assert exchanged([[1.0, 2.0, 3.0, 0.0]], [DROP], [INCLUDE], 0.0) == [[0.0, 0.0, 3.0, 0.0]]


def test_each_row_uses_its_own_prompts_features():
    """With one feature per prompt, a row is edited by the features of the prompt that it stands in."""
    z = [[1.0, 1.0, 0.0, 0.0]] * 3
    drop = [Feature("x", (0,), (1.0,)), Feature("y", (1,), (1.0,))]
    include = [Feature("p", (2,), (3.0,)), Feature("q", (3,), (4.0,))]
    assert exchanged(z, drop, include, prompts=[1, 0, 1]) == [[1, 0, 0, 4], [0, 1, 3, 0], [1, 0, 0, 4]]
    assert exchanged(z, [DROP], include, prompts=[1, 0, 1]) == [[0, 0, 0, 4], [0, 0, 3, 0], [0, 0, 0, 4]]


def test_an_empty_feature_does_nothing():
    """Nothing to drop means no row is touched; nothing to include means that `drop` only goes."""
    assert exchanged([[1.0, 0.0, 2.0, 0.0]], [NOBODY], [INCLUDE]) == [[1.0, 0.0, 2.0, 0.0]]
    assert exchanged([[1.0, 0.0, 2.0, 0.0]], [DROP], [NOBODY]) == [[0.0, 0.0, 2.0, 0.0]]


def test_a_list_must_have_a_feature_for_every_prompt():
    """Two features for three prompts are a mistake: nobody's own would be used for the third."""
    with pytest.raises(ValueError, match="2 features were given for 3 prompts"):
        exchanged([[1.0, 0.0, 0.0, 0.0]] * 3, [DROP, DROP], [INCLUDE], prompts=[0, 1, 2])


@pytest.mark.parametrize("strength", [math.nan, math.inf, -1.0])
def test_a_strength_that_means_nothing_is_refused(subject, strength):
    """NaN would only drop and a negative strength too, without a word."""
    with pytest.raises(ValueError, match="strength"), swap(subject, Feature("a", (1,), (1.0,)), NOBODY, strength):
        pass


@pytest.mark.parametrize("latent", [-1, 64])
def test_an_unknown_latent_is_refused(subject, latent):
    """A latent that the SAE does not have is named, with those that exist."""
    with pytest.raises(ValueError, match="latents 0 to 63"), swap(subject, NOBODY, Feature("b", (latent,), (1.0,))):
        pass


def logits(lm, batch):
    """Next-token logits."""
    with torch.no_grad():
        return lm.network(input_ids=batch[0], attention_mask=batch[1], use_cache=False).logits


def test_swapping_a_feature_with_itself_changes_nothing(subject, blocks):
    """Dropped and written again at its own activation, a feature leaves the spliced model as it was."""
    batch = subject.lm.pad([list(b.ids) for b in blocks[:2]])
    z = subject.read(*batch).z
    latent = int((z != 0).sum(0).argmax())
    smallest = float(z[:, latent][z[:, latent] != 0].min())
    with subject.spliced():
        plain = logits(subject.lm, batch)
    with swap(subject, same := Feature("same", (latent,), (smallest,)), same):
        assert torch.equal(logits(subject.lm, batch), plain)
    with swap(subject, same, Feature("other", ((latent + 1) % 64,), (smallest,))):
        assert not torch.allclose(logits(subject.lm, batch), plain, atol=1e-3)


@pytest.fixture
def three(subject, blocks):
    """Three prompts of different lengths with a frequent latent to drop and another to write for each."""
    prompts = [list(b.ids[:n]) for b, n in zip(blocks, (7, 14, 10))]
    often = (subject.read(*subject.lm.pad(prompts)).z != 0).sum(0).argsort(descending=True).tolist()
    drop = [Feature(str(j), (j,), (1.0,)) for j in often[:3]]
    include = [Feature(str(j), (j,), (9.0,)) for j in often[30:33]]
    return prompts, drop, include


def test_generation_is_the_same_with_and_without_cache(subject, three):
    """The swap acts on every position once, whether the model recomputes it or remembers it."""
    prompts, drop, include = three
    with swap(subject, drop, include):
        cached, fresh = (continue_ids(subject.lm, prompts, 10, use_cache=use) for use in (True, False))
    with subject.spliced():
        plain = continue_ids(subject.lm, prompts, 10)
    assert cached == fresh
    assert cached != plain


def test_generation_in_a_padded_batch_is_generation_alone(subject, three):
    """Left padding and neighbours with other features change nothing."""
    prompts, drop, include = three
    with swap(subject, drop, include):
        together = continue_ids(subject.lm, prompts, 10)
    for i, prompt in enumerate(prompts):
        with swap(subject, drop[i], include[i]):
            assert continue_ids(subject.lm, [prompt], 10) == [together[i]]
