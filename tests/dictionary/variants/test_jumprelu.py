"""JumpReLU: its pseudo-derivatives, its three terms and its start, against numbers and dense formulas."""

import pytest
import torch

from sieve.dictionary.variants.jumprelu import JumpReLU
from tests.dictionary.planted import LATENTS, WIDTH, new, world

THETA, BANDWIDTH = 2.0, 0.5
FAR_BELOW, BELOW, ABOVE, FAR_ABOVE = 1.7, 1.8, 2.2, 2.3  # the kernel reaches from 1.75 to 2.25


@pytest.fixture(scope="module")
def rows():
    """Planted rows (1024, D)."""
    return world(1024).rows


def jump(values, of_z=0.0, of_l0=0.0):
    """(z, L0, gradient by p, gradient by t) of one latent on rows with these pre-activations, for such gradients."""
    pre = torch.tensor(values)[:, None].requires_grad_()
    t = torch.tensor([THETA]).log().requires_grad_()
    z, l0 = JumpReLU.apply(pre, t, BANDWIDTH)
    (of_z * z.sum() + of_l0 * l0).backward()
    return z.flatten().tolist(), l0.item(), pre.grad.flatten().tolist(), t.grad.item()


def dense(subject, x):
    """(z, squared error, p, θ, atoms' lengths) by the definition, differentiable but for thresholds."""
    w, theta = subject.weights, subject.t.exp()
    pre = (x - w.b_dec) @ w.W_enc + w.b_enc
    z = torch.where(pre > theta, pre, 0)
    return z, (x - w.b_dec - z @ w.W_dec).square().sum(1).mean(), pre, theta, w.W_dec.norm(dim=1)


def at_step(subject, step):
    """The same Variant, so many steps later."""
    for _ in range(step):
        subject.after_step()
    return subject


def test_only_what_exceeds_the_threshold_passes():
    """Values above θ pass with gradient 1; the others, θ itself among them, are zero and get none; L0 counts rows."""
    z, l0, of_pre, _ = jump([FAR_BELOW, BELOW, ABOVE, FAR_ABOVE, -3.0], of_z=1.0)

    assert z == pytest.approx([0, 0, ABOVE, FAR_ABOVE, 0])
    assert l0 == pytest.approx(2 / 5)
    assert of_pre == [0, 0, 1, 1, 0]
    assert JumpReLU.apply(torch.ones(1, 1), torch.zeros(1), 1.0)[0].item() == 0  # p = θ


@pytest.mark.parametrize(("value", "share"), [(FAR_BELOW, 0), (BELOW, 1), (ABOVE, 1), (FAR_ABOVE, 0)])
def test_entries_on_both_sides_move_the_threshold(value, share):
    """An entry within ε/2 of θ, below or above, gives −θ/ε times the gradient of its z; others give nothing."""
    assert jump([value, -3.0], of_z=3.0)[3] == pytest.approx(-3.0 * THETA / BANDWIDTH * share)


@pytest.mark.parametrize(("value", "share"), [(FAR_BELOW, 0), (BELOW, 1), (ABOVE, 1), (FAR_ABOVE, 0)])
def test_the_count_moves_thresholds_only(value, share):
    """L0's derivative by t is −1/ε per entry in the kernel, a row's share of it; by p there is none."""
    _, _, of_pre, of_t = jump([value, -3.0], of_l0=3.0)

    assert of_t == pytest.approx(-3.0 / BANDWIDTH / 2 * share)
    assert of_pre == [0, 0]


def test_the_threshold_gradient_is_the_kernels_slope():
    """With ever more entries the pseudo-derivative, by θ, becomes that of the mean it stands for.

    For p uniform on [0, 4], E[z] is (16 − θ²)/8 and P(p > θ) is 1 − θ/4.
    """
    pre = torch.linspace(0, 4, 100_001, dtype=torch.float64)[:, None]
    t = torch.tensor([THETA], dtype=torch.float64).log().requires_grad_()
    z, l0 = JumpReLU.apply(pre, t, BANDWIDTH)

    assert torch.autograd.grad(z.mean(), t, retain_graph=True)[0].item() == pytest.approx(-THETA / 4, rel=1e-3)
    assert torch.autograd.grad(l0, t)[0].item() == pytest.approx(-1 / 4, rel=1e-3)


def test_the_loss_is_the_published_formula(rows):
    """Value and gradients, but for thresholds, are those of error, tanh penalty and pre-activation loss in full."""
    x, own = rows[:64], {"sparsity": 0.7, "ramp_steps": 4, "tanh_scale": 3.0, "pre_activation": 0.2}
    subject = at_step(new("jumprelu", rows, **own), 3)
    *tensors, t = subject.parameters()
    assert t is subject.t
    z, error, pre, theta, norms = dense(subject, x)
    penalty = torch.tanh(3.0 * z * norms).sum(1).mean()
    missing = ((theta - pre).clamp_min(0) * norms).sum(1).mean()
    wanted = error + 0.7 * 3 / 4 * penalty + 0.2 * missing
    loss = subject.loss(x)[0]

    torch.testing.assert_close(loss, wanted)
    for found, right in zip(torch.autograd.grad(loss, tensors), torch.autograd.grad(wanted, tensors)):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)


