"""The patch ceiling in a model in which it is known where the name is."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from sieve.evals import ceiling
from sieve.features.concepts import surfaces
from sieve.features.counterfactual import pairs
from sieve.subject import Subject
from sieve.text.blocks import Mention
from tests.planted import DIGITS, KIND, NAME, WIDTH, WORDS, no_concepts, planted_case

SETTINGS = ceiling.Settings(pairs=12, other_pairs=5, new_tokens=4)


@pytest.fixture(scope="module")
def case():
    """The planted model, which reads names at their mentions up to layer 0 and at the last token from layer 1 on."""
    return planted_case()


@pytest.fixture(scope="module")
def telling(case):
    """The same with two more concepts marked: the digit, which the solution repeats, and a thing, which it doesn't."""
    return replace(case, blocks=[replace(b, mentions=(*b.mentions, *_others(b))) for b in case.blocks])


def _others(block):
    words = [WORDS[i] for i in block.ids]
    marks = [Mention("digit", word, i, i) for i, word in enumerate(words) if word in DIGITS]
    return [*marks, Mention("thing", "more" if block.answer == "1" else "coins", 4, 4)]


def figures(case):
    """{case: success}."""
    return {r.case: r.value for r in ceiling.run(case, SETTINGS)}


def test_the_ceiling_says_where_the_name_is(case):
    """1 exactly where the planted model keeps the name, 0 elsewhere, for every site and position set."""
    assert figures(case) == {
        "name/resid_post_0/concept": 1, "name/resid_post_0/last": 0,
        "name/resid_post_1/concept": 0, "name/resid_post_1/last": 1,
        "name/resid_post_2/concept": 0, "name/resid_post_2/last": 1,
        "chosen": 1, "subject": 1,
    }  # fmt: skip


def test_every_concept_has_its_ceilings(case, telling):
    """Digits, which are said later, are read where names are; for what is never said there is a reason instead."""
    found = {r.case: r for r in ceiling.run(telling, SETTINGS)}
    digits = {name.removeprefix("digit/"): r for name, r in found.items() if name.startswith("digit/")}
    assert {name: r.value for name, r in digits.items()} == {
        "resid_post_0/concept": 1, "resid_post_0/last": 0,
        "resid_post_1/concept": 0, "resid_post_1/last": 1,
        "resid_post_2/concept": 0, "resid_post_2/last": 1,
    }  # fmt: skip
    assert {r.n for r in digits.values()} == {5}
    assert found["thing"].value is None and "mentions one value of 'thing' twice" in found["thing"].note
    assert figures(case).items() <= {name: r.value for name, r in found.items()}.items()


def test_other_concepts_may_be_left_out(case, telling):
    """With no pairs for them there is nothing but the chosen concept, and no row that says so."""
    rows = ceiling.run(telling, replace(SETTINGS, other_pairs=0))
    assert {r.case: r.value for r in rows} == figures(case)


def test_other_concepts_do_not_wait_for_the_chosen_one(telling):
    """Where the chosen concept has no pairs, one row says so and the others are measured all the same."""
    found = {r.case: r.value for r in ceiling.run(replace(telling, concepts=no_concepts(telling.subject)), SETTINGS)}
    assert found[""] is None and found["digit/resid_post_0/concept"] == 1 and "chosen" not in found


@pytest.mark.parametrize(
    ("site", "position", "chosen"),
    [("resid_post_1", "last", 1), ("resid_post_1", "concept", 0), ("resid_post_0", "last", 0)],
)
def test_chosen_is_the_ceiling_of_the_subjects_own_site_and_position(site, position, chosen):
    """'chosen' says on test pairs what the table does on others; through a perfect dictionary the subject equals it."""
    found = figures(planted_case(site, position))
    assert found["chosen"] == found["subject"] == found[f"name/{site}/{position}"] == chosen


def test_what_enters_a_layer_is_a_site_of_its_own():
    """At the embedding layer a patch at the mentions is another prompt and succeeds, and one at the last token, which
    both prompts share, changes nothing; from then on a layer takes in what the one before gave.
    """
    found = figures(planted_case("resid_pre_0"))
    assert found == {
        "name/resid_pre_0/concept": 1, "name/resid_pre_0/last": 0,
        "name/resid_pre_1/concept": 1, "name/resid_pre_1/last": 0,
        "name/resid_pre_2/concept": 0, "name/resid_pre_2/last": 1,
        "chosen": 1, "subject": 1,
    }  # fmt: skip


