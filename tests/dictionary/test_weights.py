"""What dictionaries in training share: their start, and the latents that are dead."""

import torch

from sieve.dictionary.kernels import Codes, Pairs
from sieve.dictionary.weights import DeadLatents, Weights, geometric_median
from sieve.provenance import generator

WIDTH, LATENTS = 6, 10
DEAD = [2, 5, 7]


def dead_latents(after: int = 8) -> DeadLatents:
    """Three dead latents of ten."""
    dead = DeadLatents(LATENTS, after, torch.device("cpu"))
    z = torch.ones(8, LATENTS)
    z[:, DEAD] = 0
    dead.update(codes(z))
    return dead


def codes(z: torch.Tensor) -> Codes:
    """The non-zeros of z."""
    rows, latents = z.nonzero(as_tuple=True)
    return Codes(Pairs(rows, latents, z.shape), z[rows, latents])


def world(seed: int = 0) -> tuple[Weights, torch.Tensor, torch.Tensor]:
    """Weights with some bias, rows x, and an error to explain."""
    weights = Weights(LATENTS, torch.randn(50, WIDTH, generator=generator(seed)), generator(seed, 1))
    weights.b_enc.data.normal_(generator=generator(seed, 2))
    x, error = (torch.randn(20, WIDTH, generator=generator(seed, i)) for i in (3, 4))
    return weights, x, error


def test_dead_is_silent_for_long():
    """A latent is dead once it was silent for so many rows, and alive again as soon as it fires once, signed or not."""
    dead = DeadLatents(3, 8, torch.device("cpu"))
    for rows, mask in ((4, [False] * 3), (3, [False] * 3), (1, [False, True, True])):
        z = torch.zeros(rows, 3)
        z[0, 0] = 1.0
        dead.update(codes(z))
        assert dead.mask.tolist() == mask
    dead.update(codes(torch.tensor([[0.0, -0.5, 0.0]])))

    assert dead.mask.tolist() == [False, False, True]


def test_auxk_teaches_dead_latents_only():
    """AuxK's gradient reaches encoder columns, biases and atoms of dead latents, and no others."""
    weights, x, error = world()
    dead_latents().aux_loss(x, error, weights, "fp32").backward()
    alive = [i for i in range(LATENTS) if i not in DEAD]

    for grad in (weights.encoder.grad, weights.W_dec.grad, weights.b_enc.grad[:, None]):
        assert (grad[alive] == 0).all()
        assert (grad[DEAD].abs().sum(1) > 0).all()


def test_auxk_is_the_papers_formula():
    """With more dead latents than D/2 the strongest D/2 of each row rebuild the error, normalised by its variance."""
    dead = DeadLatents(LATENTS, 0, torch.device("cpu"))
    weights, x, error = world(4)
    pre = (x - weights.b_dec) @ weights.W_enc + weights.b_enc
    rebuilt = torch.zeros_like(error)
    for row in range(20):
        for latent in pre[row].argsort(descending=True)[: WIDTH // 2].tolist():
            rebuilt[row] += pre[row, latent].clamp_min(0) * weights.W_dec[latent]
    wanted = (error - rebuilt).square().sum() / (error - error.mean(0)).square().sum()

    torch.testing.assert_close(dead.aux_loss(x, error, weights, "fp32"), wanted)


def test_auxk_is_small_while_few_are_dead():
    """With fewer dead latents than D/2 the loss is scaled down in proportion, and none without dead latents."""
    weights, x, error = world()
    weights.b_enc.data.fill_(-99)  # nothing fires, so all of the error is left
    two = DeadLatents(LATENTS, 8, torch.device("cpu"))
    two.silent[:2] = 8
    spread = error.square().sum() / (error - error.mean(0)).square().sum()

    torch.testing.assert_close(two.aux_loss(x, error, weights, "fp32"), 2 / 3 * spread)
    assert dead_latents(after=9).aux_loss(x, error, weights, "fp32") == 0.0


def test_the_error_is_not_taught():
    """AuxK's gradient does not reach the error that it is to explain."""
    weights, x, error = world()
    dead_latents().aux_loss(x, error.requires_grad_(), weights, "fp32").backward()

    assert error.grad is None and weights.encoder.grad is not None


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
