"""ReLU with L1: both conventions by their formulas, and what L1 does to codes."""

import pytest
import torch

from sieve.dictionary.weights import ramp
from tests.dictionary.planted import FIT, LATENTS, new, train, world

both = pytest.mark.parametrize("name", ["relu_l1", "relu_l1 free"])


@pytest.fixture(scope="module")
def rows():
    """Planted rows (8192, D)."""
    return world().rows


@both
def test_the_loss_is_the_formula(rows, name):
    """Loss and gradients are those of squared error and price, written out; free atoms' lengths are in the price."""
    x = rows[:64]
    subject = new(name, rows, l1=0.6, ramp_steps=4)
    w = subject.weights
    if name == "relu_l1 free":
        w.W_dec.data *= torch.linspace(0.5, 2, LATENTS)[:, None]
    subject.steps = 3
    z = ((x - w.b_dec) @ w.W_enc + w.b_enc).clamp_min(0)
    lengths = w.W_dec.square().sum(1).sqrt() if name == "relu_l1 free" else torch.ones(LATENTS)
    error = (x - w.b_dec - z @ w.W_dec).square().sum(1).mean()
    wanted = error + 0.6 * 3 / 4 * (z * lengths).sum(1).mean()
    loss = subject.loss(x)[0]

    torch.testing.assert_close(loss, wanted)
    for found, right in zip(torch.autograd.grad(loss, w.parameters()), torch.autograd.grad(wanted, w.parameters())):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)


@both
def test_a_code_is_best_half_the_price_too_small(rows, name):
    """Where one latent explains its row with a coefficient a, the loss is least at a − λ/2."""
    subject = new(name, rows, l1=0.8, ramp_steps=0)
    w = subject.weights
    w.W_enc.data.zero_()
    w.b_enc.data.fill_(-1.0)
    row = (w.b_dec + 3.0 * w.W_dec[5]).detach()[None]
    slopes = []
    for code in (2.5, 2.6, 2.7):
        w.b_enc.data[5] = code
        slopes.append(torch.autograd.grad(subject.loss(row)[0], w.b_enc)[0][5].item())

    assert slopes == pytest.approx([-0.2, 0.0, 0.2], abs=1e-5)


@both
def test_l1_shrinks(rows, name):
    """Reconstructions are too short, E⟨x̂, x⟩/E‖x‖² < 1 about b_dec, and the shorter the higher the price."""
    shares = []
    for l1 in (0.0, 0.5, 1.5):
        subject = new(name, rows, l1=l1)
        train(subject, rows, FIT)
        sae = subject.freeze("s", "m")
        x, rebuilt = rows - sae.b_dec, sae.reconstruct(rows) - sae.b_dec
        shares.append(((rebuilt * x).sum() / x.square().sum()).item())

    assert shares[0] == pytest.approx(1, abs=0.01)
    assert shares[2] < shares[1] - 0.05 < shares[0] - 0.1


def test_free_atoms_lengths_are_folded_exactly(rows):
    """Frozen, codes are longer by their atom's length, active latents and x̂ are the same; in float64 to 12 digits."""
    subject = new("relu_l1 free", rows)
    w = subject.weights.double()
    w.W_dec.data *= torch.linspace(0.1, 30, LATENTS)[:, None].double()
    x = rows[:200].double()
    z = subject.weights.pre_activations(x).relu()
    sae = subject.freeze("s", "m")

    assert torch.equal(sae.encode(x) != 0, z != 0)
    torch.testing.assert_close(sae.encode(x), z * w.W_dec.norm(dim=1), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(sae.reconstruct(x), z @ w.W_dec + w.b_dec, rtol=1e-12, atol=1e-11)


def test_unit_and_free_agree_where_atoms_have_unit_length(rows):
    """At the start, when all atoms are of length 1, both conventions have the same loss."""
    unit, free = (new(name, rows, ramp_steps=0).loss(rows[:64])[0] for name in ("relu_l1", "relu_l1 free"))

    torch.testing.assert_close(unit, free)


def test_a_coefficient_rises_evenly():
    """From 0 at the first step to 1 at the last of the ramp, and on; without steps it is 1 at once."""
    assert [ramp(step, 4) for step in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert ramp(0, 0) == 1
