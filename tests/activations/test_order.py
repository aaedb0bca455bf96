"""Row order is arithmetic."""

import pytest
import torch

from sieve.activations.order import batch_rows


@pytest.mark.parametrize(("rows", "batch"), [(100, 10), (103, 10), (7, 7), (9, 5), (5, 1)])
def test_an_epoch_takes_no_row_twice(rows, batch):
    """In each epoch every row comes at most once, and as many come as fit into whole batches."""
    per_epoch = rows // batch
    for epoch in range(3):
        taken = torch.cat([batch_rows(epoch * per_epoch + i, rows, batch, 0) for i in range(per_epoch)])
        assert len(taken) == per_epoch * batch == len(taken.unique())
        assert int(taken.min()) >= 0 and int(taken.max()) < rows


def test_a_batch_depends_on_seed_and_step_alone():
    """The same step gives the same rows in whatever order steps are asked for and whatever is done with the answer."""
    forward = [batch_rows(step, 50, 8, 3).tolist() for step in range(20)]
    torch.randn(5)
    batch_rows(0, 50, 8, 4).zero_()
    for step in reversed(range(20)):
        rows = batch_rows(step, 50, 8, 3)
        assert rows.tolist() == forward[step]
        rows.zero_()

    assert [batch_rows(step, 50, 8, 3).tolist() for step in range(20)] == forward


def test_seeds_and_epochs_differ():
    """Another seed, and another epoch, is another order."""
    first = batch_rows(0, 1000, 100, 0)

    assert not torch.equal(first, batch_rows(0, 1000, 100, 1))
    assert not torch.equal(first, batch_rows(10, 1000, 100, 0))
    assert not torch.equal(first, first.sort().values)


def test_a_batch_larger_than_the_data_is_refused():
    """A batch that cannot be filled is refused with both numbers."""
    with pytest.raises(ValueError, match=r"batch of 11 .* only 10 rows"):
        batch_rows(0, 10, 11, 0)
