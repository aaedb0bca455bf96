"""Pulling features apart."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sieve.dictionary.orthogonalize import RECONSTRUCTIONS, TENSORS, Orthogonalizer
from sieve.dictionary.penalties import (
    PENALTIES,
    mean_squared_cosine,
    mean_squared_product,
    paper_lambda,
    random_chunks,
    welch_floor,
)
from sieve.provenance import generator
from tests.dictionary.planted import ACTIVE, FIT, LATENTS, WIDTH, new, train, world

SHORT = replace(FIT, steps=300, lr=2e-3)
COLUMNS = 12
every_penalty = pytest.mark.parametrize("penalty", PENALTIES)


@pytest.fixture(scope="module")
def rows():
    """Planted rows."""
    return world().rows


@pytest.fixture(scope="module")
def start(rows):
    """A dictionary trained a little, with pairs of atoms that lie close together."""
    subject = new("topk", rows)
    train(subject, rows, replace(FIT, steps=100))
    sae = subject.freeze("resid_post_0", "digest")
    close = sae.W_dec.clone()
    close[1::2] = torch.nn.functional.normalize(close[::2] + 0.5 * close[1::2], dim=1)
    return replace(sae, W_dec=close)


def result(start, rows, weight, penalty="cosine_full", **options):
    """The dictionary after training with the penalty at this weight."""
    orthogonalizer = Orthogonalizer(start, weight, penalty, COLUMNS, **options)
    train(orthogonalizer, rows, SHORT)
    return orthogonalizer.freeze(start.site, start.model)


def lengths(sae) -> torch.Tensor:
    """Of the atoms (F,)."""
    return sae.W_dec.norm(dim=1)


def relative_error(sae, rows) -> float:
    """Mean of ‖x̂ − x‖ / ‖x‖."""
    return ((sae.reconstruct(rows) - rows).norm(dim=1) / rows.norm(dim=1)).mean().item()


def test_the_penalty_pulls_apart(start, rows):
    """From one start, weight 5 ends with less cosine between atoms than weight 0, and not below the Welch floor."""
    pulled, free = (mean_squared_cosine(result(start, rows, weight).W_dec).item() for weight in (5.0, 0.0))

    assert welch_floor(LATENTS, WIDTH) <= pulled < 0.8 * free
    assert pulled < 0.8 * mean_squared_cosine(start.W_dec).item()


def test_without_the_penalty_it_is_training(start, rows):
    """With weight 0 the relative error falls, and the weighted penalty is no part of the loss."""
    plain = Orthogonalizer(start, 0.0)
    loss, figures = plain.loss(rows[:256])

    assert (
        loss.item()
        == pytest.approx(figures["relative_error"])
        == pytest.approx(relative_error(start, rows[:256]), rel=1e-5)
    )
    assert relative_error(result(start, rows, 0.0), rows) < 0.8 * relative_error(start, rows)


class Plain(Orthogonalizer):
    """Reconstruction alone: there is no penalty to have a weight."""

    def loss(self, x):
        rebuilt = self._current.reconstruct(x)
        return ((rebuilt - x).norm(dim=1) / (x.norm(dim=1) + 1e-8)).mean(), {}


@every_penalty
@pytest.mark.parametrize("norms", ["free", "unit"])
def test_weight_0_gives_the_bits_of_no_penalty(start, rows, penalty, norms):
    """With weight 0, whichever penalty is named, training ends with the bits of training without any."""
    plain = Plain(start, 0.0, norms=norms)
    train(plain, rows, replace(SHORT, steps=60))
    weightless = Orthogonalizer(start, 0.0, penalty, COLUMNS, norms=norms)
    train(weightless, rows, replace(SHORT, steps=60))

    assert weightless.freeze("s", "m").digest == plain.freeze("s", "m").digest


@every_penalty
@pytest.mark.parametrize(("reconstruction", "figure"), [("relative", "relative_error"), ("nmse", "nmse")])
def test_the_loss_is_error_plus_weighted_penalty(start, rows, penalty, reconstruction, figure):
    """The loss is the chosen error plus the weighted penalty; both errors and the mean squared cosine are told."""
    x = rows[:256]
    loss, figures = Orthogonalizer(start, 5.0, penalty, COLUMNS, 3, reconstruction).loss(x)
    chunks = random_chunks(0, LATENTS, COLUMNS, seed=3)
    error = (start.reconstruct(x) - x).square().sum() / (x - x.mean(0)).square().sum()

    assert set(RECONSTRUCTIONS) == {"relative", "nmse"}
    assert figures["penalty"] == pytest.approx(PENALTIES[penalty](start.W_dec, start.codes(x), chunks).item())
    assert figures["mean_cos2"] == pytest.approx(mean_squared_cosine(start.W_dec).item())
    assert figures["relative_error"] == pytest.approx(relative_error(start, x))
    assert figures["nmse"] == pytest.approx(error.item())
    assert figures["l0"] == start.codes(x).l0
    assert loss.item() == pytest.approx(figures[figure] + 5.0 * figures["penalty"])


@every_penalty
def test_each_penalty_is_lowered(start, rows, penalty):
    """Training with a form of the penalty ends lower in that form than training without."""
    ends = [result(start, rows, weight, penalty) for weight in (5.0, 0.0)]
    everything = [torch.arange(LATENTS)]
    pulled, free = (PENALTIES[penalty](end.W_dec, end.codes(rows), everything).item() for end in ends)

    assert pulled < 0.9 * free


def test_each_step_draws_its_own_columns(start, rows):
    """With the sampled penalty step s moves atoms by the columns of (seed, s), as `random_chunks` has them."""
    subject = Orthogonalizer(start, 1e6, "raw_sampled", COLUMNS, seed=7)
    for step in range(3):
        loss, _ = subject.loss(rows[:1])  # one row moves few atoms
        (gradient,) = torch.autograd.grad(loss, subject.tensors["W_dec"])
        moved = set(gradient.abs().sum(1).nonzero().flatten().tolist())
        drawn = set(random_chunks(step, LATENTS, COLUMNS, seed=7)[0].tolist())
        assert drawn <= moved <= drawn | set(start.codes(rows[:1]).pairs.latents.tolist())
        subject.after_step()


def test_short_atoms_pay_less_only_where_nothing_forbids_it(start, rows):
    """The raw penalty shrinks free atoms and lowers itself by that; unit ones it can only turn, as the cosine does."""
    free, unit = (result(start, rows, 5.0, "raw_sampled", norms=norms) for norms in ("free", "unit"))
    turned, without = result(start, rows, 5.0), result(start, rows, 0.0)

    assert lengths(free).median() < 0.8 * lengths(without).median()
    assert lengths(turned).median() > 0.95 * lengths(without).median()
    torch.testing.assert_close(lengths(unit), torch.ones(LATENTS))
    assert mean_squared_product(free.W_dec) < mean_squared_product(unit.W_dec)
    assert mean_squared_cosine(unit.W_dec) < 0.9 * mean_squared_cosine(result(start, rows, 0.0, norms="unit").W_dec)


def test_unit_atoms_are_not_pulled_along_themselves(start, rows):
    """With unit norms gradients have no part along their atom when the step is taken; with free ones they have."""
    along = {}
    for norms in ("free", "unit"):
        subject = Orthogonalizer(start, 5.0, norms=norms)
        subject.loss(rows[:256])[0].backward()
        subject.before_step()
        W_dec = subject.tensors["W_dec"]
        along[norms] = (W_dec.grad * W_dec).sum(1).abs().max() / W_dec.grad.abs().max()

    assert along["unit"] < 1e-5 < 1e-2 < along["free"]


def test_the_curve_tells_of_lengths(start, rows):
    """The figures hold the 5th, 50th and 95th percentile of the atoms' lengths."""
    long = start.W_dec * torch.rand(LATENTS, 1, generator=generator(0, "lengths"))
    _, figures = Orthogonalizer(replace(start, W_dec=long), 5.0).loss(rows[:256])
    wanted = np.quantile(long.norm(dim=1).numpy(), [0.05, 0.5, 0.95])

    assert [figures[f"norm_p{percent}"] for percent in (5, 50, 95)] == pytest.approx(wanted, rel=1e-5)


