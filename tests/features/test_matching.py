"""Matching of dictionaries: planted partners are found, and unrelated ones have what random vectors have."""

import math
from itertools import permutations

import pytest
import torch
from torch import Tensor

from sieve.dictionary.gates import Threshold, TopK
from sieve.dictionary.sae import Sae
from sieve.features import matching
from sieve.features.matching import chance, compare, fired, match, match_codes, nearest
from sieve.provenance import generator
from tests.conftest import random_sae


def normal(rows: int, columns: int, seed: int) -> Tensor:
    """Random numbers (rows, columns)."""
    return torch.randn(rows, columns, generator=generator(seed, "matching"))


def shuffled(count: int) -> Tensor:
    """A permutation (count,)."""
    return torch.randperm(count, generator=generator(0, "order"))


def sparse(rows: int, latents: int, seed: int) -> Tensor:
    """Codes (rows, latents) that are positive in a third of the places, of every latent somewhere, and else 0."""
    draw = generator(seed, "codes")
    z = torch.rand(rows, latents, generator=draw) * (torch.rand(rows, latents, generator=draw) < 0.3)
    z[0] += 0.1
    return z


def partners(found) -> list[int]:
    """The second dictionary's latent for each of the first's, all of which must have one."""
    assert found.pairs[:, 0].tolist() == list(range(len(found.pairs)))
    return found.pairs[:, 1].tolist()


def largest_of(count: int, width: int, either_sign: bool) -> float:
    """Expected largest cosine of a unit vector with `count` independent uniform ones in `width` dimensions.

    A cosine's density goes with (1 − t²)^((D − 3)/2), a maximum's distribution is the power of one's; E = 1 − ∫ of it.
    """
    t = torch.linspace(-1, 1, 5_001, dtype=torch.float64)
    density = (1 - t * t).clamp_min(0) ** ((width - 3) / 2)
    below = torch.cumulative_trapezoid(density, t)
    below = torch.cat([below.new_zeros(1), below / below[-1]])
    if either_sign:
        below = (2 * below - 1).clamp_min(0)
        return 1 - float(torch.trapezoid(torch.where(t < 0, 0, below**count), t))
    return 1 - float(torch.trapezoid(below**count, t))


def test_a_permuted_rescaled_copy_is_the_same_dictionary():
    """Order and length of atoms don't count: every latent finds its copy, with cosine 1."""
    first, order = normal(80, 12, 0), shuffled(80)
    lengths = torch.logspace(-3, 3, 80)[:, None]
    found = match(first, (first * lengths)[order])

    assert partners(found) == order.argsort().tolist()
    figures = found.figures()
    assert figures == pytest.approx(
        {
            "dead_first": 0,
            "dead_second": 0,
            "matched_above_70": 1,
            "matched_above_90": 1,
            "mcc": 1,
            "mmcs_first": 1,
            "mmcs_second": 1,
            "pairs": 80,
        },
        abs=1e-6,
    )


def test_an_opposite_is_the_same_only_where_codes_have_both_signs():
    """With half of the atoms flipped `either_sign` finds all of them again, and signed cosines find the other half."""
    first = normal(60, 24, 0)
    signs = torch.tensor([1.0, -1.0]).repeat(30)[:, None]
    free, signed = match(first, first * signs, either_sign=True), match(first, first * signs)

    assert partners(free) == list(range(60)) and free.figures()["mcc"] == pytest.approx(1)
    assert signed.figures()["matched_above_90"] == 0.5 and signed.figures()["mcc"] < 0.9
    assert [signed.pairs[i].tolist() for i in range(0, 60, 2)] == [[i, i] for i in range(0, 60, 2)]


@pytest.mark.parametrize("angle", [0.1, 0.5, 0.75])
def test_noise_lowers_the_cosine_by_its_angle(angle):
    """Copies turned by one angle, each in its own direction, are found, with the angle's cosine as MCC."""
    first, order = torch.nn.functional.normalize(normal(50, 64, 0).double()), shuffled(50)
    aside = normal(50, 64, 1).double()
    aside = torch.nn.functional.normalize(aside - (aside * first).sum(1, keepdim=True) * first)
    found = match(first, (math.cos(angle) * first + math.sin(angle) * aside)[order])

    assert partners(found) == order.argsort().tolist()
    torch.testing.assert_close(found.cosines, torch.full((50,), math.cos(angle), dtype=torch.float64))
    assert found.figures()["matched_above_90"] == (math.cos(angle) > 0.9)
    assert found.figures()["matched_above_70"] == (math.cos(angle) > 0.7)


