"""Penalties on pairs of atoms: against their definitions on the F × F matrix, and the bound that none can pass."""

import math
from itertools import combinations

import pytest
import torch
from torch import Tensor

from sieve.dictionary import penalties
from sieve.dictionary.kernels import Codes, Pairs
from sieve.dictionary.penalties import (
    PENALTIES,
    hinged_cosine,
    max_squared_cosine,
    mean_squared_cosine,
    mean_squared_product,
    paper_lambda,
    random_chunks,
    sampled_squared_product,
    weight_of_lambda,
    welch_floor,
)
from sieve.features.geometry import geometry
from sieve.provenance import generator
from tests.sizes import Sizes

SIZES = [(2, 5), (5, 3), (6, 3), (10, 10), (40, 7), (7, 40)]
SCALE_FREE = sorted(set(PENALTIES) - {"raw_sampled"})
every_form = pytest.mark.parametrize("form", PENALTIES)
scale_free_form = pytest.mark.parametrize("form", SCALE_FREE)


def atoms(latents: int, width: int, seed: int = 0) -> Tensor:
    """Random atoms (F, D) of very different lengths."""
    draw = generator(seed, "atoms")
    lengths = torch.rand(latents, 1, generator=draw, dtype=torch.float64) * 9 + 0.1
    return torch.randn(latents, width, generator=draw, dtype=torch.float64) * lengths


def batch(latents: int, rows: int = 9) -> Codes:
    """Rows of which some have no latent active, some one, most several, and one all."""
    share = torch.linspace(0, 1, rows)[:, None]
    rows_, active = (torch.rand(rows, latents, generator=generator(3, "active")) < share).nonzero(as_tuple=True)
    return Codes(Pairs(rows_, active, (rows, latents)), torch.ones(len(rows_)))


def chunks(latents: int, columns: int = 4, step: int = 0) -> tuple[Tensor, ...]:
    """Random chunks of all atoms, of which the last may be short and, at 5 atoms, of one atom."""
    return random_chunks(step, latents, min(columns, latents), seed=0)


def penalty(form: str, W: Tensor, codes: Codes, columns: int = 4) -> Tensor:
    """A form of the penalty as params.yaml names it."""
    return PENALTIES[form](W, codes, chunks(len(W), columns))


def everything(latents: int) -> list[Tensor]:
    """All atoms as one chunk."""
    return [torch.arange(latents)]


def defined(form: str, W: Tensor, codes: Codes, columns: int = 4) -> Tensor:
    """The definition, by the whole matrix and autograd."""
    drawn = chunks(len(W), columns)
    atoms = W[drawn[0]] if form == "raw_sampled" else W / W.norm(dim=1, keepdim=True)
    gram = atoms @ atoms.T
    apart = ~torch.eye(len(atoms), dtype=torch.bool)
    if form == "chunked_max":
        number = torch.empty(len(W), dtype=torch.long)
        for i, chunk in enumerate(drawn):
            number[chunk] = i
        return (gram.abs() * (apart & (number[:, None] == number))).max(1).values.square().mean()
    if form == "hinge":
        return (gram[apart].abs() - 0.1).relu().square().mean()
    weights = apart.to(W.dtype)
    if form == "coactivation":
        z = codes.dense().to(W.dtype)
        weights = weights * (z.T @ z)
    return (weights * gram.square()).sum() / weights.sum()


def value_and_slope(function, W: Tensor) -> tuple[Tensor, Tensor]:
    """What a function of the atoms gives, and its gradient."""
    W = W.clone().requires_grad_()
    value = function(W)
    (7 * value).backward()  # so that a gradient which forgets what comes after it is seen
    return value.detach(), W.grad / 7


@pytest.fixture(params=["at once", "in pieces"], autouse=True)
def pieces(request, monkeypatch):
    """Everything holds whether atoms are taken at once or a few at a time, with a rest."""
    if request.param == "in pieces":
        monkeypatch.setattr(penalties, "CHUNK", 3)
        monkeypatch.setattr(penalties, "STRIP", 100)


@every_form
@pytest.mark.parametrize(("latents", "width"), SIZES)
def test_value_and_gradient_are_those_of_the_definition(form, latents, width):
    """Every form equals its definition on the F × F matrix, in value and in gradient."""
    W, codes = atoms(latents, width), batch(latents)
    ours = value_and_slope(lambda W: penalty(form, W, codes), W)
    theirs = value_and_slope(lambda W: defined(form, W, codes), W)

    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-13 * float(wanted.abs().max()))


