"""Removing directions: a true projection, and the gentler removal of what is active."""

import pytest
import torch

from sieve.interventions.ablate import ablate, basis, silence
from sieve.model.sites import observe
from sieve.provenance import generator

SITE = "resid_post_1"


def correlated(width: int, cosine: float = 0.9, count: int = 3) -> torch.Tensor:
    """`count` unit atoms whose pairwise cosine is `cosine`."""
    axes = torch.linalg.qr(torch.randn(width, width, generator=generator(0, "axes")))[0][: count + 1]
    return cosine**0.5 * axes[:1] + (1 - cosine) ** 0.5 * axes[1:]


@pytest.fixture
def batch(lm, blocks):
    """Two documents, padded."""
    return lm.pad([list(b.ids) for b in blocks[:2]])


def at_site(lm, batch):
    """Activations (B, T, D) at the site under whatever is in force."""
    return observe(lm.network, [SITE], *batch)[SITE]


def ablated(lm, batch, atoms):
    """Activations with the span of `atoms` removed."""
    with ablate(lm, SITE, atoms):
        return at_site(lm, batch)


@pytest.mark.parametrize("cosine", [0.9, 0.9999])
def test_nothing_is_left_along_any_atom_even_if_atoms_are_correlated(lm, batch, cosine):
    """Where subtracting projections one by one leaves most of it or reverses it, no component survives."""
    atoms, text = correlated(lm.width, cosine), lm.is_text(batch[0])
    assert torch.allclose(atoms @ atoms.T, torch.full((3, 3), cosine) + (1 - cosine) * torch.eye(3), atol=1e-5)
    plain = at_site(lm, batch)[text]
    one_by_one = plain - sum((plain @ atom)[:, None] * atom for atom in atoms)
    size = plain.norm(dim=1).mean()
    assert (one_by_one @ atoms.T).abs().max() > 0.1 * size
    assert (ablated(lm, batch, atoms)[text] @ atoms.T).abs().max() < 1e-5 * size


def test_what_is_orthogonal_to_the_atoms_stays(lm, batch):
    """The change lies in the atoms' span."""
    atoms, text = correlated(lm.width), lm.is_text(batch[0])
    change = (ablated(lm, batch, atoms) - at_site(lm, batch))[text]
    coefficients = torch.linalg.lstsq(atoms.T, change.T).solution
    torch.testing.assert_close(atoms.T @ coefficients, change.T, rtol=1e-4, atol=1e-4)


def test_ablating_twice_is_ablating_once(lm, batch):
    """A projection is idempotent."""
    atoms = correlated(lm.width)
    once = ablated(lm, batch, atoms)
    with ablate(lm, SITE, atoms):
        torch.testing.assert_close(ablated(lm, batch, atoms), once, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.flip(0),
        lambda a: torch.cat([a, a, a[:1]]),
        lambda a: a * torch.tensor([[1e-7], [1.0], [1e4]]),
        lambda a: torch.cat([a, torch.zeros(1, a.shape[1])]),
    ],
    ids=["order", "duplicates", "norms", "zero"],
)
def test_only_the_span_counts(lm, batch, change):
    """Order, duplicates and norms of the atoms, and an atom of zeros, make no difference."""
    atoms = correlated(lm.width)
    torch.testing.assert_close(ablated(lm, batch, change(atoms)), ablated(lm, batch, atoms), rtol=1e-4, atol=1e-4)


def test_no_atoms_span_nothing(lm, batch):
    """Ablating an empty set changes nothing, to the bit."""
    assert torch.equal(ablated(lm, batch, torch.zeros(0, lm.width)), at_site(lm, batch))


def test_special_tokens_are_left_alone(lm, batch):
    """BOS and padding keep their activations, to the bit."""
    special = ~lm.is_text(batch[0])
    assert torch.equal(ablated(lm, batch, correlated(lm.width))[special], at_site(lm, batch)[special])


def test_basis_is_orthonormal_and_leaves_the_threads_alone():
    """QQᵀ = 1 with as many rows as independent atoms."""
    threads = torch.get_num_threads()
    rows = basis(torch.cat([correlated(16), correlated(16)]))
    torch.testing.assert_close(rows @ rows.T, torch.eye(3), rtol=0, atol=1e-6)
    assert torch.get_num_threads() == threads


def test_silence_changes_nothing_where_the_latents_are_silent(subject, batch):
    """Rows in which no chosen latent fires are bit-identical; the others lose Σ z_j d_j."""
    chosen = [3, 17]
    plain = subject.read(*batch)
    with silence(subject, chosen):
        rows = subject.read(*batch).rows
    silent = (plain.z[:, chosen] == 0).all(1)
    assert silent.any() and not silent.all()
    assert torch.equal(rows[silent], plain.rows[silent])
    written = plain.z[:, chosen] @ subject.sae.W_dec[chosen]
    torch.testing.assert_close(rows[~silent], (plain.rows - written)[~silent])


def test_silence_of_nothing_changes_nothing(subject, batch):
    """An empty list of latents leaves every activation as it was, to the bit."""
    with silence(subject, []):
        assert torch.equal(
            subject.read(*batch).rows, observe(subject.lm.network, [SITE], *batch)[SITE][subject.lm.is_text(batch[0])]
        )


@pytest.mark.parametrize("latent", [-1, 64])
def test_silence_refuses_an_unknown_latent(subject, latent):
    """A latent that the SAE does not have is a mistake, not the last one."""
    with pytest.raises(ValueError, match="latents 0 to 63"), silence(subject, [latent]):
        pass


def test_atoms_that_span_less_than_they_are_warn(lm):
    """Two atoms in one direction span one dimension: the message names both numbers, and the span goes."""
    atom = correlated(lm.width)[:1]
    with pytest.warns(UserWarning, match="2 atoms span only 1 dim"), ablate(lm, SITE, torch.cat([atom, atom])):
        pass
