"""The ceiling beside a subject's swaps, in a model in which it is known where the name is."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from sieve.evals import ceiling
from sieve.subject import Subject
from tests.planted import KIND, NAME, WIDTH, no_concepts, planted_case

SETTINGS = ceiling.Settings(pairs=12, new_tokens=4)


@pytest.fixture(scope="module")
def case():
    """The planted model, which reads names at their mentions up to layer 0 and at the last token from layer 1 on."""
    return planted_case()


def figures(case):
    """{case: success}."""
    return {r.case: r.value for r in ceiling.run(case, SETTINGS)}


@pytest.mark.parametrize(
    ("site", "position", "success"),
    [("resid_post_0", "concept", 1), ("resid_post_1", "last", 1), ("resid_post_1", "concept", 0),
     ("resid_post_0", "last", 0)],
)  # fmt: skip
def test_the_ceiling_is_that_of_the_subjects_own_site_and_position(site, position, success):
    """1 exactly where the planted model keeps the name; through a perfect dictionary it is the same."""
    assert figures(planted_case(site, position)) == {"patched": success, "subject": success}


def lossy(case, latents, written):
    """The case with a dictionary that rebuilds everything, but `latents` write `written`."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[latents] = written
    return replace(case, subject=Subject(case.subject.lm, replace(case.subject.sae, W_dec=decoder), adapted=False))


def test_through_a_dictionary_that_forgets_names_nothing_arrives(case):
    """What is patched in is the reconstruction: without names, only the name said by default succeeds."""
    forgetful = lossy(case, range(NAME, NAME + 4), torch.zeros(WIDTH))
    targets = [pair.target for pair in case.pairs("test", 12)]
    by_default = targets.count("Anna") / len(targets)  # knowing nothing, the head says its first name
    assert 0 < by_default < 1 and figures(forgetful) == {"patched": 1, "subject": by_default}


def test_the_rest_of_the_prompt_goes_through_the_dictionary_too(case):
    """The subject's ceiling is 0 when its dictionary takes ':' for a digit, after which the text ends."""
    assert figures(lossy(case, [KIND], torch.eye(WIDTH)[KIND + 3])) == {"patched": 1, "subject": 0}


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_batch_size_does_not_matter(case, batch):
    """Prompts are patched at their own places, alone or together."""
    assert figures(replace(case, batch=batch)) == figures(case)


def test_the_ceiling_is_of_the_model_as_it_was(case, monkeypatch):
    """Only what goes through the Sae is measured with the adapter on: the other is the same for all of one model."""
    seen, inside = [], []
    original, patched = Subject.original, ceiling.patched

    @contextmanager
    def marked(self):
        inside.append(True)
        with original(self):
            yield
        inside.pop()

    def watched(*args, through=None):
        seen.append((through is not None, bool(inside)))
        return patched(*args, through=through)

    monkeypatch.setattr(Subject, "original", marked)
    monkeypatch.setattr(ceiling, "patched", watched)
    figures(case)
    assert seen == [(False, True), (True, False)]


def test_it_stands_beside_swaps_of_the_same_pairs(case):
    """Test pairs, the first of those that swaps are judged on; without test problems there is nothing to judge."""
    (row,) = ceiling.run(replace(case, blocks=[b for b in case.blocks if b.split != "test"]), SETTINGS)
    assert row.value is None and "the test split" in row.note
    only = replace(case, blocks=[b for b in case.blocks if b.split == "test"])
    assert figures(only) == figures(case)


def test_not_applicable(case):
    """No values, or no prompt to change: one row that says so."""
    once = [replace(b, mentions=b.mentions[:1]) for b in case.blocks]
    for changed, why in (
        (replace(case, concepts=no_concepts(case.subject)), "0 value(s)"),
        (replace(case, blocks=once), "twice"),
    ):
        (row,) = ceiling.run(changed, SETTINGS)
        assert row.value is None and why in row.note