def test_the_convention_has_both_weights(start):
    """How it was pulled apart is told in params.yaml's words, with L0 and the λ that the paper would write."""
    told = Orthogonalizer(start, 5.0, "raw_sampled", COLUMNS).convention

    assert told == {
        "columns": COLUMNS, "l0": ACTIVE, "norms": "free", "paper_lambda": paper_lambda(5.0, COLUMNS),
        "penalty": "raw_sampled", "reconstruction": "relative", "weight": 5.0,
    }  # fmt: skip
    assert Orthogonalizer(start, 5.0, columns=8).convention["paper_lambda"] == 5.0 / 28


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"weight": -1.0}, "weight is -1.0; give a finite number, 0 or more"),
        ({"weight": math.inf}, "weight is inf; give a finite number"),
        ({"weight": math.nan}, "weight is nan; give a finite number"),
        ({"penalty": "cosine"}, "penalty is 'cosine'; there are: raw_sampled, cosine_full, "),
        ({"reconstruction": "mse"}, "reconstruction is 'mse'; there are: relative, nmse"),
        ({"norms": "long"}, "norms is 'long'; there are: free, unit"),
        ({"columns": 1}, "columns is 1, but a pair needs 2"),
        ({"penalty": "raw_sampled", "columns": LATENTS + 1}, "draws 33 columns, but there are only 32 latents"),
    ],
)
def test_what_cannot_be(start, options, told):
    """A weight, a penalty or a number of columns that makes no sense is refused with what would."""
    with pytest.raises(ValueError, match=told):
        Orthogonalizer(start, **({"weight": 5.0} | options))


