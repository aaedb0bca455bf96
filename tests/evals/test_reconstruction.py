"""Reconstruction and geometry of dictionaries that rebuild everything, nothing, or the mean."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import geometry, reconstruction
from sieve.evals.case import Case
from sieve.evals.fidelity import site_mean
from sieve.subject import Subject
from tests.conftest import identity_sae
from tests.planted import no_concepts


def figures(case, documents=6):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in reconstruction.run(case, reconstruction.Settings(documents))}


@pytest.fixture
def case(subject, blocks):
    """The tiny model with its random dictionary."""
    return Case(subject, blocks, {}, no_concepts(subject), 0, 4)


def test_the_identity_explains_everything(case, blocks, lm):
    """A dictionary that rebuilds its input has FVU 0 and explained variance 1."""
    found = figures(
        replace(case, subject=Subject(lm, identity_sae(lm.width, "resid_post_1", lm.digest), adapted=False))
    )
    for kind in ("text", "problem", "all"):
        assert found["fvu", kind] == pytest.approx(0, abs=1e-9)
        assert found["explained_variance", kind] == pytest.approx(1, abs=1e-9)


def test_predicting_the_mean_explains_nothing(case):
    """A dictionary that says the mean whatever it sees has explained variance 0."""
    for kind in ("text", "problem"):
        blocks = case.pick(kind, "test", 6)
        sae = replace(case.subject.sae, W_dec=torch.zeros(64, 32), b_dec=site_mean(case, blocks))
        found = figures(replace(case, subject=Subject(case.subject.lm, sae, adapted=False)))
        assert found["explained_variance", kind] == pytest.approx(0, abs=1e-6)


def test_against_loops_over_documents(case):
    """FVU about the mean of the judged rows, mean number of non-zeros and share of latents that fire, by hand."""
    found = figures(case)
    blocks = case.pick("text", "test", 6)
    readings = [case.subject.read(*case.subject.lm.pad([list(b.ids)])) for b in blocks]
    rows, z = torch.cat([r.rows for r in readings]).double(), torch.cat([r.z for r in readings])
    error = (rows - case.subject.sae.decode(z)).square().sum()
    assert found["fvu", "text"] == pytest.approx(float(error / (rows - rows.mean(0)).square().sum()), rel=1e-5)
    assert found["l0", "text"] == pytest.approx(float((z != 0).sum(1).double().mean()))
    assert found["alive", "text"] == float((z != 0).any(0).float().mean())


def test_l0_of_topk_is_k(case):
    """A TopK dictionary whose input excites enough latents uses exactly k of them."""
    assert {figures(case)["l0", kind] for kind in ("text", "problem", "all")} == {6.0}


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_batch_size_does_not_matter(case, batch):
    """The figures are those of any other batch size."""
    assert figures(replace(case, batch=batch)) == pytest.approx(figures(case), rel=1e-6)


def test_a_missing_kind_says_so_in_its_own_row(case, blocks):
    """Without problems the row 'problem' has no value but a note, and 'all' is the text."""
    case = replace(case, blocks=[b for b in blocks if b.kind == "text"])
    rows = reconstruction.run(case, reconstruction.Settings(6))
    (missing,) = [r for r in rows if r.case == "problem"]
    assert missing.value is None and "no problem" in missing.note
    found = figures(case)
    assert found["fvu", "all"] == found["fvu", "text"]


def test_geometry_counts_who_fires_together(case):
    """The co-active mean weighs each pair by the held-out tokens on which both fire."""
    rows = geometry.run(case, geometry.Settings(5))
    assert {r.case for r in rows} == {"all"}
    sae, total, weight = case.subject.sae, 0.0, 0
    for block in case.pick("text", "test", 5) + case.pick("problem", "test", 5):
        for z in case.subject.read(*case.subject.lm.pad([list(block.ids)])).z:
            active = z.nonzero().flatten().tolist()
            for i in active:
                for j in active:
                    if i < j:
                        total += float(sae.W_dec[i] @ sae.W_dec[j]) ** 2
                        weight += 1
    (found,) = [r.value for r in rows if r.metric == "coactive_cos2"]
    assert found == pytest.approx(total / weight, rel=1e-5)


def test_geometry_knows_who_is_dead(case):
    """The latents that fire nowhere in the held-out documents are the dead ones, and live pairs are without them."""
    found = {r.metric: r.value for r in geometry.run(case, geometry.Settings(2))}
    blocks = case.pick("text", "test", 2) + case.pick("problem", "test", 2)
    z = torch.cat([case.subject.read(*case.subject.lm.pad([list(b.ids)])).z for b in blocks])
    live = case.subject.sae.W_dec[(z != 0).any(0)].double()
    squares = (live @ live.T).square().fill_diagonal_(0) / live.norm(dim=1).outer(live.norm(dim=1)).square()

    assert 0 < found["dead_share"] == 1 - len(live) / 64
    assert found["alive_cos2"] == pytest.approx(float(squares.sum()) / len(live) / (len(live) - 1), rel=1e-5)
    assert found["alive_cos2"] != pytest.approx(found["mean_cos2"], rel=1e-5)


def test_geometry_says_why_a_mean_is_missing(case):
    """Of a dictionary in which nothing fires, means over live pairs have a reason and no value; the others stay."""
    sae = case.subject.sae
    silent = Subject(case.subject.lm, replace(sae, b_enc=torch.full_like(sae.b_enc, -1e6)), adapted=False)
    rows = geometry.run(replace(case, subject=silent), geometry.Settings(2))

    assert {r.metric for r in rows if r.value is None} == {"alive_cos2", "alive_welch_floor", "coactive_cos2"}
    assert all(("no two latents fire" in r.note) == (r.value is None) for r in rows)
    assert [r.value for r in rows if r.metric == "dead_share"] == [1]
