"""What dictionaries in training share: their start, and the latents that are dead."""

import torch

from sieve.dictionary.weights import DeadLatents, Weights, geometric_median
from sieve.provenance import generator

WIDTH, LATENTS = 6, 10
DEAD = [2, 5, 7]


def dead_latents(after: int = 8) -> DeadLatents:
    """Three dead latents of ten."""
    dead = DeadLatents(LATENTS, after, torch.device("cpu"))
    z = torch.ones(8, LATENTS)
    z[:, DEAD] = 0
    dead.update(z)
    return dead


def test_dead_is_silent_for_long():
    """A latent is dead once it was silent for so many rows, and alive again as soon as it fires once, signed or not."""
    dead = DeadLatents(3, 8, torch.device("cpu"))
    for rows, mask in ((4, [False] * 3), (3, [False] * 3), (1, [False, True, True])):
        z = torch.zeros(rows, 3)
        z[0, 0] = 1.0
        dead.update(z)
        assert dead.mask.tolist() == mask
    dead.update(torch.tensor([[0.0, -0.5, 0.0]]))

    assert dead.mask.tolist() == [False, False, True]


def test_auxk_teaches_dead_latents_only():
    """AuxK's gradient reaches encoder columns, biases and atoms of dead latents, and no others."""
    weights = Weights(LATENTS, torch.randn(50, WIDTH, generator=generator(0)), generator(1))
    x = torch.randn(20, WIDTH, generator=generator(2))
    error = torch.randn(20, WIDTH, generator=generator(3))
    dead_latents().aux_loss(weights.pre(x), error, weights.W_dec).backward()
    alive = [i for i in range(LATENTS) if i not in DEAD]

    for grad in (weights.W_enc.grad.T, weights.W_dec.grad, weights.b_enc.grad[:, None]):
        assert (grad[alive] == 0).all()
        assert (grad[DEAD].abs().sum(1) > 0).all()


def test_auxk_is_the_papers_formula():
    """With more dead latents than D/2 the strongest D/2 of each row rebuild the error, normalised by its variance."""
    dead = DeadLatents(LATENTS, 0, torch.device("cpu"))
    pre = torch.randn(20, LATENTS, generator=generator(4))
    error = torch.randn(20, WIDTH, generator=generator(5))
    atoms = torch.randn(LATENTS, WIDTH, generator=generator(6))
    rebuilt = torch.zeros_like(error)
    for row in range(20):
        for latent in pre[row].argsort(descending=True)[: WIDTH // 2].tolist():
            rebuilt[row] += pre[row, latent].clamp_min(0) * atoms[latent]
    wanted = (error - rebuilt).square().sum() / (error - error.mean(0)).square().sum()

    torch.testing.assert_close(dead.aux_loss(pre, error, atoms), wanted)


def test_auxk_is_small_while_few_are_dead():
    """With fewer dead latents than D/2 the loss is scaled down in proportion, and none without dead latents."""
    pre, error = torch.zeros(20, LATENTS), torch.randn(20, 2 * 6, generator=generator(7))
    atoms = torch.zeros(LATENTS, 2 * 6)
    spread = error.square().sum() / (error - error.mean(0)).square().sum()

    torch.testing.assert_close(dead_latents().aux_loss(pre, error, atoms), 0.5 * spread)
    assert dead_latents(after=9).aux_loss(pre, error, atoms) == 0.0


def test_the_error_is_not_taught():
    """AuxK's gradient does not reach the error that it is to explain."""
    error = torch.randn(20, WIDTH, generator=generator(3)).requires_grad_()
    pre = torch.randn(20, LATENTS, generator=generator(4)).requires_grad_()
    dead_latents().aux_loss(pre, error, torch.randn(LATENTS, WIDTH, generator=generator(5))).backward()

    assert error.grad is None and pre.grad is not None


def test_the_median_is_where_pulls_cancel():
    """At the geometric median the unit vectors to all rows cancel; far-off rows move it less than the mean."""
    rows = torch.randn(400, WIDTH, generator=generator(8)) + 3
    rows[:20] += 1e4
    median = geometric_median(rows, steps=200)
    pull = torch.nn.functional.normalize(rows - median, dim=1).mean(0)

    assert pull.norm() < 1e-3
    assert (median - 3).norm() < 1 < (rows.mean(0) - 3).norm()


def test_the_median_may_be_a_row():
    """Rows that are all the same, or one that is the median itself, are harmless."""
    same = torch.ones(5, WIDTH)
    cross = torch.cat([torch.eye(WIDTH), -torch.eye(WIDTH), torch.zeros(1, WIDTH)])

    torch.testing.assert_close(geometric_median(same), same[0])
    torch.testing.assert_close(geometric_median(cross), torch.zeros(WIDTH))


def test_the_start():
    """The start is: unit atoms, the encoder their transpose, no bias, b_dec at the rows' median."""
    rows = torch.randn(50, WIDTH, generator=generator(0)) + 5
    weights = Weights(LATENTS, rows, generator(1))

    torch.testing.assert_close(weights.W_dec.norm(dim=1), torch.ones(LATENTS))
    assert torch.equal(weights.W_enc, weights.W_dec.T)
    assert weights.W_enc.data_ptr() != weights.W_dec.data_ptr()
    assert (weights.b_enc == 0).all()
    torch.testing.assert_close(weights.b_dec, geometric_median(rows))
