"""What the model loses through the splice: nothing with the identity, everything with the mean."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from sieve.evals import fidelity
from sieve.evals.case import Case
from sieve.model.generate import continue_ids
from sieve.model.splice import splice
from sieve.subject import Subject
from tests.conftest import SIZES, identity_sae
from tests.planted import nats_per_token, no_concepts


@pytest.fixture
def case(subject, blocks):
    """The tiny model with its random dictionary."""
    return Case(subject, blocks, {}, no_concepts(subject), 0, 4)


def figures(case):
    """{(metric, case): value} of what applies."""
    return {(r.metric, r.case): r.value for r in fidelity.run(case, fidelity.Settings(6)) if r.value is not None}


def saying_the_mean(case, kind):
    """The case with a dictionary that rebuilds nothing but the mean of what is asked about."""
    mean = fidelity.site_mean(case, case.pick(kind, "test", 6))
    sae = replace(case.subject.sae, W_dec=torch.zeros_like(case.subject.sae.W_dec), b_dec=mean)
    return replace(case, subject=Subject(case.subject.lm, sae, adapted=False))


def test_the_identity_recovers_everything(case, lm):
    """Splicing in a perfect reconstruction costs nothing."""
    found = figures(
        replace(case, subject=Subject(lm, identity_sae(lm.width, "resid_post_1", lm.digest), adapted=False))
    )
    for kind in ("text", "problem"):
        assert found["kl_recovered", kind] == pytest.approx(1, abs=1e-4)
        assert found["ce_spliced", kind] == pytest.approx(found["ce_original", kind], abs=1e-5)


@pytest.mark.parametrize("specials", [False, True])
def test_the_mean_recovers_nothing(case, specials):
    """A dictionary that says the mean is the mean ablation itself, at BOS too if it is spliced in there."""
    for kind in ("text", "problem"):
        own = saying_the_mean(case, kind)
        sae = replace(own.subject.sae, specials=specials)
        found = figures(replace(own, subject=replace(own.subject, sae=sae)))
        assert found["ce_spliced", kind] == pytest.approx(found["ce_mean_ablated", kind], abs=1e-6)
        assert found["kl_recovered", kind] == pytest.approx(0, abs=1e-6)


def test_recovered_is_a_share_of_what_the_mean_loses(case, lm):
    """On text that the model wrote itself, where much can be lost, the identity recovers all and the mean nothing."""
    blocks = case.pick("text", "test", 6)
    written = continue_ids(lm, [list(b.ids[:4]) for b in blocks], 40)
    own = replace(case, blocks=[replace(b, ids=(*b.ids[:4], *ids)) for b, ids in zip(blocks, written)])
    identity = identity_sae(lm.width, "resid_post_1", lm.digest)
    whole, mean = figures(replace(own, subject=Subject(lm, identity, False))), figures(saying_the_mean(own, "text"))

    assert whole["ce_mean_ablated", "text"] > 1.1 * whole["ce_original", "text"]
    assert whole["ce_recovered", "text"] == pytest.approx(1, abs=1e-4)
    assert mean["ce_recovered", "text"] == pytest.approx(0, abs=1e-4)


def test_where_nothing_is_lost_nothing_is_recovered(case):
    """A model that says the same whatever it reads loses nothing by the mean: no share, but a reason, for each kind."""
    network = copy.deepcopy(case.subject.lm.network)
    network.model.norm.weight.zero_()
    lm = replace(case.subject.lm, network=network)
    rows = fidelity.run(replace(case, subject=replace(case.subject, lm=lm)), fidelity.Settings(6))

    shares = [r for r in rows if r.metric in ("ce_recovered", "kl_recovered")]
    assert len(shares) == 4
    assert all(r.value is None and "nothing to recover" in r.note for r in shares)
    assert {round(r.value, 5) for r in rows if r.metric in ("ce_original", "ce_spliced", "ce_mean_ablated")} == {
        round(math.log(SIZES.vocabulary), 5)
    }


def test_cross_entropies_are_held_out_losses(case):
    """Each cross-entropy is what the model's own held-out loss says with the same thing spliced in."""
    found, subject = figures(case), case.subject
    for kind in ("text", "problem"):
        blocks = case.pick(kind, "test", 6)
        sequences = [b.ids for b in blocks]
        assert found["ce_original", kind] == pytest.approx(nats_per_token(subject.lm, sequences), rel=1e-5)
        with subject.spliced():
            assert found["ce_spliced", kind] == pytest.approx(nats_per_token(subject.lm, sequences), rel=1e-5)
        mean = fidelity.site_mean(case, blocks)
        with splice(subject.lm, subject.site, lambda rows, _, mean=mean: mean.expand_as(rows)):
            assert found["ce_mean_ablated", kind] == pytest.approx(nats_per_token(subject.lm, sequences), rel=1e-5)


def test_divergence_against_the_textbook(case):
    """KL(original ‖ spliced) per predicted text token, document by document."""
    lm, total, tokens = case.subject.lm, 0.0, 0
    for block in case.pick("text", "test", 6):
        ids, mask = lm.pad([list(block.ids)])
        original = fidelity.log_probabilities(lm.network, ids, mask)[0, :-1]
        with case.subject.spliced():
            spliced = fidelity.log_probabilities(lm.network, ids, mask)[0, :-1]
        total += float(torch.nn.functional.kl_div(spliced, original, log_target=True, reduction="sum"))
        tokens += len(block.ids) - 1
    assert figures(case)["kl_spliced", "text"] == pytest.approx(total / tokens, rel=1e-4)


@pytest.mark.parametrize("batch", [1, 64])
def test_batch_size_does_not_matter(case, batch):
    """The figures are those of any other batch size."""
    assert figures(replace(case, batch=batch)) == pytest.approx(figures(case), rel=1e-4)


def test_a_missing_kind_says_so_in_its_own_row(case, blocks):
    """Without text the row 'text' has no value but a note."""
    rows = fidelity.run(replace(case, blocks=[b for b in blocks if b.kind == "problem"]), fidelity.Settings(4))
    (missing,) = [r for r in rows if r.case == "text"]
    assert missing.value is None and "no text" in missing.note