@every_form
@pytest.mark.parametrize(("latents", "width"), [(6, 4), (12, 4)])
def test_the_gradient_by_finite_differences(form, latents, width):
    """In double precision the gradient is the slope of the function itself."""
    codes = batch(latents)
    assert torch.autograd.gradcheck(lambda W: penalty(form, W, codes), atoms(latents, width).requires_grad_())


@scale_free_form
def test_length_and_sign_and_rotation_do_not_count(form):
    """All but the raw form stay when atoms are scaled, flipped or all rotated, so shrinking atoms cannot lower them."""
    W, codes = atoms(20, 8), batch(20)
    value = penalty(form, W, codes)
    rotation = torch.linalg.qr(atoms(8, 8, seed=1)).Q
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(10)[:, None]
    lengths = torch.logspace(-3, 3, 20, dtype=torch.float64)[:, None]

    for other in (W * lengths, W * signs, W @ rotation):
        assert math.isclose(penalty(form, other, codes), value, rel_tol=1e-9)


@every_form
def test_order_does_not_count(form):
    """Atoms in another order, with the latents of codes and chunks renumbered, have the same penalty."""
    W, codes, drawn = atoms(20, 8), batch(20), chunks(20)
    order = torch.randperm(20, generator=generator(4))
    place = order.argsort()
    rows, latents = codes.dense()[:, order].nonzero(as_tuple=True)
    others = Codes(Pairs(rows, latents, codes.pairs.shape), codes.values)
    value = PENALTIES[form](W[order], others, [place[chunk] for chunk in drawn])

    assert math.isclose(value, PENALTIES[form](W, codes, drawn), rel_tol=1e-12)


def test_the_raw_form_falls_with_the_fourth_power_of_lengths():
    """Atoms half as long have a sixteenth of the mean squared product; on unit atoms it is the mean squared cosine."""
    W = atoms(20, 8)
    unit = W / W.norm(dim=1, keepdim=True)

    assert math.isclose(mean_squared_product(W / 2), mean_squared_product(W) / 16, rel_tol=1e-12)
    assert math.isclose(mean_squared_product(unit), mean_squared_cosine(W), rel_tol=1e-12)


@every_form
@pytest.mark.parametrize("latents", [40, 70, 128, 1024])
def test_single_precision_is_enough(form, latents):
    """In float32 value and gradient are those of the definition in float64."""
    W, codes = atoms(latents, 64).float(), batch(latents)
    ours = value_and_slope(lambda W: penalty(form, W, codes, 40), W)
    theirs = value_and_slope(lambda W: defined(form, W, codes, 40), W.double())

    for found, wanted in zip(ours, theirs, strict=True):
        assert float((found - wanted).norm()) <= 1e-5 * float(wanted.norm())


@pytest.mark.parametrize("form", ["cosine_full", "raw_sampled"])
@pytest.mark.parametrize("latents", [20, 64])
def test_tiny_cosines_are_not_lost(form, latents):
    """Atoms that are orthogonal to 1e-5 have their squares told to five digits in float32, where ‖G‖² − F cancels."""
    W = (torch.linalg.qr(atoms(64, 64)).Q + 1e-6 * atoms(64, 64))[:latents].float()
    ours = value_and_slope(lambda W: penalty(form, W, batch(latents), latents), W)
    theirs = value_and_slope(lambda W: defined(form, W, batch(latents), latents), W.double())

    assert 0 < ours[0] < 1e-9
    for found, wanted in zip(ours, theirs, strict=True):
        assert float((found - wanted).norm()) <= 1e-5 * float(wanted.norm())


def test_a_long_atom_hides_no_other_in_single_precision():
    """In float32 the raw form stays right to five digits when one atom is 3000 times as long as the others."""
    W = torch.nn.functional.normalize(atoms(128, 16), dim=1).float()
    W[0] *= 3000

    assert math.isclose(mean_squared_product(W), defined("raw_sampled", W.double(), batch(128), 128), rel_tol=1e-5)