def test_unit_norms_want_unit_atoms(start):
    """Normalising other atoms would change what the dictionary rebuilds, so they are refused with their lengths."""
    with pytest.raises(ValueError, match=r"atoms are 2 to 2 long; give one with unit atoms, or leave them free"):
        Orthogonalizer(replace(start, W_dec=2 * start.W_dec), 5.0, norms="unit")


@pytest.mark.parametrize("norms", ["free", "unit"])
def test_untrained_it_is_what_came_in(start, norms):
    """Before any step the frozen dictionary is bit for bit the one that came in, whatever its norms."""
    assert Orthogonalizer(start, 5.0, norms=norms).freeze(start.site, start.model).digest == start.digest


def test_small_steps_move_half_precision(start, rows):
    """A dictionary in bfloat16 is trained in fp32: steps far below its last place end up in all four tensors."""
    half = replace(start, **{name: getattr(start, name).bfloat16() for name in TENSORS})
    subject = Orthogonalizer(half, 5.0)
    train(subject, rows, replace(FIT, steps=10, lr=1e-6, warmup=0.0, decay=0.0))
    end = subject.freeze("s", "m")

    for name in TENSORS:
        before, after = getattr(half, name).float(), getattr(end, name)
        assert after.dtype == torch.float32
        assert 0 < (after - before).abs().max() < 2e-5
        if name.startswith("W"):
            assert (after.bfloat16() == getattr(half, name)).float().mean() > 0.9  # what bfloat16 would have kept


def test_the_start_is_not_touched(start, rows):
    """Training leaves the dictionary that came in as it was, and changes all four of its own tensors."""
    before = start.digest
    end = result(start, rows, 5.0)

    assert start.digest == before
    assert not any(torch.equal(getattr(start, n), getattr(end, n)) for n in ("W_enc", "b_enc", "W_dec", "b_dec"))


def test_it_is_deterministic(start, rows):
    """Two runs from one start give the same bits."""
    assert result(start, rows, 5.0).digest == result(start, rows, 5.0).digest
