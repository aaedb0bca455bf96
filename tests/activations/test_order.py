"""Row order is arithmetic."""

import pytest
import torch

from sieve.activations import order
from sieve.activations.order import BLOCK, WINDOW, batch_rows


@pytest.fixture
def small(monkeypatch):
    """Blocks of 4 rows in windows of at most 3, so that few rows make many windows."""
    monkeypatch.setattr(order, "BLOCK", 4)
    monkeypatch.setattr(order, "WINDOW", 3)
    for remembered in (order._epoch, order._window):
        remembered.cache_clear()
    yield
    for remembered in (order._epoch, order._window):
        remembered.cache_clear()


def windows(rows, epoch=0, seed=0):
    """Row numbers window by window."""
    return [order._window(rows, seed, epoch, number) for number in range(len(order._epoch(rows, seed, epoch)[2]) - 1)]


@pytest.mark.parametrize("rows", [*range(1, 60), 1000])
@pytest.mark.parametrize("batch", [1, 5, 30])
def test_many_windows_make_one_permutation(small, rows, batch):
    """Whatever the sizes, batches are the windows in order, cut into equal parts, and each row is in one."""
    if batch > rows:
        return
    for epoch in range(3):
        whole = torch.cat(windows(rows, epoch))
        steps = range(epoch * (rows // batch), (epoch + 1) * (rows // batch))
        taken = torch.cat([batch_rows(step, rows, batch, 0) for step in steps])
        assert torch.equal(whole.sort().values, torch.arange(rows))
        assert torch.equal(taken, whole[: len(taken)])


@pytest.mark.parametrize("rows", [1, 4, 11, 12, 13, 47, 1000])
def test_windows_hold_whole_blocks(small, rows):
    """Every window holds whole blocks, no more than it may, and no window has a block more than one other."""
    counts = []
    for window in windows(rows):
        blocks = (window // 4).unique()
        assert len(window) == sum(min(4, rows - 4 * block) for block in blocks.tolist())
        counts.append(len(blocks))
    assert max(counts) <= 3 and max(counts) - min(counts) <= 1


def test_blocks_are_shuffled_too():
    """Windows are made of blocks from everywhere, others in each epoch."""
    rows = 10 * WINDOW * BLOCK
    first, later = ((windows(rows, epoch)[0] // BLOCK).unique() for epoch in (0, 1))

    assert len(first) == len(later) == WINDOW
    assert len(set(first.tolist()) & set(later.tolist())) < WINDOW / 4  # a tenth is expected
    assert (torch.histc(first.float(), 10, 0, 10 * WINDOW) > WINDOW / 20).all()


def test_every_window_has_an_order_of_its_own():
    """Windows of one size, in one epoch, in two or under two seeds, are permuted differently."""
    rows = 2 * WINDOW * BLOCK
    orders = [window % BLOCK for epoch, seed in ((0, 0), (1, 0), (0, 1)) for window in windows(rows, epoch, seed)]

    assert len({tuple(order.tolist()) for order in orders}) == 6


def test_a_batch_mixes_its_window():
    """A batch of 4,096 rows takes its rows from nearly all blocks of its window, and from everywhere in them."""
    rows = batch_rows(3, 10**6, 4096, 0)
    blocks, places = torch.unique(rows // BLOCK, return_counts=True)
    in_block = torch.histc((rows % BLOCK).float(), 8, 0, BLOCK)

    assert len(blocks) > 0.99 * (10**6 / BLOCK / len(windows(10**6)))
    assert places.max() < 30  # 8.4 are expected
    assert abs(in_block / 512 - 1).max() < 0.25
    assert (rows.diff() > 0).float().mean() == pytest.approx(0.5, abs=0.05)


def test_a_thousand_million_rows():
    """The order of 10⁹ rows is held in a number a block and one window, not in a number a row."""
    rows = batch_rows(200_000, 10**9, 4096, 0)
    blocks, bounds, starts = order._epoch(10**9, 0, 0)

    assert len(rows.unique()) == 4096 and int(rows.max()) > 9 * 10**8
    assert blocks.nbytes <= 8 * 10**9 / BLOCK + 8 and bounds.nbytes + starts.nbytes < 200_000
    assert order._window.cache_info().maxsize == order._epoch.cache_info().maxsize == 1
    assert order._window(10**9, 0, 0, 0).untyped_storage().nbytes() <= 8 * WINDOW * BLOCK


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


def test_a_step_depends_on_no_other_across_windows(small):
    """Steps asked for backwards, which walks back through windows and epochs, give what they give forwards."""
    forward = [batch_rows(step, 50, 8, 3).tolist() for step in range(20)]

    assert [batch_rows(step, 50, 8, 3).tolist() for step in reversed(range(20))] == forward[::-1]


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