@pytest.mark.parametrize("either_sign", [False, True])
@pytest.mark.parametrize("of", ["atoms", "codes"])
def test_unrelated_dictionaries_have_what_random_vectors_have(of, either_sign):
    """MMCS is the expected largest of F cosines; MCC lies below, above that of who comes first choosing first.

    The i-th of F who choose in turn has the largest of F − i + 1 cosines. Correlations of normal codes over N rows are
    cosines of random vectors in N − 1 dimensions.
    """
    latents, width = 300, 16
    if of == "atoms":
        found = match(normal(latents, width, 0), normal(latents, width, 1), either_sign)
    else:
        found = match_codes([(normal(width + 1, latents, 0), normal(width + 1, latents, 1))], either_sign)
    figures = found.figures()
    ceiling = largest_of(latents, width, either_sign)
    floor = sum(largest_of(left, width, either_sign) for left in range(1, latents + 1)) / latents

    assert figures["mmcs_first"] == pytest.approx(ceiling, abs=0.015)
    assert figures["mmcs_second"] == pytest.approx(ceiling, abs=0.015)
    assert floor < figures["mcc"] < min(figures["mmcs_first"], figures["mmcs_second"])
    assert figures["matched_above_90"] == 0


@pytest.mark.parametrize("sizes", [(40, 40), (25, 40)])
def test_roles_are_symmetric(sizes):
    """Whichever dictionary is called first, the pairs are the same, and so are both directions' figures, swapped."""
    first, second = normal(sizes[0], 10, 0), normal(sizes[1], 10, 1)
    z = sparse(50, sizes[0], 0), sparse(50, sizes[1], 1)
    for here, there in (
        (match(first, second), match(second, first)),
        (match_codes([z]), match_codes([z[::-1]])),
    ):
        assert sorted(here.pairs.flip(1).tolist()) == there.pairs.tolist()
        assert len(here.pairs) == min(sizes)
        for own, others in zip(here.nearest, there.nearest[::-1]):
            torch.testing.assert_close(own, others)
        ours, theirs = here.figures(), there.figures()
        assert ours["mcc"] == pytest.approx(theirs["mcc"])
        assert (ours["mmcs_first"], ours["mmcs_second"]) == pytest.approx((theirs["mmcs_second"], theirs["mmcs_first"]))


def test_a_feature_that_is_split_has_one_partner():
    """Of an atom that the first dictionary has twice only one is matched, the first; MMCS does not see the other."""
    first = torch.eye(4)[[0, 0, 1, 2]]
    found = match(first, torch.eye(4)[[2, 1, 0, 3]])
    figures = found.figures()

    assert partners(found) == [2, 3, 1, 0]
    assert figures["mcc"] == figures["matched_above_70"] == figures["matched_above_90"] == 0.75
    assert (figures["mmcs_first"], figures["mmcs_second"]) == (1, 0.75)


def test_equals_are_matched_by_number():
    """Dictionaries that have every atom three times are matched in their order."""
    first = torch.eye(5).repeat(3, 1)

    assert partners(match(first, first)) == list(range(15))


def test_shares_are_of_what_is_above():
    """A cosine counts above .7 or .9 when it is larger."""
    cosines = torch.tensor([1.0, 0.8, 0.6, 0.0], dtype=torch.float64)
    first = torch.eye(8, dtype=torch.float64)[:4]
    second = cosines[:, None] * first + (1 - cosines.square()).sqrt()[:, None] * torch.eye(8).double()[4:]
    figures = match(first, second).figures()

    assert (figures["matched_above_70"], figures["matched_above_90"]) == (0.5, 0.25)
    assert figures["mcc"] == pytest.approx(0.6)


@pytest.mark.parametrize("either_sign", [False, True])
@pytest.mark.parametrize("strip", [1, 130, 2**22])
def test_the_nearest_strip_by_strip(strip, either_sign, monkeypatch):
    """A strip of cosines at a time gives the nearest that the whole matrix gives."""
    monkeypatch.setattr(matching, "STRIP", strip)
    first, second = normal(31, 6, 0), normal(47, 6, 1)
    whole = match(first, second, either_sign).nearest

    for found, expected in zip(nearest(first, second, either_sign), whole, strict=True):
        torch.testing.assert_close(found, expected)


