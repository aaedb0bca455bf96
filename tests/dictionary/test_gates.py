"""Gates by truth table: what is let through keeps its value, the rest is exactly zero."""

import pytest
import torch

from sieve.dictionary.gates import Threshold, TopK, batch_top_k
from sieve.provenance import generator

PRE = torch.tensor([[3.0, -1.0, 2.0, 1.0], [-1.0, -2.0, -3.0, -4.0], [0.5, 0.0, -9.0, 0.25]])


@pytest.mark.parametrize(
    ("k", "wanted"),
    [
        (1, [[3, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0, 0]]),
        (2, [[3, 0, 2, 0], [0, 0, 0, 0], [0.5, 0, 0, 0.25]]),
        (4, [[3, 0, 2, 1], [0, 0, 0, 0], [0.5, 0, 0, 0.25]]),
    ],
)
def test_top_k(k, wanted):
    """TopK keeps the k largest positive values of each row, and fewer where fewer are positive."""
    assert torch.equal(TopK(k)(PRE), torch.tensor(wanted, dtype=torch.float))


@pytest.mark.parametrize(
    ("k", "wanted"),
    [
        (1, [[3, 0, 2, 1], [0, 0, 0, 0], [0, 0, 0, 0]]),
        (2, [[3, 0, 2, 1], [0, 0, 0, 0], [0.5, 0, 0, 0.25]]),
    ],
)
def test_batch_top_k(k, wanted):
    """BatchTopK keeps the k·B largest positive values of the batch, wherever they are, and no others."""
    assert torch.equal(batch_top_k(PRE, k), torch.tensor(wanted, dtype=torch.float))


def test_batch_top_k_keeps_k_a_row_on_average():
    """Where enough values are positive, exactly k·B are kept, and rows differ in how many they have."""
    pre = torch.randn(64, 50, generator=generator(0)) * torch.linspace(0.1, 3, 64)[:, None]
    z = batch_top_k(pre, 5)
    counts = (z != 0).sum(1)

    assert int(counts.sum()) == 5 * 64
    assert len(counts.unique()) > 3
    assert z[z != 0].min() > pre[(z == 0)].max()


@pytest.mark.parametrize("gate", [TopK(5), Threshold(torch.full((50,), 0.8)), lambda pre: batch_top_k(pre, 5)])
def test_values_and_gradients_pass_unchanged(gate):
    """What passes a gate keeps its value and a gradient of one; what does not has neither."""
    pre = torch.randn(16, 50, generator=generator(1)).requires_grad_()
    z = gate(pre)
    z.sum().backward()
    kept = z != 0

    assert 0 < int(kept.sum()) < pre.numel()
    assert torch.equal(z[kept], pre[kept])
    assert torch.equal(pre.grad, kept.float())


def test_threshold_is_each_latents_own():
    """Threshold keeps what is strictly above the latent's own threshold, negative thresholds included."""
    gate = Threshold(torch.tensor([3.0, -1.5, 0.0, 0.25]))

    assert torch.equal(gate(PRE), torch.tensor([[0, -1, 2, 1.0], [0, 0, 0, 0], [0, 0, 0, 0]]))


@pytest.mark.parametrize("gate", [TopK(5), Threshold(torch.full((50,), 0.5))])
def test_a_rows_code_is_its_own(gate):
    """TopK and Threshold code a row the same alone, among others, and in any order of rows."""
    pre = torch.randn(32, 50, generator=generator(2))
    order = torch.randperm(32, generator=generator(3))

    assert torch.equal(gate(pre[order]), gate(pre)[order])
    assert torch.equal(torch.cat([gate(row[None]) for row in pre]), gate(pre))


@pytest.mark.parametrize("gate", [TopK(2), Threshold(torch.zeros(4))])
def test_no_rows(gate):
    """A batch of no rows has no codes."""
    assert gate(torch.empty(0, 4)).shape == (0, 4)
