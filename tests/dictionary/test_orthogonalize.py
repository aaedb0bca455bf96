"""Pulling features apart."""

from dataclasses import replace

import pytest
import torch

from sieve.dictionary.gates import Threshold
from sieve.dictionary.orthogonalize import Orthogonalizer
from sieve.dictionary.penalties import PENALTIES, mean_squared_cosine, welch_floor
from tests.dictionary.planted import FIT, LATENTS, WIDTH, new, train, world

SHORT = replace(FIT, steps=300, lr=2e-3)


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


def result(start, rows, weight, penalty="cosine"):
    """The dictionary after training with the penalty at this weight."""
    orthogonalizer = Orthogonalizer(start, weight, penalty)
    train(orthogonalizer, rows, SHORT)
    return orthogonalizer.freeze(start.site, start.model)


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


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_loss_is_error_plus_weighted_penalty(start, rows, penalty):
    """The loss is the mean relative error plus the weighted penalty; the mean squared cosine is told of each form."""
    loss, figures = Orthogonalizer(start, 5.0, penalty).loss(rows[:256])

    assert figures["penalty"] == pytest.approx(PENALTIES[penalty](start.W_dec, start.codes(rows[:256])).item())
    assert figures["mean_cos2"] == pytest.approx(mean_squared_cosine(start.W_dec).item())
    assert loss.item() == pytest.approx(figures["relative_error"] + 5.0 * figures["penalty"])


@pytest.mark.parametrize("penalty", PENALTIES)
def test_each_penalty_is_lowered(start, rows, penalty):
    """Training with a form of the penalty ends lower in that form than training without."""
    ends = [result(start, rows, weight, penalty) for weight in (5.0, 0.0)]
    pulled, free = (PENALTIES[penalty](end.W_dec, end.codes(rows)).item() for end in ends)

    assert pulled < 0.9 * free


@pytest.mark.parametrize("threshold", [False, True])
def test_untrained_it_is_what_came_in(start, threshold):
    """Before any step the frozen dictionary is bit for bit the one that came in, whatever its gate."""
    sae = replace(start, gate=Threshold(torch.full((LATENTS,), 0.3))) if threshold else start

    assert Orthogonalizer(sae, 5.0).freeze(sae.site, sae.model).digest == sae.digest


def test_the_start_is_not_touched(start, rows):
    """Training leaves the dictionary that came in as it was, and changes all four of its own tensors."""
    before = start.digest
    end = result(start, rows, 5.0)

    assert start.digest == before
    assert not any(torch.equal(getattr(start, n), getattr(end, n)) for n in ("W_enc", "b_enc", "W_dec", "b_dec"))


def test_it_is_deterministic(start, rows):
    """Two runs from one start give the same bits."""
    assert result(start, rows, 5.0).digest == result(start, rows, 5.0).digest