def test_layers_are_compared_at_sites_of_the_subjects_kind():
    """For a dictionary of what the MLP adds, the ceiling is that of what the MLP adds, at every layer: here nothing."""
    found = figures(planted_case("mlp_out_1"))
    assert found == {f"name/mlp_out_{n}/{where}": 0 for n in range(3) for where in ("concept", "last")} | {
        "chosen": 0,
        "subject": 0,
    }


def lossy(case, latents, written):
    """The case with a dictionary that rebuilds everything, but `latents` write `written`."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[latents] = written
    return replace(case, subject=Subject(case.subject.lm, replace(case.subject.sae, W_dec=decoder), adapted=False))


def test_through_a_dictionary_that_forgets_names_nothing_arrives(case):
    """What is patched in is the reconstruction: without names, only the name said by default succeeds."""
    forgetful = lossy(case, range(NAME, NAME + 4), torch.zeros(WIDTH))
    found = [ceiling.Asked(p, p.source, p.target) for p in case.pairs("test", 12)]
    (hits,) = ceiling.patched(forgetful, found, [ceiling.Place("resid_post_0", "concept")], 4, spliced=True)
    assert hits == [asked.target == "Anna" for asked in found]  # knowing nothing, the head says its first name
    assert figures(forgetful)["chosen"] == 1


def test_the_rest_of_the_prompt_goes_through_the_dictionary_too(case):
    """The subject's ceiling is 0 when its dictionary takes ':' for a digit, after which the text ends."""
    found = figures(lossy(case, [KIND], torch.eye(WIDTH)[KIND + 3]))
    assert (found["chosen"], found["subject"]) == (1, 0)


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_batch_size_does_not_matter(telling, batch):
    """Prompts of different lengths and concepts are patched at their own places, alone or together."""
    assert figures(replace(telling, batch=batch)) == figures(telling)


def test_places_in_padded_batches_are_the_mentions(lm, blocks):
    """With names of different token counts, the source's name in the prompt meets the target's in the twin."""
    train = [b for b in blocks if b.kind == "problem"]
    words = surfaces(train, "name")
    group = pairs(train, "name", words, 20)
    ids, _ = lm.pad([list(p.ids) for p in group], side="left")
    twin_ids, _ = lm.pad([list(p.twin_ids) for p in group])
    assert len({len(p.ids) - len(p.twin_ids) for p in group}) > 1
    for where in ("concept", "last"):
        rows, targets, sources = ceiling._tokens(group, where)
        for row, p in enumerate(group):
            mine = rows == row
            places, twin_places = (
                ([len(p.ids) - 1], [len(p.twin_ids) - 1]) if where == "last" else (p.places, p.twin_places)
            )
            assert ids[row, targets[mine]].tolist() == [p.ids[i] for i in places]
            assert twin_ids[row, sources[mine]].tolist() == [p.twin_ids[i] for i in twin_places]


def test_ceilings_are_of_the_model_as_it_was(case, monkeypatch):
    """Only the subject's own is measured with the adapter on: the others are the same for every subject of a model."""
    seen, inside = [], []
    original, patched = Subject.original, ceiling.patched

    @contextmanager
    def marked(self):
        inside.append(True)
        with original(self):
            yield
        inside.pop()

    def watched(*args, **options):
        seen.append((options.get("spliced", False), bool(inside)))
        return patched(*args, **options)

    monkeypatch.setattr(Subject, "original", marked)
    monkeypatch.setattr(ceiling, "patched", watched)
    figures(case)
    assert seen == [(False, True), (False, True), (True, False)]


def test_places_are_compared_on_other_pairs_than_those_judged(case):
    """Without its test problems a case keeps nothing to judge; without validation problems, nothing to choose by."""
    for split in ("valid", "test"):
        (row,) = ceiling.run(replace(case, blocks=[b for b in case.blocks if b.split != split]), SETTINGS)
        assert row.value is None and f"the {split} split" in row.note


def test_nothing_of_the_network_changes(case):
    """After the question every weight is as before and no hook is left."""
    before = [p.clone() for p in case.subject.lm.network.parameters()]
    figures(case)
    assert all(torch.equal(a, b) for a, b in zip(before, case.subject.lm.network.parameters()))
    assert not any(m._forward_hooks for m in case.subject.lm.network.modules())


def test_not_applicable(case):
    """No values, or no prompt to change: one row that says so."""
    once = [replace(b, mentions=b.mentions[:1]) for b in case.blocks]
    for changed, why in (
        (replace(case, concepts=no_concepts(case.subject)), "0 value(s)"),
        (replace(case, blocks=once), "twice"),
    ):
        (row,) = ceiling.run(changed, SETTINGS)
        assert row.value is None and why in row.note
