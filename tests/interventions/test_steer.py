"""Steering adds one vector to text tokens and nothing else."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.sae import LineageError
from sieve.interventions.direction import Direction
from sieve.interventions.steer import steer
from sieve.model.generate import continue_ids
from sieve.model.sites import observe
from sieve.provenance import generator
from tests.networks import family_lm


@pytest.fixture
def direction(lm):
    """A random unit direction at the middle site."""
    vector = torch.randn(lm.width, generator=generator(0, "test direction"))
    return Direction(vector / vector.norm(), 3.0, "es", "resid_post_1", lm.digest, "some-sae")


@pytest.fixture
def batch(lm, blocks):
    """Three documents of different lengths, left-padded, so special tokens stand at several places."""
    return lm.pad([list(b.ids) for b in blocks[:3]], side="left")


def logits(lm, ids, mask):
    """Next-token logits (B, T, V)."""
    with torch.no_grad():
        return lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


def test_strength_zero_is_bit_identical(lm, direction, batch):
    """Steering with strength 0 leaves every logit as it was, to the bit."""
    plain = logits(lm, *batch)
    with steer(lm, direction, 0.0):
        assert torch.equal(logits(lm, *batch), plain)


@pytest.mark.parametrize("strength", [0.5, -2.0])
def test_adds_strength_times_norm_times_vector_to_text_tokens_only(lm, direction, batch, strength):
    """Text tokens move by exactly s · norm · v̂; BOS and padding stay as they were, to the bit."""
    ids, mask = batch
    plain = observe(lm.network, [direction.site], ids, mask)[direction.site]
    with steer(lm, direction, strength):
        pushed = observe(lm.network, [direction.site], ids, mask)[direction.site]
    text = lm.is_text(ids)
    assert torch.equal(pushed[text], plain[text] + strength * direction.norm * direction.vector)
    assert torch.equal(pushed[~text], plain[~text])
    assert not lm.is_text(ids)[mask == 0].any() and (~text & mask.bool()).any()


@pytest.mark.parametrize(("site", "width"), [("mlp_act_1", 48), ("attn_z_1", 32), ("resid_mid_1", 32)])
def test_steers_at_any_site(lm, batch, site, width):
    """Text tokens move by exactly the push at sites inside a block too, and what follows is moved by it."""
    vector = torch.randn(width, generator=generator(0, "test direction"))
    direction = Direction(vector / vector.norm(), 3.0, "es", site, lm.digest, "some-sae")
    plain = observe(lm.network, [site, "resid_post_1"], *batch)
    with steer(lm, direction, 2.0):
        pushed = observe(lm.network, [site, "resid_post_1"], *batch)
    text = lm.is_text(batch[0])
    assert torch.equal(pushed[site][text], plain[site][text] + 6.0 * direction.vector)
    assert not torch.allclose(pushed["resid_post_1"][text], plain["resid_post_1"][text])


def test_equals_adding_to_the_codes_with_the_error_put_back(subject, blocks):
    """decode(z + w) + (h − decode(z)) is h + w · W_dec, so steering needs no SAE."""
    reading = subject.read(*subject.lm.pad([list(blocks[0].ids)]))
    w = torch.rand(subject.sae.latents, generator=generator(0, "w"))
    error = reading.rows - subject.sae.decode(reading.z)
    torch.testing.assert_close(
        subject.sae.decode(reading.z + w) + error, reading.rows + w @ subject.sae.W_dec, rtol=1e-4, atol=1e-4
    )


def test_another_models_direction_is_refused(lm, direction):
    """A direction knows the network it was found in."""
    with (
        pytest.raises(LineageError, match="give the model it was found in"),
        steer(lm, Direction(direction.vector, 1.0, "es", direction.site, "another-model", "some-sae"), 1.0),
    ):
        pass


@pytest.mark.parametrize("strength", [math.nan, math.inf, -math.inf])
def test_a_strength_that_is_no_number_is_refused(lm, direction, strength):
    """NaN and infinity would silently ruin every logit."""
    with pytest.raises(ValueError, match="finite"), steer(lm, direction, strength):
        pass


@pytest.mark.parametrize("wrong", [{"norm": math.nan}, {"norm": 0.0}, {"vector": torch.zeros(32)}])
def test_a_direction_that_is_none_is_refused(lm, direction, wrong):
    """Nothing would be pushed, or all of it to nothing."""
    with pytest.raises(ValueError, match="expected finite ones above 0"), steer(lm, replace(direction, **wrong), 1.0):
        pass


def test_steering_acts_on_cached_steps_too(lm, direction, blocks):
    """The greedy continuation under steering is the same with and without the key-value cache."""
    prompts = [list(b.ids[:9]) for b in blocks[:3]]
    plain = continue_ids(lm, prompts, 8)
    with steer(lm, direction, 1.0):
        cached, fresh = (continue_ids(lm, prompts, 8, use_cache=use) for use in (True, False))
    assert cached == fresh
    assert cached != plain


def test_a_direction_comes_back_from_disk_as_it_was(direction, tmp_path):
    """Save and load are inverse."""
    direction.save(tmp_path / "es.safetensors")
    again = Direction.load(tmp_path / "es.safetensors")
    assert torch.equal(again.vector, direction.vector)
    assert {**vars(again), "vector": None} == {**vars(direction), "vector": None}


def test_a_file_that_holds_no_direction_is_refused(sae, tmp_path):
    """An SAE's file is not a direction."""
    sae.save(tmp_path / "sae.safetensors")
    with pytest.raises(ValueError, match="holds no direction"):
        Direction.load(tmp_path / "sae.safetensors")


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_first_position_is_left_alone(family):
    """Padded or not, a prompt's first token keeps its bits, be it BOS or, without one, text; the others are pushed."""
    own = family_lm(family)
    vector = torch.ones(own.width) / own.width**0.5
    pushed = Direction(vector, 3.0, "es", "resid_post_1", own.digest, "some-sae")
    ids, mask = own.pad(own.encode(["w5 w6 w7 w8", "w9 w10"]), side="left")
    plain = observe(own.network, ["resid_post_1"], ids, mask)["resid_post_1"]
    with steer(own, pushed, 1.0):
        found = observe(own.network, ["resid_post_1"], ids, mask)["resid_post_1"]
    later = mask.bool() & (mask.cumsum(1) > 1)
    assert int(later.sum()) == (4 if family == "gpt2" else 6)
    assert torch.equal(found[~later], plain[~later])
    assert torch.equal(found[later], plain[later] + 3.0 * vector)