def test_a_zero_atom_is_near_nobody():
    """An atom of length 0 has cosine 0 with all."""
    second = normal(6, 4, 1)
    found = match(torch.cat([second[:5], torch.zeros(1, 4)]), second)

    assert partners(found) == list(range(6)) and found.cosines[5] == found.nearest[0][5] == 0


def test_refuses_dictionaries_of_different_sites():
    """Atoms of different widths cannot be compared, and the message names both."""
    for matched in (match, nearest):
        with pytest.raises(ValueError, match="width 4, the second's 5"):
            matched(torch.eye(4), torch.eye(5))


def test_codes_by_permutations_of_the_correlation_matrix():
    """The MCC of codes is the best mean over all permutations of the explicit correlations."""
    first, second = sparse(40, 5, 0).double(), sparse(40, 5, 1).double()
    correlations = torch.corrcoef(torch.cat([first, second], 1).T)[:5, 5:]
    best = max(permutations(range(5)), key=lambda order: float(correlations[range(5), order].sum()))
    found = match_codes([(first, second)])

    assert partners(found) == list(best)
    torch.testing.assert_close(found.cosines, correlations[range(5), best])
    torch.testing.assert_close(found.nearest[0], correlations.amax(1))
    torch.testing.assert_close(found.nearest[1], correlations.amax(0))


def test_codes_of_a_permuted_rescaled_copy_are_the_same():
    """Order and scale of latents don't count, nor does a constant added to them."""
    first, order = sparse(60, 20, 0), shuffled(20)
    found = match_codes([(first, (1e-3 * first * torch.arange(1, 21))[:, order])])
    moved = match_codes([(first, first.double()[:, order] + 1000)])

    for same in (found, moved):
        assert partners(same) == order.argsort().tolist()
        assert same.figures()["mcc"] == pytest.approx(1, abs=1e-6)


def test_latents_that_exclude_each_other_are_not_one():
    """One that fires exactly where the other does not correlates by −1: no partner, but for codes of both signs."""
    on = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0])[:, None]
    found, free = match_codes([(on, 1 - on)]), match_codes([(on, 1 - on)], either_sign=True)

    assert found.cosines.tolist() == pytest.approx([-1]) and free.cosines.tolist() == pytest.approx([1])


@pytest.mark.parametrize("sizes", [[1] * 50, [7, 0, 40, 3]])
def test_batches_do_not_matter(sizes):
    """The rows may come in any batches, even in empty ones."""
    first, second = sparse(50, 30, 0), sparse(50, 25, 1)
    whole, found = match_codes([(first, second)]), match_codes(zip(first.split(sizes), second.split(sizes)))

    assert found.pairs.tolist() == whole.pairs.tolist()
    torch.testing.assert_close(found.cosines, whole.cosines, rtol=1e-10, atol=1e-12)


def test_dead_latents_are_left_out_and_counted():
    """Latents that are 0 in all rows are in no pair and no mean; pairs have the dictionaries' own numbers."""
    z = sparse(50, 12, 0)
    first, second = z.clone(), z.flip(1).clone()
    first[:, [0, 5]] = 0
    second[:, [0, 1, 2]] = 0  # copies of 11, 10 and 9
    found = match_codes([(first[:20], second[:20]), (first[20:], second[20:])])
    figures = found.figures()

    pairs = dict(found.pairs.tolist())
    assert {i: pairs.get(i) for i in (1, 2, 3, 4, 6, 7, 8)} == {i: 11 - i for i in (1, 2, 3, 4, 6, 7, 8)}
    assert not {0, 5} & set(pairs) and not {0, 1, 2} & set(pairs.values())
    assert (figures["dead_first"], figures["dead_second"], figures["pairs"]) == (2, 3, 9)
    assert figures["mcc"] == pytest.approx(float(found.cosines.mean())) and figures["matched_above_90"] == 7 / 9
    assert [len(side) for side in found.nearest] == [10, 9]


def test_without_live_latents_there_is_no_mean():
    """Where a dictionary never fires there are no pairs, and means over them have no value."""
    figures = match_codes([(torch.zeros(5, 3), sparse(5, 4, 0))]).figures()

    assert (figures["dead_first"], figures["dead_second"], figures["pairs"]) == (3, 0, 0)
    assert figures["mcc"] is figures["mmcs_first"] is figures["matched_above_70"] is None


