"""Removing a language's latents: the cross-entropies that stand, and the removal that removes nothing."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import language_ablation
from sieve.evals.case import Case, Language
from sieve.evals.language_ablation import WAYS, Settings, centres, cross_entropy, drawn, places, removal
from sieve.features.activity import activity
from sieve.interventions.ablate import ablate, silence
from sieve.model.sites import observe
from sieve.subject import Subject
from tests.planted import adapted, nats_per_token, no_concepts

LATENTS = {"de": (1, 2, 3), "en": (4, 5), "es": (6,), "ru": ()}
CONTROLS = ("random", "consistent", "filtered", "unshared")
DROPPED = {"de": (7, 8), "en": (9, 10, 11), "es": (), "ru": (12,)}


def asking(*ways, draws=0, controlled=None):
    """Settings of the question; with draws the first way is controlled, if not others are named."""
    ways = list(ways or ["zero"])
    return Settings(3, ways, controlled or ways[: bool(draws)], draws)


@pytest.fixture
def case(subject, blocks):
    """The tiny model with arbitrary latents for each language, none for Russian."""
    languages = {name: Language(latents, None, DROPPED[name]) for name, latents in LATENTS.items()}
    return Case(subject, blocks, languages, no_concepts(subject), 0, 4)


def test_every_pair_of_languages_is_measured(case):
    """One cross-entropy per language and one difference per ordered pair; where nothing was kept a note says so."""
    rows = language_ablation.run(case, asking(draws=1))
    keys = [(r.metric, r.case) for r in rows]
    kinds = ("ablate", "consistent", "filtered", "unshared")
    assert len(set(keys)) == len(keys)
    assert {c for m, c in keys if m == "ce"} == set(LATENTS)
    pairs = {f"{kind} {a}/on {b}" for kind in kinds for a in LATENTS for b in LATENTS}
    measured = [r for r in rows if not r.case.startswith("random")]
    assert {r.case for r in measured if r.metric == "delta_ce"} == pairs
    for row in measured:
        assert (row.value is None) == row.case.startswith(("ablate ru", "filtered ru", "filtered es", "unshared ru"))
        assert ("ru has no kept latents" in row.note) == row.case.startswith("ablate ru")


@pytest.mark.parametrize("way", ["zero", "project"])
def test_differences_are_of_held_out_losses(case, way):
    """ce and delta_ce are the model's own held-out loss without and with the removal."""
    found = {(r.metric, r.case): r.value for r in language_ablation.run(case, asking(way))}
    subject = case.subject
    for on in LATENTS:
        sequences = [b.ids for b in case.pick("text", "test", 3, on)]
        base = nats_per_token(subject.lm, sequences)
        assert found["ce", on] == pytest.approx(base, rel=1e-5)
        for latents in ("de", "en"):
            chosen = list(LATENTS[latents])
            atoms = subject.sae.W_dec[chosen]
            context = silence(subject, chosen) if way == "zero" else ablate(subject.lm, subject.site, atoms)
            with context:
                after = nats_per_token(subject.lm, sequences)
            assert after != base
            assert found["delta_ce", f"ablate {latents}/on {on}"] == pytest.approx(after - base, abs=1e-5)