def test_all_terms_move_the_threshold(rows):
    """t's gradient is −θ/ε Σ_near ∂L/∂z of error and penalty, and θ‖W_dec,i‖ for each row that misses θ."""
    x, own = rows[:64], {"sparsity": 0.7, "ramp_steps": 0, "tanh_scale": 3.0, "pre_activation": 0.2}
    subject = new("jumprelu", rows, **own)
    z, _, pre, theta, norms = (part.detach() for part in dense(subject, x))
    z.requires_grad_()
    w = subject.weights
    error = (x - w.b_dec - z @ w.W_dec).square().sum(1).mean()
    (of_z,) = torch.autograd.grad(error + 0.7 * torch.tanh(3.0 * z * norms).sum(1).mean(), z)
    near = (pre - theta).abs() < subject.settings.bandwidth / 2
    wanted = -theta / subject.settings.bandwidth * (of_z * near).sum(0)
    wanted = wanted + 0.2 * theta * norms * (pre < theta).float().mean(0)
    subject.loss(x)[0].backward()

    torch.testing.assert_close(subject.t.grad, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("target", "sign"), [(1.0, -1), (LATENTS, 1)])
def test_too_many_active_latents_raise_thresholds(rows, target, sign):
    """Above its target L0's penalty raises thresholds (t's gradient is negative), below it lowers them.

    Its value is λ(L0/L0* − 1)², and nothing but thresholds sees it.
    """
    subject = new("jumprelu", rows, target_l0=target, sparsity=3.0, ramp_steps=0, pre_activation=0.0, start_rate=0.5)
    x = rows[:64]
    z, error, *_ = dense(subject, x)
    l0 = (z != 0).sum(1).float().mean().item()
    (of_t,) = torch.autograd.grad(subject.loss(x)[0], subject.t)
    no_target = new("jumprelu", rows, sparsity=0.0, pre_activation=0.0, start_rate=0.5)
    (of_error,) = torch.autograd.grad(no_target.loss(x)[0], no_target.t)
    loss = subject.loss(x)[0]
    loss.backward()
    no_target.loss(x)[0].backward()

    assert loss.item() == pytest.approx(error.item() + 3.0 * (l0 / target - 1) ** 2, rel=1e-5)
    assert ((of_t - of_error).sign() == sign).all()
    for found, right in zip(subject.parameters()[:4], no_target.parameters()[:4]):
        torch.testing.assert_close(found.grad, right.grad)


def test_the_penalty_rises_evenly(rows):
    """The sparsity coefficient is 0 at the first step, rises by λ/steps each, and stays at λ."""
    x, own = rows[:64], {"sparsity": 0.5, "ramp_steps": 4, "pre_activation": 0.0}
    subject = new("jumprelu", rows, **own)
    z, error, _, _, norms = dense(subject, x)
    penalty = torch.tanh(4.0 * z * norms).sum(1).mean()
    shares = [((at_step(subject, n > 0).loss(x)[0] - error) / penalty / 0.5).item() for n in range(6)]

    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=1e-4)


def test_latents_that_never_fire_are_brought_nearer(rows):
    """A latent far below its threshold learns from the pre-activation loss alone: lower threshold, higher bias."""
    subject = new("jumprelu", rows, pre_activation=0.1, sparsity=0.0)
    subject.weights.b_enc.data[3] = -99.0
    subject.loss(rows[:64])[0].backward()
    length = subject.weights.W_dec[3].norm().item()

    assert subject.weights.b_enc.grad[3].item() == pytest.approx(-0.1 * length)
    assert subject.t.grad[3].item() == pytest.approx(0.1 * subject.t[3].exp().item() * length)


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_every_latent_fires_at_its_rate_at_the_start(rows, rate):
    """On the rows that it starts from, each latent exceeds its threshold in the given share of them."""
    subject = new("jumprelu", rows, start_rate=rate)
    z, _, _, theta, _ = dense(subject, rows)

    torch.testing.assert_close((z != 0).float().mean(0), torch.full((LATENTS,), rate), rtol=0, atol=2 / len(rows))
    torch.testing.assert_close(theta, torch.full((LATENTS,), 0.1).exp())
    torch.testing.assert_close(subject.weights.W_enc, subject.weights.W_dec.T * WIDTH / LATENTS)


@pytest.mark.parametrize(("rate", "active"), [(0.0, 1), (1.0, 1023)])
def test_no_latent_starts_dead_or_always_on(rows, rate, active):
    """At the ends of the scale each latent still fires in one row, or in all but one."""
    subject = new("jumprelu", rows, start_rate=rate)

    assert ((dense(subject, rows)[0] != 0).sum(0) - active).abs().max() <= 1


def test_the_threshold_is_frozen_with_its_atoms_length(rows):
    """Frozen, each latent's threshold is θ times the length of its atom."""
    subject = new("jumprelu", rows)
    subject.t.data = torch.linspace(-1, 1, LATENTS)
    subject.weights.W_dec.data *= torch.linspace(0.5, 2, LATENTS)[:, None]

    wanted = torch.linspace(-1, 1, LATENTS).exp() * torch.linspace(0.5, 2, LATENTS)
    torch.testing.assert_close(subject.freeze("s", "m").gate.theta, wanted)
