"""Figures of a decoder against the explicit matrix of all pairs, and at decoders whose figures are known."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from sieve.dictionary import penalties
from sieve.features import geometry as module
from sieve.features.geometry import geometry
from sieve.provenance import generator
from tests.sizes import Sizes

SIZES = [(2, 5), (6, 3), (10, 10), (40, 7), (7, 40), (200, 16)]


def atoms(latents: int, width: int, seed: int = 0) -> Tensor:
    """Random atoms (F, D) of different lengths."""
    draw = generator(seed, "geometry")
    return torch.randn(latents, width, generator=draw) * torch.rand(latents, 1, generator=draw).add(0.1)


def codes(latents: int, rows: int = 60) -> Tensor:
    """Rows (60, F) of which some have no latent active and some many; every third latent is dead."""
    draw = generator(1, "codes")
    share = torch.linspace(0, 0.5, rows)[:, None]
    z = torch.rand(rows, latents, generator=draw).add(0.1) * (torch.rand(rows, latents, generator=draw) < share)
    z[:, 2::3] = 0
    return z


def basis(width: int, seed: int) -> Tensor:
    """A random orthonormal basis."""
    return torch.linalg.qr(torch.randn(width, width, generator=generator(seed, "basis"))).Q


def hadamard(order: int) -> Tensor:
    """A matrix of ±1 with orthogonal rows (2^order, 2^order)."""
    found = torch.ones(1, 1)
    for _ in range(order):
        found = torch.cat([torch.cat([found, found], 1), torch.cat([found, -found], 1)])
    return found


@pytest.fixture(params=["at once", "in pieces"])
def pieces(request, monkeypatch):
    """Everything holds whether cosines and co-active pairs are taken at once or a few at a time, with a rest."""
    if request.param == "in pieces":
        monkeypatch.setattr(module, "STRIP", 101)
        monkeypatch.setattr(penalties, "CHUNK", 3)


@pytest.mark.parametrize(("latents", "width"), SIZES)
def test_against_the_matrix_of_all_pairs(latents, width, pieces):
    """Every figure is what the explicit F × F cosines give, whatever the atoms' norms."""
    W, z = atoms(latents, width), codes(latents)
    found = geometry(W, [z])
    norms = W.double().norm(dim=1)
    cosines = (W.double() / norms[:, None]) @ (W.double() / norms[:, None]).T
    one, other = torch.triu_indices(latents, latents, 1)
    ordered = cosines[one, other].abs().sort().values
    squares, active = cosines[one, other].square(), (z != 0).double()
    fired = active.any(0)
    alive = int(fired.sum())
    both, together = fired[one] & fired[other], (active.T @ active)[one, other]
    floor = max(0, (latents - width) / (width * (latents - 1)))
    quantiles = norms.sort().values[[int(share * (latents - 1)) for share in (0.05, 0.5, 0.95)]]

    assert found == pytest.approx(
        {
            "alive_cos2": float(squares[both].mean()),
            "alive_welch_floor": max(0, (alive - width) / (width * (alive - 1))),
            "coactive_cos2": float((together * squares).sum() / together.sum()),
            "dead_share": float((~fired).double().mean()),
            "decoder_norm_median": float(quantiles[1]),
            "decoder_norm_p05": float(quantiles[0]),
            "decoder_norm_p95": float(quantiles[2]),
            "excess_cos2": float(squares.mean()) - floor,
            "max_abs_cos": float(ordered[-1]),
            "mean_cos2": float(squares.mean()),
            "p99_abs_cos": float(ordered[int(0.99 * (len(ordered) - 1))]),
            "unique_below": float(0.5 * (1 + 1 / ordered[-1])),
            "welch_floor": floor,
        },
        abs=1e-6,
        rel=1e-6,
    )


@pytest.mark.parametrize("latents", [3, 64, 300])
def test_percentile_and_maximum_are_values_of_the_matrix(latents):
    """The 99th percentile and the maximum are, to the bit, what sorting all |cos| in fp32 gives."""
    W = atoms(latents, 12)
    unit = torch.nn.functional.normalize(W, dim=1)
    one, other = torch.triu_indices(latents, latents, 1)
    ordered = (unit @ unit.T)[one, other].abs().sort().values

    for share in (0.0, 0.5, 0.99, 1.0):
        expected = ordered[int(share * (len(ordered) - 1))].item(), ordered[-1].item()
        assert module._tail(W, share) == expected


def test_equal_cosines_cost_nothing(pieces):
    """A percentile that most pairs share is found: of two copies of a basis 99 % of the pairs are at 0."""
    found = geometry(torch.eye(201).repeat(2, 1), [])

    assert (found["p99_abs_cos"], found["max_abs_cos"]) == (0, 1)


@pytest.mark.parametrize("sizes", [[1] * 60, [7, 0, 50, 3]])
def test_batches_do_not_matter(sizes):
    """Rows may come in any batches, even in empty ones."""
    W, z = atoms(30, 8), codes(30)

    assert geometry(W, z.split(sizes)) == pytest.approx(geometry(W, [z]), rel=1e-6)


