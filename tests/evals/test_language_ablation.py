"""Removing a language's latents: the cross-entropies that stand, and the removal that removes nothing."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import language_ablation
from sieve.evals.case import Case, Language
from sieve.evals.language_ablation import Settings, cross_entropy, removal
from sieve.interventions.ablate import ablate, silence
from sieve.subject import Subject
from tests.planted import adapted, nats_per_token, no_concepts

LATENTS = {"de": (1, 2, 3), "en": (4, 5), "es": (6,), "ru": ()}


@pytest.fixture
def case(subject, blocks):
    """The tiny model with arbitrary latents for each language, none for Russian."""
    languages = {name: Language(latents, None) for name, latents in LATENTS.items()}
    return Case(subject, blocks, languages, no_concepts(subject), 0, 4)


def test_every_pair_of_languages_is_measured(case):
    """One cross-entropy per language and one difference per ordered pair; where nothing was kept a note says so."""
    rows = language_ablation.run(case, Settings(3, "zero"))
    keys = [(r.metric, r.case) for r in rows]
    assert len(set(keys)) == len(keys)
    assert {c for m, c in keys if m == "ce"} == set(LATENTS)
    assert {c for m, c in keys if m == "delta_ce"} == {f"ablate {a}/on {b}" for a in LATENTS for b in LATENTS}
    for row in rows:
        assert (row.value is None) == row.case.startswith("ablate ru")
        assert ("no latent was kept for ru" in row.note) == row.case.startswith("ablate ru")


@pytest.mark.parametrize("method", ["zero", "project"])
def test_differences_are_of_held_out_losses(case, method):
    """ce and delta_ce are the model's own held-out loss without and with the removal."""
    found = {(r.metric, r.case): r.value for r in language_ablation.run(case, Settings(3, method))}
    subject = case.subject
    for on in LATENTS:
        sequences = [b.ids for b in case.pick("text", "test", 3, on)]
        base = nats_per_token(subject.lm, sequences)
        assert found["ce", on] == pytest.approx(base, rel=1e-5)
        for latents in ("de", "en"):
            chosen = list(LATENTS[latents])
            atoms = subject.sae.W_dec[chosen]
            context = silence(subject, chosen) if method == "zero" else ablate(subject.lm, subject.site, atoms)
            with context:
                after = nats_per_token(subject.lm, sequences)
            assert after != base
            assert found["delta_ce", f"ablate {latents}/on {on}"] == pytest.approx(after - base, abs=1e-5)


def test_an_adapted_subject_is_asked_with_its_adapter(case):
    """Before and after the removal the loss is that of the adapted model, which the original's is not."""
    plain = {(r.metric, r.case): r.value for r in language_ablation.run(case, Settings(3, "zero"))}
    case = adapted(case)
    subject = case.subject
    found = {(r.metric, r.case): r.value for r in language_ablation.run(case, Settings(3, "zero"))}
    for on in LATENTS:
        sequences = [b.ids for b in case.pick("text", "test", 3, on)]
        base = nats_per_token(subject.lm, sequences)
        with silence(subject, list(LATENTS["en"])):
            after = nats_per_token(subject.lm, sequences)
        assert found["ce", on] == pytest.approx(base, rel=1e-5) != plain["ce", on]
        assert found["delta_ce", f"ablate en/on {on}"] == pytest.approx(after - base, abs=1e-5)
    assert found["ce", "de"] != pytest.approx(plain["ce", "de"], rel=1e-3)


@pytest.mark.parametrize("method", ["zero", "project"])
def test_removing_nothing_changes_nothing(case, method):
    """Without latents every document's cross-entropy stays, to the bit."""
    blocks = case.pick("text", "test", 5)
    base, tokens = cross_entropy(case, blocks)
    with removal(case, [], method):
        after, same = cross_entropy(case, blocks)
    assert torch.equal(after, base) and torch.equal(same, tokens)
    assert tokens.tolist() == [len(b.ids) - 1 for b in blocks]


def test_silent_latents_cost_nothing(case):
    """The delta of latents that never fire is exactly 0, interval included."""
    sae = case.subject.sae
    deaf = replace(sae, b_enc=sae.b_enc - 1e6 * torch.eye(64)[list(LATENTS["de"])].sum(0))
    case = replace(case, subject=Subject(case.subject.lm, deaf, adapted=False))
    rows = [r for r in language_ablation.run(case, Settings(3, "zero")) if r.case.startswith("ablate de")]
    assert len(rows) == 4 and all((r.value, r.low, r.high) == (0, 0, 0) for r in rows)


def test_one_language_is_one_line(case, blocks):
    """Text in one language has nothing to compare with."""
    (row,) = language_ablation.run(replace(case, blocks=[b for b in blocks if b.language == "en"]), Settings(3, "zero"))
    assert row.value is None and "one language" in row.note


def test_an_unknown_method_lists_those_that_exist(case):
    """The message names the two ways of removing."""
    with pytest.raises(ValueError, match="project, zero"):
        removal(case, [1], "delete")
