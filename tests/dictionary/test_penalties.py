"""The mean squared cosine, against an explicit Gram matrix and the bound that no dictionary can pass."""

import math

import pytest
import torch

from sieve.dictionary.penalties import mean_squared_cosine, welch_floor
from sieve.provenance import generator

SIZES = [(2, 5), (6, 3), (10, 10), (40, 7), (7, 40)]


def atoms(latents: int, width: int, seed: int = 0) -> torch.Tensor:
    """Random atoms (F, D) of very different lengths."""
    draw = generator(seed, "atoms")
    lengths = torch.rand(latents, 1, generator=draw, dtype=torch.float64) * 9 + 0.1
    return torch.randn(latents, width, generator=draw, dtype=torch.float64) * lengths


@pytest.mark.parametrize(("latents", "width"), SIZES)
def test_it_is_the_mean_over_pairs(latents, width):
    """It equals the mean of the squared cosines over all pairs of different atoms, taken one by one."""
    W = atoms(latents, width)
    cosines = [
        float(W[i] @ W[j] / W[i].norm() / W[j].norm()) ** 2 for i in range(latents) for j in range(latents) if i != j
    ]

    assert math.isclose(mean_squared_cosine(W), sum(cosines) / len(cosines), rel_tol=1e-10, abs_tol=1e-14)


def test_length_sign_order_and_rotation_do_not_count():
    """It stays when atoms are scaled, flipped, reordered or all rotated, so shrinking atoms cannot lower it."""
    W = atoms(20, 8)
    value = mean_squared_cosine(W)
    rotation = torch.linalg.qr(atoms(8, 8, seed=1)).Q
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(10)[:, None]
    order = torch.randperm(20, generator=generator(2))
    lengths = torch.logspace(-3, 3, 20, dtype=torch.float64)[:, None]

    for other in (W * lengths, W * signs, W[order], W @ rotation):
        assert math.isclose(mean_squared_cosine(other), value, rel_tol=1e-10)


def test_the_gradient():
    """Its gradient is that of finite differences in float64."""
    assert torch.autograd.gradcheck(mean_squared_cosine, atoms(6, 4).requires_grad_())


def test_the_gradient_is_across_the_atoms():
    """Its gradient has no part along an atom: it turns atoms and does not shrink them."""
    W = atoms(12, 5).requires_grad_()
    mean_squared_cosine(W).backward()

    assert (W.grad * W).sum(1).abs().max() < 1e-12 < W.grad.abs().max()


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_a_tight_frame_is_at_the_floor(copies):
    """Copies of an orthonormal basis, rotated against each other, are exactly at the Welch floor."""
    frame = torch.cat([torch.linalg.qr(atoms(6, 6, seed=s)).Q for s in range(copies)])

    assert math.isclose(mean_squared_cosine(frame), welch_floor(6 * copies, 6), rel_tol=1e-9, abs_tol=1e-15)


@pytest.mark.parametrize(("latents", "width"), SIZES)
def test_nothing_is_below_the_floor(latents, width):
    """No set of atoms has a mean squared cosine below the Welch floor, not even after descending on it."""
    W = atoms(latents, width).requires_grad_()
    optimiser = torch.optim.Adam([W], lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        mean_squared_cosine(W).backward()
        optimiser.step()
        assert mean_squared_cosine(W).item() >= welch_floor(latents, width) - 1e-12

    assert mean_squared_cosine(W).item() < mean_squared_cosine(atoms(latents, width)).item()


def test_atoms_that_fit_need_not_touch():
    """As many atoms as dimensions, or fewer, have a floor of zero; infinitely many have 1/D."""
    assert welch_floor(5, 5) == welch_floor(3, 5) == 0.0
    assert math.isclose(welch_floor(10**9, 5), 1 / 5, rel_tol=1e-6)


def test_a_zero_atom_is_harmless():
    """An atom of length zero gives a finite value and a finite gradient."""
    W = atoms(5, 4)
    W[2] = 0
    W.requires_grad_()
    value = mean_squared_cosine(W)
    value.backward()

    assert torch.isfinite(value) and torch.isfinite(W.grad).all()
