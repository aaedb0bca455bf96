"""Gates by truth table: what is let through keeps its value, the rest is exactly zero."""

import pytest
import torch
from torch import Tensor

from sieve.dictionary.gates import Chosen, Scores, Threshold, TopK, _strongest, batch_top_k
from sieve.provenance import generator

PRE = torch.tensor([[3.0, -1.0, 2.0, 1.0], [-1.0, -2.0, -3.0, -4.0], [0.5, 0.0, -9.0, 0.25]])


class Matrix(Scores):
    """Pre-activations that are known, a few rows at a time."""

    def __init__(self, pre: Tensor, size: int = 1000) -> None:
        self.pre, self.size, self.count = pre, size, len(pre)

    def blocks(self):
        return ((i, self.pre[i : i + self.size]) for i in range(0, max(1, self.count), self.size))


def dense(pre: Tensor, chosen: Chosen) -> Tensor:
    """What was chosen of `pre`, the rest 0; values are those of `pre` and pairs come row by row."""
    z = torch.zeros_like(pre)
    z[chosen.rows, chosen.latents] = chosen.values
    assert torch.equal(pre[chosen.rows, chosen.latents], chosen.values)
    assert torch.equal(chosen.rows, chosen.rows.sort().values)
    return z


def batch(pre: Tensor, k: int, size: int = 1000, floor: float = 0.0) -> Tensor:
    """BatchTopK with k latents a row."""
    return dense(pre, batch_top_k(Matrix(pre, size), k * len(pre), floor))


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
    assert torch.equal(dense(PRE, TopK(k).choose(Matrix(PRE))), torch.tensor(wanted, dtype=torch.float))


@pytest.mark.parametrize(
    ("k", "wanted"),
    [
        (1, [[3, 0, 2, 1], [0, 0, 0, 0], [0, 0, 0, 0]]),
        (2, [[3, 0, 2, 1], [0, 0, 0, 0], [0.5, 0, 0, 0.25]]),
    ],
)
def test_batch_top_k(k, wanted):
    """BatchTopK keeps the k·B largest positive values of the batch, wherever they are, and no others."""
    assert torch.equal(batch(PRE, k), torch.tensor(wanted, dtype=torch.float))


def test_batch_top_k_keeps_k_a_row_on_average():
    """Where enough values are positive, exactly k·B are kept, and rows differ in how many they have."""
    pre = torch.randn(64, 50, generator=generator(0)) * torch.linspace(0.1, 3, 64)[:, None]
    z = batch(pre, 5)
    counts = (z != 0).sum(1)

    assert int(counts.sum()) == 5 * 64
    assert len(counts.unique()) > 3
    assert z[z != 0].min() > pre[(z == 0)].max()


@pytest.mark.parametrize("levels", [1, 4, 1000])
@pytest.mark.parametrize("width", [5, 40, 75, 512, 1003, 2048])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_top_k_is_a_stable_sort(width, levels, dtype):
    """The latents are those that a stable sort puts first, strongest first, whatever is equal to whatever.

    Few levels make nearly all values equal, as bf16 does. Of narrow rows every value is read, of wide ones groups.
    """
    pre = ((torch.randn(50, width, generator=generator(4)) * levels).round() / levels).to(dtype)
    rows, latents, values = TopK(7).choose(Matrix(pre, 30))
    wanted = pre.relu().sort(dim=1, descending=True, stable=True)
    kept = wanted.values[:, :7] > 0

    assert torch.equal(rows, kept.nonzero()[:, 0])
    assert torch.equal(values, wanted.values[:, :7][kept])
    assert torch.equal(latents, wanted.indices[:, :7][kept])


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_top_k_of_any_width(k):
    """However many latents are left over when they are put into groups, the largest are found among all."""
    for width in range(1, 300):
        pre = torch.randn(20, width, generator=generator(width)).abs()
        wanted = pre.sort(dim=1, descending=True, stable=True).indices[:, :k]
        assert torch.equal(TopK(k).choose(Matrix(pre, 30)).latents, wanted.flatten()), width


class Shifted(Matrix):
    """Rough values that are all too small by 1, so that what is positive may have a negative one."""

    def rough(self):
        return ((start, pre - 1) for start, pre in self.blocks())

    def reach(self, rows, floor):
        return super().reach(rows, floor + 1) - 1

    def exact(self, pairs):
        return pairs._replace(values=self.pre[pairs.rows, pairs.latents])


def test_top_k_finds_what_is_positive_behind_a_negative_rough_value():
    """Rough values of a group may all be negative, while one of them stands for something positive."""
    pre = torch.randn(20, 2048, generator=generator(6)) - 3
    wanted = torch.where(pre > 0, pre, 0)

    assert 0 < int((wanted != 0).sum(1).max()) < 32
    assert torch.equal(dense(pre, TopK(32).choose(Shifted(pre))), wanted)


def test_too_many_to_sort_is_no_wrong_answer():
    """Row, value and latent must fit into 63 bits; where they cannot, even as ranks, that is said."""
    pairs = Chosen(torch.tensor([0]), torch.tensor([2**31]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match=r"1 candidates in .* rows are too many to sort; encode fewer"):
        _strongest(pairs, 1, 2**31)


@pytest.mark.parametrize("levels", [1, 1000])
@pytest.mark.parametrize(("size", "floor"), [(1000, 0.0), (3, 0.0), (3, 1.5), (3, 1.999), (3, 99.0)])
def test_batch_top_k_is_a_stable_sort(levels, size, floor):
    """What is kept are the pairs that a stable sort of the batch puts first, in blocks or at once, by any guess."""
    pre = (torch.randn(40, 60, generator=generator(5)) * levels).round() / levels
    order = pre.flatten().sort(descending=True, stable=True).indices[: 3 * 40]
    wanted = torch.zeros(pre.numel()).scatter(0, order, pre.flatten()[order]).view_as(pre)

    assert torch.equal(batch(pre, 3, size, floor), wanted)


def test_threshold_is_each_latents_own():
    """Threshold keeps what is strictly above the latent's own threshold, negative thresholds included."""
    gate = Threshold(torch.tensor([3.0, -1.5, 0.0, 0.25]))

    wanted = torch.tensor([[0, -1, 2, 1.0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert torch.equal(dense(PRE, gate.choose(Matrix(PRE, 2))), wanted)


@pytest.mark.parametrize("gate", [TopK(5), Threshold(torch.full((50,), 0.5))])
def test_a_rows_code_is_its_own(gate):
    """TopK and Threshold code a row the same alone, among others, and in any order of rows."""
    pre = torch.randn(32, 50, generator=generator(2))
    order = torch.randperm(32, generator=generator(3))

    together = dense(pre, gate.choose(Matrix(pre)))

    assert torch.equal(dense(pre[order], gate.choose(Matrix(pre[order]))), together[order])
    assert torch.equal(dense(pre, gate.choose(Matrix(pre, 1))), together)


@pytest.mark.parametrize("gate", [TopK(2), Threshold(torch.zeros(4))])
def test_no_rows(gate):
    """A batch of no rows has no codes."""
    assert [len(part) for part in gate.choose(Matrix(torch.empty(0, 4)))] == [0, 0, 0]