@pytest.mark.parametrize("columns", [2, 3, 6])
def test_sampling_has_no_bias(columns):
    """Over all choices of n columns, value and gradient of the sampled form are on average those of all columns."""
    W = atoms(6, 4)
    found = [
        value_and_slope(lambda W, own=own: sampled_squared_product(W, [torch.tensor(own)]), W)
        for own in combinations(range(6), columns)
    ]

    for means, wanted in zip(zip(*found), value_and_slope(mean_squared_product, W), strict=True):
        torch.testing.assert_close(torch.stack(means).mean(0), wanted, rtol=1e-12, atol=0)


def test_all_pairs_are_drawn_alike():
    """Over many steps each pair of columns is drawn as often as chance has it: by n(n − 1)/(F(F − 1)), to 5 sigma."""
    steps, latents, columns = 3000, 8, 3
    drawn = torch.zeros(latents, latents)
    for step in range(steps):
        first = chunks(latents, columns, step)[0]
        drawn[first[:, None], first] += 1
    share = columns * (columns - 1) / (latents * (latents - 1))
    times = drawn[~torch.eye(latents, dtype=torch.bool)]

    assert (times - steps * share).abs().max() < 5 * math.sqrt(steps * share * (1 - share))
    assert times.unique().numel() > 1


def test_chunks_are_a_function_of_step_and_seed():
    """Chunks hold each atom once, n of them each but the last; the same again at the same step, others at others."""
    sizes = [len(chunk) for chunk in chunks(14, 4)]
    orders = [torch.cat(random_chunks(step, 14, 4, seed)) for step, seed in ((0, 0), (1, 0), (0, 1), (0, 0))]

    assert sizes == [4, 4, 4, 2]
    assert all(order.sort().values.tolist() == list(range(14)) for order in orders)
    assert [torch.equal(orders[0], order) for order in orders[1:]] == [False, False, True]


def test_the_papers_lambda_is_on_the_sum():
    """λ times the sum over i < j of the drawn columns is the weight times their mean; each is got from the other."""
    W, drawn = atoms(20, 8), chunks(20, 5)
    total = sum(float(W[i] @ W[j]) ** 2 for i, j in combinations(drawn[0].tolist(), 2))
    mean = sampled_squared_product(W, drawn).item()

    assert math.isclose(paper_lambda(5.0, 5) * total, 5.0 * mean, rel_tol=1e-12)
    assert weight_of_lambda(1e-5, 1024) == pytest.approx(5.23776)
    assert paper_lambda(weight_of_lambda(1e-5, 1024), 1024) == pytest.approx(1e-5)


def test_only_cosines_beyond_the_hinge_count():
    """A pair with |cos| below τ costs nothing and is not moved; one beyond costs the square of what is too much."""
    angles = torch.tensor([math.acos(0.3), math.acos(-0.05)], dtype=torch.float64)
    for angle, cost in zip(angles, (0.2**2, 0.0)):
        W = torch.stack([torch.tensor([1.0, 0.0], dtype=torch.float64), torch.stack([angle.cos(), angle.sin()])])
        value, slope = value_and_slope(lambda W: hinged_cosine(W, 0.1), W)
        assert math.isclose(value, cost, abs_tol=1e-15) and bool(slope.any()) == (cost > 0)


def test_of_equal_cosines_the_first_atom_counts():
    """An atom as close to two others pulls on the one with the lower index."""
    W = torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], dtype=torch.float64)
    _, slope = value_and_slope(lambda W: max_squared_cosine(W, everything(3)), W)
    _, other = value_and_slope(lambda W: max_squared_cosine(W, everything(3)), W[[0, 2, 1]])

    # atoms 1 and 2 pull on atom 0 and are pulled by themselves; the atom after it is pulled by atom 0 once more
    assert math.isclose(slope[1].norm(), 2 * slope[2].norm(), rel_tol=1e-12)
    assert math.isclose(other[1].norm(), 2 * other[2].norm(), rel_tol=1e-12)


@pytest.mark.parametrize("copies", [2, 3])
def test_twins_hide_in_a_mean(copies):
    """Copies of one orthonormal basis have the least mean squared cosine that there is, and the greatest maximum.

    Unless no chunk holds an atom and its twin: then the maximum is 0.
    """
    frame = torch.linalg.qr(atoms(6, 6)).Q.repeat(copies, 1)

    assert math.isclose(mean_squared_cosine(frame), welch_floor(6 * copies, 6), rel_tol=1e-9)
    assert math.isclose(max_squared_cosine(frame, everything(6 * copies)), 1, rel_tol=1e-9)
    assert max_squared_cosine(frame, torch.arange(6 * copies).split(6)) < 1e-25