def test_a_latent_that_never_changes_tells_nothing():
    """A latent with one value in every row correlates with none, not even by rounding."""
    constant = torch.linspace(0.1, 9, 40, dtype=torch.float64).repeat(50, 1)
    found = match_codes([(constant, sparse(50, 30, 1))])

    assert not found.nearest[0].any() and found.dead == (0, 0)


def test_codes_must_be_of_the_same_rows():
    """Batches of different numbers of rows are refused, and so is a comparison without rows."""
    with pytest.raises(ValueError, match="codes of 3 rows from the first dictionary and of 4 from the second"):
        match_codes([(torch.ones(3, 2), torch.ones(4, 2))])
    for nothing in ([], [(torch.ones(0, 2), torch.ones(0, 2))]):
        with pytest.raises(ValueError, match="no rows"):
            match_codes(nothing)


def reordered(sae: Sae, order: Tensor, factor: float = 1.0) -> Sae:
    """The same dictionary with its latents in another order, its codes `factor` times as large."""
    return Sae(
        factor * sae.W_enc[:, order], factor * sae.b_enc[order], sae.W_dec[order] / factor, sae.b_dec, sae.gate,
        sae.site, sae.model,
    )  # fmt: skip


def test_a_permuted_dictionary_is_found_again_by_everything():
    """Atoms, live atoms and codes of a dictionary and of itself in another order are matched with 1."""
    sae, order = random_sae(12, 40, 4, "resid_post_1", "digest"), shuffled(40)
    found = compare(sae, reordered(sae, order, 3.0), normal(500, 12, 3))

    assert list(found) == ["atoms", "live atoms", "codes"]
    for own in found.values():
        assert own.figures()["mcc"] == pytest.approx(1, abs=1e-5)
    assert partners(found["atoms"]) == order.argsort().tolist()


def test_the_dead_hide_what_the_living_have_in_common():
    """Latents that fire in none of the rows count among atoms, with what their start gave, and not among live ones."""
    sae, x = random_sae(12, 40, 4, "resid_post_1", "digest"), normal(500, 12, 3)
    dead = torch.arange(0, 40, 2)
    silent = sae.b_enc.clone().index_fill_(0, dead, -1e6)
    first, second = (
        Sae(sae.W_enc, silent, sae.W_dec.index_copy(0, dead, normal(20, 12, seed)), sae.b_dec, sae.gate, "s", "m")
        for seed in (4, 5)
    )
    found = {of: own.figures() for of, own in compare(first, second, x).items()}

    assert fired(first, x).tolist() == list(range(1, 40, 2))
    assert found["live atoms"]["mcc"] == pytest.approx(1, abs=1e-5)
    assert found["codes"]["mcc"] == pytest.approx(1, abs=1e-5)
    assert found["atoms"]["mcc"] < 0.9
    assert [found[of]["dead_first"] for of in found] == [0, 20, 20]


@pytest.mark.parametrize("batch", [1, 7, 1024])
def test_rows_are_compared_in_any_batches(batch, monkeypatch):
    """Who is live, and what is alike, does not depend on how many rows are encoded at once."""
    first, second = (random_sae(8, 30, 3, "resid_post_1", "digest", seed) for seed in range(2))
    x = normal(60, 8, 3)
    whole = compare(first, second, x)
    monkeypatch.setattr(matching, "BATCH", batch)

    for of, own in compare(first, second, x).items():
        assert own.figures() == pytest.approx(whole[of].figures(), abs=1e-6)


def test_who_knows_nothing_is_as_wide_and_as_busy():
    """Random dictionaries have as many unit atoms as the one they stand for, and as many active in a row."""
    sae, x = random_sae(16, 40, 4, "resid_post_1", "digest"), normal(300, 16, 3)
    sae = Sae(5 * sae.W_enc, sae.b_enc, sae.W_dec / 5, sae.b_dec + 1, Threshold(torch.full((40,), 6.0)), "s", "m")
    busy = float((sae.encode(x) != 0).sum(1).double().mean())
    blind = [chance(sae, x, generator(0, seed)) for seed in (1, 1, 2)]

    assert blind[0].digest == blind[1].digest != blind[2].digest
    assert busy > 1 and blind[0].gate == TopK(round(busy))
    assert blind[0].W_dec.shape == (40, 16) and torch.equal(blind[0].W_enc, blind[0].W_dec.T)
    torch.testing.assert_close(blind[0].W_dec.norm(dim=1), torch.ones(40))
    assert torch.equal(blind[0].b_dec, sae.b_dec)
