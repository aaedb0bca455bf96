"""Patching true activations, and the promise that every intervention lets go."""

import pytest
import torch

from sieve.interventions.ablate import ablate, silence
from sieve.interventions.direction import Direction
from sieve.interventions.patch import patch
from sieve.interventions.steer import steer
from sieve.interventions.swap import Feature, drop, insert, swap, swap_vector
from sieve.model.generate import continue_ids
from sieve.model.sites import observe


@pytest.fixture
def twins(lm, blocks):
    """Two prompts of one length."""
    return [[list(b.ids[:12])] for b in blocks[:2]]


def logits(lm, sequences):
    """Next-token logits."""
    ids, mask = lm.pad(sequences)
    with torch.no_grad():
        return lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


def everywhere(lm, twin, site):
    """rows, positions, values that put all of `twin` in."""
    ids, mask = lm.pad(twin)
    values = observe(lm.network, [site], ids, mask)[site]
    return torch.zeros(len(ids[0]), dtype=torch.long), torch.arange(len(ids[0])), values[0]


@pytest.mark.parametrize("site", ["resid_post_0", "resid_post_1", "resid_post_2"])
def test_patching_every_position_says_what_the_twin_says(lm, twins, site):
    """With all of the twin's activations in place, the logits at every position are the twin's, to the bit."""
    source, twin = twins
    goal = logits(lm, twin)
    assert not torch.allclose(logits(lm, source), goal, atol=0.1)
    with patch(lm, site, *everywhere(lm, twin, site)):
        assert torch.equal(logits(lm, source), goal)


def test_the_first_generated_token_is_the_twins(lm, twins):
    """The same in generation: the first token after a fully patched prompt is the twin's."""
    source, twin = twins
    with patch(lm, "resid_post_1", *everywhere(lm, twin, "resid_post_1")):
        patched = continue_ids(lm, source, 1)
    assert patched == continue_ids(lm, twin, 1) != continue_ids(lm, source, 1)


def test_only_the_first_pass_is_patched(lm, twins):
    """The second forward pass inside the block is the unpatched one."""
    source, twin = twins
    plain = logits(lm, source)
    with patch(lm, "resid_post_1", *everywhere(lm, twin, "resid_post_1")):
        logits(lm, source)
        assert torch.equal(logits(lm, source), plain)


def test_other_rows_and_earlier_positions_are_untouched(lm, twins):
    """A patch at one place changes neither another prompt of the batch nor what came before."""
    both = [*twins[0], *twins[1]]
    plain = logits(lm, both)
    with patch(lm, "resid_post_1", torch.tensor([1]), torch.tensor([5]), 9 * torch.ones(1, lm.width)):
        patched = logits(lm, both)
    assert torch.equal(patched[0], plain[0])
    assert torch.equal(patched[1, :5], plain[1, :5])
    assert not torch.allclose(patched[1, 5:], plain[1, 5:])


def hooks(network) -> int:
    """How many hooks hang in the network; some may be the library's own."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


@pytest.mark.parametrize("kind", ["steer", "ablate", "silence", "swap", "drop", "insert", "vector", "patch"])
def test_every_intervention_lets_go(subject, twins, kind):
    """After the block the model is what it was, without hooks, also when the block ends in an exception."""
    lm, sae = subject.lm, subject.sae
    direction = Direction(sae.W_dec[0], 9.0, "x", subject.site, lm.digest, sae.digest)
    feature = Feature("f", tuple(range(9)), (3.0,) * 9)
    contexts = {
        "steer": lambda: steer(lm, direction, 1.0),
        "ablate": lambda: ablate(lm, subject.site, sae.W_dec[:9]),
        "silence": lambda: silence(subject, range(9)),
        "swap": lambda: swap(subject, feature, feature),
        "drop": lambda: drop(subject, feature),
        "insert": lambda: insert(subject, feature, feature),
        "vector": lambda: swap_vector(subject, feature, sae.W_dec[:1]),
        "patch": lambda: patch(lm, subject.site, *everywhere(lm, twins[1], subject.site)),
    }
    plain, count = logits(lm, twins[0]), hooks(lm.network)
    with contexts[kind]():
        assert not torch.equal(logits(lm, twins[0]), plain)
    with pytest.raises(KeyboardInterrupt), contexts[kind]():
        raise KeyboardInterrupt
    assert torch.equal(logits(lm, twins[0]), plain)
    assert hooks(lm.network) == count
