"""The patch ceiling in a model in which it is known where the name is, and the place that it chooses."""

from dataclasses import replace

import pytest
import torch

from sieve.features import ceiling
from sieve.features.ceiling import Ceiling, asked, ceilings, mentioned, place_of
from sieve.features.concepts import surfaces
from sieve.features.counterfactual import pairs
from sieve.features.place import Place
from sieve.model.families import SiteError
from sieve.text.blocks import Mention
from tests.planted import DIGITS, WORDS, planted_blocks, planted_lm


@pytest.fixture(scope="module")
def network():
    """The planted model, which reads names at their mentions up to layer 0 and at the last token from layer 1 on."""
    return planted_lm()


@pytest.fixture(scope="module")
def telling():
    """Its problems with two more concepts: the digit, which the solution repeats, and a thing, which it doesn't."""
    return [replace(b, mentions=(*b.mentions, *_others(b))) for b in planted_blocks()]


def _others(block):
    words = [WORDS[i] for i in block.ids]
    marks = [Mention("digit", word, i, i) for i, word in enumerate(words) if word in DIGITS]
    return [*marks, Mention("thing", "more" if block.answer == "1" else "coins", 4, 4)]


def measured(network, blocks, counts, kind="resid_post", batch=5):
    """What the stage measures for {concept: pairs}."""
    found = {name: asked(network, blocks, name, "valid", count) for name, count in counts.items()}
    return ceilings(network, found, kind, 4, batch, lambda *_: None)


def table(rows, concept="name"):
    """{(site, position): success} of one concept."""
    return {(r.site, r.position): r.success for r in rows if r.concept == concept}


def places(kind, *, mentions, last):
    """What `table` gives where the ceiling is known per layer."""
    layers = [(f"{kind}_{n}", where) for n in range(3) for where in ("concept", "last")]
    return dict(zip(layers, (value for both in zip(mentions, last) for value in both)))


HERE = places("resid_post", mentions=(1, 0, 0), last=(0, 1, 1))


def test_the_ceiling_says_where_the_name_is(network):
    """1 exactly where the planted model keeps the name, 0 elsewhere, for every site and position set."""
    assert table(measured(network, planted_blocks(), {"name": 12})) == HERE


def test_every_concept_has_its_ceilings(network, telling):
    """Digits, which are said later, are read where names are; for what is never said there is a reason instead."""
    assert mentioned(telling, "valid") == ["digit", "name", "thing"]
    rows = measured(network, telling, {"name": 12, "digit": 5, "thing": 5})
    assert table(rows) == table(rows, "digit") == HERE
    assert {r.n for r in rows if r.concept == "digit"} == {5}
    (thing,) = (r for r in rows if r.concept == "thing")
    assert (thing.site, thing.success, thing.n) == ("", None, 0)
    assert thing.note == "not applicable: nothing in the valid split mentions one value of 'thing' twice"


def test_what_enters_a_layer_is_a_site_of_its_own(network):
    """At the embedding layer a patch at the mentions is another prompt and succeeds, and one at the last token, which
    both prompts share, changes nothing; from then on a layer takes in what the one before gave.
    """
    rows = measured(network, planted_blocks(), {"name": 12}, "resid_pre")
    assert table(rows) == places("resid_pre", mentions=(1, 1, 0), last=(0, 0, 1))


def test_layers_are_compared_at_sites_of_one_kind(network):
    """For what the MLP adds, the ceiling is that of what the MLP adds, at every layer: here nothing."""
    rows = measured(network, planted_blocks(), {"name": 12}, "mlp_out")
    assert table(rows) == places("mlp_out", mentions=(0, 0, 0), last=(0, 0, 0))


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_batch_size_does_not_matter(network, telling, batch):
    """Prompts of different lengths and concepts are patched at their own places; no pass has more than asked for."""
    counts, sizes = {"name": 12, "digit": 5}, list[int]()
    hook = network.network.register_forward_pre_hook(
        lambda _, __, given: sizes.append(len(given["input_ids"])), with_kwargs=True
    )
    found = measured(network, telling, counts, batch=batch)
    hook.remove()
    assert found == measured(network, telling, counts)
    assert max(sizes) == batch


def test_to_say_both_names_is_no_success(network, monkeypatch):
    """The target must be said, and the source must not, as for swaps."""
    (pair,) = asked(network, planted_blocks(), "name", "valid", 1)
    for said, success in (([pair.target], True), ([pair.target, pair.source], False), ([pair.source], False)):
        ids = [WORDS.index(word) for word in said]
        monkeypatch.setattr(ceiling, "continue_ids", lambda lm, prompts, n, ids=ids: [ids for _ in prompts])
        assert ceiling.patched(network, [pair], [ceiling.Spot("resid_post_0", "last")], 4, 8) == [[success]]


def test_a_kind_that_a_network_lacks_is_refused(network, monkeypatch):
    """Before anything is generated, with the reason."""
    monkeypatch.setattr(ceiling, "sites", lambda *_: [])
    with pytest.raises(SiteError, match="there is no resid_mid in this"):
        measured(network, planted_blocks(), {"name": 12}, "resid_mid")


