"""Figures of a decoder against explicit loops over pairs."""

from itertools import combinations

import pytest
import torch

from sieve.features.geometry import geometry
from sieve.provenance import generator


def test_against_loops_over_pairs():
    """Every figure is what a loop over all pairs of atoms gives, whatever the atoms' norms."""
    rng = generator(0, "geometry")
    atoms = torch.randn(40, 7, generator=rng) * torch.rand(40, 1, generator=rng).add(0.1)
    together = torch.randint(0, 5, (40, 40), generator=rng)
    together = (together + together.T).double()
    cosines, weights = [], []
    for i, j in combinations(range(40), 2):
        cosines.append(float(torch.cosine_similarity(atoms[i], atoms[j], dim=0).abs()))
        weights.append(float(together[i, j]))
    found = geometry(atoms, together)
    squares = [c * c for c in cosines]
    assert found["mean_cos2"] == pytest.approx(sum(squares) / len(squares), rel=1e-4)
    assert found["max_abs_cos"] == pytest.approx(max(cosines), rel=1e-5)
    assert found["p99_abs_cos"] == pytest.approx(sorted(cosines)[int(0.99 * 779)], rel=1e-5)
    assert found["coactive_cos2"] == pytest.approx(
        sum(s * w for s, w in zip(squares, weights)) / sum(weights), rel=1e-5
    )
    assert found["decoder_norm_median"] == pytest.approx(sorted(atoms.norm(dim=1).tolist())[19], rel=1e-5)
    assert found["welch_floor"] == pytest.approx(33 / (7 * 39))


def test_an_orthonormal_basis_has_no_cosines():
    """All figures of angle are 0 and the norm is 1."""
    found = geometry(torch.eye(5), torch.ones(5, 5))
    assert found == pytest.approx(
        {
            "coactive_cos2": 0,
            "decoder_norm_median": 1,
            "max_abs_cos": 0,
            "mean_cos2": 0,
            "p99_abs_cos": 0,
            "welch_floor": 0,
        },
        abs=1e-7,
    )


def test_only_pairs_that_fire_together_weigh():
    """Two equal atoms count in the co-active mean exactly when they fire together, and firing alone weighs nothing."""
    atoms = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    alone = torch.diag(torch.tensor([9.0, 9.0, 9.0]))
    twins, strangers = alone.clone(), alone.clone()
    twins[0, 1] = twins[1, 0] = 4
    strangers[0, 2] = strangers[2, 0] = 4
    assert [geometry(atoms, t)["coactive_cos2"] for t in (twins, strangers, alone)] == pytest.approx([1, 0, 0])
    assert geometry(atoms, alone)["max_abs_cos"] == pytest.approx(1)


def test_repeated_bases_stand_on_the_welch_floor():
    """Two copies of a basis reach the floor with the mean while the largest cosine is 1: a mean proves nothing."""
    found = geometry(torch.cat([torch.eye(6), torch.eye(6)]), torch.ones(12, 12))
    assert found["mean_cos2"] == pytest.approx(found["welch_floor"], rel=1e-5)
    assert found["max_abs_cos"] == pytest.approx(1)