def test_an_orthonormal_basis_has_no_cosines():
    """All figures of angle are 0, the norms are 1 and all codes are unique: of 5 latents none has 6."""
    assert geometry(torch.eye(5), [torch.ones(3, 5)]) == pytest.approx(
        {
            "alive_cos2": 0,
            "alive_welch_floor": 0,
            "coactive_cos2": 0,
            "dead_share": 0,
            "decoder_norm_median": 1,
            "decoder_norm_p05": 1,
            "decoder_norm_p95": 1,
            "excess_cos2": 0,
            "max_abs_cos": 0,
            "mean_cos2": 0,
            "p99_abs_cos": 0,
            "unique_below": 6,
            "welch_floor": 0,
        },
        abs=1e-7,
    )


def test_only_pairs_that_fire_together_weigh():
    """Two equal atoms count in the co-active mean exactly when they fire together, and firing alone weighs nothing."""
    W = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    twins, strangers = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])
    alone = torch.eye(3)

    assert geometry(W, [alone, twins])["coactive_cos2"] == pytest.approx(1)
    assert geometry(W, [strangers, alone])["coactive_cos2"] == pytest.approx(0)
    assert geometry(W, [twins, strangers, twins])["coactive_cos2"] == pytest.approx(2 / 3)
    assert geometry(W, [alone])["coactive_cos2"] is None
    assert geometry(W, [alone])["max_abs_cos"] == pytest.approx(1)


def test_dead_latents_do_not_count_among_the_alive():
    """A dead twin is in the mean over all pairs and not in that over live ones, nor in the floor of these."""
    W = torch.cat([torch.eye(3), torch.eye(3)[:1]])
    found = geometry(W, [torch.tensor([[1.0, 1.0, 0.5, 0.0]])])

    assert found["mean_cos2"] == pytest.approx(1 / 6) and found["alive_cos2"] == pytest.approx(0, abs=1e-12)
    assert found["dead_share"] == 0.25
    assert found["welch_floor"] == pytest.approx(1 / 9) and found["alive_welch_floor"] == 0


@pytest.mark.parametrize(
    ("rows", "dead"), [(torch.zeros(5, 4), 1), (torch.eye(4)[:1], 0.75), (torch.zeros(0, 4), None)]
)
def test_without_a_pair_there_is_no_mean(rows, dead):
    """Where no latent fires, or one, means over live pairs have no value; without rows it is unknown who is dead."""
    found = geometry(atoms(4, 3), [rows])

    assert found["alive_cos2"] is found["alive_welch_floor"] is found["coactive_cos2"] is None
    assert found["dead_share"] == dead
    assert all(value is not None for name, value in found.items() if name.endswith("abs_cos") or "norm" in name)


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_a_tight_frame_has_no_excess(copies, pieces):
    """Bases that are rotated against each other stand on the Welch floor."""
    frame = torch.cat([basis(6, seed) for seed in range(copies)])
    found = geometry(frame, [])

    assert found["excess_cos2"] == pytest.approx(0, abs=1e-7) and found["welch_floor"] > 0.05
    assert found["max_abs_cos"] < 1


def test_repeated_bases_stand_on_the_welch_floor():
    """Two copies of a basis have no excess, the largest cosine 1 and no unique code: a mean proves nothing."""
    found = geometry(torch.cat([basis(6, 0), basis(6, 0)]), [])

    assert found["mean_cos2"] == pytest.approx(found["welch_floor"], rel=1e-5)
    assert found["max_abs_cos"] == pytest.approx(1) and found["unique_below"] == pytest.approx(1)


def test_codes_below_the_bound_are_unique():
    """In a basis and Hadamard's beside it M = 1/4: codes of 2 < 2.5 are unique, for any 4 atoms are independent."""
    W = torch.cat([torch.eye(16), hadamard(4) / 4])
    found = geometry(W, [])
    fours = W[torch.tensor(list(combinations(range(32), 4)))]

    assert found["max_abs_cos"] == 0.25 and found["unique_below"] == 2.5
    assert found["excess_cos2"] == pytest.approx(0, abs=1e-8)
    assert torch.linalg.eigvalsh(fours @ fours.mT)[:, 0].min() > 1e-3


def test_no_matrix_of_all_pairs_is_made(monkeypatch):
    """No operation gives a tensor of F × F, nor one of all co-active pairs."""
    monkeypatch.setattr(module, "STRIP", 4096)
    W, z = atoms(1024, 8), (torch.rand(50, 1024, generator=generator(1, "codes")) < 0.06).float()
    pairs = int(z.sum(1).square().sum())
    with Sizes() as seen:
        geometry(W, [z])

    most = 2**16  # what counting halves of a float's bits takes, whatever the decoder
    assert max(seen.made) <= most < min(pairs, 1024 * 1024)