def test_an_adapted_subject_is_asked_with_its_adapter(case):
    """Before and after the removal the loss is that of the adapted model, which the original's is not."""
    plain = {(r.metric, r.case): r.value for r in language_ablation.run(case, asking())}
    case = adapted(case)
    subject = case.subject
    found = {(r.metric, r.case): r.value for r in language_ablation.run(case, asking())}
    for on in LATENTS:
        sequences = [b.ids for b in case.pick("text", "test", 3, on)]
        base = nats_per_token(subject.lm, sequences)
        with silence(subject, list(LATENTS["en"])):
            after = nats_per_token(subject.lm, sequences)
        assert found["ce", on] == pytest.approx(base, rel=1e-5) != plain["ce", on]
        assert found["delta_ce", f"ablate en/on {on}"] == pytest.approx(after - base, abs=1e-5)
    assert found["ce", "de"] != pytest.approx(plain["ce", "de"], rel=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_removing_nothing_changes_nothing(case, way):
    """Without latents every document's cross-entropy stays, to the bit."""
    blocks = case.pick("text", "test", 5)
    base, tokens = cross_entropy(case, blocks)
    with removal(case, [], way, centres(case, 3, WAYS)):
        after, same = cross_entropy(case, blocks)
    assert torch.equal(after, base) and torch.equal(same, tokens)
    assert tokens.tolist() == [len(b.ids) - 1 for b in blocks]


def test_silent_latents_cost_nothing(case):
    """The delta of latents that never fire is exactly 0, interval included."""
    sae = case.subject.sae
    deaf = replace(sae, b_enc=sae.b_enc - 1e6 * torch.eye(64)[list(LATENTS["de"])].sum(0))
    case = replace(case, subject=Subject(case.subject.lm, deaf, adapted=False))
    rows = [r for r in language_ablation.run(case, asking()) if r.case.startswith("ablate de")]
    assert len(rows) == 4 and all((r.value, r.low, r.high) == (0, 0, 0) for r in rows)


def test_one_language_is_one_line(case, blocks):
    """Text in one language has nothing to compare with."""
    (row,) = language_ablation.run(replace(case, blocks=[b for b in blocks if b.language == "en"]), asking())
    assert row.value is None and "one language" in row.note


def test_every_way_beside_the_first_is_measured_as_it_would_be_alone(case):
    """All of WAYS at once give what each gives as the first, under its own name, and so do controls in two of them."""
    two = list(WAYS[:2])
    asked = asking(*WAYS, draws=1, controlled=two)
    together = {r.case: r for r in language_ablation.run(case, asked) if r.metric == "delta_ce"}
    assert len(together) == len(WAYS) * 16 + 2 * (3 * 16 + 12)
    for way in two:
        alone = [r for r in language_ablation.run(case, asking(way, draws=1)) if r.case.startswith(CONTROLS)]
        suffix = "" if way == WAYS[0] else f"_{way}"
        names = [row.case.replace(" ", f"{suffix} ", 1) for row in alone]
        assert len(alone) == 60
        assert all(together[name] == replace(row, case=name) for name, row in zip(names, alone))
    for way in WAYS:
        alone = [r for r in language_ablation.run(case, asking(way)) if r.metric == "delta_ce"]
        name = "ablate" if way == WAYS[0] else way
        assert len(alone) == 16 and {row.note for row in alone if row.value is not None} == {way}
        for row in alone:
            assert together[row.case.replace("ablate", name)] == replace(row, case=row.case.replace("ablate", name))
    rises = {way: together[f"{way} de/on de"].value for way in WAYS[1:]}
    assert len(set(rises.values())) == len(rises)


@pytest.mark.parametrize("ways", [[], ["zero", "zero"]])
def test_ways_are_said_once_each(ways):
    """None, or one twice, is refused with the list of those that exist."""
    with pytest.raises(ValueError, match="at least one of zero, project, project_later, mean, mean_later, none of th"):
        Settings(3, ways, [], 0)


@pytest.mark.parametrize(("controlled", "draws"), [(["project"], 2), (["zero"], 0), ([], 2)])
def test_controls_are_of_ways_that_are_asked_for(controlled, draws):
    """Another way's, and draws without a way or a way without draws, are refused."""
    with pytest.raises(ValueError, match=r"name some of ways \(zero\) and draws of random latents, or \[\] and 0"):
        Settings(3, ["zero"], controlled, draws)


def test_later_sites_are_those_of_the_same_kind_after_the_subjects(case):
    """Layer 1 of three and the last; a way that stays at the site needs a mean there alone, or none at all."""
    here, both = ["resid_post_1"], ["resid_post_1", "resid_post_2"]
    assert {way: places(case, way) for way in WAYS} == {
        "zero": here, "project": here, "project_later": both, "mean": here, "mean_later": both,
    }  # fmt: skip
    assert {way: [*centres(case, 3, [way])] for way in WAYS} == {
        "zero": [], "project": [], "project_later": [], "mean": here, "mean_later": both,
    }  # fmt: skip


def test_later_removal_leaves_nothing_of_the_span_anywhere(case):
    """After projection at all later sites every text token is orthogonal to the atoms there, as it is at the first."""
    subject, latents = case.subject, LATENTS["de"]
    ids, mask = subject.lm.pad([list(b.ids) for b in case.pick("text", "test", 3)])
    text, atoms = subject.lm.is_text(ids) & mask.bool(), subject.sae.W_dec[list(latents)]
    for way, clean in (("project", [True, False]), ("project_later", [True, True])):
        with removal(case, latents, way, {}):
            seen = observe(subject.lm.network, ["resid_post_1", "resid_post_2"], ids, mask)
        left = [float((hidden[text] @ atoms.T).abs().max()) for hidden in seen.values()]
        assert [x < 1e-4 for x in left] == clean


def test_mean_ablation_keeps_the_mean(case):
    """What is left in the span is the mean of training text, for every token alike, at each site its own."""
    subject, latents = case.subject, LATENTS["de"]
    means, site = centres(case, 3, WAYS), subject.site
    texts = [b.ids for name in LATENTS for b in case.pick("text", "train", 3, name)]
    rows = [subject.rows(*subject.lm.pad([list(ids)]))[0][1:] for ids in texts]  # but their first tokens
    torch.testing.assert_close(means[site], torch.cat(rows).mean(0), rtol=1e-4, atol=1e-5)

    ids, mask = subject.lm.pad([list(b.ids) for b in case.pick("text", "test", 3)])
    text, atoms = subject.lm.is_text(ids) & mask.bool(), subject.sae.W_dec[list(latents)]
    for way, last in (("mean", False), ("mean_later", True)):
        with removal(case, latents, way, means):
            seen = observe(subject.lm.network, places(case, "mean_later"), ids, mask)
        for place, kept in ((site, True), ("resid_post_2", last)):
            left, mean = seen[place][text] @ atoms.T, means[place] @ atoms.T
            assert torch.allclose(left, mean.expand_as(left), rtol=1e-3, atol=1e-3) == kept


def test_random_latents_are_drawn_from_those_that_no_language_keeps(case):
    """As many as a language keeps, none twice, none kept by any, other ones in every draw, the same ones every time."""
    found = {name: own.sets for name, own in drawn(case, asking(draws=5)).items()}
    kept = {latent for latents in LATENTS.values() for latent in latents}
    assert {name: [len(x) for x in sets] for name, sets in found.items()} == {
        "de": [3] * 5, "en": [2] * 5, "es": [1] * 5, "ru": [],
    }  # fmt: skip
    for sets in found.values():
        assert all(len(set(x)) == len(x) and not set(x) & kept for x in sets)
    assert len(set(found["de"])) > 1
    assert {name: own.sets for name, own in drawn(case, asking(draws=5)).items()} == found


def test_the_note_says_how_often_random_latents_fire(case):
    """Beside those that are kept, over all draws: as many are not to be had that fire as often."""
    draws = drawn(case, asking(draws=5))["de"]
    texts = [b.ids for b in case.pick("text", "train", 3, "de")]
    rate = activity(case.subject, texts, 4).rate
    own, *each = (float(rate[list(latents)].sum()) for latents in (LATENTS["de"], *draws.sets))
    assert draws.note == f"they fire {sum(each) / 5 / own:.2f} times as often as those that are kept"
    rows = [r for r in language_ablation.run(case, asking(draws=5)) if r.case.startswith("random de")]
    assert {row.note for row in rows} == {draws.note}


def test_the_band_is_that_of_the_draws(case):
    """Each random row is the mean of its draws, between nearly all of them; of fewer than twenty there is no band."""
    rows = {r.case: r for r in language_ablation.run(case, asking(draws=20)) if r.case.startswith("random")}
    assert set(rows) == {f"random {a}/on {b}" for a in ("de", "en", "es") for b in LATENTS}
    blocks, sets = case.pick("text", "test", 3, "es"), drawn(case, asking(draws=20))["de"].sets
    base, tokens = cross_entropy(case, blocks)
    changes = []
    for latents in sets:
        with silence(case.subject, latents):
            changes.append(float((cross_entropy(case, blocks)[0] - base).sum() / tokens.sum()))
    row = rows["random de/on es"]
    changes.sort()
    assert (row.value, row.low, row.high) == pytest.approx((sum(changes) / 20, changes[0], changes[19]), rel=1e-4)
    assert row.n == 20
    few = language_ablation.band("random de/on es", changes[:19], "")
    assert [(r.low, r.high, r.n) for r in few] == [(None, None, 19)]


@pytest.mark.parametrize(
    ("control", "own", "latents"),
    [
        ("filtered", "en", (9, 10)),  # the strongest, as many as are kept
        ("filtered", "de", (7, 8)),  # or all that there are
        ("consistent", "en", (4, 5, 9, 10, 11)),
        ("unshared", "en", (5,)),
    ],
)
def test_controls_remove_what_they_say(case, control, own, latents):
    """As that removal alone would, and the note says how many go; a latent that another language keeps is shared."""
    case.languages["es"] = Language((4,), None, ())
    kept = len(LATENTS[own])
    (row,) = [r for r in language_ablation.run(case, asking(draws=1)) if r.case == f"{control} {own}/on de"]
    blocks = case.pick("text", "test", 3, "de")
    base, tokens = cross_entropy(case, blocks)
    with silence(case.subject, latents):
        after, _ = cross_entropy(case, blocks)
    assert row.value == pytest.approx(float((after - base).sum() / tokens.sum()), rel=1e-4)
    assert row.note == f"{len(latents)} latents, {kept} are kept"


def test_cross_entropy_comes_in_the_order_of_the_documents(case):
    """Batches go by length, answers don't: each document alone has the figure that it has among others."""
    blocks = sorted(case.pick("text", "test"), key=lambda b: -len(b.ids))
    nats, tokens = cross_entropy(case, blocks)
    alone = [cross_entropy(case, [block]) for block in blocks]
    assert len({len(b.ids) for b in blocks}) > 2
    assert nats.tolist() == pytest.approx([float(n) for n, _ in alone], rel=1e-4)
    assert tokens.tolist() == [float(t) for _, t in alone]
