"""How different the contexts of features are, asked of a tiny model's random dictionary."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import explanations
from sieve.evals.case import Case
from sieve.features.explanations import context_tfidf_cosine, top_contexts
from tests.planted import no_concepts

ASKED = explanations.Settings(features=64, contexts=3, documents=6)


@pytest.fixture
def case(subject, blocks):
    return Case(subject, blocks, {}, no_concepts(subject), 0, 4)


def test_of_all_features_the_order_in_which_they_are_drawn_does_not_matter(case):
    """The distance is that of all latents that fire on the held-out documents, and their number is told."""
    (row,) = explanations.run(case, ASKED)

    held_out = case.pick("text", "test", 6) + case.pick("problem", "test", 6)
    seen = [found for found in top_contexts(case.subject, held_out, range(64), 3, 4) if found]
    assert row.value == pytest.approx(1 - context_tfidf_cosine(seen))
    assert row.n == len(seen)


def test_features_that_fire_together_are_no_distance_apart(case):
    """A dictionary whose latents all read the same shows the same contexts for each."""
    sae = case.subject.sae
    same = replace(sae, W_enc=sae.W_enc[:, :1].expand(-1, 64), b_enc=torch.full_like(sae.b_enc, 10.0))
    (row,) = explanations.run(replace(case, subject=replace(case.subject, sae=same)), ASKED)

    assert row.value == pytest.approx(0, abs=1e-12)


def test_a_dictionary_that_is_silent_has_no_distance(case):
    """The row says why."""
    silent = replace(case.subject.sae, b_enc=torch.full_like(case.subject.sae.b_enc, -1e6))
    (row,) = explanations.run(replace(case, subject=replace(case.subject, sae=silent)), ASKED)

    assert row.value is None
    assert row.note == "not applicable: 0 of the drawn features fire"