def test_places_in_padded_batches_are_the_mentions(lm, blocks):
    """With names of different token counts, the source's name in the prompt meets the target's in the twin."""
    train = [b for b in blocks if b.kind == "problem"]
    words = surfaces(train, "name")
    group = pairs(train, "name", words, 20)
    ids, _ = lm.pad([list(p.ids) for p in group], side="left")
    twin_ids, _ = lm.pad([list(p.twin_ids) for p in group])
    assert len({len(p.ids) - len(p.twin_ids) for p in group}) > 1
    for where in ("concept", "last"):
        rows, targets, sources = ceiling._tokens(group, where, range(len(group)))
        for row, p in enumerate(group):
            mine = rows == row
            own, twin = ([len(p.ids) - 1], [len(p.twin_ids) - 1]) if where == "last" else (p.places, p.twin_places)
            assert ids[row, targets[mine]].tolist() == [p.ids[i] for i in own]
            assert twin_ids[row, sources[mine]].tolist() == [p.twin_ids[i] for i in twin]


def test_pairs_are_of_the_split_that_is_asked_for(network):
    """Values are those of training text; whoever chooses by validation pairs has seen no test pair."""
    blocks = planted_blocks()
    docs = {split: {b.doc for b in blocks if b.split == split} for split in ("valid", "test")}
    for split, own in docs.items():
        assert {a.pair.doc for a in asked(network, blocks, "name", split, 99)} <= own
    untold = asked(network, [b for b in blocks if b.split != "train"], "name", "valid", 99)
    assert untold == "the training text names 0 value(s) of 'name'"


def test_nothing_of_the_network_changes(network):
    """After the question every weight is as before and no hook is left."""
    before = [p.clone() for p in network.network.parameters()]
    measured(network, planted_blocks(), {"name": 12})
    assert all(torch.equal(a, b) for a, b in zip(before, network.network.parameters()))
    assert not any(m._forward_hooks for m in network.network.modules())


def rows_of(**success):
    """Ceilings of a concept over five layers, e.g. last=(0, 0, .5, 0, 0)."""
    return [
        Ceiling("name", f"resid_post_{layer}", where, value, max(0.0, value - 0.04), min(1.0, value + 0.04), 10)
        for where, values in success.items()
        for layer, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("success", "site", "position"),
    [
        ({"concept": (0.9, 0, 0, 0, 0), "last": (0, 0, 0.5, 0.8, 0.8)}, "resid_post_0", "concept"),
        ({"concept": (0.7, 0, 0, 0, 0), "last": (0, 0, 0.5, 0.8, 0.8)}, "resid_post_3", "last"),
        ({"concept": (1, 1, 1, 1, 1), "last": (0, 0, 1, 1, 1)}, "resid_post_2", "concept"),
        ({"concept": (1, 1, 0, 1, 1), "last": (0, 0, 0, 1, 1)}, "resid_post_1", "concept"),
        ({"concept": (0, 0, 0, 0, 0), "last": (0, 1, 0, 1, 1)}, "resid_post_1", "last"),
        ({"concept": (1, 0, 0.97, 0, 0), "last": (0, 0, 0.95, 0, 0)}, "resid_post_2", "concept"),
        ({"concept": (1, 0, 0.95, 0, 0), "last": (0, 0, 0.95, 0, 0)}, "resid_post_0", "concept"),
    ],
)
def test_the_highest_ceiling_chooses(success, site, position):
    """Of equals the one nearest to the middle, then the earlier, then the mentions. What lies in its interval is equal.

    Here intervals reach .04 to both sides.
    """
    place, found = place_of(rows_of(**success), "name", "resid_post", "highest")
    assert place == Place("name", site, position)
    assert (found.site, found.position) == (site, position)
    assert found.success == success[position][int(site[-1])]


def test_a_choice_may_be_made_in_part_or_altogether():
    """A site that is named has the better of its positions, a position the best of its sites; both are as given."""
    rows = rows_of(concept=(0.9, 0.2, 0), last=(0.1, 0.3, 0.8))
    assert place_of(rows, "name", "resid_post_1", "highest")[0].position == "last"
    assert place_of(rows, "name", "resid_post", "last")[0].site == "resid_post_2"
    place, found = place_of(rows, "name", "resid_post_0", "last")
    assert place == Place("name", "resid_post_0", "last") and found.success == 0.1
    assert place_of([], "name", "mlp_out_1", "last") == (Place("name", "mlp_out_1", "last"), None)


@pytest.mark.parametrize(("site", "position"), [("resid_post", "last"), ("resid_post_0", "highest")])
def test_without_a_ceiling_there_is_nothing_to_choose_by(site, position):
    """The message says why there is none, or that it is 0 wherever one could go, and what can be said instead."""
    none = [Ceiling("name", note="not applicable: nothing mentions one value of 'name' twice")]
    flat = rows_of(concept=(0, 0, 0), last=(0, 0, 0))
    for rows, why in (
        (none, "nothing mentions one value of 'name' twice"),
        ([], "no pairs were asked for"),
        (flat, "of 10 pairs none turns at any of"),
    ):
        with pytest.raises(ValueError, match=rf"no place to turn 'name' at: {why}.*; name another .* place yourself"):
            place_of(rows, "name", site, position)
    assert place_of(flat, "name", "resid_post_0", "last")[1].success == 0


def test_a_place_is_read_as_it_was_written(tmp_path):
    """JSON there and back; what holds something else is refused by its name."""
    place = Place("name", "resid_post_1", "last")
    place.save(tmp_path / "place.json")
    assert Place.load(tmp_path / "place.json") == place
    (tmp_path / "other.json").write_text('{"kind": "concepts"}')
    with pytest.raises(ValueError, match=r"other\.json names no place"):
        Place.load(tmp_path / "other.json")