def test_an_atom_alone_in_its_chunk_costs_nothing():
    """Chunks of one atom have no pair, so the maximum is 0 with a gradient of 0."""
    value, slope = value_and_slope(lambda W: max_squared_cosine(W, torch.arange(6).split(1)), atoms(6, 3))

    assert value == 0 and not slope.any()


def test_co_activation_is_what_geometry_measures():
    """The penalty over a batch is the figure that the geometry question gives for the same rows."""
    W, codes = atoms(12, 5), batch(12)
    value = penalty("coactivation", W, codes)

    assert math.isclose(geometry(W, [codes.dense()])["coactive_cos2"], value, rel_tol=1e-12)


@pytest.mark.parametrize("active", [0, 1])
def test_latents_that_are_active_alone_cost_nothing(active):
    """Without two latents active in one row the co-activation form is 0 with a gradient of 0."""
    pairs = Pairs(torch.arange(4 * active), torch.arange(4 * active), (4, 6))
    W = atoms(6, 3).requires_grad_()
    value = penalty("coactivation", W, Codes(pairs, torch.ones(4 * active)))
    value.backward()

    assert value == 0 and not W.grad.any()


@every_form
def test_no_matrix_of_all_pairs_is_made(form, monkeypatch):
    """No operation, forward or backward, gives a tensor of F × F, nor, for the full square, a second one of F × D."""
    monkeypatch.setattr(penalties, "CHUNK", 32)
    monkeypatch.setattr(penalties, "STRIP", 4096)
    W, codes = atoms(512, 16).float().requires_grad_(), batch(512, rows=6)
    codes = Codes(
        Pairs(*(t[::40].clone() for t in (codes.pairs.rows, codes.pairs.latents)), (6, 512)), codes.values[::40]
    )
    with Sizes() as seen:
        penalty(form, W, codes, 128).backward()

    assert max(seen.made) <= max(4096, 512 * 16)
    assert form != "cosine_full" or sum(n >= 512 * 16 for n in seen.made) == 1


@scale_free_form
def test_the_gradient_is_across_the_atoms(form):
    """The gradient of all but the raw form has no part along an atom: it turns atoms and does not shrink them."""
    W = atoms(12, 5).requires_grad_()
    penalty(form, W, batch(12)).backward()

    assert (W.grad * W).sum(1).abs().max() < 1e-12 < W.grad.abs().max()


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_a_tight_frame_is_at_the_floor(copies):
    """Copies of an orthonormal basis, rotated against each other, are exactly at the Welch floor."""
    frame = torch.cat([torch.linalg.qr(atoms(6, 6, seed=s)).Q for s in range(copies)])

    assert math.isclose(mean_squared_cosine(frame), welch_floor(6 * copies, 6), rel_tol=1e-9, abs_tol=1e-15)


@pytest.mark.parametrize(("latents", "width"), SIZES)
def test_nothing_is_below_the_floor(latents, width):
    """No set of atoms has a mean squared cosine below the Welch floor, not even after descending on it."""
    W = atoms(latents, width).requires_grad_()
    optimiser = torch.optim.Adam([W], lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        mean_squared_cosine(W).backward()
        optimiser.step()
        assert mean_squared_cosine(W).item() >= welch_floor(latents, width) - 1e-12

    assert mean_squared_cosine(W).item() < mean_squared_cosine(atoms(latents, width)).item()


def test_atoms_that_fit_need_not_touch():
    """As many atoms as dimensions, or fewer, have a floor of zero; infinitely many have 1/D."""
    assert welch_floor(5, 5) == welch_floor(3, 5) == 0.0
    assert math.isclose(welch_floor(10**9, 5), 1 / 5, rel_tol=1e-6)


@every_form
def test_a_zero_atom_is_harmless(form):
    """An atom of length zero gives a finite gradient, and its cosines are zeros."""
    W, codes = atoms(5, 4), batch(5)
    W[2] = 0
    value, slope = value_and_slope(lambda W: penalty(form, W, codes, 5), W)

    assert torch.isfinite(value) and torch.isfinite(slope).all()
    if form in {"cosine_full", "raw_sampled", "hinge"}:
        rest = defined(form, W[[0, 1, 3, 4]], codes)
        assert math.isclose(value, rest * (4 * 3) / (5 * 4), rel_tol=1e-12)
