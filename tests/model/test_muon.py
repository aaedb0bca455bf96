"""The optimiser of the small model's matrices."""

from __future__ import annotations

import pytest
import torch

from sieve.model.muon import Muon, nearly_orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (40, 16), (16, 40)])
def test_an_update_keeps_the_singular_directions_and_draws_their_values_to_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inside = left.T @ nearly_orthogonal(matrix) @ right.T
    assert torch.all((inside.diag() > 0.3) & (inside.diag() < 1.3))
    assert torch.allclose(inside, torch.diag(inside.diag()), atol=1e-4)


def test_steps_are_torchs_up_to_the_bits_that_bfloat16_drops() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = ([torch.ones(shape, requires_grad=True) for shape in ((16, 16), (40, 16), (16, 40))] for _ in "ab")
    optimisers = (Muon(ours, 0.01, 0.1), torch.optim.Muon(theirs, 0.01, 0.1, adjust_lr_fn="match_rms_adamw"))
    for _ in range(5):
        for our, their in zip(ours, theirs):
            our.grad = torch.randn(our.shape, generator=generator)
            their.grad = our.grad.clone()
        for optimiser in optimisers:
            optimiser.step()
    for our, their in zip(ours, theirs):
        moved = (1 - their).norm()
        assert (our - their).norm() < 0.02 * moved, f"{our.shape}: {(our - their).norm() / moved:.3f} of the way"


def test_a_matrix_without_a_gradient_stays_as_it_is() -> None:
    matrix = torch.ones(4, 4, requires_grad=True)
    Muon([matrix], 0.1, 0.1).step()
    assert torch.equal(matrix, torch.ones(4, 4))
